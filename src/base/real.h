/* The engine's floating-point type. float in the shipped program; the test suite builds the engine a second
 * time with -DDLTRAIN_DOUBLE to hold the same code against double-precision references. */
#ifndef BASE_REAL_H
#define BASE_REAL_H

#ifdef DLTRAIN_DOUBLE
typedef double real;
#define REAL_IS_DOUBLE 1
#else
typedef float real;
#define REAL_IS_DOUBLE 0
#endif

#endif
