#include "run/figure_paths.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/names.h"
#include "base/sha256.h"
#include "run/figure_rows.h"
#include "run/loss_use.h"

/* ---- what needs are met by ---- */

static bool has_test(const struct figure_scope *s) {
    return s->config->data.test.images || s->config->data.test.file;
}

static bool has_validation(const struct figure_scope *s) {
    const struct data_spec *data = &s->config->data;
    return data->validation.images || data->validation.file || data->validation_fraction > 0;
}

static bool has_classes(const struct figure_scope *s) {
    return !s->setup || s->setup->data.classes;
}

static bool has_values(const struct figure_scope *s) {
    return !loss_predicts_probabilities(s->config->loss.kind) && (!s->setup || !s->setup->data.classes);
}

static bool has_probabilities(const struct figure_scope *s) {
    return loss_predicts_probabilities(s->config->loss.kind);
}

static bool has_stopping(const struct figure_scope *s) {
    return s->config->train.early_stopping.on;
}

static bool has_refit(const struct figure_scope *s) {
    return s->config->train.refit;
}

static bool has_diagnostics(const struct figure_scope *s) {
    return s->config->train.diagnostics;
}

static bool is_label(const struct figure_scope *s) {
    return s->config->shift.kind == SHIFT_LABEL;
}

static bool is_covariate(const struct figure_scope *s) {
    return s->config->shift.kind == SHIFT_COVARIATE;
}

static bool is_stream(const struct figure_scope *s) {
    return s->config->shift.kind == SHIFT_CONCEPT;
}

static bool has_target(const struct figure_scope *s) {
    return is_label(s) || is_covariate(s);
}

static bool has_shift(const struct figure_scope *s) {
    return has_target(s) || is_stream(s);
}

/* What rescales probabilities to a target calibrates them first. */
static bool has_temperature(const struct figure_scope *s) {
    return s->config->train.calibrate || is_label(s);
}

static const struct {
    unsigned need;
    bool (*met)(const struct figure_scope *scope);
    const char *what;
} needs[] = {
    {NEEDS_TEST, has_test, "data.test"},
    {NEEDS_VALIDATION, has_validation, "data.validation"},
    {NEEDS_CLASSES, has_classes, "labels that are classes"},
    {NEEDS_VALUES, has_values, "loss.kind \"mse\" and targets that are no classes"},
    {NEEDS_PROBABILITIES, has_probabilities, "a loss.kind that predicts probabilities"},
    {NEEDS_STOPPING, has_stopping, "train.early_stopping"},
    {NEEDS_REFIT, has_refit, "train.refit"},
    {NEEDS_DIAGNOSTICS, has_diagnostics, "train.diagnostics"},
    {NEEDS_TEMPERATURE, has_temperature, "train.calibrate"},
    {NEEDS_TARGET, has_target, "shift.kind \"label\" or \"covariate\""},
    {NEEDS_LABEL, is_label, "shift.kind \"label\""},
    {NEEDS_COVARIATE, is_covariate, "shift.kind \"covariate\""},
    {NEEDS_STREAM, is_stream, "shift.kind \"concept\""},
    {NEEDS_SHIFT, has_shift, "a shift.kind"},
};

/* ---- paths ---- */

/* Length of the part at path, and whether it is the number of an element. */
static size_t part_length(const char *path, bool *number) {
    size_t len = strcspn(path, "."), digits = strspn(path, "0123456789");
    *number = len > 0 && digits == len;
    return len;
}

/* The path with "#" for numbers of elements. */
static void add_general(const char *path, struct text *out) {
    for (const char *p = path;; p++) {
        bool number;
        size_t len = part_length(p, &number);
        text_add_bytes(out, number ? "#" : p, number ? 1 : len);
        p += len;
        if (*p == '\0')
            return;
        text_add(out, ".");
    }
}

static bool in_scope(const struct figure_row *row, bool evaluation) {
    return evaluation ? row->flags & EVAL : (row->flags & EVAL_ONLY) != EVAL_ONLY;
}

/* Of the rows in scope the path of the one of number i. */
static const char *name_in_scope(size_t i, bool evaluation) {
    for (size_t k = 0; figure_row(k); k++)
        if (in_scope(figure_row(k), evaluation) && i-- == 0)
            return figure_row(k)->path;
    return NULL;
}

static const char *run_name(size_t i) {
    return name_in_scope(i, false);
}

static const char *evaluation_name(size_t i) {
    return name_in_scope(i, true);
}

/* *found NULL: there is none. */
static bool find_row(const char *path, bool evaluation, const struct figure_row **found, struct err *err) {
    struct text general = {0};
    *found = NULL;
    add_general(path, &general);
    bool ok = text_ok(&general, err);
    for (size_t i = 0; ok && figure_row(i) && !*found; i++)
        if (in_scope(figure_row(i), evaluation) && strcmp(figure_row(i)->path, general.s) == 0)
            *found = figure_row(i);
    text_release(&general);
    return ok;
}

static bool ends_with(const char *s, const char *end) {
    size_t len = strlen(s), n = strlen(end);
    return len > n && strcmp(s + len - n, end) == 0 && s[len - n - 1] == '.';
}

static bool begins_with(const char *s, const char *start) {
    size_t n = strlen(start);
    return strncmp(s, start, n) == 0 && s[n] == '.';
}

/* The nearest by letters; else the first that ends with, else begins with, what is there. */
static const char *nearest_row(const char *general, name_of *name) {
    static bool (*const alike[])(const char *, const char *) = {begins_with, ends_with};
    for (size_t k = 0; k < sizeof alike / sizeof *alike; k++)
        for (size_t i = 0; name(i); i++)
            if (alike[k](name(i), general))
                return name(i);
    return names_nearest(name, general);
}

/* The row's path with the numbers of `path` in their order. */
static void add_special(const char *row, const char *path, struct text *out) {
    const char *p = path;
    for (; *row; row++) {
        if (*row != '#') {
            text_add_bytes(out, row, 1);
            continue;
        }
        bool number = false;
        size_t len = 0;
        for (; *p && !number; p += len + (p[len] == '.'))
            len = part_length(p, &number);
        if (number)
            text_add_bytes(out, p - len - (p[-1] == '.'), len);
        else
            text_add(out, "0");
    }
}

char *figure_path_nearest(const char *path, bool evaluation) {
    struct text general = {0}, special = {0};
    struct err ignored;
    add_general(path, &general);
    const char *row = general.failed ? NULL : nearest_row(general.s, evaluation ? evaluation_name : run_name);
    if (row)
        add_special(row, path, &special);
    char *nearest = special.s && !special.failed ? mem_string(special.s, &ignored) : NULL;
    text_release(&general);
    text_release(&special);
    return nearest;
}

/* ---- the check ---- */

static bool refuse_unknown(const char *path, const struct figure_scope *scope, struct err *err) {
    char *near = figure_path_nearest(path, scope->evaluation);
    err_set(err, ERR_CONFIG, "%s: %s no such figure%s%s%s", path,
            scope->evaluation ? "eval has" : "summary.json has", near ? "; did you mean \"" : "",
            near ? near : "", near ? "\"?" : "");
    mem_free(near);
    return false;
}

static bool check_needs(const struct expectation *e, const struct figure_row *row,
                        const struct figure_scope *scope, struct err *err) {
    unsigned flags = row->flags;
    bool is_matrix = strstr(row->path, "#.#");
    if (scope->seeds > 1 && flags & ONE_MODEL)
        return err_set(err, ERR_USAGE, "%s: does not go with --seeds %zu, which trains as many models",
                       e->metric, scope->seeds);
    if (scope->seeds > 0 && is_matrix)
        return err_set(err, ERR_USAGE, "%s: does not go with --seeds: only figures and lists have means",
                       e->metric);
    for (size_t i = 0; scope->config && i < sizeof needs / sizeof *needs; i++)
        if (flags & needs[i].need && !needs[i].met(scope))
            return err_set(err, ERR_CONFIG, "%s: needs %s", e->metric, needs[i].what);
    return true;
}

/* Elements of a list that are counted by the classes or the layers. */
static bool check_elements(const char *path, const struct figure_scope *scope, struct err *err) {
    const struct {
        const char *list, *what;
        size_t count;
    } lists[] = {
        {".per_class.", "classes", scope->setup ? scope->setup->data.outputs : 0},
        {".confusion.", "classes", scope->setup ? scope->setup->data.outputs : 0},
        {"layers.", "layers", scope->config ? scope->config->model.layer_count + 1 : 0},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const char *at = strstr(path, lists[i].list);
        for (at = at ? at + strlen(lists[i].list) : ""; lists[i].count > 0 && *at;) {
            bool number;
            size_t len = part_length(at, &number);
            if (number && (len > 7 || strtoul(at, NULL, 10) >= lists[i].count))
                return err_set(err, ERR_CONFIG, "%s: there are %zu %s, counted from 0", path, lists[i].count,
                               lists[i].what);
            at += len + (at[len] == '.');
        }
    }
    return true;
}

static bool check_digest(const struct expectation *e, struct err *err) {
    size_t len = strlen(e->bound);
    return (len == SHA256_HEX - 1 && strspn(e->bound, "0123456789abcdef") == len) ||
           err_set(err, ERR_CONFIG,
                   "%s: a digest has %d digits from 0 to f, in lower case, got %zu characters", e->metric,
                   SHA256_HEX - 1, len);
}

static bool check_bound(const struct expectation *e, unsigned flags, struct err *err) {
    if (flags & TEXT && expect_op_orders(e->op))
        return err_set(err, ERR_CONFIG, "%s: is text, which == and != compare, not %s", e->metric,
                       expect_op_name((size_t)e->op));
    if (!(flags & (TEXT | EITHER)) && isnan(e->number))
        return err_set(err, ERR_CONFIG, "%s: is a number and cannot be compared with \"%.64s\"", e->metric,
                       e->bound);
    if (flags & SHARE && e->number > 1)
        return err_set(err, ERR_CONFIG, "%s: is a share, from 0 to 1, got the bound %s", e->metric, e->bound);
    return !(flags & ONE_MODEL) || check_digest(e, err);
}

bool figure_path_check(const struct expectation *e, const struct figure_scope *scope, struct err *err) {
    const struct figure_row *row;
    if (!find_row(e->metric, scope->evaluation, &row, err))
        return false;
    if (!row)
        return refuse_unknown(e->metric, scope, err);
    return check_needs(e, row, scope, err) && check_elements(e->metric, scope, err) &&
           check_bound(e, row->flags, err);
}
