#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/gate.h"
#include "cli/heading.h"
#include "cli/interrupt.h"
#include "cli/layers.h"
#include "cli/option_rows.h"
#include "cli/place.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/shift_page.h"
#include "cli/train_seeds.h"
#include "cli/version.h"
#include "run/clock.h"
#include "run/describe.h"
#include "run/folder.h"
#include "run/run.h"

static const struct option_row options[] = {
    ROW_CONFIG,
    ROW_SET,
    {.name = "out", .kind = OPTION_TEXT, .value = "DIR", .help = "run directory; default runs/NAME", AT(out)},
    {.name = "force",
     .kind = OPTION_FLAG,
     .help = "replace a run that is there: its files are removed when training begins",
     AT(force)},
    {.name = "resume",
     .kind = OPTION_FLAG,
     .help = "go on with the run in the directory; a finished one stays as it is",
     AT(resume)},
    ROW_INIT_FROM,
    ROW_SEED,
    {.name = "seeds",
     .kind = OPTION_NUMBER,
     .value = "N",
     .help = "N runs, from this seed on, in DIR/seed-S; their mean and deviation",
     AT(seeds),
     .min = 1,
     .max = 10000},
    ROW_THREADS,
    ROW_ISA,
    ROW_EXPECT,
    ROW_JUNIT,
    ROW_JSON("the summary"),
    ROW_QUIET,
    {.name = "verbose",
     .letter = 'v',
     .kind = OPTION_FLAG,
     .help = "config, checksums and memory as well",
     AT(verbose)},
    {.name = "print-config",
     .kind = OPTION_FLAG,
     .help = "print the resolved config and stop",
     AT(print_config)},
    ROW_HELP,
    ROW_VERSION,
    ROW_END,
};

static int print_config(const struct config *config) {
    struct text text = {0};
    struct err err = {0};
    if (config_print(config, &text, &err))
        return print_text(&text);
    text_release(&text);
    return print_failure(&err);
}

static bool log_heading(const struct run *run, const struct config *config, const struct arguments *a,
                        struct err *err) {
    struct description description;
    struct text text = {0};
    if (a->quiet)
        return true;
    if (!describe(run_setup(run), &description, err))
        return false;
    bool ok = true;
    if (a->verbose) {
        ok = config_print(config, &text, err);
        heading_details(&description, &text);
    }
    heading_short(&description, run_folder(run), &text);
    print_log(&text);
    text_release(&text);
    description_release(&description);
    return ok;
}

/* With --verbose the figures of the layers come every epoch. */
static void log_layers(const struct run *run, const struct arguments *a) {
    struct text text = {0};
    if (a->quiet || !a->verbose || !run_diagnostics(run))
        return;
    layers_table(run_diagnostics(run), run_epoch(run), &text);
    print_log(&text);
    text_release(&text);
}

static void show_progress(struct progress *progress, const struct run *run) {
    if (run_estimation(run))
        progress_estimation(progress, run_estimation(run));
    else if (run_status(run))
        progress_update(progress, run_status(run));
}

static void show(struct progress *progress, const struct run *run, enum run_event event,
                 const struct arguments *a) {
    if (run_stream(run))
        progress_stream(progress, run_stream(run));
    if (event == RUN_PROGRESS)
        show_progress(progress, run);
    if (event == RUN_ESTIMATED)
        progress_shift(progress, run_shift(run));
    if (event == RUN_WEIGHTED)
        progress_restart(progress, "training by weights", run_training(run)->epochs);
    if (event == RUN_EPOCH) {
        progress_epoch(progress, run_epoch(run));
        log_layers(run, a);
    }
    if (event == RUN_REFIT)
        progress_refit(progress, run_training(run));
    if (event == RUN_WINDOW)
        progress_window(progress, stream_record(run_stream(run)));
    progress_warnings(progress, run_warnings(run));
}

/* SIGUSR1 asked for a checkpoint. */
static bool keep(struct run *run, struct progress *progress, const struct arguments *a, struct err *err) {
    struct text text = {0};
    if (!run_keep(run, err))
        return false;
    text_add(&text, "dltrain: checkpoint at ");
    place_text(run, &text);
    text_add(&text, "\n");
    progress_clear(progress);
    if (!a->quiet)
        print_log(&text);
    text_release(&text);
    return true;
}

static bool train(struct run *run, const struct config *config, const struct arguments *a, struct err *err) {
    struct progress progress;
    enum run_event event = RUN_PROGRESS;
    bool ok = log_heading(run, config, a, err);
    progress_init(&progress, a->quiet, config->train.epochs);
    progress_warnings(&progress, run_warnings(run));
    while (ok && event != RUN_DONE && !interrupt_name()) {
        ok = run_advance(run, &event, err);
        if (ok)
            show(&progress, run, event, a);
        if (ok && event != RUN_DONE && interrupt_asked())
            ok = keep(run, &progress, a, err);
    }
    progress_clear(&progress);
    return ok && (event == RUN_DONE || run_keep(run, err));
}

static void add_effort(const struct run_result *r, size_t epochs, struct text *t) {
    text_addf(t, "epochs                %zu", r->epochs_run);
    if (r->epochs_run < epochs)
        text_addf(t, " of %zu", epochs);
    if (r->best_epoch)
        text_addf(t, " (best %zu)", r->best_epoch);
    if (r->refit)
        text_addf(t, ", refit %zu", r->refit->epochs);
    text_addf(t, ", %llu steps%s\nseconds               ", (unsigned long long)r->steps,
              r->message                                     ? ", diverged"
              : strcmp(r->stopped_by, "early_stopping") == 0 ? ", stopped early"
                                                             : "");
    if (r->steps == 0) {
        text_addf(t, "%.2f in all\n", r->total_seconds);
        return;
    }
    text_addf(t, "%.2f training, %.2f in all; ", r->train_seconds, r->total_seconds);
    add_scaled(t, r->samples_per_second, " samples/s");
    text_add(t, "\n");
}

/* Whose figures these are, where it is not plainly the last epoch. */
static void add_kept(const struct run_result *r, struct text *t) {
    const char *state = r->message ? "the last good state: " : "";
    const struct early_stopping_spec *stopping = &r->search->setup->config->train.early_stopping;
    if (r->stream && r->stream->done)
        text_addf(t, "figures of            %swindow %zu of the stream; validation: before it\n", state,
                  r->stream->done);
    else if (!r->kept && (r->message || r->epochs_run == 0))
        text_addf(t, "figures of            %sepoch 0, the initial model\n", state);
    else if (r->refit)
        text_addf(t,
                  "figures of            %sthe refit on %zu samples; validation: epoch %zu of the search\n",
                  state, r->refit->samples, r->best_epoch);
    else if (stopping->on && stopping->restore_best)
        text_addf(t, "figures of            %sepoch %zu, the best by %s\n", state, r->kept->epoch,
                  metric_name((size_t)r->search->metric));
    else if (r->message || stopping->on)
        text_addf(t, "figures of            %sepoch %zu\n", state, r->kept->epoch);
}

static void add_stream(const struct stream *stream, struct text *t) {
    if (!stream || stream->done == 0)
        return;
    size_t drifts = stream_drifts(stream);
    text_addf(t, "stream                %zu window%s, accuracy before learning %.2f %%, static ",
              stream->done, stream->done == 1 ? "" : "s", 100 * stream_accuracy(stream, false));
    text_addf(t, "%.2f %%; %zu with a drift\n", 100 * stream_accuracy(stream, true), drifts);
}

static void add_shift(const struct run_result *r, struct text *t) {
    const struct estimation_result *shift = r->shift;
    text_addf(t, "shift                 %s, %s%s\n", shift_kind_name((size_t)shift->spec->kind),
              shift->detected ? "detected" : "not detected",
              !shift->corrected            ? "; weights 1"
              : estimation_retrains(shift) ? "; trained by weights"
                                           : "; probabilities rescaled");
    shift_worth(r->target_worth, t);
}

/* epochs: as many as were asked for. */
static void add_result(const struct run *run, size_t epochs, struct text *t) {
    const struct run_result *r = run_result(run);
    add_kept(r, t);
    if (r->test)
        add_evaluation(t, "test", r->test);
    if (r->validation)
        add_evaluation(t, "validation", r->validation);
    add_calibration(t, r->calibration);
    if (r->shift)
        add_shift(r, t);
    add_stream(r->stream, t);
    if (r->kept)
        text_addf(t, "train loss            %.6g\n", r->kept->metric[METRIC_TRAIN_LOSS]);
    add_effort(r, epochs, t);
    text_addf(t, "model digest          %s\nrun directory         ", r->digest);
    add_printable(t, run_folder(run));
    text_add(t, "\n");
    gate_lines(run_expectations(run), t);
    if (r->diagnostics)
        layers_table(r->diagnostics, run_epoch(run), t);
}

/* The summary goes out after a divergence too: it says how far the run came. */
static int print_results(const struct run *run, size_t epochs, bool json) {
    struct text text = {0};
    if (json)
        text_add(&text, run_summary(run));
    else
        add_result(run, epochs, &text);
    return print_text(&text);
}

/* There is nothing to do but to say again what came of it. */
static int show_finished(const struct run *run, const struct arguments *a) {
    struct text text = {0};
    if (a->json)
        text_add(&text, run_summary(run));
    else
        gate_lines(run_expectations(run), &text);
    return print_text(&text);
}

/* What the report says of a run that is done, now or before. */
static void describe_run(const struct run *run, const struct config *config, struct junit_properties *p) {
    const struct run_result *result = run_result(run);
    const struct setup *setup = run_setup(run);
    junit_property(p, "model_digest", "%s", result ? result->digest : run_resumed(run)->digest);
    junit_property(p, "seed", "%" PRIu64, config->seed);
    junit_property(p, "version", "%s", DLTRAIN_VERSION);
    if (!result)
        return;
    junit_property(p, "isa", "%s", setup->kernel->name);
    junit_property(p, "threads", "%zu", team_size(setup->team));
}

/* run NULL: there is none. */
static int close_gate(struct gate *gate, const struct run *run, const struct config *config, int status) {
    struct junit_properties properties = {0};
    struct gate_end end = {.status = status, .seconds = clock_seconds(), .properties = &properties};
    if (run && (run_result(run) || run_resumed(run)->finished)) {
        describe_run(run, config, &properties);
        end.judged = run_expectations(run);
    }
    return gate_close(gate, &end);
}

static int train_with(const struct config *config, const struct arguments *a, struct gate *gate) {
    struct run_options wish = {
        .folder = a->out,
        .force = a->force,
        .resume = a->resume,
        .init_from = a->init_from,
        .isa = chosen_isa(a),
        .version = DLTRAIN_VERSION,
        .expect = &gate->options,
    };
    struct err err = {0};
    interrupt_catch();
    struct run *run = run_open(config, &wish, &err);
    int status = run ? gate_ready(gate) : config_file_failure(a, &err);
    if (run && a->resume && !a->quiet)
        place_resumed(run);
    bool finished = run && run_resumed(run)->finished;
    if (run && !finished)
        warn_of_obstacle(a, run_setup(run)->kernel);
    if (status == 0 && !finished)
        status = train(run, config, a, &err) ? 0 : print_failure(&err);
    if (finished) {
        status = status ? status : show_finished(run, a);
    } else if (run && run_result(run)) {
        int printed = print_results(run, config->train.epochs, a->json);
        status = status ? status : printed;
    } else if (run) {
        if (!run_stop(run, &err) && status == 0)
            status = print_failure(&err);
        if (status == 0 && !a->quiet)
            place_interrupted(run);
    }
    status = close_gate(gate, run, config, status);
    run_free(run);
    return status;
}

static int train_as_asked(const struct config *config, const struct arguments *a, struct gate *gate) {
    struct err err = {0};
    char *folder = folder_path(a->out, config->name, &err);
    int status =
        folder ? gate_begin(gate, config->name, &config->expect, folder) : config_file_failure(a, &err);
    mem_free(folder);
    if (status)
        return close_gate(gate, NULL, config, status);
    return a->seeds > 0 ? train_seeds(config, a, gate, train) : train_with(config, a, gate);
}

/* What is said of a run and of its opposite. */
static int check_wishes(const struct arguments *a) {
    struct err err;
    if (!a->resume || !a->force)
        return 0;
    err_set(&err, ERR_USAGE, "--resume goes on with a run, --force replaces it: give one of them");
    return print_failure(&err);
}

static int run_command(const struct arguments *a) {
    struct config config;
    struct gate gate;
    interrupt_listen();
    int status = gate_open(a, a->config ? a->config : "dltrain", &gate);
    if (status == 0)
        status = check_wishes(a);
    if (status == 0)
        status = config_file_open(a, "train", &config);
    if (status)
        return close_gate(&gate, NULL, NULL, status);
    status = a->print_config ? close_gate(&gate, NULL, &config, print_config(&config))
                             : train_as_asked(&config, a, &gate);
    config_release(&config);
    if (status == 0)
        interrupt_die();
    return status;
}

const struct command command_train = {
    .name = "train",
    .usage = "[train] --config FILE [options]",
    .summary = "train a model, evaluate it and write a run directory",
    .example =
        "  dltrain --config mlp.json\n"
        "  dltrain --config mlp.json --set train.epochs=20 --set model.layers.0.units=256 --out runs/wide\n",
    .options = options,
    .run = run_command,
};
