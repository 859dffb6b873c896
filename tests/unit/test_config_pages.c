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
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
