/* R squared as scikit-learn's r2_score has it. */
#include "support.h"

#include <math.h>

#include "fit/r_squared.h"

enum { ROWS = 4, OUTPUTS = 3 };

static real targets[ROWS * OUTPUTS] = {3, 0.5, 7, -0.5, 1, 7, 2, 1.5, 7, 7, -2, 7};
static const real predicted[ROWS * OUTPUTS] = {2.5, 0.5, 7, 0, 1.25, 7, 2, 1, 7, 8, -1.75, 7.5};

static void the_values_of_sklearn(void **state) {
    (void)state;
    /* r2_score(t, y, multioutput="raw_values") and its mean; the last column is constant, and once hit */
    static const double expected[OUTPUTS] = {0.9486081370449679, 0.9482758620689655, 0};
    const struct dataset set = {.images.rows = ROWS, .targets = targets, .target_width = OUTPUTS};
    const struct data_part all = dataset_all(&set);
    double each[OUTPUTS];
    real exact[ROWS * OUTPUTS];
    assert_true(fabs(r_squared(&all, predicted, each) - 0.6322946663713112) < 1e-15);
    for (size_t o = 0; o < OUTPUTS; o++)
        assert_true(fabs(each[o] - expected[o]) < 1e-15);
    for (size_t i = 0; i < ROWS * OUTPUTS; i++)
        exact[i] = i % OUTPUTS == 2 ? 7 : predicted[i];
    assert_true(fabs(r_squared(&all, exact, each) - 0.9656279997046445) < 1e-15);
    assert_true(each[2] == 1);
}

static void rows_of_a_part(void **state) {
    (void)state;
    /* r2_score([[-0.5], [7]], [[0], [8]]) */
    static const uint32_t row[] = {1, 3};
    static const real two[] = {0, 1, 7, 8, -2, 7};
    const struct dataset set = {.images.rows = ROWS, .targets = targets, .target_width = OUTPUTS};
    const struct data_part part = {.set = &set, .row = row, .count = 2}, one = {.set = &set, .count = 1};
    double each[OUTPUTS];
    (void)r_squared(&part, two, each);
    assert_true(fabs(each[0] - 0.9555555555555556) < 1e-15);
    assert_true(each[1] == 1 && each[2] == 1);
    assert_true(isnan(r_squared(&one, two, each)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_values_of_sklearn),
        cmocka_unit_test(rows_of_a_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
