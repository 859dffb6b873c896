/* The functions of vmath.inc as compiled for AVX-512. */
#include "vmath_set.h"

#ifdef __x86_64__
#define SIMD_BYTES 64
#define VMATH_SET  vmath_avx512
#include "vmath_set.inc"
#endif
