#include "shift/crossfit.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/random.h"

struct crossfit {
    struct crossfit_setup setup;
    struct crossfit_status status;
    uint32_t *fold;       /* [part->count] */
    uint32_t *other_fold; /* [others->count], or NULL */
    real *logits;         /* [part->count][outputs] */
    real *other_logits;   /* [others->count][outputs], or NULL */
    uint32_t *row;        /* memory of the training part's list, [part->count] */
    real *weight;         /* [rows of the set], or NULL */
    double loss;          /* sum of the last epochs' losses */
    size_t next;          /* the fold whose model is trained */
    /* The training in progress; no model: it has not begun. */
    struct data_part train;
    struct scaling scaling;
    struct model *model;
    struct fit *fit;
};

static size_t count_fold(const uint32_t *fold, size_t count, size_t k) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += fold[i] == k;
    return n;
}

/* ---- before the first step ---- */

static bool check(const struct crossfit_setup *s, struct err *err) {
    size_t n = s->part->count;
    return (s->folds >= 2 && s->folds <= n) ||
           err_set(err, ERR_CONFIG, "shift.folds: must be from 2 to the samples, %zu, got %zu", n, s->folds);
}

/* No step of a model for itself depends on more than how many rows it is trained on. */
static uint64_t count_steps(const struct crossfit *c) {
    const struct train_spec *spec = &c->setup.like.train_spec;
    uint64_t steps = 0;
    for (size_t k = 0; k < c->setup.folds; k++) {
        size_t n = c->setup.part->count - count_fold(c->fold, c->setup.part->count, k);
        size_t batch = spec->batch_size < n ? spec->batch_size : n;
        steps += (uint64_t)spec->epochs * ((n + batch - 1) / batch);
    }
    return steps;
}

static bool allocate(struct crossfit *c, struct err *err) {
    static const char what[] = "the predictions of cross-fitting";
    const struct crossfit_setup *s = &c->setup;
    size_t n = s->part->count;
    if (!(c->fold = mem_alloc(n, sizeof *c->fold, what, err)) ||
        !(c->row = mem_alloc(n, sizeof *c->row, what, err)) ||
        !(c->logits = mem_alloc(n, s->outputs * sizeof *c->logits, what, err)))
        return false;
    if (s->like.weight &&
        !(c->weight = mem_alloc_aligned(s->part->set->images.rows, sizeof *c->weight, what, err)))
        return false;
    return !s->others ||
           ((c->other_fold = mem_alloc(s->others->count, sizeof *c->other_fold, what, err)) &&
            (c->other_logits = mem_alloc(s->others->count, s->outputs * sizeof *c->other_logits, what, err)));
}

static bool draw(struct crossfit *c, struct err *err) {
    const struct crossfit_setup *s = &c->setup;
    return folds_draw(s->part, s->part->set->cls, s->folds, s->seed, c->fold, err) &&
           (!s->others || folds_draw(s->others, NULL, s->folds, random_seed(s->seed, PURPOSE_OTHER_FOLDS, 0),
                                     c->other_fold, err));
}

struct crossfit *crossfit_create(const struct crossfit_setup *setup, struct err *err) {
    if (!check(setup, err))
        return NULL;
    struct crossfit *c = mem_alloc(1, sizeof *c, "cross-fitting", err);
    if (!c)
        return NULL;
    c->setup = *setup;
    if (!allocate(c, err) || !draw(c, err)) {
        crossfit_free(c);
        return NULL;
    }
    c->status = (struct crossfit_status){.fold = 1,
                                         .folds = setup->folds,
                                         .epochs = setup->like.train_spec.epochs,
                                         .total = count_steps(c),
                                         .loss = (double)NAN};
    return c;
}

/* The training in progress, so that no more than one is in memory. */
static void end_fold(struct crossfit *c) {
    fit_free(c->fit);
    model_free(c->model);
    scaling_release(&c->scaling);
    c->fit = NULL, c->model = NULL;
}

void crossfit_free(struct crossfit *c) {
    if (!c)
        return;
    end_fold(c);
    mem_free(c->fold);
    mem_free(c->other_fold);
    mem_free(c->logits);
    mem_free(c->other_logits);
    mem_free(c->row);
    mem_free(c->weight);
    mem_free(c);
}

/* ---- a fold's model begins ---- */

/* All rows of the part but the fold's, in their order. */
static void choose_rows(struct crossfit *c) {
    const struct data_part *part = c->setup.part;
    size_t n = 0;
    for (size_t i = 0; i < part->count; i++)
        if (c->fold[i] != c->next)
            c->row[n++] = data_row(part, i);
    c->train = (struct data_part){.set = part->set, .row = c->row, .count = n, .weight = c->weight};
}

/* Mean 1 over the rows of this training, 0 elsewhere. */
static bool weigh(struct crossfit *c, struct err *err) {
    const real *given = c->setup.like.weight;
    double sum = 0;
    if (!given)
        return true;
    for (size_t i = 0; i < c->train.count; i++)
        sum += (double)given[c->row[i]];
    if (!(sum > 0))
        return err_set(err, ERR_DATA,
                       "expected a training sample that weighs more than 0, found none among %zu",
                       c->train.count);
    memset(c->weight, 0, c->train.set->images.rows * sizeof *c->weight);
    for (size_t i = 0; i < c->train.count; i++)
        c->weight[c->row[i]] = (real)((double)given[c->row[i]] * (double)c->train.count / sum);
    return true;
}

static bool begin_training(struct crossfit *c, uint64_t seed, struct err *err) {
    struct fit_setup fit = c->setup.like;
    fit.model = c->model;
    fit.train = &c->train;
    fit.scaling = &c->scaling;
    fit.weight = c->weight;
    fit.seed = seed;
    fit.optimizer.schedule.metric = METRIC_TRAIN_LOSS;
    fit.train_spec.early_stopping.on = false;
    fit.train_spec.refit = fit.train_spec.diagnostics = fit.train_spec.calibrate = false;
    c->fit = fit_create(&fit, err);
    return c->fit != NULL;
}

static bool begin_fold(struct crossfit *c, struct err *err) {
    const struct crossfit_setup *s = &c->setup;
    uint64_t seed = random_seed(s->seed, PURPOSE_FOLD, (uint32_t)c->next);
    choose_rows(c);
    if (!weigh(c, err) || !scaling_fit(s->scale, &c->train, &c->scaling, err))
        return false;
    c->model = model_create(s->like.model_spec, s->part->set->features, s->outputs, s->loss, err);
    return c->model && model_init(c->model, seed, s->like.team, err) && begin_training(c, seed, err);
}

/* ---- a fold's model predicts ---- */

static bool all_finite(const real *z, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!isfinite(z[i]))
            return false;
    return true;
}

/* The logits of the rows of a part that are of this fold, to their places. */
static bool predict(const struct crossfit *c, const struct data_part *part, const uint32_t *fold,
                    real *logits, struct err *err) {
    const struct fit_setup *like = &c->setup.like;
    size_t count = count_fold(fold, part->count, c->next), outputs = c->setup.outputs, n = 0;
    if (count == 0)
        return true;
    uint32_t *row = mem_alloc(count, sizeof *row, "the held-out samples", err);
    real *z = row ? mem_alloc_aligned(count * outputs, sizeof *z, "the held-out samples", err) : NULL;
    for (size_t i = 0; z && i < part->count; i++)
        if (fold[i] == c->next)
            row[n++] = data_row(part, i);
    const struct data_part held = {.set = part->set, .row = row, .count = count};
    bool ok = z && fit_outputs(like->kernel, like->team, c->model, &held, &c->scaling, z, err) &&
              (all_finite(z, count * outputs) ||
               err_set(err, ERR_DIVERGED, "the outputs for held-out samples are not finite"));
    for (size_t i = n = 0; ok && i < part->count; i++)
        if (fold[i] == c->next)
            memcpy(logits + i * outputs, z + n++ * outputs, outputs * sizeof *z);
    mem_free(row);
    mem_free(z);
    return ok;
}

static bool predict_fold(struct crossfit *c, struct err *err) {
    const struct crossfit_setup *s = &c->setup;
    return predict(c, s->part, c->fold, c->logits, err) &&
           (!s->others || predict(c, s->others, c->other_fold, c->other_logits, err));
}

/* ---- steps ---- */

static void note(struct crossfit *c) {
    const struct fit_status *fit = fit_status(c->fit);
    c->status.fold = c->next + 1;
    c->status.epoch = fit->epoch;
    if (fit->samples > 0)
        c->status.loss = fit->loss;
}

/* Whether the fold's model has done its last epoch. */
static bool is_trained(const struct crossfit *c) {
    return fit_status(c->fit)->epoch == c->setup.like.train_spec.epochs && fit_epoch_done(c->fit);
}

/* Some steps of an epoch of the fold's model. */
static bool train(struct crossfit *c, size_t max_steps, struct err *err) {
    const struct fit_status *fit = fit_status(c->fit);
    uint64_t before = fit->total_steps;
    if (!is_trained(c) && !fit_steps(c->fit, max_steps, err))
        return false;
    c->status.done += fit->total_steps - before;
    note(c);
    if (fit->epoch > 0 && fit_epoch_done(c->fit))
        fit_watch(c->fit, fit->loss);
    return true;
}

static bool advance(struct crossfit *c, size_t max_steps, struct err *err) {
    if (!c->model && !begin_fold(c, err))
        return false;
    if (!train(c, max_steps, err))
        return false;
    if (!is_trained(c))
        return true;
    if (!predict_fold(c, err))
        return false;
    c->loss += c->status.loss;
    end_fold(c);
    c->next++;
    return true;
}

bool crossfit_advance(struct crossfit *c, size_t max_steps, bool *over, struct err *err) {
    size_t fold = c->next + 1;
    /* One that was taken up when all was predicted has nothing left to do. */
    if (c->next < c->setup.folds && !advance(c, max_steps, err))
        return err_prefix(err, "fold %zu of %zu", fold, c->setup.folds);
    *over = c->next == c->setup.folds;
    return true;
}

/* ---- put aside ---- */

static void snapshot_training(struct crossfit *c, struct snapshot *s) {
    struct err err = {0};
    bool begun = c->model != NULL;
    snapshot_bool(s, "begun", &begun);
    if (!begun)
        return;
    if (snapshot_restores(s) && c->next == c->setup.folds)
        snapshot_refuse(s, "begun", "no fold is left");
    if (snapshot_restores(s) && !begin_fold(c, &err))
        snapshot_fail(s, &err);
    if (!c->fit)
        return;
    snapshot_enter(s, "fit");
    fit_snapshot(c->fit, s);
    snapshot_leave(s);
}

void crossfit_snapshot(struct crossfit *c, struct snapshot *s) {
    const struct crossfit_setup *setup = &c->setup;
    struct crossfit_status *status = &c->status;
    snapshot_enter(s, "crossfit");
    snapshot_size(s, "next", &c->next, setup->folds);
    snapshot_double(s, "loss", &c->loss);
    snapshot_size(s, "fold", &status->fold, setup->folds);
    snapshot_size(s, "epoch", &status->epoch, status->epochs);
    snapshot_u64(s, "done", &status->done);
    snapshot_double(s, "status.loss", &status->loss);
    snapshot_reals(s, "logits", c->logits, setup->part->count * setup->outputs);
    if (c->other_logits)
        snapshot_reals(s, "other_logits", c->other_logits, setup->others->count * setup->outputs);
    snapshot_training(c, s);
    snapshot_leave(s);
}

/* ---- what came of it ---- */

struct crossfit_status crossfit_status(const struct crossfit *c) {
    return c->status;
}

const real *crossfit_logits(const struct crossfit *c) {
    return c->logits;
}

const real *crossfit_other_logits(const struct crossfit *c) {
    return c->other_logits;
}

const uint32_t *crossfit_folds(const struct crossfit *c) {
    return c->fold;
}

double crossfit_training_loss(const struct crossfit *c) {
    return c->loss / (double)c->setup.folds;
}
