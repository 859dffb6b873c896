/* Look-up of names and the nearest name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/names.h"

static const char *key(size_t i) {
    static const char *const keys[] = {"learning_rate", "momentum", "lr", "units", "Units", "relu", "elu"};
    return i < sizeof keys / sizeof keys[0] ? keys[i] : NULL;
}

static const char *nothing(size_t i) {
    (void)i;
    return NULL;
}

static void find_is_exact(void **state) {
    (void)state;
    assert_int_equal(names_find(key, "learning_rate"), 0);
    assert_int_equal(names_find(key, "Units"), 4);
    assert_int_equal(names_find(key, "UNITS"), -1);
    assert_int_equal(names_find(key, ""), -1);
    assert_int_equal(names_find(nothing, "lr"), -1);
}

/* Textbook cases; "ca" to "abc" is 3 for optimal string alignment and 2 for unrestricted
 * Damerau-Levenshtein. */
static void distance_is_optimal_string_alignment(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        size_t distance;
    } cases[] = {
        {"", "", 0},
        {"", "abc", 3},
        {"abc", "", 3},
        {"kitten", "sitting", 3},
        {"ca", "abc", 3},
        {"ab", "ba", 1},
        {"abcd", "acbd", 1},
        {"abcd", "badc", 2},
        {"saturday", "sunday", 3},
        {"same", "same", 0},
        {"SaMe", "sAmE", 0},
        {"AB", "ba", 1},
        {"flaw", "lawn", 2},
        {"a", "b", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(names_distance(cases[i].a, cases[i].b), cases[i].distance);
        assert_int_equal(names_distance(cases[i].b, cases[i].a), cases[i].distance);
    }
}

static void distance_takes_any_length(void **state) {
    (void)state;
    char a[1000], b[300];
    memset(a, 'x', sizeof a);
    memset(b, 'x', sizeof b);
    a[999] = b[255] = '\0';
    assert_int_equal(names_distance(a, b), 999);
    assert_int_equal(names_distance(b, a), 999);
    assert_int_equal(names_distance(b, b + 5), 5);
    assert_null(names_nearest(key, a));
}

static void nearest_is_near(void **state) {
    (void)state;
    assert_string_equal(names_nearest(key, "learing_rate"), "learning_rate");
    assert_string_equal(names_nearest(key, "LEARNING_RATE"), "learning_rate");
    assert_string_equal(names_nearest(key, "momentmu"), "momentum");
    assert_string_equal(names_nearest(key, "rl"), "lr");
    assert_string_equal(names_nearest(key, "unit"), "units");
    assert_string_equal(names_nearest(key, "rely"), "relu");
    assert_string_equal(names_nearest(key, "selu"), "relu"); /* of equals the first */
    assert_null(names_nearest(key, "batch_size"));
    assert_null(names_nearest(key, "x"));
    assert_null(names_nearest(key, ""));
    assert_null(names_nearest(nothing, "lr"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find_is_exact),
        cmocka_unit_test(distance_is_optimal_string_alignment),
        cmocka_unit_test(distance_takes_any_length),
        cmocka_unit_test(nearest_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
