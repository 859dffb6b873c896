#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "data/dataset.h"
#include "data/values.h"

enum statistics { NO_STATISTICS, OVER_ALL, PER_FEATURE };

static const struct {
    const char *name;
    enum statistics statistics;
} kinds[SCALE_COUNT] = {
    [SCALE_UNIT] = {"unit", NO_STATISTICS},
    [SCALE_STANDARDIZE] = {"standardize", OVER_ALL},
    [SCALE_STANDARDIZE_FEATURES] = {"standardize_features", PER_FEATURE},
    [SCALE_NONE] = {"none", NO_STATISTICS},
};

const char *data_scale_name(size_t i) {
    return i < SCALE_COUNT ? kinds[i].name : NULL;
}

static size_t row_at(const struct data_part *part, size_t i) {
    return part->row ? part->row[i] : i;
}

/* Writes the statistics of group g: of feature g, or of all features alike. */
static void set_group(struct scaling *scaling, size_t groups, size_t g, double mean, double variance) {
    real deviation = (real)sqrt(variance);
    size_t first = groups == 1 ? 0 : g, last = groups == 1 ? scaling->features : g + 1;
    for (size_t f = first; f < last; f++) {
        scaling->mean[f] = (real)mean;
        scaling->deviation[f] = deviation > 0 ? deviation : 1;
    }
}

/* ---- bytes: exact integer sums ---- */

__extension__ typedef unsigned __int128 wide;

/* 65536 squares of a byte fit 32 bits, whose sums need half the memory traffic of 64. */
enum { BLOCK_ROWS = 65536 };

static void add_block(const struct data_part *train, size_t begin, size_t end, uint32_t *sum,
                      uint32_t *square) {
    size_t features = train->set->features;
    for (size_t i = begin; i < end; i++) {
        const uint8_t *x = (const uint8_t *)train->set->images.values + row_at(train, i) * features;
        for (size_t f = 0; f < features; f++) {
            sum[f] += x[f];
            square[f] += (uint32_t)x[f] * x[f];
        }
    }
}

/* n S2 - S1^2 is exact in 128 bits, so mean and variance are each rounded from the true value. */
static void set_from_sums(struct scaling *scaling, size_t groups, size_t g, uint64_t n, uint64_t sum,
                          uint64_t square) {
    wide spread = (wide)n * square - (wide)sum * sum;
    set_group(scaling, groups, g, (double)sum / (double)n, (double)spread / ((double)n * (double)n));
}

static bool fit_bytes(const struct data_part *train, size_t groups, struct scaling *scaling,
                      struct err *err) {
    size_t features = scaling->features;
    uint32_t *block = mem_alloc(features, 2 * sizeof *block, "the input statistics", err);
    uint64_t *total = block ? mem_alloc(features, 2 * sizeof *total, "the input statistics", err) : NULL;
    bool ok = total != NULL;
    for (size_t begin = 0; ok && begin < train->count; begin += BLOCK_ROWS) {
        size_t end = train->count - begin < BLOCK_ROWS ? train->count : begin + BLOCK_ROWS;
        memset(block, 0, 2 * features * sizeof *block);
        add_block(train, begin, end, block, block + features);
        for (size_t i = 0; i < 2 * features; i++)
            total[i] += block[i];
    }
    uint64_t sum = 0, square = 0;
    for (size_t f = 0; ok && f < features; f++) {
        sum += total[f];
        square += total[features + f];
        if (groups > 1)
            set_from_sums(scaling, groups, f, train->count, total[f], total[features + f]);
    }
    if (ok && groups == 1)
        set_from_sums(scaling, 1, 0, (uint64_t)train->count * features, sum, square);
    mem_free(block);
    mem_free(total);
    return ok;
}

/* ---- other types: double precision, rows ascending ---- */

/* sum[g] += (x - shift[g])^power over the rows. */
static void add_powers(const struct data_part *train, size_t groups, const double *shift, int power,
                       double *sum) {
    const struct idx *images = &train->set->images;
    for (size_t i = 0; i < train->count; i++)
        for (size_t f = 0, at = row_at(train, i) * images->width; f < images->width; f++) {
            size_t g = groups == 1 ? 0 : f;
            double d = values_number(images, at + f) - shift[g];
            sum[g] += power == 1 ? d : d * d;
        }
}

/* Two passes. The first is shifted by the first row, so that a constant has exactly its value as mean, and no
 * deviation. */
static bool fit_numbers(const struct data_part *train, size_t groups, struct scaling *scaling,
                        struct err *err) {
    double n = (double)train->count * (groups == 1 ? (double)scaling->features : 1);
    double *mean = mem_alloc(groups, sizeof *mean, "the input statistics", err);
    double *sum = mean ? mem_alloc(groups, sizeof *sum, "the input statistics", err) : NULL;
    bool ok = sum != NULL;
    if (ok) {
        for (size_t g = 0; g < groups; g++)
            mean[g] = values_number(&train->set->images, row_at(train, 0) * scaling->features + g);
        add_powers(train, groups, mean, 1, sum);
        for (size_t g = 0; g < groups; g++) {
            mean[g] += sum[g] / n;
            sum[g] = 0;
        }
        add_powers(train, groups, mean, 2, sum);
        for (size_t g = 0; g < groups; g++)
            set_group(scaling, groups, g, mean[g], sum[g] / n);
    }
    mem_free(mean);
    mem_free(sum);
    return ok;
}

bool scaling_fit(int kind, const struct data_part *train, struct scaling *out, struct err *err) {
    struct scaling scaling = {.kind = kind, .features = train->set->features};
    bool ok = true;
    if (kinds[kind].statistics != NO_STATISTICS) {
        size_t groups = kinds[kind].statistics == OVER_ALL ? 1 : scaling.features;
        scaling.mean = mem_alloc_aligned(scaling.features, sizeof(real), "the input scaling", err);
        scaling.deviation =
            scaling.mean ? mem_alloc_aligned(scaling.features, sizeof(real), "the input scaling", err) : NULL;
        ok = scaling.deviation &&
             (train->set->images.type == IDX_U8 ? fit_bytes(train, groups, &scaling, err)
                                                : fit_numbers(train, groups, &scaling, err));
    }
    if (ok)
        *out = scaling;
    else
        scaling_release(&scaling);
    return ok;
}

void scaling_release(struct scaling *scaling) {
    mem_free(scaling->mean);
    mem_free(scaling->deviation);
    *scaling = (struct scaling){0};
}
