/* Errors as values. A fallible function returns bool and, on failure, has filled the caller's struct err with
 * one complete sentence; callers add the file or key on the way up; only cli/ prints.
 * Invariant: on success err is untouched. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

#define MUST_CHECK             __attribute__((warn_unused_result))
#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))

/* The values are the process's exit statuses. */
enum err_kind {
    ERR_NONE = 0,
    ERR_USAGE = 2,    /* command line */
    ERR_CONFIG = 3,   /* config: message names the JSON path */
    ERR_DATA = 4,     /* data or model file: message names file, offset or row, expected and found */
    ERR_DIVERGED = 5, /* loss or parameters not finite */
    ERR_SYSTEM = 6,   /* cannot write, disk full, out of memory */
};

struct err {
    enum err_kind kind;
    char text[1024]; /* one line, no final full stop, no newline; cut at a character boundary when too long */
};

/* Fills err; always returns false, so that a caller can write: return err_set(...). */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts context in front of the text: "context: text". Always returns false. */
bool err_prefix(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
