#include "data/split.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "kernel/random.h"

struct keyed_row {
    uint64_t key;
    uint32_t row, group;
};

/* By group, then by key, ties by row. */
static int compare(const void *a, const void *b) {
    const struct keyed_row *p = a, *q = b;
    if (p->group != q->group)
        return p->group < q->group ? -1 : 1;
    if (p->key != q->key)
        return p->key < q->key ? -1 : 1;
    return (p->row > q->row) - (p->row < q->row);
}

/* Round half up of fraction * n. */
static size_t share(double fraction, size_t n) {
    size_t count = (size_t)floor(fraction * (double)n + 0.5);
    return count < n ? count : n;
}

/* Marks the first rows of each run of equal group in the sorted list; returns how many. */
static size_t hold_out(const struct keyed_row *sorted, size_t n, double fraction, unsigned char *held) {
    size_t total = 0;
    for (size_t begin = 0, end; begin < n; begin = end) {
        for (end = begin; end < n && sorted[end].group == sorted[begin].group;)
            end++;
        size_t count = share(fraction, end - begin);
        for (size_t i = begin; i < begin + count; i++)
            held[sorted[i].row] = 1;
        total += count;
    }
    return total;
}

bool split_rows(const struct dataset *set, double fraction, bool stratify, uint64_t seed, uint32_t **rows,
                size_t *train_count, struct err *err) {
    size_t n = set->images.rows;
    if (stratify && !set->cls)
        return err_set(err, ERR_CONFIG,
                       "data.validation.stratify: needs class labels, found floating-point targets");
    struct keyed_row *keyed = mem_alloc(n, sizeof *keyed, "the validation split", err);
    unsigned char *held = keyed ? mem_alloc(n, 1, "the validation split", err) : NULL;
    uint32_t *list = held ? mem_alloc(n, sizeof *list, "the validation split", err) : NULL;
    bool ok = list != NULL;
    if (!ok)
        goto out;
    for (size_t r = 0; r < n; r++)
        keyed[r] = (struct keyed_row){random_word(random_philox(seed, STREAM_SPLIT, 0, (uint32_t)r, 0), 0),
                                      (uint32_t)r, stratify ? set->cls[r] : 0};
    qsort(keyed, n, sizeof *keyed, compare);
    size_t validation = hold_out(keyed, n, fraction, held), kept = 0, out = n - validation;
    ok = validation > 0 && validation < n;
    if (!ok) {
        err_set(err, ERR_CONFIG, "data.validation.fraction: %g of %zu rows leaves no row for %s", fraction, n,
                validation == 0 ? "validation" : "training");
        goto out;
    }
    *train_count = out;
    for (size_t r = 0; r < n; r++)
        list[held[r] ? out++ : kept++] = (uint32_t)r;
    *rows = list;
    list = NULL;
out:
    mem_free(keyed);
    mem_free(held);
    mem_free(list);
    return ok;
}
