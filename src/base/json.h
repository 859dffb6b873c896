/* Strict JSON over cJSON. cJSON alone accepts duplicate keys, trailing text, 01, raw newlines, invalid UTF-8
 * and 1e999; a scan of our own (RFC 8259) refuses them with line and column before cJSON sees the text. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

enum { JSON_MAX_BYTES = 1 << 20, JSON_MAX_DEPTH = 64 };

/* A parsed document; opaque because the positions belong to the tree. The items' kinds are asked for with
 * cJSON_Is...: the type field carries a mark of ours. */
struct json;

struct json_options {
    bool comments;    /* accept // and slash-star comments as white space */
    size_t max_bytes; /* larger texts are refused (0: JSON_MAX_BYTES) */
};

/* Parses len bytes of text. On failure NULL, and err says "LINE:COLUMN: what is wrong" (both from 1, columns
 * in characters) with the given kind; the caller adds the file. Numbers must be finite in double precision.
 * Release with json_free. */
struct json *json_parse(const char *text, size_t len, struct json_options options, enum err_kind kind,
                        struct err *err) MUST_CHECK;
void json_free(struct json *doc);
cJSON *json_root(struct json *doc);

/* Line and column (from 1) of an item of the parsed document: where its key starts if it has one, else its
 * value. false for items that were added afterwards. */
bool json_position(const struct json *doc, const cJSON *item, size_t *line, size_t *column);

/* The literal text of a number item as it stood in the document (so that a 64-bit integer keeps its digits),
 * or NULL for other items and added ones. */
const char *json_number_text(const struct json *doc, const cJSON *item);

/* ---- trees ---- */

/* The item that a path such as "test.per_class.3.recall" leads to, NULL: there is none. */
const cJSON *json_at(const cJSON *root, const char *path);

/* Where two trees differ first, in the order of a: the path, and what each has there (NULL: nothing). */
struct json_difference {
    struct text path;
    const cJSON *a, *b;
};

/* Whether they differ anywhere but in the members that the list, which ends with NULL, names, at any depth;
 * the order of members does not count. Fills *found, to be released in either case; its text remembers an
 * exhausted memory. */
bool json_differ(const cJSON *a, const cJSON *b, const char *const *ignored, struct json_difference *found);
void json_difference_release(struct json_difference *found);

/* Whether s is an integer in decimal, without fraction or exponent, that fits uint64_t. */
bool json_uint64(const char *s, uint64_t *value);

/* ---- writing ---- */

/* Builds JSON text into a struct text. indent 0: one line with ", " and ": ". Errors of memory live in the
 * text. */
struct json_writer {
    struct text *out;
    int indent;
    int depth;
    bool need_comma;         /* private */
    bool after_key;          /* private */
    unsigned long long flat; /* private: a bit per depth, set in lists written on one line */
};

void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_begin_flat_array(struct json_writer *w); /* on one line whatever the indent */
void json_end_array(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
void json_string(struct json_writer *w, const char *s);
/* The shortest of %.15g, %.16g, %.17g that reads back to the same double; NaN and infinities become
 * strings. */
void json_number(struct json_writer *w, double value);
/* The shortest of %.6g to %.9g that reads back to the same float. */
void json_float(struct json_writer *w, float value);
void json_uint(struct json_writer *w, uint64_t value);
void json_bool(struct json_writer *w, bool value);
void json_null(struct json_writer *w);
/* A key and its value. */
void json_put_string(struct json_writer *w, const char *key, const char *value);
void json_put_number(struct json_writer *w, const char *key, double value);
void json_put_uint(struct json_writer *w, const char *key, uint64_t value);
void json_put_bool(struct json_writer *w, const char *key, bool value);
/* A list on one line. */
void json_put_numbers(struct json_writer *w, const char *key, const double *values, size_t count);
/* A parsed tree, as it is. */
void json_tree(struct json_writer *w, const cJSON *item);

/* The same shortest forms into buf (at least 32 bytes); returns buf. */
const char *json_format_number(double value, char *buf);

#endif
