/* The loop of peak.inc as compiled for NEON. */
#include "peak.h"

#ifdef __aarch64__
#define SIMD_BYTES 16
#define PEAK_LOOP  peak_neon
#include "peak.inc"
#endif
