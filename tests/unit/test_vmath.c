/* The scalar double versions of vmath.inc, and dmath.h, against correctly rounded values computed with
 * mpmath. The float and vector versions are compared with these and with each other by
 * tests/exhaustive/vmath.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "kernel/dmath.h"

#define SIMD_BYTES  0
#define SIMD_DOUBLE 1
#include "kernel/simd.h"
#include "kernel/vmath.inc"

struct point {
    double x, y;
};

#include "vmath_reference.inc"

#define WRAP(name)                                                                                           \
    static double scalar_##name(double x) {                                                                  \
        return v##name(x);                                                                                   \
    }
WRAP(exp)
WRAP(expm1)
WRAP(log)
WRAP(log1p)
WRAP(tanh)
WRAP(erf)
WRAP(sigmoid)
WRAP(softplus)
WRAP(normal_cdf)
WRAP(normal_pdf)

/* How many doubles further b is than a; both zeros count as one. */
static uint64_t steps_between(double a, double b) {
    double value[2] = {a, b};
    int64_t order[2];
    for (int i = 0; i < 2; i++) {
        uint64_t magnitude;
        value[i] = fabs(value[i]);
        memcpy(&magnitude, &value[i], sizeof magnitude);
        order[i] = (i == 0 ? a : b) < 0 ? -(int64_t)magnitude : (int64_t)magnitude;
    }
    return order[0] < order[1] ? (uint64_t)order[1] - (uint64_t)order[0]
                               : (uint64_t)order[0] - (uint64_t)order[1];
}

/* The largest distance allowed from the correctly rounded value, in doubles. */
#define ROW(function, name, steps)                                                                           \
    { #function, function, name##_points, sizeof name##_points / sizeof *name##_points, steps }

static const struct {
    const char *name;
    double (*function)(double);
    const struct point *points;
    size_t count;
    uint64_t steps;
} accuracy[] = {
    ROW(dmath_exp, exp, 1),
    ROW(dmath_log, log, 1),
    ROW(dmath_tanh, tanh, 2),
    ROW(dmath_erf, erf, 2),
    ROW(dmath_sin_turns, sin_turns, 2),
    ROW(dmath_cos_turns, cos_turns, 2),
    ROW(scalar_exp, exp, 1),
    ROW(scalar_expm1, expm1, 2),
    ROW(scalar_log, log, 1),
    ROW(scalar_log1p, log1p, 2),
    ROW(scalar_tanh, tanh, 2),
    ROW(scalar_erf, erf, 2),
    ROW(scalar_sigmoid, sigmoid, 3),
    ROW(scalar_softplus, softplus, 3),
    ROW(scalar_normal_cdf, normal_cdf, 8),
    ROW(scalar_normal_pdf, normal_pdf, 4),
};

static void test_accuracy(void **state) {
    (void)state;
    for (size_t f = 0; f < sizeof accuracy / sizeof *accuracy; f++) {
        for (size_t i = 0; i < accuracy[f].count; i++) {
            struct point p = accuracy[f].points[i];
            double got = accuracy[f].function(p.x);
            if (isnan(got) || steps_between(got, p.y) > accuracy[f].steps)
                fail_msg("%s(%a) = %a, expected %a", accuracy[f].name, p.x, got, p.y);
        }
    }
}

/* Exact values, the sign of zero included. */
static const struct {
    const char *name;
    double (*function)(double);
    double x, y;
} exact[] = {
    {"exp", dmath_exp, 0.0, 1},
    {"exp", dmath_exp, -0.0, 1},
    {"exp", dmath_exp, INFINITY, INFINITY},
    {"exp", dmath_exp, -INFINITY, 0.0},
    {"log", dmath_log, 0.0, -INFINITY},
    {"log", dmath_log, -0.0, -INFINITY},
    {"log", dmath_log, 1, 0.0},
    {"log", dmath_log, INFINITY, INFINITY},
    {"log", dmath_log, -0x1p-1074, NAN},
    {"log", dmath_log, -1, NAN},
    {"log", dmath_log, -INFINITY, NAN},
    {"tanh", dmath_tanh, 0.0, 0.0},
    {"tanh", dmath_tanh, -0.0, -0.0},
    {"tanh", dmath_tanh, INFINITY, 1},
    {"tanh", dmath_tanh, -INFINITY, -1},
    {"erf", dmath_erf, 0.0, 0.0},
    {"erf", dmath_erf, -0.0, -0.0},
    {"erf", dmath_erf, INFINITY, 1},
    {"erf", dmath_erf, -INFINITY, -1},
    {"expm1", scalar_expm1, 0.0, 0.0},
    {"expm1", scalar_expm1, -0.0, -0.0},
    {"expm1", scalar_expm1, INFINITY, INFINITY},
    {"expm1", scalar_expm1, -INFINITY, -1},
    {"log1p", scalar_log1p, 0.0, 0.0},
    {"log1p", scalar_log1p, -0.0, -0.0},
    {"log1p", scalar_log1p, -1, -INFINITY},
    {"log1p", scalar_log1p, -2, NAN},
    {"log1p", scalar_log1p, INFINITY, INFINITY},
    {"sigmoid", scalar_sigmoid, 0.0, 0.5},
    {"sigmoid", scalar_sigmoid, INFINITY, 1},
    {"sigmoid", scalar_sigmoid, -INFINITY, 0.0},
    {"softplus", scalar_softplus, INFINITY, INFINITY},
    {"softplus", scalar_softplus, -INFINITY, 0.0},
    {"normal_cdf", scalar_normal_cdf, INFINITY, 1},
    {"normal_cdf", scalar_normal_cdf, -INFINITY, 0.0},
    {"normal_pdf", scalar_normal_pdf, INFINITY, 0.0},
    {"normal_pdf", scalar_normal_pdf, -INFINITY, 0.0},
    {"cos_turns", dmath_cos_turns, 0.0, 1},
    {"cos_turns", dmath_cos_turns, 0.5, -1},
    {"cos_turns", dmath_cos_turns, 1, 1},
    {"sin_turns", dmath_sin_turns, 0.0, 0.0},
    {"sin_turns", dmath_sin_turns, 0.25, 1},
    {"sin_turns", dmath_sin_turns, 0.75, -1},
};

static void test_exact(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        double got = exact[i].function(exact[i].x), y = exact[i].y;
        bool same = isnan(y) ? isnan(got) : got == y && !signbit(got) == !signbit(y);
        if (!same)
            fail_msg("%s(%a) = %a, expected %a", exact[i].name, exact[i].x, got, y);
    }
}

static void test_nan(void **state) {
    (void)state;
    for (size_t f = 0; f < sizeof accuracy / sizeof *accuracy; f++) {
        if (strstr(accuracy[f].name, "_turns")) /* defined on [0, 1] only */
            continue;
        assert_true(isnan(accuracy[f].function((double)NAN)));
        assert_true(isnan(accuracy[f].function(-(double)NAN)));
    }
}

static void test_odd(void **state) {
    (void)state;
    for (int i = 0; i < 2000; i++) {
        double x = i * 0x1.01p-8;
        assert_true(dmath_tanh(-x) == -dmath_tanh(x));
        assert_true(dmath_erf(-x) == -dmath_erf(x));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_nan),
        cmocka_unit_test(test_odd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
