/* What tells source from target: logistic regression or a multilayer perceptron, cross-fitted. */
#ifndef SHIFT_DISCRIMINATOR_H
#define SHIFT_DISCRIMINATOR_H

#include "shift/crossfit.h"
#include "shift/spec.h"

struct discriminator;

/* Borrowed: the spec with its layers, kernel and team; of the parts, which may go when it is created, the
 * rows are copied. source: parts of one or two sets that are one sample together, in this order. ERR_CONFIG
 * where images are not of one type or are too many. Images are of one width. */
struct discriminator_setup {
    const struct shift_spec *spec;
    const struct data_part *source[2]; /* training part; held-out part or NULL */
    const struct data_part *target;
    int scale; /* enum data_scale of the run: per feature, or else standardized over all features at once */
    uint64_t seed;
    const struct kernel *kernel;
    struct team *team;
    size_t most_threads;
};

struct discriminator *discriminator_create(const struct discriminator_setup *setup,
                                           struct err *err) MUST_CHECK;
void discriminator_free(struct discriminator *d);
/* As crossfit_advance. */
bool discriminator_advance(struct discriminator *d, size_t max_steps, bool *over, struct err *err) MUST_CHECK;
struct crossfit_status discriminator_status(const struct discriminator *d);
/* Puts it aside, or takes it up in one that has just been made. */
void discriminator_snapshot(struct discriminator *discriminator, struct snapshot *s);

struct discriminator_result {
    double p_value;          /* of the classifier two-sample test */
    double accuracy;         /* share of the rows, out of fold, by which sample is the denser one there */
    double auc;              /* out of fold */
    double slope, intercept; /* of the calibration */
    /* [rows of the sources] q/p: (n_s / n_t) exp(calibrated log-odds), from exp(-300) to exp(300), so that
     * sums of squares are finite */
    const double *ratio;
    const double *target_ratio; /* [rows of the target] the same there */
};

/* After all is over. ERR_SYSTEM for want of memory. The result belongs to d. */
bool discriminator_finish(struct discriminator *d, struct discriminator_result *out,
                          struct err *err) MUST_CHECK;

#endif
