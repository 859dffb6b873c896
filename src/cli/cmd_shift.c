#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/interrupt.h"
#include "cli/option_rows.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/shift_page.h"
#include "run/estimation_json.h"
#include "run/study.h"

static const struct option_row options[] = {
    ROW_CONFIG,
    ROW_SET,
    ROW_SEED,
    ROW_THREADS,
    ROW_ISA,
    {.name = "fail-on-shift",
     .kind = OPTION_FLAG,
     .help = "exit with status 1 where a shift is detected",
     AT(fail_on_shift)},
    ROW_JSON("the report"),
    ROW_QUIET,
    ROW_HELP,
    ROW_VERSION,
    ROW_END,
};

static void show(struct progress *progress, const struct study *study, enum study_event event) {
    if (event == STUDY_TRAINING)
        progress_restart(progress, "training a model for the estimates", study_training(study)->epochs);
    else if (event == STUDY_EPOCH)
        progress_epoch(progress, &study_training(study)->last);
    else if (event == STUDY_PROGRESS && study_estimation(study))
        progress_estimation(progress, study_estimation(study));
    else if (event == STUDY_PROGRESS)
        progress_update(progress, fit_status(study_setup(study)->fit));
}

static bool advance(struct study *study, const struct config *config, bool quiet, struct err *err) {
    struct progress progress;
    enum study_event event = STUDY_PROGRESS;
    bool ok = true;
    progress_init(&progress, quiet, config->train.epochs);
    while (ok && event != STUDY_DONE && !interrupt_name()) {
        ok = study_advance(study, &event, err);
        if (ok)
            show(&progress, study, event);
    }
    progress_clear(&progress);
    return ok;
}

static int print_study(const struct study *study, const struct arguments *a) {
    struct text text = {0};
    struct err err = {0};
    const struct estimation_result *result = study_result(study);
    if (!a->quiet)
        print_warnings(study_warnings(study), 0);
    if (!a->json)
        shift_page(result, study_setup(study)->config->data.class_names, &text);
    else if (!estimation_report(result, study_setup(study), study_warnings(study), &text, &err)) {
        text_release(&text);
        return print_failure(&err);
    }
    int status = print_text(&text);
    return status == 0 && a->fail_on_shift && result->detected ? EXPECTATION_FAILED : status;
}

static int study_with(const struct config *config, const struct arguments *a) {
    struct err err = {0};
    interrupt_catch();
    struct study *study = study_open(config, chosen_isa(a), &err);
    if (!study)
        return config_file_failure(a, &err);
    int status = 0;
    if (!advance(study, config, a->quiet, &err))
        status = config_file_failure(a, &err);
    else if (study_result(study))
        status = print_study(study, a);
    study_free(study);
    return status;
}

static int run_command(const struct arguments *a) {
    struct config config;
    int status = config_file_open(a, "shift", &config);
    if (status)
        return status;
    status = study_with(&config, a);
    config_release(&config);
    if (status == 0)
        interrupt_die();
    return status;
}

const struct command command_shift = {
    .name = "shift",
    .usage = "shift --config FILE [options]",
    .summary = "test for a distribution shift and estimate its weights; trains only what that needs",
    .example = "  dltrain shift --config label-shift.json\n"
               "  dltrain shift --config label-shift.json --fail-on-shift --quiet\n",
    .options = options,
    .run = run_command,
};
