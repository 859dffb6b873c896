#include "config/expect.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/names.h"
#include "config/reader.h"

static const char *const op_names[EXPECT_OPS] = {
    [EXPECT_AT_LEAST] = ">=", [EXPECT_AT_MOST] = "<=", [EXPECT_ABOVE] = ">",
    [EXPECT_BELOW] = "<",     [EXPECT_EQUAL] = "==",   [EXPECT_UNEQUAL] = "!="};

const char *expect_op_name(size_t i) {
    return i < EXPECT_OPS ? op_names[i] : NULL;
}

bool expect_op_orders(int op) {
    return op != EXPECT_EQUAL && op != EXPECT_UNEQUAL;
}

static void release(struct expectation *e) {
    mem_free(e->metric);
    mem_free(e->bound);
}

void expect_release(struct expect_spec *spec) {
    for (size_t i = 0; i < spec->count; i++)
        release(&spec->list[i]);
    mem_free(spec->list);
    *spec = (struct expect_spec){0};
}

static const char path_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

bool expect_path_fits(const char *text) {
    size_t len = strlen(text);
    return len > 0 && strspn(text, path_characters) == len && text[0] != '.' && text[len - 1] != '.' &&
           strstr(text, "..") == NULL;
}

bool expect_add(struct expect_spec *spec, const struct expectation *e, struct err *err) {
    struct expectation copy = *e;
    copy.metric = mem_string(e->metric, err);
    copy.bound = copy.metric != NULL ? mem_string(e->bound, err) : NULL;
    struct expectation *list =
        copy.bound != NULL ? mem_alloc(spec->count + 1, sizeof *list, "the expectations", err) : NULL;
    if (list == NULL) {
        release(&copy);
        return false;
    }
    if (spec->count > 0)
        memcpy(list, spec->list, spec->count * sizeof *list);
    list[spec->count++] = copy;
    mem_free(spec->list);
    spec->list = list;
    return true;
}

void expect_text(const struct expectation *e, struct text *out) {
    text_addf(out, "%s %s %s", e->metric, op_names[e->op], e->bound);
}

/* ---- from the command line ---- */

static const char op_characters[] = "<>=!";
static const char blanks[] = " \t";

/* What was probably meant by an operator that is none. */
static const char *meant_op(const char *op) {
    static const char *const slips[][2] = {{"=", "=="}, {"=>", ">="},  {"=<", "<="}, {"<>", "!="},
                                           {"!", "!="}, {"===", "=="}, {"!==", "!="}};
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++)
        if (strcmp(slips[i][0], op) == 0)
            return slips[i][1];
    return NULL;
}

static bool find_op(const char *at, size_t len, int *op, struct err *err) {
    char name[4];
    size_t kept = len < sizeof name ? len : sizeof name - 1;
    memcpy(name, at, kept);
    name[kept] = '\0';
    *op = len < sizeof name ? names_find(expect_op_name, name) : -1;
    const char *meant = len < sizeof name ? meant_op(name) : NULL;
    return *op >= 0 || err_set(err, ERR_USAGE, "the operator must be >=, <=, >, <, == or !=%s%s%s",
                               meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "");
}

static bool refuse_bound(const char *bound, int op, struct err *err) {
    struct text quoted = {0};
    size_t len = strlen(bound);
    fault_quote(&quoted, bound);
    if (text_ok(&quoted, err))
        err_set(err, ERR_USAGE, "the bound of %s must be a number as in JSON, got %s%s", op_names[op],
                quoted.s, len > 0 && bound[len - 1] == '%' ? ": shares are from 0 to 1, 97 % is 0.97" : "");
    text_release(&quoted);
    return false;
}

/* A bare word must be one that every output can show. */
static bool refuse_word(const char *bound, struct err *err) {
    struct text quoted = {0};
    fault_quote(&quoted, bound);
    if (text_ok(&quoted, err))
        err_set(err, ERR_USAGE,
                bound[0] == '\0' ? "the bound is missing"
                                 : "the bound must be a number or a string as in JSON, or a word, got %s",
                quoted.s);
    text_release(&quoted);
    return false;
}

static bool is_word(const char *s) {
    size_t len = strlen(s);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] >= 0x7F || strchr("\"{}[],", s[i]) != NULL)
            return false;
    return len > 0;
}

/* Fills number and, where quotes are to go, the text in their place. */
static bool read_bound(char *bound, struct expectation *e, struct json **doc, struct err *err) {
    struct err syntax = {0};
    e->bound = bound;
    e->number = (double)NAN;
    *doc = json_parse(bound, strlen(bound), (struct json_options){0}, ERR_USAGE, &syntax);
    const cJSON *item = *doc != NULL ? json_root(*doc) : NULL;
    if (item == NULL && syntax.kind == ERR_SYSTEM) {
        *err = syntax;
        return false;
    }
    if (cJSON_IsNumber(item)) {
        e->number = item->valuedouble;
        return true;
    }
    if (bound[0] != '\0' && expect_op_orders(e->op))
        return refuse_bound(bound, e->op, err);
    if (cJSON_IsString(item))
        e->bound = item->valuestring;
    else if (!is_word(bound) || cJSON_IsNull(item))
        return refuse_word(bound, err);
    return true;
}

/* Cuts blanks at the end; s itself where it begins behind those at its start. */
static char *trim(char *s) {
    s += strspn(s, blanks);
    size_t len = strlen(s);
    while (len > 0 && strchr(blanks, s[len - 1]) != NULL)
        s[--len] = '\0';
    return s;
}

static bool parse(char *text, struct expect_spec *spec, struct err *err) {
    struct expectation e = {.metric = trim(text)};
    struct json *doc = NULL;
    size_t name = strcspn(e.metric, op_characters), op = strspn(e.metric + name, op_characters);
    if (spec->count >= EXPECT_MAX)
        return err_set(err, ERR_USAGE, "there are more than %d expectations", EXPECT_MAX);
    if (op == 0 || !find_op(e.metric + name, op, &e.op, err))
        return op > 0 ? false
                      : err_set(err, ERR_USAGE, "must be 'METRIC OP NUMBER', e.g. 'test.accuracy >= 0.97'");
    char *bound = trim(e.metric + name + op);
    e.metric[name] = '\0';
    e.metric = trim(e.metric);
    if (!expect_path_fits(e.metric))
        return err_set(err, ERR_USAGE,
                       "must begin with the path of a figure of summary.json, e.g. 'test.accuracy >= 0.97'");
    bool ok = read_bound(bound, &e, &doc, err) && expect_add(spec, &e, err);
    json_free(doc);
    return ok;
}

bool expect_parse(const char *text, struct expect_spec *spec, struct err *err) {
    char *copy = mem_string(text, err);
    bool ok = copy != NULL && parse(copy, spec, err);
    mem_free(copy);
    return ok;
}
