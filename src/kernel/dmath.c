/* The double-precision scalar bodies of vmath.inc as functions, and sin and cos of turns. */
#include "kernel/dmath.h"

#define SIMD_BYTES  0
#define SIMD_DOUBLE 1
#include "kernel/simd.h"
#include "kernel/vmath.inc"

double dmath_exp(double x) {
    return vexp(x);
}

double dmath_log(double x) {
    return vlog(x);
}

double dmath_tanh(double x) {
    return vtanh(x);
}

double dmath_erf(double x) {
    return verf(x);
}

/* x = quarter / 4 + r, |r| <= 1/8. The nearest quarter to an x in [0, 1] is within a factor of two of x or is
 * 0, so the subtraction is exact. */
static int nearest_quarter(double x, double *r) {
    int quarter = (int)(4 * x + 0.5);
    *r = x - 0.25 * quarter;
    return quarter;
}

/* sin(2 pi (quarter / 4 + r)). */
static double sin_from_quarter(int quarter, double r) {
    double y = quarter % 2 == 0 ? vmath_sin_eighth(r) : vmath_cos_eighth(r);
    return quarter % 4 >= 2 ? -y : y;
}

double dmath_sin_turns(double x) {
    double r;
    int quarter = nearest_quarter(x, &r);
    return sin_from_quarter(quarter, r);
}

double dmath_cos_turns(double x) {
    double r;
    int quarter = nearest_quarter(x, &r);
    return sin_from_quarter(quarter + 1, r);
}
