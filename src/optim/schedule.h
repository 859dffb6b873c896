/* Learning rate and momentum of a step: pure functions of the spec and of where the run stands, so that a run
 * may stop and go on anywhere. Only plateau has a state, which the caller feeds. */
#ifndef OPTIM_SCHEDULE_H
#define OPTIM_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/snapshot.h"
#include "optim/spec.h"

/* The step that is about to be done. */
struct schedule_at {
    uint64_t step;          /* of the whole run, from 0 */
    size_t steps_per_epoch; /* at least 1 */
    size_t epochs;          /* of the whole run */
    double plateau;         /* plateau's factor so far, 1 at first */
};

/* The learning rate of the step, lr being the spec's.
 *   by epoch, e counted from the first one that begins behind the warm-up:
 *     step         lr factor^(e / every, rounded down)
 *     exponential  lr factor^e
 *     plateau      lr times what plateau_watch has made of the factor
 *   by step, t the share of the steps behind the warm-up that are done:
 *     linear       lr (1 - t + final t)
 *     cosine       lr (final + (1 - final) (1 + cos(pi t)) / 2)
 *     one_cycle    from lr linearly to peak at t = rise, from there by a half cosine to final lr
 *   In the W steps of the warm-up the rate is (step + 1) / W of what it is without. Behind the end of the run
 *   t stays 1. */
double schedule_rate(const struct optimizer_spec *spec, const struct schedule_at *at);

/* The momentum of the step: the spec's, or that of its ramp. */
double schedule_momentum(const struct optimizer_spec *spec, const struct schedule_at *at);

/* What plateau remembers from epoch to epoch; zero before plateau_init. */
struct plateau {
    bool watched; /* a value has come */
    double best, factor;
    size_t bad; /* epochs since the best one, or since the factor fell */
};

void plateau_init(struct plateau *plateau);

/* Takes the metric's value after an epoch: when it has not become better for more than `patience` epochs,
 * the factor is multiplied by the spec's (PyTorch's ReduceLROnPlateau with a threshold of 0). A NaN is not
 * better. */
void plateau_watch(struct plateau *plateau, const struct schedule_spec *spec, double value,
                   bool higher_is_better);

/* Puts it aside, or takes it up. */
void plateau_snapshot(struct plateau *plateau, struct snapshot *s);

#endif
