/* Random numbers of a slice of samples, drawn in whole vectors by the functions of struct kernel: dropout and
 * normal noise. A number is a function of (seed, stream, epoch, sample, row of the panel) alone (random.h).
 */
#ifndef KERNEL_NOISE_H
#define KERNEL_NOISE_H

#include <stdint.h>

#include "base/real.h"

/* For whom and when they are drawn. */
struct noise {
    uint64_t seed;
    uint32_t epoch;
    const uint32_t *sample; /* [lanes] rows of the training file; anything behind the last sample */
};

/* Inverted dropout (Srivastava et al. 2014): what is kept grows, so that the expectation stays. */
struct dropout {
    uint32_t threshold; /* a random word below it drops the number */
    real scale;         /* of what is kept */
};

/* keep: the share that is kept, above 0 and at most 1. */
static inline struct dropout dropout_keeping(real keep) {
    return (struct dropout){(uint32_t)((1 - (double)keep) * 0x1p32), 1 / keep};
}

#endif
