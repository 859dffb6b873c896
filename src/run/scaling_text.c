#include "run/scaling_text.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/names.h"
#include "data/spec.h"

static bool has_statistics(int kind) {
    return kind == SCALE_STANDARDIZE || kind == SCALE_STANDARDIZE_FEATURES;
}

/* How many different numbers a list has in the file. */
static size_t list_length(int kind, size_t features) {
    return kind == SCALE_STANDARDIZE ? 1 : features;
}

static void print_list(struct json_writer *w, const char *key, const real *values, size_t count) {
    json_key(w, key);
    json_begin_flat_array(w);
    for (size_t i = 0; i < count; i++)
        if (REAL_IS_DOUBLE)
            json_number(w, (double)values[i]);
        else
            json_float(w, (float)values[i]);
    json_end_array(w);
}

bool scaling_print(const struct scaling *scaling, struct text *out, struct err *err) {
    struct json_writer w = {.out = out};
    json_begin_object(&w);
    json_key(&w, "kind");
    json_string(&w, data_scale_name((size_t)scaling->kind));
    if (has_statistics(scaling->kind)) {
        size_t count = list_length(scaling->kind, scaling->features);
        print_list(&w, "mean", scaling->mean, count);
        print_list(&w, "deviation", scaling->deviation, count);
    }
    json_end_object(&w);
    return text_ok(out, err);
}

/* The numbers under key as features reals, a list of one spread over all. Release with mem_free. */
static real *parse_list(const cJSON *root, const char *key, size_t length, size_t features, struct err *err) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, key);
    size_t found = cJSON_IsArray(list) ? (size_t)cJSON_GetArraySize(list) : 0;
    if (found != length) {
        err_set(err, ERR_DATA, "\"%s\" must be a list of %zu number%s, found %zu", key, length,
                length == 1 ? "" : "s", found);
        return NULL;
    }
    real *values = mem_alloc_aligned(features, sizeof(real), "the input scaling", err);
    if (!values)
        return NULL;
    const cJSON *item = list->child;
    for (size_t i = 0; i < length; i++, item = item->next) {
        values[i] = (real)item->valuedouble;
        if (!cJSON_IsNumber(item) || !isfinite(values[i])) {
            err_set(err, ERR_DATA, "\"%s\" must hold finite numbers, entry %zu is none", key, i);
            mem_free(values);
            return NULL;
        }
    }
    for (size_t i = length; i < features; i++)
        values[i] = values[0];
    return values;
}

static bool check_deviations(const struct scaling *scaling, struct err *err) {
    for (size_t i = 0; i < scaling->features; i++)
        if (!(scaling->deviation[i] > 0))
            return err_set(err, ERR_DATA, "\"deviation\" must hold positive numbers, entry %zu is %g", i,
                           (double)scaling->deviation[i]);
    return true;
}

/* Nothing else than what scaling_print writes: a mean that nobody subtracts is a file that nobody
 * understood. */
static bool check_keys(const cJSON *root, bool statistics, struct err *err) {
    for (const cJSON *item = root->child; item; item = item->next)
        if (strcmp(item->string, "kind") != 0 &&
            !(statistics && (strcmp(item->string, "mean") == 0 || strcmp(item->string, "deviation") == 0)))
            return err_set(err, ERR_DATA, "expected %s, found \"%.40s\"",
                           statistics ? "kind, mean and deviation" : "nothing but the kind", item->string);
    return true;
}

static bool parse_root(const cJSON *root, size_t features, struct scaling *out, struct err *err) {
    if (!cJSON_IsObject(root))
        return err_set(err, ERR_DATA, "expected an object with a \"kind\"");
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(root, "kind");
    const char *name = cJSON_IsString(kind) ? kind->valuestring : "none";
    struct scaling s = {.kind = cJSON_IsString(kind) ? names_find(data_scale_name, name) : -1,
                        .features = features};
    if (s.kind < 0)
        return err_set(err, ERR_DATA, "\"kind\" must be a known one, found %.40s", name);
    if (!check_keys(root, has_statistics(s.kind), err))
        return false;
    if (has_statistics(s.kind)) {
        size_t length = list_length(s.kind, features);
        if (!(s.mean = parse_list(root, "mean", length, features, err)) ||
            !(s.deviation = parse_list(root, "deviation", length, features, err)) ||
            !check_deviations(&s, err)) {
            scaling_release(&s);
            return false;
        }
    }
    *out = s;
    return true;
}

bool scaling_parse(const char *json, size_t features, struct scaling *out, struct err *err) {
    /* A list of features numbers is longer than a config may be; the file that held the text bounds it. */
    struct json_options options = {.max_bytes = strlen(json) + 1};
    struct json *doc = json_parse(json, strlen(json), options, ERR_DATA, err);
    if (!doc)
        return false;
    bool ok = parse_root(json_root(doc), features, out, err);
    json_free(doc);
    return ok;
}
