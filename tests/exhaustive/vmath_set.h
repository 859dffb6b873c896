/* The float functions of src/kernel/vmath.inc over arrays, one table for each instruction set. */
#ifndef EXHAUSTIVE_VMATH_SET_H
#define EXHAUSTIVE_VMATH_SET_H

#include <stddef.h>

/* Every function: name (of v##name), reference in double precision, largest allowed error in units in the
 * last place of a float. */
#define VMATH_FUNCTION_LIST(X)                                                                               \
    X(exp, exp, 1.0)                                                                                         \
    X(expm1, expm1, 1.5)                                                                                     \
    X(log, log, 1.0)                                                                                         \
    X(log1p, log1p, 1.5)                                                                                     \
    X(tanh, tanh, 1.5)                                                                                       \
    X(erf, erf, 1.5)                                                                                         \
    X(sigmoid, reference_sigmoid, 2.5)                                                                       \
    X(softplus, reference_softplus, 2.0)                                                                     \
    X(normal_cdf, reference_normal_cdf, 5.5)                                                                 \
    X(normal_pdf, reference_normal_pdf, 3.0)

enum {
#define X(name, reference, allowed) VMATH_##name,
    VMATH_FUNCTION_LIST(X)
#undef X
        VMATH_FUNCTION_COUNT
};

/* n is a multiple of VMATH_STEP. */
enum { VMATH_STEP = 16 };

struct vmath_set {
    const char *name;
    void (*function[VMATH_FUNCTION_COUNT])(size_t n, const float *x, float *y);
};

extern const struct vmath_set vmath_scalar, vmath_avx2, vmath_avx512, vmath_neon;

#endif
