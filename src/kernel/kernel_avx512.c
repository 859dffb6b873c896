#include "kernel/tables.h"

#if defined(__x86_64__)

#define SIMD_BYTES   64
#define TABLE_NAME   "avx512"
#define TABLE_SYMBOL kernel_avx512

static bool supported(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

#include "kernel/body.inc"

#endif
