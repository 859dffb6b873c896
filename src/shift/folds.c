#include <stdlib.h>

#include "base/mem.h"
#include "kernel/random.h"
#include "shift/crossfit.h"

struct keyed_row {
    uint64_t key;
    uint32_t row, position, cls;
};

/* By class, then by key, ties by row. */
static int compare(const void *a, const void *b) {
    const struct keyed_row *p = a, *q = b;
    if (p->cls != q->cls)
        return p->cls < q->cls ? -1 : 1;
    if (p->key != q->key)
        return p->key < q->key ? -1 : 1;
    return (p->row > q->row) - (p->row < q->row);
}

/* Shuffled within their classes, the rows are dealt out in turn, without a break between the classes: so both
 * a class and the whole go into shares that differ by at most one row. */
bool folds_draw(const struct data_part *part, const uint32_t *cls, size_t folds, uint64_t seed,
                uint32_t *fold, struct err *err) {
    struct keyed_row *keyed = mem_alloc(part->count, sizeof *keyed, "the folds", err);
    if (!keyed)
        return false;
    for (size_t i = 0; i < part->count; i++) {
        uint32_t row = data_row(part, i);
        keyed[i] = (struct keyed_row){random_word(random_philox(seed, STREAM_FOLDS, 0, row, 0), 0), row,
                                      (uint32_t)i, cls ? cls[row] : 0};
    }
    qsort(keyed, part->count, sizeof *keyed, compare);
    for (size_t i = 0; i < part->count; i++)
        fold[keyed[i].position] = (uint32_t)(i % folds);
    mem_free(keyed);
    return true;
}
