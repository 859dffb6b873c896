/* Optimisers: a table of update rules. The step applies them tile by tile while the gradient is in cache, so
 * a rule is a function of single elements. */
#ifndef OPTIM_OPTIMIZER_H
#define OPTIM_OPTIMIZER_H

#include <stdint.h>

#include "base/err.h"
#include "base/real.h"
#include "base/snapshot.h"
#include "kernel/kernel.h"
#include "optim/spec.h"

struct optimizer;

/* Where a tile of parameters stands. */
struct optimizer_tile {
    size_t offset, stride, rows, cols;
};

/* What differs from tile to tile. */
struct optimizer_terms {
    real scale;  /* what the gradient is multiplied by: 1, or less where its norm is limited */
    double l1;   /* strength of the L1 penalty that the soft threshold behind the step stands for */
    bool decays; /* whether the spec's weight_decay acts */
};

/* An optimiser of `size` parameters; its state starts at 0 (adagrad's at initial_accumulator). Release with
 * optimizer_free. */
struct optimizer *optimizer_create(const struct optimizer_spec *spec, size_t size,
                                   struct err *err) MUST_CHECK;
void optimizer_free(struct optimizer *o);

/* Gives o, of the same rule and size, the state that `from` has reached: it goes on as that would. */
void optimizer_adopt(struct optimizer *o, const struct optimizer *from, size_t size);

/* Puts its state between two steps aside, or takes it up. */
void optimizer_snapshot(struct optimizer *o, size_t size, struct snapshot *s);

/* Begins a step with this learning rate and momentum (read where the rule has one). */
void optimizer_begin(struct optimizer *o, double lr, double momentum);

/* Ends it, when all tiles are updated: the scale that they all had (struct optimizer_terms). */
void optimizer_end(struct optimizer *o, real scale);

/* Asks the cache for what the update of the tile will read and write: to be called before its gradient is
 * computed, which takes as long as memory does. */
void optimizer_fetch(const struct optimizer *o, const struct kernel *k, const struct optimizer_tile *tile,
                     const real *theta);

/* Updates a tile of theta (cols a multiple of KERNEL_LANES) by its gradient g, whose rows are g_stride apart.
 * Disjoint tiles may be updated by different threads at once. Returns whether the new parameters and their
 * state are all finite. */
bool optimizer_update(const struct optimizer *o, const struct kernel *k, const struct optimizer_tile *tile,
                      const struct optimizer_terms *terms, real *theta, const real *g, size_t g_stride);

/* Whether the state of `count` parameters from `offset` on is finite. */
bool optimizer_finite(const struct optimizer *o, const struct kernel *k, size_t offset, size_t count);

/* Reals of state for each parameter. */
size_t optimizer_states(const struct optimizer_spec *spec);

#endif
