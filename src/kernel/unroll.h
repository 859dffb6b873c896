/* For loops over registers, of at most 16 rounds: whoever does not unroll them keeps the vectors in memory.
 * Each compiler takes no notice of the other one's pragma. */
#ifndef KERNEL_UNROLL_H
#define KERNEL_UNROLL_H

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#endif
