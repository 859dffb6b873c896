/* What the kernels of the optimisers (kernel/update.inc) work on, and by which numbers. */
#ifndef KERNEL_UPDATE_H
#define KERNEL_UPDATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"

/* What an optimiser remembers of a parameter; which of them it has hangs on the rule. */
enum update_state {
    UPDATE_VELOCITY, /* of the momentum */
    UPDATE_MEAN,     /* average of the gradient */
    UPDATE_SQUARE,   /* average, or sum, of its square */
    UPDATE_LARGEST,  /* largest average of the square so far */
    UPDATE_STATES
};

/* A tile of parameters: rows of cols elements, cols a multiple of KERNEL_LANES. */
struct update_tile {
    size_t rows, cols;
    real *w;                    /* rows `stride` apart */
    real *state[UPDATE_STATES]; /* like w; NULL: the rule does without */
    const real *g;              /* the gradient, rows `g_stride` apart */
    size_t stride, g_stride;
};

/* The numbers of a step. Those that a rule does not name are not read. */
struct update {
    real scale;               /* the gradient is multiplied by it; 1 leaves it alone */
    real keep;                /* and the parameters by this one, before the step: decoupled weight decay */
    real threshold;           /* soft threshold behind the step, over the rule's divisor; 0: none */
    real rate;                /* step width; adam: over 1 - beta1^t */
    real momentum, intake;    /* velocity = momentum velocity + intake g */
    bool nesterov;            /* look one step of the momentum ahead */
    real mean_decay, mean_in; /* mean = mean_decay mean + mean_in g */
    real square_decay, square_in;
    real correction; /* adam: sqrt(1 - beta2^t) */
    real eps;
};

#endif
