/* The table of keys as a JSON Schema, draft-07 (the newest that the common editors all understand). What one
 * key asks of its neighbours becomes "dependencies". */
#include <string.h>

#include "config/config.h"
#include "config/keys.h"

void key_schema_type(const struct key *key, struct json_writer *w, const char *type) {
    json_key(w, "type");
    if (!(key->flags & KEY_NULL)) {
        json_string(w, type);
        return;
    }
    json_begin_flat_array(w);
    json_string(w, type);
    json_string(w, "null");
    json_end_array(w);
}

static void pair(struct json_writer *w, const char *key, const char *value) {
    json_key(w, key);
    json_string(w, value);
}

static void required(struct json_writer *w, const char *name) {
    json_key(w, "required");
    json_begin_flat_array(w);
    json_string(w, name);
    json_end_array(w);
}

/* Whether the key is of use where the neighbour is left out. */
static bool applies_to_default(const struct key *key, const struct key *with) {
    int kind = -1;
    with->type->reset(with, &kind);
    return kind >= 0 && key->applies(kind);
}

/* Whether the key is of use where the neighbour is left out and the one that decides about that is of a kind.
 */
static bool applies_to_computed(const struct key *key, const struct key *with, int kind) {
    return with->applies(kind) && key->applies(with->computes(kind));
}

/* Whether there is such a kind. */
static bool may_apply(const struct key *rows, const struct key *key, const struct key *with) {
    if (with->computes == NULL)
        return false;
    const struct key *above = key_find(rows, with->with);
    for (size_t i = 0; above->choices(i) != NULL; i++)
        if (applies_to_computed(key, with, key_choice_kind(above, i)))
            return true;
    return false;
}

/* Of the neighbours that the key hangs on, those that must be given; "required" stands where there is one. */
static void with_required(const struct key *rows, const struct key *key, struct json_writer *w) {
    bool any = false;
    const struct key *with;
    for (const struct key *k = key; k->with != NULL; k = with) {
        with = key_find(rows, k->with);
        if (applies_to_default(k, with) || may_apply(rows, k, with))
            continue;
        if (!any) {
            json_key(w, "required");
            json_begin_flat_array(w);
        }
        any = true;
        json_string(w, with->name);
    }
    if (any)
        json_end_array(w);
}

/* A neighbour with a computed default must be given but for the kinds that make it one of use. */
static void given_or_computed(const struct key *rows, const struct key *key, const struct key *with,
                              struct json_writer *w) {
    const struct key *above = key_find(rows, with->with);
    json_key(w, "anyOf");
    json_begin_array(w);
    json_begin_object(w);
    required(w, with->name);
    json_end_object(w);
    json_begin_object(w);
    json_key(w, "properties");
    json_begin_object(w);
    json_key(w, above->name);
    json_begin_object(w);
    json_key(w, "enum");
    json_begin_flat_array(w);
    for (size_t i = 0; above->choices(i) != NULL; i++)
        if (applies_to_computed(key, with, key_choice_kind(above, i)))
            json_string(w, above->choices(i));
    json_end_array(w);
    json_end_object(w);
    json_end_object(w);
    json_end_object(w);
    json_end_array(w);
}

/* Only values of the neighbours for which the key applies; left out, they have their defaults. */
static void with_schema(const struct key *rows, const struct key *key, struct json_writer *w) {
    const struct key *with = key_find(rows, key->with);
    with_required(rows, key, w);
    if (may_apply(rows, key, with))
        given_or_computed(rows, key, with, w);
    json_key(w, "properties");
    json_begin_object(w);
    for (const struct key *k = key; k->with != NULL; k = with) {
        with = key_find(rows, k->with);
        json_key(w, with->name);
        json_begin_object(w);
        json_key(w, "enum");
        json_begin_flat_array(w);
        for (size_t i = 0; with->choices(i) != NULL; i++)
            if (k->applies(key_choice_kind(with, i)))
                json_string(w, with->choices(i));
        json_end_array(w);
        json_end_object(w);
    }
    json_end_object(w);
}

/* "properties" with that key, of the type null. */
static void is_null(struct json_writer *w, const char *name) {
    json_key(w, "properties");
    json_begin_object(w);
    json_key(w, name);
    json_begin_object(w);
    pair(w, "type", "null");
    json_end_object(w);
    json_end_object(w);
}

/* "not" given: a null gives nothing. */
static void apart_schema(const struct key *rows, const struct key *key, struct json_writer *w) {
    const struct key *apart = key_find(rows, key->apart);
    json_key(w, "not");
    json_begin_object(w);
    required(w, apart->name);
    if (apart->flags & KEY_NULL) {
        json_key(w, "not");
        json_begin_object(w);
        is_null(w, apart->name);
        json_end_object(w);
    }
    json_end_object(w);
}

static bool has_neighbours(const struct key *key) {
    return key->with != NULL || key->together != NULL || key->apart != NULL;
}

/* What a key asks of its neighbours, unless it is null. */
static void asked_of_neighbours(const struct key *rows, const struct key *key, struct json_writer *w) {
    json_begin_object(w);
    if (key->flags & KEY_NULL) {
        json_key(w, "if");
        json_begin_object(w);
        is_null(w, key->name);
        json_end_object(w);
        json_key(w, "else");
        json_begin_object(w);
    }
    if (key->together != NULL)
        required(w, key->together);
    if (key->with != NULL)
        with_schema(rows, key, w);
    if (key->apart != NULL)
        apart_schema(rows, key, w);
    if (key->flags & KEY_NULL)
        json_end_object(w);
    json_end_object(w);
}

static void neighbours_schema(const struct key *rows, struct json_writer *w) {
    bool any = false;
    for (const struct key *key = rows; key->name != NULL; key++)
        any = any || has_neighbours(key);
    if (!any)
        return;
    json_key(w, "dependencies");
    json_begin_object(w);
    for (const struct key *key = rows; key->name != NULL; key++) {
        if (!has_neighbours(key))
            continue;
        json_key(w, key->name);
        asked_of_neighbours(rows, key, w);
    }
    json_end_object(w);
}

/* The first pair of keys of which one must be given. */
static void either_schema(const struct key *rows, struct json_writer *w) {
    const struct key *key = rows;
    while (key->name != NULL && key->either == NULL)
        key++;
    if (key->name == NULL)
        return;
    json_key(w, "anyOf");
    json_begin_array(w);
    for (const char *const *name = (const char *const[]){key->name, key->either, NULL}; *name != NULL;
         name++) {
        json_begin_object(w);
        required(w, *name);
        json_end_object(w);
    }
    json_end_array(w);
}

static void key_schema(const struct key *key, struct json_writer *w);

/* The members of an object's schema: its keys and no others. */
static void object_schema(const struct key *key, struct json_writer *w) {
    json_key(w, "properties");
    json_begin_object(w);
    for (const struct key *row = key->rows; row->name != NULL; row++) {
        json_key(w, row->name);
        key_schema(row, w);
    }
    json_end_object(w);
    json_key(w, "required");
    json_begin_flat_array(w);
    for (const struct key *row = key->rows; row->name != NULL; row++)
        if (row->flags & KEY_REQUIRED)
            json_string(w, row->name);
    json_end_array(w);
    either_schema(key->rows, w);
    neighbours_schema(key->rows, w);
    if (key->flags & KEY_NONEMPTY) {
        json_key(w, "minProperties");
        json_uint(w, 1);
    }
    json_key(w, "additionalProperties");
    json_bool(w, false);
}

/* What is said of any key: meaning and default. */
static void describe(const struct key *key, struct json_writer *w) {
    if (key->computed != NULL) {
        struct text help = {0};
        text_addf(&help, "%s Default: %s.", key->help, key->computed);
        w->out->failed |= help.failed;
        pair(w, "description", help.s != NULL ? help.s : "");
        text_release(&help);
    } else {
        pair(w, "description", key->help);
    }
    if (!key_has_plain_default(key))
        return;
    json_key(w, "default");
    key_print_default(key, w);
}

static void key_schema(const struct key *key, struct json_writer *w) {
    json_begin_object(w);
    describe(key, w);
    if (key->type == &key_object) {
        key_schema_type(key, w, "object");
        object_schema(key, w);
    } else if (key->type == &key_list) {
        key_schema_type(key, w, "array");
        json_key(w, "maxItems");
        json_number(w, key->max);
        json_key(w, "items");
        json_begin_object(w);
        pair(w, "type", "object");
        object_schema(key, w);
        json_end_object(w);
    } else {
        key->type->schema(key, w);
    }
    json_end_object(w);
}

bool config_schema(struct text *out, struct err *err) {
    struct json_writer w = {.out = out, .indent = 2};
    json_begin_object(&w);
    pair(&w, "$schema", "http://json-schema.org/draft-07/schema#");
    pair(&w, "title", "dltrain config");
    pair(&w, "description", key_root.help);
    pair(&w, "type", "object");
    object_schema(&key_root, &w);
    json_end_object(&w);
    text_add(out, "\n");
    return text_ok(out, err);
}
