/* The table of keys: every key with every kind of wrong value, and the table itself. */
#include "config_files.h"

#include <cjson/cJSON.h>

#include "config/keys.h"

/* ---- every key of the table with every kind of value ---- */

struct trial {
    const char *json; /* NULL: the key is left out */
    bool (*wrong)(const struct key *key);
};

static bool integral(const struct key *key) {
    return key->type == &key_size || key->type == &key_index;
}

static bool is_object(const struct key *key) {
    return key->type == &key_object;
}

static bool always(const struct key *key) {
    return key->type != NULL;
}

static bool if_required(const struct key *key) {
    return key->flags & KEY_REQUIRED || (key->either != NULL && strcmp(key->name, "images") == 0);
}

static bool if_not_nullable(const struct key *key) {
    return !(key->flags & KEY_NULL);
}

/* A number is wrong for all but numbers; -0 is 0. */
static bool if_not_zero(const struct key *key) {
    if (key->type == &key_seed || key->type == &key_column || key->type == &key_columns)
        return false;
    if (!integral(key) && key->type != &key_real)
        return true;
    return key->min > 0 || (key->min == 0 && (key->flags & KEY_ABOVE));
}

static bool if_string_refused(const struct key *key) {
    return key->type != &key_ignored;
}

static bool if_not_list(const struct key *key) {
    return key->type != &key_list;
}

static bool if_not_bool(const struct key *key) {
    return key->type != &key_bool && key->type != &key_switch;
}

static const struct trial trials[] = {
    {NULL, if_required}, {"null", if_not_nullable}, {"1e308", always},           {"-1e308", always},
    {"-0", if_not_zero}, {"-0.0", if_not_zero},     {"\"\"", if_string_refused}, {"[]", if_not_list},
    {"[[]]", always},    {"{\"a\": 1}", always},    {"true", if_not_bool}};

/* A config in which every key may stand; the caller deletes it. */
static cJSON *ground(void) {
    cJSON *root =
        cJSON_Parse("{" DATA ", \"model\": {\"layers\": [{\"units\": 1}], \"output\": {}}, \"loss\": {},"
                    " \"optimizer\": {\"momentum\": 0.5, \"schedule\": {}}, \"regularization\": {},"
                    " \"augment\": {\"elastic\": {}, \"classes\": [{\"class\": 0}]},"
                    " \"train\": {\"early_stopping\": {}}, \"shift\": {}}");
    assert_non_null(root);
    return root;
}

static cJSON *item_at(cJSON *root, const char *path) {
    char part[64];
    for (size_t len; *path != '\0'; path += len + (path[len] == '.')) {
        len = strcspn(path, ".");
        snprintf(part, sizeof part, "%.*s", (int)len, path);
        root = cJSON_IsArray(root) ? cJSON_GetArrayItem(root, atoi(part))
                                   : cJSON_GetObjectItemCaseSensitive(root, part);
    }
    return root;
}

static void put(cJSON *object, const char *name, const char *json) {
    cJSON_DeleteItemFromObjectCaseSensitive(object, name);
    if (json != NULL)
        assert_true(cJSON_AddItemToObject(object, name, cJSON_CreateRaw(json)));
}

/* What makes room for the key: a neighbour of the right kind. */
static void put_neighbours(cJSON *object, const struct key *rows, const struct key *key) {
    char word[64];
    if (strcmp(key->name, "file") == 0 || (key->together != NULL && strcmp(key->together, "file") == 0)) {
        put(object, "images", NULL);
        put(object, "labels", NULL);
        put(object, "file", "\"f\"");
        put(object, "label", strcmp(key->name, "target") == 0 ? NULL : "0");
    }
    for (const struct key *k = key; k != NULL && k->together != NULL && k->together != key->name;) {
        put(object, k->together, strcmp(k->together, "fraction") == 0 ? "0.5" : "\"f\"");
        k = key_find(rows, k->together);
        if (k->together != NULL && cJSON_GetObjectItemCaseSensitive(object, k->together) != NULL)
            break;
    }
    if (key->with == NULL)
        return;
    const struct key *with = key_find(rows, key->with);
    for (size_t i = 0; with->choices(i) != NULL; i++)
        if (key->applies(key_choice_kind(with, i))) {
            snprintf(word, sizeof word, "\"%s\"", with->choices(i));
            put(object, with->name, word);
            break;
        }
    int kind;
    for (kind = 0; !key->applies(kind);)
        kind++;
    for (const struct key *other = rows; other->name != NULL; other++) /* what that kind does not take */
        if (other->with == key->with && !other->applies(kind))
            put(object, other->name, NULL);
}

static bool begins(const char *where, const char *with) {
    return strncmp(where, with, strlen(with)) == 0;
}

/* A shift of the kind that the key, or the table that it stands in, is for. */
static void make_shift(cJSON *root, const struct key *key, const char *where) {
    static const char covariate[] = "{\"kind\": \"covariate\", \"target\": {\"images\": \"f\"},"
                                    " \"discriminator\": {}, \"layers\": [{\"units\": 1}]}",
                      concept[] =
                          "{\"kind\": \"concept\", \"stream\": [{\"images\": \"f\", \"labels\": \"f\"}]}",
                      label[] = "{\"kind\": \"label\"}";
    const char *json = "{}", *with = key->with != NULL ? key->with : "";
    if (begins(where, "shift.target") || begins(where, "shift.discriminator") ||
        begins(where, "shift.layers"))
        json = covariate;
    else if (begins(where, "shift.") || strcmp(with, "detector") == 0 || strcmp(with, "on_drift") == 0)
    json = concept;
    else if (strcmp(with, "method") == 0) json = strcmp(key->name, "soft") == 0 ? label : covariate;
    cJSON *shift = cJSON_Parse(json);
    cJSON_DeleteItemFromObjectCaseSensitive(root, "shift");
    cJSON_AddItemToObject(root, "shift", shift);
    if (json == concept && strchr(where, '.') != NULL && item_at(root, where) == NULL) {
        const char *detector = strchr(where, '.') + 1;
        cJSON_AddStringToObject(shift, "detector", detector);
        cJSON_AddObjectToObject(shift, detector);
    }
}

/* momentum_ramp takes the place of momentum. */
static void make_room(cJSON *root, const struct key *key, const char *where) {
    cJSON *optimizer = cJSON_GetObjectItemCaseSensitive(root, "optimizer");
    if (strcmp(key->name, "momentum_ramp") == 0)
        put(optimizer, "momentum", NULL);
    if (strcmp(where, "optimizer.momentum_ramp") == 0) {
        put(optimizer, "momentum", NULL);
        cJSON_AddObjectToObject(optimizer, "momentum_ramp");
    }
}

static void try_value(const struct key *rows, const struct key *key, const char *where, const char *json,
                      bool wrong) {
    struct config c = {0};
    cJSON *root = ground();
    make_room(root, key, where);
    if (begins(where, "shift"))
        make_shift(root, key, where);
    cJSON *object = item_at(root, where);
    if (object == NULL) { /* data.test, data.validation */
        object =
            cJSON_AddObjectToObject(cJSON_GetObjectItemCaseSensitive(root, "data"), strrchr(where, '.') + 1);
        if (strcmp(where, "data.test") == 0)
            for (const struct key *file_key = rows; file_key->name != NULL; file_key++)
                if (file_key != key &&
                    (strcmp(file_key->name, "images") == 0 || strcmp(file_key->name, "labels") == 0))
                    put(object, file_key->name, "\"f\"");
    }
    if (json != NULL)
        put_neighbours(object, rows, key);
    put(object, key->name, json);
    if (key->type == &key_column && json != NULL && strcmp(json, "null") == 0)
        put(object, "target", "1"); /* training needs one or the other */
    if (key->type == &key_columns && strcmp(key->name, "target") == 0 && json != NULL &&
        strcmp(json, "null") == 0)
        put(object, "label", "1");
    bool empty = object->child == NULL && strcmp(where, "data.validation") == 0;
    char *text = cJSON_Print(root);
    bool loaded = load_with(text, NULL, 0, &c);
    if (loaded == (wrong || empty))
        fail_msg("%s.%s: %s: %s", where, key->name, json != NULL ? json : "left out",
                 loaded ? "taken" : faults.lines.s);
    if (loaded) {
        config_release(&c);
    } else if (!empty) { /* one fault at least, each with a place; the key's own among them */
        char path[128], line[4096];
        snprintf(path, sizeof path, ": %s%s%s", where, where[0] != '\0' ? "." : "", key->name);
        assert_non_null(strstr(faults.lines.s, path));
        assert_int_equal(err.kind, ERR_CONFIG);
        for (const char *s = faults.lines.s; s != NULL; s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL) {
            unsigned row, column;
            snprintf(line, sizeof line, "%.*s", (int)strcspn(s, "\n"), s);
            assert_int_equal(strncmp(line, file, strlen(file)), 0);
            assert_int_equal(sscanf(line + strlen(file), ":%u:%u: ", &row, &column), 2);
        }
    }
    cJSON_free(text);
    cJSON_Delete(root);
}

static void try_bounds(const struct key *rows, const struct key *key, const char *where) {
    char number[64];
    bool real = key->type == &key_real;
    struct {
        double value;
        bool wrong;
    } bounds[] = {{key->min - 1, true},
                  {key->max + 1, true},
                  {key->min, key->flags & KEY_ABOVE},
                  {key->max, key->flags & KEY_BELOW},
                  {(key->min + key->max) / 2 + (real ? 0 : .25), !real}};
    for (size_t i = 0; (real || integral(key)) && i < sizeof bounds / sizeof *bounds; i++) {
        snprintf(number, sizeof number, "%.17g", bounds[i].value);
        try_value(rows, key, where, number, bounds[i].wrong);
    }
}

/* Whether leaving the key out, the first trial, is the fault of another one that is there. */
static bool is_missed(const struct key *rows, const struct key *key) {
    for (const struct key *other = rows; other->name != NULL; other++)
        if (other->either != NULL && other->together != NULL && strcmp(other->together, key->name) == 0)
            return true;
    return false;
}

static size_t tried;

static void try_rows(const struct key *rows, const char *where) {
    for (const struct key *key = rows; key->name != NULL; key++) {
        char path[128];
        tried++;
        for (size_t i = is_missed(rows, key); i < sizeof trials / sizeof *trials; i++)
            try_value(rows, key, where, trials[i].json, trials[i].wrong(key));
        try_bounds(rows, key, where);
        if (key->type == &key_choice)
            try_value(rows, key, where, "\"no such word\"", true);
        if (key->rows == NULL)
            continue;
        snprintf(path, sizeof path, "%s%s%s%s", where, where[0] != '\0' ? "." : "", key->name,
                 is_object(key) ? "" : ".0");
        try_rows(key->rows, path);
    }
}

static void test_every_key(void **state) {
    (void)state;
    tried = 0;
    try_rows(key_root.rows, "");
    assert_true(tried > 50);
}

/* ---- the table itself ---- */

static void check_rows(const struct key *rows) {
    size_t count = 0;
    for (const struct key *key = rows; key->name != NULL; key++, count++) {
        size_t len = strlen(key->help);
        assert_true(len > 0 && key->help[len - 1] == '.' && strchr(key->help, '|') == NULL);
        assert_true((key->rows != NULL) == (is_object(key) || key->type == &key_list));
        assert_ptr_equal(key_find(rows, key->name), key); /* no name twice */
        if (key->type == &key_choice && key->computed == NULL)
            assert_true(names_find(key->choices, key->choice) >= 0);
        if (integral(key) ||
            (key->type == &key_real && key->computed == NULL && !(key->flags & KEY_OPTIONAL)))
            assert_true((key->flags & (KEY_NULL | KEY_REQUIRED)) ||
                        (key->fallback >= key->min && key->fallback <= key->max));
        if (key->type == &key_index && key->flags & KEY_NULL)
            assert_true(key->fallback < 0); /* null is what a run writes of it */
        if (key->together != NULL)
            assert_non_null(key_find(rows, key->together));
        if (key->apart != NULL)
            assert_non_null(key_find(rows, key->apart));
        if (key->with != NULL)
            assert_true(key_find(rows, key->with) < key && key_find(rows, key->with)->type == &key_choice);
        if (key->rows != NULL)
            check_rows(key->rows);
    }
    assert_true(count <= KEY_ROWS_MAX);
}

static void test_table(void **state) {
    (void)state;
    check_rows(key_root.rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
