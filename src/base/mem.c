#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/machine.h"

/* From this size on a block starts on a huge page's boundary and asks for huge pages: fewer TLB misses. */
enum { HUGE_PAGE = 2 << 20 };

/* From this size on it is worth asking how much memory there is. */
enum { ASK = 256 << 20 };

/* *bytes = count * size, at least 1; false with err where this machine cannot have that. */
static bool checked_size(size_t count, size_t size, const char *what, size_t *bytes, struct err *err) {
    if (!mem_mul(count, size, bytes) || *bytes > PTRDIFF_MAX - HUGE_PAGE)
        return err_set(err, ERR_SYSTEM, "out of memory: %s would need %zu times %zu bytes", what, count,
                       size);
    if (*bytes >= ASK && *bytes > machine_memory())
        return err_set(err, ERR_SYSTEM, "out of memory: %s would need %zu bytes, and this machine has %zu",
                       what, *bytes, machine_memory());
    if (*bytes == 0)
        *bytes = 1;
    return true;
}

bool mem_check(size_t count, size_t size, const char *what, struct err *err) {
    size_t bytes = 0;
    return checked_size(count, size, what, &bytes, err);
}

static void *exhausted(size_t bytes, const char *what, struct err *err) {
    err_set(err, ERR_SYSTEM, "out of memory: cannot get %zu bytes for %s", bytes, what);
    return NULL;
}

void *mem_alloc(size_t count, size_t size, const char *what, struct err *err) {
    size_t bytes = 0;
    if (!checked_size(count, size, what, &bytes, err))
        return NULL;
    void *p = calloc(1, bytes);
    return p != NULL ? p : exhausted(bytes, what, err);
}

void *mem_alloc_aligned(size_t count, size_t size, const char *what, struct err *err) {
    size_t bytes = 0;
    if (!checked_size(count, size, what, &bytes, err))
        return NULL;
    void *p;
    size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : MEM_ALIGN;
    if (posix_memalign(&p, align, bytes) != 0)
        return exhausted(bytes, what, err);
#ifdef MADV_HUGEPAGE
    if (align == HUGE_PAGE) /* a hint: without it the block is only slower */
        (void)madvise(p, bytes - bytes % HUGE_PAGE, MADV_HUGEPAGE);
#endif
    return memset(p, 0, bytes);
}

char *mem_string(const char *s, struct err *err) {
    size_t bytes = strlen(s) + 1;
    char *copy = mem_alloc(bytes, 1, "a string", err);
    return copy != NULL ? memcpy(copy, s, bytes) : NULL;
}

void mem_free(void *p) {
    free(p);
}

bool mem_mul(size_t a, size_t b, size_t *out) {
    size_t product;
    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *out = product;
    return true;
}
