#include <string.h>

#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/interrupt.h"
#include "cli/option_rows.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/version.h"
#include "run/verify.h"

static const struct option_row options[] = {
    ROW_SET, ROW_THREADS, ROW_ISA, ROW_JSON("the verdict"), ROW_QUIET, ROW_HELP, ROW_VERSION, ROW_END,
};

/* ---- progress ---- */

static void show(struct progress *progress, const struct run *run, enum run_event event) {
    if (run_stream(run))
        progress_stream(progress, run_stream(run));
    if (event == RUN_PROGRESS && run_estimation(run))
        progress_estimation(progress, run_estimation(run));
    else if (event == RUN_PROGRESS && run_status(run))
        progress_update(progress, run_status(run));
    else if (event == RUN_EPOCH)
        progress_epoch(progress, run_epoch(run));
    else if (event == RUN_WEIGHTED)
        progress_restart(progress, "training by weights", run_training(run)->epochs);
    else if (event == RUN_REFIT)
        progress_refit(progress, run_training(run));
    else if (event == RUN_WINDOW)
        progress_window(progress, stream_record(run_stream(run)));
}

/* false where it failed, or a signal came before the verdict. */
static bool advance(struct verify *v, const struct config *config, bool quiet, struct err *err) {
    struct progress progress;
    enum run_event event = RUN_PROGRESS;
    bool ok = true, over = false;
    progress_init(&progress, quiet, config->train.epochs);
    while (ok && !over && !interrupt_name()) {
        ok = verify_advance(v, &event, &over, err);
        if (ok)
            show(&progress, verify_run(v), event);
    }
    progress_clear(&progress);
    return ok && over;
}

/* ---- the verdict ---- */

/* Files may hold anything: control characters become '?', but for ends of lines. */
static void add_clean(struct text *t, const struct text *from) {
    for (size_t i = 0; i < from->len; i++) {
        char c = from->s[i];
        text_add_bytes(t, (c >= 0 && c < ' ' && c != '\n') || c == 0x7F ? "?" : &from->s[i], 1);
    }
    t->failed = t->failed || from->failed;
}

static void add_reasons(const char *reasons, const char *head, struct text *t) {
    while (reasons && *reasons) {
        size_t len = 0;
        while (reasons[len] != '\n')
            len++;
        text_add(t, head);
        text_add_bytes(t, reasons, len + 1);
        reasons += len + 1;
    }
}

static void add_plural(size_t count, const char *what, struct text *t) {
    text_addf(t, "%zu %s%s", count, what, count == 1 ? "" : "s");
}

static void add_agreement(const struct verify_verdict *v, struct text *t) {
    text_add(t, "all ");
    add_plural(v->epochs, "epoch", t);
    if (v->windows) {
        text_add(t, " and ");
        add_plural(v->windows, "window", t);
    }
    text_add(t, " agree, the digest agrees\n");
    add_reasons(v->reasons.s, "note: ", t);
}

/* Values are shown as far as they are not whole objects. */
static void add_difference(const struct verify_verdict *v, struct text *t) {
    const struct verify_difference *d = &v->difference;
    if (v->reasons.len)
        add_reasons(v->reasons.s, "probable reason: ", t);
    else
        text_add(t, "no reason is known: version and data are those of the run\n");
    text_addf(t, "%s%s%s differs: ", d->where.s, d->path.len ? ": " : "", d->path.s);
    text_addf(t, "%s in the run, %s now\n", d->then.s, d->now.s);
}

static int print_verdict(const struct verify *v, const char *path, bool json) {
    const struct verify_verdict *verdict = verify_verdict(v);
    struct text text = {0}, raw = {0};
    struct err err = {0};
    if (json) {
        if (!verify_print(v, &text, &err)) {
            text_release(&text);
            return print_failure(&err);
        }
    } else if (verdict->agrees) {
        text_addf(&raw, "%s: ", path);
        add_agreement(verdict, &raw);
    } else {
        add_difference(verdict, &raw);
    }
    add_clean(&text, &raw);
    text_release(&raw);
    int status = print_text(&text);
    return status == 0 && !verdict->agrees ? EXPECTATION_FAILED : status;
}

/* ---- the command ---- */

/* A run's own config has whole paths, which no folder changes. Nothing may take part that changes a bit. */
static bool may_verify(const struct arguments *a, const struct config *was, const struct config *is,
                       struct err *err) {
    static const char root[] = "data.root=";
    for (size_t i = 0; i < a->override_count; i++)
        if (strncmp(a->overrides[i], root, sizeof root - 1) == 0)
            return err_set(
                err, ERR_CONFIG,
                "data.root: the run's config has whole paths: set each file, as data.train.images=PATH");
    if (!config_can_go_on(was, is, err))
        return false;
    return was->train.epochs == is->train.epochs ||
           err_set(err, ERR_CONFIG, "train.epochs: the run is one of %zu, it cannot be verified with %zu",
                   was->train.epochs, is->train.epochs);
}

/* The config of the run, with overrides of what changes no bit, such as where the data lie now. */
static int open_config(const struct arguments *a, struct config *config) {
    struct arguments plain = *a;
    struct config was;
    struct err err = {0};
    int status = config_file_open(a, "verify", config);
    if (status || a->override_count == 0)
        return status;
    plain.override_count = 0;
    if ((status = config_file_open(&plain, "verify", &was)) == 0) {
        status = may_verify(a, &was, config, &err) ? 0 : config_file_failure(a, &err);
        config_release(&was);
    }
    if (status)
        config_release(config);
    return status;
}

static int verify_with(struct verify *v, const struct config *config, const struct arguments *a) {
    struct err err = {0};
    interrupt_catch();
    if (!verify_begin(v, config, chosen_isa(a), DLTRAIN_VERSION, &err))
        return config_file_failure(a, &err);
    if (advance(v, config, a->quiet, &err))
        return print_verdict(v, a->operand, a->json);
    return err.kind ? print_failure(&err) : 0;
}

static int run_command(const struct arguments *a) {
    struct err err = {0};
    struct config config;
    if (!a->operand) {
        err_set(&err, ERR_USAGE, "verify needs a run directory");
        return print_failure(&err);
    }
    struct verify *v = verify_open(a->operand, &err);
    if (!v)
        return print_failure(&err);
    struct arguments of_run = *a;
    of_run.config = verify_config(v);
    int status = open_config(&of_run, &config);
    if (status == 0) {
        status = verify_with(v, &config, &of_run);
        verify_free(v);
        config_release(&config);
        v = NULL;
    }
    verify_free(v);
    if (status == 0)
        interrupt_die();
    return status;
}

const struct command command_verify = {
    .name = "verify",
    .usage = "verify RUN [options]",
    .summary = "train a finished run again and see whether it comes out the same, bit for bit",
    .example = "  dltrain verify runs/mnist\n"
               "  dltrain verify runs/mnist --threads 1\n"
               "  dltrain verify runs/fruit --set data.train.file=/moved/fruit.csv\n",
    .options = options,
    .max_operands = 1,
    .run = run_command,
};
