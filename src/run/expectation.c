#include "run/expectation.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- a figure of a summary ---- */

static const cJSON *child_of(const cJSON *item, const char *part, size_t len) {
    if (cJSON_IsArray(item)) {
        bool number = len > 0 && len < 8 && strspn(part, "0123456789") >= len;
        return number ? cJSON_GetArrayItem(item, atoi(part)) : NULL;
    }
    for (const cJSON *child = item->child; child; child = child->next)
        if (strlen(child->string) == len && strncmp(child->string, part, len) == 0)
            return child;
    return NULL;
}

/* What json_number writes of numbers that JSON does not have. */
static bool is_special(const char *text, double *number) {
    static const struct {
        const char *text;
        double number;
    } special[] = {{"NaN", (double)NAN}, {"Infinity", (double)INFINITY}, {"-Infinity", -(double)INFINITY}};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (strcmp(text, special[i].text) == 0) {
            *number = special[i].number;
            return true;
        }
    return false;
}

struct figure figure_of_summary(const void *root, const char *path) {
    const cJSON *item = root;
    struct figure figure = {.kind = FIGURE_ABSENT};
    for (size_t len; item && *path; path += len + (path[len] == '.')) {
        len = strcspn(path, ".");
        item = child_of(item, path, len);
    }
    if (cJSON_IsNumber(item)) {
        figure = (struct figure){FIGURE_NUMBER, item->valuedouble, NULL};
    } else if (cJSON_IsBool(item)) {
        figure = (struct figure){FIGURE_TEXT, 0, cJSON_IsTrue(item) ? "true" : "false"};
    } else if (cJSON_IsString(item)) {
        figure = (struct figure){FIGURE_TEXT, 0, item->valuestring};
        if (is_special(item->valuestring, &figure.number))
            figure.kind = FIGURE_NUMBER;
    }
    return figure;
}

/* ---- the list ---- */

static void gather(const struct expect_spec *spec, bool option, struct expectations *out) {
    for (size_t i = 0; spec && i < spec->count; i++)
        out->list[out->count++] = (struct judgement){.expected = &spec->list[i], .option = option};
}

bool expectations_gather(const struct expect_spec *config, const struct expect_spec *options,
                         struct expectations *out, struct err *err) {
    size_t count = (config ? config->count : 0) + (options ? options->count : 0);
    *out = (struct expectations){0};
    if (count == 0)
        return true;
    out->list = mem_alloc(count, sizeof *out->list, "the expectations", err);
    if (!out->list)
        return false;
    gather(config, false, out);
    gather(options, true, out);
    return true;
}

void expectations_release(struct expectations *e) {
    for (size_t i = 0; i < e->count; i++)
        mem_free(e->list[i].value);
    mem_free(e->list);
    *e = (struct expectations){0};
}

/* Says whose fault it is. */
static bool blame(const struct judgement *j, struct err *err) {
    struct text text = {0};
    if (!j->option)
        return err_prefix(err, "expect");
    expect_text(j->expected, &text);
    if (err->kind != ERR_SYSTEM)
        err->kind = ERR_USAGE;
    err_prefix(err, "--expect '%s'", text.s ? text.s : "");
    text_release(&text);
    return false;
}

bool expectations_check(const struct expectations *e, const struct figure_scope *scope, struct err *err) {
    for (size_t i = 0; i < e->count; i++)
        if (!figure_path_check(e->list[i].expected, scope, err))
            return blame(&e->list[i], err);
    return true;
}

bool expectations_check_setup(const struct setup *setup, struct err *err) {
    const struct figure_scope scope = {.config = setup->config, .setup = setup};
    struct expectations of_config;
    bool ok = expectations_gather(&setup->config->expect, NULL, &of_config, err) &&
              expectations_check(&of_config, &scope, err);
    expectations_release(&of_config);
    return ok;
}

/* ---- judging ---- */

/* -1, 0 or 1; 2: not to be compared, as NaN is to nothing. */
static int compare(double a, double b) {
    return isnan(a) || isnan(b) ? 2 : (a > b) - (a < b);
}

static bool holds(const struct expectation *e, const struct figure *f) {
    static const bool meets[EXPECT_OPS][3] = {
        /* less, equal, greater */
        [EXPECT_AT_LEAST] = {false, true, true}, [EXPECT_AT_MOST] = {true, true, false},
        [EXPECT_ABOVE] = {false, false, true},   [EXPECT_BELOW] = {true, false, false},
        [EXPECT_EQUAL] = {false, true, false},   [EXPECT_UNEQUAL] = {true, false, true},
    };
    if (f->kind == FIGURE_ABSENT)
        return false;
    if (f->kind == FIGURE_TEXT)
        return !expect_op_orders(e->op) && (strcmp(f->text, e->bound) == 0) == (e->op == EXPECT_EQUAL);
    int order = compare(f->number, e->number);
    return order < 2 && meets[e->op][order + 1];
}

static bool judge(struct judgement *j, const struct figure *f, struct err *err) {
    char number[32];
    mem_free(j->value);
    j->value = mem_string(f->kind == FIGURE_NUMBER ? json_format_number(f->number, number)
                          : f->kind == FIGURE_TEXT ? f->text
                                                   : "absent",
                          err);
    j->kind = f->kind;
    j->number = f->number;
    j->holds = j->value && holds(j->expected, f);
    return j->value;
}

bool expectations_judge(struct expectations *e, figure_of *find, const void *source, struct err *err) {
    e->failed = 0;
    for (size_t i = 0; i < e->count; i++) {
        const struct figure figure = find(source, e->list[i].expected->metric);
        if (!judge(&e->list[i], &figure, err))
            return false;
        e->failed += !e->list[i].holds;
    }
    e->judged = true;
    return true;
}

/* ---- the summary ---- */

static void print_figure(struct json_writer *w, const char *key, const struct figure *f) {
    json_key(w, key);
    if (f->kind == FIGURE_NUMBER)
        json_number(w, f->number);
    else if (f->kind == FIGURE_TEXT)
        json_string(w, f->text);
    else
        json_null(w);
}

void expectations_print(struct json_writer *w, const struct expectations *e) {
    json_key(w, "expect");
    json_begin_array(w);
    for (size_t i = 0; i < e->count; i++) {
        const struct judgement *j = &e->list[i];
        const struct figure bound = {isnan(j->expected->number) ? FIGURE_TEXT : FIGURE_NUMBER,
                                     j->expected->number, j->expected->bound};
        json_begin_object(w);
        json_put_string(w, "metric", j->expected->metric);
        json_put_string(w, "op", expect_op_name((size_t)j->expected->op));
        print_figure(w, "bound", &bound);
        print_figure(w, "value", &(struct figure){j->kind, j->number, j->value});
        json_put_bool(w, "holds", j->holds);
        json_end_object(w);
    }
    json_end_array(w);
}

/* The text's object opened again at its end, where a member is to be added; one that was added before goes.
 */
static struct json_writer reopen(struct text *summary) {
    static const char end[] = "\n}\n", before[] = ",\n  \"expect\": [";
    size_t len = sizeof end - 1;
    char *judged = strstr(summary->s, before);
    if (judged) {
        summary->len = (size_t)(judged - summary->s) + len;
        memcpy(judged, end, len + 1);
    }
    assert(summary->len >= len && memcmp(summary->s + summary->len - len, end, len) == 0);
    summary->s[summary->len -= len] = '\0';
    return (struct json_writer){.out = summary, .indent = 2, .depth = 1, .need_comma = true};
}

bool expectations_judge_summary(struct expectations *e, struct text *summary, struct err *err) {
    if (e->count == 0)
        return true;
    struct json *doc = json_parse(summary->s, summary->len,
                                  (struct json_options){.max_bytes = summary->len + 1}, ERR_SYSTEM, err);
    bool ok = doc && expectations_judge(e, figure_of_summary, json_root(doc), err);
    json_free(doc);
    if (!ok)
        return false;
    struct json_writer w = reopen(summary);
    expectations_print(&w, e);
    json_end_object(&w);
    text_add(summary, "\n");
    return text_ok(summary, err);
}

void expectation_failure(const struct judgement *j, struct text *out) {
    text_addf(out, "%s is %s, expected %s %s", j->expected->metric, j->value,
              expect_op_name((size_t)j->expected->op), j->expected->bound);
}
