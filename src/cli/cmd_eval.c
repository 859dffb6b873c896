#include "base/mem.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/option_rows.h"
#include "cli/print.h"
#include "run/infer.h"

static const struct option_row options[] = {
    ROW_MODEL,
    {.name = "config",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "take data.test, data.label_column and threads; the rest is the model's",
     AT(config)},
    {.name = "data",
     .kind = OPTION_TEXT,
     .value = "DIR",
     .help = "or a folder with MNIST's test files",
     AT(data)},
    ROW_SET,
    ROW_THREADS,
    ROW_ISA,
    ROW_JSON("the figures"),
    ROW_QUIET,
    ROW_HELP,
    ROW_VERSION,
    ROW_END,
};

/* What is evaluated on. */
struct target {
    struct config config;    /* of --config, else zero */
    struct data_files found; /* of --data, else zero; owned */
    const struct data_files *files;
    long label_column;
    size_t threads;
};

static void target_release(struct target *t) {
    mem_free(t->found.images);
    mem_free(t->found.labels);
    config_release(&t->config);
}

static bool check_usage(const struct arguments *a, struct err *err) {
    if (!a->model)
        return err_set(err, ERR_USAGE, "eval needs --model FILE");
    if (!a->config == !a->data)
        return err_set(err, ERR_USAGE, "eval needs either --config FILE or --data DIR");
    if (a->data && a->override_count > 0)
        return err_set(err, ERR_USAGE, "--set goes with --config, not with --data");
    return true;
}

/* The status, 0 if t is to be released. */
static int target_open(const struct arguments *a, struct target *t) {
    struct err err = {0};
    *t = (struct target){.label_column = -1, .threads = a->threads};
    if (a->data) {
        t->files = &t->found;
        return inference_find_files(a->data, &t->found, &err) ? 0 : print_failure(&err);
    }
    int status = config_file_open(a, "eval", &t->config);
    if (status)
        return status;
    t->files = &t->config.data.test;
    t->label_column = t->config.data.label_column;
    t->threads = t->config.threads;
    if (t->files->images)
        return 0;
    err_set(&err, ERR_CONFIG, "%s: data.test: is missing, eval needs it", a->config);
    target_release(t);
    return print_failure(&err);
}

static bool add_report(const struct inference *inference, const struct inference_report *report,
                       const struct arguments *a, struct text *out, struct err *err) {
    if (a->json)
        return inference_print(inference, report, a->model, out, err);
    add_evaluation(out, "test", &report->evaluation);
    add_calibration(out, &report->calibration);
    return text_ok(out, err);
}

static bool evaluate(const struct target *t, const struct arguments *a, struct text *out, struct err *err) {
    struct inference inference;
    struct inference_report report;
    if (!inference_open(a->model, t->threads, chosen_isa(a), &inference, err))
        return false;
    bool ok = inference_evaluate(&inference, t->files, t->label_column, &report, err);
    if (ok) {
        ok = add_report(&inference, &report, a, out, err);
        inference_report_release(&report);
    }
    inference_release(&inference);
    return ok;
}

static int run_command(const struct arguments *a) {
    struct target target;
    struct text text = {0};
    struct err err = {0};
    if (!check_usage(a, &err))
        return print_failure(&err);
    int status = target_open(a, &target);
    if (status)
        return status;
    bool ok = evaluate(&target, a, &text, &err);
    target_release(&target);
    if (ok)
        return print_text(&text);
    text_release(&text);
    return print_failure(&err);
}

const struct command command_eval = {
    .name = "eval",
    .usage = "eval --model FILE (--config FILE | --data DIR) [options]",
    .summary = "evaluate a saved model on labelled data",
    .example = "  dltrain eval --model runs/mnist/model.safetensors --data data/mnist\n",
    .options = options,
    .run = run_command,
};
