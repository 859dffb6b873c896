/* The key `expect`: an object whose keys are paths of figures, each with its bounds. Paths may be written
 * with dots or as objects within objects, which is what --set makes of them. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "config/reader.h"

static const struct {
    const char *name;
    int op;
} bounds[] = {{"min", EXPECT_AT_LEAST}, {"max", EXPECT_AT_MOST}, {"equals", EXPECT_EQUAL}};

enum { BOUNDS = sizeof bounds / sizeof *bounds };

static const char *bound_name(size_t i) {
    return i < BOUNDS ? bounds[i].name : NULL;
}

static void expect_allowed(const struct key *key, struct text *out) {
    (void)key;
    text_add(out, "an object: paths of figures, each with min, max or equals");
}

/* ---- what stands inside, as rows of no table ---- */

static void bounds_allowed(const struct key *key, struct text *out) {
    (void)key;
    text_add(out, "an object with min, max or equals");
}

static void number_allowed(const struct key *key, struct text *out) {
    (void)key;
    text_add(out, "a number");
}

static void value_allowed(const struct key *key, struct text *out) {
    (void)key;
    text_add(out, "a number, a string, true or false");
}

static const struct key_type bounds_type = {.allowed = bounds_allowed};
static const struct key_type number_type = {.allowed = number_allowed};
static const struct key_type value_type = {.allowed = value_allowed};
static const struct key bounds_key = {.type = &bounds_type};
static const struct key number_key = {.type = &number_type};
static const struct key value_key = {.type = &value_type};

/* ---- reading ---- */

/* What stands at the place as number and text, for which e->bound has room for a number; false where it is
 * nothing that a figure can be. */
static bool read_value(struct reader *r, const struct place *at, struct expectation *e) {
    const cJSON *item = at->item;
    e->number = (double)NAN;
    if (cJSON_IsNumber(item)) {
        e->number = item->valuedouble;
        json_format_number(item->valuedouble, e->bound);
        return true;
    }
    if (e->op != EXPECT_EQUAL)
        return fault_value(r, at, &number_key);
    if (!cJSON_IsString(item) && !cJSON_IsBool(item))
        return fault_value(r, at, &value_key);
    if (cJSON_IsString(item))
        e->bound = item->valuestring;
    else
        strcpy(e->bound, cJSON_IsTrue(item) ? "true" : "false");
    return true;
}

static bool is_known(const struct expect_spec *spec, const struct expectation *e) {
    for (size_t i = 0; i < spec->count; i++)
        if (spec->list[i].op == e->op && strcmp(spec->list[i].metric, e->metric) == 0)
            return true;
    return false;
}

static bool add_bound(struct reader *r, const struct place *at, const char *metric, int op,
                      struct expect_spec *spec) {
    struct err err;
    char *copy = mem_string(metric, &err), number[32];
    struct expectation e = {.metric = copy, .op = op, .bound = number};
    bool ok = copy != NULL ? read_value(r, at, &e) : reader_fail(r, &err);
    if (ok && is_known(spec, &e))
        ok = fault_at(r, at, "is given twice");
    if (ok && spec->count >= EXPECT_MAX)
        ok = fault_at(r, at, "is one of more than %d expectations", EXPECT_MAX);
    ok = ok && (expect_add(spec, &e, &err) || reader_fail(r, &err));
    mem_free(copy);
    return ok;
}

static bool unknown_bound(struct reader *r, const struct place *at) {
    const char *nearest = names_nearest(bound_name, at->name);
    if (nearest != NULL)
        return fault_at(r, at, "unknown key; did you mean \"%s\"?", nearest);
    return fault_at(r, at, "unknown key; the keys here are min, max, equals");
}

static bool read_bounds(struct reader *r, const struct place *at, const char *metric,
                        struct expect_spec *spec) {
    bool ok = true;
    for (const cJSON *item = at->item->child; item != NULL; item = item->next) {
        struct place here = place_in(r, at, item->string, 0, item);
        int i = names_find(bound_name, item->string);
        ok = (i < 0 ? unknown_bound(r, &here) : add_bound(r, &here, metric, bounds[i].op, spec)) && ok;
    }
    return ok && (at->item->child != NULL ||
                  fault_at(r, at, "must not be empty; the keys here are min, max, equals"));
}

/* Whether the object holds bounds, and not further parts of a path. */
static bool has_bounds(const cJSON *object) {
    for (const cJSON *item = object->child; item != NULL; item = item->next)
        if (!cJSON_IsObject(item) || names_find(bound_name, item->string) >= 0)
            return true;
    return object->child == NULL;
}

/* The metrics in the object, whose path begins with what *path holds. */
static bool read_metrics(struct reader *r, const struct place *at, struct text *path,
                         struct expect_spec *spec) {
    size_t len = path->len;
    bool ok = true;
    for (const cJSON *item = at->item->child; item != NULL && !path->failed; item = item->next) {
        struct place here = place_in(r, at, item->string, 0, item);
        text_addf(path, "%s%s", len > 0 ? "." : "", item->string);
        const char *metric = reader_text(r, path);
        if (!expect_path_fits(item->string))
            ok = fault_at(r, &here, "must be the path of a figure of summary.json, such as test.accuracy");
        else if (!cJSON_IsObject(item))
            ok = fault_value(r, &here, &bounds_key);
        else
            ok = (has_bounds(item) ? read_bounds(r, &here, metric, spec)
                                   : read_metrics(r, &here, path, spec)) &&
                 ok;
        if (!path->failed)
            path->s[path->len = len] = '\0';
    }
    return ok;
}

static bool read_expect(struct reader *r, const struct place *at, const struct key *key, void *field) {
    struct text path = {0};
    if (!cJSON_IsObject(at->item))
        return fault_value(r, at, key);
    bool ok = read_metrics(r, at, &path, field);
    text_release(&path);
    return ok && !r->failed;
}

/* ---- printing ---- */

static bool expect_given(const struct key *key, const void *field) {
    (void)key;
    return ((const struct expect_spec *)field)->count > 0;
}

static const char *name_of_op(int op) {
    for (size_t i = 0; i < BOUNDS; i++)
        if (bounds[i].op == op)
            return bounds[i].name;
    return NULL;
}

static void print_bounds(const struct expect_spec *spec, size_t first, struct json_writer *w) {
    json_key(w, spec->list[first].metric);
    json_begin_object(w);
    for (size_t i = first; i < spec->count; i++) {
        const struct expectation *e = &spec->list[i];
        if (strcmp(e->metric, spec->list[first].metric) != 0)
            continue;
        json_key(w, name_of_op(e->op));
        if (isnan(e->number))
            json_string(w, e->bound);
        else
            json_number(w, e->number);
    }
    json_end_object(w);
}

static void print_expect(const struct key *key, const void *field, struct json_writer *w) {
    (void)key;
    const struct expect_spec *spec = field;
    json_begin_object(w);
    for (size_t i = 0; i < spec->count; i++) {
        bool first = true;
        for (size_t j = 0; j < i && first; j++)
            first = strcmp(spec->list[j].metric, spec->list[i].metric) != 0;
        if (first)
            print_bounds(spec, i, w);
    }
    json_end_object(w);
}

/* ---- schema ---- */

static void bound_schema(struct json_writer *w, const char *name, int op) {
    json_key(w, name);
    json_begin_object(w);
    json_key(w, "type");
    if (expect_op_orders(op))
        json_string(w, "number");
    else {
        json_begin_flat_array(w);
        json_string(w, "number");
        json_string(w, "string");
        json_string(w, "boolean");
        json_end_array(w);
    }
    json_end_object(w);
}

static void expect_schema(const struct key *key, struct json_writer *w) {
    key_schema_type(key, w, "object");
    json_key(w, "additionalProperties");
    json_begin_object(w);
    json_put_string(w, "type", "object");
    json_key(w, "properties");
    json_begin_object(w);
    for (size_t i = 0; i < BOUNDS; i++)
        bound_schema(w, bounds[i].name, bounds[i].op);
    json_end_object(w);
    json_put_uint(w, "minProperties", 1);
    json_put_bool(w, "additionalProperties", false);
    json_end_object(w);
}

static void release_expect(void *field) {
    expect_release(field);
}

const struct key_type key_expect = {.allowed = expect_allowed,
                                    .read = read_expect,
                                    .given = expect_given,
                                    .print = print_expect,
                                    .schema = expect_schema,
                                    .release = release_expect};
