#include "run/stream.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/random.h"
#include "run/clock.h"
#include "run/training.h"

static const struct shift_spec *spec_of(const struct stream *s) {
    return &s->setup->config->shift;
}

static struct window_record *current(const struct stream *s) {
    return &s->record[s->done];
}

static uint64_t seed_of(const struct stream *s, enum random_purpose purpose) {
    return random_seed(s->setup->config->seed, purpose, (uint32_t)s->done);
}

/* ---- beginning ---- */

static struct model *further_model(const struct setup *s, struct err *err) {
    const struct model *model = s->model;
    return model_create(&s->config->model, model->features, model->outputs,
                        loss_name((size_t)s->config->loss.kind), err);
}

static bool fill_reservoir(struct stream *s, struct err *err) {
    const struct data_part *train = &s->setup->data.train;
    size_t all = train->count + windows_samples(s->setup), most = spec_of(s)->replay;
    if (most == 0)
        return true;
    if (!reservoir_init(&s->reservoir, most < all ? most : all, train->set, s->setup->config->seed, err))
        return false;
    reservoir_see(&s->reservoir, train);
    return true;
}

bool stream_begin(struct stream *stream, const struct setup *setup, struct err *err) {
    struct stream *s = stream;
    const struct shift_spec *spec = &setup->config->shift;
    *s = (struct stream){
        .setup = setup, .windows = spec->stream_count, .learner = {.portion = 1}, .fresh = {.portion = 1}};
    if (!(s->record = mem_alloc(s->windows, sizeof *s->record, "the windows of the stream", err)) ||
        !(s->drift = drift_create(&spec->drift, err)) || !(s->base = further_model(setup, err)) ||
        !(s->good = mem_alloc_aligned(setup->model->size, sizeof(real), "the last good parameters", err)) ||
        (spec->fresh && !(s->newest = further_model(setup, err))))
        return false;
    memcpy(s->base->theta, setup->model->theta, setup->model->size * sizeof(real));
    memcpy(s->good, setup->model->theta, setup->model->size * sizeof(real));
    return fill_reservoir(s, err);
}

void stream_release(struct stream *s) {
    fit_free(s->learner.fit);
    fit_free(s->fresh.fit);
    window_release(&s->window);
    reservoir_release(&s->reservoir);
    model_free(s->base);
    model_free(s->newest);
    mem_free(s->good);
    drift_free(s->drift);
    mem_free(s->record);
    *s = (struct stream){0};
}

/* ---- a window is predicted ---- */

/* A loss that is not finite leaves NaN. */
static bool figures_of(const struct stream *s, const struct model *model, struct stream_figures *out,
                       struct err *err) {
    const struct setup *setup = s->setup;
    struct evaluation e = {0};
    struct err problem = {0};
    *out = (struct stream_figures){(double)NAN, (double)NAN};
    if (fit_evaluate(setup->kernel, setup->team, model, &s->window.all, &setup->data.scaling, &e, &problem))
        *out = (struct stream_figures){e.loss, e.accuracy};
    evaluation_release(&e);
    if (problem.kind == ERR_NONE || problem.kind == ERR_DIVERGED)
        return true;
    *err = problem;
    return false;
}

static bool measure_window(struct stream *s, struct err *err) {
    struct window_record *r = current(s);
    r->fresh = (struct stream_figures){(double)NAN, (double)NAN};
    if (!figures_of(s, s->setup->model, &r->before, err) || !figures_of(s, s->base, &r->base, err) ||
        (s->has_newest && !figures_of(s, s->newest, &r->fresh, err)))
        return false;
    return !isnan(r->before.loss) ||
           err_set(err, ERR_DIVERGED, "the loss of the model on its samples is not finite");
}

static void note_errors(struct stream *s, size_t first, size_t count, const uint32_t *predicted) {
    struct window_record *r = current(s);
    for (size_t i = 0; i < count; i++) {
        enum drift_level level = drift_note(s->drift, predicted[i] != s->window.set.cls[first + i]);
        r->warning = r->warning || level == DRIFT_WARNING;
        if (level == DRIFT_DRIFT && !r->drift)
            r->drift_at = first + i;
        r->drift = r->drift || level == DRIFT_DRIFT;
    }
}

/* Hands the detector the errors in the order of the file; predicts a block at a time. */
static bool watch_window(struct stream *s, struct err *err) {
    enum { BLOCK = 4096 };
    const struct setup *setup = s->setup;
    const struct window *w = &s->window;
    real *out = mem_alloc_aligned(BLOCK, setup->model->outputs * sizeof *out, "the predictions", err);
    uint32_t *predicted = out ? mem_alloc(BLOCK, sizeof *predicted, "the predictions", err) : NULL;
    bool ok = predicted != NULL;
    for (size_t first = 0; ok && first < w->all.count; first += BLOCK) {
        size_t left = w->all.count - first, count = left < BLOCK ? left : BLOCK;
        ok = fit_predict(setup->kernel, setup->team, setup->model, &w->set, &setup->data.scaling, first,
                         count, 1, predicted, out, err);
        if (ok)
            note_errors(s, first, count, predicted);
    }
    mem_free(predicted);
    mem_free(out);
    return ok;
}

static bool predict_window(struct stream *s, struct err *err) {
    const struct shift_spec *spec = spec_of(s);
    struct window_record *r = current(s);
    *r = (struct window_record){.window = s->done + 1,
                                .samples = s->window.all.count,
                                .action = -1,
                                .learned = spec->epochs > 0 && !s->window.blank};
    if (!measure_window(s, err) || !watch_window(s, err))
        return false;
    memcpy(s->good, s->setup->model->theta, s->setup->model->size * sizeof(real));
    if (r->drift && spec->on_drift != DRIFT_REPORT && r->learned)
        r->action = spec->on_drift;
    return true;
}

/* ---- a window is learned from ---- */

/* The schedule was for the training: a stream has no end to anneal to. */
static struct optimizer_spec rule_of(const struct stream *s, double factor) {
    struct optimizer_spec rule = s->setup->config->optimizer;
    rule.schedule = (struct schedule_spec){.kind = SCHEDULE_CONSTANT};
    if (rule.momentum_ramp.on)
        rule.momentum = rule.momentum_ramp.end;
    rule.momentum_ramp.on = false;
    rule.lr *= factor;
    return rule;
}

static struct fit *make_fit(const struct stream *s, struct model *model, const struct data_part *part,
                            uint64_t seed, double factor, struct err *err) {
    struct fit_setup setup = setup_of_fit(s->setup);
    setup.model = model;
    setup.train = part;
    setup.weight = part->weight;
    setup.seed = seed;
    setup.optimizer = rule_of(s, factor);
    setup.train_spec.epochs = spec_of(s)->epochs;
    setup.train_spec.diagnostics = false;
    return fit_create(&setup, err);
}

static bool start_anew(struct stream *s, struct err *err) {
    reservoir_empty(&s->reservoir);
    return model_init(s->setup->model, seed_of(s, PURPOSE_RESET), s->setup->team, err);
}

static bool begin_learner(struct stream *s, struct err *err) {
    int action = current(s)->action;
    double factor = action == DRIFT_ADAPT ? spec_of(s)->adapt_factor : 1;
    struct learner *learner = &s->learner;
    const struct fit *previous = learner->fit ? learner->fit : s->setup->fit;
    struct fit *fit =
        make_fit(s, s->setup->model, &s->window.learned, seed_of(s, PURPOSE_WINDOW), factor, err);
    if (!fit)
        return false;
    if (spec_of(s)->optimizer_state == OPTIMIZER_KEEP && action != DRIFT_RESET)
        fit_adopt(fit, previous);
    fit_free(learner->fit);
    learner->fit = fit;
    return true;
}

/* The new model knows this window alone. */
static bool begin_fresh(struct stream *s, struct err *err) {
    if (!s->newest)
        return true;
    fit_free(s->fresh.fit);
    uint64_t seed = seed_of(s, PURPOSE_FRESH);
    s->has_newest = true;
    return (s->fresh.fit = make_fit(s, s->newest, &s->window.all, seed, 1, err)) &&
           model_init(s->newest, seed, s->setup->team, err);
}

static bool begin_learning(struct stream *s, struct err *err) {
    const struct shift_spec *spec = spec_of(s);
    if (!current(s)->learned)
        return true;
    if (current(s)->action == DRIFT_RESET && !start_anew(s, err))
        return false;
    return window_join(&s->window, s->setup, spec->replay ? &s->reservoir : NULL, err) &&
           begin_learner(s, err) && begin_fresh(s, err);
}

static bool learns(const struct stream *s, const struct learner *learner) {
    return learner->fit &&
           !(fit_epoch_done(learner->fit) && fit_status(learner->fit)->epoch == spec_of(s)->epochs);
}

static bool learn(struct learner *learner, double *seconds, struct err *err) {
    double before = clock_seconds();
    bool ok = fit_steps(learner->fit, learner->portion, err);
    double took = clock_seconds() - before;
    learner->portion = training_portion(learner->portion, fit_status(learner->fit)->steps, took);
    *seconds += took;
    return ok;
}

/* A comparison that diverges is left out. */
static bool learn_fresh(struct stream *s, struct err *err) {
    double seconds = 0;
    struct err problem;
    if (learn(&s->fresh, &seconds, &problem))
        return true;
    if (problem.kind != ERR_DIVERGED) {
        *err = problem;
        return false;
    }
    fit_free(s->fresh.fit);
    s->fresh.fit = NULL;
    s->has_newest = false;
    return true;
}

/* ---- from window to window ---- */

static bool begin_window(struct stream *s, struct err *err) {
    if (!window_load(&s->window, s->setup, s->done, err))
        return false;
    s->open = true;
    return predict_window(s, err) && begin_learning(s, err);
}

static void end_window(struct stream *s) {
    struct window_record *r = current(s);
    if (r->learned) {
        r->steps = fit_status(s->learner.fit)->total_steps;
        r->lr = fit_status(s->learner.fit)->lr;
    }
    if (spec_of(s)->replay > 0)
        reservoir_see(&s->reservoir, &s->window.all);
    window_release(&s->window);
    s->open = false;
    s->done++;
}

bool stream_over(const struct stream *s) {
    return s->done == s->windows;
}

static bool advance(struct stream *s, bool *window, struct err *err) {
    if (!s->open)
        return begin_window(s, err);
    if (learns(s, &s->learner))
        return learn(&s->learner, &current(s)->seconds, err);
    if (learns(s, &s->fresh))
        return learn_fresh(s, err);
    *window = true;
    end_window(s);
    return true;
}

bool stream_advance(struct stream *s, bool *window, struct err *err) {
    *window = false;
    if (advance(s, window, err))
        return true;
    if (err->kind != ERR_DIVERGED)
        return false;
    memcpy(s->setup->model->theta, s->good, s->setup->model->size * sizeof(real));
    return err_prefix(err, "window %zu of the stream", s->done + 1);
}

/* ---- put aside ---- */

static void snapshot_figures(struct stream_figures *f, const char *name, struct snapshot *s) {
    snapshot_enter(s, name);
    snapshot_double(s, "loss", &f->loss);
    snapshot_double(s, "accuracy", &f->accuracy);
    snapshot_leave(s);
}

static void snapshot_record(struct window_record *r, size_t i, struct snapshot *s) {
    char name[32];
    snprintf(name, sizeof name, "window.%zu", i);
    snapshot_enter(s, name);
    snapshot_size(s, "window", &r->window, SIZE_MAX);
    snapshot_size(s, "samples", &r->samples, SIZE_MAX);
    snapshot_figures(&r->before, "before", s);
    snapshot_figures(&r->base, "base", s);
    snapshot_figures(&r->fresh, "fresh", s);
    snapshot_bool(s, "warning", &r->warning);
    snapshot_bool(s, "drift", &r->drift);
    snapshot_size(s, "drift_at", &r->drift_at, SIZE_MAX);
    snapshot_int(s, "action", &r->action, -1, DRIFT_REPORT);
    snapshot_bool(s, "learned", &r->learned);
    snapshot_u64(s, "steps", &r->steps);
    snapshot_double(s, "lr", &r->lr);
    snapshot_double(s, "seconds", &r->seconds);
    snapshot_leave(s);
}

static void snapshot_parameters(struct model *model, const char *name, struct snapshot *s) {
    if (model)
        snapshot_reals(s, name, model->theta, model->size);
}

/* Reads the window again, and makes the fits that were learning from it. */
static bool open_again(struct stream *s, bool fresh, struct err *err) {
    bool has_newest = s->has_newest;
    if (!window_load(&s->window, s->setup, s->done, err))
        return false;
    if (!current(s)->learned)
        return true;
    bool ok = window_join(&s->window, s->setup, spec_of(s)->replay ? &s->reservoir : NULL, err) &&
              begin_learner(s, err) && (!fresh || begin_fresh(s, err));
    s->has_newest = has_newest;
    return ok;
}

/* A fit that has learned is only what the next one adopts the optimizer of. */
static void snapshot_previous(struct stream *stream, struct snapshot *s) {
    struct err err = {0};
    const struct setup *setup = stream->setup;
    struct learner *learner = &stream->learner;
    bool learned = learner->fit != NULL;
    snapshot_bool(s, "previous", &learned);
    if (snapshot_restores(s) && learned &&
        !(learner->fit = make_fit(stream, setup->model, &setup->data.train, setup->config->seed, 1, &err)))
        snapshot_fail(s, &err);
    if (!learner->fit)
        return;
    snapshot_enter(s, "learner");
    fit_snapshot_optimizer(learner->fit, s);
    snapshot_leave(s);
}

static void snapshot_fit(struct fit *fit, const char *name, struct snapshot *s) {
    if (!fit)
        return;
    snapshot_enter(s, name);
    fit_snapshot(fit, s);
    snapshot_leave(s);
}

static void snapshot_learning(struct stream *stream, bool fresh, struct snapshot *s) {
    snapshot_fit(stream->learner.fit, "learner", s);
    snapshot_fit(fresh ? stream->fresh.fit : NULL, "fresh", s);
}

/* The window in progress, whose file must still be the same. */
static void snapshot_window(struct stream *stream, struct snapshot *s) {
    struct err err = {0};
    const struct window_record *r = current(stream);
    bool fresh = r->learned && stream->fresh.fit;
    char sha256[SHA256_HEX] = {0};
    memcpy(sha256, stream->window.set.images.sha256, sizeof sha256);
    snapshot_bytes(s, "window.sha256", sha256, sizeof sha256);
    snapshot_bool(s, "fresh.learns", &fresh);
    if (snapshot_restores(s) && !open_again(stream, fresh, &err))
        snapshot_fail(s, &err);
    if (snapshot_restores(s) && memcmp(sha256, stream->window.set.images.sha256, sizeof sha256) != 0)
        snapshot_refuse(s, "window.sha256", "the images of window %zu are not those that it learned from",
                        r->window);
    if (r->learned)
        snapshot_learning(stream, fresh, s);
    else
        snapshot_previous(stream, s);
}

void stream_snapshot(struct stream *stream, struct snapshot *s) {
    snapshot_size(s, "done", &stream->done, stream->windows);
    snapshot_bool(s, "open", &stream->open);
    if (snapshot_restores(s) && stream->open && stream->done == stream->windows)
        snapshot_refuse(s, "open", "no window is left");
    for (size_t i = 0; i < stream->done + stream->open; i++)
        snapshot_record(&stream->record[i], i, s);
    snapshot_enter(s, "detector");
    drift_snapshot(stream->drift, s);
    snapshot_leave(s);
    if (spec_of(stream)->replay > 0) {
        snapshot_enter(s, "reservoir");
        reservoir_snapshot(&stream->reservoir, stream->setup->data.outputs, s);
        snapshot_leave(s);
    }
    snapshot_bool(s, "has_newest", &stream->has_newest);
    if (snapshot_restores(s) && stream->has_newest && !stream->newest)
        snapshot_refuse(s, "has_newest", "this run has no new models");
    snapshot_parameters(stream->base, "base", s);
    snapshot_reals(s, "good", stream->good, stream->base->size);
    if (stream->open)
        snapshot_window(stream, s);
    else
        snapshot_previous(stream, s);
    snapshot_parameters(stream->newest, "newest", s);
}

/* ---- what has happened ---- */

const struct fit_status *stream_status(const struct stream *s) {
    bool begun = s->open && current(s)->learned && s->learner.fit && fit_status(s->learner.fit)->epoch > 0;
    return begun ? fit_status(s->learner.fit) : NULL;
}

const struct window_record *stream_record(const struct stream *s) {
    return s->done ? &s->record[s->done - 1] : NULL;
}

size_t stream_drifts(const struct stream *s) {
    size_t drifts = 0;
    for (size_t i = 0; i < s->done; i++)
        drifts += s->record[i].drift;
    return drifts;
}

double stream_accuracy(const struct stream *s, bool base) {
    double right = 0, samples = 0;
    for (size_t i = 0; i < s->done; i++) {
        const struct window_record *r = &s->record[i];
        right += (base ? r->base : r->before).accuracy * (double)r->samples;
        samples += (double)r->samples;
    }
    return right / samples;
}
