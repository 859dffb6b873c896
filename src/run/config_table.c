#include "run/config_table.h"

#include <string.h>

#include "base/mem.h"

/* The walk through all configs at once. */
struct walk {
    struct json *const *config;
    struct config_table *table;
    struct err *err;
};

/* One member of a level, in every run. */
struct level {
    const char *path;
    const cJSON **item; /* [runs] NULL: nothing, or null */
};

static const cJSON *given(const cJSON *item) {
    return item && !cJSON_IsNull(item) ? item : NULL;
}

static const cJSON *member(const cJSON *object, const char *name) {
    return object ? given(cJSON_GetObjectItemCaseSensitive(object, name)) : NULL;
}

/* ---- whether runs differ ---- */

static bool items_differ(const struct json *doc_a, const cJSON *a, const struct json *doc_b, const cJSON *b) {
    if (!a || !b)
        return a != b;
    const char *number_a = json_number_text(doc_a, a), *number_b = json_number_text(doc_b, b);
    if (number_a && number_b) /* a seed has more digits than a double */
        return strcmp(number_a, number_b) != 0;
    struct json_difference found;
    bool differ = json_differ(a, b, NULL, &found);
    json_difference_release(&found);
    return differ;
}

static bool level_differs(const struct walk *w, const cJSON *const *item) {
    size_t first = 0;
    while (first < w->table->runs && !w->config[first])
        first++;
    for (size_t r = first + 1; r < w->table->runs; r++)
        if (w->config[r] && items_differ(w->config[first], item[first], w->config[r], item[r]))
            return true;
    return false;
}

/* ---- text ---- */

static void add_scalar(const struct json *doc, const cJSON *item, struct text *t) {
    const char *number = json_number_text(doc, item);
    if (!item)
        text_add(t, "null");
    else if (number)
        text_add(t, number);
    else if (cJSON_IsString(item))
        text_add(t, item->valuestring);
    else
        json_tree(&(struct json_writer){.out = t}, item);
}

/* Whether some two lists differ in that member of the elements that both have. */
static bool member_differs(const struct walk *w, const cJSON *const *list, const char *name) {
    for (size_t r = 0; r < w->table->runs; r++) {
        int i = 0;
        for (const cJSON *element = list[r] ? list[r]->child : NULL; element; element = element->next, i++) {
            size_t first = 0;
            while (!cJSON_GetArrayItem(list[first], i))
                first++;
            if (items_differ(w->config[r], member(element, name), w->config[first],
                             member(cJSON_GetArrayItem(list[first], i), name)))
                return true;
        }
    }
    return false;
}

static void add_element(const struct walk *w, const cJSON *const *list, const struct json *doc,
                        const cJSON *element, struct text *t) {
    if (!cJSON_IsObject(element)) {
        add_scalar(doc, element, t);
        return;
    }
    for (const cJSON *item = element->child; item; item = item->next) {
        bool first = item == element->child;
        if (!first && !member_differs(w, list, item->string))
            continue;
        if (!first)
            text_addf(t, " %s=", item->string);
        add_scalar(doc, item, t);
    }
}

static void add_item(const struct walk *w, const cJSON *const *all, size_t run, struct text *t) {
    const cJSON *item = all[run];
    if (!item)
        text_add(t, "");
    else if (!cJSON_IsArray(item))
        add_scalar(w->config[run], item, t);
    else if (!item->child)
        text_add(t, "[]");
    else
        for (const cJSON *element = item->child; element; element = element->next) {
            text_add(t, element == item->child ? "" : ", ");
            add_element(w, all, w->config[run], element, t);
        }
}

/* ---- columns ---- */

static void column_release(const struct config_table *table, struct config_column *column) {
    for (size_t r = 0; column->text && r < table->runs; r++)
        mem_free(column->text[r]);
    mem_free(column->text);
    mem_free(column->item);
    mem_free(column->path);
}

static bool fill_column(const struct walk *w, const struct level *level, struct config_column *column) {
    size_t runs = w->table->runs;
    column->path = mem_string(level->path, w->err);
    column->item = mem_alloc(runs, sizeof *column->item, "a column of the config", w->err);
    column->text = mem_alloc(runs, sizeof *column->text, "a column of the config", w->err);
    if (!column->path || !column->item || !column->text)
        return false;
    memcpy(column->item, level->item, runs * sizeof *column->item);
    for (size_t r = 0; r < runs; r++) {
        struct text text = {0};
        add_item(w, level->item, r, &text);
        bool ok = text_ok(&text, w->err) && (column->text[r] = mem_string(text.s ? text.s : "", w->err));
        text_release(&text);
        if (!ok)
            return false;
    }
    return true;
}

static bool add_column(struct walk *w, const struct level *level) {
    struct config_table *t = w->table;
    struct config_column column = {0};
    struct config_column *list = mem_alloc(t->columns + 1, sizeof *list, "the columns of the config", w->err);
    if (!list || !fill_column(w, level, &column)) {
        column_release(t, &column);
        mem_free(list);
        return false;
    }
    if (t->columns)
        memcpy(list, t->column, t->columns * sizeof *list);
    list[t->columns++] = column;
    mem_free(t->column);
    t->column = list;
    return true;
}

/* ---- the walk ---- */

static bool walk(struct walk *w, const struct level *level);

static bool walk_member(struct walk *w, const struct level *level, const char *name) {
    struct text path = {0};
    text_addf(&path, "%s%s%s", level->path, level->path[0] ? "." : "", name);
    struct level below = {path.s, mem_alloc(w->table->runs, sizeof *below.item, "a walk", w->err)};
    for (size_t r = 0; below.item && r < w->table->runs; r++)
        below.item[r] = member(level->item[r], name);
    bool ok = below.item && text_ok(&path, w->err) && walk(w, &below);
    mem_free(below.item);
    text_release(&path);
    return ok;
}

/* Whether the level consists of objects, one at least. */
static bool has_members(const struct walk *w, const struct level *level) {
    size_t objects = 0, others = 0;
    for (size_t r = 0; r < w->table->runs; r++) {
        objects += cJSON_IsObject(level->item[r]);
        others += level->item[r] && !cJSON_IsObject(level->item[r]);
    }
    return objects > 0 && others == 0;
}

static bool met_before(const struct level *level, size_t run, const char *name) {
    for (size_t r = 0; r < run; r++)
        if (level->item[r] && cJSON_GetObjectItemCaseSensitive(level->item[r], name))
            return true;
    return false;
}

static bool walk(struct walk *w, const struct level *level) {
    if (!has_members(w, level))
        return !level_differs(w, level->item) || add_column(w, level);
    for (size_t r = 0; r < w->table->runs; r++)
        for (const cJSON *item = level->item[r] ? level->item[r]->child : NULL; item; item = item->next) {
            bool label = level->path[0] == '\0' && strcmp(item->string, "name") == 0;
            if (!label && !met_before(level, r, item->string) && !walk_member(w, level, item->string))
                return false;
        }
    return true;
}

bool config_table_make(struct json *const *config, size_t runs, struct config_table *out, struct err *err) {
    struct config_table table = {.runs = runs};
    struct walk w = {.config = config, .table = &table, .err = err};
    struct level root = {"", mem_alloc(runs, sizeof *root.item, "a walk", err)};
    for (size_t r = 0; root.item && r < runs; r++)
        root.item[r] = config[r] ? json_root(config[r]) : NULL;
    bool ok = root.item && walk(&w, &root);
    mem_free(root.item);
    if (ok)
        *out = table;
    else
        config_table_release(&table);
    return ok;
}

void config_table_release(struct config_table *table) {
    for (size_t i = 0; i < table->columns; i++)
        column_release(table, &table->column[i]);
    mem_free(table->column);
    *table = (struct config_table){0};
}
