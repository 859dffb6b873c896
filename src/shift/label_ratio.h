/* Estimators of w_y = q(y) / p(y) under label shift, where q(x|y) = p(x|y), from what a model predicts on a
 * held-out sample of the source and an unlabelled sample of the target: MLLS (Saerens, Latinne and
 * Decaestecker 2002; Alexandari et al. 2020; Garg et al. 2020), BBSE (Lipton, Wang and Smola 2018), RLLS
 * (Azizzadenesheli et al. 2019). All in double, with the bits of every machine. */
#ifndef SHIFT_LABEL_RATIO_H
#define SHIFT_LABEL_RATIO_H

#include "base/err.h"
#include "base/team.h"
#include "shift/bcts.h"
#include "shift/spec.h"

struct label_problem {
    struct logits source; /* held out, with classes */
    struct logits target; /* no classes */
    int method;           /* enum shift_method: mlls, bbse, rlls */
    bool soft;            /* bbse, rlls */
    double alpha;         /* rlls */
    size_t bootstrap;     /* resamples of both samples; 0: no intervals */
    double confidence;    /* of the intervals: 0.95 */
    uint64_t seed;
    struct team *team; /* shares out the resamples */
};

/* Arrays [classes] unless it is said otherwise, all owned. */
struct label_ratio {
    size_t classes;
    double *ratio;         /* target prior over the held-out sample's share; 0 for a class that lacks there */
    double *source_prior;  /* share of the held-out sample */
    double *target_prior;  /* estimated, sum 1 */
    double (*interval)[2]; /* of target_prior, percentiles of the bootstrap; NULL: none was asked for */
    double *confusion;     /* [classes][classes] C[i][j] = P(predicted i | true j); soft: mean probability */
    double sigma_min;      /* smallest singular value of the joint matrix P(predicted i, true j) */
    double condition;      /* of that matrix; INFINITY where it is singular */
    size_t truncated;      /* directions that the data cannot tell and that keep ratio 1 */
    size_t negative;       /* classes whose estimate was below 0 and was set to 0 */
    size_t missing;        /* classes that the held-out sample lacks */
    size_t iterations;     /* mlls */
    bool converged;        /* mlls */
    struct bcts
        calibration; /* mlls: of the model's logits, fitted on the held-out sample; else a = 1, b = 0 */
};

/* Release with label_ratio_release. ERR_DATA where logits are not finite. */
bool label_ratio_estimate(const struct label_problem *problem, struct label_ratio *out,
                          struct err *err) MUST_CHECK;
void label_ratio_release(struct label_ratio *ratio);

/* ---- the parts, for who has matrices and probabilities already ---- */

/* The maximum of the target's likelihood: q from p [classes] and probabilities [rows][classes] under p. EM
 * steps until no prior changes by more than tolerance. likelihood, or NULL: [most] the mean log-likelihood at
 * each step. Returns the steps. */
size_t mlls_maximise(const double *probability, size_t rows, size_t classes, const double *count,
                     const double *p, double tolerance, size_t most, double *q, double *likelihood);

/* theta = w - 1 from the matrix c [classes][classes], c[i][j] = P(predicted i | true j) (its columns sum to
 * 1), the source's prior p and the target's mean prediction mu: minimum-norm solution of the joint system,
 * directions of too small a singular value left at 0. Returns how many those are. */
bool bbse_solve(const double *c, const double *p, const double *mu, size_t classes, double *theta,
                size_t *truncated, struct err *err) MUST_CHECK;

/* theta >= -1 that minimises |C theta - b|_2 + penalty |theta|_2 with the joint matrix C. */
bool rlls_solve(const double *c, const double *p, const double *mu, size_t classes, double penalty,
                double *theta, struct err *err) MUST_CHECK;

#endif
