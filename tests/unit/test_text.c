/* Errors, memory and growable text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static void err_set_fills_and_returns_false(void **state) {
    (void)state;
    struct err err = {0};
    assert_false(err_set(&err, ERR_DATA, "expected %d, found %s", 3, "four"));
    assert_int_equal(err.kind, ERR_DATA);
    assert_string_equal(err.text, "expected 3, found four");
    assert_false(err_prefix(&err, "%s", "file.csv"));
    assert_int_equal(err.kind, ERR_DATA);
    assert_string_equal(err.text, "file.csv: expected 3, found four");
}

static void err_arguments_may_be_its_own_text(void **state) {
    (void)state;
    struct err err = {0};
    err_set(&err, ERR_CONFIG, "inner");
    err_set(&err, ERR_SYSTEM, "outer (%s)", err.text);
    assert_string_equal(err.text, "outer (inner)");
}

static void err_is_one_line(void **state) {
    (void)state;
    struct err err = {0};
    err_set(&err, ERR_DATA, "%s: cannot open", "a\nb\033[31m\x7F");
    assert_string_equal(err.text, "a?b?[31m?: cannot open");
}

/* Whatever the length of what stands in front, the cut never leaves half a character. */
static void err_is_cut_between_characters(void **state) {
    (void)state;
    static const char *const characters[] = {"x", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    for (size_t c = 0; c < 4; c++)
        for (size_t lead = 0; lead < 4; lead++) {
            struct text t = {0};
            for (size_t i = 0; i < lead; i++)
                text_add(&t, "-");
            while (t.len < 2000)
                text_add(&t, characters[c]);
            struct err err = {0};
            err_set(&err, ERR_DATA, "%s", t.s);
            size_t len = strlen(err.text);
            assert_true(len > sizeof err.text - 1 - 4 && len < sizeof err.text);
            assert_int_equal((len - lead) % strlen(characters[c]), 0);
            assert_memory_equal(err.text, t.s, len);
            text_release(&t);
        }
}

static void mem_alloc_gives_zeros(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 63, 4096, 3 << 20};
    for (size_t i = 0; i < 5; i++) {
        struct err err = {0};
        unsigned char *p = mem_alloc(sizes[i], 1, "a test", &err);
        unsigned char *q = mem_alloc_aligned(1, sizes[i], "a test", &err);
        assert_non_null(p);
        assert_non_null(q);
        assert_int_equal((uintptr_t)q % MEM_ALIGN, 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_true(p[k] == 0 && q[k] == 0);
        mem_free(p);
        mem_free(q);
    }
    mem_free(NULL);
}

static void mem_alloc_refuses_what_does_not_fit(void **state) {
    (void)state;
    struct err err = {0};
    assert_null(mem_alloc(SIZE_MAX / 2, 3, "the labels", &err));
    assert_int_equal(err.kind, ERR_SYSTEM);
    assert_non_null(strstr(err.text, "the labels"));
    assert_null(mem_alloc_aligned(SIZE_MAX, 1, "the images", &err));
    assert_non_null(strstr(err.text, "the images"));
}

static void mem_mul_sees_overflow(void **state) {
    (void)state;
    size_t product = 7;
    assert_true(mem_mul(0, SIZE_MAX, &product));
    assert_int_equal(product, 0);
    assert_true(mem_mul(SIZE_MAX / 5, 5, &product));
    assert_int_equal(product, SIZE_MAX / 5 * 5);
    assert_false(mem_mul(SIZE_MAX / 5 + 1, 5, &product));
    assert_int_equal(product, SIZE_MAX / 5 * 5);
}

static void mem_string_copies(void **state) {
    (void)state;
    struct err err = {0};
    char source[] = "abc", *copy = mem_string(source, &err);
    source[0] = 'x';
    assert_string_equal(copy, "abc");
    mem_free(copy);
}

static void text_grows(void **state) {
    (void)state;
    struct text t = {0};
    struct err err = {0};
    text_add(&t, "");
    assert_string_equal(t.s, "");
    for (int i = 0; i < 1000; i++) {
        text_addf(&t, "%d,", i % 10);
        assert_int_equal(t.len, 2 * (i + 1));
        assert_int_equal(strlen(t.s), t.len);
    }
    for (int i = 0; i < 1000; i++)
        assert_true(t.s[2 * i] == '0' + i % 10 && t.s[2 * i + 1] == ',');
    text_add_bytes(&t, "a\0b", 3);
    assert_memory_equal(t.s + 2000, "a\0b", 4);
    assert_true(text_ok(&t, &err));
    text_reset(&t);
    assert_string_equal(t.s, "");
    assert_int_equal(t.len, 0);
    text_release(&t);
    assert_null(t.s);
}

static void text_addf_takes_long_texts(void **state) {
    (void)state;
    struct text t = {0};
    text_addf(&t, "%5000d|%s", 42, "end");
    assert_int_equal(t.len, 5004);
    assert_string_equal(t.s + 4998, "42|end");
    text_release(&t);
}

/* Only an append that cannot be satisfied fails; the failure stays until it is asked for. */
static void text_remembers_failure(void **state) {
    (void)state;
    struct text t = {0};
    struct err err = {0};
    text_add(&t, "abc");
    text_add_bytes(&t, "x", SIZE_MAX / 2 + 1);
    text_add(&t, "def");
    assert_string_equal(t.s, "abc");
    assert_false(text_ok(&t, &err));
    assert_int_equal(err.kind, ERR_SYSTEM);
    text_release(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(err_set_fills_and_returns_false),
        cmocka_unit_test(err_arguments_may_be_its_own_text),
        cmocka_unit_test(err_is_one_line),
        cmocka_unit_test(err_is_cut_between_characters),
        cmocka_unit_test(mem_alloc_gives_zeros),
        cmocka_unit_test(mem_alloc_refuses_what_does_not_fit),
        cmocka_unit_test(mem_mul_sees_overflow),
        cmocka_unit_test(mem_string_copies),
        cmocka_unit_test(text_grows),
        cmocka_unit_test(text_addf_takes_long_texts),
        cmocka_unit_test(text_remembers_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
