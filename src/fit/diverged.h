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
    const uint32_t *row; /* [samples] rows of the batch */
    size_t samples;
    const struct fit_status *status;
    const struct optimizer *optimizer;
    const struct fit_noise *noise; /* that it drew */
};

/* Fills err (ERR_DIVERGED) with epoch, step and the first layer whose parameters, optimiser's state
 * or, on this batch, outputs are not finite. Runs the batch forward once more. */
void diverged_explain(const struct diverged_step *step, struct err *err);

#endif
