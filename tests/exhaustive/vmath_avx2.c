/* The functions of vmath.inc as compiled for AVX2 and FMA. */
#include "vmath_set.h"

#ifdef __x86_64__
#define SIMD_BYTES 32
#define VMATH_SET  vmath_avx2
#include "vmath_set.inc"
#endif
