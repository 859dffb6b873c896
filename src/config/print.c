/* The resolved config as JSON. */
#include "config/keys.h"

#include "config/config.h"

static void print_rows(const struct key *rows, const void *spec, bool model_only, struct json_writer *w);

static void print_value(const struct key *key, const void *spec, bool model_only, struct json_writer *w) {
    const void *field = (const char *)spec + key->offset;
    bool narrow = model_only && !(key->flags & KEY_MODEL);
    if (key->type == &key_object) {
        json_begin_object(w);
        print_rows(key->rows, field, narrow, w);
        json_end_object(w);
    } else if (key->type == &key_list) {
        const char *items = key_list_items(key, spec);
        json_begin_array(w);
        for (size_t i = 0; i < key_list_count(key, spec); i++) {
            json_begin_object(w);
            print_rows(key->rows, items + i * key->bytes, narrow, w);
            json_end_object(w);
        }
        json_end_array(w);
    } else {
        key->type->print(key, field, w);
    }
}

/* Keys that are not given are null where null says so; otherwise, and where no neighbour has a use for them,
 * they are left out. */
static void print_rows(const struct key *rows, const void *spec, bool model_only, struct json_writer *w) {
    for (const struct key *key = rows; key->name != NULL; key++) {
        bool printable = key->type->print != NULL || key->rows != NULL;
        bool given = key_given(key, spec);
        if (!printable || (model_only && !key_in_model(key)) || !key_meant(rows, key, spec) ||
            (!given && !(key->flags & KEY_NULL)))
            continue;
        json_key(w, key->name);
        if (given)
            print_value(key, spec, model_only, w);
        else
            json_null(w);
    }
}

static bool print(const struct config *config, bool model_only, int indent, struct text *out,
                  struct err *err) {
    struct json_writer w = {.out = out, .indent = indent};
    print_value(&key_root, config, model_only, &w);
    return text_ok(out, err);
}

bool config_print(const struct config *config, struct text *out, struct err *err) {
    if (!print(config, false, 2, out, err))
        return false;
    text_add(out, "\n");
    return text_ok(out, err);
}

bool config_print_model(const struct config *config, struct text *out, struct err *err) {
    return print(config, true, 0, out, err);
}
