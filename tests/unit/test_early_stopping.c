/* Early stopping: which epoch is best, when it is over. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>

#include "fit/early_stopping.h"

struct course {
    const char *name;
    bool higher;
    size_t patience;
    double min_delta;
    double value[10];
    size_t values, end, best; /* the epoch behind which it is over (0: never), the best one */
};

/* Ends and best epochs found by hand from the rule: over behind `patience` epochs in a row none of which was
 * better by more than min_delta than the last that was. */
static const struct course courses[] = {
    {"falls for ever", false, 1, 0, {5, 4, 3, 2, 1}, 5, 0, 5},
    {"turns", false, 2, 0, {5, 3, 4, 6, 2}, 5, 4, 2},
    {"patience counts in a row", false, 2, 0, {5, 6, 4, 5, 3, 4, 4}, 7, 7, 5},
    {"equal is no improvement", false, 2, 0, {1, 1, 1, 1}, 4, 3, 1},
    {"patience of 1", false, 1, 0, {1, .5, .5, .1}, 4, 3, 2},
    {"patience of 0 is as 1", false, 0, 0, {1, .5, .75, .1}, 4, 3, 2},
    {"higher is better", true, 2, 0, {.5, .75, .5, .75, 1}, 5, 4, 2},
    {"negative values", true, 2, 0, {-3, -2, -4, -5}, 4, 4, 2},
    {"gains of min_delta are none, but the best counts", false, 3, .25, {2, 1.75, 1.875, 1.8125, 1}, 5, 4, 2},
    {"small gains count together", false, 2, .25, {2, 1.8125, 1.6875, 1.5625, 1.375}, 5, 0, 5},
    {"small gains count together, upwards", true, 2, .25, {0, .1875, .3125, .4375, .625}, 5, 0, 5},
    {"a NaN is never best", false, 3, 0, {NAN, 3, NAN, NAN, 2, NAN, NAN, NAN}, 8, 8, 5},
    {"NaNs alone", true, 2, 0, {NAN, NAN}, 2, 2, 0},
    {"infinity is a value", false, 2, 0, {INFINITY, INFINITY, 1}, 3, 2, 1},
};

static void courses_end_where_they_should(void **state) {
    (void)state;
    for (size_t c = 0; c < sizeof courses / sizeof *courses; c++) {
        const struct course *course = &courses[c];
        struct early_stopping s;
        size_t end = 0, best = 0;
        early_stopping_init(&s, course->higher, course->patience, course->min_delta);
        assert_false(early_stopping_due(&s));
        for (size_t i = 0; i < course->values && end == 0; i++) {
            if (early_stopping_note(&s, course->value[i]))
                best = i + 1;
            end = early_stopping_due(&s) ? i + 1 : 0;
        }
        if (end != course->end || best != course->best)
            fail_msg("%s: over behind epoch %zu, best %zu", course->name, end, best);
        assert_int_equal(s.best_epoch, best);
        assert_true(best ? s.best == course->value[best - 1] : isnan(s.best));
    }
}

static void without_patience_it_never_ends(void **state) {
    (void)state;
    struct early_stopping s;
    early_stopping_init(&s, false, SIZE_MAX, 0);
    for (int i = 0; i < 100000; i++)
        early_stopping_note(&s, i);
    assert_false(early_stopping_due(&s));
    assert_int_equal(s.best_epoch, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(courses_end_where_they_should),
        cmocka_unit_test(without_patience_it_never_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
