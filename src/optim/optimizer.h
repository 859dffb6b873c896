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

/* An optimiser of `size` parameters; its state starts at 0. Release with optimizer_free. */
struct optimizer *optimizer_create(const struct optimizer_spec *spec, size_t size,
                                   struct err *err) MUST_CHECK;
void optimizer_free(struct optimizer *o);

/* Begins a step with this learning rate. */
void optimizer_begin(struct optimizer *o, double lr);

/* Updates theta[offset, offset + n) by the gradient g[0, n); n is a multiple of KERNEL_LANES. Disjoint ranges
 * may be updated by different threads at once. */
void optimizer_update(struct optimizer *o, const struct kernel *k, size_t offset, size_t n, real *theta,
                      const real *g);

/* Reals of state for each parameter. */
size_t optimizer_states(const struct optimizer_spec *spec);

#endif
