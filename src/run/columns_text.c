#include "run/columns_text.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "data/columns.h"

/* ---- writing ---- */

static void print_columns(struct json_writer *w, const char *key, const struct columns *columns) {
    if (columns->count == 0)
        return;
    json_key(w, key);
    json_begin_flat_array(w);
    for (size_t i = 0; i < columns->count; i++)
        if (columns->items[i].name)
            json_string(w, columns->items[i].name);
        else
            json_number(w, (double)columns->items[i].number);
    json_end_array(w);
}

static void print_features(struct json_writer *w, const struct data_spec *spec) {
    if (!spec->feature_names)
        return;
    json_key(w, "features");
    json_begin_flat_array(w);
    for (size_t i = 0; i < spec->feature_count; i++)
        json_string(w, spec->feature_names[i]);
    json_end_array(w);
}

static void put_bool(struct json_writer *w, const char *key, bool value) {
    json_key(w, key);
    json_bool(w, value);
}

bool columns_print(const struct data_spec *spec, struct text *out, struct err *err) {
    const struct data_files *train = &spec->train;
    struct json_writer w = {.out = out};
    if (train->label.count + train->target.count == 0)
        return true;
    json_begin_object(&w);
    print_features(&w, spec);
    print_columns(&w, "label", &train->label);
    print_columns(&w, "target", &train->target);
    print_columns(&w, "ignore", &train->ignore);
    if (train->delimiter)
        json_put_string(&w, "delimiter", (const char[]){(char)train->delimiter, '\0'});
    if (train->header != HEADER_AUTO)
        put_bool(&w, "header", train->header == HEADER_YES);
    put_bool(&w, "numbers", spec->labels_are_numbers);
    json_end_object(&w);
    return text_ok(out, err);
}

/* ---- reading ---- */

static bool parse_columns(const cJSON *list, struct columns *out, struct err *err) {
    size_t count = cJSON_IsArray(list) ? (size_t)cJSON_GetArraySize(list) : 0;
    if (count == 0)
        return err_set(err, ERR_DATA, "\"%s\" must be a list of columns", list->string);
    out->items = mem_alloc(count, sizeof *out->items, "the columns of a table", err);
    if (!out->items)
        return false;
    for (const cJSON *item = list->child; item; item = item->next) {
        double number = cJSON_IsNumber(item) ? item->valuedouble : 0;
        if ((!cJSON_IsString(item) && !cJSON_IsNumber(item)) || !(fabs(number) < 1e9))
            return err_set(err, ERR_DATA, "\"%s\" must hold names or numbers of columns", list->string);
        struct column *column = &out->items[out->count];
        column->number = (long)number;
        if (cJSON_IsString(item) && !(column->name = mem_string(item->valuestring, err)))
            return false;
        out->count++;
    }
    return true;
}

static bool parse_features(const cJSON *list, struct data_spec *spec, struct err *err) {
    size_t count = cJSON_IsArray(list) ? (size_t)cJSON_GetArraySize(list) : 0, i = 0;
    if (count != spec->feature_count)
        return err_set(err, ERR_DATA, "\"features\" must be a list of %zu names, found %zu",
                       spec->feature_count, count);
    char **name = mem_alloc(count, sizeof *name, "the names of features", err);
    for (const cJSON *item = list->child; name && item; item = item->next)
        if (!(name[i++] = item->valuestring)) {
            mem_free(name);
            return err_set(err, ERR_DATA, "\"features\" must hold names, entry %zu is none", i - 1);
        }
    if (name)
        spec->feature_names = strings_copy(name, count, err);
    mem_free(name);
    return spec->feature_names != NULL;
}

static bool parse_delimiter(const cJSON *item, struct data_spec *spec, struct err *err) {
    const char *s = cJSON_IsString(item) ? item->valuestring : "";
    if (strlen(s) != 1 || !data_may_delimit(*s))
        return err_set(err, ERR_DATA, "\"delimiter\" must be one character");
    spec->train.delimiter = *s;
    return true;
}

static bool parse_bool(const cJSON *item, bool *value, struct err *err) {
    *value = cJSON_IsTrue(item);
    return cJSON_IsBool(item) || err_set(err, ERR_DATA, "\"%s\" must be true or false", item->string);
}

static bool parse_item(const cJSON *item, struct data_spec *spec, struct err *err) {
    struct data_files *train = &spec->train;
    bool header;
    if (strcmp(item->string, "features") == 0)
        return parse_features(item, spec, err);
    if (strcmp(item->string, "label") == 0)
        return parse_columns(item, &train->label, err);
    if (strcmp(item->string, "target") == 0)
        return parse_columns(item, &train->target, err);
    if (strcmp(item->string, "ignore") == 0)
        return parse_columns(item, &train->ignore, err);
    if (strcmp(item->string, "delimiter") == 0)
        return parse_delimiter(item, spec, err);
    if (strcmp(item->string, "numbers") == 0)
        return parse_bool(item, &spec->labels_are_numbers, err);
    if (strcmp(item->string, "header") != 0)
        return err_set(err, ERR_DATA, "unknown key \"%.40s\"", item->string);
    if (!parse_bool(item, &header, err))
        return false;
    train->header = header ? HEADER_YES : HEADER_NO;
    return true;
}

bool columns_parse(const char *json, struct data_spec *spec, struct err *err) {
    /* Names of many features are longer than a config may be; the file that held the text bounds them. */
    struct json_options options = {.max_bytes = strlen(json) + 1};
    struct json *doc = json_parse(json, strlen(json), options, ERR_DATA, err);
    if (!doc)
        return false;
    const cJSON *root = json_root(doc);
    bool ok = cJSON_IsObject(root) || err_set(err, ERR_DATA, "expected an object");
    for (const cJSON *item = ok ? root->child : NULL; ok && item; item = item->next)
        ok = parse_item(item, spec, err);
    json_free(doc);
    return ok;
}
