#include "base/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"
#include "base/mem.h"

/* Set in the type of parsed items (cJSON looks at the low bits only), so that an item that was added later at
 * the address of a deleted one is not taken for it. */
enum { PARSED = 1 << 20 };

struct json {
    cJSON *root;
    char *copy;                 /* the text; every number's literal ends with a NUL */
    struct json_entry *entries; /* in the order of the items' addresses */
    size_t count;
};

static int compare_items(const void *a, const void *b) {
    uintptr_t x = (uintptr_t)((const struct json_entry *)a)->item;
    uintptr_t y = (uintptr_t)((const struct json_entry *)b)->item;
    return x < y ? -1 : x > y;
}

/* Gives the items, in the order of the text, to the entries; depth is bounded by JSON_MAX_DEPTH. */
static struct json_entry *join_items(cJSON *item, struct json_entry *entry) {
    assert((entry->number_len > 0) == (bool)cJSON_IsNumber(item));
    entry++->item = item;
    item->type |= PARSED;
    for (cJSON *child = item->child; child != NULL; child = child->next)
        entry = join_items(child, entry);
    return entry;
}

/* The literals come from the text as it was given, for the scan may have shortened them in the copy. Behind a
 * number there is always a byte that belongs to no other. */
static void end_literals(struct json *doc, const char *text) {
    for (size_t i = 0; i < doc->count; i++) {
        const struct json_entry *e = &doc->entries[i];
        if (e->number_len == 0)
            continue;
        memcpy(doc->copy + e->value, text + e->value, e->number_len);
        doc->copy[e->value + e->number_len] = '\0';
    }
}

static bool parse(struct json *doc, const char *text, size_t len, bool comments, enum err_kind kind,
                  struct err *err) {
    doc->copy = mem_alloc(len + 1, 1, "a JSON text", err);
    if (doc->copy == NULL)
        return false;
    if (len > 0)
        memcpy(doc->copy, text, len);
    struct json_scan scan = {.text = (const unsigned char *)text,
                             .len = len,
                             .comments = comments,
                             .kind = kind,
                             .err = err,
                             .copy = doc->copy};
    bool ok = json_scan(&scan);
    doc->entries = scan.entries;
    doc->count = scan.count;
    if (!ok)
        return false;
    doc->root = cJSON_ParseWithLengthOpts(doc->copy, len + 1, NULL, 1);
    if (doc->root == NULL) /* the text is sound, so nothing else can be wrong */
        return err_set(err, ERR_SYSTEM, "out of memory: cannot hold a JSON text of %zu bytes", len);
    struct json_entry *end = join_items(doc->root, doc->entries);
    assert(end == doc->entries + doc->count);
    (void)end;
    end_literals(doc, text);
    qsort(doc->entries, doc->count, sizeof *doc->entries, compare_items);
    return true;
}

struct json *json_parse(const char *text, size_t len, struct json_options options, enum err_kind kind,
                        struct err *err) {
    size_t max = options.max_bytes == 0 ? JSON_MAX_BYTES : options.max_bytes;
    if (max > UINT32_MAX - 1)
        max = UINT32_MAX - 1; /* what the entries can hold */
    if (len > max) {
        err_set(err, kind, "1:1: the text is %zu bytes long, at most %zu are allowed", len, max);
        return NULL;
    }
    struct json *doc = mem_alloc(1, sizeof *doc, "a JSON text", err);
    if (doc == NULL || parse(doc, text, len, options.comments, kind, err))
        return doc;
    json_free(doc);
    return NULL;
}

void json_free(struct json *doc) {
    if (doc == NULL)
        return;
    cJSON_Delete(doc->root);
    mem_free(doc->entries);
    mem_free(doc->copy);
    mem_free(doc);
}

cJSON *json_root(struct json *doc) {
    return doc->root;
}

static const struct json_entry *find(const struct json *doc, const cJSON *item) {
    struct json_entry wanted = {.item = item};
    if (item == NULL || (item->type & PARSED) == 0)
        return NULL;
    return bsearch(&wanted, doc->entries, doc->count, sizeof wanted, compare_items);
}

bool json_position(const struct json *doc, const cJSON *item, size_t *line, size_t *column) {
    const struct json_entry *entry = find(doc, item);
    if (entry == NULL)
        return false;
    *line = entry->line;
    *column = entry->column;
    return true;
}

const char *json_number_text(const struct json *doc, const cJSON *item) {
    const struct json_entry *entry = find(doc, item);
    return entry != NULL && entry->number_len > 0 ? doc->copy + entry->value : NULL;
}

bool json_uint64(const char *s, uint64_t *value) {
    uint64_t sum = 0;
    if (*s == '\0')
        return false;
    for (; *s != '\0'; s++) {
        if (*s < '0' || *s > '9')
            return false;
        if (__builtin_mul_overflow(sum, 10u, &sum) || __builtin_add_overflow(sum, (uint64_t)(*s - '0'), &sum))
            return false;
    }
    *value = sum;
    return true;
}
