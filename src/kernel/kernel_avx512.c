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

#if !SIMD_DOUBLE

#include "kernel/pairs.inc"
#include "kernel/vdpbf16.inc"

static bool supports_vdpbf16(void) {
    return supported() && __builtin_cpu_supports("avx512bf16");
}

const struct kernel kernel_avx512_bf16 = {.name = "avx512_bf16",
                                          .precision = PRECISION_BF16,
                                          .supported = supports_vdpbf16,
                                          .products = &dp_products,
                                          COMMON_FUNCTIONS};

#endif

#endif
