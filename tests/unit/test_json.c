/* Strict JSON: what is refused and where, what is accepted, positions, number literals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static struct json *parse_bytes(const char *text, size_t len, bool comments, struct err *err) {
    /* a copy of the exact length: a sanitizer sees every read behind the end */
    struct err none = {0};
    char *exact = mem_alloc(len, 1, "a test", &none);
    if (len > 0)
        memcpy(exact, text, len);
    struct json *doc = json_parse(exact, len, (struct json_options){.comments = comments}, ERR_CONFIG, err);
    mem_free(exact);
    return doc;
}

static void refused(const char *text, size_t len, bool comments, const char *message) {
    struct err err = {0};
    struct json *doc = parse_bytes(text, len, comments, &err);
    if (doc != NULL)
        print_error("accepted: %s\n", text);
    assert_null(doc);
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text, message);
}

struct bad {
    const char *text, *message;
};

static void bad_texts_are_refused(void **state) {
    (void)state;
    static const struct bad cases[] = {
        {"", "1:1: the file is empty"},
        {" \n\t", "2:2: the file holds no value"},
        {"\xEF\xBB\xBF{}", "1:1: the text begins with a byte order mark: save it as UTF-8 without one"},
        {"{}x", "1:3: the value is complete, but more text follows: 'x'"},
        {"{} {}", "1:4: the value is complete, but more text follows: '{'"},
        {"1 2", "1:3: the value is complete, but more text follows: '2'"},
        {"]", "1:1: a value is expected, found ']'"},
        {"\x01", "1:1: a value is expected, found the byte 0x01"},
        {"\xFF\xFE{", "1:1: a value is expected, found the byte 0xff"},
        {"\xC3\xA9", "1:1: a value is expected, found '\xC3\xA9'"},
        /* objects */
        {"{", "1:2: the text ends inside the object that begins at 1:1"},
        {"[1,\n {\"a\": 1", "2:9: the text ends inside the object that begins at 2:2"},
        {"{\"a\":1,", "1:8: the text ends inside the object that begins at 1:1"},
        {"{\"a\"", "1:5: ':' is expected behind the key, found the end of the text"},
        {"{\"a\" 1}", "1:6: ':' is expected behind the key, found '1'"},
        {"{\"a\":}", "1:6: a value is expected, found '}'"},
        {"{\"a\":", "1:6: a value is expected, found the end of the text"},
        {"{\"a\":1,}", "1:7: trailing comma in front of '}'"},
        {"{\"a\":1\n,\n}", "2:1: trailing comma in front of '}'"},
        {"{,}", "1:2: a key in double quotes is expected, found ','"},
        {"{\"a\":1,,\"b\":2}", "1:8: a key in double quotes is expected, found ','"},
        {"{\"a\":1 \"b\":2}", "1:8: ',' or '}' is expected, found a string"},
        {"{\"a\":1]", "1:7: ',' or '}' is expected, found ']'"},
        {"{a:1}", "1:2: keys are written in double quotes, found 'a'"},
        {"{'a':1}", "1:2: keys are written in double quotes, found '''"},
        {"{1:1}", "1:2: a key in double quotes is expected, found '1'"},
        {"{\"a\":1,\n  \"b\":2,\n  \"a\":3}", "3:3: duplicate key \"a\": the first one is at 1:2"},
        {"{\"a\":1,\"\\u0061\":2}", "1:8: duplicate key \"\\u0061\": the first one is at 1:2"},
        {"{\"\xC3\xA9\":1, \"\\u00E9\":2}", "1:9: duplicate key \"\\u00E9\": the first one is at 1:2"},
        {"{\"\xF0\x9F\x98\x80\":1, \"\\uD83D\\uDE00\":2}",
         "1:9: duplicate key \"\\uD83D\\uDE00\": the first one is at 1:2"},
        {"{\"b\":1,\"a\":1,\"a\":2,\"b\":2}", "1:14: duplicate key \"a\": the first one is at 1:8"},
        {"{\"a\":1,\"a\":2,\"a\":3}", "1:8: duplicate key \"a\": the first one is at 1:2"},
        {"{\"\":1,\"\":2}", "1:7: duplicate key \"\": the first one is at 1:2"},
        {"[{\"x\":{\"a\":1,\"a\":2}}]", "1:14: duplicate key \"a\": the first one is at 1:8"},
        /* arrays */
        {"[", "1:2: the text ends inside the array that begins at 1:1"},
        {"[1,", "1:4: the text ends inside the array that begins at 1:1"},
        {"[1,]", "1:3: trailing comma in front of ']'"},
        {"[,1]", "1:2: a value is expected, found ','"},
        {"[1,,2]", "1:4: a value is expected, found ','"},
        {"[1 2]", "1:4: ',' or ']' is expected, found '2'"},
        {"[1\n\"x\"]", "2:1: ',' or ']' is expected, found a string"},
        {"[1}", "1:3: ',' or ']' is expected, found '}'"},
        {"[1:2]", "1:3: ',' or ']' is expected, found ':'"},
        /* words */
        {"[True]", "1:2: True is not JSON: write true"},
        {"[None]", "1:2: None is not JSON: write null"},
        {"nul", "1:1: nul is not JSON: write null"},
        {"truest", "1:1: strings are written in double quotes, found truest"},
        {"{\"a\": relu}", "1:7: strings are written in double quotes, found relu"},
        {"'a'", "1:1: strings are written in double quotes, found a single quote"},
        {"[NaN]", "1:2: NaN is not a JSON number: numbers are finite"},
        {"[-Infinity]", "1:3: Infinity is not a JSON number: numbers are finite"},
        {"inf", "1:1: inf is not a JSON number: numbers are finite"},
        /* numbers */
        {"01", "1:1: a number does not begin with needless zeros"},
        {"[-00.5]", "1:2: a number does not begin with needless zeros"},
        {"+1", "1:1: a number does not begin with '+'"},
        {".5", "1:1: a number does not begin with '.'"},
        {"-.5", "1:2: a digit is expected behind the number's sign, found '.'"},
        {"-", "1:2: a digit is expected behind the number's sign, found the end of the text"},
        {"1.", "1:3: a digit is expected behind the number's point, found the end of the text"},
        {"[1.e5]", "1:4: a digit is expected behind the number's point, found 'e5'"},
        {"1e", "1:3: a digit is expected behind the number's exponent, found the end of the text"},
        {"[1e+]", "1:5: a digit is expected behind the number's exponent, found ']'"},
        {"0x10", "1:2: the value is complete, but more text follows: 'x10'"},
        {"0x1p99999", "1:2: the value is complete, but more text follows: 'x1p99999'"},
        {"1.5.2", "1:4: the value is complete, but more text follows: '.'"},
        {"[1_000]", "1:3: ',' or ']' is expected, found '_000'"},
        {"[1e999]", "1:2: 1e999 is too large for a number in double precision"},
        {"-1.8e308", "1:1: -1.8e308 is too large for a number in double precision"},
        /* strings */
        {"\"abc", "1:1: the string has no closing quote"},
        {"\"abc\\\"", "1:1: the string has no closing quote"},
        {"[\"a\nb\"]", "1:4: a line break inside a string: the closing quote is missing, or write \\n"},
        {"\"a\tb\"", "1:3: a control character inside a string: write \\u0009"},
        {"\"\\x41\"", "1:2: a backslash in a string is followed by one of \" \\ / b f n r t u, found 'x41'"},
        {"\"\\",
         "1:2: a backslash in a string is followed by one of \" \\ / b f n r t u, found the end of the text"},
        {"\"\\u12g4\"", "1:2: \\u is followed by four hexadecimal digits"},
        {"\"\\u12", "1:2: \\u is followed by four hexadecimal digits"},
        {"\"x\\u0000y\"", "1:3: \\u0000 is not allowed in a string"},
        {"\"\\ud800\"", "1:2: \\ud800 is half of a surrogate pair"},
        {"\"\\uDC00\"", "1:2: \\udc00 is half of a surrogate pair"},
        {"\"\\ud800\\ud800\"", "1:2: \\ud800 is half of a surrogate pair"},
        {"\"\\ud800\\u0041\"", "1:2: \\ud800 is half of a surrogate pair"},
        {"\"\\ud800x\"", "1:2: \\ud800 is half of a surrogate pair"},
        {"\"\x80\"", "1:2: invalid UTF-8: the byte 0x80"},
        {"\"\xC0\xAF\"", "1:2: invalid UTF-8: the byte 0xc0"},
        {"\"\xC3\"", "1:2: invalid UTF-8: the byte 0xc3"},
        {"\"\xE0\x80\x80\"", "1:2: invalid UTF-8: the byte 0xe0"},
        {"\"\xED\xA0\x80\"", "1:2: invalid UTF-8: the byte 0xed"},
        {"\"\xF4\x90\x80\x80\"", "1:2: invalid UTF-8: the byte 0xf4"},
        {"\"\xF5\x80\x80\x80\"", "1:2: invalid UTF-8: the byte 0xf5"},
        {"\"\xF0\x9F\x98", "1:2: invalid UTF-8: the byte 0xf0"},
        /* columns count characters */
        {"[\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\", x]",
         "1:9: strings are written in double quotes, found x"},
        {"[\r\n\r\n x]", "3:2: strings are written in double quotes, found x"},
        /* comments, where they are not wanted */
        {"// a\n1", "1:1: comments are not allowed here"},
        {"[1 /* a */]", "1:4: comments are not allowed here"},
        {"[1 / 2]", "1:4: ',' or ']' is expected, found '/'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refused(cases[i].text, strlen(cases[i].text), false, cases[i].message);
    refused("[1\0]", 4, false, "1:3: ',' or ']' is expected, found the byte 0x00");
    refused("\"a\0b\"", 5, false, "1:3: a control character inside a string: write \\u0000");
    refused("1\0", 2, false, "1:2: the value is complete, but more text follows: the byte 0x00");
    refused("\"\\\0\"", 4, false,
            "1:2: a backslash in a string is followed by one of \" \\ / b f n r t u, found the byte 0x00");
}

static void bad_comments_are_refused(void **state) {
    (void)state;
    static const struct bad cases[] = {
        {"// a", "1:5: the file holds no value"},
        {"/* a\n\n", "1:1: the comment has no end"},
        {"[1, /*/]", "1:5: the comment has no end"},
        {"[1 /", "1:4: ',' or ']' is expected, found '/'"},
        {"[1 // ]", "1:8: the text ends inside the array that begins at 1:1"},
        {"/* \xC3\xA9\xC3\xA9 */ x", "1:10: strings are written in double quotes, found x"},
        {"/* \xFF */ 1", "1:4: invalid UTF-8: the byte 0xff"},
        {"[1,/* x */]", "1:3: trailing comma in front of ']'"},
        {"1 /* a */ /* b */ 2", "1:19: the value is complete, but more text follows: '2'"},
        {"/* /* */ */ 1", "1:10: a value is expected, found '*'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refused(cases[i].text, strlen(cases[i].text), true, cases[i].message);
}

static char *one_line(const cJSON *item) {
    struct text t = {0};
    struct json_writer w = {.out = &t};
    struct err err = {0};
    json_tree(&w, item);
    assert_true(text_ok(&t, &err));
    return t.s;
}

static void good_texts_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text, *written;
    } cases[] = {
        {"{}", "{}"},
        {" [ ] ", "[]"},
        {"null", "null"},
        {"\t\r\n true\n", "true"},
        {"false", "false"},
        {"0", "0"},
        {"-0", "-0"},
        {"-0.0e-5", "-0"},
        {"1E+2", "100"},
        {"0.30000000000000004", "0.30000000000000004"},
        {"1.7976931348623157e308", "1.7976931348623157e+308"},
        {"5e-324", "4.94065645841247e-324"},
        {"1e-999", "0"},
        {"\"\"", "\"\""},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
        {"\"\\u0001\\u001f\\u007f\"", "\"\\u0001\\u001f\x7F\""},
        {"\"\\u00e9\\u20AC\\ud83d\\uDE00\"", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""},
        {"\"\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF\xEF\xBB\xBF\"",
         "\"\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF\xEF\xBB\xBF\""},
        {"\"// no comment /* \"", "\"// no comment /* \""},
        {"[1,[2,[3]],{\"a\":{\"b\":[]}}]", "[1, [2, [3]], {\"a\": {\"b\": []}}]"},
        {"{\"a\":1,\"A\":2,\"aa\":{\"a\":3}}", "{\"a\": 1, \"A\": 2, \"aa\": {\"a\": 3}}"},
        {"[{\"a\":1},{\"a\":2}]", "[{\"a\": 1}, {\"a\": 2}]"},
        {"{\"a\":1}\n", "{\"a\": 1}"},
        {"//x\n/**/[//\n1/*,*/,2/***/]//", "[1, 2]"},
        {"/* \xE2\x82\xAC */ {/*a*/\"a\"/*:*/:/* */1/**/}", "{\"a\": 1}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = {0};
        struct json *doc = parse_bytes(cases[i].text, strlen(cases[i].text), true, &err);
        assert_string_equal(err.text, "");
        char *written = one_line(json_root(doc));
        assert_string_equal(written, cases[i].written);
        mem_free(written);
        json_free(doc);
    }
    json_free(NULL);
}

static void depth_is_bounded(void **state) {
    (void)state;
    char text[131];
    struct err err = {0};
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    struct json *doc = parse_bytes(text + 1, 128, false, &err);
    assert_non_null(doc);
    json_free(doc);
    refused(text, 130, false, "1:65: nested deeper than 64 levels");
}

static void size_is_bounded(void **state) {
    (void)state;
    struct err err = {0};
    char *text = mem_alloc(JSON_MAX_BYTES + 1, 1, "a test", &err);
    memset(text, ' ', JSON_MAX_BYTES + 1);
    text[0] = '1';
    struct json *doc = json_parse(text, JSON_MAX_BYTES, (struct json_options){0}, ERR_DATA, &err);
    assert_non_null(doc);
    json_free(doc);
    assert_null(json_parse(text, JSON_MAX_BYTES + 1, (struct json_options){0}, ERR_DATA, &err));
    assert_string_equal(err.text, "1:1: the text is 1048577 bytes long, at most 1048576 are allowed");
    assert_int_equal(err.kind, ERR_DATA);
    doc = json_parse(text, JSON_MAX_BYTES + 1, (struct json_options){.max_bytes = 1 << 21}, ERR_DATA, &err);
    assert_non_null(doc);
    json_free(doc);
    mem_free(text);
}

/* A hundred thousand keys, one of them twice: sorting finds it at once, comparing all pairs would take
 * minutes. */
static void many_keys_are_no_trouble(void **state) {
    (void)state;
    struct text t = {0};
    struct err err = {0};
    text_add(&t, "{");
    for (int i = 0; i < 100000; i++)
        text_addf(&t, "\"k%d\":1,\n", i);
    text_add(&t, "\"k777\":2}");
    assert_null(json_parse(t.s, t.len, (struct json_options){.max_bytes = t.len}, ERR_CONFIG, &err));
    assert_string_equal(err.text, "100001:1: duplicate key \"k777\": the first one is at 778:1");
    text_release(&t);
}

static void at_position(const struct json *doc, const cJSON *item, size_t line, size_t column) {
    size_t l = 0, c = 0;
    assert_non_null(item);
    assert_true(json_position(doc, item, &l, &c));
    assert_int_equal(l, line);
    assert_int_equal(c, column);
}

static void positions_are_kept(void **state) {
    (void)state;
    static const char text[] = "// first\n"
                               "{ \"\xE2\x82\xAC\": [10,\n"
                               "    {\"x\" : null}, /* \xC3\xA9 */ \"s\"],\n"
                               "  \"b\": 2 }\n";
    struct err err = {0};
    struct json *doc = parse_bytes(text, sizeof text - 1, true, &err);
    cJSON *root = json_root(doc), *list = root->child, *b = list->next;
    at_position(doc, root, 2, 1);
    at_position(doc, list, 2, 3);
    at_position(doc, list->child, 2, 9);
    at_position(doc, list->child->next, 3, 5);
    at_position(doc, list->child->next->child, 3, 6);
    at_position(doc, list->child->next->next, 3, 27);
    at_position(doc, b, 4, 3);
    size_t line, column;
    cJSON *other = cJSON_CreateNumber(3);
    assert_false(json_position(doc, other, &line, &column));
    assert_null(json_number_text(doc, other));
    cJSON_Delete(other);
    assert_false(json_position(doc, NULL, &line, &column));
    json_free(doc);
}

/* An item that is added where one was deleted may get its address, and must not get its position. */
static void added_items_have_no_position(void **state) {
    (void)state;
    size_t line, column;
    struct err err = {0};
    struct json *doc = parse_bytes("{\"a\":123456,\"b\":2}", 18, false, &err);
    cJSON *a = json_root(doc)->child, *fresh = cJSON_CreateNumber(5);
    a->type = fresh->type; /* what an allocator that gives the same address again leads to */
    assert_null(json_number_text(doc, a));
    assert_false(json_position(doc, a, &line, &column));
    at_position(doc, a->next, 1, 13);
    cJSON_Delete(fresh);
    json_free(doc);
}

static void number_texts_are_kept(void **state) {
    (void)state;
    static const char text[] =
        "[18446744073709551615,-0,1.50,\"7\",\n"
        "0.1000000000000000055511151231257827021181583404541015625000000000000000000000000000,1e2]";
    static const char *const literals[] = {
        "18446744073709551615",
        "-0",
        "1.50",
        NULL,
        "0.1000000000000000055511151231257827021181583404541015625000000000000000000000000000",
        "1e2",
    };
    struct err err = {0};
    struct json *doc = parse_bytes(text, sizeof text - 1, false, &err);
    const cJSON *item = json_root(doc)->child;
    for (size_t i = 0; i < 6; i++, item = item->next) {
        const char *literal = json_number_text(doc, item);
        if (literals[i] == NULL)
            assert_null(literal);
        else {
            assert_string_equal(literal, literals[i]);
            assert_true(item->valuedouble == strtod(literals[i], NULL));
        }
    }
    json_free(doc);
}

/* Numbers longer than cJSON's buffer, and halfway cases that need all digits. */
static void long_numbers_are_exact(void **state) {
    (void)state;
    static const char *const cases[] = {
        "1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "000",
        "-123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890.125e-50",
        "1."
        "0000000000000001110223024625156540423631668090820312500000000000000000000000000000000000000000000000"
        "1",
        "0."
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000123",
        "0."
        "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001e40"
        "0",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = {0};
        struct json *doc = parse_bytes(cases[i], strlen(cases[i]), false, &err);
        assert_true(json_root(doc)->valuedouble == strtod(cases[i], NULL));
        assert_string_equal(json_number_text(doc, json_root(doc)), cases[i]);
        json_free(doc);
    }
}

static void uint64_texts(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "-1",
                                      "-0",
                                      "+1",
                                      "1.0",
                                      "1e3",
                                      " 1",
                                      "1 ",
                                      "0x10",
                                      "18446744073709551616",
                                      "99999999999999999999999"};
    uint64_t value = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(json_uint64(bad[i], &value));
    assert_true(value == 7);
    assert_true(json_uint64("0", &value) && value == 0);
    assert_true(json_uint64("18446744073709551615", &value) && value == UINT64_MAX);
    assert_true(json_uint64("9007199254740993", &value) && value == 9007199254740993u);
}

static uint64_t next_random(uint64_t *s) {
    *s += 0x9E3779B97F4A7C15u; /* splitmix64 */
    uint64_t z = *s;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* Damaged texts never crash, and what the scan accepts cJSON reads: a failure there would be ERR_SYSTEM. */
static void damaged_texts_are_safe(void **state) {
    (void)state;
    static const char sound[] =
        "{\"name\": \"m\\u00e9\xE2\x82\xAC\", /*c*/ \"l\": [1, -2.5e3, {\"u\": null}], // x\n\"t\": true}";
    char text[sizeof sound];
    uint64_t seed = 4;
    for (int i = 0; i < 100000; i++) {
        memcpy(text, sound, sizeof sound);
        for (uint64_t n = next_random(&seed) % 4; n > 0; n--) {
            uint64_t r = next_random(&seed);
            text[r % (sizeof sound - 1)] =
                (r >> 32) % 2 ? (char)(r >> 40) : "{}[]\",:/*\\u0e-.1 \n"[(r >> 40) % 19];
        }
        struct err err = {0};
        struct json *doc = parse_bytes(text, (size_t)(next_random(&seed) % sizeof sound), true, &err);
        assert_true(doc != NULL || err.kind == ERR_CONFIG);
        json_free(doc);
    }
}

static struct json *parsed(const char *text) {
    struct err err = {0};
    struct json *doc = parse_bytes(text, strlen(text), false, &err);
    assert_non_null(doc);
    return doc;
}

static void paths_lead_to_items(void **state) {
    (void)state;
    struct json *doc = parsed("{\"a\": {\"b\": [1, {\"c\": 2}]}, \"ab\": 3, \"\": {\"x\": 4}, \"n\": null}");
    const struct {
        const char *path;
        double value; /* 0: there is none */
    } row[] = {{"ab", 3},    {"a.b.0", 1},     {"a.b.1.c", 2}, {".x", 4},   {"a.b.01", 0},
               {"a.b.2", 0}, {"a.b.-1", 0},    {"a.b.", 0},    {"b", 0},    {"a.b.1.cc", 0},
               {"ab.c", 0},  {"a.b.1.c.d", 0}, {"", 0},        {"a..b", 0}, {"a.b.99999999999999999999", 0}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        const cJSON *item = json_at(json_root(doc), row[i].path);
        if (cJSON_IsNumber(item) ? item->valuedouble != row[i].value : row[i].value != 0)
            fail_msg("%s", row[i].path);
    }
    assert_true(cJSON_IsNull(json_at(json_root(doc), "n")));
    json_free(doc);
}

static void the_first_difference_is_found(void **state) {
    (void)state;
    static const struct {
        const char *a, *b, *path; /* NULL: there is none */
    } row[] = {
        {"{\"a\": 1, \"b\": [true, null, \"x\"]}", "{\"b\": [true, null, \"x\"], \"a\": 1.0}", NULL},
        {"{\"a\": {\"t\": 1, \"c\": 2}, \"t\": 1}", "{\"a\": {\"t\": 2, \"c\": 2}}", NULL},
        {"{\"a\": {\"b\": 1, \"c\": 2}}", "{\"a\": {\"c\": 3, \"b\": 0}}", "a.b"},
        {"{\"a\": {\"b\": 1, \"c\": 2}}", "{\"a\": {\"b\": 1}}", "a.c"},
        {"{\"a\": {\"b\": 1}}", "{\"a\": {\"b\": 1, \"c\": 2}}", "a.c"},
        {"{\"a\": [1, 2]}", "{\"a\": [1, 2, 3]}", "a.2"},
        {"{\"a\": [[1], {\"x\": 2}]}", "{\"a\": [[1], {\"x\": 3}]}", "a.1.x"},
        {"{\"a\": true}", "{\"a\": false}", "a"},
        {"{\"a\": 1}", "{\"a\": \"1\"}", "a"},
        {"{\"a\": {}}", "{\"a\": []}", "a"},
        {"{\"a\": 0.1}", "{\"a\": 0.10000000000000002}", "a"},
        {"1", "2", ""},
    };
    static const char *const ignored[] = {"t", NULL};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct json *a = parsed(row[i].a), *b = parsed(row[i].b);
        struct json_difference found;
        bool differ = json_differ(json_root(a), json_root(b), ignored, &found);
        const char *path = found.path.s ? found.path.s : "";
        if (differ != (row[i].path != NULL) || (differ && strcmp(path, row[i].path) != 0))
            fail_msg("%s, %s: %s", row[i].a, row[i].b, differ ? path : "no difference");
        json_difference_release(&found);
        json_free(a);
        json_free(b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_texts_are_refused), cmocka_unit_test(bad_comments_are_refused),
        cmocka_unit_test(good_texts_are_read),   cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(size_is_bounded),       cmocka_unit_test(many_keys_are_no_trouble),
        cmocka_unit_test(positions_are_kept),    cmocka_unit_test(added_items_have_no_position),
        cmocka_unit_test(number_texts_are_kept), cmocka_unit_test(long_numbers_are_exact),
        cmocka_unit_test(uint64_texts),          cmocka_unit_test(damaged_texts_are_safe),
        cmocka_unit_test(paths_lead_to_items),   cmocka_unit_test(the_first_difference_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
