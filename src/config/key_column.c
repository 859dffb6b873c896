/* Keys that say how a table is read: its columns, by name or number, and its delimiter. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "config/reader.h"

enum { MOST_COLUMNS = 1 << 20 };

static void column_allowed(const struct key *key, struct text *out) {
    (void)key;
    text_add(out, "the name of a column or its number (from 0; -1 is the last)");
}

static void columns_allowed(const struct key *key, struct text *out) {
    column_allowed(key, out);
    text_add(out, ", or a list of these");
}

static bool is_column(const cJSON *item) {
    double number = cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
    return (cJSON_IsString(item) && item->valuestring[0] != '\0') ||
           (fabs(number) < MOST_COLUMNS && number == floor(number));
}

static bool read_column_at(const cJSON *item, struct columns *columns, struct err *err) {
    struct column *column = &columns->items[columns->count];
    *column = (struct column){0};
    if (cJSON_IsString(item) && (column->name = mem_string(item->valuestring, err)) == NULL)
        return false;
    if (!cJSON_IsString(item))
        column->number = (long)item->valuedouble;
    columns->count++;
    return true;
}

/* The item, or the items of the list, are columns. */
static bool read_items(struct reader *r, const cJSON *first, size_t count, struct columns *columns) {
    struct err err;
    columns->items = mem_alloc(count, sizeof *columns->items, "the columns of a table", &err);
    if (columns->items == NULL)
        return reader_fail(r, &err);
    for (const cJSON *item = first; columns->count < count; item = item->next)
        if (!read_column_at(item, columns, &err))
            return reader_fail(r, &err);
    return true;
}

static bool read_column(struct reader *r, const struct place *at, const struct key *key, void *field) {
    return is_column(at->item) ? read_items(r, at->item, 1, field) : fault_value(r, at, key);
}

static bool read_columns(struct reader *r, const struct place *at, const struct key *key, void *field) {
    size_t count = 0;
    if (!cJSON_IsArray(at->item))
        return read_column(r, at, key, field);
    for (const cJSON *item = at->item->child; item != NULL; item = item->next, count++)
        if (!is_column(item))
            return fault_value(r, at, key);
    if (count == 0)
        return fault_value(r, at, key);
    return read_items(r, at->item->child, count, field);
}

static bool columns_given(const struct key *key, const void *field) {
    (void)key;
    return ((const struct columns *)field)->count > 0;
}

static void print_item(const struct column *column, struct json_writer *w) {
    if (column->name != NULL)
        json_string(w, column->name);
    else
        json_number(w, (double)column->number);
}

static void print_columns(const struct key *key, const void *field, struct json_writer *w) {
    (void)key;
    const struct columns *columns = field;
    if (columns->count == 1) {
        print_item(columns->items, w);
        return;
    }
    json_begin_flat_array(w);
    for (size_t i = 0; i < columns->count; i++)
        print_item(&columns->items[i], w);
    json_end_array(w);
}

static void column_types(struct json_writer *w, bool list, bool null) {
    json_key(w, "type");
    json_begin_flat_array(w);
    json_string(w, "string");
    json_string(w, "integer");
    if (list)
        json_string(w, "array");
    if (null)
        json_string(w, "null");
    json_end_array(w);
}

static void column_schema(const struct key *key, struct json_writer *w) {
    column_types(w, false, key->flags & KEY_NULL);
}

static void columns_schema(const struct key *key, struct json_writer *w) {
    column_types(w, true, key->flags & KEY_NULL);
    json_key(w, "minItems");
    json_uint(w, 1);
    json_key(w, "items");
    json_begin_object(w);
    column_types(w, false, false);
    json_end_object(w);
}

static void release_columns(void *field) {
    struct columns *columns = field;
    for (size_t i = 0; i < columns->count; i++)
        mem_free(columns->items[i].name);
    mem_free(columns->items);
    *columns = (struct columns){0};
}

const struct key_type key_column = {.string = true,
                                    .allowed = column_allowed,
                                    .read = read_column,
                                    .given = columns_given,
                                    .print = print_columns,
                                    .schema = column_schema,
                                    .release = release_columns};

const struct key_type key_columns = {.string = true,
                                     .allowed = columns_allowed,
                                     .read = read_columns,
                                     .given = columns_given,
                                     .print = print_columns,
                                     .schema = columns_schema,
                                     .release = release_columns};

/* ---- the delimiter ---- */

static void delimiter_allowed(const struct key *key, struct text *out) {
    (void)key;
    text_add(out, "one character, such as \",\", \";\" or \"\\t\"");
}

static bool read_delimiter(struct reader *r, const struct place *at, const struct key *key, void *field) {
    const char *s = cJSON_IsString(at->item) ? at->item->valuestring : "";
    if (strlen(s) != 1 || !data_may_delimit(*s))
        return fault_value(r, at, key);
    *(int *)field = *s;
    return true;
}

static bool delimiter_given(const struct key *key, const void *field) {
    (void)key;
    return *(const int *)field != 0;
}

static void print_delimiter(const struct key *key, const void *field, struct json_writer *w) {
    (void)key;
    json_string(w, (const char[]){(char)*(const int *)field, '\0'});
}

static void delimiter_schema(const struct key *key, struct json_writer *w) {
    key_schema_type(key, w, "string");
    json_key(w, "minLength");
    json_uint(w, 1);
    json_key(w, "maxLength");
    json_uint(w, 1);
}

const struct key_type key_delimiter = {.string = true,
                                       .allowed = delimiter_allowed,
                                       .read = read_delimiter,
                                       .given = delimiter_given,
                                       .print = print_delimiter,
                                       .schema = delimiter_schema};
