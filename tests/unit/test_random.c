/* Philox against the known answers published with Random123 (kat_vectors, philox4x32 10), and the
 * distribution of the normal deviates. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "kernel/random.h"

static const struct {
    uint32_t counter[4], key[2], expected[4];
} known_answers[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static void test_philox(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof known_answers / sizeof *known_answers; i++) {
        const uint32_t *c = known_answers[i].counter, *k = known_answers[i].key;
        struct random_block b = random_philox((uint64_t)k[1] << 32 | k[0], c[0], c[1], c[2], c[3]);
        assert_memory_equal(b.v, known_answers[i].expected, sizeof b.v);
    }
}

static void test_words_and_units(void **state) {
    (void)state;
    struct random_block b = {{0x01234567, 0x89abcdef, 0xffffffff, 0xffffffff}};
    assert_true(random_word(b, 0) == UINT64_C(0x89abcdef01234567));
    assert_true(random_word(b, 1) == UINT64_MAX);
    assert_true(random_unit(b, 1) == 1 - 0x1p-53);
    assert_true(random_unit((struct random_block){{0x7ff, 0, 0x800, 0}}, 0) == 0);
    assert_true(random_unit((struct random_block){{0x7ff, 0, 0x800, 0}}, 1) == 0x1p-53);
}

/* The ends of both uniform numbers: radius 0, and sqrt(2 * 53 log 2) for the largest u. */
static void test_normal_extremes(void **state) {
    (void)state;
    double z[2];
    random_normal_pair((struct random_block){{0, 0, 0, 0}}, z);
    assert_true(z[0] == 0 && z[1] == 0);
    random_normal_pair((struct random_block){{UINT32_MAX, UINT32_MAX, 0, 0}}, z);
    assert_true(fabs(z[0] - 8.57167434865291) < 1e-12 && z[1] == 0);
    random_normal_pair((struct random_block){{UINT32_MAX, UINT32_MAX, 0, 1u << 30}}, z);
    assert_true(z[0] == 0 && fabs(z[1] - 8.57167434865291) < 1e-12);
}

enum { PAIRS = 20000, COUNT = 2 * PAIRS };

static double *deviates(void) {
    double *z = calloc(COUNT, sizeof *z);
    assert_non_null(z);
    for (uint32_t i = 0; i < PAIRS; i++)
        random_normal_pair(random_philox(42, STREAM_INIT, 0, i, 0), z + 2 * i);
    return z;
}

/* The first four moments and the correlation within pairs, each within four standard errors. */
static void test_normal_moments(void **state) {
    (void)state;
    double *z = deviates(), moment[5] = {0}, product = 0;
    for (size_t i = 0; i < COUNT; i++) {
        double power = 1;
        for (int k = 1; k <= 4; k++) {
            power *= z[i];
            moment[k] += power / COUNT;
        }
        product += i % 2 == 0 ? z[i] * z[i + 1] / PAIRS : 0;
    }
    free(z);
    double unit = 4 / sqrt(COUNT);
    assert_true(fabs(moment[1]) < unit);
    assert_true(fabs(moment[2] - 1) < unit * sqrt(2));
    assert_true(fabs(moment[3]) < unit * sqrt(15));
    assert_true(fabs(moment[4] - 3) < unit * sqrt(96));
    assert_true(fabs(product) < 4 / sqrt(PAIRS));
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov's distance from the normal distribution, at the level 0.001. */
static void test_normal_distribution(void **state) {
    (void)state;
    double *z = deviates(), distance = 0;
    qsort(z, COUNT, sizeof *z, by_value);
    for (size_t i = 0; i < COUNT; i++) {
        double p = 0.5 * erfc(-z[i] / sqrt(2));
        distance = fmax(distance, fmax(p - (double)i / COUNT, (double)(i + 1) / COUNT - p));
    }
    free(z);
    assert_true(distance < 1.95 / sqrt(COUNT));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_philox),
        cmocka_unit_test(test_words_and_units),
        cmocka_unit_test(test_normal_extremes),
        cmocka_unit_test(test_normal_moments),
        cmocka_unit_test(test_normal_distribution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
