/* Cross-fitting: out-of-fold predictions. A part is cut into folds at random, each class alike; the rows of a
 * fold are predicted by a model that was trained on all others and so has not seen them. An iterator like
 * fit: the caller asks for steps and gets control back. */
#ifndef SHIFT_CROSSFIT_H
#define SHIFT_CROSSFIT_H

#include "base/err.h"
#include "data/dataset.h"
#include "fit/fit.h"

/* Everything is borrowed and must outlive the crossfit. */
struct crossfit_setup {
    const struct data_part *part; /* with classes; is trained on and predicted */
    const struct data_part
        *others; /* only predicted, a row by the model of a fold drawn for it; NULL: none */
    size_t outputs;
    int scale;             /* enum data_scale; statistics of the rows that a model is trained on */
    size_t folds;          /* from 2 to the rows of the part, else ERR_CONFIG */
    uint64_t seed;         /* of folds and models */
    const char *loss;      /* as model_create takes it */
    struct fit_setup like; /* how every model is trained, for all its epochs: kernel, team, optimizer,
                            * train_spec, model_spec, regularization, augment, label_smoothing, weight [rows
                            * of the set], most_threads, input; the rest is set here. Weights are brought to
                            * mean 1 over the rows that a model is trained on. Nothing stops early, and a
                            * plateau schedule watches the training loss. No epochs: models as they start */
};

struct crossfit_status {
    size_t fold, folds;   /* fold from 1 */
    size_t epoch, epochs; /* of its model */
    uint64_t done, total; /* steps of all models */
    double loss;          /* of the epoch in progress; NAN before the first step */
};

struct crossfit;

struct crossfit *crossfit_create(const struct crossfit_setup *setup, struct err *err) MUST_CHECK;
void crossfit_free(struct crossfit *crossfit);

/* At most max_steps optimiser steps of one epoch, then control comes back; *over: all rows are predicted, and
 * it must not be called again. How many steps are asked for at a time changes no bit. ERR_DIVERGED names
 * fold, epoch, step and layer; ERR_DATA where all rows of a training weigh 0. */
bool crossfit_advance(struct crossfit *crossfit, size_t max_steps, bool *over, struct err *err) MUST_CHECK;
struct crossfit_status crossfit_status(const struct crossfit *crossfit);

/* Puts aside what is predicted and the training in progress, or takes it up in one that has just been made.
 */
void crossfit_snapshot(struct crossfit *crossfit, struct snapshot *s);

/* After all is over, in the order of the parts. */
const real *crossfit_logits(const struct crossfit *crossfit);       /* [part->count][outputs] */
const real *crossfit_other_logits(const struct crossfit *crossfit); /* [others->count][outputs]; NULL */
const uint32_t *crossfit_folds(const struct crossfit *crossfit);    /* [part->count] from 0 */
double crossfit_training_loss(const struct crossfit *crossfit);     /* mean over the folds, last epoch; NAN */

/* fold [count] becomes a number from 0 to folds - 1: classes alike (cls by row of the set, or NULL: one
 * class), sizes that differ by at most one within a class and over all. The order in which the rows of a
 * class are dealt out is by keys of (seed, row of the set) alone. */
bool folds_draw(const struct data_part *part, const uint32_t *cls, size_t folds, uint64_t seed,
                uint32_t *fold, struct err *err) MUST_CHECK;

#endif
