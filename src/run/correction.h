/* What a run does about a shift between training and use: estimates it, rescales the probabilities of a model
 * or has it trained by weights, and tells on a labelled target what that is worth. */
#ifndef RUN_CORRECTION_H
#define RUN_CORRECTION_H

#include "base/err.h"
#include "run/estimation.h"
#include "run/folder.h"
#include "run/setup.h"
#include "run/warnings.h"

struct correction {
    struct setup *setup;
    struct warnings *warnings;
    struct estimation *estimation;          /* owned; NULL: nothing is asked for */
    const struct estimation_result *result; /* NULL: not known yet */
    struct target_worth worth;
};

/* Both are borrowed. Where the kind of shift has a target, loads it and begins the estimation. Release with
 * correction_release, also after a failure. */
bool correction_begin(struct correction *c, struct setup *setup, struct warnings *warnings,
                      struct err *err) MUST_CHECK;
void correction_release(struct correction *c);

/* A portion of the estimation; *over: it is, or it waits for the model. */
bool correction_estimate(struct correction *c, bool *over, struct err *err) MUST_CHECK;
/* Whether it waits for what the setup's trained model predicts (estimation_by_model), from which
 * correction_estimate goes on. */
bool correction_needs_model(const struct correction *c);

/* Whether weights may come to be trained by: where the result is not known yet, if there is a shift. */
bool correction_may_retrain(const struct correction *c);
/* Whether the search is to be trained by weights. */
bool correction_retrains(const struct correction *c);
/* Whether a model without weights is asked for beside it, to compare with or to keep. */
bool correction_compares(const struct correction *c);

/* Prepares the setup for a training by the weights. */
bool correction_weigh(const struct correction *c, struct err *err) MUST_CHECK;

/* What there is to do with a model that was trained without weights before one that is takes its place:
 * measures it on the target, and for "both" writes posthoc.safetensors. */
bool correction_of_uncorrected(struct correction *c, const struct folder *folder, struct err *err) MUST_CHECK;
/* With the model of a search by weights, before a refit, which that without weights does not have: measures
 * it on the target. */
bool correction_of_weighted(struct correction *c, struct err *err) MUST_CHECK;
/* With the final model: where the correction is that, measures it on the target and rescales its
 * probabilities, with *temperature as the model file has it. *changed: it has become another model. */
bool correction_of_final(struct correction *c, double *temperature, bool *changed,
                         struct err *err) MUST_CHECK;

/* Warns where the loss of a training by weights went to 0. */
bool correction_judge(const struct correction *c, double train_loss, struct err *err) MUST_CHECK;

/* Puts aside what is known, or takes it up in one that has just begun. */
void correction_snapshot(struct correction *c, struct snapshot *s);

/* Writes weights.idx: what the rows of the training file weigh by covariate shift, 0 those held out. */
bool correction_write(const struct correction *c, const struct folder *folder, struct err *err) MUST_CHECK;

#endif
