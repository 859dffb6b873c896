/* One vector vocabulary for every instruction set, so that a kernel body is written once. Include with
 *   SIMD_BYTES   0 (plain scalars: the specification), 16 (NEON), 32 (AVX2 + FMA) or 64 (AVX-512)
 *   SIMD_DOUBLE  0 or 1
 * defined. Provides vec (of lane), ivec (of signed lanes of the same width) and VLANES. Vectors of both kinds
 * take
 * + - * / (and & | ^ ~ << >> for ivec) as operators. A comparison gives an ivec mask, all ones where it
 * holds. Only + - * / sqrt fma round, each correctly, so every set gives the same bits. Deliberately no
 * include guard on the definitions: one translation unit uses one setting. */
#include <stdint.h>
#include <string.h>

#if SIMD_BYTES > 16
#include <immintrin.h>
#elif SIMD_BYTES == 16
#include <arm_neon.h>
#endif
#include <math.h>

#include "kernel/unroll.h"

#if SIMD_DOUBLE
typedef double lane;
typedef int64_t ilane;
typedef uint64_t ulane;
#else
typedef float lane;
typedef int32_t ilane;
typedef uint32_t ulane;
#endif

#define INLINE static inline __attribute__((always_inline, unused))

#if SIMD_BYTES == 0

#define VLANES 1
typedef lane vec;
typedef ilane ivec;
typedef ulane uvec;

INLINE vec vset(lane a) {
    return a;
}
INLINE ivec iset(ilane a) {
    return a;
}
INLINE vec vload(const lane *p) {
    return *p;
}
INLINE void vstore(lane *p, vec a) {
    *p = a;
}
INLINE vec vselect(ivec mask, vec a, vec b) {
    return mask ? a : b;
}
INLINE ivec vbits(vec a) {
    ivec i;
    memcpy(&i, &a, sizeof i);
    return i;
}
INLINE vec vfrombits(ivec i) {
    vec a;
    memcpy(&a, &i, sizeof a);
    return a;
}
INLINE ivec vlt(vec a, vec b) {
    return -(ilane)(a < b);
}
INLINE ivec vle(vec a, vec b) {
    return -(ilane)(a <= b);
}
INLINE ivec veq(vec a, vec b) {
    return -(ilane)(a == b);
}
INLINE ivec ishl(ivec a, int n) {
    return (ivec)((uvec)a << n);
}
/* Truncates toward zero; the value must fit. */
INLINE ivec vtoint(vec a) {
    return (ivec)a;
}
INLINE vec vfromint(ivec a) {
    return (vec)a;
}
#if SIMD_DOUBLE
INLINE vec vfma(vec a, vec b, vec c) {
    return fma(a, b, c);
}
INLINE vec vsqrt(vec a) {
    return sqrt(a);
}
#else
INLINE vec vfma(vec a, vec b, vec c) {
    return fmaf(a, b, c);
}
INLINE vec vsqrt(vec a) {
    return sqrtf(a);
}
#endif

#else

#define VLANES ((int)(SIMD_BYTES / sizeof(lane)))
typedef lane vec __attribute__((vector_size(SIMD_BYTES), may_alias));
typedef lane vec_unaligned __attribute__((vector_size(SIMD_BYTES), aligned(sizeof(lane)), may_alias));
typedef ilane ivec __attribute__((vector_size(SIMD_BYTES), may_alias));
typedef ulane uvec __attribute__((vector_size(SIMD_BYTES), may_alias));

INLINE vec vset(lane a) {
    return a - (vec){0};
}
INLINE ivec iset(ilane a) {
    return a - (ivec){0};
}
INLINE vec vload(const lane *p) {
    return *(const vec_unaligned *)p;
}
INLINE void vstore(lane *p, vec a) {
    *(vec_unaligned *)p = a;
}
INLINE vec vselect(ivec mask, vec a, vec b) {
    return (vec)((mask & (ivec)a) | (~mask & (ivec)b));
}
INLINE ivec vbits(vec a) {
    return (ivec)a;
}
INLINE vec vfrombits(ivec i) {
    return (vec)i;
}
INLINE ivec vlt(vec a, vec b) {
    return (ivec)(a < b);
}
INLINE ivec vle(vec a, vec b) {
    return (ivec)(a <= b);
}
INLINE ivec veq(vec a, vec b) {
    return (ivec)(a == b);
}
INLINE ivec ishl(ivec a, int n) {
    return (ivec)((uvec)a << n);
}
INLINE ivec vtoint(vec a) {
    return __builtin_convertvector(a, ivec);
}
INLINE vec vfromint(ivec a) {
    return __builtin_convertvector(a, vec);
}

#if SIMD_BYTES == 64 && SIMD_DOUBLE
INLINE vec vfma(vec a, vec b, vec c) {
    return (vec)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
INLINE vec vsqrt(vec a) {
    return (vec)_mm512_sqrt_pd((__m512d)a);
}
#elif SIMD_BYTES == 64
INLINE vec vfma(vec a, vec b, vec c) {
    return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
INLINE vec vsqrt(vec a) {
    return (vec)_mm512_sqrt_ps((__m512)a);
}
#elif SIMD_BYTES == 32 && SIMD_DOUBLE
INLINE vec vfma(vec a, vec b, vec c) {
    return (vec)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
INLINE vec vsqrt(vec a) {
    return (vec)_mm256_sqrt_pd((__m256d)a);
}
#elif SIMD_BYTES == 32
INLINE vec vfma(vec a, vec b, vec c) {
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
INLINE vec vsqrt(vec a) {
    return (vec)_mm256_sqrt_ps((__m256)a);
}
#elif SIMD_DOUBLE
INLINE vec vfma(vec a, vec b, vec c) {
    return (vec)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
}
INLINE vec vsqrt(vec a) {
    return (vec)vsqrtq_f64((float64x2_t)a);
}
#else
INLINE vec vfma(vec a, vec b, vec c) {
    return (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
INLINE vec vsqrt(vec a) {
    return (vec)vsqrtq_f32((float32x4_t)a);
}
#endif

#endif

/* The larger / smaller of two ordered numbers; b where they are equal or unordered. (x86 defines its
 * instructions so; compilers do not find them from the comparison without fast-math.) */
#if SIMD_BYTES == 64 && SIMD_DOUBLE
INLINE vec vmax(vec a, vec b) {
    return (vec)_mm512_max_pd((__m512d)a, (__m512d)b);
}
INLINE vec vmin(vec a, vec b) {
    return (vec)_mm512_min_pd((__m512d)a, (__m512d)b);
}
#elif SIMD_BYTES == 64
INLINE vec vmax(vec a, vec b) {
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
}
INLINE vec vmin(vec a, vec b) {
    return (vec)_mm512_min_ps((__m512)a, (__m512)b);
}
#elif SIMD_BYTES == 32 && SIMD_DOUBLE
INLINE vec vmax(vec a, vec b) {
    return (vec)_mm256_max_pd((__m256d)a, (__m256d)b);
}
INLINE vec vmin(vec a, vec b) {
    return (vec)_mm256_min_pd((__m256d)a, (__m256d)b);
}
#elif SIMD_BYTES == 32
INLINE vec vmax(vec a, vec b) {
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
}
INLINE vec vmin(vec a, vec b) {
    return (vec)_mm256_min_ps((__m256)a, (__m256)b);
}
#else
INLINE vec vmax(vec a, vec b) {
    return vselect(vlt(b, a), a, b);
}
INLINE vec vmin(vec a, vec b) {
    return vselect(vlt(a, b), a, b);
}
#endif
INLINE vec vabs(vec a) {
#if SIMD_DOUBLE
    return vfrombits(vbits(a) & iset(INT64_MAX));
#else
    return vfrombits(vbits(a) & iset(INT32_MAX));
#endif
}

/* ---- interleaving and transposing ---- */

/* The elements of a and b, in the order of the numbers that follow (those of b after all of a). */
#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define SHUFFLE(index, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#endif
#endif
#ifndef SHUFFLE /* gcc before version 12 */
#define SHUFFLE(index, a, b, ...) __builtin_shuffle(a, b, (index){__VA_ARGS__})
#endif

/* a0 b0 a1 b1 ... of the lower and of the upper halves, for vectors of 2, 4, 8 and 16 */
#define LOW_2   0, 2
#define HIGH_2  1, 3
#define LOW_4   0, 4, 1, 5
#define HIGH_4  2, 6, 3, 7
#define LOW_8   0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_8  4, 12, 5, 13, 6, 14, 7, 15
#define LOW_16  0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31

/* Rounds of interleaving row i with row i + n/2 transpose an n x n block. */
#if SIMD_BYTES == 0
INLINE void vtranspose(vec block[VLANES]) {
    (void)block;
}
#else
#if SIMD_BYTES == 64 && !SIMD_DOUBLE
#define VLOW  LOW_16
#define VHIGH HIGH_16
enum { TRANSPOSE_ROUNDS = 4 };
#elif SIMD_BYTES == 64 || (SIMD_BYTES == 32 && !SIMD_DOUBLE)
#define VLOW  LOW_8
#define VHIGH HIGH_8
enum { TRANSPOSE_ROUNDS = 3 };
#elif SIMD_BYTES == 32 || !SIMD_DOUBLE
#define VLOW  LOW_4
#define VHIGH HIGH_4
enum { TRANSPOSE_ROUNDS = 2 };
#else
#define VLOW  LOW_2
#define VHIGH HIGH_2
enum { TRANSPOSE_ROUNDS = 1 };
#endif
INLINE void vtranspose(vec block[VLANES]) {
    for (int round = 0; round < TRANSPOSE_ROUNDS; round++) {
        vec next[VLANES];
        for (int i = 0; i < VLANES / 2; i++) {
            next[2 * i] = SHUFFLE(ivec, block[i], block[i + VLANES / 2], VLOW);
            next[2 * i + 1] = SHUFFLE(ivec, block[i], block[i + VLANES / 2], VHIGH);
        }
        memcpy(block, next, sizeof next);
    }
}
#endif

/* ---- 32-bit words for a generator of random numbers ---- */

/* All ones where a < b as unsigned lanes. */
INLINE ivec vbelow(uvec a, uvec b) {
#if SIMD_BYTES == 0
    return -(ilane)(a < b);
#else
    return (ivec)(a < b);
#endif
}

/* 64-bit lanes that hold a word in their lower half and anything in the upper one, as wide as vec: WIDES of
 * them for the words of VLANES lanes. */
#if SIMD_BYTES == 0
enum { WIDES = 1 };
typedef uint64_t wvec;
#else
enum { WIDES = sizeof(uint64_t) / sizeof(lane) };
typedef uint64_t wvec __attribute__((vector_size(SIMD_BYTES), may_alias));
#endif

INLINE wvec wset(uint64_t a) {
    return a - (wvec){0};
}

/* The whole product of the words. */
INLINE wvec vmul_wide(wvec a, wvec b) {
#if SIMD_BYTES == 64
    return (wvec)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif SIMD_BYTES == 32
    return (wvec)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif SIMD_BYTES == 16
    return (wvec)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)b));
#else
    return (a & UINT32_MAX) * (b & UINT32_MAX);
#endif
}

/* VLANES words: even ones in one vector and odd ones in the other, where there are two. */
INLINE void wide_load(const uint32_t *word, wvec out[WIDES]) {
#if SIMD_BYTES == 0
    out[0] = *word;
#elif SIMD_DOUBLE
    typedef uint32_t small __attribute__((vector_size(SIMD_BYTES / 2)));
    small in;
    memcpy(&in, word, sizeof in);
    out[0] = __builtin_convertvector(in, wvec);
#else
    memcpy(&out[0], word, sizeof out[0]);
    out[1] = out[0] >> 32;
#endif
}

/* The words as lanes of unsigned numbers. */
INLINE uvec wide_join(const wvec in[WIDES]) {
    const wvec low = wset(UINT32_MAX);
#if SIMD_BYTES == 0 || SIMD_DOUBLE
    return (uvec)(in[0] & low);
#else
    return (uvec)((in[0] & low) | in[1] << 32);
#endif
}

/* ---- what is not 0 of 16 bytes ---- */

/* Appends (position + i) << 8 | byte for each such byte i; may write 16 entries. Returns the end. */
#if SIMD_BYTES == 64
INLINE uint32_t *list_some(const uint8_t *bytes, uint32_t position, uint32_t *entry) {
    const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i byte = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)bytes));
    __mmask16 some = _mm512_test_epi32_mask(byte, byte);
    __m512i place = _mm512_slli_epi32(_mm512_add_epi32(lanes, _mm512_set1_epi32((int)position)), 8);
    _mm512_storeu_si512(entry, _mm512_maskz_compress_epi32(some, _mm512_or_si512(place, byte)));
    return entry + __builtin_popcount(some);
}
#else
/* Every byte is written and the next one goes over it where it is 0: no branch to be guessed wrongly. */
INLINE uint32_t *list_some(const uint8_t *bytes, uint32_t position, uint32_t *entry) {
    for (int half = 0; half < 16; half += 8) {
        uint64_t word;
        memcpy(&word, bytes + half, sizeof word);
        if (word == 0)
            continue;
        for (int i = half; i < half + 8; i++) {
            *entry = (position + (uint32_t)i) << 8 | bytes[i];
            entry += bytes[i] != 0;
        }
    }
    return entry;
}
#endif
