#include "base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for more bytes and the NUL behind them; once that has failed, nothing is added any more. */
static bool reserve(struct text *t, size_t more) {
    if (t->failed)
        return false;
    if (more < t->cap - t->len) /* cap is 0, or larger than len */
        return true;
    size_t cap = t->cap < 64 ? 64 : t->cap;
    while (cap - t->len <= more) {
        if (cap > PTRDIFF_MAX / 2) {
            t->failed = true;
            return false;
        }
        cap *= 2;
    }
    char *s = realloc(t->s, cap);
    if (s == NULL) {
        t->failed = true;
        return false;
    }
    t->s = s;
    t->cap = cap;
    return true;
}

void text_add_bytes(struct text *t, const void *bytes, size_t len) {
    if (!reserve(t, len))
        return;
    if (len > 0)
        memcpy(t->s + t->len, bytes, len);
    t->len += len;
    t->s[t->len] = '\0';
}

void text_add(struct text *t, const char *s) {
    text_add_bytes(t, s, strlen(s));
}

void text_addf(struct text *t, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    if (len < 0)
        t->failed = true; /* vsnprintf fails only where its own memory does */
    else if (reserve(t, (size_t)len)) {
        vsnprintf(t->s + t->len, (size_t)len + 1, format, again);
        t->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
}

void text_reset(struct text *t) {
    t->len = 0;
    t->failed = false;
    if (t->s != NULL)
        t->s[0] = '\0';
}

void text_release(struct text *t) {
    free(t->s);
    *t = (struct text){0};
}

bool text_ok(const struct text *t, struct err *err) {
    if (t->failed)
        return err_set(err, ERR_SYSTEM, "out of memory: cannot extend a text of %zu bytes", t->len);
    return true;
}
