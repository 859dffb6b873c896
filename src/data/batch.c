#include <assert.h>

#include "data/dataset.h"
#include "data/values.h"

/* Up to this many lanes the row pointers of a batch of bytes live on the stack and the kernel loads it. A
 * wider batch takes the plain loops, which give the same bits. */
enum { MAX_POINTERS = 1024 };

/* The plain loops turn blocks of KERNEL_LANES rows by this many features, which stay in the cache. */
enum { BLOCK_FEATURES = 64 };

/* One feature of a block, scaled, to its place in the panel. */
static void write_feature(const struct scaling *scaling, bool bytes, size_t f, real block[][BLOCK_FEATURES],
                          size_t column, real *x) {
    bool unit = bytes && scaling->kind == SCALE_UNIT;
    for (size_t s = 0; s < KERNEL_LANES; s++) {
        real v = block[s][column];
        if (scaling->mean)
            v = (v - scaling->mean[f]) / scaling->deviation[f];
        else if (unit)
            v = v / (real)255;
        x[s] = v;
    }
}

static void batch_plain(const struct dataset *set, const struct scaling *scaling, const uint32_t *row,
                        size_t count, size_t lanes, real *x) {
    real block[KERNEL_LANES][BLOCK_FEATURES];
    for (size_t first = 0; first < lanes; first += KERNEL_LANES)
        for (size_t begin = 0; begin < set->features; begin += BLOCK_FEATURES) {
            size_t left = set->features - begin, n = left < BLOCK_FEATURES ? left : BLOCK_FEATURES;
            for (size_t s = 0; s < KERNEL_LANES; s++) {
                size_t r = row[first + s < count ? first + s : count - 1];
                values_run(&set->images, r * set->features + begin, n, block[s]);
            }
            for (size_t i = 0; i < n; i++)
                write_feature(scaling, set->images.type == IDX_U8, begin + i, block, i,
                              x + (begin + i) * lanes + first);
        }
}

void batch_images(const struct kernel *k, const struct dataset *set, const struct scaling *scaling,
                  const uint32_t *row, size_t count, size_t lanes, real *x) {
    assert(count > 0 && count <= lanes && lanes % KERNEL_LANES == 0);
    if (set->images.type != IDX_U8 || lanes > MAX_POINTERS) {
        batch_plain(set, scaling, row, count, lanes, x);
        return;
    }
    const uint8_t *at[MAX_POINTERS];
    for (size_t s = 0; s < lanes; s++)
        at[s] = (const uint8_t *)set->images.values + (size_t)row[s < count ? s : count - 1] * set->features;
    k->load_bytes(set->features, lanes, at, scaling->mean, scaling->deviation, scaling->kind == SCALE_NONE,
                  x);
}

void batch_classes(const struct dataset *set, const uint32_t *row, size_t count, size_t lanes,
                   uint32_t *cls) {
    assert(set->cls && count <= lanes);
    for (size_t s = 0; s < lanes; s++)
        cls[s] = s < count ? set->cls[row[s]] : 0;
}

void batch_targets(const struct dataset *set, const uint32_t *row, size_t count, size_t lanes, size_t outputs,
                   real *t) {
    assert(count <= lanes && (set->cls || set->target_width == outputs));
    for (size_t f = 0; f < outputs; f++)
        for (size_t s = 0; s < lanes; s++) {
            real *to = &t[f * lanes + s];
            if (s >= count)
                *to = 0;
            else if (set->cls)
                *to = set->cls[row[s]] == f ? 1 : 0;
            else
                *to = set->targets[row[s] * outputs + f];
        }
}
