/* Direct estimators of the density ratio q(x) / p(x) by Gaussian basis functions around points of the target,
 * for inputs of few dimensions: KLIEP (Sugiyama et al., "Direct importance estimation with model selection",
 * NIPS 2007) and RuLSIF (Yamada, Suzuki, Kanamori, Hachiya and Sugiyama, "Relative density-ratio estimation",
 * Neural Computation 2013). All in double, with the bits of every machine and number of threads. */
#ifndef SHIFT_DENSITY_RATIO_H
#define SHIFT_DENSITY_RATIO_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/team.h"

struct density_problem {
    const double *source, *target; /* [source_rows][features], [target_rows][features] */
    size_t source_rows, target_rows, features;
    size_t centers;   /* most basis functions */
    double bandwidth; /* NAN: by cross-validation */
    double alpha;     /* rulsif: of the relative ratio, in [0, 1) */
    size_t folds;     /* of the cross-validation */
    uint64_t seed;
    struct team *team;
};

struct density_ratio {
    double *ratio;    /* [source_rows], at least 0; of rulsif the relative ratio, at most 1 / alpha; owned */
    double bandwidth; /* that was used */
    double lambda;    /* rulsif: that was used; kliep: NAN */
    /* Cross-validated, the larger the better; NAN: not. kliep: a lower bound of the divergence KL(q || p),
     * the mean log-ratio of the target less what the mean ratio of the source exceeds 1 by; rulsif: minus J.
     */
    double score;
    size_t centers;
};

/* ERR_DATA where source or target have no rows. *out is released by density_ratio_release. Where the target
 * is out of the reach of every basis function, kliep's ratios are all 0. */
bool kliep_estimate(const struct density_problem *problem, struct density_ratio *out,
                    struct err *err) MUST_CHECK;
bool rulsif_estimate(const struct density_problem *problem, struct density_ratio *out,
                     struct err *err) MUST_CHECK;
void density_ratio_release(struct density_ratio *ratio);

#endif
