#include "run/comparison.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "run/figures.h"

const char *const comparison_figure[COMPARISON_FIGURES] = {
    "test.accuracy", "test.r2", "test.loss", "validation.accuracy", "validation.r2", "validation.loss",
};

/* What a run is judged by unless tolerances are given: the first of these that the baseline has. */
static const char *const judged[] = {"test.accuracy", "test.loss", "validation.accuracy", "validation.loss"};

enum { JUDGED = sizeof judged / sizeof *judged };

/* ---- reading ---- */

static bool read_tolerances(const struct comparison_wish *wish, struct comparison *c, struct err *err) {
    if (wish->tolerances > 0 && !wish->baseline)
        return err_set(err, ERR_USAGE, "option --tolerance: goes with --baseline only");
    c->tolerance = mem_alloc(wish->tolerances, sizeof *c->tolerance, "the tolerances", err);
    while (c->tolerance && c->tolerances < wish->tolerances) {
        if (!tolerance_read(wish->tolerance[c->tolerances], &c->tolerance[c->tolerances], err))
            return false;
        c->tolerances++;
    }
    return c->tolerance != NULL;
}

static void take_figures(struct compared *r) {
    double samples = finished_number(&r->run, "test.samples");
    for (size_t i = 0; i < COMPARISON_FIGURES; i++)
        r->figure[i] = finished_number(&r->run, comparison_figure[i]);
    r->low = r->high = NAN;
    double accuracy = finished_number(&r->run, "test.accuracy");
    if (samples >= 1 && samples <= (double)UINT32_MAX && accuracy >= 0 && accuracy <= 1)
        figures_wilson((size_t)(accuracy * samples + .5), (size_t)samples, &r->low, &r->high);
}

static bool add_run(struct comparison *c, const char *path, bool alone, struct err *err) {
    struct compared *r = &c->run[c->count];
    *r = (struct compared){.ok = true};
    if (!finished_open(path, alone, &r->run, err))
        return false;
    c->count++;
    take_figures(r);
    return true;
}

/* The run that is the baseline, or `runs`: none is. */
static size_t find_baseline(const struct comparison_wish *wish) {
    size_t i = 0;
    while (i < wish->runs && strcmp(wish->run[i], wish->baseline) != 0 &&
           !file_same(wish->run[i], wish->baseline))
        i++;
    return i;
}

static bool read_runs(const struct comparison_wish *wish, struct comparison *c, struct err *err) {
    size_t at = wish->baseline ? find_baseline(wish) : 0;
    bool apart = wish->baseline && at == wish->runs;
    c->run = mem_alloc(wish->runs + 1, sizeof *c->run, "the runs", err);
    if (!c->run || (apart && !add_run(c, wish->baseline, true, err)))
        return false;
    for (size_t i = 0; i < wish->runs; i++)
        if (!add_run(c, wish->run[i], false, err))
            return false;
    if (wish->baseline) {
        struct compared *baseline = &c->run[apart ? 0 : at];
        baseline->is_baseline = true;
        c->baseline = baseline;
    }
    return true;
}

static bool make_columns(struct comparison *c, struct err *err) {
    struct json **config = mem_alloc(c->count, sizeof *config, "the configs", err);
    for (size_t i = 0; config && i < c->count; i++)
        config[i] = c->run[i].run.config;
    bool ok = config && config_table_make(config, c->count, &c->config, err);
    mem_free(config);
    return ok;
}

/* ---- McNemar's test ---- */

/* By the checksums of the files; weights do not count, as they change no answer. */
static bool same_files(const struct finished *a, const struct finished *b) {
    static const char *const ignored[] = {"weights", NULL};
    const cJSON *x = json_at(finished_summary(a), "data.test"),
                *y = json_at(finished_summary(b), "data.test");
    struct json_difference found;
    bool differ = !x || !y || json_differ(x, y, ignored, &found);
    if (x && y)
        json_difference_release(&found);
    return !differ;
}

/* Why the two cannot be tested row by row; NULL: they can. */
static const char *hindrance(const struct finished *baseline, const struct finished *run) {
    if (!same_files(baseline, run))
        return "other test set";
    if (isnan(finished_number(baseline, "test.accuracy")) || isnan(finished_number(run, "test.accuracy")))
        return "no test accuracy";
    if (!finished_config(baseline))
        return "the baseline is a summary alone";
    if (!baseline->answered || !run->answered)
        return "no predictions.idx";
    return answers_comparable(&baseline->answers, &run->answers) ? NULL : "other test labels";
}

static void test(const struct compared *baseline, struct compared *r) {
    r->not_tested = hindrance(&baseline->run, &r->run);
    r->tested = !r->not_tested;
    if (!r->tested)
        return;
    struct discordance d = answers_discordance(&baseline->run.answers, &r->run.answers);
    r->b = d.first;
    r->c = d.second;
    r->p = figures_mcnemar(d.first, d.second);
}

/* ---- judging ---- */

static bool require(const struct finished *run, const char *metric, struct err *err) {
    return !isnan(finished_number(run, metric)) ||
           err_set(err, ERR_DATA, "%s: there is no number at %s to compare", run->summary_path, metric);
}

/* A run that has diverged may lack the metric, and then is worse. */
static bool judge_metric(const struct compared *baseline, struct compared *r, struct check *check,
                         struct err *err) {
    bool higher = tolerance_higher_is_better(check->metric);
    check->baseline = finished_number(&baseline->run, check->metric);
    check->value = finished_number(&r->run, check->metric);
    if (isnan(check->value) && strcmp(finished_text(&r->run, "stopped_by"), "diverged") != 0)
        return require(&r->run, check->metric, err);
    if (check->by_test)
        check->ok = r->b <= r->c || r->p >= COMPARISON_LEVEL;
    else
        check->ok = !tolerance_exceeded(higher, check->tolerance, check->baseline, check->value);
    r->ok = r->ok && check->ok;
    return true;
}

/* Losses of two kinds are not of one measure. */
static bool same_loss(const struct finished *baseline, const struct finished *run, struct err *err) {
    const cJSON *a = finished_config(baseline), *b = finished_config(run);
    const char *x = a ? cJSON_GetStringValue(json_at(a, "loss.kind")) : NULL,
               *y = b ? cJSON_GetStringValue(json_at(b, "loss.kind")) : NULL;
    return !x || !y || strcmp(x, y) == 0 ||
           err_set(err, ERR_DATA, "%s: its losses are %s, those of the baseline %s: they cannot be compared",
                   run->path, y, x);
}

static bool default_check(const struct compared *baseline, const struct compared *r, struct check *check,
                          struct err *err) {
    size_t i = 0;
    while (i + 1 < JUDGED && isnan(finished_number(&baseline->run, judged[i])))
        i++;
    *check = (struct check){.metric = judged[i], .by_test = i == 0 && r->tested};
    return require(&baseline->run, judged[i], err) &&
           (strstr(judged[i], "accuracy") || same_loss(&baseline->run, &r->run, err));
}

static bool judge(struct comparison *c, struct compared *r, struct err *err) {
    r->check = mem_alloc(c->checks, sizeof *r->check, "the checks", err);
    if (!r->check)
        return false;
    if (c->tolerances == 0 && !default_check(c->baseline, r, &r->check[0], err))
        return false;
    for (size_t i = 0; i < c->tolerances; i++) {
        r->check[i] = (struct check){.metric = c->tolerance[i].metric, .tolerance = c->tolerance[i].most};
        if (!require(&c->baseline->run, r->check[i].metric, err))
            return false;
    }
    for (size_t i = 0; i < c->checks; i++)
        if (!judge_metric(c->baseline, r, &r->check[i], err))
            return false;
    c->ok = c->ok && r->ok;
    return true;
}

static bool hold_against_baseline(struct comparison *c, struct err *err) {
    c->checks = c->tolerances ? c->tolerances : 1;
    for (size_t i = 0; i < c->count; i++) {
        struct compared *r = &c->run[i];
        if (r->is_baseline)
            continue;
        test(c->baseline, r);
        if (!judge(c, r, err))
            return false;
    }
    return true;
}

bool comparison_make(const struct comparison_wish *wish, struct comparison *out, struct err *err) {
    *out = (struct comparison){.ok = true};
    return read_tolerances(wish, out, err) && read_runs(wish, out, err) && make_columns(out, err) &&
           (!out->baseline || hold_against_baseline(out, err));
}

void comparison_release(struct comparison *c) {
    for (size_t i = 0; i < c->count; i++) {
        mem_free(c->run[i].check);
        finished_release(&c->run[i].run);
    }
    mem_free(c->run);
    config_table_release(&c->config);
    for (size_t i = 0; i < c->tolerances; i++)
        tolerance_release(&c->tolerance[i]);
    mem_free(c->tolerance);
    *c = (struct comparison){0};
}
