#include "run/run.h"

#include <math.h>

#include "base/mem.h"
#include "run/clock.h"
#include "run/folder.h"
#include "run/metrics.h"
#include "run/model_file.h"
#include "run/summary.h"

/* Steps are asked for in portions that take about this long: short enough for a live display, long enough
 * that asking costs nothing. */
static const double portion_seconds = 0.05;

struct run {
    const struct config *config;
    struct folder folder;
    struct setup setup;
    struct metrics metrics;
    struct epoch_record epoch;
    struct evaluation validation, test; /* of the model as it is now */
    bool validated, tested;             /* whether they hold something */
    size_t portion;                     /* steps to ask for */
    double epoch_seconds;               /* training part of the epoch in progress */
    size_t seen_before;                 /* samples of this epoch that earlier portions had */
    uint64_t samples;                   /* trained on in all epochs */
    double best_loss;
    bool finished; /* the result stands */
    struct run_result result;
    struct text message, summary;
    struct warnings warnings;
};

/* ---- beginning ---- */

static bool write_config(const struct run *run, struct err *err) {
    struct text text = {0};
    bool ok = config_print(run->config, &text, err) &&
              folder_write(&run->folder, "config.json", text.s, text.len, err);
    text_release(&text);
    return ok;
}

struct run *run_open(const struct config *config, const struct run_options *options, struct err *err) {
    struct run *run = mem_alloc(1, sizeof *run, "the run", err);
    if (!run)
        return NULL;
    run->config = config;
    run->folder.lock = -1;
    run->portion = 1;
    run->best_loss = INFINITY;
    run->result.version = options->version;
    run->result.init_from = options->init_from;
    /* First what costs nothing and makes nothing. */
    if (!kernel_find(options->isa, err) ||
        !folder_open(options->folder, config->name, options->force, &run->folder, err) ||
        !setup_open(config, options->isa, !options->init_from, &run->setup, err) ||
        !setup_start(&run->setup, options->init_from, err) || !folder_begin(&run->folder, err) ||
        !write_config(run, err)) {
        run_free(run);
        return NULL;
    }
    if (!options->init_from && !warnings_of_config(&run->warnings, config, err)) {
        run_free(run);
        return NULL;
    }
    run->result.load_seconds = clock_seconds();
    return run;
}

void run_free(struct run *run) {
    if (!run)
        return;
    warnings_release(&run->warnings);
    text_release(&run->summary);
    text_release(&run->message);
    evaluation_release(&run->test);
    evaluation_release(&run->validation);
    metrics_release(&run->metrics);
    setup_release(&run->setup);
    folder_close(&run->folder);
    mem_free(run);
}

/* ---- the end ---- */

/* The figures of the model as it is now on one part; none where there is no such part. */
static bool evaluate(struct run *run, const struct data_part *part, struct evaluation *out, bool *have,
                     struct err *err) {
    evaluation_release(out);
    *have = false;
    if (!part->set)
        return true;
    const struct setup *s = &run->setup;
    *have = fit_evaluate(s->kernel, s->team, s->model, part, &s->data.scaling, out, err);
    return *have;
}

static bool write_model(struct run *run, struct err *err) {
    const struct setup *s = &run->setup;
    char *path = folder_file(&run->folder, "model.safetensors", err);
    bool ok = path && model_file_save(path, run->config, s->model, &s->data.scaling, s->data.classes,
                                      run->result.digest, err);
    mem_free(path);
    return ok;
}

/* Writes the model and then the summary, whose presence means that all the rest is there. */
static bool finish(struct run *run, const char *stopped_by, struct err *err) {
    struct run_result *r = &run->result;
    if (!metrics_flush(&run->metrics, &run->folder, err) || !write_model(run, err))
        return false;
    r->stopped_by = stopped_by;
    r->validation = run->validated ? &run->validation : NULL;
    r->test = run->tested ? &run->test : NULL;
    r->warnings = &run->warnings;
    r->steps = fit_status(run->setup.fit)->total_steps;
    r->samples_per_second = r->train_seconds > 0 ? (double)run->samples / r->train_seconds : 0;
    r->total_seconds = clock_seconds();
    if (!summary_print(r, &run->setup, &run->summary, err) ||
        !folder_write(&run->folder, "summary.json", run->summary.s, run->summary.len, err))
        return false;
    run->finished = true;
    return true;
}

/* The same for the last good model: where its loss is not finite, it has no figures. */
static bool evaluate_if_finite(struct run *run, const struct data_part *part, struct evaluation *out,
                               bool *have, struct err *err) {
    struct err problem = {0};
    if (evaluate(run, part, out, have, &problem) || problem.kind == ERR_DIVERGED)
        return true;
    *err = problem;
    return false;
}

/* Keeps what there is and hands the divergence on; a failure to write it is worse and goes first. */
static bool finish_diverged(struct run *run, const struct err *divergence, struct err *err) {
    const struct data *data = &run->setup.data;
    text_add(&run->message, divergence->text);
    run->result.message = run->message.s;
    /* The figures of the last finished epoch's validation still hold; before the first epoch there are
     * none. */
    bool ok =
        run->validated || evaluate_if_finite(run, &data->validation, &run->validation, &run->validated, err);
    if (ok && evaluate_if_finite(run, &data->test, &run->test, &run->tested, err) &&
        finish(run, "diverged", err))
        *err = *divergence;
    return false;
}

/* ---- the middle ---- */

/* Adapts the portion to the time that the last one took. */
static void adapt(struct run *run, double seconds) {
    if (seconds < portion_seconds / 2 && run->portion < fit_status(run->setup.fit)->steps)
        run->portion *= 2;
    else if (seconds > portion_seconds * 2 && run->portion > 1)
        run->portion /= 2;
}

static bool train_portion(struct run *run, struct err *err) {
    double before = clock_seconds();
    bool ok = fit_steps(run->setup.fit, run->portion, err);
    double now = clock_seconds();
    const struct fit_status *status = fit_status(run->setup.fit);
    if (run->result.first_step_seconds == 0)
        run->result.first_step_seconds = now;
    run->epoch_seconds += now - before;
    run->result.train_seconds += now - before;
    if (ok) {
        run->samples += status->samples - run->seen_before;
        run->seen_before = status->samples;
        adapt(run, now - before);
    }
    return ok;
}

static void note_best(struct run *run) {
    const struct epoch_record *e = &run->epoch;
    double loss = e->validated ? e->validation_loss : e->train_loss;
    if (loss < run->best_loss) {
        run->best_loss = loss;
        run->result.best_epoch = e->epoch;
    }
}

/* Validates and records a finished epoch. */
static bool end_epoch(struct run *run, struct err *err) {
    const struct fit_status *status = fit_status(run->setup.fit);
    struct epoch_record *e = &run->epoch;
    if (!evaluate(run, &run->setup.data.validation, &run->validation, &run->validated, err)) {
        if (err->kind != ERR_DIVERGED)
            return false;
        fit_revert(run->setup.fit);
        return err_prefix(err, "training diverged in epoch %zu, found at its end on the validation samples",
                          status->epoch);
    }
    *e = (struct epoch_record){
        .epoch = status->epoch,
        .step = status->total_steps,
        .lr = status->lr,
        .seconds = run->epoch_seconds,
        .samples_per_second = run->epoch_seconds > 0 ? (double)status->samples / run->epoch_seconds : 0,
        .train_loss = status->loss,
        .train_accuracy = status->accuracy,
        .validated = run->validated,
        .validation_loss = run->validated ? run->validation.loss : NAN,
        .validation_accuracy = run->validated ? run->validation.accuracy : NAN,
        .validation_weighted_loss = run->validated ? run->validation.weighted_loss : NAN,
        .diagnostics = fit_diagnostics(run->setup.fit),
    };
    run->epoch_seconds = 0;
    run->seen_before = 0;
    run->result.epochs_run = e->epoch;
    run->result.last = e;
    note_best(run);
    if (e->diagnostics && !warnings_of_epoch(&run->warnings, run->config, e->epoch, e->diagnostics, err))
        return false;
    return metrics_add(&run->metrics, e, err);
}

static bool name_part(const char *part, struct err *err) {
    if (err->kind == ERR_DIVERGED)
        err_set(err, ERR_DIVERGED, "the loss of the final model on the %s samples is not finite", part);
    return false;
}

/* One portion, or the whole end of the run. */
static bool advance(struct run *run, enum run_event *event, struct err *err) {
    if (run->result.epochs_run == run->config->train.epochs) {
        *event = RUN_DONE;
        const struct data *data = &run->setup.data;
        if (!run->validated && !evaluate(run, &data->validation, &run->validation, &run->validated, err))
            return name_part("validation", err);
        if (!evaluate(run, &data->test, &run->test, &run->tested, err))
            return name_part("test", err);
        return finish(run, "epochs", err);
    }
    *event = RUN_PROGRESS;
    if (!train_portion(run, err))
        return false;
    if (fit_epoch_done(run->setup.fit)) {
        *event = RUN_EPOCH;
        if (!end_epoch(run, err))
            return false;
    }
    return metrics_write(&run->metrics, &run->folder, err);
}

bool run_advance(struct run *run, enum run_event *event, struct err *err) {
    struct err problem = {0};
    if (advance(run, event, &problem))
        return true;
    if (problem.kind == ERR_DIVERGED)
        return finish_diverged(run, &problem, err);
    *err = problem;
    return false;
}

bool run_stop(struct run *run, struct err *err) {
    return metrics_flush(&run->metrics, &run->folder, err);
}

/* ---- what has happened ---- */

const struct fit_status *run_status(const struct run *run) {
    return fit_status(run->setup.fit);
}

const struct epoch_record *run_epoch(const struct run *run) {
    return &run->epoch;
}

const struct warnings *run_warnings(const struct run *run) {
    return &run->warnings;
}

const char *run_folder(const struct run *run) {
    return run->folder.path;
}

const struct setup *run_setup(const struct run *run) {
    return &run->setup;
}

const struct run_result *run_result(const struct run *run) {
    return run->finished ? &run->result : NULL;
}

const char *run_summary(const struct run *run) {
    return run->finished ? run->summary.s : NULL;
}
