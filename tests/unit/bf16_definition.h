/* The products in bfloat16: their definition, and values of many kinds to try it on.
 * The definition here is written otherwise than in the kernels: what is flushed to zero is found by doing the
 * operation again far away from the least exponents. */
#ifndef TESTS_BF16_DEFINITION_H
#define TESTS_BF16_DEFINITION_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint64_t state = 1;

static inline uint32_t draw(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33 ^ state >> 17);
}

static inline float of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* ---- the definition ---- */

/* Round to nearest even at 2^16 of the last place, in integers; subnormal numbers are 0. */
static inline float rounded(float x) {
    uint32_t b = bits_of(x), low = b & 0xffff;
    if (fabsf(x) < 0x1p-126f)
        return 0;
    b -= low;
    if (low > 0x8000 || (low == 0x8000 && (b & 0x10000)))
        b += 0x10000;
    return of_bits(b);
}

/* fma(a, b, c) flushed to zero where it is below 2^-126 once rounded to 24 bits without a least exponent. */
static inline float flushing_fma(float a, float b, float c) {
    int ea, eb;
    float ma = frexpf(a, &ea), mb = frexpf(b, &eb), r = fmaf(a, b, c);
    if (!isfinite(r) || fabsf(r) > 0x1p-100f || a == 0 || b == 0)
        return fabsf(r) < 0x1p-126f ? copysignf(0, r) : r;
    /* The same sum times 2^120: products that far below c do not count but for their sign. */
    int e = ea + eb + 120;
    float far = fmaf(ma, ldexpf(mb, e < -90 ? -90 : e), ldexpf(c, 120));
    return fabsf(far) < 0x1p-6f ? copysignf(0, r) : r;
}

static inline float flushing_sum(float a, float b) {
    float r = a + b;
    return fabsf(r) < 0x1p-126f ? copysignf(0, r) : r;
}

/* One element: terms t of the sum come by a stride. */
static inline float element(size_t k, const float *a, size_t a_step, const float *b, size_t b_step, float c) {
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

static inline float scaled(int low, int high) {
    float m = 1 + (float)(draw() & 0x7fffff) * 0x1p-23f;
    return ldexpf(draw() & 1 ? m : -m, low + (int)(draw() % (uint32_t)(high - low + 1)));
}

enum { ORDINARY, WIDE, WHOLE, CANCELLING, SUBNORMAL, SMALLEST, BORDER, SPARSE, CLASSES };

/* Value i of a factor; which: 0 or 1. */
static inline float value(int kind, int which, size_t i) {
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

#endif
