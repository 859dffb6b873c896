/* Which files a config names. */
#include "base/file.h"
#include "config/config.h"
#include "config/keys.h"

static bool names_file(const struct key *rows, const void *spec, const char *file) {
    for (const struct key *key = rows; key->name; key++) {
        const char *field = (const char *)spec + key->offset;
        if (!key_given(key, spec))
            continue;
        if (key->type == &key_path && file_same(*(char *const *)(const void *)field, file))
            return true;
        if (key->type == &key_object && names_file(key->rows, field, file))
            return true;
        const char *items = key->type == &key_list ? key_list_items(key, spec) : NULL;
        for (size_t i = 0; items && i < key_list_count(key, spec); i++)
            if (names_file(key->rows, items + i * key->bytes, file))
                return true;
    }
    return false;
}

bool config_reads(const struct config *config, const char *file) {
    return names_file(key_root.rows, config, file);
}
