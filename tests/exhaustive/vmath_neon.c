/* The functions of vmath.inc as compiled for NEON. */
#include "vmath_set.h"

#ifdef __aarch64__
#define SIMD_BYTES 16
#define VMATH_SET  vmath_neon
#include "vmath_set.inc"
#endif
