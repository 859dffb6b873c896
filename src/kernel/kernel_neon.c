#include "kernel/tables.h"

#if defined(__aarch64__)

#define SIMD_BYTES   16
#define TABLE_NAME   "neon"
#define TABLE_SYMBOL kernel_neon

/* Every 64-bit Arm processor has it, fused multiply-add included. */
static bool supported(void) {
    return true;
}

#include "kernel/body.inc"

#endif
