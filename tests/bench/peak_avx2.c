/* The loop of peak.inc as compiled for AVX2. */
#include "peak.h"

#ifdef __x86_64__
#define SIMD_BYTES 32
#define PEAK_LOOP  peak_avx2
#include "peak.inc"
#endif
