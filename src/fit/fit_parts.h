/* What the files of the training step share; private to fit/. */
#ifndef FIT_FIT_PARTS_H
#define FIT_FIT_PARTS_H

#include <stdatomic.h>

#include "base/work.h"
#include "fit/diagnostics.h"
#include "fit/fit.h"
#include "fit/noise.h"
#include "fit/packed.h"
#include "fit/slice.h"
#include "fit/tiles.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"

/* What a team shares out in the course of a step. */
enum fit_work {
    WORK_NOISE,     /* tiles of the parameters to disturb, where weights are noisy once a step */
    WORK_LISTS,     /* slices to compress, where the first layer is cut by units */
    WORK_UNITS,     /* pieces of units of the first layer, a slice each */
    WORK_COLUMNS,   /* blocks of columns to compress */
    WORK_SLICES,    /* slices through the (rest of the) net and back */
    WORK_GRADIENTS, /* tiles of a gradient whose norm is limited */
    WORK_TILES,     /* tiles of the parameters */
    WORK_NORMS,     /* columns of weights whose norms are limited */
    WORK_FIGURES,   /* tiles of the parameters that diagnostics compares with what they were */
    WORKS
};

struct fit {
    struct fit_setup setup;
    struct slice_source source;
    struct fit_status status;
    struct optimizer *optimizer;
    struct plateau plateau;
    struct tiles tiles;
    struct tape_workspace *ws;
    struct slice_targets *targets; /* [threads] */
    struct team *team;             /* the setup's, or a smaller one of its own, or NULL: the caller alone */
    struct team *own_team;         /* NULL: none */
    bool sparse;                   /* images come as lists (source.sparse) */
    bool by_units;                 /* and the first layer's forward pass is cut by units */
    size_t unit_tile;              /* units that are one piece of it */
    bool fetch;                    /* tiles are asked for before their gradients are computed */
    size_t threads, batch, slices; /* samples of a whole batch, slices it makes */
    uint32_t *order;               /* positions in the training part, this epoch's order */
    uint32_t *row;                 /* [slices * lanes] rows of this batch */
    real *seed;                    /* [slices * lanes] weight/samples, 0 behind the batch */
    real *loss;                    /* [slices * lanes] */
    bool *correct;                 /* [slices * lanes] classified rightly */
    real *good;                    /* theta at the beginning of this epoch */
    bool epoch_done;
    double loss_sum;
    double correct_sum;
    struct diagnostics *diagnostics; /* NULL: not asked for */
    /* the step in progress */
    size_t samples;
    struct fit_noise noise;
    struct packed packed; /* the weights of the slices, between two steps those of the next one (but for noise
                           * on them) */
    bool packed_anew;     /* and they have been packed since somebody else may have changed the parameters */
    struct work work[WORKS];
    atomic_bool loss_broken, parameter_broken; /* a loss, a new parameter is not finite */
};

/* Where a member of the team waits for the others. */
static inline void fit_barrier(const struct fit *fit) {
    kernel_rest(fit->source.kernel);
    team_barrier(fit->team);
}

#endif
