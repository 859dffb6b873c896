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
    density_estimation_free(e->density);
    label_estimation_free(e->ratios);
    label_sample_release(&e->label);
    covariate_sample_release(&e->covariate);
    label_estimate_release(&e->result.label);
    covariate_estimate_release(&e->result.covariate);
    mem_free(e);
}

/* ---- the discriminator ---- */

static bool advance_discriminator(struct estimation *e, bool *done, struct err *err) {
    return discriminator_advance(e->discriminator, e->portion, done, err);
}

static struct estimation_status discriminator_at(const struct estimation *e) {
    return (struct estimation_status){.task = "discriminator",
                                      .crossfit = discriminator_status(e->discriminator)};
}

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

bool estimation_begin_crossfit(struct estimation *e, struct err *err) {
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
    e->stage = ESTIMATION_CROSSFIT;
    e->crossfit = crossfit_create(&setup, err);
    return e->crossfit != NULL;
}

/* What comes next, by kind and method. */
static bool go_on(struct estimation *e, const struct discriminator_result *odds, struct err *err) {
    const struct shift_spec *spec = e->result.spec;
    if (spec->kind == SHIFT_COVARIATE) {
        bool direct = density_is_direct(spec->method);
        e->stage = direct ? ESTIMATION_DENSITY : ESTIMATION_OVER;
        return direct ? estimation_begin_density(e, err) : estimation_weigh(e, odds->ratio, err);
    }
    e->stage = ESTIMATION_MODEL;
    return held_out_part(e->setup) || estimation_begin_crossfit(e, err);
}

static bool end_discriminator(struct estimation *e, struct err *err) {
    struct discriminator_result odds;
    struct estimation_result *r = &e->result;
    if (!discriminator_finish(e->discriminator, &odds, err))
        return false;
    r->p_c2st = odds.p_value, r->auc = odds.auc, r->accuracy = odds.accuracy;
    find_unlike(r, odds.target_ratio);
    bool ok = go_on(e, &odds, err);
    discriminator_free(e->discriminator);
    e->discriminator = NULL;
    return ok;
}

/* ---- out-of-fold models ---- */

static bool advance_crossfit(struct estimation *e, bool *done, struct err *err) {
    return crossfit_advance(e->crossfit, e->portion, done, err) || err_prefix(err, "shift: cross-fitting");
}

static struct estimation_status crossfit_at(const struct estimation *e) {
    return (struct estimation_status){.task = "model", .crossfit = crossfit_status(e->crossfit)};
}

static bool end_crossfit(struct estimation *e, struct err *err) {
    e->label.source = crossfit_logits(e->crossfit), e->label.target = crossfit_other_logits(e->crossfit);
    e->stage = ESTIMATION_LABEL;
    return estimation_begin_label(e, &e->setup->data.train, err);
}

/* ---- ratios ---- */

static struct estimation_status at_task(struct task_status task) {
    return (struct estimation_status){.task = task.what, .done = task.done, .total = task.total};
}

static bool advance_density(struct estimation *e, bool *done, struct err *err) {
    return density_estimation_advance(e->density, e->portion, done, err) || err_prefix(err, "shift");
}

static struct estimation_status density_at(const struct estimation *e) {
    return at_task(density_estimation_status(e->density));
}

static bool end_density(struct estimation *e, struct err *err) {
    e->stage = ESTIMATION_OVER;
    return estimation_end_density(e, err);
}

static bool advance_label(struct estimation *e, bool *done, struct err *err) {
    return label_estimation_advance(e->ratios, e->portion, done, err);
}

static struct estimation_status label_at(const struct estimation *e) {
    return at_task(label_estimation_status(e->ratios));
}

static bool end_label(struct estimation *e, struct err *err) {
    e->stage = ESTIMATION_OVER;
    bool ok = estimation_end_label(e, err);
    crossfit_free(e->crossfit);
    e->crossfit = NULL;
    return ok;
}

/* ---- the stages ---- */

/* Those without a row have nothing to do but wait. */
static const struct {
    bool (*advance)(struct estimation *e, bool *done, struct err *err);
    bool (*end)(struct estimation *e, struct err *err);
    struct estimation_status (*status)(const struct estimation *e);
} stages[ESTIMATION_OVER + 1] = {
    [ESTIMATION_DISCRIMINATOR] = {advance_discriminator, end_discriminator, discriminator_at},
    [ESTIMATION_DENSITY] = {advance_density, end_density, density_at},
    [ESTIMATION_CROSSFIT] = {advance_crossfit, end_crossfit, crossfit_at},
    [ESTIMATION_LABEL] = {advance_label, end_label, label_at},
};

static bool waits(const struct estimation *e) {
    return !stages[e->stage].advance;
}

static bool advance(struct estimation *e, struct err *err) {
    bool done = false;
    enum estimation_stage stage = e->stage;
    double before = clock_seconds();
    if (!stages[stage].advance(e, &done, err))
        return false;
    e->portion = training_portion(e->portion, MOST_STEPS, clock_seconds() - before);
    if (!done)
        return true;
    e->portion = 1;
    return stages[stage].end(e, err);
}

bool estimation_advance(struct estimation *e, bool *over, struct err *err) {
    if (!waits(e) && !advance(e, err))
        return false;
    *over = waits(e);
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
    struct label_sample *sample = &e->label;
    sample->source = sample->owned[0] = outputs_on(s, &s->data.validation, err);
    sample->target = sample->owned[1] = sample->source ? outputs_on(s, &s->target, err) : NULL;
    e->stage = ESTIMATION_LABEL;
    return sample->target && estimation_begin_label(e, &s->data.validation, err);
}

/* ---- the result ---- */

const struct target_model_name target_models[TARGET_MODELS] = {
    [TARGET_UNCORRECTED] = {"uncorrected", "uncorrected", "uncorrected"},
    [TARGET_POSTHOC] = {"posthoc", "posthoc", "posthoc"},
    [TARGET_WEIGHTED] = {"weighted", "retrain", "by weights"},
};

void estimation_decide(struct estimation_result *r, double p_value, bool usable) {
    bool enough = r->target_samples >= SHIFT_FEWEST_TARGETS;
    r->detected = enough && p_value < r->spec->level;
    r->corrected = usable && (r->detected || r->spec->force);
}

struct estimation_status estimation_status(const struct estimation *e) {
    return waits(e) ? (struct estimation_status){0} : stages[e->stage].status(e);
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
