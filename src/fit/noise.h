/* What a training draws at random in its steps; private to fit/. */
#ifndef FIT_NOISE_H
#define FIT_NOISE_H

#include "fit/fit.h"
#include "kernel/noise.h"

struct fit_noise {
    struct noise *slice; /* [slices] of the epoch in progress; NULL: nothing is drawn for a sample */
    size_t slices;
    /* Weight noise that is drawn once a step: the parameters with it, at which the gradient is taken. */
    real *theta;     /* NULL: there is none */
    uint32_t *unit;  /* [widest row of parameters] 0, 1, 2, ... */
    real *deviation; /* [OP_TILE_COLS] of the noise, and then 0 for the padding of a row */
};

/* Allocates what the setup's training asks for: nothing without noise. row: [slices * lanes] rows of the
 * training file in a batch, borrowed. Release with fit_noise_release. */
bool fit_noise_init(struct fit_noise *noise, const struct fit_setup *setup, const uint32_t *row,
                    size_t slices, size_t lanes, struct err *err) MUST_CHECK;
void fit_noise_release(struct fit_noise *noise);
/* Bytes of it that count: the noisy parameters. */
size_t fit_noise_bytes(const struct fit_setup *setup);

void fit_noise_begin_epoch(struct fit_noise *noise, size_t epoch);
/* What a slice draws by, or NULL. */
const struct noise *fit_noise_of(const struct fit_noise *noise, size_t slice);
/* Parameters at which a step is to be computed. */
const real *fit_noise_theta(const struct fit_noise *noise, const struct model *model);
/* Writes tile t of the parameters with the noise of a step; tiles are independent. */
void fit_noise_tile(const struct fit_noise *noise, const struct fit_setup *setup, uint64_t step, size_t t);

#endif
