#include "run/tolerance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/names.h"
#include "base/text.h"

/* By the last part of the path. */
static const struct {
    const char *name;
    bool higher;
} directions[] = {
    {"accuracy", true},
    {"r2", true},
    {"precision", true},
    {"recall", true},
    {"f1", true},
    {"loss", false},
    {"weighted_loss", false},
    {"nll", false},
    {"brier", false},
    {"ece", false},
    {"error", false},
    {"samples_per_second", true},
    {"load", false},
    {"train", false},
    {"first_step", false},
    {"total", false},
    {"peak_rss_bytes", false},
};

enum { DIRECTIONS = sizeof directions / sizeof *directions };

static const char *direction_name(size_t i) {
    return i < DIRECTIONS ? directions[i].name : NULL;
}

static int direction_of(const char *metric) {
    const char *dot = strrchr(metric, '.');
    return names_find(direction_name, dot ? dot + 1 : metric);
}

bool tolerance_higher_is_better(const char *metric) {
    int row = direction_of(metric);
    return row >= 0 && directions[row].higher;
}

static bool refuse_metric(const char *metric, struct err *err) {
    struct text known = {0};
    for (size_t i = 0; i < DIRECTIONS; i++)
        text_addf(&known, "%s%s", i ? ", " : "", directions[i].name);
    if (text_ok(&known, err))
        err_set(err, ERR_USAGE,
                "option --tolerance: of \"%s\" it is not known whether more or less is better; it is of "
                "paths of summary.json that end in %s",
                metric, known.s);
    text_release(&known);
    return false;
}

/* In decimal, 0 or more. */
static bool read_number(const char *s, double *out) {
    char *end;
    *out = strtod(s, &end);
    return s[0] && s[strspn(s, "0123456789.eE+-")] == '\0' && *end == '\0' && *out >= 0 && isfinite(*out);
}

bool tolerance_read(const char *text, struct tolerance *out, struct err *err) {
    const char *equals = strrchr(text, '=');
    struct tolerance t = {0};
    if (!equals || equals == text || !read_number(equals + 1, &t.most))
        return err_set(err, ERR_USAGE,
                       "option --tolerance: must be METRIC=NUMBER with a number from 0 on, got \"%s\"", text);
    if (!(t.metric = mem_string(text, err)))
        return false;
    t.metric[equals - text] = '\0';
    int row = direction_of(t.metric);
    if (row < 0) {
        refuse_metric(t.metric, err);
        tolerance_release(&t);
        return false;
    }
    t.higher = directions[row].higher;
    *out = t;
    return true;
}

void tolerance_release(struct tolerance *t) {
    mem_free(t->metric);
    t->metric = NULL;
}

double tolerance_loss(bool higher, double baseline, double value) {
    return higher ? baseline - value : value - baseline;
}

bool tolerance_exceeded(bool higher, double most, double baseline, double value) {
    double slack = 1e-12 * fmax(fabs(baseline), fabs(value));
    return !(tolerance_loss(higher, baseline, value) <= most + slack);
}
