/* Scalar double-precision functions with the same bits on every machine, for numbers that can reach the model
 * outside the kernels (initialisation, schedules). libm is no such function: glibc chooses by processor. The
 * same bodies as the vector functions of vmath.inc. */
#ifndef KERNEL_DMATH_H
#define KERNEL_DMATH_H

double dmath_exp(double x);
double dmath_log(double x);
double dmath_tanh(double x);
double dmath_erf(double x);
/* sin and cos of 2 pi x, x in [0, 1]: exact argument reduction. */
double dmath_sin_turns(double x);
double dmath_cos_turns(double x);

#endif
