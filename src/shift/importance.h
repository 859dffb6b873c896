/* Importance weights from density ratios: limited, relative, normalised, and what they are worth. */
#ifndef SHIFT_IMPORTANCE_H
#define SHIFT_IMPORTANCE_H

#include <stddef.h>

#include "base/err.h"

enum { IMPORTANCE_BINS = 12 };

struct importance {
    double ess;        /* (sum w)^2 / sum w^2, in samples (Kish 1965) */
    double max;        /* largest weight, mean 1 */
    double clipped;    /* share of the samples whose ratio was cut to the limit; NAN: there was none */
    double mean_ratio; /* before it was made 1: far from 1 the ratio is badly estimated */
    size_t counted;    /* samples with weight above 0 */
    /* Samples by weight: bin i from edge[i] (incl.) to edge[i + 1] (excl.): 0, 1/32, 1/16 ... 16, 32, inf. */
    size_t histogram[IMPORTANCE_BINS];
    double edge[IMPORTANCE_BINS + 1];
};

/* Turns density ratios r [count], at least 0, into weights in place: with alpha (not NAN) to r / (alpha r + 1
 * - alpha) (Yamada et al. 2013), else cut at clip (NAN or 0: not), then to mean 1 over the first `normalised`
 * of them (the training part; the others are held out). Ratios that are not finite count as the limit, or
 * where there is none as the largest finite one. Where all are 0 or underflow, all become 1 and it returns
 * false. *out is of the first `normalised`. */
bool importance_weigh(double *r, size_t count, size_t normalised, double clip, double alpha,
                      struct importance *out) MUST_CHECK;

/* The figures of weights that are already normalised. */
void importance_describe(const double *w, size_t count, struct importance *out);

#endif
