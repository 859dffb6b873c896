/* Pieces of work that a team shares out: each member has a range of its own, the same in every round, so that
 * what it wrote last time is still in its cache; who is done helps the others. */
#ifndef BASE_WORK_H
#define BASE_WORK_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* How far a member's range is done; a cache line of its own. */
struct work_range {
    alignas(64) atomic_size_t next;
};

/* One round of `count` pieces for `size` members. */
struct work {
    struct work_range *range; /* [size], owned */
    size_t size, count;
};

/* Release with work_release. */
bool work_init(struct work *work, size_t size, struct err *err) MUST_CHECK;
void work_release(struct work *work); /* zero is fine */

/* Begins a round; not while another one is on. */
void work_begin(struct work *work, size_t count);

/* The next piece for the member `rank`. *helped begins as 0 and counts the ranges that are used up. False
 * when nothing is left. */
static inline bool work_take(struct work *work, size_t rank, size_t *helped, size_t *piece) {
    for (; *helped < work->size; ++*helped) {
        size_t of = (rank + *helped) % work->size;
        size_t at = atomic_fetch_add_explicit(&work->range[of].next, 1, memory_order_relaxed);
        if (at < work->count * (of + 1) / work->size) {
            *piece = at;
            return true;
        }
    }
    return false;
}

#endif
