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

#include <stdatomic.h>

#include "kernel/amx.h"
#include "kernel/proof.h"

#include "kernel/pairs.inc"
#include "kernel/vdpbf16.inc"
#include "kernel/amx.inc"

/* Whether an instruction that the processor has adds up as the contract has it; found out once. */
static bool exact(const struct products *products, atomic_int *known) {
    enum { UNKNOWN, EXACT, OTHERWISE };
    if (atomic_load(known) == UNKNOWN)
        atomic_store(known, products_agree(products, &bf16_products) ? EXACT : OTHERWISE);
    return atomic_load(known) == EXACT;
}

static bool has_vdpbf16(void) {
    return supported() && __builtin_cpu_supports("avx512bf16");
}

static bool exact_vdpbf16(void) {
    static atomic_int known;
    return exact(&dp_products, &known);
}

static bool supports_vdpbf16(void) {
    return has_vdpbf16() && exact_vdpbf16();
}

static const char *obstacle_of_vdpbf16(void) {
    return has_vdpbf16() && !exact_vdpbf16()
               ? "VDPBF16PS of this processor adds up in another order, and is not used"
               : NULL;
}

/* Packing takes an instruction of AVX512_BF16. */
static bool has_amx(void) {
    return has_vdpbf16() && amx_usable();
}

static bool exact_amx(void) {
    static atomic_int known;
    return exact(&amx_products, &known);
}

static bool supports_amx(void) {
    return has_amx() && exact_amx();
}

static const char *obstacle_of_amx(void) {
    if (amx_refused())
        return "the operating system does not let this process use the processor's AMX";
    return has_amx() && !exact_amx() ? "TDPBF16PS of this processor adds up in another order, and is not used"
                                     : NULL;
}

const struct kernel kernel_avx512_bf16 = {.name = "avx512_bf16",
                                          .precision = PRECISION_BF16,
                                          .supported = supports_vdpbf16,
                                          .obstacle = obstacle_of_vdpbf16,
                                          .products = &dp_products,
                                          COMMON_FUNCTIONS};

const struct kernel kernel_amx = {.name = "amx",
                                  .precision = PRECISION_BF16,
                                  .supported = supports_amx,
                                  .obstacle = obstacle_of_amx,
                                  .products = &amx_products,
                                  COMMON_FUNCTIONS};

#endif

#endif
