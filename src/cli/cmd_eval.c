#include "base/file.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/gate.h"
#include "cli/option_rows.h"
#include "cli/print.h"
#include "cli/version.h"
#include "run/clock.h"
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
     .value = "PATH",
     .help = "or a table (CSV, TSV), or a folder with MNIST's test files",
     AT(data)},
    ROW_SET,
    ROW_THREADS,
    ROW_ISA,
    ROW_PRECISION,
    ROW_EXPECT,
    ROW_JUNIT,
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
    mem_free(t->found.file);
    config_release(&t->config);
}

static bool check_usage(const struct arguments *a, struct err *err) {
    if (!a->model)
        return err_set(err, ERR_USAGE, "eval needs --model FILE");
    if (!a->config == !a->data)
        return err_set(err, ERR_USAGE, "eval needs either --config FILE or --data PATH");
    if (a->data && a->override_count > 0)
        return err_set(err, ERR_USAGE, "--set goes with --config, not with --data");
    return true;
}

/* A file is a table. */
static bool find_files(const char *path, struct data_files *out, struct err *err) {
    if (!file_exists(path) || file_is_folder(path))
        return inference_find_files(path, out, err);
    *out = (struct data_files){.header = HEADER_AUTO};
    return (out->file = mem_string(path, err)) != NULL;
}

/* The status, 0 if t is to be released. */
static int target_open(const struct arguments *a, struct target *t) {
    struct err err = {0};
    *t = (struct target){.label_column = -1, .threads = a->threads};
    if (a->data) {
        t->files = &t->found;
        return find_files(a->data, &t->found, &err) ? 0 : print_failure(&err);
    }
    int status = config_file_open(a, "eval", &t->config);
    if (status)
        return status;
    t->files = &t->config.data.test;
    t->label_column = t->config.data.label_column;
    t->threads = t->config.threads;
    if (t->files->images || t->files->file)
        return 0;
    err_set(&err, ERR_CONFIG, "%s: data.test: is missing, eval needs it", a->config);
    target_release(t);
    return print_failure(&err);
}

/* What is evaluated, and what is expected of it. */
struct work {
    const struct arguments *a;
    const struct target *target;
    struct gate *gate;
    struct expectations judged; /* owned */
    struct junit_properties properties;
};

static bool add_report(const struct inference *inference, const struct inference_report *report,
                       struct work *work, struct text *out, struct err *err) {
    struct text json = {0};
    bool ok = inference_print(inference, report, work->a->model, &json, err) &&
              expectations_judge_summary(&work->judged, &json, err);
    if (ok && work->a->json) {
        text_add(out, json.s);
    } else if (ok) {
        add_evaluation(out, "test", &report->evaluation);
        add_calibration(out, &report->calibration);
        gate_lines(&work->judged, out);
    }
    text_release(&json);
    return ok && text_ok(out, err);
}

static bool note_properties(const struct inference *inference, struct work *work, struct err *err) {
    char digest[SHA256_HEX];
    if (!model_digest(inference->saved.model, digest, err))
        return false;
    junit_property(&work->properties, "model_digest", "%s", digest);
    junit_property(&work->properties, "version", "%s", DLTRAIN_VERSION);
    junit_property(&work->properties, "isa", "%s", inference->kernel->name);
    junit_property(&work->properties, "threads", "%zu", team_size(inference->team));
    return true;
}

static bool evaluate(struct work *work, struct text *out, struct err *err) {
    const struct target *t = work->target;
    const struct figure_scope scope = {.evaluation = true};
    struct inference inference;
    struct inference_report report;
    if (!expectations_gather(NULL, &work->gate->options, &work->judged, err) ||
        !expectations_check(&work->judged, &scope, err) ||
        !inference_open(work->a->model, t->threads, chosen_isa(work->a), work->a->precision, &inference, err))
        return false;
    warn_of_obstacle(work->a, inference.kernel);
    bool ok = note_properties(&inference, work, err) &&
              inference_evaluate(&inference, t->files, t->label_column, &report, err);
    if (ok) {
        ok = add_report(&inference, &report, work, out, err);
        inference_report_release(&report);
    }
    inference_release(&inference);
    return ok;
}

static int evaluate_target(struct work *work) {
    struct text text = {0};
    struct err err = {0};
    if (evaluate(work, &text, &err))
        return print_text(&text);
    text_release(&text);
    return print_failure(&err);
}

static int open_and_evaluate(struct work *work) {
    struct target target;
    struct err err = {0};
    if (!check_usage(work->a, &err))
        return print_failure(&err);
    int status = gate_begin(work->gate, work->a->model, NULL, NULL);
    if (status == 0)
        status = target_open(work->a, &target);
    if (status)
        return status;
    work->target = &target;
    status = evaluate_target(work);
    target_release(&target);
    return status;
}

static int run_command(const struct arguments *a) {
    struct gate gate;
    struct work work = {.a = a, .gate = &gate};
    int status = gate_open(a, a->model ? a->model : "dltrain eval", &gate);
    if (status == 0)
        status = open_and_evaluate(&work);
    struct gate_end end = {.status = status, .seconds = clock_seconds(), .properties = &work.properties};
    end.judged = status == 0 ? &work.judged : NULL;
    status = gate_close(&gate, &end);
    expectations_release(&work.judged);
    return status;
}

const struct command command_eval = {
    .name = "eval",
    .usage = "eval --model FILE (--config FILE | --data PATH) [options]",
    .summary = "evaluate a saved model on labelled data",
    .example = "  dltrain eval --model runs/mnist/model.safetensors --data data/mnist\n",
    .options = options,
    .run = run_command,
};
