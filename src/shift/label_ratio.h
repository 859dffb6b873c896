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
#include "shift/task.h"

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

/* Arrays [classes] unless it is said otherwise; release with label_ratio_release. */
struct label_ratio {
    size_t classes;
    double *ratio;         /* target prior over the held-out sample's share; 0 for a class that lacks there */
    double *source_prior;  /* share of the held-out sample */
    double *target_prior;  /* estimated, sum 1 */
    double (*interval)[2]; /* of target_prior, percentiles of the bootstrap; NULL: none was asked for */
    double *confusion;     /* [classes][classes] C[i][j] = P(predicted i | true j); soft: mean probability */
    double sigma_min;      /* smallest singular value of the joint matrix P(predicted i, true j) */
    double condition;      /* of that matrix; INFINITY where it is singular */
    size_t truncated;      /* directions in which predictions do not tell classes: they keep ratio 1 */
    size_t negative;       /* classes whose estimate was below 0 and was set to 0 */
    size_t missing;        /* classes that the held-out sample lacks */
    size_t iterations;     /* mlls; else 0 */
    bool converged;        /* a method without iterations has */
    bool calibrated;       /* mlls: the calibration is of the model's logits, fitted on the held-out sample */
    struct bcts calibration; /* else a = 1, b = 0 */
};

void label_ratio_release(struct label_ratio *ratio);

/* The arrays of numbers but the intervals are one block, which `ratio` owns: [3 + classes][classes] in the
 * order above. Points the others into it. */
void label_ratio_lay_out(struct label_ratio *ratio);

/* A class that the held-out sample lacks gets the share [classes] that the training part has of it, and a
 * neutral place among the calibrated logits; the others share what that leaves. It has no interval: NaN. */
void label_ratio_settle_unseen(struct label_ratio *ratio, const double *share);

/* The estimate, an iterator like crossfit. */
struct label_estimation;

/* The problem's logits and team are borrowed. ERR_DATA where logits are not finite. */
struct label_estimation *label_estimation_create(const struct label_problem *problem,
                                                 struct err *err) MUST_CHECK;
void label_estimation_free(struct label_estimation *e);

/* At most max_steps portions of the estimate itself, or then resamples by every member of the team; *over:
 * there is a result, and it must not be called again. How many steps are asked for at a time changes no bit.
 */
bool label_estimation_advance(struct label_estimation *e, size_t max_steps, bool *over,
                              struct err *err) MUST_CHECK;
struct task_status label_estimation_status(const struct label_estimation *e);

/* After all is over, once: hands over what is to be released with label_ratio_release. */
struct label_ratio label_estimation_finish(struct label_estimation *e);

/* ---- the parts, for who has matrices and probabilities already ---- */

struct mlls_problem {
    const double *probability; /* [rows][classes] of the target, under the prior p */
    size_t rows, classes;
    const double *count; /* [rows] how often a row counts; NULL: once */
    const double *p;     /* [classes] */
    double tolerance;
    size_t most; /* steps */
};

/* The maximum of the target's likelihood over its prior q [classes], which is concave, by EM from the q that
 * is given, which is above 0 where the maximum may be; accelerated, but the likelihood never falls by more
 * than rounding. Ends when a step of EM changes no prior by more than the tolerance. likelihood, or NULL:
 * [most] the mean log-likelihood before every step. *steps < most: it has converged. */
bool mlls_maximise(const struct mlls_problem *problem, double *q, double *likelihood, size_t *steps,
                   struct err *err) MUST_CHECK;

/* The same in portions. */
struct mlls_ascent {
    struct mlls_problem problem; /* what it points to is borrowed */
    double *q;                   /* borrowed: where a cycle begins */
    double *weight;              /* q / p; owned, with the three below; [classes] each */
    double *first, *second;      /* after one step, after two */
    double *leap;                /* beyond them, along their path */
    double *likelihood;          /* borrowed, or NULL */
    double change;               /* of a prior, in the last step: the largest */
    size_t steps;
};

/* Release, after a failure too. */
bool mlls_begin(struct mlls_ascent *ascent, const struct mlls_problem *problem, double *q,
                struct err *err) MUST_CHECK;
void mlls_release(struct mlls_ascent *ascent);
/* At most so many times three steps; how many are asked for at a time changes no bit. */
void mlls_advance(struct mlls_ascent *ascent, size_t cycles);
bool mlls_over(const struct mlls_ascent *ascent);

/* What predictions h (one-hot, or probabilities) say about classes. */
struct label_moments {
    size_t classes;
    double rows;      /* of the held-out sample; INFINITY: all is exact */
    const double *c;  /* [classes][classes] c[i][j] = mean of h_i over class j; 0 for a class that lacks */
    const double *p;  /* [classes] shares of the classes */
    const double *mu; /* [classes] mean of h over the target */
    const double *second; /* [classes][classes] mean of h_i h_j over the source; NULL: h is one-hot */
    const size_t *told;   /* directions that count at most; NULL: as many as the sample shows */
};

/* theta = w - 1 [classes] from sum over j of c[i][j] p_j theta_j = mu_i - (c p)_i, 0 along directions that
 * the held-out sample does not tell; *truncated: how many those are, of as many as there are classes in it
 * less one. */
bool bbse_solve(const struct label_moments *moments, double *theta, size_t *truncated,
                struct err *err) MUST_CHECK;

/* The directions of theta that the held-out sample tells. Release with label_told_release. */
struct label_told {
    size_t classes, count;
    double *root;      /* [classes] of the shares; owned */
    double *direction; /* [count][classes], orthonormal, of root_j theta_j */
};
bool label_told_init(struct label_told *told, size_t classes, struct err *err) MUST_CHECK;
void label_told_release(struct label_told *told);
bool bbse_find_told(const struct label_moments *moments, struct label_told *told, size_t *truncated,
                    struct err *err) MUST_CHECK;
/* What is told of the change p_j theta_j of the shares, in terms of a theta over other shares p [classes]. */
void label_told_translate(const struct label_told *told, const double *p, struct label_told *out);
/* kept [classes] becomes theta but for 0 along all other directions. */
void label_told_keep(const struct label_told *told, const double *theta, double *kept);

/* theta >= -1 that minimises |C theta - b|_2 + penalty |theta|_2 with the joint matrix C_ij = c_ij p_j and
 * b = mu - C 1 (Azizzadenesheli et al. 2019, eq. 7). */
bool rlls_solve(const struct label_moments *moments, double penalty, double *theta,
                struct err *err) MUST_CHECK;

#endif
