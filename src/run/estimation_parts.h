/* What the files of the estimation share. */
#ifndef RUN_ESTIMATION_PARTS_H
#define RUN_ESTIMATION_PARTS_H

#include "run/estimation.h"
#include "shift/discriminator.h"

enum estimation_stage {
    ESTIMATION_DISCRIMINATOR,
    ESTIMATION_CROSSFIT, /* label shift without validation part: models for out-of-fold logits */
    ESTIMATION_MODEL,    /* label shift with one: waits for the trained model */
    ESTIMATION_OVER
};

struct estimation {
    const struct setup *setup;
    struct warnings *warnings;
    enum estimation_stage stage;
    struct discriminator *discriminator; /* owned, as long as its ratios are wanted */
    struct crossfit *crossfit;           /* owned */
    size_t portion;                      /* steps to ask for */
    struct estimation_result result;
};

/* From the logits of a sample of the source that the model has not seen (held_out, [count][outputs]) and of
 * the target: tests, estimates, and the weights of the correction. */
bool estimate_label(struct estimation *e, const struct data_part *held_out, const real *source,
                    const real *target, struct err *err) MUST_CHECK;
void label_estimate_release(struct label_estimate *label);

/* From the discriminator's ratios, or by kliep or rulsif from the images themselves. */
bool estimate_covariate(struct estimation *e, const struct discriminator_result *odds,
                        struct err *err) MUST_CHECK;
void covariate_estimate_release(struct covariate_estimate *covariate);

/* Settles detected and corrected by the p-value of the kind's test. usable: there are weights. */
void estimation_decide(struct estimation_result *r, double p_value, bool usable);

/* ---- what a reader should be warned of (estimation_warnings.c) ---- */

bool warn_of_label(struct estimation *e, struct err *err) MUST_CHECK;
bool warn_of_covariate(struct estimation *e, bool usable, struct err *err) MUST_CHECK;

#endif
