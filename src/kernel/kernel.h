/* The arithmetic of one instruction set as a table of functions. Every table gives the same bits: an element
 * of a product is one chain of fma in ascending k, a reduction over features or samples is a plain ascending
 * sum, and everything else is elementwise from + - * / sqrt fma (see simd.h). The scalar table is the
 * specification.
 *
 * Beside it each set has a table of precision bf16 with products over packed factors (products.h); all else
 * is the same. Some sets have that one alone.
 *
 * A panel holds a slice of the batch feature-major: element (f, s) of a panel of `rows` features and `lanes`
 * samples is p[f * lanes + s]. lanes is a multiple of KERNEL_LANES, so that every vector is full; samples
 * behind the last real one are finite padding. */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/real.h"
#include "kernel/activation.h"
#include "kernel/noise.h"
#include "kernel/precision.h"
#include "kernel/products.h"
#include "kernel/sparse.h"
#include "kernel/update.h"

enum { KERNEL_LANES = 16 };

/* Sample-major panels: what the gradient of weights reads is kept as [panel of KERNEL_PANEL features][sample]
 * [KERNEL_PANEL]. */
enum { KERNEL_PANEL = 32 };

/* Rows and columns of zeros around an image to be resampled: one before it, two behind. */
enum { RESAMPLE_BORDER = 3 };

/* The version of the numeric contract: raised when the same config may give other bits. */
enum { NUMERIC_CONTRACT = 3 };

struct kernel {
    const char *name;
    enum precision precision;
    bool (*supported)(void); /* by the processor this runs on */
    /* Why this set is not supported although the processor has it: a sentence without a full stop; NULL:
     * there is no reason. The pointer is NULL where there never is. */
    const char *(*obstacle)(void);

    /* The products of a layer by precision bf16; NULL: they are those below. */
    const struct products *products;

    /* C[m][n] = (add ? C : 0) + sum over k of A(m, k) B[k][n], k ascending, with A(m, k) = a[m * a_row + k *
     * a_col], B row-major with stride ldb, C row-major with stride ldc. One of a_row and a_col is 1. n is a
     * multiple of KERNEL_LANES. */
    void (*gemm)(size_t m, size_t n, size_t k, const real *a, size_t a_row, size_t a_col, const real *b,
                 size_t ldb, real *c, size_t ldc, bool add);

    /* A tile of a weight gradient, G[m][n] = sum over the samples s of the batch, ascending, of x(r, s) dz(s,
     * c). x: panels [m][lanes], one a slice, slice_stride apart. dz: sample-major panels, panel_stride apart.
     * n is a multiple of KERNEL_LANES. */
    void (*gradient)(size_t m, size_t n, size_t batch, size_t lanes, const real *x, size_t slice_stride,
                     const real *dz, size_t panel_stride, real *g, size_t ldg);
    /* g[c] = sum over the samples of the batch, ascending, of dz(s, c): the gradient of a bias. */
    void (*sum_samples)(size_t n, size_t batch, const real *dz, size_t panel_stride, real *g);

    /* ---- products with a factor in compressed form: the same bits as over panels (sparse.h) ---- */

    /* Lists the bytes that are not 0. Returns the entries written, SPARSE_END included; there must be room
     * for n + 1. n is at most SPARSE_POSITIONS. */
    size_t (*sparse_list)(size_t n, const uint8_t *bytes, uint32_t *entry);
    /* The same for columns: feature f's bytes stand at bytes[slice * slice_stride + f * lanes + sample], and
     * its list at start[f] - base. Returns the entries written. */
    size_t (*sparse_list_columns)(size_t features, size_t slices, size_t lanes, const uint8_t *bytes,
                                  size_t slice_stride, uint32_t *entry, size_t base, size_t *start);
    /* Panel z[outputs][lanes] = W x, W stored [in][stride] (transposed, rows padded to whole vectors). At
     * most 32 lanes. */
    void (*sparse_forward)(size_t outputs, size_t lanes, const struct sparse_rows *x, const real *w,
                           size_t stride, real *z);
    /* G[rows][cols] = (add ? G : 0) + sum over the samples of list r of x dz, for lists at start[0..rows).
     * dz: sample-major panels from the segment's first sample on. cols is a multiple of KERNEL_LANES. */
    void (*sparse_gradient)(size_t rows, size_t cols, const uint32_t *entry, const size_t *start,
                            const real *value, const real *dz, size_t panel_stride, bool add, real *g,
                            size_t ldg);

    /* out[s] = sum of the squares of sample s, features ascending. At most SPARSE_LANES lanes. */
    void (*sparse_squares)(size_t lanes, const struct sparse_rows *x, real *out);

    /* Elementwise over n reals (n a multiple of KERNEL_LANES, x and y may be the same array).
     * value: y = f(x). slope: dx = dy * f'(x, y), added to dx where add. p: the activation's parameter. */
    struct {
        void (*value)(size_t n, const real *x, real *y, real p);
        void (*slope)(size_t n, const real *x, const real *y, const real *dy, real *dx, real p, bool add);
    } activation[ACTIVATION_COUNT];

    /* to[c][r] = from[r][c]. Reads whole vectors of `from` rows; writes rows of `to` padded with zeros to a
     * multiple of KERNEL_LANES, cols of them. */
    void (*transpose)(size_t rows, size_t cols, const real *from, size_t from_stride, real *to,
                      size_t to_stride);

    /* z[f][s] = scale z[f][s] + bias[f] over a panel, rounded once; a sum that is 0 is +0. */
    void (*add_bias)(size_t rows, size_t lanes, real scale, real *z, const real *bias);

    /* loss[s] = sum over f of t(f, s) (log sum_g exp(z_g - m) + m - z_f), m the largest logit: log-sum-exp,
     * so that adding a constant to all logits changes nothing. Targets: cls[s], or the panel t of
     * probabilities where cls is NULL. saved [2][lanes] keeps m and the sum for the gradient. */
    void (*softmax_loss)(size_t rows, size_t lanes, const real *z, const uint32_t *cls, const real *t,
                         real *saved, real *loss);
    /* dz[f][s] = (T(s) softmax(z)_f - t(f, s)) seed[s], T(s) = sum over f of t(f, s) (1 for classes). */
    void (*softmax_grad)(size_t rows, size_t lanes, const real *z, const uint32_t *cls, const real *t,
                         const real *saved, const real *seed, real *dz);
    /* p = softmax(z) over the rows of a panel; p may be z. */
    void (*softmax)(size_t rows, size_t lanes, const real *z, real *p);

    /* loss[s] = sum over f of max(z,0) - z t + log1p(exp(-|z|)); dz = (sigmoid(z) - t) seed. */
    void (*logistic_loss)(size_t rows, size_t lanes, const real *z, const real *t, real *loss);
    void (*logistic_grad)(size_t rows, size_t lanes, const real *z, const real *t, const real *seed,
                          real *dz);

    /* loss[s] = sum over f of (z - t)^2 / 2; dz = (z - t) seed. */
    void (*squared_loss)(size_t rows, size_t lanes, const real *z, const real *t, real *loss);
    void (*squared_grad)(size_t rows, size_t lanes, const real *z, const real *t, const real *seed, real *dz);

    /* out[s] = sum over f of a[f][s] b[f][s], f ascending. */
    void (*dot)(size_t rows, size_t lanes, const real *a, const real *b, real *out);
    /* out[s] = sum over f of min(x[f][s], 0) dy[f][s]: what a prelu's slope gets from each sample. */
    void (*dot_negative)(size_t rows, size_t lanes, const real *x, const real *dy, real *out);

    /* best[s] = the row of the largest z[f][s], the first one of equals. */
    void (*argmax)(size_t rows, size_t lanes, const real *z, uint32_t *best);

    /* Bytes of `lanes` rows to a panel: x[f][s] = (row[s][f] - mean[f]) / deviation[f]; both NULL: byte /
     * 255, or byte where raw. Every row has `features` bytes. */
    void (*load_bytes)(size_t features, size_t lanes, const uint8_t *const *row, const real *mean,
                       const real *deviation, bool raw, real *x);

    /* ---- random numbers of rows first, first + 1, ... of a panel (noise.h); first is a multiple of 4 ----
     */

    /* y = m x, m = 0 with the drop's share and its scale otherwise; x and y may be the same array. The panel
     * saved receives m, where it is not NULL. */
    void (*drop)(size_t rows, size_t lanes, const struct noise *noise, uint32_t stream, struct dropout drop,
                 const real *x, real *y, real *saved);
    /* The bytes [features][lanes] of what drop makes 0 become 0. */
    void (*drop_bytes)(size_t features, size_t lanes, const struct noise *noise, uint32_t stream,
                       struct dropout drop, uint8_t *bytes);
    /* y = x + scale[s] e, e standard normal, over rows `stride` apart; x and y may be the same array. The
     * panel saved [rows][lanes] receives e, where it is not NULL. */
    void (*add_normal)(size_t rows, size_t lanes, size_t first, const struct noise *noise, uint32_t stream,
                       const real *scale, const real *x, real *y, size_t stride, real *saved);

    /* y = a b elementwise over n reals, added to y where add; n is a multiple of KERNEL_LANES. */
    void (*multiply)(size_t n, const real *a, const real *b, real *y, bool add);
    /* y[f][s] += scale[s] x[f][s] over panels. */
    void (*add_scaled)(size_t rows, size_t lanes, const real *scale, const real *x, real *y);

    /* Rows of bytes to columns: out[f * lanes + s] = row[s][f]. */
    void (*turn_bytes)(size_t features, size_t lanes, const uint8_t *const *row, uint8_t *out);

    /* to[r][c], c < width, r < height = the image, 0 outside, at the place (map[0] c + map[1] r + map[2],
     * map[3] c + map[4] r + map[5]), moved by (move[r][0][c], move[r][1][c]) unless move is NULL; between
     * pixels bilinear. from: the image in its border of zeros, [height + RESAMPLE_BORDER][width +
     * RESAMPLE_BORDER], where places are counted from the border's corner: pixel (0, 0) is at place (1, 1).
     * Rows of to and move are padded to a multiple of KERNEL_LANES. At most 2^22 pixels. */
    void (*resample)(size_t height, size_t width, const real *from, const real *map, const real *move,
                     real *to);

    /* Pairs of standard normal deviates: a[i] and b[i], i < n (a multiple of KERNEL_LANES). Those of 2 i and
     * 2 i + 1 are made of the random block of element first + i. */
    void (*normals)(uint64_t seed, uint32_t stream, uint32_t epoch, uint32_t sample, uint32_t first, size_t n,
                    real *a, real *b);

    /* The gradient of the objective from that of the data: out = g + l2 w + l1 sign(w), then limited to
     * [-clip, clip]; what is not finite stays so. Rows are stride, g_stride and out_stride apart; out may be
     * g. cols is a multiple of KERNEL_LANES. */
    void (*penalise)(size_t rows, size_t cols, const real *w, size_t stride, const real *g, size_t g_stride,
                     real l2, real l1, real clip, real *out, size_t out_stride);

    /* The optimisers over a tile of parameters. For each element: g = scale g, w = keep w, the rule, then w =
     * sign(w) max(|w| - threshold / divisor, 0). A g of 0 is +0. The rules are those of PyTorch,
     *   sgd      v = momentum v + intake g, d = nesterov ? g + momentum v : v (no v: d = g), w -= rate d
     *   adam     mean and square averaged; divisor sqrt(square, or the largest) / correction + eps;
     *            w -= rate mean / divisor
     *   rmsprop  divisor sqrt(square, less mean^2 where there is a mean) + eps; w -= rate g / divisor, or
     *            v = momentum v + g / divisor, w -= rate v (intake 1)
     *   adagrad  square summed up (square_decay and square_in 1); divisor sqrt(square) + eps;
     *            w -= rate g / divisor
     * They return whether every new w and square is finite. */
    bool (*sgd)(const struct update_tile *t, const struct update *u);
    bool (*adam)(const struct update_tile *t, const struct update *u);
    bool (*rmsprop)(const struct update_tile *t, const struct update *u);
    bool (*adagrad)(const struct update_tile *t, const struct update *u);

    /* The sum of the squares of a tile, in double. cols is a multiple of KERNEL_LANES. */
    double (*sum_squares)(size_t rows, size_t cols, const real *x, size_t stride);

    /* Scales every column of w whose norm (its squares summed by fma, rows ascending) is above the limit to
     * it; one of which the sum is not finite becomes NaN. cols is a multiple of KERNEL_LANES. Returns whether
     * all sums are finite. */
    bool (*limit_columns)(size_t rows, size_t cols, real *w, size_t stride, real limit);

    /* Asks the cache for a tile that is going to be written. */
    void (*fetch)(size_t rows, size_t cols, const real *x, size_t stride);

    /* Whether all n reals are finite. */
    bool (*all_finite)(size_t n, const real *x);
};

/* The tables of this build, of precision f32 and of any, best last; NULL from the count on. */
const struct kernel *kernel_at(size_t i);
const struct kernel *kernel_of(enum precision precision, size_t i);

/* The table called name ("auto" or NULL: the best that this processor has), or NULL and ERR_USAGE with the
 * names that this machine has for the precision. */
const struct kernel *kernel_find(const char *name, enum precision precision, struct err *err) MUST_CHECK;

/* Of a table that kernel_find has chosen by itself: the obstacle of a better one of its precision; NULL:
 * there is none. */
const char *kernel_obstacle(const struct kernel *chosen);

/* Whether this machine has tables of that name ("auto" or NULL: yes) for some precision; else as kernel_find.
 */
bool kernel_known(const char *name, struct err *err) MUST_CHECK;

/* A thread that has computed products: before it waits for others (struct products, rest). */
static inline void kernel_rest(const struct kernel *k) {
    if (k->products && k->products->rest)
        k->products->rest();
}

#endif
