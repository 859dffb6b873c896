/* Optimisers: a table of update rules. The step applies them tile by tile while the gradient is in cache, so
 * a rule is a function of single elements. */
#ifndef OPTIM_OPTIMIZER_H
#define OPTIM_OPTIMIZER_H

#include <stdint.h>

#include "base/err.h"
#include "base/real.h"
#include "kernel/kernel.h"
#include "optim/spec.h"

struct optimizer;

/* Where a tile of parameters stands. */
struct optimizer_tile {
    size_t offset, stride, rows, cols;
};

/* An optimiser of `size` parameters; its state starts at 0. Release with optimizer_free. */
struct optimizer *optimizer_create(const struct optimizer_spec *spec, size_t size,
                                   struct err *err) MUST_CHECK;
void optimizer_free(struct optimizer *o);

/* Begins a step with this learning rate. */
void optimizer_begin(struct optimizer *o, double lr);

/* Asks the cache for what the update of the tile will read and write: to be called before its gradient is
 * computed, which takes as long as memory does. */
void optimizer_fetch(const struct optimizer *o, const struct kernel *k, const struct optimizer_tile *tile,
                     const real *theta);

/* Updates a tile of theta (cols a multiple of KERNEL_LANES) by its gradient g, whose rows are g_stride apart.
 * Disjoint tiles may be updated by different threads at once. Returns whether the new parameters are all
 * finite. */
bool optimizer_update(struct optimizer *o, const struct kernel *k, const struct optimizer_tile *tile,
                      real *theta, const real *g, size_t g_stride);

/* Reals of state for each parameter. */
size_t optimizer_states(const struct optimizer_spec *spec);

#endif
