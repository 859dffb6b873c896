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

/* A run of equal group in the sorted list. */
struct group {
    size_t begin, count, share;
    double rest; /* of the share that is due, what its whole part leaves; below 0: can give no more */
};

/* Ties must not be decided by rounding errors, which are far below this grid. */
static double on_grid(double rest) {
    return floor(rest * 1048576 + 0.5);
}

/* The groups of the sorted list with the whole parts of their shares; returns how many groups. */
static size_t find_groups(const struct keyed_row *sorted, size_t n, double fraction, struct group *group) {
    size_t groups = 0;
    for (size_t begin = 0, end; begin < n; begin = end) {
        for (end = begin; end < n && sorted[end].group == sorted[begin].group;)
            end++;
        double due = fraction * (double)(end - begin);
        struct group g = {begin, end - begin, (size_t)floor(due), on_grid(due - floor(due))};
        if (g.share >= g.count)
            g = (struct group){begin, g.count, g.count, -1};
        group[groups++] = g;
    }
    return groups;
}

/* By the rest, the largest first, ties by position. */
static int compare_rests(const void *a, const void *b) {
    const struct group *p = a, *q = b;
    if (p->rest != q->rest)
        return p->rest > q->rest ? -1 : 1;
    return (p->begin > q->begin) - (p->begin < q->begin);
}

/* Marks the first rows of each group, in all `fraction` of the rows, rounded half up: every group gives the
 * whole part of its share, those with the largest rests one more (Hamilton's method). Returns how many
 * rows. */
static size_t hold_out(const struct keyed_row *sorted, size_t n, double fraction, struct group *group,
                       unsigned char *held) {
    size_t groups = find_groups(sorted, n, fraction, group), total = 0;
    size_t wanted = (size_t)floor(fraction * (double)n + 0.5);
    for (size_t g = 0; g < groups; g++)
        total += group[g].share;
    qsort(group, groups, sizeof *group, compare_rests);
    for (size_t g = 0; g < groups; g++) {
        if (total < wanted && group[g].rest >= 0) {
            group[g].share++;
            total++;
        }
        for (size_t i = 0; i < group[g].share; i++)
            held[sorted[group[g].begin + i].row] = 1;
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
    struct group *group = keyed ? mem_alloc(n, sizeof *group, "the validation split", err) : NULL;
    unsigned char *held = group ? mem_alloc(n, 1, "the validation split", err) : NULL;
    uint32_t *list = held ? mem_alloc(n, sizeof *list, "the validation split", err) : NULL;
    bool ok = list != NULL;
    if (!ok)
        goto out;
    for (size_t r = 0; r < n; r++)
        keyed[r] = (struct keyed_row){random_word(random_philox(seed, STREAM_SPLIT, 0, (uint32_t)r, 0), 0),
                                      (uint32_t)r, stratify ? set->cls[r] : 0};
    qsort(keyed, n, sizeof *keyed, compare);
    size_t validation = hold_out(keyed, n, fraction, group, held), kept = 0, out = n - validation;
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
    mem_free(group);
    mem_free(held);
    mem_free(list);
    return ok;
}
