/* How much of the variance of targets a model explains. */
#ifndef FIT_R_SQUARED_H
#define FIT_R_SQUARED_H

#include "data/dataset.h"

/* The coefficient of determination of each output, 1 - sum (t - y)^2 / sum (t - mean t)^2 over the part's
 * samples, of predictions y [part->count][target_width]; for targets that are all the same 1 where every
 * prediction is right, else 0 (scikit-learn's r2_score). In double, in the order of the samples. Returns
 * their mean; NaN, and so is each, for a part of one sample. */
double r_squared(const struct data_part *part, const real *predicted, double *output_r2);

#endif
