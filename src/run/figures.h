/* Figures computed from counts. */
#ifndef RUN_FIGURES_H
#define RUN_FIGURES_H

#include <stddef.h>

#include "fit/fit.h"

/* One class against the rest. A ratio without cases (nothing predicted, nothing there) is 0. */
struct class_figures {
    double precision, recall, f1;
    uint64_t support; /* samples of the class */
};

struct class_figures figures_of_class(const struct evaluation *e, size_t cls);

/* 95 % interval of a share k of n (Wilson 1927). */
void figures_wilson(size_t k, size_t n, double *low, double *high);

#endif
