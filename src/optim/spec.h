/* What an optimiser is, as plain data. */
#ifndef OPTIM_SPEC_H
#define OPTIM_SPEC_H

#include <stdbool.h>
#include <stddef.h>

struct optimizer_spec {
    int kind; /* row of the optimiser table (optim/optimizer.h) */
    double lr;
    double momentum;
    bool nesterov;
};

/* Name of optimiser i, NULL behind the last. */
const char *optimizer_name(size_t i);

#endif
