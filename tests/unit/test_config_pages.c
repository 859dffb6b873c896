/* What is generated from the table of keys: schema, reference, help. */
#include "config_files.h"

#include <cjson/cJSON.h>

#include "config/keys.h"

/* The schema of an object lists exactly the rows' keys, each with its meaning and its default. */
static void check_schema(const struct key *rows, const cJSON *schema) {
    const cJSON *properties = cJSON_GetObjectItemCaseSensitive(schema, "properties");
    const cJSON *required = cJSON_GetObjectItemCaseSensitive(schema, "required"), *name;
    int count = 0;
    assert_true(cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(schema, "additionalProperties")));
    for (const struct key *key = rows; key->name != NULL; key++, count++) {
        const cJSON *property = cJSON_GetObjectItemCaseSensitive(properties, key->name);
        assert_non_null(cJSON_GetObjectItemCaseSensitive(property, "description"));
        bool listed = false;
        cJSON_ArrayForEach(name, required) listed = listed || strcmp(name->valuestring, key->name) == 0;
        assert_true(listed == ((key->flags & KEY_REQUIRED) != 0));
        if (key->type == &key_object)
            check_schema(key->rows, property);
        if (key->type == &key_list)
            check_schema(key->rows, cJSON_GetObjectItemCaseSensitive(property, "items"));
    }
    assert_int_equal(cJSON_GetArraySize(properties), count);
}

static void test_schema(void **state) {
    (void)state;
    struct text out = {0};
    assert_true(config_schema(&out, &err));
    assert_int_equal(out.s[out.len - 1], '\n');
    struct json *doc = json_parse(out.s, out.len, (struct json_options){0}, ERR_CONFIG, &err);
    assert_non_null(doc);
    check_schema(key_root.rows, json_root(doc));
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json_root(doc), "$schema");
    assert_string_equal(item->valuestring, "http://json-schema.org/draft-07/schema#");

    static const char *const path[] = {"properties", "regularization", "properties", "input_noise"};
    item = json_root(doc);
    for (size_t i = 0; i < 4; i++)
        item = cJSON_GetObjectItemCaseSensitive(item, path[i]);
    assert_true(cJSON_GetObjectItemCaseSensitive(item, "minimum")->valuedouble == 0);
    assert_true(cJSON_GetObjectItemCaseSensitive(item, "maximum")->valuedouble == 1000);
    assert_true(cJSON_GetObjectItemCaseSensitive(item, "default")->valuedouble == 0);
    json_free(doc);
    text_release(&out);
}

/* ---- what the schema takes ---- */

static bool obeys(const cJSON *schema, const cJSON *value);

/* The word of a schema, and the first of those within it. */
static const cJSON *word_of(const cJSON *schema, const char *word) {
    return cJSON_GetObjectItemCaseSensitive(schema, word);
}

static const cJSON *first_of(const cJSON *schema, const char *word) {
    const cJSON *list = word_of(schema, word);
    return list != NULL ? list->child : NULL;
}

static bool is_of(const char *type, const cJSON *value) {
    static const struct {
        const char *name;
        cJSON_bool (*is)(const cJSON *);
    } row[] = {{"object", cJSON_IsObject}, {"array", cJSON_IsArray},    {"string", cJSON_IsString},
               {"number", cJSON_IsNumber}, {"integer", cJSON_IsNumber}, {"boolean", cJSON_IsBool},
               {"null", cJSON_IsNull}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        if (strcmp(row[i].name, type) == 0)
            return row[i].is(value);
    fail_msg("no type: %s", type);
    return false;
}

static bool obeys_type(const cJSON *schema, const cJSON *value) {
    const cJSON *type = word_of(schema, "type");
    if (!cJSON_IsArray(type))
        return type == NULL || is_of(type->valuestring, value);
    for (type = type->child; type != NULL; type = type->next)
        if (is_of(type->valuestring, value))
            return true;
    return false;
}

static bool obeys_enum(const cJSON *schema, const cJSON *value) {
    for (const cJSON *item = first_of(schema, "enum"); item != NULL; item = item->next)
        if (cJSON_Compare(item, value, true))
            return true;
    return word_of(schema, "enum") == NULL;
}

static bool obeys_any(const cJSON *schema, const cJSON *value) {
    for (const cJSON *item = first_of(schema, "anyOf"); item != NULL; item = item->next)
        if (obeys(item, value))
            return true;
    return word_of(schema, "anyOf") == NULL;
}

static bool obeys_if(const cJSON *schema, const cJSON *value) {
    const cJSON *test = word_of(schema, "if");
    const cJSON *then = test == NULL ? NULL : word_of(schema, obeys(test, value) ? "then" : "else");
    return then == NULL || obeys(then, value);
}

static bool obeys_items(const cJSON *schema, const cJSON *value) {
    const cJSON *items = word_of(schema, "items");
    for (const cJSON *item = value->child; items != NULL && item != NULL; item = item->next)
        if (!obeys(items, item))
            return false;
    return true;
}

static bool obeys_keys(const cJSON *schema, const cJSON *value) {
    bool closed = cJSON_IsFalse(word_of(schema, "additionalProperties"));
    for (const cJSON *item = value->child; item != NULL; item = item->next) {
        const cJSON *property = word_of(word_of(schema, "properties"), item->string);
        if (property == NULL ? closed : !obeys(property, item))
            return false;
    }
    for (const cJSON *item = first_of(schema, "required"); item != NULL; item = item->next)
        if (word_of(value, item->valuestring) == NULL)
            return false;
    for (const cJSON *item = first_of(schema, "dependencies"); item != NULL; item = item->next)
        if (word_of(value, item->string) != NULL && !obeys(item, value))
            return false;
    return true;
}

/* By the words of draft-07 that say which keys may stand together; bounds are not looked at. */
static bool obeys(const cJSON *schema, const cJSON *value) {
    const cJSON *not = word_of(schema, "not");
    return obeys_type(schema, value) && obeys_enum(schema, value) && obeys_any(schema, value) &&
           !(not != NULL && obeys(not, value)) && obeys_if(schema, value) &&
           (!cJSON_IsArray(value) || obeys_items(schema, value)) &&
           (!cJSON_IsObject(value) || obeys_keys(schema, value));
}

/* Program and schema agree on them. */
static void test_neighbours(void **state) {
    (void)state;
    static const struct {
        const char *member;
        bool right;
    } row[] = {
        {"\"shift\": {\"kind\": \"covariate\", \"clip\": 5}", true},
        {"\"shift\": {\"kind\": \"covariate\", \"clip\": null}", true},
        {"\"shift\": {\"kind\": \"covariate\", \"alpha\": 0.1}", true},
        {"\"shift\": {\"kind\": \"covariate\", \"alpha\": 0.1, \"clip\": null}", true},
        {"\"shift\": {\"kind\": \"covariate\", \"alpha\": null, \"clip\": 5}", true},
        {"\"shift\": {\"kind\": \"covariate\", \"alpha\": 0.1, \"clip\": 5}", false},
        {"\"shift\": {\"kind\": \"covariate\", \"method\": \"kliep\", \"clip\": 5, \"centers\": 9}", true},
        {"\"shift\": {\"kind\": \"covariate\", \"method\": \"rulsif\", \"clip\": 5}", false},
        {"\"shift\": {\"kind\": \"covariate\", \"centers\": 9}", false},
        {"\"shift\": {\"kind\": \"covariate\", \"bandwidth\": null}", true},
        {"\"shift\": {\"kind\": \"label\", \"clip\": 5}", false},
        {"\"shift\": {\"kind\": \"label\", \"alpha\": 0.1}", false},
        {"\"shift\": {\"kind\": \"label\", \"method\": \"rlls\", \"alpha\": 0.1}", true},
        {"\"shift\": {\"kind\": \"label\", \"soft\": true}", false},
        {"\"shift\": {\"kind\": \"label\", \"method\": \"bbse\", \"soft\": true}", true},
        {"\"shift\": {\"kind\": \"none\", \"clip\": 5}", false},
        {"\"shift\": {\"kind\": \"none\", \"clip\": null, \"target\": null}", true},
        {"\"shift\": {\"clip\": 5}", false},
        {"\"shift\": {\"method\": \"mlls\"}", false},
        {"\"shift\": {\"kind\": \"label\", \"target\": {\"images\": \"t\", \"labels\": null}}", true},
        {"\"shift\": {\"kind\": \"label\", \"target\": {\"images\": null}}", false},
        {"\"shift\": {\"kind\": \"label\", \"target\": {\"labels\": \"l\"}}", false},
        {"\"shift\": {\"kind\": \"label\", \"target\": {\"file\": \"t\", \"labels\": null}}", true},
        {"\"shift\": {\"kind\": \"label\", \"target\": {\"file\": \"t\", \"label\": 1, \"target\": null}}",
         true},
        {"\"shift\": {\"kind\": \"label\", \"target\": {\"file\": \"t\", \"label\": 1, \"target\": 2}}",
         false},
        {"\"shift\": {\"kind\": \"concept\", \"adwin\": {}}", true},
        {"\"shift\": {\"kind\": \"concept\", \"ddm\": {}}", false},
        {"\"model\": {\"layers\": [{\"units\": 1, \"std\": 1}]}", false},
        {"\"model\": {\"layers\": [{\"units\": 1, \"init\": \"normal\", \"std\": 1}]}", true},
        {"\"optimizer\": {\"kind\": \"adam\", \"momentum\": 0.5}", false},
        {"\"optimizer\": {\"momentum\": 0.5}", true},
    };
    struct text out = {0};
    assert_true(config_schema(&out, &err));
    cJSON *schema = cJSON_Parse(out.s);
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char text[512];
        struct config config = {0};
        snprintf(text, sizeof text, "{%s, %s}", DATA, row[i].member);
        bool taken = load_with(text, NO_OVERRIDES, &config);
        cJSON *value = cJSON_Parse(text);
        if (taken != row[i].right || obeys(schema, value) != row[i].right)
            fail_msg("%s: the program %s it, the schema %s", row[i].member, taken ? "takes" : "refuses",
                     obeys(schema, value) ? "does" : "does not");
        cJSON_Delete(value);
        config_release(&config);
    }
    cJSON_Delete(schema);
    text_release(&out);
}

static void test_reference(void **state) {
    (void)state;
    struct text out = {0};
    assert_true(config_reference(&out, &err));
    size_t bars = 0, lines = 0;
    for (const char *s = out.s; *s != '\0'; s++) {
        bars += *s == '|';
        lines += *s == '\n';
    }
    assert_int_equal(bars, 5 * lines); /* four columns in every row, no stray bar */
    assert_non_null(
        strstr(out.s, "\n| `train.batch_size` | an integer from 1 to 16777216, in samples | 128 |"));
    assert_non_null(strstr(out.s, "\n| `model.layers[].units` | an integer from 1 to 1048576 | required |"));
    assert_non_null(strstr(out.s, "\n| `model.output.init` | "));
    assert_null(strstr(out.s, "`model.output.units`"));
    assert_non_null(strstr(out.s, "\n| `data.train.images` | a path | required unless `file` is given |"));
    assert_non_null(strstr(
        out.s, "\n| `data.test.images` | a path | required with `data.test`, unless `file` is given |"));
    assert_non_null(strstr(out.s, "\n| `data.validation.stratify` | true or false, or null | null |"));
    assert_non_null(strstr(out.s, "\n| `data.root` | a path, or null | null |"));
    text_release(&out);
}

static void test_help(void **state) {
    (void)state;
    struct text out = {0};
    assert_true(config_help(&out, &err));
    for (const char *s = out.s; *s != '\0'; s += strcspn(s, "\n") + 1) {
        assert_true(strcspn(s, "\n") <= 100);
        assert_true(s[strcspn(s, "\n") - 1] != ' ');
    }
    assert_non_null(strstr(out.s, "\noptimizer.lr "));
    assert_non_null(strstr(out.s, " a path; required with data.test, unless file is given\n"));
    text_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
