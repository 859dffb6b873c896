/* The table of keys, private to this room: one row a key, from which defaults, parsing, bounds, messages,
 * printing, the JSON Schema, help and reference are made. A new key is one row in keys.c; a new sort of value
 * is one struct key_type in key_text.c, key_number.c, key_choice.c, key_column.c or key_expect.c.
 *
 * Tables nest as the JSON does: the row of an object (or list) points to the rows of its keys, and every
 * offset counts from the struct that the enclosing object fills. */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "base/names.h"
#include "base/text.h"

enum key_flag {
    KEY_REQUIRED = 1,  /* no default: must be given */
    KEY_OPTIONAL = 2,  /* no default: may be left out */
    KEY_NULL = 4,      /* null means "not given" and is the default, unless `complete` sets another one */
    KEY_ABOVE = 8,     /* min itself is not allowed */
    KEY_BELOW = 16,    /* max itself is not allowed */
    KEY_ROOT = 32,     /* the folder of the paths in the rows behind it */
    KEY_NONEMPTY = 64, /* an object that holds at least one key */
    KEY_MODEL = 128,   /* goes into the model file, with all that is inside */
    KEY_SWITCH = 256, /* of an object that may be null: its struct begins with a bool that says it is given */
    KEY_MAY_CHANGE = 512, /* when a run goes on, with all that is inside; paths may anyway */
    KEY_MAY_GROW = 1024,  /* the same, of a size, upwards */
};

enum { KEY_ROWS_MAX = 64 }; /* rows of one object: the reader keeps a bit for each */

struct key;
struct reader;
struct place;

/* A sort of value. `field` points to the C type that is named beside each below. */
struct key_type {
    bool string; /* its values are strings in JSON */
    /* What may stand there, as a phrase behind "must be" or in a list. */
    void (*allowed)(const struct key *key, struct text *out);
    /* Takes the value at `at`, or reports the fault and returns false. */
    bool (*read)(struct reader *r, const struct place *at, const struct key *key, void *field);
    /* Takes a null that may stand there; NULL: the default stays. */
    void (*clear)(void *field);
    /* Sets the default; NULL: zeroed memory is right. */
    void (*reset)(const struct key *key, void *field);
    /* Whether the field holds a value; NULL: always. */
    bool (*given)(const struct key *key, const void *field);
    /* NULL: never printed. */
    void (*print)(const struct key *key, const void *field, struct json_writer *w);
    /* The members of the value's JSON Schema (an object that stands open). */
    void (*schema)(const struct key *key, struct json_writer *w);
    /* NULL: owns nothing. */
    void (*release)(void *field);
};

extern const struct key_type key_ignored;       /* a string that nobody reads */
extern const struct key_type key_name;          /* char *: a plain file name */
extern const struct key_type key_path;          /* char *: a file or folder, absolute once read */
extern const struct key_type key_bool;          /* bool */
extern const struct key_type key_switch;        /* int: 0, 1; -1: not given (a KEY_NULL) */
extern const struct key_type key_size;          /* size_t */
extern const struct key_type key_index;         /* long; -1: not given */
extern const struct key_type key_seed;          /* uint64_t */
extern const struct key_type key_real;          /* double */
extern const struct key_type key_choice;        /* int */
extern const struct key_type key_classes;       /* struct data_spec: class_count and class_names */
extern const struct key_type key_column;        /* struct columns: of one */
extern const struct key_type key_columns;       /* struct columns */
extern const struct key_type key_delimiter;     /* int: a character; 0: not given (a KEY_NULL) */
extern const struct key_type key_betas;         /* double [2] */
extern const struct key_type key_class_weights; /* struct loss_spec: balanced, class_weight, class_weights */
extern const struct key_type key_expect;        /* struct expect_spec */
extern const struct key_type key_object;        /* rows within; handled by those who walk the table */
extern const struct key_type key_list;          /* of objects; pointer and size_t; likewise */

struct key {
    const char *name; /* within its object; NULL ends a table */
    const struct key_type *type;
    size_t offset;

    const struct key *rows;     /* of an object, of each element of a list */
    size_t count_offset, bytes; /* of a list: where its length stands; bytes of one element */

    unsigned flags;
    double min, max; /* of numbers; of a list's length */
    double fallback; /* default of a number or bool */

    name_of *choices;
    int (*kind_of)(size_t i); /* the number stored for choice i; NULL: i itself */
    const char *choice;       /* default of a choice */
    const char *computed;     /* the default in words, where other values decide; `complete` sets it */
    int (*computes)(
        int kind); /* of a choice: that default, by the kind of `with`, where that alone decides */

    const char *with;          /* neighbour (a choice) that decides whether this key may be given; a neighbour
                                * that decides about that one decides about this key, too */
    bool (*applies)(int kind); /* for these values of it */
    const char *together;      /* neighbour that must be given as well */
    const char *apart;         /* neighbour that must not be given as well */
    const char *either;        /* neighbour that must be given where this key is not */

    /* Of an object or list element, after its keys: fills computed defaults. */
    void (*complete)(void *spec);
    /* Of an object: NULL, or the sentence that is wrong with it and the key to blame. */
    const char *(*check)(const void *spec, const char **name);

    const char *help; /* one sentence */
    const char *unit; /* of a number, or NULL */
};

/* The whole config, as the row of an object that fills struct config. */
extern const struct key key_root;

/* The row of that name, NULL if there is none; a table may be NULL. */
const struct key *key_find(const struct key *rows, const char *name);

/* Whether the key, or one inside it, goes into the model file. */
bool key_in_model(const struct key *key);

/* Sets defaults of all rows, objects within included. */
void key_reset(const struct key *rows, void *spec);

/* Fills computed defaults of an object that is not given, and of those within. */
void key_complete(const struct key *key, void *spec);

/* Frees what the rows own and zeroes it. */
void key_release(const struct key *rows, void *spec);

/* Whether the key has a value in spec, and whether its neighbours have a use for one. */
bool key_given(const struct key *key, const void *spec);
bool key_meant(const struct key *rows, const struct key *key, const void *spec);

/* The stored number of a choice, and its name (NULL for a number that is no choice). */
int key_choice_kind(const struct key *key, size_t i);
const char *key_choice_name(const struct key *key, int kind);

/* "an integer from 1 to 10, or null". */
void key_allowed(const struct key *key, struct text *out);

/* The default as JSON, or in words where it is computed; false (nothing written) where there is none. */
bool key_default(const struct key *key, struct text *out);
bool key_has_plain_default(const struct key *key);
void key_print_default(const struct key *key, struct json_writer *w);

/* "type" of the value's schema, "null" added where it is allowed. */
void key_schema_type(const struct key *key, struct json_writer *w, const char *type);

/* Whether s may be the name of a run: a plain file name that can be printed. */
bool key_name_fits(const char *s);

/* Lists behind a pointer field. */
void *key_list_items(const struct key *key, const void *spec);
size_t key_list_count(const struct key *key, const void *spec);

#endif
