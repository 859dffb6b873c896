/* The functions of vmath.inc as plain scalars, the specification. */
#include "vmath_set.h"

#define SIMD_BYTES 0
#define VMATH_SET  vmath_scalar
#include "vmath_set.inc"
