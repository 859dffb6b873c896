/* The kernel tables that a build for this architecture contains. A set's tables are an array by precision;
 * tables of products in bfloat16 alone are not there in double precision. */
#ifndef KERNEL_TABLES_H
#define KERNEL_TABLES_H

#include "kernel/kernel.h"

extern const struct kernel kernel_scalar[];
#if defined(__x86_64__)
extern const struct kernel kernel_avx2[], kernel_avx512[];
extern const struct kernel kernel_avx512_bf16, kernel_amx;
#elif defined(__aarch64__)
extern const struct kernel kernel_neon[];
#endif

#endif
