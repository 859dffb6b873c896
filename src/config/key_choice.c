/* Keys whose values are names out of a list: choices, and the names of the classes. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/reader.h"
#include "fit/spec.h"

static void choice_allowed(const struct key *key, struct text *out) {
    for (size_t i = 0; key->choices(i) != NULL; i++)
        text_addf(out, "%s\"%s\"",
                  i == 0                        ? ""
                  : key->choices(i + 1) != NULL ? ", "
                                                : " or ",
                  key->choices(i));
}

static bool read_choice(struct reader *r, const struct place *at, const struct key *key, void *field) {
    int i = cJSON_IsString(at->item) ? names_find(key->choices, at->item->valuestring) : -1;
    if (i < 0)
        return fault_value(r, at, key);
    *(int *)field = key_choice_kind(key, (size_t)i);
    return true;
}

static void reset_choice(const struct key *key, void *field) {
    *(int *)field = key->choice == NULL ? (int)key->fallback
                                        : key_choice_kind(key, (size_t)names_find(key->choices, key->choice));
}

static void print_choice(const struct key *key, const void *field, struct json_writer *w) {
    json_string(w, key_choice_name(key, *(const int *)field));
}

static void choice_schema(const struct key *key, struct json_writer *w) {
    json_key(w, "enum");
    json_begin_flat_array(w);
    for (size_t i = 0; key->choices(i) != NULL; i++)
        json_string(w, key->choices(i));
    json_end_array(w);
}

const struct key_type key_choice = {.string = true,
                                    .allowed = choice_allowed,
                                    .read = read_choice,
                                    .reset = reset_choice,
                                    .print = print_choice,
                                    .schema = choice_schema};

/* ---- classes: their number, or their names ---- */

static void classes_allowed(const struct key *key, struct text *out) {
    text_addf(out, "an integer from %.0f to %.0f or a list of as many distinct names", key->min, key->max);
}

struct class_name {
    const char *s;
    size_t index;
    const cJSON *item;
};

static int by_name(const void *a, const void *b) {
    const struct class_name *x = a, *y = b;
    int order = strcmp(x->s, y->s);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

/* Every element is a name and none stands twice. Sorted, because there may be 65536. */
static bool names_distinct(struct reader *r, const struct place *at, struct class_name *names, size_t count) {
    bool distinct = true;
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(names[i - 1].s, names[i].s) != 0)
            continue;
        struct place element = place_in(r, at, NULL, names[i].index, names[i].item);
        struct text quoted = {0};
        fault_quote(&quoted, names[i].s);
        distinct = fault_at(r, &element, "must be distinct, but %s is class %zu too", reader_text(r, &quoted),
                            names[i - 1].index);
        text_release(&quoted);
    }
    return distinct;
}

/* Fills names (borrowed from the tree) from the list at `at`. */
static bool list_names(struct reader *r, const struct place *at, struct class_name *names) {
    bool ok = true;
    size_t i = 0;
    for (const cJSON *item = at->item->child; item != NULL; item = item->next, i++) {
        struct place element = place_in(r, at, NULL, i, item);
        names[i] = (struct class_name){item->valuestring, i, item};
        if (!cJSON_IsString(item) || item->valuestring[0] == '\0')
            ok = fault_at(r, &element, "must be the name of a class: a string that is not empty");
    }
    return ok;
}

static void release_names(char **names, size_t count) {
    for (size_t i = 0; names != NULL && i < count; i++)
        mem_free(names[i]);
    mem_free(names);
}

/* Copies of the names in the order of the list, or NULL. */
static char **copy_names(const cJSON *list, size_t count, struct err *err) {
    char **names = mem_alloc(count, sizeof *names, "the class names", err);
    size_t i = 0;
    for (const cJSON *item = list->child; names != NULL && item != NULL; item = item->next, i++) {
        names[i] = mem_string(item->valuestring, err);
        if (names[i] == NULL) {
            release_names(names, count);
            return NULL;
        }
    }
    return names;
}

static bool read_names(struct reader *r, const struct place *at, struct data_spec *data, size_t count) {
    struct err err;
    struct class_name *sorted = mem_alloc(count, sizeof *sorted, "the class names", &err);
    if (sorted == NULL)
        return reader_fail(r, &err);
    bool ok = list_names(r, at, sorted) && names_distinct(r, at, sorted, count);
    mem_free(sorted);
    if (!ok)
        return false;
    data->class_names = copy_names(at->item, count, &err);
    if (data->class_names == NULL)
        return reader_fail(r, &err);
    data->class_count = count;
    return true;
}

static bool read_classes(struct reader *r, const struct place *at, const struct key *key, void *field) {
    struct data_spec *data = field;
    size_t count = 0;
    if (cJSON_IsArray(at->item))
        for (const cJSON *item = at->item->child; item != NULL; item = item->next)
            count++;
    double value = cJSON_IsNumber(at->item) ? at->item->valuedouble : (double)count;
    if (!(value >= key->min && value <= key->max) || value != (double)(size_t)value)
        return fault_value(r, at, key);
    if (cJSON_IsArray(at->item))
        return read_names(r, at, data, count);
    data->class_count = (size_t)value;
    return true;
}

static bool classes_given(const struct key *key, const void *field) {
    (void)key;
    return ((const struct data_spec *)field)->class_count > 0;
}

static void print_classes(const struct key *key, const void *field, struct json_writer *w) {
    (void)key;
    const struct data_spec *data = field;
    if (data->class_names == NULL) {
        json_uint(w, data->class_count);
        return;
    }
    json_begin_flat_array(w);
    for (size_t i = 0; i < data->class_count; i++)
        json_string(w, data->class_names[i]);
    json_end_array(w);
}

static void classes_schema(const struct key *key, struct json_writer *w) {
    json_key(w, "type");
    json_begin_flat_array(w);
    json_string(w, "integer");
    json_string(w, "array");
    json_string(w, "null");
    json_end_array(w);
    json_key(w, "minimum");
    json_number(w, key->min);
    json_key(w, "maximum");
    json_number(w, key->max);
    json_key(w, "minItems");
    json_number(w, key->min);
    json_key(w, "maxItems");
    json_number(w, key->max);
    json_key(w, "uniqueItems");
    json_bool(w, true);
    json_key(w, "items");
    json_begin_object(w);
    json_key(w, "type");
    json_string(w, "string");
    json_key(w, "minLength");
    json_uint(w, 1);
    json_end_object(w);
}

static void release_classes(void *field) {
    struct data_spec *data = field;
    release_names(data->class_names, data->class_count);
    data->class_names = NULL;
    data->class_count = 0;
}

const struct key_type key_classes = {.allowed = classes_allowed,
                                     .read = read_classes,
                                     .given = classes_given,
                                     .print = print_classes,
                                     .schema = classes_schema,
                                     .release = release_classes};

/* ---- weights of the classes: "balanced", or a number for each ---- */

static void class_weights_allowed(const struct key *key, struct text *out) {
    text_addf(out, "\"balanced\" or a list of at least 2 numbers from 0 to %.0f, not all 0", key->max);
}

/* Checks the list; *count is its length, 0 where it is none that may stand there. */
static bool count_weights(const struct key *key, const cJSON *list, size_t *count) {
    bool any = false;
    *count = 0;
    if (!cJSON_IsArray(list))
        return false;
    for (const cJSON *item = list->child; item != NULL; item = item->next, ++*count) {
        if (!cJSON_IsNumber(item) || !(item->valuedouble >= key->min && item->valuedouble <= key->max))
            return false;
        any = any || item->valuedouble > 0;
    }
    return any && *count >= 2;
}

static bool read_class_weights(struct reader *r, const struct place *at, const struct key *key, void *field) {
    struct loss_spec *loss = field;
    size_t count;
    if (cJSON_IsString(at->item) && strcmp(at->item->valuestring, "balanced") == 0) {
        loss->balanced = true;
        return true;
    }
    if (!count_weights(key, at->item, &count))
        return fault_value(r, at, key);
    struct err err;
    loss->class_weight = mem_alloc(count, sizeof *loss->class_weight, "the class weights", &err);
    if (loss->class_weight == NULL)
        return reader_fail(r, &err);
    for (const cJSON *item = at->item->child; item != NULL; item = item->next)
        loss->class_weight[loss->class_weights++] = item->valuedouble + 0.0;
    return true;
}

static bool class_weights_given(const struct key *key, const void *field) {
    (void)key;
    const struct loss_spec *loss = field;
    return loss->balanced || loss->class_weights > 0;
}

static void print_class_weights(const struct key *key, const void *field, struct json_writer *w) {
    (void)key;
    const struct loss_spec *loss = field;
    if (loss->balanced) {
        json_string(w, "balanced");
        return;
    }
    json_begin_flat_array(w);
    for (size_t i = 0; i < loss->class_weights; i++)
        json_number(w, loss->class_weight[i]);
    json_end_array(w);
}

static void class_weights_schema(const struct key *key, struct json_writer *w) {
    json_key(w, "anyOf");
    json_begin_array(w);
    json_begin_object(w);
    json_key(w, "enum");
    json_begin_flat_array(w);
    json_string(w, "balanced");
    json_null(w);
    json_end_array(w);
    json_end_object(w);
    json_begin_object(w);
    json_key(w, "type");
    json_string(w, "array");
    json_key(w, "minItems");
    json_uint(w, 2);
    json_key(w, "items");
    json_begin_object(w);
    json_key(w, "type");
    json_string(w, "number");
    json_key(w, "minimum");
    json_number(w, key->min);
    json_key(w, "maximum");
    json_number(w, key->max);
    json_end_object(w);
    json_end_object(w);
    json_end_array(w);
}

static void release_class_weights(void *field) {
    struct loss_spec *loss = field;
    mem_free(loss->class_weight);
    loss->class_weight = NULL;
    loss->class_weights = 0;
}

const struct key_type key_class_weights = {.string = true,
                                           .allowed = class_weights_allowed,
                                           .read = read_class_weights,
                                           .given = class_weights_given,
                                           .print = print_class_weights,
                                           .schema = class_weights_schema,
                                           .release = release_class_weights};
