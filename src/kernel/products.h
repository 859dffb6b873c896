/* The three products of a layer over packed factors: rounded to bfloat16 once, and laid out as the
 * instructions of one kernel table take them. Packed forms are opaque: only the functions of the table that
 * made one read it, and every table has sizes of its own. All sums are in float, in the order of bf16.inc.
 *
 * Weights are stored [in][stride], transposed, as autodiff/op_affine.c has them. A group of PACKED_LANES
 * samples is a block of terms of the gradient. A slice has one or more of them: its panels have rows of
 * `lanes` samples, what is packed of it stands group by group. A wider slice reads the weights less often.
 * Memory of packed forms is aligned to PACKED_ALIGN bytes and, for weights, 0 before they are packed for the
 * first time. */
#ifndef KERNEL_PRODUCTS_H
#define KERNEL_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"

enum { PACKED_LANES = 32, PACKED_MOST_LANES = 4 * PACKED_LANES, PACKED_ALIGN = 64 };

/* A matrix of weights: [in][out], rows `stride` apart, what is behind the outputs 0. one_way: nobody goes
 * back through it, whose input is that of the net. */
struct weight_shape {
    size_t in, out, stride;
    bool one_way;
};

/* The samples of a slice: of `lanes`, a multiple of PACKED_LANES; what is behind them comes into no sum over
 * samples. What its groups keep for the gradient is so many bytes apart. */
struct product_slice {
    size_t lanes, samples, kept_stride;
};

/* A tile of a weight gradient: rows (inputs) and columns (outputs, multiples of KERNEL_LANES, padding
 * included) of the matrix, over the first `batch` samples of groups whose packed inputs and cotangents are so
 * many bytes apart. The inputs are what was packed times the scale. */
struct product_tile {
    size_t in, out; /* of the matrix */
    size_t row0, rows, col0, cols, batch;
    real scale;
    const void *input, *cotangent; /* of group 0 */
    size_t input_stride, cotangent_stride;
};

/* Of samples, in a slice of so many lanes. */
static inline size_t product_groups(size_t lanes) {
    return lanes / PACKED_LANES;
}

struct products {
    /* Of a slice, a multiple of PACKED_LANES up to PACKED_MOST_LANES: a wider one gains nothing. */
    size_t most_lanes;

    /* Bytes (multiples of PACKED_ALIGN) of: packed weights; what a group's inputs, and the cotangents of its
     * outputs, leave for the gradient; what one of both needs for the product of the slice itself, whose
     * groups are so far apart. */
    size_t (*weight_bytes)(const struct weight_shape *shape);
    size_t (*input_bytes)(size_t in);
    size_t (*cotangent_bytes)(size_t out);
    size_t (*scratch_bytes)(size_t features);

    /* Packs rows and columns of the weights w [in][stride]; row0 is a multiple of 4, rows, too, unless they
     * are the last ones; col0 is a multiple of 2 KERNEL_PANEL, cols of KERNEL_LANES. */
    void (*pack_weight)(const struct weight_shape *shape, size_t row0, size_t rows, size_t col0, size_t cols,
                        const real *w, void *packed);
    /* Packs the panel x [in][lanes] for forward, and for the gradient unless kept is NULL. */
    void (*pack_input)(size_t in, const struct product_slice *slice, const real *x, void *scratch,
                       void *kept);
    /* Packs the panel dz [out][lanes] for the gradient, and for backward unless scratch is NULL. */
    void (*pack_cotangent)(size_t out, const struct product_slice *slice, const real *dz, void *scratch,
                           void *kept);

    /* z[o][s] = sum over i, ascending, of w[i][o] x[i][s]. */
    void (*forward)(const struct weight_shape *shape, size_t lanes, const void *weight, const void *scratch,
                    real *z);
    /* dx[i][s] = (add ? dx : 0) + sum over o, ascending, of w[i][o] dz[o][s]. */
    void (*backward)(const struct weight_shape *shape, size_t lanes, const void *weight, const void *scratch,
                     real *dx, bool add);
    /* g[i][o] = scale times the sum over the samples, ascending, of x[i][s] dz[o][s], rounded once more; rows
     * of g are ldg apart. */
    void (*gradient)(const struct product_tile *tile, real *g, size_t ldg);
    /* g[o] = the plain sum over the samples, ascending, of dz[o][s], rounded as packed: the gradient of a
     * bias. Rows of the tile do not matter. */
    void (*sum_cotangents)(const struct product_tile *tile, real *g);

    /* Gives back what the products hold of the processor: before a thread waits. May be called at any time;
     * NULL: they hold nothing. */
    void (*rest)(void);
};

#endif
