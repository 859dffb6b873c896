/* Reading a JSON tree into structs by the table of keys, private to this room. Nothing stops at the first
 * fault: all are collected with their places and put in order at the end. */
#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "config/config.h"
#include "config/keys.h"

/* One --set. */
struct override {
    const char *text; /* PATH=VALUE, borrowed */
    const char *value;
    char *path;
    const cJSON *item; /* the topmost item it put into the tree, NULL while it has none */
};

struct fault {
    size_t source; /* 0: the file; i + 1: override i */
    size_t line, column;
    size_t number; /* in the order of finding */
    char *text;    /* with its prefix */
};

struct reader {
    const char *file;   /* as it is named in messages */
    const char *folder; /* of the file's relative paths */
    const char *root;   /* data.root once it is read, or NULL */
    const struct json *doc;
    bool model_only; /* only the keys of the model file are known */

    struct override *overrides;
    size_t override_count;
    cJSON *dropped; /* items that overrides replaced: kept, so that no other item gets their address */

    struct fault *faults;
    size_t fault_count, fault_room;

    bool failed; /* the machine failed (memory, working directory): `system` says how, reading goes on to no
                    effect */
    struct err system;
};

/* Where the reader is: a chain up to the root on the stack. */
struct place {
    const struct place *up; /* NULL: the root */
    const char *name;       /* of an object's key, or NULL: element `index` of a list */
    size_t index;
    const cJSON *item;             /* NULL: missing */
    const struct override *origin; /* NULL: the file */
};

/* The place of a key or element of `up`, an override's own item recognised. */
struct place place_in(const struct reader *r, const struct place *up, const char *name, size_t index,
                      const cJSON *item);

/* The literal text of the number at a place, or NULL where there is none. */
const char *place_number(const struct reader *r, const struct place *at);

/* Remembers a failure of the machine; always returns false. */
bool reader_fail(struct reader *r, const struct err *err);

/* The string of a text; "" and a failure remembered where memory was exhausted. */
const char *reader_text(struct reader *r, const struct text *t);

/* Takes the object that key describes from the tree at `at` into spec, which key_reset has filled with
 * defaults. */
bool reader_object(struct reader *r, const struct place *at, const struct key *key, void *spec);

/* ---- faults.c ---- */

/* "FILE:LINE:COLUMN: PATH: sentence", or "--set TEXT: PATH: sentence" without the path where it is the
 * override's own. Always returns false. */
bool fault_at(struct reader *r, const struct place *at, const char *format, ...) PRINTF_LIKE(3, 4);

/* "must be ..., got ... (default ...)". Always returns false. */
bool fault_value(struct reader *r, const struct place *at, const struct key *key);

/* A fault of an override itself: "--set TEXT: sentence". Always returns false. */
bool fault_override(struct reader *r, const struct override *o, const char *format, ...) PRINTF_LIKE(3, 4);

/* A fault that is only a sentence (an unreadable file, a syntax error). Always returns false. */
bool fault_plain(struct reader *r, const char *sentence);

/* Appends s between quotes as JSON shows it, cut after about 60 bytes. */
void fault_quote(struct text *out, const char *s);

/* Moves all faults, in order, to out, and the first to err. */
void faults_finish(struct reader *r, enum err_kind kind, struct config_faults *out, struct err *err);

/* Frees what the reader owns. */
void reader_release(struct reader *r);

/* ---- override.c ---- */

/* Puts VALUE of every PATH=VALUE into the tree; faults are collected. */
void overrides_apply(struct reader *r, cJSON *root, const char *const *texts, size_t count);

#endif
