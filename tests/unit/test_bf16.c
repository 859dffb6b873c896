/* The products in bfloat16 against their definition, over values of many kinds, for every instruction set.
 * The definition here is written otherwise than in the kernels: what is flushed to zero is found by doing the
 * operation again far away from the least exponents. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/kernel.h"

static uint64_t state = 1;

static uint32_t draw(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33 ^ state >> 17);
}

static float of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* ---- the definition ---- */

/* Round to nearest even at 2^16 of the last place, in integers; subnormal numbers are 0. */
static float rounded(float x) {
    uint32_t b = bits_of(x), low = b & 0xffff;
    if (fabsf(x) < 0x1p-126f)
        return 0;
    b -= low;
    if (low > 0x8000 || (low == 0x8000 && (b & 0x10000)))
        b += 0x10000;
    return of_bits(b);
}

/* fma(a, b, c) flushed to zero where it is below 2^-126 once rounded to 24 bits without a least exponent. */
static float flushing_fma(float a, float b, float c) {
    int ea, eb;
    float ma = frexpf(a, &ea), mb = frexpf(b, &eb), r = fmaf(a, b, c);
    if (!isfinite(r) || fabsf(r) > 0x1p-100f || a == 0 || b == 0)
        return fabsf(r) < 0x1p-126f ? copysignf(0, r) : r;
    /* The same sum times 2^120: products that far below c do not count but for their sign. */
    int e = ea + eb + 120;
    float far = fmaf(ma, ldexpf(mb, e < -90 ? -90 : e), ldexpf(c, 120));
    return fabsf(far) < 0x1p-6f ? copysignf(0, r) : r;
}

static float flushing_sum(float a, float b) {
    float r = a + b;
    return fabsf(r) < 0x1p-126f ? copysignf(0, r) : r;
}

/* One element: terms t of the sum come by a stride. */
static float element(size_t k, const float *a, size_t a_step, const float *b, size_t b_step, float c) {
    c = fabsf(c) < 0x1p-126f ? copysignf(0, c) : c;
    for (size_t first = 0; first < k; first += 32) {
        float sum[2] = {0, 0};
        for (size_t p = first; p < k && p < first + 32; p++)
            sum[p % 2] = flushing_fma(rounded(a[p * a_step]), rounded(b[p * b_step]), sum[p % 2]);
        c = flushing_sum(c, flushing_sum(sum[0], sum[1]));
    }
    return c;
}

/* ---- values ---- */

static float scaled(int low, int high) {
    float m = 1 + (float)(draw() & 0x7fffff) * 0x1p-23f;
    return ldexpf(draw() & 1 ? m : -m, low + (int)(draw() % (uint32_t)(high - low + 1)));
}

enum { ORDINARY, WIDE, WHOLE, CANCELLING, SUBNORMAL, SMALLEST, BORDER, SPARSE, CLASSES };

/* Value i of a factor; which: 0 or 1. */
static float value(int kind, int which, size_t i) {
    switch (kind) {
    case ORDINARY:
        return scaled(-3, 0);
    case WIDE: /* products from far below the sum to far above it */
        return scaled(-40, 40);
    case WHOLE:
        return (float)(int)(draw() % 511) - 255;
    case CANCELLING: /* two and two terms of a chain are nearly opposite */
        return which ? (i / 2 % 2 ? 1.5f : -1.5f) : 1 + (float)(draw() % 4) * 0x1p-7f;
    case SUBNORMAL:
        return of_bits(draw() & 0x807fffffu);
    case SMALLEST: /* products below 2^-126, of which some sums are above */
        return scaled(-66, -62);
    case BORDER: /* products and sums about 2^-126, with last places below its grid */
        return which ? scaled(-64, -63) : scaled(-64, -62);
    default:
        return draw() % 4 ? 0 : scaled(-30, 2);
    }
}

enum { M = 37, N = 48, MOST_K = 150 };

static void check(const struct kernel *k, const float *c, const float *expected, size_t count, int kind) {
    for (size_t i = 0; i < count; i++)
        if (memcmp(&c[i], &expected[i], sizeof *c) != 0 && !(isnan(c[i]) && isnan(expected[i])))
            fail_msg("%s, values of kind %d, element %zu: %a, expected %a", k->name, kind, i, (double)c[i],
                     (double)expected[i]);
}

/* Forward (weights by column) and backward (by row); the weights come rounded. */
static void products_are_as_defined(void **unused) {
    (void)unused;
    static const size_t depths[] = {1, 2, 5, 31, 32, 33, 64, 97, MOST_K};
    static _Alignas(64) float a[64 * MOST_K], b[MOST_K * N], start[M * N], c[M * N], expected[M * N];
    for (int kind = 0; kind < CLASSES; kind++)
        for (size_t d = 0; d < sizeof depths / sizeof *depths; d++)
            for (int form = 0; form < 4; form++) {
                size_t k = depths[d], a_row = form & 1 ? 1 : k, a_col = form & 1 ? 64 : 1;
                bool add = form & 2;
                memset(a, 0, sizeof a);
                for (size_t r = 0; r < M; r++)
                    for (size_t p = 0; p < k; p++)
                        a[r * a_row + p * a_col] = rounded(value(kind, 0, p));
                for (size_t p = 0; p < k; p++)
                    for (size_t n = 0; n < N; n++)
                        b[p * N + n] = value(kind, 1, p);
                for (size_t i = 0; i < M * N; i++)
                    start[i] = value(kind == WHOLE ? ORDINARY : kind, 0, i);
                for (size_t i = 0; i < M * N; i++)
                    expected[i] = element(k, a + i / N * a_row, a_col, b + i % N, N, add ? start[i] : 0);
                for (size_t t = 0; kernel_of(PRECISION_BF16, t); t++) {
                    const struct kernel *table = kernel_of(PRECISION_BF16, t);
                    if (!table->supported())
                        continue;
                    memcpy(c, start, sizeof c);
                    table->gemm(M, N, k, a, a_row, a_col, b, N, c, N, add);
                    check(table, c, expected, M * N, kind);
                }
            }
}

/* Over batches that end anywhere in a slice; both factors come rounded. */
static void gradients_are_as_defined(void **unused) {
    (void)unused;
    static const size_t batches[] = {1, 16, 31, 32, 33, 70, 96, 128};
    static _Alignas(64) float x[M * 128], by_sample[M * 128], dz[2 * 128 * KERNEL_PANEL], g[M * N],
        expected[M * N];
    for (int kind = 0; kind < CLASSES; kind++)
        for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
            size_t batch = batches[i], lanes = 32, stride = 128 * KERNEL_PANEL;
            for (size_t s = 0; s < 128; s++)
                for (size_t r = 0; r < M; r++)
                    x[s / lanes * M * lanes + r * lanes + s % lanes] = by_sample[r * 128 + s] =
                        rounded(value(kind, 1, s));
            for (size_t s = 0; s < 2 * 128 * KERNEL_PANEL; s++)
                dz[s] = rounded(value(kind, 0, s / KERNEL_PANEL));
            for (size_t e = 0; e < M * N; e++)
                expected[e] =
                    element(batch, by_sample + e / N * 128, 1,
                            dz + e % N / KERNEL_PANEL * stride + e % N % KERNEL_PANEL, KERNEL_PANEL, 0);
            for (size_t t = 0; kernel_of(PRECISION_BF16, t); t++) {
                const struct kernel *table = kernel_of(PRECISION_BF16, t);
                if (!table->supported())
                    continue;
                table->gradient(M, N, batch, lanes, x, M * lanes, dz, stride, g, N);
                check(table, g, expected, M * N, kind);
            }
        }
}

/* Infinities and what is too large: a training must see that it has diverged. */
static void what_is_not_finite_stays_so(void **unused) {
    (void)unused;
    static _Alignas(64) float a[64], b[64 * 16], c[16];
    for (size_t t = 0; kernel_of(PRECISION_BF16, t); t++) {
        const struct kernel *table = kernel_of(PRECISION_BF16, t);
        if (!table->supported())
            continue;
        for (size_t p = 0; p < 64; p++) {
            a[p] = 0x1p100f;
            for (size_t n = 0; n < 16; n++)
                b[p * 16 + n] = n == 0 ? 0x1p100f : n == 1 ? INFINITY : n == 2 ? NAN : 0;
        }
        b[3] = INFINITY, b[2 * 16 + 3] = -INFINITY; /* of one chain */
        table->gemm(1, 16, 64, a, 64, 1, b, 16, c, 16, false);
        assert_true(c[0] == INFINITY && c[1] == INFINITY && isnan(c[2]) && isnan(c[3]) && c[4] == 0);
        float in[16] = {NAN, INFINITY, -INFINITY, 0x1.fep127f, 0x1.ffp127f, 0x1.fefffep127f}, out[16];
        table->round(16, in, out);
        assert_true(isnan(out[0]) && out[1] == INFINITY && out[2] == -INFINITY && out[3] == 0x1.fep127f &&
                    out[4] == INFINITY && out[5] == 0x1.fep127f);
    }
}

/* Every 9973rd float and all that end at a border of the rounding. */
static void rounding_is_as_defined(void **unused) {
    (void)unused;
    float in[32], out[32];
    for (uint64_t begin = 0; begin < UINT64_C(1) << 32; begin += UINT64_C(9973) * 16) {
        for (uint32_t i = 0; i < 16; i++) {
            in[i] = of_bits((uint32_t)(begin + i * 9973u));
            in[16 + i] = of_bits(((uint32_t)(begin + i * 9973u) & 0xffff0000u) + 0x7fffu + i % 3);
        }
        for (size_t i = 0; i < 32; i++)
            if (isnan(in[i]))
                in[i] = 1;
        for (size_t t = 0; kernel_of(PRECISION_BF16, t); t++) {
            const struct kernel *table = kernel_of(PRECISION_BF16, t);
            if (!table->supported())
                continue;
            table->round(32, in, out);
            for (size_t i = 0; i < 32; i++)
                assert_true(out[i] == rounded(in[i]));
        }
    }
}

/* The mode of the processor is as it was: subnormal numbers are numbers again. */
static void the_mode_is_restored(void **unused) {
    (void)unused;
    static _Alignas(64) float a[32], b[32 * 16], c[16];
    volatile float tiny = 0x1p-130f;
    for (size_t t = 0; kernel_of(PRECISION_BF16, t); t++)
        if (kernel_of(PRECISION_BF16, t)->supported()) {
            kernel_of(PRECISION_BF16, t)->gemm(1, 16, 32, a, 32, 1, b, 16, c, 16, false);
            assert_true(tiny * 2 == 0x1p-129f && tiny / 2 > 0);
        }
}

static void precisions_have_names(void **unused) {
    (void)unused;
    struct err err = {0};
    assert_string_equal(precision_name(PRECISION_F32), "f32");
    assert_string_equal(precision_name(PRECISION_BF16), "bf16");
    assert_null(precision_name(2));
    for (int p = 0; p < 2; p++) {
        const struct kernel *k = kernel_find("scalar", (enum precision)p, &err);
        assert_non_null(k);
        assert_int_equal(k->precision, p);
        assert_true((k->round != NULL) == (p == PRECISION_BF16));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_is_as_defined),   cmocka_unit_test(products_are_as_defined),
        cmocka_unit_test(gradients_are_as_defined), cmocka_unit_test(what_is_not_finite_stays_so),
        cmocka_unit_test(the_mode_is_restored),     cmocka_unit_test(precisions_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
