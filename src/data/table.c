#include "data/table.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "data/columns.h"
#include "data/decimal.h"
#include "data/table_parts.h"

/* ---- numbers row by row, whose count nobody knows before the end ---- */

enum { BLOCK_BYTES = 1 << 20 };

struct block {
    struct block *next;
    float values[];
};

struct rows {
    size_t width, rows, per_block;
    struct block *first, *last;
};

static void rows_init(struct rows *r, size_t width) {
    size_t fit = BLOCK_BYTES / (width * sizeof(float));
    *r = (struct rows){.width = width, .per_block = fit > 0 ? fit : 1};
}

static void rows_release(struct rows *r) {
    for (struct block *b = r->first, *next; b; b = next) {
        next = b->next;
        mem_free(b);
    }
    *r = (struct rows){0};
}

/* Where the next row goes; NULL where memory is exhausted. */
static float *rows_next(struct rows *r, struct err *err) {
    size_t at = r->rows % r->per_block;
    if (at == 0) {
        struct block *b =
            mem_alloc(1, sizeof *b + r->per_block * r->width * sizeof(float), "the rows of a table", err);
        if (!b)
            return NULL;
        *(r->last ? &r->last->next : &r->first) = b;
        r->last = b;
    }
    r->rows++;
    return r->last->values + at * r->width;
}

/* All rows as one array, each block freed behind its copy. */
static bool rows_join(struct rows *r, size_t dims, struct idx *out, struct err *err) {
    float *values = mem_alloc_aligned(r->rows, r->width * sizeof *values, "a table", err);
    if (!values)
        return false;
    for (size_t row = 0; r->first; row += r->per_block) {
        struct block *b = r->first;
        size_t n = r->rows - row < r->per_block ? r->rows - row : r->per_block;
        memcpy(values + row * r->width, b->values, n * r->width * sizeof *values);
        r->first = b->next;
        mem_free(b);
    }
    r->last = NULL;
    *out = (struct idx){
        .type = IDX_F32, .dims = dims, .dim = {r->rows, r->width}, .rows = r->rows, .width = r->width};
    out->values = values;
    return true;
}

/* ---- labels by number ---- */

/* Without a number of classes in the config there are no more (data/labels.h). */
enum { MOST_LABELS = 65536 };

struct labels {
    struct table_label *item;
    size_t count, room;
    uint32_t *slot; /* [slots] a label + 1 by its hash, 0: free */
    size_t slots;
};

static size_t hash(const char *s, size_t len) { /* FNV-1a */
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)s[i]) * 1099511628211u;
    return (size_t)(h ^ h >> 32);
}

static uint32_t *find_slot(const struct labels *l, const char *s, size_t len) {
    size_t i = hash(s, len) % l->slots;
    while (l->slot[i] && strcmp(l->item[l->slot[i] - 1].text, s) != 0)
        i = (i + 1) % l->slots;
    return &l->slot[i];
}

static bool labels_grow(struct labels *l, struct err *err) {
    struct labels more = {.count = l->count, .room = l->room ? 4 * l->room : 64};
    more.slots = 2 * more.room + 1;
    more.item = mem_alloc(more.room, sizeof *more.item, "the labels of a table", err);
    more.slot = more.item ? mem_alloc(more.slots, sizeof *more.slot, "the labels of a table", err) : NULL;
    if (!more.slot) {
        mem_free(more.item);
        return false;
    }
    for (size_t i = 0; i < l->count; i++) {
        more.item[i] = l->item[i];
        *find_slot(&more, l->item[i].text, strlen(l->item[i].text)) = (uint32_t)i + 1;
    }
    mem_free(l->item);
    mem_free(l->slot);
    *l = more;
    return true;
}

static void labels_release(struct labels *l) {
    for (size_t i = 0; i < l->count; i++)
        mem_free(l->item[i].text);
    mem_free(l->item);
    mem_free(l->slot);
    *l = (struct labels){0};
}

/* ---- a field ---- */

struct reading {
    const char *path;
    struct csv csv;
    struct layout layout;
    struct rows features, targets, label; /* label: a uint32_t a row, which a float has room for */
    struct labels labels;
};

static const char *show(const struct csv_field *field, char text[UTF8_QUOTE]) {
    return utf8_quote(field->s, field->len, text);
}

/* Why a field is no number for us. */
static bool refuse_number(const struct reading *r, size_t column, float x, struct err *err) {
    struct csv_field *field = &r->csv.field[column];
    char shown[UTF8_QUOTE];
    show(field, shown);
    if (isinf(x))
        return csv_refuse(&r->csv, column, err, "expected a number of at most 3.40282e+38, found %s", shown);
    return csv_refuse(&r->csv, column, err, "expected a number, found %s%s",
                      field_is_missing(field) ? "a missing value: " : "", shown);
}

static bool read_number(const struct reading *r, size_t column, float *x, struct err *err) {
    struct csv_field *field = &r->csv.field[column];
    if (field->is_integer) {
        *x = (float)field->integer;
        return true;
    }
    *x = 0;
    return (decimal_float(field->s, field->len, x) && !isinf(*x)) || refuse_number(r, column, *x, err);
}

static bool add_label(struct reading *r, size_t column, uint32_t *slot, struct err *err) {
    struct csv_field *field = &r->csv.field[column];
    struct labels *l = &r->labels;
    char shown[UTF8_QUOTE];
    if (!utf8_valid(field->s, field->len))
        return csv_refuse(&r->csv, column, err, "expected UTF-8, found %s", show(field, shown));
    if (l->count == MOST_LABELS)
        return csv_refuse(&r->csv, column, err,
                          "expected at most %d different labels, found more: numbers to be predicted are "
                          "\"target\", not \"label\"",
                          (int)MOST_LABELS);
    char *text = mem_string(field->s, err);
    if (!text)
        return false;
    l->item[l->count] = (struct table_label){text, r->csv.row, r->csv.line};
    *slot = (uint32_t)++l->count;
    return true;
}

/* A word in quotes is a word, whatever it says. */
static bool read_label(struct reading *r, size_t column, uint32_t *label, struct err *err) {
    struct csv_field *field = &r->csv.field[column];
    char shown[UTF8_QUOTE];
    if (field_is_missing(field) && (field->len == 0 || !field->quoted))
        return csv_refuse(&r->csv, column, err, "expected a label, found a missing value: %s",
                          show(field, shown));
    if (r->labels.count == r->labels.room && !labels_grow(&r->labels, err))
        return false;
    uint32_t *slot = find_slot(&r->labels, csv_text(field), field->len);
    if (!*slot && !add_label(r, column, slot, err))
        return false;
    *label = *slot - 1;
    return true;
}

/* ---- a row ---- */

static bool check_width(const struct reading *r, struct err *err) {
    return r->csv.fields == r->layout.columns ||
           csv_refuse(&r->csv, SIZE_MAX, err, "expected %zu fields, as the %s has, found %zu",
                      r->layout.columns, r->csv.header ? "header" : "first row", r->csv.fields);
}

static bool read_row(struct reading *r, struct err *err) {
    const struct layout *layout = &r->layout;
    if (!check_width(r, err))
        return false;
    float *feature = rows_next(&r->features, err);
    float *target = layout->targets ? rows_next(&r->targets, err) : feature;
    float *label = layout->labels ? rows_next(&r->label, err) : feature;
    if (!feature || !target || !label)
        return false;
    for (size_t c = 0; c < layout->columns; c++) {
        bool ok = true;
        uint32_t number = 0;
        if (layout->role[c] == ROLE_FEATURE)
            ok = read_number(r, c, feature++, err);
        else if (layout->role[c] == ROLE_TARGET)
            ok = read_number(r, c, &target[layout->place[c]], err);
        else if (layout->role[c] == ROLE_LABEL && (ok = read_label(r, c, &number, err)))
            memcpy(label, &number, sizeof number);
        if (!ok)
            return false;
    }
    return true;
}

static bool read_rows(struct reading *r, struct err *err) {
    bool more = !r->csv.header, ok = true; /* the first row is taken */
    rows_init(&r->features, r->layout.features);
    rows_init(&r->targets, r->layout.targets ? r->layout.targets : 1);
    rows_init(&r->label, 1);
    if (r->csv.header)
        ok = csv_next(&r->csv, &more, err);
    while (ok && more) {
        if (r->features.rows == UINT32_MAX)
            return err_set(err, ERR_DATA, "%s: expected at most %lu rows, found more", r->path,
                           (unsigned long)UINT32_MAX);
        ok = read_row(r, err) && csv_next(&r->csv, &more, err);
    }
    return ok && (r->features.rows > 0 || err_set(err, ERR_DATA, "%s: expected rows, found %s", r->path,
                                                  r->csv.header ? "only a header" : "none"));
}

/* ---- a table ---- */

/* The names of the columns of a role, in their order; of the targets in that of the wish. */
static char **names_of(const struct layout *layout, enum role role, size_t count, struct err *err) {
    char **name = mem_alloc(count, sizeof *name, "the names of columns", err), **copy = NULL;
    size_t found = 0;
    for (size_t c = 0; name && c < layout->columns; c++)
        if (layout->role[c] == role)
            name[role == ROLE_TARGET ? layout->place[c] : found++] = layout->name[c];
    if (name)
        copy = strings_copy(name, count, err);
    mem_free(name);
    return copy;
}

/* The columns of a list as this file has them: by name where there is a header. */
static bool resolve(const struct columns *wished, const struct layout *layout, struct columns *out,
                    struct err *err) {
    if (!columns_copy(wished, out, err))
        return false;
    for (size_t i = 0; layout->name && i < out->count; i++) {
        size_t at = layout_find(layout, &out->items[i]);
        if (out->items[i].name || at == SIZE_MAX)
            continue;
        if (!(out->items[i].name = mem_string(layout->name[at], err)))
            return false;
        out->items[i].number = 0;
    }
    return true;
}

static bool take_table(struct reading *r, const struct table_wish *wish, struct table *out, struct err *err) {
    const struct layout *layout = &r->layout;
    struct idx labels = {0};
    bool ok = rows_join(&r->features, 2, &out->features, err);
    if (ok && layout->targets)
        ok = rows_join(&r->targets, layout->targets > 1 ? 2 : 1, &out->targets, err);
    if (ok && layout->labels)
        ok = rows_join(&r->label, 1, &labels, err);
    out->label = labels.values;
    out->labels = r->labels.item;
    out->label_count = r->labels.count;
    r->labels.item = NULL;
    r->labels.count = 0;
    csv_digest(&r->csv, out->features.sha256);
    if (ok && layout->name)
        ok = (out->feature = names_of(layout, ROLE_FEATURE, layout->features, err)) != NULL;
    return ok && resolve(&wish->files->label, layout, &out->columns.label, err) &&
           resolve(&wish->files->target, layout, &out->columns.target, err) &&
           resolve(&wish->files->ignore, layout, &out->columns.ignore, err);
}

void table_release(struct table *table) {
    strings_free(table->feature, table->features.width);
    idx_release(&table->features);
    idx_release(&table->targets);
    mem_free(table->label);
    for (size_t i = 0; i < table->label_count; i++)
        mem_free(table->labels[i].text);
    mem_free(table->labels);
    columns_release(&table->columns.label);
    columns_release(&table->columns.target);
    columns_release(&table->columns.ignore);
    *table = (struct table){0};
}

/* ---- the order of the features ---- */

/* The first of `a` that `b` lacks are named; *order, or NULL: where b has those of a. */
static bool have_all(char *const *a, size_t count_a, char *const *b, size_t count_b, const char *path,
                     const char *what, size_t *order, struct err *err) {
    struct sorted_string *sorted = strings_sort(b, count_b, err);
    char **lacking = sorted ? mem_alloc(count_a, sizeof *lacking, "the names of columns", err) : NULL;
    size_t count = 0;
    for (size_t i = 0; lacking && i < count_a; i++) {
        size_t at = strings_search(sorted, count_b, a[i]);
        if (at == SIZE_MAX)
            lacking[count++] = a[i];
        else if (order)
            order[i] = at;
    }
    bool ok = lacking != NULL;
    char quoted[STRINGS_TEXT];
    if (ok && count > 0)
        ok = err_set(err, ERR_DATA, "%s: %s: %s", path, what, strings_quote(lacking, count, quoted));
    mem_free(lacking);
    mem_free(sorted);
    return ok;
}

/* Checks names against those that are known; order [known], or NULL. */
static bool match(char *const *name, size_t count, const char *path, const struct data_spec *spec,
                  size_t *order, struct err *err) {
    return have_all(spec->feature_names, spec->feature_count, name, count, path,
                    "lacks columns that the model is trained on", order, err) &&
           have_all(name, count, spec->feature_names, spec->feature_count, path,
                    "has columns that the model is not trained on", NULL, err);
}

/* Before the rows are read: a column too many may hold texts. */
static bool match_header(const struct layout *layout, const char *path, const struct data_spec *spec,
                         struct err *err) {
    if (!layout->name || !spec->feature_names)
        return true;
    char **name = names_of(layout, ROLE_FEATURE, layout->features, err);
    bool ok = name && match(name, layout->features, path, spec, NULL, err);
    strings_free(name, layout->features);
    return ok;
}

/* Column i of every row becomes what column order[i] was. */
static bool permute(struct table *table, const size_t *order, struct err *err) {
    size_t width = table->features.width;
    float *values = table->features.values, *row = mem_alloc(width, sizeof *row, "a row", err);
    for (size_t r = 0; row && r < table->features.rows; r++, values += width) {
        for (size_t i = 0; i < width; i++)
            row[i] = values[order[i]];
        memcpy(values, row, width * sizeof *row);
    }
    mem_free(row);
    return row != NULL;
}

bool table_arrange(struct table *table, const char *path, const struct data_spec *spec, struct err *err) {
    size_t width = table->features.width;
    if (spec->feature_count == 0)
        return true;
    if (!table->feature || !spec->feature_names)
        return width == spec->feature_count ||
               err_set(err, ERR_DATA, "%s: expected %zu features, as the model is trained on, found %zu",
                       path, spec->feature_count, width);
    size_t *order = mem_alloc(spec->feature_count, sizeof *order, "the order of columns", err);
    bool ok = order && match(table->feature, width, path, spec, order, err), moved = false;
    for (size_t i = 0; ok && i < width; i++)
        moved = moved || order[i] != i;
    ok = ok && (!moved || permute(table, order, err));
    mem_free(order);
    return ok;
}

bool table_read(const char *path, const struct table_wish *wish, struct table *out, struct err *err) {
    struct reading r = {.path = path};
    struct table table = {0};
    bool more = false;
    if (!csv_open(&r.csv, path, (char)wish->files->delimiter, err))
        return false;
    bool ok = csv_next(&r.csv, &more, err) &&
              (more || err_set(err, ERR_DATA, "%s: expected rows, found none", path)) &&
              layout_make(&r.csv, wish, &r.layout, err) && match_header(&r.layout, path, wish->spec, err) &&
              read_rows(&r, err) && take_table(&r, wish, &table, err);
    rows_release(&r.features);
    rows_release(&r.targets);
    rows_release(&r.label);
    labels_release(&r.labels);
    layout_release(&r.layout);
    csv_close(&r.csv);
    if (ok)
        *out = table;
    else
        table_release(&table);
    return ok;
}
