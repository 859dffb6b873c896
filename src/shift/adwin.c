#include "shift/adwin.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/dmath.h"

/* Samples that came one after the other. */
struct bucket {
    double count, sum;
    double squares; /* sum of the squared deviations from their mean */
};

/* Buckets of row r have 2^r samples: more rows than any stream fills. */
enum { ROWS = 40 };

struct adwin {
    struct adwin_spec spec;
    size_t samples; /* since the beginning, for the clock */
    size_t rows;    /* that have buckets */
    size_t held[ROWS];
    struct bucket *bucket; /* [ROWS][max_buckets + 1], a row from old to new; later rows are older */
};

static size_t row_size(const struct adwin *adwin) {
    return adwin->spec.max_buckets + 1;
}

static struct bucket *row_of(const struct adwin *adwin, size_t row) {
    return adwin->bucket + row * row_size(adwin);
}

struct adwin *adwin_create(const struct adwin_spec *spec, struct err *err) {
    struct adwin *adwin = mem_alloc(1, sizeof *adwin, "the drift detector", err);
    if (!adwin)
        return NULL;
    adwin->spec = *spec;
    adwin->bucket = mem_alloc(ROWS * row_size(adwin), sizeof *adwin->bucket, "the drift detector", err);
    if (!adwin->bucket) {
        mem_free(adwin);
        return NULL;
    }
    return adwin;
}

void adwin_free(struct adwin *adwin) {
    if (!adwin)
        return;
    mem_free(adwin->bucket);
    mem_free(adwin);
}

void adwin_reset(struct adwin *adwin) {
    adwin->samples = adwin->rows = 0;
    memset(adwin->held, 0, sizeof adwin->held);
}

/* ---- the window ---- */

/* Chan, Golub and LeVeque's (1979) update of the squared deviations. */
static struct bucket merge(struct bucket a, struct bucket b) {
    if (a.count == 0)
        return b;
    double gap = a.sum / a.count - b.sum / b.count;
    return (struct bucket){a.count + b.count, a.sum + b.sum,
                           a.squares + b.squares + gap * gap * a.count * b.count / (a.count + b.count)};
}

static void drop_oldest_of(struct adwin *adwin, size_t row, size_t count) {
    struct bucket *b = row_of(adwin, row);
    adwin->held[row] -= count;
    memmove(b, b + count, adwin->held[row] * sizeof *b);
}

static void append(struct adwin *adwin, size_t row, struct bucket bucket) {
    row_of(adwin, row)[adwin->held[row]++] = bucket;
    if (row >= adwin->rows)
        adwin->rows = row + 1;
}

/* A row that has one bucket too many hands its two oldest to the next one, as one. */
static void insert(struct adwin *adwin, double value) {
    append(adwin, 0, (struct bucket){1, value, 0});
    for (size_t row = 0; row + 1 < ROWS && adwin->held[row] > adwin->spec.max_buckets; row++) {
        const struct bucket *b = row_of(adwin, row);
        append(adwin, row + 1, merge(b[0], b[1]));
        drop_oldest_of(adwin, row, 2);
    }
}

static void drop_oldest(struct adwin *adwin) {
    drop_oldest_of(adwin, adwin->rows - 1, 1);
    while (adwin->rows > 0 && adwin->held[adwin->rows - 1] == 0)
        adwin->rows--;
}

static struct bucket whole(const struct adwin *adwin) {
    struct bucket all = {0};
    for (size_t row = adwin->rows; row-- > 0;)
        for (size_t i = 0; i < adwin->held[row]; i++)
            all = merge(all, row_of(adwin, row)[i]);
    return all;
}

/* ---- the test ---- */

/* A cut between an older and a newer part of the window. */
struct cut {
    bool found, rise; /* by delta */
    bool warning;     /* a rise by the level of warnings */
};

/* Bifet and Gavalda's bound on the difference of two means, with the variance of the window (their (3.1)); a
 * part counts min_window - 1 samples less, as in their program. */
static double bound(double reciprocal, const struct bucket *all, double delta) {
    double confidence = dmath_log(2 * dmath_log(all->count) / delta);
    return sqrt(2 * reciprocal * (all->squares / all->count) * confidence) +
           2.0 / 3 * reciprocal * confidence;
}

static void try_cut(const struct adwin *adwin, const struct bucket *all, const struct bucket *old,
                    struct cut *cut) {
    const struct adwin_spec *spec = &adwin->spec;
    double least = (double)spec->min_window, count = all->count - old->count;
    if (old->count < least || count < least)
        return;
    double reciprocal = 1 / (old->count - least + 1) + 1 / (count - least + 1);
    double rise = (all->sum - old->sum) / count - old->sum / old->count;
    cut->found = fabs(rise) > bound(reciprocal, all, spec->delta);
    cut->rise = cut->found && rise > 0;
    cut->warning = cut->warning || rise > bound(reciprocal, all, spec->warning);
}

/* From old to new, up to the first cut by delta. */
static struct cut find_cut(const struct adwin *adwin) {
    const struct bucket all = whole(adwin);
    struct bucket old = {0};
    struct cut cut = {0};
    for (size_t row = adwin->rows; row-- > 0 && !cut.found;)
        for (size_t i = 0; i < adwin->held[row] && !cut.found; i++) {
            const struct bucket *b = &row_of(adwin, row)[i];
            old.count += b->count;
            old.sum += b->sum;
            try_cut(adwin, &all, &old, &cut);
        }
    return cut;
}

static size_t width(const struct adwin *adwin) {
    size_t samples = 0;
    for (size_t row = 0; row < adwin->rows; row++)
        samples += adwin->held[row] << row;
    return samples;
}

/* As long as there is a cut the oldest bucket goes. */
enum drift_level adwin_note(struct adwin *adwin, double error) {
    enum drift_level level = DRIFT_NONE;
    insert(adwin, error);
    if (++adwin->samples % adwin->spec.clock != 0)
        return DRIFT_NONE;
    while (width(adwin) > adwin->spec.grace) {
        struct cut cut = find_cut(adwin);
        if (cut.rise)
            level = DRIFT_DRIFT;
        else if (cut.warning && level == DRIFT_NONE)
            level = DRIFT_WARNING;
        if (!cut.found)
            break;
        drop_oldest(adwin);
    }
    return level;
}

/* A bucket is three numbers without padding. */
_Static_assert(sizeof(struct bucket) == 3 * sizeof(double), "buckets are put aside as numbers");

void adwin_snapshot(struct adwin *adwin, struct snapshot *s) {
    snapshot_size(s, "samples", &adwin->samples, SIZE_MAX);
    snapshot_size(s, "rows", &adwin->rows, ROWS);
    snapshot_sizes(s, "held", adwin->held, ROWS, adwin->spec.max_buckets);
    snapshot_doubles(s, "buckets", (double *)adwin->bucket, 3 * ROWS * row_size(adwin));
}
