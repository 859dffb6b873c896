/* The JSON writer: structure, escapes, numbers that read back to the same bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static uint64_t next_random(uint64_t *s) {
    *s += 0x9E3779B97F4A7C15u; /* splitmix64 */
    uint64_t z = *s;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static void doubles_round_trip(void **state) {
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = next_random(&seed), back_bits;
        double value, back;
        char buf[32];
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        assert_ptr_equal(json_format_number(value, buf), buf);
        back = strtod(buf, NULL);
        memcpy(&back_bits, &back, sizeof back);
        assert_true(bits == back_bits);
        assert_true(strlen(buf) < 32);
    }
}

/* The same through writer and reader, for numbers of everyday size. */
static void documents_round_trip(void **state) {
    (void)state;
    uint64_t seed = 2;
    struct text t = {0};
    struct json_writer w = {.out = &t};
    struct err err = {0};
    enum { COUNT = 20000 };
    json_begin_array(&w);
    for (int i = 0; i < COUNT; i++)
        json_number(&w, (double)(next_random(&seed) >> 11) * 0x1p-53);
    json_end_array(&w);
    assert_true(text_ok(&t, &err));
    struct json *doc = json_parse(t.s, t.len, (struct json_options){0}, ERR_CONFIG, &err);
    const cJSON *item = json_root(doc)->child;
    seed = 2;
    for (int i = 0; i < COUNT; i++, item = item->next)
        assert_true(item->valuedouble == (double)(next_random(&seed) >> 11) * 0x1p-53);
    assert_null(item);
    json_free(doc);
    text_release(&t);
}

static void floats_round_trip(void **state) {
    (void)state;
    uint64_t seed = 3;
    struct text t = {0};
    for (int i = 0; i < 200000; i++) {
        uint32_t bits = (uint32_t)next_random(&seed), back_bits;
        float value, back;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        struct json_writer w = {.out = &t};
        text_reset(&t);
        json_float(&w, value);
        back = strtof(t.s, NULL);
        memcpy(&back_bits, &back, sizeof back);
        assert_true(bits == back_bits);
    }
    text_release(&t);
}

static void numbers_are_short(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.1, "0.1"},
        {0.001, "0.001"},
        {1e15, "1e+15"},
        {123456789012345, "123456789012345"},
        {-0.0, "-0"},
        {9007199254740993.0, "9007199254740992"},
        {0.1 + 0.2, "0.30000000000000004"},
        {NAN, "NaN"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
        {DBL_MAX, "1.7976931348623157e+308"},
    };
    char buf[32];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(json_format_number(cases[i].value, buf), cases[i].text);
}

static void written(struct json_writer *w, const char *expected) {
    struct err err = {0};
    assert_true(text_ok(w->out, &err));
    assert_string_equal(w->out->s, expected);
    struct json *doc = json_parse(w->out->s, w->out->len, (struct json_options){0}, ERR_CONFIG, &err);
    assert_string_equal(err.text, "");
    json_free(doc);
    text_release(w->out);
}

static void write_sample(struct json_writer *w) {
    json_begin_object(w);
    json_key(w, "a");
    json_uint(w, UINT64_MAX);
    json_key(w, "list");
    json_begin_array(w);
    json_bool(w, true);
    json_null(w);
    json_begin_object(w);
    json_end_object(w);
    json_end_array(w);
    json_key(w, "flat");
    json_begin_flat_array(w);
    json_float(w, 0.1f);
    json_begin_array(w);
    json_number(w, NAN);
    json_end_array(w);
    json_begin_object(w);
    json_key(w, "k");
    json_bool(w, false);
    json_end_object(w);
    json_end_array(w);
    json_key(w, "none");
    json_begin_array(w);
    json_end_array(w);
    json_end_object(w);
}

static void the_writer_indents(void **state) {
    (void)state;
    struct text t = {0};
    struct json_writer one_line_writer = {.out = &t}, w = {.out = &t, .indent = 2};
    write_sample(&one_line_writer);
    written(&one_line_writer, "{\"a\": 18446744073709551615, \"list\": [true, null, {}], "
                              "\"flat\": [0.1, [\"NaN\"], {\"k\": false}], \"none\": []}");
    write_sample(&w);
    written(&w, "{\n"
                "  \"a\": 18446744073709551615,\n"
                "  \"list\": [\n"
                "    true,\n"
                "    null,\n"
                "    {}\n"
                "  ],\n"
                "  \"flat\": [0.1, [\"NaN\"], {\"k\": false}],\n"
                "  \"none\": []\n"
                "}");
}

static void the_writer_escapes(void **state) {
    (void)state;
    struct text t = {0};
    struct json_writer w = {.out = &t};
    json_begin_object(&w);
    json_key(&w, "a\"b");
    json_string(&w, "\\ / \b\f\n\r\t \x01\x1F \xC3\xA9 \xFF\xC3");
    json_end_object(&w);
    written(&w, "{\"a\\\"b\": \"\\\\ / \\b\\f\\n\\r\\t \\u0001\\u001f \xC3\xA9 \xEF\xBF\xBD\xEF\xBF\xBD\"}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_round_trip), cmocka_unit_test(documents_round_trip),
        cmocka_unit_test(floats_round_trip),  cmocka_unit_test(numbers_are_short),
        cmocka_unit_test(the_writer_indents), cmocka_unit_test(the_writer_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
