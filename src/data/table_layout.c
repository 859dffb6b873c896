/* What the columns of a table are. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "data/columns.h"
#include "data/decimal.h"
#include "data/table_parts.h"

bool field_is_missing(struct csv_field *field) {
    static const char *const words[] = {"", "NA", "N/A", "NaN", "null", "?"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(csv_text(field), words[i]) == 0)
            return true;
    return false;
}

bool columns_by_name(const struct columns *columns) {
    for (size_t i = 0; i < columns->count; i++)
        if (columns->items[i].name)
            return true;
    return false;
}

size_t layout_find(const struct layout *layout, const struct column *column) {
    if (!column->name) {
        long at = column->number < 0 ? column->number + (long)layout->columns : column->number;
        return at >= 0 && (size_t)at < layout->columns ? (size_t)at : SIZE_MAX;
    }
    for (size_t i = 0; layout->name && i < layout->columns; i++)
        if (strcmp(layout->name[i], column->name) == 0)
            return i;
    return SIZE_MAX;
}

void layout_release(struct layout *layout) {
    strings_free(layout->name, layout->columns);
    mem_free(layout->role);
    mem_free(layout->place);
    *layout = (struct layout){0};
}

/* ---- the header ---- */

/* How many of the known features the first row has as texts. */
static bool has_known_names(const struct csv *csv, const struct data_spec *spec, bool *most,
                            struct err *err) {
    size_t found = 0;
    struct sorted_string *known = strings_sort(spec->feature_names, spec->feature_count, err);
    for (size_t i = 0; known && i < csv->fields; i++)
        found += strings_search(known, spec->feature_count, csv_text(&csv->field[i])) != SIZE_MAX;
    mem_free(known);
    *most = 2 * found > spec->feature_count;
    return known != NULL;
}

static bool is_listed(const struct columns *columns, size_t column, size_t count) {
    for (size_t i = 0; i < columns->count; i++) {
        long number = columns->items[i].number;
        if (!columns->items[i].name && (size_t)(number < 0 ? number + (long)count : number) == column)
            return true;
    }
    return false;
}

/* Whether the first row has a text where other rows must have numbers. */
static bool has_text(const struct csv *csv, const struct data_files *files) {
    float x;
    for (size_t i = 0; i < csv->fields; i++)
        if (!decimal_float(csv->field[i].s, csv->field[i].len, &x) && !field_is_missing(&csv->field[i]) &&
            !is_listed(&files->label, i, csv->fields) && !is_listed(&files->ignore, i, csv->fields))
            return true;
    return false;
}

static bool find_header(struct csv *csv, const struct table_wish *wish, struct err *err) {
    const struct data_files *files = wish->files;
    csv->header = files->header == HEADER_YES;
    if (files->header != HEADER_AUTO)
        return true;
    csv->header = wish->labelled && (columns_by_name(&files->label) || columns_by_name(&files->target));
    if (!csv->header && wish->spec->feature_names && !has_known_names(csv, wish->spec, &csv->header, err))
        return false;
    csv->header = csv->header || has_text(csv, files);
    return true;
}

/* Names that can be told apart, in UTF-8. */
static bool check_names(const struct csv *csv, char *const *name, size_t count, struct err *err) {
    char quoted[UTF8_QUOTE];
    for (size_t i = 0; i < count; i++)
        if (!utf8_valid(name[i], strlen(name[i])))
            return err_set(err, ERR_DATA, "%s: header, column %zu: expected UTF-8, found %s (line %zu)",
                           csv->path, i, utf8_quote(name[i], strlen(name[i]), quoted), csv->line);
    struct sorted_string *sorted = strings_sort(name, count, err);
    bool ok = sorted != NULL;
    for (size_t i = 1; ok && i < count; i++)
        if (strcmp(sorted[i - 1].s, sorted[i].s) == 0)
            ok = err_set(err, ERR_DATA,
                         "%s: header: expected different names, found %s for the columns %zu and %zu "
                         "(line %zu)",
                         csv->path, utf8_quote(sorted[i].s, strlen(sorted[i].s), quoted), sorted[i - 1].at,
                         sorted[i].at, csv->line);
    mem_free(sorted);
    return ok;
}

static bool take_names(const struct csv *csv, struct layout *layout, struct err *err) {
    char **field = mem_alloc(csv->fields, sizeof *field, "the header", err);
    if (!field)
        return false;
    for (size_t i = 0; i < csv->fields; i++)
        field[i] = csv_text(&csv->field[i]);
    layout->name = strings_copy(field, csv->fields, err);
    mem_free(field);
    return layout->name && check_names(csv, layout->name, csv->fields, err);
}

/* ---- roles ---- */

/* One of the three lists. */
struct list {
    const struct columns *columns;
    const char *key;
    enum role role;
    bool needed;
};

static const char *show_column(const struct column *column, char text[UTF8_QUOTE]) {
    if (column->name)
        return utf8_quote(column->name, strlen(column->name), text);
    snprintf(text, UTF8_QUOTE, "%ld", column->number);
    return text;
}

static bool refuse_column(const struct csv *csv, const struct table_wish *wish, const struct layout *layout,
                          const struct list *list, const struct column *column, struct err *err) {
    char shown[UTF8_QUOTE], names[STRINGS_TEXT] = "no header", near[UTF8_QUOTE + 32] = "", quoted[UTF8_QUOTE];
    const char *nearest = NULL;
    if (layout->name)
        strings_quote(layout->name, layout->columns, names);
    if (layout->name && column->name)
        nearest = strings_nearest(layout->name, layout->columns, column->name);
    if (nearest)
        snprintf(near, sizeof near, "; did you mean %s?", utf8_quote(nearest, strlen(nearest), quoted));
    show_column(column, shown);
    if (wish->inherited)
        return err_set(err, ERR_DATA, "%s: expected a column %s, as %s has it, found %zu columns: %s",
                       csv->path, shown, list->key, layout->columns, names);
    return err_set(err, ERR_CONFIG, "%s.%s: expected a column of %s, which has %zu: %s; got %s%s", wish->key,
                   list->key, csv->path, layout->columns, names, shown, near);
}

static bool take_column(const struct csv *csv, const struct table_wish *wish, const struct list *list,
                        size_t i, size_t at, struct layout *layout, struct err *err) {
    static const char *const roles[] = {"a feature", "the label", "a target", "ignored"};
    char shown[UTF8_QUOTE];
    if (layout->role[at] != ROLE_FEATURE)
        return err_set(err, ERR_CONFIG, "%s.%s: column %s of %s is %s already", wish->key, list->key,
                       show_column(&list->columns->items[i], shown), csv->path, roles[layout->role[at]]);
    layout->role[at] = (unsigned char)list->role;
    layout->place[at] = (uint32_t)i;
    return true;
}

/* Whether a column that is known by number must be a feature by its name. */
static bool is_known_feature(const struct table_wish *wish, const struct layout *layout, size_t at) {
    for (size_t i = 0; layout->name && wish->spec->feature_names && i < wish->spec->feature_count; i++)
        if (strcmp(wish->spec->feature_names[i], layout->name[at]) == 0)
            return true;
    return false;
}

/* How many of the list there are. */
static bool take_list(const struct csv *csv, const struct table_wish *wish, const struct list *list,
                      struct layout *layout, size_t *found, struct err *err) {
    *found = 0;
    for (size_t i = 0; i < list->columns->count; i++) {
        size_t at = layout_find(layout, &list->columns->items[i]);
        if (at != SIZE_MAX && !wish->labelled && is_known_feature(wish, layout, at))
            at = SIZE_MAX;
        if (at == SIZE_MAX && !list->needed)
            continue;
        if (at == SIZE_MAX)
            return refuse_column(csv, wish, layout, list, &list->columns->items[i], err);
        if (!take_column(csv, wish, list, i, at, layout, err))
            return false;
        ++*found;
    }
    return true;
}

/* Without all of its targets a table has none. */
static void drop_targets(struct layout *layout) {
    for (size_t i = 0; i < layout->columns; i++)
        if (layout->role[i] == ROLE_TARGET)
            layout->role[i] = ROLE_IGNORED;
    layout->targets = 0;
}

static bool take_roles(const struct csv *csv, const struct table_wish *wish, struct layout *layout,
                       struct err *err) {
    const struct data_files *files = wish->files;
    const struct list lists[] = {
        {&files->label, "label", ROLE_LABEL, wish->labelled},
        {&files->target, "target", ROLE_TARGET, wish->labelled},
        {&files->ignore, "ignore", ROLE_IGNORED, wish->labelled && !wish->inherited_ignore},
    };
    size_t found[3] = {0};
    bool bare = !layout->name && !wish->labelled && layout->columns == wish->spec->feature_count;
    for (size_t i = 0; !bare && i < 3; i++)
        if (!take_list(csv, wish, &lists[i], layout, &found[i], err))
            return false;
    layout->labels = found[0] > 0;
    layout->targets = found[1];
    if (found[1] < files->target.count)
        drop_targets(layout);
    for (size_t i = 0; i < layout->columns; i++)
        layout->features += layout->role[i] == ROLE_FEATURE;
    return layout->features > 0 ||
           err_set(err, ERR_DATA, "%s: expected at least one column that is a feature, found none among %zu",
                   csv->path, layout->columns);
}

bool layout_make(struct csv *csv, const struct table_wish *wish, struct layout *out, struct err *err) {
    struct layout layout = {.columns = csv->fields};
    layout.role = mem_alloc(csv->fields, sizeof *layout.role, "the columns of a table", err);
    if (layout.role)
        layout.place = mem_alloc(csv->fields, sizeof *layout.place, "the columns of a table", err);
    bool ok = layout.place && find_header(csv, wish, err) &&
              (!csv->header || take_names(csv, &layout, err)) && take_roles(csv, wish, &layout, err);
    if (ok) {
        *out = layout;
        csv->name = layout.name;
        csv->names = layout.name ? layout.columns : 0;
    } else {
        layout_release(&layout);
    }
    return ok;
}
