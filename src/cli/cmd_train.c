#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/heading.h"
#include "cli/option_rows.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/version.h"
#include "run/describe.h"
#include "run/run.h"

static const struct option_row options[] = {
    ROW_CONFIG,
    ROW_SET,
    {.name = "out", .kind = OPTION_TEXT, .value = "DIR", .help = "run directory; default runs/NAME", AT(out)},
    {.name = "force", .kind = OPTION_FLAG, .help = "replace a finished run", AT(force)},
    {.name = "init-from",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "start from the weights of a safetensors file, ours or PyTorch's",
     AT(init_from)},
    {.name = "seed",
     .kind = OPTION_NUMBER,
     .value = "N",
     .help = "the same as --set seed=N",
     AT(seed),
     .max = UINT64_MAX,
     .key = "seed"},
    ROW_THREADS,
    ROW_ISA,
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

static bool train(struct run *run, const struct config *config, const struct arguments *a, struct err *err) {
    struct progress progress;
    enum run_event event = RUN_PROGRESS;
    bool ok = log_heading(run, config, a, err);
    progress_init(&progress, a->quiet, config->train.epochs);
    while (ok && event != RUN_DONE) {
        ok = run_advance(run, &event, err);
        if (ok && event == RUN_PROGRESS)
            progress_update(&progress, run_status(run));
        if (ok && event == RUN_EPOCH)
            progress_epoch(&progress, run_epoch(run));
    }
    progress_clear(&progress);
    return ok;
}

static void add_result(const struct run *run, struct text *t) {
    const struct run_result *r = run_result(run);
    if (r->test)
        add_evaluation(t, "test", r->test);
    if (r->validation)
        add_evaluation(t, "validation", r->validation);
    if (r->last)
        text_addf(t, "train loss            %.6g\n", r->last->train_loss);
    text_addf(t, "epochs                %zu (best %zu), %llu steps, stopped by %s\n", r->epochs_run,
              r->best_epoch, (unsigned long long)r->steps, r->stopped_by);
    text_addf(t, "seconds               %.2f training, %.2f in all; %.0f samples/s\n", r->train_seconds,
              r->total_seconds, r->samples_per_second);
    text_addf(t, "model digest          %s\nrun directory         %s\n", r->digest, run_folder(run));
}

/* The summary goes out after a divergence too: it says how far the run came. */
static int print_results(const struct run *run, bool json) {
    struct text text = {0};
    if (json)
        text_add(&text, run_summary(run));
    else
        add_result(run, &text);
    return print_text(&text);
}

static int train_with(const struct config *config, const struct arguments *a) {
    struct run_options wish = {
        .folder = a->out,
        .force = a->force,
        .init_from = a->init_from,
        .isa = chosen_isa(a),
        .version = DLTRAIN_VERSION,
    };
    struct err err = {0};
    struct run *run = run_open(config, &wish, &err);
    if (!run)
        return print_failure(&err);
    int status = train(run, config, a, &err) ? 0 : print_failure(&err);
    if (run_result(run)) {
        int printed = print_results(run, a->json);
        status = status ? status : printed;
    }
    run_free(run);
    return status;
}

static int run_command(const struct arguments *a) {
    struct config config;
    int status = config_file_open(a, "train", &config);
    if (status)
        return status;
    status = a->print_config ? print_config(&config) : train_with(&config, a);
    config_release(&config);
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
