/* What regularises a parameter; private to fit/. */
#ifndef FIT_PENALTY_H
#define FIT_PENALTY_H

#include "fit/fit.h"

struct penalty {
    double l1, l2;   /* strengths in the objective: l1 sum |w| + l2 / 2 sum w^2 */
    bool decays;     /* optimizer.weight_decay acts */
    double max_norm; /* of the incoming weights of a unit; 0: any */
};

/* Those of the model's parameter number i: of its layer for a weight, of its layer for a bias that
 * penalize_bias names, none for another one and for a prelu's slope. */
struct penalty penalty_of(const struct fit_setup *setup, size_t i);

/* What the elements of parameter number i of theta, laid out as the model's, add to the objective, summed in
 * double in the order [in][out]. */
double penalty_value(const struct penalty *penalty, const struct model *model, const real *theta, size_t i);

#endif
