/* Growable text. Appending never fails at once: an exhausted memory is remembered and reported by text_ok, so
 * that writers need one check. Zero-initialise: struct text t = {0}; s is NULL until something is added and
 * NUL-terminated from then on. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>

#include "base/err.h"

struct text {
    char *s;
    size_t len, cap;
    bool failed;
};

void text_add(struct text *t, const char *s);
void text_add_bytes(struct text *t, const void *bytes, size_t len);
void text_addf(struct text *t, const char *format, ...) PRINTF_LIKE(2, 3);
void text_reset(struct text *t); /* empties, keeps the memory */
void text_release(struct text *t);

/* false and ERR_SYSTEM when any append ran out of memory. */
bool text_ok(const struct text *t, struct err *err) MUST_CHECK;

#endif
