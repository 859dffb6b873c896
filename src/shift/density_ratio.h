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
#include "shift/task.h"

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
    size_t centers; /* basis functions */
};

void density_ratio_release(struct density_ratio *ratio);

/* Whether a method, enum shift_method, is one of these; whether its ratio is the relative one. */
bool density_is_direct(int method);
bool density_is_relative(int method);

/* The estimate, an iterator like crossfit. */
struct density_estimation;

/* The problem's samples and team are borrowed. ERR_DATA where source or target have no rows. */
struct density_estimation *density_estimation_create(int method, const struct density_problem *problem,
                                                     struct err *err) MUST_CHECK;
void density_estimation_free(struct density_estimation *e);

/* At most max_steps units of work, each a small share of one bandwidth's; *over: there is a result, and it
 * must not be called again. How many steps are asked for at a time changes no bit. */
bool density_estimation_advance(struct density_estimation *e, size_t max_steps, bool *over,
                                struct err *err) MUST_CHECK;
struct task_status density_estimation_status(const struct density_estimation *e);

/* After all is over, once: hands over what is to be released with density_ratio_release. Where the target is
 * out of the reach of every basis function, kliep's ratios are all 0. */
struct density_ratio density_estimation_finish(struct density_estimation *e);

#endif
