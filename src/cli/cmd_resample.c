#include <inttypes.h>

#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/option_rows.h"
#include "cli/print.h"
#include "cli/resample_options.h"
#include "cli/table.h"

/* More rows are no file that IDX could hold. */
#define MAX_SAMPLES UINT32_MAX

/* Of more classes the table would be no report. */
enum { MOST_CLASSES_SHOWN = 32 };

static const struct option_row options[] = {
    ROW_CONFIG,
    {.name = "out", .kind = OPTION_TEXT, .value = "DIR", .help = "folder of the files", AT(out)},
    {.name = "part",
     .kind = OPTION_TEXT,
     .value = "PART",
     .help = "whose files are drawn from: train (the default), validation or test",
     AT(part),
     .choices = resample_part_name},
    {.name = "samples",
     .kind = OPTION_NUMBER,
     .value = "N",
     .help = "rows to write, in each window; default as many as there are",
     AT(samples),
     .min = 1,
     .max = MAX_SAMPLES},
    {.name = "priors",
     .kind = OPTION_TEXT,
     .value = "P0,P1,...",
     .help = "class shares, drawn with replacement",
     AT(priors)},
    {.name = "dirichlet",
     .kind = OPTION_REAL,
     .value = "ALPHA",
     .help = "class shares drawn from a symmetric Dirichlet distribution",
     AT(dirichlet)},
    {.name = "tweak-one",
     .kind = OPTION_TEXT,
     .value = "C:RHO",
     .help = "class C has the share RHO, the others divide the rest evenly",
     AT(tweak_one)},
    {.name = "knock-out",
     .kind = OPTION_TEXT,
     .value = "C:DELTA",
     .help = "without the share DELTA of the rows of class C",
     AT(knock_out)},
    {.name = "select",
     .kind = OPTION_TEXT,
     .value = "WHAT:A,B",
     .help = "a row stays with odds exp(A+B s), s its ink, brightness or rotation",
     AT(select)},
    {.name = "range",
     .kind = OPTION_REAL,
     .value = "R",
     .help = "images change by s R, s from -1 to 1: brightness (0.5), degrees (45)",
     AT(range)},
    {.name = "windows",
     .kind = OPTION_NUMBER,
     .value = "W",
     .help = "windows in the order of time, without a drift unless one is asked for:",
     AT(windows),
     .min = 1,
     .max = RESAMPLE_MOST_WINDOWS},
    {.name = "swap",
     .kind = OPTION_TEXT,
     .value = "C1:C2",
     .help = "these labels change places from window --at on; default the middle",
     AT(swap)},
    {.name = "rotate",
     .kind = OPTION_TEXT,
     .value = "DEGREES",
     .help = "every window is turned by so much more, from window --at on; default 2",
     AT(rotate)},
    {.name = "at",
     .kind = OPTION_NUMBER,
     .value = "T",
     .help = "the first window that differs",
     AT(at),
     .min = 1,
     .max = RESAMPLE_MOST_WINDOWS},
    {.name = "force", .kind = OPTION_FLAG, .help = "replace files that are there", AT(force)},
    ROW_SEED,
    ROW_SET,
    ROW_THREADS,
    ROW_ISA,
    ROW_JSON("what is known of the set (truth.json)"),
    ROW_HELP,
    ROW_VERSION,
    ROW_END,
};

/* ---- the report ---- */

static void add_classes(const struct resample_report *r, struct text *out) {
    struct table table = {.columns = 5, .right = 0x1f};
    bool windows = r->wish.spec.scheme == RESAMPLE_WINDOWS;
    if (r->classes > MOST_CLASSES_SHOWN || windows)
        return;
    table_cell(&table, "class");
    table_cell(&table, "%s", resample_part_name(r->wish.part));
    table_cell(&table, "share");
    table_cell(&table, "drawn");
    table_cell(&table, "share drawn from");
    for (size_t c = 0; c < r->classes; c++) {
        table_cell(&table, "%zu", c);
        table_cell(&table, "%zu", r->original_count[c]);
        table_cell(&table, "%.4f", r->original_prior[c]);
        table_cell(&table, "%zu", r->count[c]);
        table_cell(&table, "%.4f", r->prior[c]);
    }
    table_print(&table, 0, out);
}

static void add_weights(const struct resample_report *r, struct text *out) {
    text_addf(out, "weights           ess %.1f of %zu, largest %.4g: the set as the %s part\n",
              r->weights.ess, r->rows, r->weights.max, resample_part_name(r->wish.part));
    text_addf(out, "original-weights  ess %.1f of %zu, largest %.4g: the %s part as the set\n",
              r->originals.ess, r->original_rows, r->originals.max, resample_part_name(r->wish.part));
}

static void add_windows(const struct resample_report *r, struct text *out) {
    const struct resample_spec *spec = &r->wish.spec;
    size_t first = 0, turned = 0;
    for (size_t t = spec->windows; t-- > 0;) {
        if (resample_swaps(spec, t))
            first = t + 1;
        if (resample_turn(spec, t) != 0)
            turned = t + 1;
    }
    if (first)
        text_addf(out, "labels %zu and %zu change places from window %zu on\n", spec->swap[0], spec->swap[1],
                  first);
    if (turned)
        text_addf(out, "turned by %g degrees a window from window %zu on\n", spec->degrees, turned);
    if (!first && !turned)
        text_add(out, "no drift\n");
}

static void add_report(const struct resample_report *r, struct text *out) {
    const struct resample_spec *spec = &r->wish.spec;
    add_printable(out, r->wish.out);
    text_addf(out, ": %s, seed %" PRIu64 "; ", resample_scheme_name((size_t)spec->scheme), r->seed);
    if (spec->scheme == RESAMPLE_WINDOWS)
        text_addf(out, "%zu windows of ", spec->windows);
    text_addf(out, "%zu rows, with%s replacement, of the %zu of the %s part\n", r->rows,
              r->replaced ? "" : "out", r->original_rows, resample_part_name(r->wish.part));
    if (spec->scheme == RESAMPLE_SELECT)
        text_addf(out, "a row stays with probability %.4f on average\n", r->kept);
    add_classes(r, out);
    if (spec->scheme == RESAMPLE_WINDOWS)
        add_windows(r, out);
    else
        add_weights(r, out);
}

/* ---- the command ---- */

static bool resample(const struct config *config, const struct resample_wish *wish, const struct arguments *a,
                     struct text *out, struct err *err) {
    struct resample_report report;
    if (!resample_write(config, chosen_isa(a), wish, &report, err))
        return false;
    bool ok = true;
    if (a->json)
        ok = resample_print(&report, out, err);
    else
        add_report(&report, out);
    resample_report_release(&report);
    return ok;
}

static int run_with(const struct resample_wish *wish, const struct arguments *a) {
    struct config config;
    struct text text = {0};
    struct err err = {0};
    int status = config_file_open(a, "resample", &config);
    if (status)
        return status;
    bool ok = resample(&config, wish, a, &text, &err);
    config_release(&config);
    if (ok)
        return print_text(&text);
    text_release(&text);
    return config_file_failure(a, &err);
}

static int run_command(const struct arguments *a) {
    struct resample_wish wish;
    struct err err = {0};
    int status = resample_options(a, &wish, &err) ? run_with(&wish, a) : print_failure(&err);
    resample_options_release(&wish);
    return status;
}

const struct command command_resample = {
    .name = "resample",
    .usage = "resample --config FILE --out DIR [options]",
    .summary = "make shifted data of known truth: class shares, selection by image, drift over time",
    .example =
        "  dltrain resample --config mlp.json --part test --dirichlet 0.1 --samples 2000 --out shifted\n"
        "  dltrain resample --config mlp.json --select rotation:-2,4 --range 60 --out turned\n"
        "  dltrain resample --config mlp.json --windows 12 --rotate 10 --out stream\n",
    .options = options,
    .run = run_command,
};
