/* Loops that do nothing but add up products in bfloat16, from registers to registers. */
#include "peak.h"

#if defined(__x86_64__) && !REAL_IS_DOUBLE

#include <immintrin.h>
#include <stdint.h>

#include "kernel/unroll.h"

enum { CHAINS = 16, TILES = 6 };

/* Words of two numbers. */
__attribute__((target("avx512f,avx512bf16"))) double peak_avx512_bf16(size_t rounds, real factor,
                                                                      real *result) {
    __m512 sum[CHAINS], half = _mm512_set1_ps(factor);
    __m512bh a = _mm512_cvtne2ps_pbh(half, half);
    UNROLL for (int i = 0; i < CHAINS; i++) sum[i] = _mm512_set1_ps((real)i);
    for (size_t r = 0; r < rounds; r++) {
        UNROLL for (int i = 0; i < CHAINS; i++) sum[i] = _mm512_dpbf16_ps(sum[i], a, a);
    }
    UNROLL for (int i = 1; i < CHAINS; i++) sum[0] = _mm512_add_ps(sum[0], sum[i]);
    _mm512_storeu_ps(result, sum[0]);
    return 2.0 * CHAINS * 32 * (double)rounds;
}

/* Tiles of 16 sums by 16, each of 32 products. */
__attribute__((target("amx-tile,amx-bf16"))) double peak_amx(size_t rounds, real factor, real *result) {
    static const struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } whole_tiles = {.palette = 1,
                     .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
                     .rows = {16, 16, 16, 16, 16, 16, 16, 16}};
    (void)factor;
    _tile_loadconfig(&whole_tiles);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
    _tile_zero(6);
    _tile_zero(7);
    for (size_t r = 0; r < rounds; r++) {
        _tile_dpbf16ps(0, 6, 7);
        _tile_dpbf16ps(1, 6, 7);
        _tile_dpbf16ps(2, 6, 7);
        _tile_dpbf16ps(3, 6, 7);
        _tile_dpbf16ps(4, 6, 7);
        _tile_dpbf16ps(5, 6, 7);
    }
    _tile_stored(0, result, 64);
    _tile_release();
    return 2.0 * TILES * 16 * 16 * 32 * (double)rounds;
}

#endif
