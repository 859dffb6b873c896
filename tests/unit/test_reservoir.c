/* The random choice of samples that a stream has shown. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "data/reservoir.h"

enum { ROWS = 100, WIDTH = 3, CAPACITY = 10, SEEDS = 2000 };

static uint8_t images[ROWS * WIDTH];
static uint32_t classes[ROWS];

/* Row i is of class i and has i, i + 1 and i + 2 for its values. */
static struct dataset numbered(void) {
    for (size_t i = 0; i < ROWS; i++) {
        classes[i] = (uint32_t)i;
        for (size_t f = 0; f < WIDTH; f++)
            images[i * WIDTH + f] = (uint8_t)(i + f);
    }
    return (struct dataset){
        .images =
            {.type = IDX_U8, .dims = 2, .dim = {ROWS, WIDTH}, .rows = ROWS, .width = WIDTH, .values = images},
        .features = WIDTH,
        .cls = classes,
        .class_count = ROWS};
}

static struct reservoir make(const struct dataset *set, uint64_t seed) {
    struct reservoir r;
    struct err err;
    assert_true(reservoir_init(&r, CAPACITY, set, seed, &err));
    return r;
}

static void it_keeps_all_while_there_is_room(void **state) {
    (void)state;
    struct dataset set = numbered();
    struct reservoir r = make(&set, 1);
    const uint32_t rows[] = {7, 11, 60};
    const struct data_part part = {.set = &set, .row = rows, .count = 3};
    assert_int_equal(r.held.images.rows, 0);
    reservoir_see(&r, &part);
    assert_int_equal(r.held.images.rows, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(r.held.cls[i], rows[i]);
        for (size_t f = 0; f < WIDTH; f++)
            assert_int_equal(((uint8_t *)r.held.images.values)[i * WIDTH + f], rows[i] + f);
    }
    reservoir_empty(&r);
    assert_int_equal(r.held.images.rows, 0);
    reservoir_release(&r);
}

/* Over 2000 seeds every row is held 2000 * 10 / 100 = 200 times, give or take sqrt(2000 * .1 * .9) = 13.4: a
 * bound of 5 of them. Images and classes go together. */
static void every_row_is_held_as_often(void **state) {
    (void)state;
    struct dataset set = numbered();
    const struct data_part part = dataset_all(&set);
    size_t held[ROWS] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct reservoir r = make(&set, seed);
        reservoir_see(&r, &part);
        assert_int_equal(r.held.images.rows, CAPACITY);
        for (size_t i = 0; i < CAPACITY; i++) {
            assert_int_equal(((uint8_t *)r.held.images.values)[i * WIDTH], r.held.cls[i]);
            held[r.held.cls[i]]++;
        }
        reservoir_release(&r);
    }
    for (size_t i = 0; i < ROWS; i++)
        assert_in_range(held[i], 200 - 67, 200 + 67);
}

/* What is seen in two parts is drawn as what is seen at once; a reset goes on with other numbers. */
static void draws_are_keyed_by_the_running_number(void **state) {
    (void)state;
    struct dataset set = numbered();
    const struct data_part part = dataset_all(&set);
    uint32_t row[ROWS];
    for (uint32_t i = 0; i < ROWS; i++)
        row[i] = i;
    const struct data_part first = {.set = &set, .row = row, .count = 33},
                           rest = {.set = &set, .row = row + 33, .count = ROWS - 33};
    struct reservoir a = make(&set, 5), b = make(&set, 5);
    reservoir_see(&a, &part);
    reservoir_see(&b, &first);
    reservoir_see(&b, &rest);
    assert_memory_equal(a.held.cls, b.held.cls, CAPACITY * sizeof *a.held.cls);
    reservoir_empty(&b);
    reservoir_see(&b, &part);
    assert_memory_not_equal(a.held.cls, b.held.cls, CAPACITY * sizeof *a.held.cls);
    reservoir_release(&a);
    reservoir_release(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_keeps_all_while_there_is_room),
        cmocka_unit_test(every_row_is_held_as_often),
        cmocka_unit_test(draws_are_keyed_by_the_running_number),
    };
    return cmocka_run_group_tests_name("reservoir", tests, NULL, NULL);
}
