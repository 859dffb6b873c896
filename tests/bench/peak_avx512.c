/* The loop of peak.inc as compiled for AVX-512. */
#include "peak.h"

#ifdef __x86_64__
#define SIMD_BYTES 64
#define PEAK_LOOP  peak_avx512
#include "peak.inc"
#endif
