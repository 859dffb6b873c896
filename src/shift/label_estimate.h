/* An estimate of the ratios of class shares, of whole samples or of resamples: what label_ratio.c repeats. */
#ifndef SHIFT_LABEL_ESTIMATE_H
#define SHIFT_LABEL_ESTIMATE_H

#include "shift/label_ratio.h"

enum { SOURCE, TARGET, SAMPLES };

/* What resampling does not change. */
struct estimator {
    const struct label_problem *problem;
    const struct logits *sample[SAMPLES];
    size_t classes;
    double *predicted[SAMPLES]; /* [rows][classes] by the model alone: one-hot, or probabilities */
};

/* An estimate in progress, and its memory. */
struct attempt {
    const struct estimator *estimator;
    const double *count[SAMPLES]; /* [rows] how often a row counts; NULL: once */
    double tolerance;             /* of mlls */
    size_t most_steps;
    struct bcts calibration; /* mlls: begins from what it is */
    double *q;               /* [classes] the target's prior; mlls: begins from it */
    double *share;           /* [classes] of the source */
    double *ratio;           /* [classes] */
    double *confusion;       /* [classes][classes] */
    double *second;          /* [classes][classes] mean product of two predictions */
    double *mean;            /* [classes] mean prediction: of the target, mlls: calibrated of the source */
    double *posterior;       /* mlls: [rows of the target][classes] */
    double *drawn[SAMPLES];  /* [rows] memory of counts */
    size_t negative, truncated, steps;
};

/* Borrows the problem. After a failure, too, release. */
bool estimator_init(struct estimator *e, const struct label_problem *problem, struct err *err) MUST_CHECK;
void estimator_release(struct estimator *e);

/* resampled: with memory for counts, and no more precise than a resample need be. After a failure, too,
 * release. */
bool attempt_init(struct attempt *a, const struct estimator *e, bool resampled, struct err *err) MUST_CHECK;
void attempt_release(struct attempt *a);

/* begins: calibration and q are still to be found; else they are those of the whole samples. */
bool attempt_solve(struct attempt *a, bool begins, struct err *err) MUST_CHECK;
/* Takes out of the ratio what was found along directions that the predictions do not tell. */
bool attempt_keep_told(struct attempt *a, struct err *err) MUST_CHECK;

#endif
