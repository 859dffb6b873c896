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

/* Two-sided p-value of the exact form of McNemar's test (McNemar, "Note on the sampling error of the
 * difference between correlated proportions or percentages", Psychometrika 12, 1947): of n = b + c rows that
 * only one of two models has right, how likely a split at least as uneven is, were each of them as likely to
 * be either's. */
double figures_mcnemar(size_t b, size_t c);

#endif
