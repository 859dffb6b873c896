/* Loops that do nothing but multiply and add, one for each instruction set, compiled with its flags. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include <stddef.h>

#include "base/real.h"

/* Goes round that often; factor below 1, or the sums grow. result: room for KERNEL_LANES rows of as many
 * sums, which exist so that nothing can be left out. Returns the floating-point operations done. */
typedef double peak_loop(size_t rounds, real factor, real *result);

peak_loop peak_avx2, peak_avx512, peak_avx512_bf16, peak_amx, peak_neon;

#endif
