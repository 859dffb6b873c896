/* From the labels of a table to numbers of classes. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "data/columns.h"
#include "data/decimal.h"
#include "data/labels.h"
#include "data/table.h"

/* The integer that the label is, written without a sign and zeros in front; -1: it is none, or too large for
 * a class. */
static long class_number(const char *label) {
    size_t len = strlen(label);
    if (len == 0 || len > 5 || strspn(label, "0123456789") != len || (len > 1 && label[0] == '0'))
        return -1;
    long number = strtol(label, NULL, 10);
    return number < LABELS_MAX_CLASSES ? number : -1;
}

/* Whether all labels are integers below `limit`. */
static bool are_numbers(const struct table *table, size_t limit) {
    for (size_t i = 0; i < table->label_count; i++) {
        long number = class_number(table->labels[i].text);
        if (number < 0 || (size_t)number >= limit)
            return false;
    }
    return true;
}

static bool refuse_label(const struct table_label *label, const struct table *table, const char *path,
                         struct err *err, const char *expected) {
    char quoted[UTF8_QUOTE], name[UTF8_QUOTE + 16] = "";
    const struct column *column = table->columns.label.items;
    if (column && column->name)
        snprintf(name, sizeof name, ", column %s", utf8_quote(column->name, strlen(column->name), quoted));
    else if (column)
        snprintf(name, sizeof name, ", column %ld", column->number);
    return err_set(err, ERR_DATA, "%s: row %zu%s: expected %s, found %s (line %zu)", path, label->row, name,
                   expected, utf8_quote(label->text, strlen(label->text), quoted), label->line);
}

/* A decimal to be predicted is no class. */
static bool check_decimals(const struct table *table, const char *path, struct err *err) {
    const struct table_label *decimal = NULL;
    for (size_t i = 0; i < table->label_count; i++) {
        const char *text = table->labels[i].text;
        float x;
        if (!decimal_float(text, strlen(text), &x))
            return true;
        decimal = decimal || x == truncf(x) ? decimal : &table->labels[i];
    }
    return !decimal || refuse_label(decimal, table, path, err,
                                    "a class (numbers to be predicted are \"target\", not \"label\")");
}

/* ---- names ---- */

/* Integers by value (all digits, so that the longer one is larger), then other names bytewise. */
static int by_value(const void *a, const void *b) {
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    bool number_x = class_number(x) >= 0, number_y = class_number(y) >= 0;
    size_t len_x = strlen(x), len_y = strlen(y);
    if (number_x != number_y)
        return number_x ? -1 : 1;
    if (number_x && len_x != len_y)
        return len_x < len_y ? -1 : 1;
    return strcmp(x, y);
}

static char **sort_names(const struct table *table, struct err *err) {
    char **text = mem_alloc(table->label_count, sizeof *text, "the class names", err), **sorted = NULL;
    for (size_t i = 0; text && i < table->label_count; i++)
        text[i] = table->labels[i].text;
    if (text)
        sorted = strings_copy(text, table->label_count, err);
    if (sorted)
        qsort(sorted, table->label_count, sizeof *sorted, by_value);
    mem_free(text);
    return sorted;
}

/* The config says how many classes there are, or the labels do. */
static bool check_count(const struct table *table, const char *path, const struct data_spec *spec,
                        struct err *err) {
    if (spec->class_count > 0 && spec->class_count != table->label_count)
        return err_set(err, ERR_DATA,
                       "%s: expected labels of %zu classes, as data.classes says, or integers below that, "
                       "found %zu different labels",
                       path, spec->class_count, table->label_count);
    return table->label_count > 1 ||
           refuse_label(&table->labels[0], table, path, err, "labels of at least two classes in the file");
}

/* The class of every label, SIZE_MAX for one that has none. NULL where memory is exhausted. */
static size_t *find_classes(const struct table *table, const struct data_spec *spec, struct err *err) {
    size_t *cls = mem_alloc(table->label_count, sizeof *cls, "the classes of labels", err);
    struct sorted_string *sorted = cls ? strings_sort(spec->class_names, spec->class_count, err) : NULL;
    for (size_t i = 0; sorted && i < table->label_count; i++)
        cls[i] = strings_search(sorted, spec->class_count, table->labels[i].text);
    if (!sorted) {
        mem_free(cls);
        cls = NULL;
    }
    mem_free(sorted);
    return cls;
}

/* Names that the config gives: labels are these, or else numbers. */
static bool try_names(const struct table *table, struct data_spec *spec, struct err *err) {
    size_t *cls = find_classes(table, spec, err);
    bool named = true;
    for (size_t i = 0; cls && i < table->label_count; i++)
        named = named && cls[i] != SIZE_MAX;
    spec->labels_are_numbers = !named && are_numbers(table, spec->class_count);
    mem_free(cls);
    return cls != NULL;
}

bool table_name_classes(const struct table *table, const char *path, bool regression, struct data_spec *spec,
                        struct err *err) {
    if (!table->label)
        return true;
    if (regression && !check_decimals(table, path, err))
        return false;
    if (spec->class_names)
        return try_names(table, spec, err);
    if (are_numbers(table, spec->class_count ? spec->class_count : table->label_count))
        return true;
    if (!check_count(table, path, spec, err) || !(spec->class_names = sort_names(table, err)))
        return false;
    spec->class_count = table->label_count;
    return true;
}

/* ---- numbers ---- */

static bool refuse_class(const struct table *table, size_t i, const char *path, const struct data_spec *spec,
                         bool by_name, struct err *err) {
    char expected[STRINGS_TEXT + 64], quoted[STRINGS_TEXT];
    size_t limit = spec->class_count ? spec->class_count : LABELS_MAX_CLASSES;
    if (by_name)
        snprintf(expected, sizeof expected, "a class: %s",
                 strings_quote(spec->class_names, spec->class_count, quoted));
    else
        snprintf(expected, sizeof expected, "a class from 0 to %zu", limit - 1);
    return refuse_label(&table->labels[i], table, path, err, expected);
}

static size_t *number_classes(const struct table *table, const struct data_spec *spec, struct err *err) {
    size_t limit = spec->class_count ? spec->class_count : LABELS_MAX_CLASSES;
    size_t *cls = mem_alloc(table->label_count, sizeof *cls, "the classes of labels", err);
    for (size_t i = 0; cls && i < table->label_count; i++) {
        long number = class_number(table->labels[i].text);
        cls[i] = number >= 0 && (size_t)number < limit ? (size_t)number : SIZE_MAX;
    }
    return cls;
}

bool table_classes(const struct table *table, const char *path, const struct data_spec *spec, struct idx *out,
                   struct err *err) {
    size_t rows = table->features.rows;
    bool by_name = spec->class_names && !spec->labels_are_numbers, ok = true;
    size_t *cls = by_name ? find_classes(table, spec, err) : number_classes(table, spec, err);
    int32_t *values = cls ? mem_alloc_aligned(rows, sizeof *values, "the labels of a table", err) : NULL;
    for (size_t i = 0; values && ok && i < table->label_count; i++)
        ok = cls[i] != SIZE_MAX || refuse_class(table, i, path, spec, by_name, err);
    ok = ok && values;
    for (size_t r = 0; ok && r < rows; r++)
        values[r] = (int32_t)cls[table->label[r]];
    mem_free(cls);
    if (ok)
        *out = (struct idx){
            .type = IDX_I32, .dims = 1, .dim = {rows}, .rows = rows, .width = 1, .values = values};
    else
        mem_free(values);
    return ok;
}
