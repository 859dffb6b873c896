/* The specification: plain scalars. */
#include "kernel/tables.h"

#define SIMD_BYTES   0
#define TABLE_NAME   "scalar"
#define TABLE_SYMBOL kernel_scalar

static bool supported(void) {
    return true;
}

#include "kernel/body.inc"
