/* The scan that stands before cJSON: a full RFC 8259 validator on bytes, and the positions of all values in
 * the order of the text. Private to json*.c. */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* One value of the text, in the order in which a walk through the tree meets them. */
struct json_entry {
    const void *item;      /* filled in by the walk */
    uint32_t line, column; /* from 1; of the key where there is one */
    uint32_t value;        /* offset of the value */
    uint32_t number_len;   /* length of a number's literal, 0 for all else */
};

struct json_scan {
    const unsigned char *text; /* as given; not necessarily NUL-terminated */
    size_t len, at;
    bool comments;
    enum err_kind kind;
    struct err *err;
    char *copy; /* of the text, NUL-terminated: what cJSON is to read */
    struct json_entry *entries;
    size_t count, room;
    const unsigned char **keys; /* behind their opening quotes, of all open objects */
    size_t key_count, key_room;
    size_t depth;
    size_t line, column, counted; /* position of byte `counted`, for the entries */
};

/* Validates the text that text, len, comments, kind, err and copy describe (all else zero). Fills entries;
 * makes the copy fit for cJSON: comments become spaces, numbers longer than cJSON's buffer shorter ones of
 * the same value. entries belong to the caller on failure too. */
bool json_scan(struct json_scan *s) MUST_CHECK;

/* ---- tokens (json_token.c) ---- */

/* Both expect s->at at the first character of the token and leave it behind the last one. */
bool json_scan_string(struct json_scan *s) MUST_CHECK;
bool json_scan_number(struct json_scan *s) MUST_CHECK;

/* The next character of a valid string, escapes undone; -1 at the closing quote. */
int32_t json_next_character(const unsigned char **p);

/* ---- messages (json_token.c) ---- */

/* Fails with "LINE:COLUMN: ...", the position of byte at. */
bool json_fail(struct json_scan *s, size_t at, const char *format, ...) PRINTF_LIKE(3, 4);

void json_place(const struct json_scan *s, size_t at, size_t *line, size_t *column);

/* What stands at s->at, for "found ...". Returns buf. */
enum { JSON_FOUND = 64 };
const char *json_found(const struct json_scan *s, char buf[JSON_FOUND]);

/* The length of the word (letters, digits, _ and $) at byte at; 0 where there is none. */
size_t json_word_length(const struct json_scan *s, size_t at);

/* Fails because of the word at byte at, which is no JSON value, and says what was probably meant. */
bool json_fail_word(struct json_scan *s, size_t at, size_t len);

#endif
