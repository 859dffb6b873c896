/* The engine's floating-point type. float in the shipped program; the test suite builds the engine a second
 * time with -DDLTRAIN_DOUBLE to hold the same code against double-precision references. */
#ifndef BASE_REAL_H
#define BASE_REAL_H

#include <float.h>

/* The numeric contract: every operation rounds once, to its own type, in the order written. */
#ifdef __FAST_MATH__
#error "dltrain cannot be built with fast-math: its results would depend on the compiler"
#endif
_Static_assert(FLT_EVAL_METHOD == 0,
               "arithmetic must round to its own type (on 32-bit x86: -msse2 -mfpmath=sse)");

#ifdef DLTRAIN_DOUBLE
typedef double real;
#define REAL_IS_DOUBLE 1
#else
typedef float real;
#define REAL_IS_DOUBLE 0
#endif

#endif
