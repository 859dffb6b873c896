#include "run/estimation.h"

#include <math.h>

#include "base/mem.h"
#include "run/clock.h"
#include "run/estimation_parts.h"
#include "run/training.h"

enum { MOST_STEPS = 1 << 20 }; /* of a portion */

/* ---- beginning and end ---- */

static const struct data_part *held_out_part(const struct setup *s) {
    return s->data.validation.set ? &s->data.validation : NULL;
}

static bool begin_discriminator(struct estimation *e, struct err *err) {
    const struct setup *s = e->setup;
    const struct discriminator_setup setup = {
        .spec = &s->config->shift,
        .source = {&s->data.train, held_out_part(s)},
        .target = &s->target,
        .scale = s->config->data.scale,
        .seed = s->config->seed,
        .kernel = s->kernel,
        .team = s->team,
        .most_threads = setup_of_fit(s).most_threads,
    };
    e->stage = ESTIMATION_DISCRIMINATOR;
    e->discriminator = discriminator_create(&setup, err);
    return e->discriminator != NULL;
}

struct estimation *estimation_create(const struct setup *setup, struct warnings *warnings, struct err *err) {
    struct estimation *e = mem_alloc(1, sizeof *e, "the estimation of the shift", err);
    if (!e)
        return NULL;
    *e = (struct estimation){.setup = setup, .warnings = warnings, .portion = 1};
    e->result = (struct estimation_result){
        .spec = &setup->config->shift,
        .samples = setup->data.train.count,
        .target_samples = setup->target.count,
        .p_bbsd = (double)NAN,
        .p_c2st = (double)NAN,
    };
    if (begin_discriminator(e, err))
        return e;
    estimation_free(e);
    return NULL;
}

void estimation_free(struct estimation *e) {
    if (!e)
        return;
    discriminator_free(e->discriminator);
    crossfit_free(e->crossfit);
    label_estimate_release(&e->result.label);
    covariate_estimate_release(&e->result.covariate);
    mem_free(e);
}

/* ---- the stages ---- */

static bool begin_crossfit(struct estimation *e, struct err *err) {
    const struct setup *s = e->setup;
    const struct crossfit_setup setup = {
        .part = &s->data.train,
        .others = &s->target,
        .outputs = s->data.outputs,
        .scale = s->config->data.scale,
        .folds = s->config->shift.folds,
        .seed = s->config->seed,
        .loss = loss_name((size_t)s->config->loss.kind),
        .like = setup_of_fit(s),
    };
    e->portion = 1;
    e->stage = ESTIMATION_CROSSFIT;
    e->crossfit = crossfit_create(&setup, err);
    return e->crossfit != NULL;
}

/* What the discriminator tells, and what comes next. */
/* Few enough to be sought one by one; of equals the first. */
static void find_unlike(struct estimation_result *r, const double *ratio) {
    r->unlike_count = r->target_samples < SHIFT_UNLIKE ? r->target_samples : SHIFT_UNLIKE;
    for (size_t n = 0; n < r->unlike_count; n++) {
        size_t most = SIZE_MAX;
        for (size_t i = 0; i < r->target_samples; i++) {
            bool taken = false;
            for (size_t k = 0; k < n; k++)
                taken |= r->unlike[k] == i;
            if (!taken && (most == SIZE_MAX || ratio[i] > ratio[most]))
                most = i;
        }
        r->unlike[n] = most;
    }
}

static bool end_discriminator(struct estimation *e, struct err *err) {
    struct discriminator_result odds;
    struct estimation_result *r = &e->result;
    if (!discriminator_finish(e->discriminator, &odds, err))
        return false;
    r->p_c2st = odds.p_value, r->auc = odds.auc, r->accuracy = odds.accuracy;
    find_unlike(r, odds.target_ratio);
    e->stage = ESTIMATION_OVER;
    bool ok = r->spec->kind != SHIFT_COVARIATE || estimate_covariate(e, &odds, err);
    discriminator_free(e->discriminator);
    e->discriminator = NULL;
    if (!ok || r->spec->kind == SHIFT_COVARIATE)
        return ok;
    e->stage = ESTIMATION_MODEL;
    return held_out_part(e->setup) || begin_crossfit(e, err);
}

static bool end_crossfit(struct estimation *e, struct err *err) {
    e->stage = ESTIMATION_OVER;
    bool ok = estimate_label(e, &e->setup->data.train, crossfit_logits(e->crossfit),
                             crossfit_other_logits(e->crossfit), err);
    crossfit_free(e->crossfit);
    e->crossfit = NULL;
    return ok;
}

bool estimation_advance(struct estimation *e, bool *over, struct err *err) {
    bool discriminator = e->stage == ESTIMATION_DISCRIMINATOR, done = false;
    double before = clock_seconds();
    *over = e->stage >= ESTIMATION_MODEL;
    if (*over)
        return true;
    if (!(discriminator ? discriminator_advance(e->discriminator, e->portion, &done, err)
                        : crossfit_advance(e->crossfit, e->portion, &done, err)))
        return discriminator ? false : err_prefix(err, "shift: cross-fitting");
    e->portion = training_portion(e->portion, MOST_STEPS, clock_seconds() - before);
    if (done && !(discriminator ? end_discriminator(e, err) : end_crossfit(e, err)))
        return false;
    *over = e->stage >= ESTIMATION_MODEL;
    return true;
}

/* ---- by the trained model ---- */

bool estimation_needs_model(const struct estimation *e) {
    return e->stage == ESTIMATION_MODEL;
}

static real *outputs_on(const struct setup *s, const struct data_part *part, struct err *err) {
    real *z = mem_alloc(part->count, s->model->outputs * sizeof *z, "the outputs on source and target", err);
    if (z && fit_outputs(s->kernel, s->team, s->model, part, &s->data.scaling, z, err))
        return z;
    mem_free(z);
    return NULL;
}

bool estimation_by_model(struct estimation *e, struct err *err) {
    const struct setup *s = e->setup;
    real *source = outputs_on(s, &s->data.validation, err);
    real *target = source ? outputs_on(s, &s->target, err) : NULL;
    bool ok = target && estimate_label(e, &s->data.validation, source, target, err);
    mem_free(source);
    mem_free(target);
    e->stage = ESTIMATION_OVER;
    return ok;
}

/* ---- the result ---- */

void estimation_decide(struct estimation_result *r, double p_value, bool usable) {
    bool enough = r->target_samples >= SHIFT_FEWEST_TARGETS;
    r->detected = enough && p_value < r->spec->level;
    r->corrected = usable && (r->detected || r->spec->force);
}

struct estimation_status estimation_status(const struct estimation *e) {
    if (e->discriminator)
        return (struct estimation_status){"discriminator", discriminator_status(e->discriminator)};
    if (e->crossfit)
        return (struct estimation_status){"model", crossfit_status(e->crossfit)};
    return (struct estimation_status){0};
}

const struct estimation_result *estimation_result(const struct estimation *e) {
    return e->stage == ESTIMATION_OVER ? &e->result : NULL;
}

bool estimation_retrains(const struct estimation_result *r) {
    return r->corrected && (r->spec->kind == SHIFT_COVARIATE || r->spec->correct != CORRECT_POSTHOC);
}

bool estimation_rescales(const struct estimation_result *r) {
    return r->corrected && r->spec->kind == SHIFT_LABEL && r->spec->correct != CORRECT_RETRAIN;
}
