/* The arithmetic of one instruction set as a table of functions. Every table gives the same bits: an element
 * of a product is one chain of fma in ascending k, a reduction over features or samples is a plain ascending
 * sum, and everything else is elementwise from + - * / sqrt fma (see simd.h). The scalar table is the
 * specification.
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

enum { KERNEL_LANES = 16 };

/* The version of the numeric contract: raised when the same config may give other bits. */
enum { NUMERIC_CONTRACT = 1 };

struct kernel {
    const char *name;
    bool (*supported)(void); /* by the processor this runs on */

    /* C[m][n] = (add ? C : 0) + sum over k of A(m, k) B[k][n], k ascending, with A(m, k) = a[m * a_row + k *
     * a_col], B row-major with stride ldb, C row-major with stride ldc. One of a_row and a_col is 1. n is a
     * multiple of KERNEL_LANES. */
    void (*gemm)(size_t m, size_t n, size_t k, const real *a, size_t a_row, size_t a_col, const real *b,
                 size_t ldb, real *c, size_t ldc, bool add);

    /* Elementwise over n reals (n a multiple of KERNEL_LANES, x and y may be the same array).
     * value: y = f(x). slope: dx = dy * f'(x, y), added to dx where add. p: the activation's parameter. */
    struct {
        void (*value)(size_t n, const real *x, real *y, real p);
        void (*slope)(size_t n, const real *x, const real *y, const real *dy, real *dx, real p, bool add);
    } activation[ACTIVATION_COUNT];

    /* z[f][s] += bias[f] over a panel. */
    void (*add_bias)(size_t rows, size_t lanes, real *z, const real *bias);

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

    /* SGD with momentum (PyTorch's rule) over a tile of parameters: rows of cols elements, w and v with rows
     * `stride` apart, g with rows `g_stride` apart; cols is a multiple of KERNEL_LANES. v = first ? g : mu v
     * + g; d = nesterov ? g + mu v : v; w -= lr d. mu = 0: v is not touched (may be NULL). Returns whether
     * every new w is finite. */
    bool (*sgd)(size_t rows, size_t cols, real *w, size_t stride, const real *g, size_t g_stride, real *v,
                real lr, real mu, bool nesterov, bool first);

    /* Whether all n reals are finite. */
    bool (*all_finite)(size_t n, const real *x);
};

/* The tables of this build, best last; NULL from the count on. */
const struct kernel *kernel_at(size_t i);

/* The table called name ("auto" or NULL: the best that this processor has), or NULL and ERR_USAGE with the
 * names that this machine has. */
const struct kernel *kernel_find(const char *name, struct err *err) MUST_CHECK;

#endif
