/* The activations: one row each, read by every part that needs to know them (kernels, op table, config
 * choices, initialiser gains, help). Adding an activation is one row here.
 *
 * X(id, name, kept, gain, use, start, bend, formula, value, slope, slope_text)
 *   kept   what the derivative is computed from: Y (the output: works in place) or X (the input is kept)
 *   gain   initialisation family: HE (ReLU family) or XAVIER
 *   use    of the layer's key `slope`: NONE, FIXED or LEARNED (a parameter);   start  its default
 *   bend   BENT: slope or curvature jumps at 0, where a difference quotient proves nothing; else SMOOTH
 *   value  vector expression of x and the slope p
 *   slope  derivative: of x and p where X is kept, of y and p where Y is kept
 * The derivative at a kink is the left one (0 for relu at 0). */
#ifndef KERNEL_ACTIVATION_H
#define KERNEL_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>

/* clang-format off */
#define ACTIVATION_LIST(X)                                                                                   \
    X(IDENTITY, "identity", Y, XAVIER, NONE, 0, SMOOTH, "x", x, vset(1), "1")                                \
    X(RELU, "relu", Y, HE, NONE, 0, BENT, "max(0, x)",                                                       \
      vselect(vlt(zero, x), x, zero), vselect(vlt(zero, y), one, zero), "[y > 0]")                           \
    X(LEAKY_RELU, "leaky_relu", X, HE, FIXED, 0.01, BENT, "x > 0 ? x : slope x",                             \
      vselect(vlt(zero, x), x, p * x), vselect(vlt(zero, x), one, p), "x > 0 ? 1 : slope")                   \
    X(PRELU, "prelu", X, HE, LEARNED, 0.25, BENT, "x > 0 ? x : a x, a learned",                              \
      vselect(vlt(zero, x), x, p * x), vselect(vlt(zero, x), one, p), "x > 0 ? 1 : a")                       \
    X(ELU, "elu", Y, HE, NONE, 0, BENT, "x > 0 ? x : exp(x) - 1",                                            \
      vselect(vlt(zero, x), x, vexpm1(x)), vselect(vlt(zero, y), one, y + one), "y > 0 ? 1 : y + 1")         \
    X(GELU, "gelu", X, HE, NONE, 0, SMOOTH, "x Phi(x), Phi(x) = (1 + erf(x / sqrt 2)) / 2",                  \
      x * vnormal_cdf(x), vfma(x, vnormal_pdf(x), vnormal_cdf(x)), "Phi(x) + x phi(x)")                      \
    X(SILU, "silu", X, HE, NONE, 0, SMOOTH, "x / (1 + exp(-x))",                                             \
      x * vsigmoid(x), vsigmoid(x) * vfma(x, one - vsigmoid(x), one), "s (1 + x (1 - s)), s = sigmoid(x)")   \
    X(SIGMOID, "sigmoid", Y, XAVIER, NONE, 0, SMOOTH, "1 / (1 + exp(-x))",                                   \
      vsigmoid(x), y * (one - y), "y (1 - y)")                                                               \
    X(TANH, "tanh", Y, XAVIER, NONE, 0, SMOOTH, "tanh(x)", vtanh(x), vfma(-y, y, one), "1 - y^2")            \
    X(SOFTPLUS, "softplus", X, HE, NONE, 0, SMOOTH, "log(1 + exp(x))",                                       \
      vsoftplus(x), vsigmoid(x), "1 / (1 + exp(-x))")
/* clang-format on */

enum activation {
#define X(id, ...) ACTIVATION_##id,
    ACTIVATION_LIST(X)
#undef X
        ACTIVATION_COUNT
};

struct activation_info {
    const char *name;
    const char *formula, *slope; /* for the trace and the help */
    bool he;                     /* default initialisation: He (ReLU family), else Xavier */
    bool takes_slope;            /* uses the layer's `slope` */
    bool learns_slope;           /* `slope` is a parameter of the model */
    double slope_default;
};

/* The row of an activation; activation_name is its name, NULL from ACTIVATION_COUNT on. */
const struct activation_info *activation_info(enum activation a);
const char *activation_name(size_t i);

#endif
