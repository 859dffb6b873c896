/* Bytes of which most are 0, in compressed form: only the others are listed, as MNIST's pixels are 0 four
 * times in five. A term of a sum whose factor is 0 changes no bit of it (the sum of no terms is +0, see the
 * numeric contract), so products over lists have the bits of products over panels.
 *
 * An entry is position << 8 | byte; a list is ascending and closed by SPARSE_END. */
#ifndef KERNEL_SPARSE_H
#define KERNEL_SPARSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/real.h"

#define SPARSE_END UINT32_MAX

enum {
    SPARSE_LANES = 32,    /* widest slice in compressed form */
    SPARSE_SEGMENT = 128, /* samples whose cotangents of 64 units fill 32 KiB: a first-level cache */
    SPARSE_POSITIONS = (1 << 24) - 1, /* features at most, so that no entry is SPARSE_END */
};

/* Compressed sparse rows of one slice: list s, at entry[start[s]], holds the features of sample s. */
struct sparse_rows {
    const uint32_t *entry;
    const uint32_t *start; /* [lanes] */
    const real *value;     /* [256]: the number that a byte stands for; value[0] = 0 */
    size_t features;
};

/* Compressed sparse columns of a batch: list f of segment g, at entry[start[g * features + f]], holds the
 * samples of the segment, counted from its first one. */
struct sparse_columns {
    const uint32_t *entry;
    const size_t *start; /* [segments][features] */
    const real *value;
    size_t features;
};

#endif
