#include "cli/compare_page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/grid.h"

/* Digits of a model's digest that tell it from others. */
enum { DIGEST_DIGITS = 8 };

/* ---- the columns for people ---- */

/* How a figure is shown, in the order of comparison_figure. */
static const struct {
    const char *heading;
    bool percent;
} shown[COMPARISON_FIGURES] = {
    {"test accuracy", true},       {"test r2", false},       {"test loss", false},
    {"validation accuracy", true}, {"validation r2", false}, {"validation loss", false},
};

enum { TEST_ACCURACY = 0, VALIDATION_ACCURACY = 3, VALIDATION_LOSS = 5 };

static bool any_has(const struct comparison *c, size_t figure) {
    for (size_t i = 0; i < c->count; i++)
        if (!isnan(c->run[i].figure[figure]))
            return true;
    return false;
}

/* The validation loss only where nothing better is known of the validation part. */
static bool is_shown(const struct comparison *c, size_t figure) {
    return any_has(c, figure) && (figure != VALIDATION_LOSS || !any_has(c, VALIDATION_ACCURACY));
}

static bool any_tested(const struct comparison *c) {
    for (size_t i = 0; i < c->count; i++)
        if (c->run[i].tested)
            return true;
    return false;
}

static void add_headings(const struct comparison *c, struct grid *g) {
    grid_column(g, false, "run");
    for (size_t i = 0; i < c->config.columns; i++)
        grid_column(g, false, c->config.column[i].path);
    for (size_t i = 0; i < COMPARISON_FIGURES; i++) {
        if (!is_shown(c, i))
            continue;
        grid_column(g, true, shown[i].heading);
        if (c->baseline)
            grid_column(g, true, "change");
        if (i == TEST_ACCURACY)
            grid_column(g, false, "95 % interval");
    }
    grid_column(g, true, "epochs");
    grid_column(g, true, "seconds");
    grid_column(g, false, "digest");
    if (any_tested(c)) {
        grid_column(g, true, "b");
        grid_column(g, true, "c");
        grid_column(g, true, "p");
    }
    if (c->baseline)
        grid_column(g, false, "verdict");
}

/* ---- cells ---- */

/* How long the folders are that all paths of a column lie in; 0 where not all are absolute paths. */
static size_t common_folder(const struct config_table *t, const struct config_column *column) {
    const char *first = NULL;
    size_t len = 0;
    for (size_t r = 0; r < t->runs; r++) {
        const char *s = column->text[r];
        if (s[0] == '\0')
            continue;
        if (s[0] != '/')
            return 0;
        if (!first)
            len = strlen(first = s);
        size_t same = 0;
        while (same < len && s[same] == first[same])
            same++;
        len = same;
    }
    while (first && len > 0 && first[len - 1] != '/')
        len--;
    return len;
}

static void add_config(const struct comparison *c, size_t run, struct grid *g) {
    for (size_t i = 0; i < c->config.columns; i++) {
        const struct config_column *column = &c->config.column[i];
        const char *text = column->text[run];
        if (!c->run[run].run.config)
            grid_cell(g, "?");
        else
            grid_cell(g, text[0] ? text + common_folder(&c->config, column) : "-");
    }
}

static void add_figure(const struct compared *r, size_t i, struct grid *g) {
    double value = r->figure[i];
    if (isnan(value))
        grid_cell(g, "-");
    else if (shown[i].percent)
        grid_cellf(g, "%.2f %%", 100 * value);
    else
        grid_cellf(g, "%.5g", value);
}

static void add_change(const struct comparison *c, const struct compared *r, size_t i, struct grid *g) {
    double change = r->figure[i] - c->baseline->figure[i];
    if (r->is_baseline || isnan(change))
        grid_cell(g, "-");
    else if (shown[i].percent)
        grid_cellf(g, "%+.2f", 100 * change);
    else
        grid_cellf(g, "%+.2g", change);
}

static void add_figures(const struct comparison *c, const struct compared *r, struct grid *g) {
    for (size_t i = 0; i < COMPARISON_FIGURES; i++) {
        if (!is_shown(c, i))
            continue;
        add_figure(r, i, g);
        if (c->baseline)
            add_change(c, r, i, g);
        if (i != TEST_ACCURACY)
            continue;
        if (isnan(r->low))
            grid_cell(g, "-");
        else
            grid_cellf(g, "%.2f to %.2f", 100 * r->low, 100 * r->high);
    }
}

static void add_effort(const struct compared *r, struct grid *g) {
    const char *stopped = finished_text(&r->run, "stopped_by");
    bool whole = strcmp(stopped, "epochs") == 0;
    grid_cellf(g, "%.0f%s%.40s", finished_number(&r->run, "epochs_run"), whole ? "" : ", ",
               whole ? "" : stopped);
    grid_cellf(g, "%.2f", finished_number(&r->run, "seconds.train"));
    grid_cellf(g, "%.*s", DIGEST_DIGITS, finished_text(&r->run, "model_digest"));
}

static void add_test(const struct compared *r, struct grid *g) {
    if (r->tested) {
        grid_cellf(g, "%zu", r->b);
        grid_cellf(g, "%zu", r->c);
        grid_cellf(g, "%.2g", r->p);
    } else {
        for (int i = 0; i < 3; i++)
            grid_cell(g, "-");
    }
}

static const char *verdict(const struct compared *r) {
    return r->is_baseline ? "baseline" : r->ok ? "ok" : "worse";
}

static void fill_grid(const struct comparison *c, struct grid *g) {
    add_headings(c, g);
    for (size_t i = 0; i < c->count; i++) {
        const struct compared *r = &c->run[i];
        grid_cell(g, r->run.path);
        add_config(c, i, g);
        add_figures(c, r, g);
        add_effort(r, g);
        if (any_tested(c))
            add_test(r, g);
        if (c->baseline)
            grid_cell(g, verdict(r));
    }
}

/* ---- what is said beneath ---- */

/* A line of a list. */
typedef void add_line(const char *line, struct text *out);

static void say_check(const struct compared *r, const struct check *check, struct text *line) {
    text_addf(line, "%s: %s ", r->run.path, check->metric);
    if (isnan(check->value))
        text_add(line, "is missing, as the run diverged");
    else if (check->by_test)
        text_addf(line, "%.6g is worse than %.6g, p %.2g is below %g", check->value, check->baseline, r->p,
                  COMPARISON_LEVEL);
    else
        text_addf(line, "%.6g is worse than %.6g by %.3g, more than %g", check->value, check->baseline,
                  fabs(check->value - check->baseline), check->tolerance);
}

static void say(const struct comparison *c, add_line *add, struct text *out) {
    struct text line = {0};
    if (any_tested(c))
        add("b: samples that only the baseline has right, c: only the run, p: McNemar's exact test, "
            "two-sided",
            out);
    for (size_t i = 0; c->baseline && i < c->count; i++) {
        const struct compared *r = &c->run[i];
        if (r->not_tested && !isnan(c->baseline->figure[TEST_ACCURACY])) {
            text_reset(&line);
            text_addf(&line, "%s: no McNemar test: %s", r->run.path, r->not_tested);
            add(line.s, out);
        }
        for (size_t k = 0; r->check && k < c->checks; k++) {
            if (r->check[k].ok)
                continue;
            text_reset(&line);
            say_check(r, &r->check[k], &line);
            add(line.s, out);
        }
    }
    out->failed = out->failed || line.failed;
    text_release(&line);
}

static void plain_line(const char *line, struct text *out) {
    for (; line && *line; line++)
        text_add_bytes(out, (unsigned char)*line < ' ' || *line == 0x7F ? "?" : line, 1);
    text_add(out, "\n");
}

static void markdown_line(const char *line, struct text *out) {
    text_add(out, "- ");
    grid_add_escaped(line ? line : "", out);
    text_add(out, "\n");
}

/* The lines behind an empty one, where there are any. */
static void say_beneath(const struct comparison *c, add_line *add, struct text *out) {
    struct text lines = {0};
    say(c, add, &lines);
    if (lines.len)
        text_add(out, "\n");
    text_add_bytes(out, lines.s ? lines.s : "", lines.len);
    out->failed = out->failed || lines.failed;
    text_release(&lines);
}

void compare_table(const struct comparison *c, struct text *out) {
    struct grid grid = {0};
    fill_grid(c, &grid);
    grid_table(&grid, out);
    grid_release(&grid);
    say_beneath(c, plain_line, out);
}

void compare_markdown(const struct comparison *c, struct text *out) {
    struct grid grid = {0};
    fill_grid(c, &grid);
    grid_markdown(&grid, out);
    grid_release(&grid);
    say_beneath(c, markdown_line, out);
}

/* ---- CSV ---- */

static void number_cell(struct grid *g, double value) {
    char buf[32];
    grid_cell(g, isnan(value) ? "" : json_format_number(value, buf));
}

static void csv_headings(const struct comparison *c, struct grid *g) {
    grid_column(g, false, "run");
    for (size_t i = 0; i < c->config.columns; i++)
        grid_column(g, false, c->config.column[i].path);
    for (size_t i = 0; i < COMPARISON_FIGURES; i++)
        grid_column(g, false, comparison_figure[i]);
    static const char *const always[] = {"test.accuracy_low", "test.accuracy_high", "epochs_run",
                                         "stopped_by",        "seconds.train",      "model_digest"},
                             *const against[] = {"b", "c", "p_value", "verdict"};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        grid_column(g, false, always[i]);
    for (size_t i = 0; c->baseline && i < COMPARISON_FIGURES; i++) {
        char heading[64];
        snprintf(heading, sizeof heading, "%s_change", comparison_figure[i]);
        grid_column(g, false, heading);
    }
    for (size_t i = 0; c->baseline && i < sizeof against / sizeof *against; i++)
        grid_column(g, false, against[i]);
}

static void csv_row(const struct comparison *c, size_t run, struct grid *g) {
    const struct compared *r = &c->run[run];
    grid_cell(g, r->run.path);
    for (size_t i = 0; i < c->config.columns; i++)
        grid_cell(g, c->config.column[i].text[run]);
    for (size_t i = 0; i < COMPARISON_FIGURES; i++)
        number_cell(g, r->figure[i]);
    number_cell(g, r->low);
    number_cell(g, r->high);
    number_cell(g, finished_number(&r->run, "epochs_run"));
    grid_cell(g, finished_text(&r->run, "stopped_by"));
    number_cell(g, finished_number(&r->run, "seconds.train"));
    grid_cell(g, finished_text(&r->run, "model_digest"));
    if (!c->baseline)
        return;
    for (size_t i = 0; i < COMPARISON_FIGURES; i++)
        number_cell(g, r->is_baseline ? (double)NAN : r->figure[i] - c->baseline->figure[i]);
    number_cell(g, r->tested ? (double)r->b : (double)NAN);
    number_cell(g, r->tested ? (double)r->c : (double)NAN);
    number_cell(g, r->tested ? r->p : (double)NAN);
    grid_cell(g, verdict(r));
}

void compare_csv(const struct comparison *c, struct text *out) {
    struct grid grid = {0};
    csv_headings(c, &grid);
    for (size_t i = 0; i < c->count; i++)
        csv_row(c, i, &grid);
    grid_csv(&grid, out);
    grid_release(&grid);
}
