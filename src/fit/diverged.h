/* Says where a training has diverged; private to fit/. */
#ifndef FIT_DIVERGED_H
#define FIT_DIVERGED_H

#include "fit/fit.h"
#include "fit/noise.h"
#include "fit/slice.h"
#include "optim/optimizer.h"

/* The step at which it happened. */
struct diverged_step {
    const struct slice_source *source;
    struct tape_workspace *ws;
    struct slice_targets *targets;
    const real *theta;         /* that its slices were computed with, */
    const void *const *packed; /* and its weights, packed */
    const uint32_t *row;       /* [samples] rows of the batch */
    size_t samples;
    bool updated; /* the losses were finite and the parameters have been updated */
    const struct fit_status *status;
    const struct optimizer *optimizer;
    const struct fit_noise *noise; /* that it drew */
    const char *lr_path;           /* of the setup */
};

/* Fills err (ERR_DIVERGED) with epoch, step and what broke first: an output on this batch, else a gradient,
 * else a parameter or its state in the optimiser, each time of the lowest layer where there is one. ws is as
 * the step has left it: where there was no update the batch runs forward once more, else outputs and
 * gradients are still at hand. */
void diverged_explain(const struct diverged_step *step, struct err *err);

#endif
