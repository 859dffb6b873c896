/* What a run puts aside, and when. */
#include "run/clock.h"
#include "run/run_parts.h"

/* Epochs may be shorter than it takes to put one on disk. */
static const double pause_seconds = 0.5;

static void snapshot_effect(struct calibration_effect *effect, const char *name, struct snapshot *s) {
    struct calibration_scores *scores[] = {&effect->before, &effect->after};
    snapshot_enter(s, name);
    snapshot_bool(s, "measured", &effect->measured);
    for (size_t i = 0; i < 2; i++) {
        snapshot_enter(s, i ? "after" : "before");
        snapshot_double(s, "nll", &scores[i]->nll);
        snapshot_double(s, "brier", &scores[i]->brier);
        snapshot_double(s, "ece", &scores[i]->ece);
        snapshot_leave(s);
    }
    snapshot_leave(s);
}

static void snapshot_calibration(struct calibration *c, struct snapshot *s) {
    snapshot_enter(s, "calibration");
    snapshot_double(s, "temperature", &c->temperature);
    snapshot_effect(&c->validation, "validation", s);
    snapshot_leave(s);
}

/* The time of this process and of those before it. */
static void snapshot_spent(struct run *run, struct snapshot *s) {
    double spent = run->spent + clock_seconds();
    snapshot_double(s, "seconds", &spent);
    if (snapshot_restores(s))
        run->spent = spent;
}

static void snapshot_training(struct training *training, const char *name, struct snapshot *s) {
    snapshot_enter(s, name);
    training_snapshot(training, s);
    snapshot_leave(s);
}

/* A step of the way to where the checkpoint was made. */
static void redo(struct run *run, bool (*step)(struct run *, struct err *), struct snapshot *s) {
    struct err err = {0};
    if (snapshot_restores(s) && !step(run, &err))
        snapshot_fail(s, &err);
}

/* The model that the search has found becomes the setup's for a moment, and the refit takes it from there. */
static void snapshot_refit(struct run *run, struct snapshot *s) {
    real *found = run->found.theta ? run->found.theta : run->setup.model->theta;
    snapshot_reals(s, "found", found, run->setup.model->size);
    redo(run, run_begin_refit, s);
    snapshot_training(&run->refit, "refit", s);
}

static bool begin_stream(struct run *run, struct err *err) {
    return stream_begin(&run->stream, &run->setup, err);
}

/* What the model predicts is not put aside, but predicted again. */
static bool estimate_by_model(struct run *run, struct err *err) {
    return estimation_by_model(run->correction.estimation, err);
}

void run_snapshot(struct run *run, struct snapshot *s) {
    int phase = (int)run->phase;
    bool weighted = run->setup.shifted, refitting = run->training == &run->refit;
    snapshot_int(s, "phase", &phase, PHASE_ESTIMATION, PHASE_STREAM);
    snapshot_bool(s, "weighted", &weighted);
    snapshot_bool(s, "refitting", &refitting);
    snapshot_spent(run, s);
    snapshot_text(s, "init_from", &run->init_from);
    metrics_snapshot(&run->metrics, s);
    warnings_snapshot(&run->warnings, s);
    snapshot_calibration(&run->calibration, s);
    snapshot_optional_reals(s, "start", &run->setup.start, run->setup.model->size);
    correction_snapshot(&run->correction, s);
    if (weighted)
        redo(run, run_begin_weighted, s);
    snapshot_training(&run->search, "search", s);
    if (refitting)
        snapshot_refit(run, s);
    snapshot_enter(s, "fit");
    fit_snapshot(run->setup.fit, s);
    snapshot_leave(s);
    if (phase == PHASE_BY_MODEL)
        redo(run, estimate_by_model, s);
    if (phase == PHASE_STREAM) {
        redo(run, begin_stream, s);
        snapshot_enter(s, "stream");
        stream_snapshot(&run->stream, s);
        snapshot_leave(s);
    }
    if (snapshot_restores(s))
        run->phase = (enum phase)phase;
}

bool keep(struct run *run, struct err *err) {
    struct snapshot *s = snapshot_create(err);
    if (!s)
        return false;
    snapshot_text(s, "config", &run->config_text);
    snapshot_text(s, "data", &run->data_text);
    run_snapshot(run, s);
    if (!snapshot_ok(s, err)) {
        snapshot_free(s);
        return false;
    }
    run->news = false;
    run->kept_at = clock_seconds();
    run->metrics.written = run->metrics.lines.len;
    return keeper_hand(run->keeper, s, &run->metrics.lines, err);
}

bool keep_if_due(struct run *run, struct err *err) {
    double since = clock_seconds() - run->kept_at, minutes = run->config->train.checkpoint_minutes;
    bool due = (run->news && since >= pause_seconds) || (minutes > 0 && since >= 60 * minutes);
    return !due || keeper_busy(run->keeper) || keep(run, err);
}
