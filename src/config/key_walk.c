/* What can be said of keys without knowing which they are. */
#include <string.h>

#include "base/mem.h"
#include "config/keys.h"

static void *field_of(const struct key *key, void *spec) {
    return (char *)spec + key->offset;
}

static const void *const_field_of(const struct key *key, const void *spec) {
    return (const char *)spec + key->offset;
}

const struct key *key_find(const struct key *rows, const char *name) {
    for (const struct key *key = rows; key != NULL && key->name != NULL; key++)
        if (strcmp(key->name, name) == 0)
            return key;
    return NULL;
}

bool key_in_model(const struct key *key) {
    if (key->flags & KEY_MODEL)
        return true;
    if (key->type == &key_object)
        for (const struct key *row = key->rows; row->name != NULL; row++)
            if (key_in_model(row))
                return true;
    return false;
}

void key_reset(const struct key *rows, void *spec) {
    for (const struct key *key = rows; key->name != NULL; key++)
        if (key->type == &key_object)
            key_reset(key->rows, field_of(key, spec));
        else if (key->type->reset != NULL)
            key->type->reset(key, field_of(key, spec));
}

void key_complete(const struct key *key, void *spec) {
    for (const struct key *row = key->rows; row->name != NULL; row++)
        if (row->type == &key_object)
            key_complete(row, field_of(row, spec));
    if (key->complete != NULL)
        key->complete(spec);
}

/* Through memcpy, because the field is a pointer to a struct that this code does not know. */
void *key_list_items(const struct key *key, const void *spec) {
    void *items;
    memcpy(&items, const_field_of(key, spec), sizeof items);
    return items;
}

size_t key_list_count(const struct key *key, const void *spec) {
    size_t count;
    memcpy(&count, (const char *)spec + key->count_offset, sizeof count);
    return count;
}

void key_release(const struct key *rows, void *spec) {
    for (const struct key *key = rows; key->name != NULL; key++) {
        if (key->type == &key_object)
            key_release(key->rows, field_of(key, spec));
        else if (key->type->release != NULL)
            key->type->release(field_of(key, spec));
        if (key->type != &key_list)
            continue;
        char *items = key_list_items(key, spec);
        for (size_t i = 0; i < key_list_count(key, spec); i++)
            key_release(key->rows, items + i * key->bytes);
        mem_free(items);
        memset(field_of(key, spec), 0, sizeof(void *));
        memset((char *)spec + key->count_offset, 0, sizeof(size_t));
    }
}

bool key_given(const struct key *key, const void *spec) {
    const void *field = const_field_of(key, spec);
    if (key->flags & KEY_SWITCH) {
        bool on;
        memcpy(&on, field, sizeof on);
        return on;
    }
    if (key->type == &key_object && (key->flags & KEY_NULL)) {
        for (const struct key *row = key->rows; row->name != NULL; row++)
            if (key_given(row, field) && key_meant(key->rows, row, field))
                return true;
        return false;
    }
    return key->type->given == NULL || key->type->given(key, field);
}

bool key_meant(const struct key *rows, const struct key *key, const void *spec) {
    if (key->together != NULL && !key_given(key_find(rows, key->together), spec))
        return false;
    if (key->with == NULL)
        return true;
    const struct key *with = key_find(rows, key->with);
    int kind;
    memcpy(&kind, const_field_of(with, spec), sizeof kind);
    return key->applies(kind) && key_meant(rows, with, spec);
}

int key_choice_kind(const struct key *key, size_t i) {
    return key->kind_of != NULL ? key->kind_of(i) : (int)i;
}

const char *key_choice_name(const struct key *key, int kind) {
    for (size_t i = 0; key->choices(i) != NULL; i++)
        if (key_choice_kind(key, i) == kind)
            return key->choices(i);
    return NULL;
}

void key_allowed(const struct key *key, struct text *out) {
    key->type->allowed(key, out);
    if (key->flags & KEY_NULL)
        text_add(out, ", or null");
}

static void object_allowed(const struct key *key, struct text *out) {
    (void)key;
    text_add(out, "an object");
}

const struct key_type key_object = {.allowed = object_allowed};

static void list_allowed(const struct key *key, struct text *out) {
    text_addf(out, "a list of at most %.0f objects", key->max);
}

const struct key_type key_list = {.allowed = list_allowed};

bool key_has_plain_default(const struct key *key) {
    return !(key->flags & (KEY_REQUIRED | KEY_OPTIONAL)) && key->computed == NULL && key->type->print != NULL;
}

void key_print_default(const struct key *key, struct json_writer *w) {
    if (key->flags & KEY_NULL) {
        json_null(w);
        return;
    }
    union {
        max_align_t align;
        char bytes[64];
    } field = {.bytes = {0}};
    if (key->type->reset != NULL)
        key->type->reset(key, &field);
    key->type->print(key, &field, w);
}

bool key_default(const struct key *key, struct text *out) {
    if (key->computed != NULL)
        text_add(out, key->computed);
    else if (key->flags & KEY_NULL)
        text_add(out, "null");
    else if (key->type == &key_list)
        text_add(out, "[]");
    else if (key_has_plain_default(key))
        key_print_default(key, &(struct json_writer){.out = out});
    else
        return false;
    return true;
}
