#include "base/work.h"

#include "base/mem.h"

bool work_init(struct work *work, size_t size, struct err *err) {
    struct work_range *range = mem_alloc_aligned(size, sizeof *range, "the sharing of work", err);
    if (!range)
        return false;
    *work = (struct work){range, size, 0};
    work_begin(work, 0);
    return true;
}

void work_release(struct work *work) {
    mem_free(work->range);
    *work = (struct work){0};
}

void work_begin(struct work *work, size_t count) {
    work->count = count;
    for (size_t i = 0; i < work->size; i++)
        atomic_store_explicit(&work->range[i].next, count * i / work->size, memory_order_relaxed);
}
