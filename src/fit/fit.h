/* Training and evaluation in memory: no files, no terminal. The caller keeps control: it asks for some steps
 * and gets the state back, so progress, signals and checkpoints need no callbacks. */
#ifndef FIT_FIT_H
#define FIT_FIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/snapshot.h"
#include "base/team.h"
#include "data/dataset.h"
#include "fit/calibration.h"
#include "fit/spec.h"
#include "kernel/kernel.h"
#include "model/model.h"
#include "optim/spec.h"

/* How images enter the first layer: as is the faster, as panels of numbers, or as lists of the bytes that are
 * not 0 (only bytes for which 0 stands for the number 0), then with the work cut by samples or by the layer's
 * units. All give the same bits. */
enum input_form { INPUT_AUTO, INPUT_PANELS, INPUT_LISTS, INPUT_LISTS_BY_UNITS };

/* What training works with; everything is borrowed and must outlive the fit. */
struct fit_setup {
    const struct kernel *kernel;
    struct team *team;
    struct model *model; /* trained in place */
    const struct data_part *train;
    const struct scaling *scaling;
    struct optimizer_spec optimizer;
    const char *lr_path; /* where the config has the rate, for messages; NULL: "optimizer.lr" */
    struct train_spec train_spec;
    const struct model_spec *model_spec; /* penalties, dropout, diagnostics */
    struct regularization_spec regularization;
    const struct augment_spec *augment; /* NULL: images as they are */
    double label_smoothing;             /* in [0, 1); with mse 0 */
    const real *weight; /* [rows of the training set] what a sample weighs, mean 1 over the part; NULL: 1 */
    uint64_t seed;
    enum input_form input;
    size_t most_threads; /* of the team that a step with enough work may use; 0: all in any case */
};

struct fit_status {
    size_t epoch;         /* from 1; the one in progress or just finished */
    size_t step, steps;   /* done in this epoch, in an epoch */
    uint64_t total_steps; /* done since the start */
    size_t samples;       /* seen in this epoch */
    double loss;          /* mean of weight times loss over the samples seen in this epoch */
    double accuracy;      /* of weight times whether they are classified rightly; NaN without classes */
    double lr;            /* of the last step done */
};

struct fit;

struct fit *fit_create(const struct fit_setup *setup, struct err *err) MUST_CHECK;
void fit_free(struct fit *fit);

/* Before the first step: the optimizer goes on from the state that it has in another fit, of a model of the
 * same shape and by the same rule. */
void fit_adopt(struct fit *fit, const struct fit *previous);

/* Between two steps: puts parameters, optimizer, schedule and the epoch in progress aside, or takes them up
 * in a fit that was made of the same setup, on whatever threads and instruction set. */
void fit_snapshot(struct fit *fit, struct snapshot *s);
/* The optimizer alone, for a fit that only another one will adopt. */
void fit_snapshot_optimizer(struct fit *fit, struct snapshot *s);

/* Does at most max_steps optimiser steps and stops at the end of an epoch; a call after it begins the next
 * one. ERR_DIVERGED, naming epoch, step and layer, as soon as a loss, gradient or parameter is not finite;
 * the model is then back in the state of the end of the last epoch (the start, in the first), while the
 * optimizer's state is not: the training is over. Never allocates. */
bool fit_steps(struct fit *fit, size_t max_steps, struct err *err) MUST_CHECK;

/* Takes the model back to where the last begun epoch began: for the caller who finds at its end that the
 * model is no good. */
void fit_revert(struct fit *fit);

/* After an epoch: the value of the metric that a plateau schedule watches (optimizer.schedule.metric).
 * Without such a schedule it does nothing. */
void fit_watch(struct fit *fit, double value);

/* The penalties of the objective at the parameters as they are: l1 sum |w| + l2 / 2 sum w^2 over what they
 * act on. The status's loss is without them. */
double fit_penalty(const struct fit *fit);

const struct fit_status *fit_status(const struct fit *fit);
bool fit_epoch_done(const struct fit *fit);

/* ---- diagnostics ---- */

/* A layer in an epoch. Norms are Euclidean, over the weights without the biases. Gradient and update are
 * means over the steps; the gradient is that of the loss, penalties left out; a step from weights that are
 * all 0 does not count for the update. Activations are the outputs for samples of the training part, without
 * noise, when the epoch is done. A figure that a layer does not have is NaN. */
struct layer_diagnostics {
    const char *name; /* "model.layers.0", ..., "model.output" */
    size_t units;
    double weight_norm; /* when the epoch is done */
    double gradient_norm;
    double update_ratio; /* norm of the change of the weights by that of the weights */
    double activation_mean, activation_deviation;
    double dead;            /* share of the units that are above 0 on no sample: ReLU family */
    double saturated;       /* share of the outputs within 0.01 of their limit: sigmoid and tanh */
    double saturated_units; /* share of the units that are so on at least 95 % of the samples */
    bool symmetric;         /* hidden, and its units, several, all have the same weights and bias */
};

struct net_diagnostics {
    double gradient_ratio; /* gradient_norm of the first layer by that of the last; NaN where that is 0 */
    size_t layers;
    const struct layer_diagnostics *layer; /* [layers], the output layer last */
};

/* Of the last finished epoch, valid until the next one is finished; the same bits for every number of threads
 * and instruction set. NULL before the first epoch is done and where train_spec.diagnostics is off. */
const struct net_diagnostics *fit_diagnostics(const struct fit *fit);

/* ---- how it works ---- */

/* Samples of a slice: how the batch is cut in phase 1 of a step. */
size_t fit_lanes(const struct fit *fit);

/* Whether the images of a batch come as panels (TAPE_TRAIN, or TAPE_TRAIN_PACKED for products over packed
 * factors) or lists (TAPE_TRAIN_LISTS). */
enum tape_mode fit_mode(const struct fit *fit);

/* Bytes of working memory of a step (arena, optimiser state), for the model summary. */
size_t fit_memory(const struct fit *fit);

/* ---- evaluation ---- */

enum { CONFUSION_CLASSES = 1024 };

struct evaluation {
    size_t samples, classes; /* 0: the targets are not classes; accuracy, ece and confusion are absent */
    double loss;             /* mean over the samples */
    double weighted_loss;    /* sum of weight times loss over sum of weight; NaN without weights */
    double accuracy;         /* NaN without classes */
    size_t correct;
    /* Of predicted probabilities, NaN where there are none: */
    double nll;   /* negative log-likelihood of the targets: the loss, which is made of log-probabilities */
    double brier; /* mean of the sum over the outputs of (p - y)^2 (Brier 1950) */
    double ece;   /* expected calibration error, ECE_BINS bins (Guo et al. 2017); NaN without classes */
    /* Of predicted values, where the targets are floats: */
    double r2;         /* coefficient of determination, mean over the outputs; NaN: none (fit/r_squared.h) */
    double *output_r2; /* [outputs] of each; NULL: none; owned */
    size_t outputs;
    uint64_t *confusion; /* [classes][classes], rows the true class, columns the predicted one; owned.
                          * NULL without classes and above CONFUSION_CLASSES of them */
    uint32_t *predicted; /* [samples] the predicted class of every row of the part; owned. NULL without
                          * classes */
};

/* The plain loss and metrics of the model on a part, and the loss by the part's weights. Not finite losses
 * are ERR_DIVERGED. Release the result. */
bool fit_evaluate(const struct kernel *kernel, struct team *team, const struct model *model,
                  const struct data_part *part, const struct scaling *scaling, struct evaluation *out,
                  struct err *err) MUST_CHECK;
void evaluation_release(struct evaluation *evaluation);
/* Puts the figures of a model of so many outputs aside, or takes them up into ones that are zero. */
void evaluation_snapshot(struct evaluation *evaluation, size_t outputs, struct snapshot *s);

/* What the last layer makes of the rows of a part, [count][outputs]: logits, for a loss that has them. */
bool fit_outputs(const struct kernel *kernel, struct team *team, const struct model *model,
                 const struct data_part *part, const struct scaling *scaling, real *out,
                 struct err *err) MUST_CHECK;

/* Predictions of the model for count rows of the set from row `first` on, [count][outputs]: softmax
 * probabilities for cross_entropy, sigmoid probabilities for binary_cross_entropy, both of the outputs
 * divided by the temperature; values for mse, where it must be 1. cls [count], or NULL: the largest output,
 * which no temperature changes. */
bool fit_predict(const struct kernel *kernel, struct team *team, const struct model *model,
                 const struct dataset *set, const struct scaling *scaling, size_t first, size_t count,
                 double temperature, uint32_t *cls, real *out, struct err *err) MUST_CHECK;

/* Passes with dropout left on, each with masks of its own for every row. */
struct mc_dropout {
    size_t passes; /* at least 1 */
    uint64_t seed;
};

/* The same by Monte Carlo dropout (Gal and Ghahramani, "Dropout as a Bayesian approximation", ICML 2016): out
 * is the mean over the passes, each by the temperature, deviation [count][outputs] their standard deviation
 * about it, cls the largest mean. Draws are keyed by pass and row. */
bool fit_predict_mc(const struct kernel *kernel, struct team *team, const struct model *model,
                    const struct dataset *set, const struct scaling *scaling, size_t first, size_t count,
                    double temperature, const struct mc_dropout *mc, uint32_t *cls, real *out,
                    real *deviation, struct err *err) MUST_CHECK;

#endif
