#include <limits.h>

#include "base/names.h"
#include "cli/command.h"
#include "cli/compare_page.h"
#include "cli/option_rows.h"
#include "cli/print.h"

/* As the help says: the first one is the default. */
static const struct {
    const char *name;
    void (*add)(const struct comparison *comparison, struct text *out); /* NULL: the JSON object */
} formats[] = {
    {"table", compare_table}, {"markdown", compare_markdown}, {"csv", compare_csv}, {"json", NULL}};

enum { FORMATS = sizeof formats / sizeof *formats };

static const char *format_name(size_t i) {
    return i < FORMATS ? formats[i].name : NULL;
}

static const struct option_row options[] = {
    {.name = "baseline",
     .kind = OPTION_TEXT,
     .value = "RUN",
     .help = "hold all against this run, or against a summary.json alone",
     AT(baseline)},
    {.name = "tolerance",
     .kind = OPTION_OVERRIDE,
     .value = "METRIC=X",
     .help = "how much worse, e.g. test.accuracy=0.005 (repeatable)"},
    {.name = "format",
     .kind = OPTION_TEXT,
     .value = "FORMAT",
     .help = "table (the default), markdown, csv or json",
     AT(format),
     .choices = format_name},
    ROW_HELP,
    ROW_VERSION,
    ROW_END,
};

static bool add_page(const struct comparison *c, const char *format, struct text *out, struct err *err) {
    size_t row = format ? (size_t)names_find(format_name, format) : 0;
    if (!formats[row].add)
        return comparison_print(c, out, err);
    formats[row].add(c, out);
    return text_ok(out, err);
}

static int run_command(const struct arguments *a) {
    struct comparison_wish wish = {
        .run = a->operands,
        .runs = a->operand_count,
        .baseline = a->baseline,
        .tolerance = (const char *const *)a->overrides,
        .tolerances = a->override_count,
    };
    struct comparison comparison;
    struct text text = {0};
    struct err err = {0};
    if (wish.runs == 0) {
        err_set(&err, ERR_USAGE, "compare needs a run directory");
        return print_failure(&err);
    }
    bool ok = comparison_make(&wish, &comparison, &err) && add_page(&comparison, a->format, &text, &err);
    bool worse = !comparison.ok;
    comparison_release(&comparison);
    if (!ok) {
        text_release(&text);
        return print_failure(&err);
    }
    int status = print_text(&text);
    return status == 0 && worse ? EXPECTATION_FAILED : status;
}

const struct command command_compare = {
    .name = "compare",
    .usage = "compare RUN... [options]",
    .summary = "finished runs side by side, or against a baseline",
    .example = "  dltrain compare runs/lr-*\n"
               "  dltrain compare runs/new --baseline runs/old --tolerance test.accuracy=0.002\n",
    .options = options,
    .max_operands = INT_MAX,
    .run = run_command,
};
