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

/* The fit stands where the training does: within its next epoch, or behind its last one. */
static void check_place(const struct run *run, struct snapshot *s) {
    const struct fit_status *fit = fit_status(run->setup.fit);
    size_t done = fit->epoch - !fit_epoch_done(run->setup.fit);
    if (snapshot_restores(s) && done != run->training->last.epoch)
        snapshot_refuse(s, "fit.epoch", "expected to be behind epoch %zu, found %zu done",
                        run->training->last.epoch, done);
}

/* A step of the way to where the checkpoint was made. False: what it makes is not there to be filled. */
static bool redo(struct run *run, bool (*step)(struct run *, struct err *), struct snapshot *s) {
    struct err err = {0};
    if (snapshot_restores(s) && !step(run, &err))
        snapshot_fail(s, &err);
    return snapshot_ok(s, &err);
}

/* The model that the search has found becomes the setup's for a moment, and the refit takes it from there. */
static bool snapshot_refit(struct run *run, struct snapshot *s) {
    real *found = run->found.theta ? run->found.theta : run->setup.model->theta;
    snapshot_reals(s, "found", found, run->setup.model->size);
    bool made = redo(run, run_begin_refit, s);
    if (made)
        snapshot_training(&run->refit, "refit", s);
    return made;
}

static bool begin_stream(struct run *run, struct err *err) {
    return stream_begin(&run->stream, &run->setup, err);
}

/* What the model predicts is not put aside, but predicted again. */
static bool estimate_by_model(struct run *run, struct err *err) {
    return estimation_by_model(run->correction.estimation, err);
}

/* What a checkpoint says of the phase, before the run is taken there. */
struct stand {
    int phase;
    bool weighted, refitting;
};

/* Whether the run comes to it, and with what is known of the shift. */
static bool can_stand(const struct run *run, const struct stand *at) {
    const struct correction *c = &run->correction;
    bool waits = correction_needs_model(c), known = c->result, final = at->phase >= PHASE_SEARCH;
    const bool shifted[] = {
        [PHASE_ESTIMATION] = c->estimation && !waits && !known,
        [PHASE_BY_MODEL] = waits,
        [PHASE_UNCORRECTED] = waits || known,
        [PHASE_SEARCH] = known || !c->estimation,
        [PHASE_REFIT] = known || !c->estimation,
        [PHASE_STREAM] = run->config->shift.kind == SHIFT_CONCEPT,
    };
    return shifted[at->phase] && (!at->weighted || (final && correction_retrains(c))) &&
           at->refitting == (at->phase > PHASE_SEARCH && run->config->train.refit) &&
           (at->phase != PHASE_REFIT || at->refitting);
}

void run_snapshot(struct run *run, struct snapshot *s) {
    struct stand at = {(int)run->phase, run->setup.shifted, run->training == &run->refit};
    snapshot_int(s, "phase", &at.phase, PHASE_ESTIMATION, PHASE_STREAM);
    snapshot_bool(s, "weighted", &at.weighted);
    snapshot_bool(s, "refitting", &at.refitting);
    snapshot_spent(run, s);
    snapshot_text(s, "init_from", &run->init_from);
    metrics_snapshot(&run->metrics, s);
    warnings_snapshot(&run->warnings, s);
    snapshot_calibration(&run->calibration, s);
    snapshot_optional_reals(s, "start", &run->setup.start, run->setup.model->size);
    correction_snapshot(&run->correction, s);
    if (snapshot_restores(s) && !can_stand(run, &at))
        snapshot_refuse(s, "phase", "this run does not come to phase %d so", at.phase);
    if (at.weighted && !redo(run, run_begin_weighted, s))
        return;
    snapshot_training(&run->search, "search", s);
    if (at.refitting && !snapshot_refit(run, s))
        return;
    snapshot_enter(s, "fit");
    fit_snapshot(run->setup.fit, s);
    snapshot_leave(s);
    check_place(run, s);
    if (at.phase == PHASE_BY_MODEL)
        redo(run, estimate_by_model, s);
    if (at.phase == PHASE_STREAM && redo(run, begin_stream, s)) {
        snapshot_enter(s, "stream");
        stream_snapshot(&run->stream, s);
        snapshot_leave(s);
    }
    if (snapshot_restores(s))
        run->phase = (enum phase)at.phase;
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
    bool idle;
    /* A failure is told at once, and not when the next checkpoint is due. */
    return keeper_idle(run->keeper, &idle, err) && (!due || !idle || keep(run, err));
}
