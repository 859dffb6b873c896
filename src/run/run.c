#include "run/run.h"

#include <math.h>

#include "base/mem.h"
#include "run/answers.h"
#include "run/clock.h"
#include "run/model_file.h"
#include "run/run_parts.h"
#include "run/summary.h"

bool run_judge(struct run *run, struct err *err) {
    return run->result.message || run->seeds > 0 ||
           expectations_judge_summary(&run->expectations, &run->summary, err);
}

/* ---- files ---- */

static bool write_model(struct run *run, struct err *err) {
    const struct setup *s = &run->setup;
    char *path = folder_file(&run->folder, "model.safetensors", err);
    bool ok = path && model_file_save(path, s->config, s->model, &s->data.scaling, s->data.classes,
                                      run->calibration.temperature, run->result.digest, err);
    mem_free(path);
    return ok;
}

static void fill_result(struct run *run, const char *stopped_by) {
    const struct training *search = &run->search, *refit = &run->refit;
    struct run_result *r = &run->result;
    r->stopped_by = stopped_by;
    r->epochs_run = search->last.epoch;
    r->best_epoch = search->stopping.best_epoch;
    r->steps = search->steps + refit->steps;
    r->search = search;
    r->kept = run->training->kept;
    /* A fit that was given up has none to show. */
    r->diagnostics = run->training == refit || refit->steps == 0 ? run_diagnostics(run) : NULL;
    r->warnings = &run->warnings;
    r->validation = search->validation.made ? &search->validation.figures : NULL;
    r->test = run->test.made ? &run->test.figures : NULL;
    r->stream = run->config->shift.kind == SHIFT_CONCEPT ? &run->stream : NULL;
    r->calibration = &run->calibration;
    r->shift = run->correction.result;
    r->target_worth = &run->correction.worth;
    r->first_step_seconds = search->first_step_seconds;
    r->train_seconds = search->seconds + refit->seconds;
    if (r->train_seconds > 0)
        r->samples_per_second = (double)(search->samples + refit->samples) / r->train_seconds;
    if (run->training == refit) {
        run->refitted = (struct run_refit){refit->last.epoch, run->setup.data.train.count, refit->steps};
        r->refit = &run->refitted;
    }
    r->total_seconds = run->spent + clock_seconds();
}

/* Writes the model and then the summary, whose presence means that all the rest is there. */
static bool finish(struct run *run, const char *stopped_by, struct err *err) {
    if (!write_model(run, err) ||
        (run->test.made && !answers_write(&run->folder, &run->setup.data.test, &run->test.figures, err)) ||
        !keeper_wait(run->keeper, err) || !metrics_flush(&run->metrics, &run->folder, err))
        return false;
    fill_result(run, stopped_by);
    /* The last checkpoint is on disk; behind the summary there is nothing that could fail. */
    if (!summary_print(&run->result, &run->setup, &run->summary, err) || !run_judge(run, err) ||
        !folder_drop_previous(&run->folder, err) ||
        !folder_write(&run->folder, "summary.json", run->summary.s, run->summary.len, err))
        return false;
    run->finished = true;
    return true;
}

/* ---- the phases ---- */

static struct calibrated calibrated_model(const struct run *run) {
    const struct setup *s = &run->setup;
    return (struct calibrated){s->kernel, s->team, s->model, &s->data.scaling, run->config->loss.kind};
}

static bool name_part(const char *part, struct err *err) {
    if (err->kind == ERR_DIVERGED)
        err_set(err, ERR_DIVERGED, "the loss of the final model on the %s samples is not finite", part);
    return false;
}

/* The temperature by the validation part, or what one that is known does there. */
static bool calibrate(struct run *run, const struct data_part *part, struct err *err) {
    const struct calibrated model = calibrated_model(run);
    struct calibration *c = &run->calibration;
    if (run->config->train.calibrate)
        return calibrate_fit(&model, part, &c->temperature, &c->validation, err);
    return isnan(c->temperature) || !part->set ||
           calibrate_measure(&model, part, c->temperature, &c->validation, err);
}

/* The final model, where its probabilities are rescaled to the target, is another one than was validated. */
static bool correct_final(struct run *run, struct err *err) {
    bool changed;
    if (!correction_of_final(&run->correction, &run->calibration.temperature, &changed, err))
        return false;
    if (changed && run->training == &run->search)
        measurement_release(&run->search.validation);
    return true;
}

/* Settles which model the search has found, its figures and its temperature. */
static bool settle_search(struct run *run, struct err *err) {
    const struct data_part *part = &run->setup.data.validation;
    struct training *search = &run->search;
    training_restore_best(search);
    if (search->kept && !correction_judge(&run->correction, search->kept->metric[METRIC_TRAIN_LOSS], err))
        return false;
    if (!correction_of_weighted(&run->correction, err) ||
        (!run->config->train.refit && !correct_final(run, err)))
        return false;
    if (!search->validation.made && !measure(&run->setup, part, &search->validation, err))
        return name_part("validation", err);
    return calibrate(run, part, err);
}

bool run_begin_refit(struct run *run, struct err *err) {
    if (!setup_refit(&run->setup, &run->found, err) ||
        !training_begin(&run->refit, &run->setup, &run->search, err))
        return false;
    run->training = &run->refit;
    run->phase = PHASE_REFIT;
    return true;
}

/* Tests the final model, also by the temperature of the search, and writes everything. */
static bool end_run(struct run *run, struct err *err) {
    const struct data_part *part = &run->setup.data.test;
    if (run->phase == PHASE_REFIT && !correct_final(run, err))
        return false;
    if (!measure(&run->setup, part, &run->test, err))
        return name_part("test", err);
    const struct calibrated model = calibrated_model(run);
    if (!isnan(run->calibration.temperature) && part->set &&
        !calibrate_measure(&model, part, run->calibration.temperature, &run->calibration.test, err))
        return false;
    return finish(run, training_stopped_early(&run->search) ? "early_stopping" : "epochs", err);
}

/* Adds the warnings of the finished epoch. */
static bool judge_epoch(struct run *run, struct err *err) {
    const struct epoch_record *epoch = run_epoch(run);
    const struct net_diagnostics *net = run_diagnostics(run);
    struct warnings *w = &run->warnings;
    size_t known = w->count;
    if (net && !warnings_of_epoch(w, run->config, epoch->epoch, net, err))
        return false;
    for (size_t i = known; i < w->count; i++)
        w->list[i].refit = epoch->refit;
    return true;
}

/* A portion of the training in progress. */
static bool train(struct run *run, enum run_event *event, struct err *err) {
    bool epoch;
    if (!training_advance(run->training, &epoch, err))
        return false;
    *event = epoch ? RUN_EPOCH : RUN_PROGRESS;
    return !epoch ||
           (judge_epoch(run, err) && metrics_add(&run->metrics, run_epoch(run), run_diagnostics(run), err));
}

/* ---- what comes behind what ---- */

bool run_begin_weighted(struct run *run, struct err *err) {
    run->phase = PHASE_SEARCH;
    training_release(&run->search);
    return correction_weigh(&run->correction, err) && training_begin(&run->search, &run->setup, NULL, err);
}

/* The training that stands ready is uncorrected if another one may follow it, else it is the search. */
static bool begin_training(struct run *run, struct err *err) {
    const struct correction *c = &run->correction;
    bool waits = correction_needs_model(c);
    if (!waits && correction_retrains(c) && !correction_compares(c))
        return run_begin_weighted(run, err);
    run->search.uncorrected = waits ? correction_may_retrain(c) : correction_retrains(c);
    run->phase = waits || correction_compares(c) ? PHASE_UNCORRECTED : PHASE_SEARCH;
    return true;
}

static bool estimate(struct run *run, enum run_event *event, struct err *err) {
    bool over;
    *event = RUN_PROGRESS;
    if (!correction_estimate(&run->correction, &over, err))
        return false;
    if (!over)
        return true;
    if (run->correction.result)
        *event = RUN_ESTIMATED;
    return correction_write(&run->correction, &run->folder, err) && begin_training(run, err);
}

/* The uncorrected training was the search: no other one follows. */
static bool promote(struct run *run, struct err *err) {
    run->phase = PHASE_SEARCH;
    if (!run->search.uncorrected)
        return true;
    run->search.uncorrected = run->search.last.uncorrected = run->search.best.uncorrected = false;
    return metrics_settle(&run->metrics, err);
}

static bool estimate_by_model(struct run *run, enum run_event *event, struct err *err) {
    struct correction *c = &run->correction;
    bool over;
    *event = RUN_PROGRESS;
    if (!correction_estimate(c, &over, err))
        return false;
    if (!over)
        return true;
    *event = RUN_ESTIMATED;
    run->phase = PHASE_UNCORRECTED;
    return correction_retrains(c) || promote(run, err);
}

static bool end_uncorrected(struct run *run, enum run_event *event, struct err *err) {
    struct correction *c = &run->correction;
    training_restore_best(&run->search);
    if (correction_needs_model(c)) {
        *event = RUN_PROGRESS;
        run->phase = PHASE_BY_MODEL;
        return estimation_by_model(c->estimation, err);
    }
    *event = RUN_WEIGHTED;
    return correction_of_uncorrected(c, &run->folder, err) && run_begin_weighted(run, err);
}

/* The model is trained: what is left is the stream, if there is one, and the end. */
static bool end_refit(struct run *run, enum run_event *event, struct err *err) {
    if (run->config->shift.kind == SHIFT_CONCEPT) {
        *event = RUN_PROGRESS;
        run->phase = PHASE_STREAM;
        return stream_begin(&run->stream, &run->setup, err);
    }
    *event = RUN_DONE;
    return end_run(run, err);
}

static bool end_search(struct run *run, enum run_event *event, struct err *err) {
    /* More epochs may be asked for later, and they begin here. */
    if (run->news && !keep(run, err))
        return false;
    if (!settle_search(run, err))
        return false;
    if (!run->config->train.refit)
        return end_refit(run, event, err);
    *event = RUN_REFIT;
    return run_begin_refit(run, err);
}

/* A portion of the stream. */
static bool learn_on(struct run *run, enum run_event *event, struct err *err) {
    bool window;
    if (stream_over(&run->stream)) {
        *event = RUN_DONE;
        return end_run(run, err);
    }
    if (!stream_advance(&run->stream, &window, err))
        return false;
    *event = window ? RUN_WINDOW : RUN_PROGRESS;
    return !window || metrics_add_window(&run->metrics, stream_record(&run->stream), err);
}

/* A training has an end, which is taken when it is over; the other phases see to theirs themselves. */
static const struct {
    bool (*advance)(struct run *run, enum run_event *event, struct err *err);
    bool (*end)(struct run *run, enum run_event *event, struct err *err);
} phases[] = {
    [PHASE_ESTIMATION] = {estimate, NULL},
    [PHASE_BY_MODEL] = {estimate_by_model, NULL},
    [PHASE_UNCORRECTED] = {train, end_uncorrected},
    [PHASE_SEARCH] = {train, end_search},
    [PHASE_REFIT] = {train, end_refit},
    [PHASE_STREAM] = {learn_on, NULL},
};

/* A portion, or a whole change of phase. */
static bool advance(struct run *run, enum run_event *event, struct err *err) {
    bool ends = phases[run->phase].end && training_over(run->training);
    return ends ? phases[run->phase].end(run, event, err) : phases[run->phase].advance(run, event, err);
}

/* ---- divergence ---- */

/* The figures of the last good model: where its loss is not finite, it has none. */
static bool measure_if_finite(struct run *run, const struct data_part *part, struct measurement *out,
                              struct err *err) {
    struct err problem = {0};
    if (measure(&run->setup, part, out, &problem) || problem.kind == ERR_DIVERGED)
        return true;
    *err = problem;
    return false;
}

/* Keeps what there is and hands the divergence on; a failure to write it is worse and goes first. */
static bool finish_diverged(struct run *run, struct err *divergence, struct err *err) {
    const struct data *data = &run->setup.data;
    struct training *search = &run->search;
    bool refit = run->phase == PHASE_REFIT;
    if (refit)
        err_prefix(divergence, "refit");
    text_add(&run->message, divergence->text);
    run->result.message = run->message.s;
    if (refit) {
        setup_go_back(&run->setup, &run->found); /* the last good model is the search's */
        run->training = search;
    } else if (run->phase != PHASE_STREAM) {
        training_restore_best(search);
    }
    /* The validation of the last finished epoch still holds; before the first epoch there is none, nor is
     * there of an earlier epoch that was kept. */
    bool ok = search->validation.made || measure_if_finite(run, &data->validation, &search->validation, err);
    if (ok && measure_if_finite(run, &data->test, &run->test, err) && finish(run, "diverged", err))
        *err = *divergence;
    return false;
}

bool run_advance(struct run *run, enum run_event *event, struct err *err) {
    struct err problem = {0};
    if (advance(run, event, &problem)) {
        run->news = run->news || (*event != RUN_PROGRESS && *event != RUN_DONE);
        return *event == RUN_DONE || keep_if_due(run, err);
    }
    if (problem.kind == ERR_DIVERGED)
        return finish_diverged(run, &problem, err);
    *err = problem;
    return false;
}

bool run_keep(struct run *run, struct err *err) {
    return keep(run, err) && keeper_wait(run->keeper, err);
}

bool run_stop(struct run *run, struct err *err) {
    return keeper_wait(run->keeper, err) && metrics_flush(&run->metrics, &run->folder, err);
}

/* ---- what has happened ---- */

const struct fit_status *run_status(const struct run *run) {
    return run->phase == PHASE_STREAM ? stream_status(&run->stream) : fit_status(run->setup.fit);
}

const struct stream *run_stream(const struct run *run) {
    return run->phase == PHASE_STREAM ? &run->stream : NULL;
}

const struct training *run_training(const struct run *run) {
    return run->training;
}

const struct epoch_record *run_epoch(const struct run *run) {
    return &run->training->last;
}

const struct net_diagnostics *run_diagnostics(const struct run *run) {
    return fit_diagnostics(run->setup.fit);
}

const struct warnings *run_warnings(const struct run *run) {
    return &run->warnings;
}

const struct estimation *run_estimation(const struct run *run) {
    bool estimates = run->phase == PHASE_ESTIMATION || run->phase == PHASE_BY_MODEL;
    return estimates ? run->correction.estimation : NULL;
}

const struct estimation_result *run_shift(const struct run *run) {
    return run->correction.result;
}

const char *run_metrics(const struct run *run) {
    return run->metrics.lines.s ? run->metrics.lines.s : "";
}

const char *run_folder(const struct run *run) {
    return run->folder.path;
}

const struct setup *run_setup(const struct run *run) {
    return &run->setup;
}

const struct expectations *run_expectations(const struct run *run) {
    return &run->expectations;
}

const struct run_result *run_result(const struct run *run) {
    return run->finished ? &run->result : NULL;
}

const char *run_summary(const struct run *run) {
    return run->finished || run->resumed.finished ? run->summary.s : NULL;
}

const struct run_resumed *run_resumed(const struct run *run) {
    return &run->resumed;
}

const char *run_notice(const struct run *run) {
    return run->notice.len ? run->notice.s : NULL;
}
