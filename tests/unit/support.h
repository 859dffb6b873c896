/* What the engine's tests share. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/real.h"
#include "kernel/kernel.h"
#include "kernel/random.h"

#define UNUSED __attribute__((unused))

/* Aligned reals that the test frees. */
static inline UNUSED real *reals(size_t n) {
    struct err err = {0};
    real *p = mem_alloc_aligned(n, sizeof *p, "a test", &err);
    assert_non_null(p);
    return p;
}

/* Deterministic numbers in (-scale, scale). */
static inline UNUSED void fill(real *p, size_t n, uint32_t stream, double scale) {
    for (size_t i = 0; i < n; i++)
        p[i] = (real)((2 * random_unit(random_philox(99, stream, 0, 0, (uint32_t)i), 0) - 1) * scale);
}

/* Largest |a - b| over n, relative to the largest |b| (absolute where that is below 1). */
static inline UNUSED double distance(const real *a, const double *b, size_t n) {
    double worst = 0, size = 1;
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs((double)a[i] - b[i]));
        size = fmax(size, fabs(b[i]));
    }
    return worst / size;
}

static inline UNUSED const struct kernel *best_kernel(void) {
    struct err err = {0};
    return kernel_find("auto", PRECISION_F32, &err);
}

#endif
