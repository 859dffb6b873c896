#include "run/correction.h"

#include <math.h>
#include <stdint.h>

#include "base/mem.h"
#include "run/calibrate.h"
#include "run/loss_use.h"
#include "run/model_file.h"
#include "run/posthoc.h"

bool correction_begin(struct correction *c, struct setup *setup, struct warnings *warnings, struct err *err) {
    *c = (struct correction){.setup = setup, .warnings = warnings};
    for (size_t i = 0; i < TARGET_MODELS; i++)
        c->worth.of[i] = (struct target_figures){(double)NAN, (double)NAN};
    return setup_shift(setup, err) && (!shift_has_target(setup->config->shift.kind) ||
                                       (c->estimation = estimation_create(setup, warnings, err)) != NULL);
}

void correction_release(struct correction *c) {
    estimation_free(c->estimation);
    *c = (struct correction){0};
}

/* ---- estimating ---- */

bool correction_estimate(struct correction *c, bool *over, struct err *err) {
    if (!estimation_advance(c->estimation, over, err))
        return false;
    c->result = estimation_result(c->estimation);
    return true;
}

bool correction_needs_model(const struct correction *c) {
    return c->estimation && estimation_needs_model(c->estimation);
}

/* ---- what is to be done ---- */

static const struct shift_spec *spec_of(const struct correction *c) {
    return &c->setup->config->shift;
}

bool correction_retrains(const struct correction *c) {
    return c->result && estimation_retrains(c->result);
}

bool correction_may_retrain(const struct correction *c) {
    if (c->result || !c->estimation)
        return correction_retrains(c);
    return spec_of(c)->kind == SHIFT_COVARIATE || spec_of(c)->correct != CORRECT_POSTHOC;
}

static bool has_labels(const struct correction *c) {
    const struct dataset *set = c->setup->target.set;
    return set && (set->cls || set->targets);
}

bool correction_compares(const struct correction *c) {
    return correction_retrains(c) && (has_labels(c) || estimation_rescales(c->result));
}

bool correction_weigh(const struct correction *c, struct err *err) {
    const struct estimation_result *r = c->result;
    return r->spec->kind == SHIFT_LABEL ? setup_correct(c->setup, r->label.applied_prior, NULL, err)
                                        : setup_correct(c->setup, NULL, r->covariate.weight, err);
}

/* ---- on models ---- */

/* The setup's model on the target, where that has labels. */
static bool measure_on_target(const struct correction *c, struct target_figures *out, struct err *err) {
    const struct setup *s = c->setup;
    struct evaluation e;
    if (!has_labels(c))
        return true;
    if (!fit_evaluate(s->kernel, s->team, s->model, &s->target, &s->data.scaling, &e, err)) {
        if (err->kind == ERR_DIVERGED)
            err_set(err, ERR_DIVERGED, "the loss of the model on the target samples is not finite");
        return false;
    }
    *out = (struct target_figures){e.loss, e.accuracy};
    evaluation_release(&e);
    return true;
}

/* The loss is that of the probabilities, which the temperature is part of. */
static bool rescale(struct correction *c, double *temperature, struct err *err) {
    const struct setup *s = c->setup;
    const struct calibrated model = {s->kernel, s->team, s->model, &s->data.scaling, s->config->loss.kind};
    struct calibration_effect effect = {0};
    posthoc_apply(&c->result->label, s->model, temperature);
    if (!has_labels(c))
        return true;
    if (!measure_on_target(c, &c->worth.of[TARGET_POSTHOC], err) ||
        !calibrate_measure(&model, &s->target, *temperature, &effect, err))
        return false;
    c->worth.of[TARGET_POSTHOC].loss = effect.after.nll;
    return true;
}

bool correction_of_uncorrected(struct correction *c, const struct folder *folder, struct err *err) {
    const struct setup *s = c->setup;
    double temperature;
    char digest[SHA256_HEX];
    if (!measure_on_target(c, &c->worth.of[TARGET_UNCORRECTED], err))
        return false;
    if (!estimation_rescales(c->result))
        return true;
    char *path = folder_file(folder, "posthoc.safetensors", err);
    bool ok = path && rescale(c, &temperature, err) &&
              model_file_save(path, s->config, s->model, &s->data.scaling, s->data.classes, temperature,
                              digest, err);
    mem_free(path);
    return ok;
}

bool correction_of_final(struct correction *c, double *temperature, bool *changed, struct err *err) {
    *changed = false;
    if (!c->result)
        return true;
    if (correction_retrains(c)) /* measured: correction_of_weighted */
        return true;
    *changed = estimation_rescales(c->result);
    return measure_on_target(c, &c->worth.of[TARGET_UNCORRECTED], err) &&
           (!*changed || rescale(c, temperature, err));
}

bool correction_of_weighted(struct correction *c, struct err *err) {
    return !correction_retrains(c) || measure_on_target(c, &c->worth.of[TARGET_WEIGHTED], err);
}

/* A net that has learned its training samples has hardly any loss left for weights to tell apart: a mean
 * negative log-likelihood of so little. */
static const double learned_loss = 0.01;

bool correction_judge(const struct correction *c, double train_loss, struct err *err) {
    struct text text = {0};
    bool tells = loss_predicts_probabilities(c->setup->config->loss.kind);
    if (!correction_retrains(c) || !tells || !(train_loss < learned_loss))
        return true;
    text_addf(&text,
              "shift: the net fits the training data (loss %.2g): weights then hardly act (Byrd and Lipton "
              "2019); stop earlier, or use a smaller net or l2",
              train_loss);
    return warnings_add(c->warnings, WARNING_SHIFT, SIZE_MAX, 0, &text, err);
}

/* ---- files ---- */

static void fill_weights(const struct correction *c, float *to) {
    const struct data_part *train = &c->setup->data.train;
    for (size_t i = 0; i < train->count; i++)
        to[data_row(train, i)] = (float)c->result->covariate.weight[i];
}

bool correction_write(const struct correction *c, const struct folder *folder, struct err *err) {
    if (!c->result || spec_of(c)->kind != SHIFT_COVARIATE)
        return true;
    const struct data *data = &c->setup->data;
    size_t rows = data->train_set.images.rows;
    struct idx weights = {.type = IDX_F32, .dims = 1, .dim = {rows}, .rows = rows, .width = 1};
    weights.values = mem_alloc_aligned(rows, sizeof(float), "the weights of samples", err);
    char *path = weights.values ? folder_file(folder, "weights.idx", err) : NULL;
    bool ok = path != NULL;
    if (ok)
        fill_weights(c, weights.values);
    ok = ok && idx_write(path, &weights, err);
    mem_free(path);
    idx_release(&weights);
    return ok;
}

/* ---- put aside ---- */

static void snapshot_figures(struct target_figures *figures, const char *name, struct snapshot *s) {
    snapshot_enter(s, name);
    snapshot_double(s, "loss", &figures->loss);
    snapshot_double(s, "accuracy", &figures->accuracy);
    snapshot_leave(s);
}

void correction_snapshot(struct correction *c, struct snapshot *s) {
    snapshot_enter(s, "correction");
    for (size_t i = 0; i < TARGET_MODELS; i++)
        snapshot_figures(&c->worth.of[i], target_models[i].covariate, s);
    if (c->estimation)
        estimation_snapshot(c->estimation, s);
    if (c->estimation && snapshot_restores(s))
        c->result = estimation_result(c->estimation);
    snapshot_leave(s);
}
