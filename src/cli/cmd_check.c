#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/heading.h"
#include "cli/option_rows.h"
#include "cli/print.h"
#include "run/describe.h"
#include "run/expectation.h"
#include "run/setup.h"

static const struct option_row options[] = {
    ROW_CONFIG,
    ROW_SET,
    ROW_THREADS,
    ROW_ISA,
    {.name = "trace",
     .kind = OPTION_FLAG,
     .help = "print the operations, forward and backward, as well",
     AT(trace)},
    ROW_JSON("the summary"),
    ROW_HELP,
    ROW_VERSION,
    ROW_END,
};

static bool add_summary(const struct setup *setup, const struct arguments *a, struct text *out,
                        struct err *err) {
    struct description description;
    if (!describe(setup, &description, err))
        return false;
    bool ok = true;
    print_warnings(&description.warnings, 0);
    if (a->json)
        ok = describe_json(&description, out, err);
    else
        heading_full(&description, out);
    description_release(&description);
    if (ok && a->trace) {
        text_add(out, "\n");
        ok = describe_trace(setup, out, err);
    }
    return ok;
}

static int check(const struct config *config, const struct arguments *a) {
    struct setup setup;
    struct err err = {0};
    struct text text = {0};
    if (!setup_open(config, chosen_isa(a), false, &setup, &err))
        return config_file_failure(a, &err);
    warn_of_obstacle(a, setup.kernel);
    bool ok = setup_shift(&setup, &err) && expectations_check_setup(&setup, &err) &&
              add_summary(&setup, a, &text, &err);
    setup_release(&setup);
    if (ok)
        return print_text(&text);
    text_release(&text);
    return config_file_failure(a, &err);
}

static int run_command(const struct arguments *a) {
    struct config config;
    if (a->json && a->trace) {
        struct err err;
        err_set(&err, ERR_USAGE, "--trace is text: it does not go with --json");
        return print_failure(&err);
    }
    int status = config_file_open(a, "check", &config);
    if (status)
        return status;
    status = check(&config, a);
    config_release(&config);
    return status;
}

const struct command command_check = {
    .name = "check",
    .usage = "check --config FILE [options]",
    .summary = "validate a config, open its data, print the model summary; trains nothing",
    .example = "  dltrain check --config mlp.json\n",
    .options = options,
    .run = run_command,
};
