/* What is estimated about a shift between training and use, and whether there is one: the tests, then the
 * weights that a correction takes. An iterator: the discriminator between source and target and models for
 * out-of-fold predictions are trained in portions of steps, and ratios are found in portions of work. Where
 * the held-out sample of label shift is the validation part, it waits for a trained model. */
#ifndef RUN_ESTIMATION_H
#define RUN_ESTIMATION_H

#include "base/err.h"
#include "run/setup.h"
#include "run/warnings.h"
#include "shift/crossfit.h"
#include "shift/importance.h"
#include "shift/label_ratio.h"

/* Fewer samples of the target are none to correct by; those most unlike the source that are named. */
enum { SHIFT_FEWEST_TARGETS = 30, SHIFT_UNLIKE = 8 };

/* Of label shift; arrays [classes], owned. Ratios are a class's estimated share of the target over its share
 * of the training part; a class that the training part lacks has 0. */
struct label_estimate {
    size_t classes;
    double *share;         /* of the training part */
    double *estimated;     /* the ratios as estimated */
    double *weight;        /* as they are applied: by shift.strength, or 1 */
    double *applied_prior; /* weight times share: what they take the target's shares to be */
    double *posthoc; /* for the probabilities of a model: over the share of the held-out sample as these have
                        it */
    struct label_ratio ratio; /* over the held-out sample; with the calibration of the model's logits */
    double *true_prior, *true_weight; /* by the target's labels; NULL: it has none */
    double squared_error;             /* sum of (estimated - true weight)^2; NaN without labels */
    double error_of_nothing;          /* sum of (1 - true weight)^2 over the classes of the training part */
};

/* Of covariate shift. */
struct covariate_estimate {
    double *weight; /* as applied, training part and then validation part, mean 1 over the former; owned */
    struct importance importance; /* of the estimates */
    double bandwidth, lambda;     /* of kliep and rulsif; NaN: none */
    size_t centers;
};

struct estimation_result {
    const struct shift_spec *spec;
    size_t samples, target_samples; /* of the training part, of the target */
    double p_bbsd, p_c2st;          /* bbsd: NaN for covariate shift */
    double auc, accuracy;           /* of the discriminator, out of fold; balanced */
    size_t unlike[SHIFT_UNLIKE];    /* rows of the target by falling odds against the source */
    size_t unlike_count;
    bool detected;                       /* by the test of the kind, with enough samples of the target */
    bool corrected;                      /* the weights are not just 1: detected or forced, and usable */
    double ess, max_weight;              /* of the weights as applied, over the training part */
    double estimated_ess, estimated_max; /* and as estimated */
    struct label_estimate label;
    struct covariate_estimate covariate;
};

/* Of a model on a target with labels; NaN: not measured, or no accuracy as these are no classes. */
struct target_figures {
    double loss; /* mean over the samples: that of validation and test */
    double accuracy;
};

enum target_model {
    TARGET_UNCORRECTED,
    TARGET_POSTHOC,  /* its probabilities rescaled */
    TARGET_WEIGHTED, /* trained by weights */
    TARGET_MODELS
};

struct target_worth {
    struct target_figures of[TARGET_MODELS];
};

/* What they are called: in reports of covariate shift, of label shift, and on pages. */
struct target_model_name {
    const char *covariate, *label, *page;
};
extern const struct target_model_name target_models[TARGET_MODELS];

struct estimation;

/* Everything is borrowed and must outlive the estimation; the setup must have its target. Warnings are added
 * as they arise. */
struct estimation *estimation_create(const struct setup *setup, struct warnings *warnings,
                                     struct err *err) MUST_CHECK;
void estimation_free(struct estimation *e);

/* Goes on for a moment; *over: nothing is left to do, or nothing without a trained model. ERR_DIVERGED where
 * a model of its own diverges. */
bool estimation_advance(struct estimation *e, bool *over, struct err *err) MUST_CHECK;

/* Whether it waits for the setup's model, trained without weights. estimation_by_model takes its predictions;
 * then estimation_advance goes on. */
bool estimation_needs_model(const struct estimation *e);
bool estimation_by_model(struct estimation *e, struct err *err) MUST_CHECK;

struct estimation_status {
    const char *task;                /* "discriminator", "model", "bootstrap" ...; NULL: none */
    struct crossfit_status crossfit; /* where models are trained; else no folds */
    size_t done, total;              /* parts of any other task; total 0: it has none */
};
struct estimation_status estimation_status(const struct estimation *e);

/* Puts aside what is known, or takes it up in one that has just been made. Models that are being trained are
 * not: it begins their stage anew, which comes to the same bits. */
void estimation_snapshot(struct estimation *e, struct snapshot *s);

/* Once it is over. */
const struct estimation_result *estimation_result(const struct estimation *e);
/* Whether the correction trains by weights. */
bool estimation_retrains(const struct estimation_result *result);
/* Whether the correction rescales the probabilities of a model trained without weights. */
bool estimation_rescales(const struct estimation_result *result);

#endif
