/* A table of kernels that adds up the time which each phase of a training step spends in them. For one
 * thread. */
#ifndef BENCH_TIMED_H
#define BENCH_TIMED_H

#include "kernel/kernel.h"

#define PHASE_LIST(X)                                                                                        \
    X(INPUT, "input")  /* taking the samples from the data, as panels or lists */                            \
    X(PACK, "packing") /* activations and their cotangents for products */                                   \
    X(FORWARD, "forward products")                                                                           \
    X(INPUT_GRADIENT, "input gradients")                                                                     \
    X(WEIGHT_GRADIENT, "weight gradients")                                                                   \
    X(ELEMENTWISE, "elementwise") /* biases, activations, transposing */                                     \
    X(NOISE, "noise")             /* random numbers */                                                       \
    X(LOSS, "loss")                                                                                          \
    X(UPDATE, "update")

enum phase {
#define X(id, name) PHASE_##id,
    PHASE_LIST(X)
#undef X
        PHASE_COUNT
};

/* The name of a phase. */
const char *phase_name(enum phase phase);

/* The kernels of k, timed; there is one such table. Sets all times to 0. */
const struct kernel *timed_kernel(const struct kernel *k);

/* Seconds since timed_kernel. */
double timed_seconds(enum phase phase);

#endif
