#include "kernel/tables.h"

#if defined(__x86_64__)

#define SIMD_BYTES   32
#define TABLE_NAME   "avx2"
#define TABLE_SYMBOL kernel_avx2

static bool supported(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

#include "kernel/body.inc"

#endif
