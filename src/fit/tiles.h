/* Phase 2 of a step, over tiles of the parameters; private to fit/. */
#ifndef FIT_TILES_H
#define FIT_TILES_H

#include "base/real.h"
#include "fit/penalty.h"

struct fit;

/* Columns of a weight matrix whose norms are limited. */
struct limited_columns {
    size_t parameter, first, cols;
};

/* What phase 2 needs besides the optimiser. */
struct tiles {
    struct penalty *penalty;         /* [parameters] */
    struct limited_columns *limited; /* pieces of the weights with a max_norm */
    size_t limited_count;
    real *gradient;  /* the whole gradient, laid out as theta; only where its norm is limited, else NULL */
    double *squares; /* [tiles] sum of the squares of each; as gradient */
    real scale;      /* of the gradient in the step in progress */
};

bool tiles_init(struct fit *fit, struct err *err) MUST_CHECK;
void tiles_release(struct fit *fit);

/* Bytes that tiles_init allocates by the size of the parameters. */
size_t tiles_bytes(const struct fit_setup *setup);

/* Before a step: lays out the work. */
void tiles_share_out(struct fit *fit);

/* A thread's part of phase 2: gradients, updates, limits of norms. Sets fit->parameter_broken where a
 * parameter or its state is not finite. */
void tiles_update(struct fit *fit, size_t rank);

#endif
