/* An estimate of the ratios of class shares, of whole samples or of resamples: what label_ratio.c repeats. */
#ifndef SHIFT_LABEL_ESTIMATE_H
#define SHIFT_LABEL_ESTIMATE_H

#include "shift/label_ratio.h"

enum { SOURCE, TARGET, SAMPLES };

struct attempt;

/* What differs between the methods. */
struct label_method {
    bool calibrates; /* has probabilities of its own, by bcts, and so posteriors */
    /* Fills q and ratio; where the likelihood is maximised, only begins to. */
    bool (*solve)(struct attempt *a, struct err *err) MUST_CHECK;
    /* Finds out which directions the predictions tell, to which the ratio is then kept; NULL: solve has kept
     * to them. */
    bool (*tell)(struct attempt *a, struct err *err) MUST_CHECK;
};
const struct label_method *label_method(int method);

/* What resampling does not change. */
struct estimator {
    const struct label_problem *problem;
    const struct label_method *method;
    const struct logits *sample[SAMPLES];
    size_t classes;
    double *predicted[SAMPLES]; /* [rows][classes] by the model alone: one-hot, or probabilities */
};

/* An estimate in progress, and its memory. */
struct attempt {
    const struct estimator *estimator;
    const struct attempt *whole;  /* of a resample: the estimate of all rows; NULL */
    const double *count[SAMPLES]; /* [rows] how often a row counts; NULL: once */
    double tolerance;             /* of mlls */
    size_t most_steps;
    struct bcts calibration;
    double *q;                 /* [classes] the target's prior */
    double *share;             /* [classes] of the source */
    double *ratio;             /* [classes] */
    double *confusion;         /* [classes][classes] */
    double *second;            /* [classes][classes] mean product of two predictions */
    double *mean;              /* [classes] mean prediction: of the target, mlls: calibrated of the source */
    double *posterior;         /* mlls: [rows of the target][classes] */
    double *drawn[SAMPLES];    /* [rows] memory of counts */
    double *theta;             /* [2][classes] */
    struct label_told told;    /* where the method has tell */
    struct mlls_ascent ascent; /* mlls: of q */
    size_t negative, truncated, steps;
    size_t rank; /* directions that are not truncated */
};

/* Borrows the problem. After a failure, too, release. */
bool estimator_init(struct estimator *e, const struct label_problem *problem, struct err *err) MUST_CHECK;
void estimator_release(struct estimator *e);

/* whole, or NULL: this is to be of resamples, with memory for counts, and no more precise than a resample
 * need be; borrowed, and solved before this. After a failure, too, release. */
bool attempt_init(struct attempt *a, const struct estimator *e, const struct attempt *whole,
                  struct err *err) MUST_CHECK;
void attempt_release(struct attempt *a);

/* A resample begins where the whole ended, and keeps to the directions that the whole tells, by bbse to as
 * many of its own: what it finds along others is noise, to which rows that come twice lend weight. */
bool attempt_solve(struct attempt *a, struct err *err) MUST_CHECK;

/* The same in portions: a beginning, some cycles of EM (true: no more are left), an end. */
bool attempt_begin(struct attempt *a, struct err *err) MUST_CHECK;
bool attempt_advance(struct attempt *a, size_t cycles);
bool attempt_end(struct attempt *a, struct err *err) MUST_CHECK;

#endif
