/* Heap memory with overflow-checked sizes and errors as values. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#include "base/err.h"

enum { MEM_ALIGN = 64 };

/* count * size zeroed bytes, at least one. `what` names the thing in the message ("the training images").
 * On overflow or exhaustion: NULL and ERR_SYSTEM with the size asked for. Release with mem_free. */
void *mem_alloc(size_t count, size_t size, const char *what, struct err *err) MUST_CHECK;

/* The same, aligned to MEM_ALIGN bytes; large blocks ask for huge pages. Release with mem_free. */
void *mem_alloc_aligned(size_t count, size_t size, const char *what, struct err *err) MUST_CHECK;

/* Whether count * size bytes are at all to be had on this machine; false with ERR_SYSTEM where the memory of
 * machine and container together is smaller. Every allocation asks it; ask it for a sum of several before the
 * first of them, as a system that overcommits would hand them all out and kill the process later. */
bool mem_check(size_t count, size_t size, const char *what, struct err *err) MUST_CHECK;

/* A copy of the string; NULL and ERR_SYSTEM when memory is exhausted. Release with mem_free. */
char *mem_string(const char *s, struct err *err) MUST_CHECK;

void mem_free(void *p); /* NULL is fine */

/* *out = a * b, or false where the product does not fit. */
bool mem_mul(size_t a, size_t b, size_t *out) MUST_CHECK;

#endif
