/* Importance weights of Gaussian shifts, whose effective sample sizes are known in closed form, and the
 * limits, defaults and figures of any. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shift/importance.h"

static const double none = (double)NAN;

static void near(double got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance * fabs(expected)))
        fail_msg("expected %.17g, got %.17g", expected, got);
}

static double mean(const double *w, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += w[i];
    return sum / (double)count;
}

/* ---- Gaussian shifts ---- */

enum { GRID = 100000 };

/* The quantiles of the standard normal distribution at (i + 1/2) / GRID, by Newton's method from the one
 * before. */
static void quantiles(double *x) {
    double at = -4.5;
    for (size_t i = 0; i < GRID; i++) {
        double p = ((double)i + .5) / GRID;
        for (int step = 0; step < 8; step++) {
            double move = (p - .5 * erfc(-at * sqrt(.5))) / (exp(-at * at / 2) / sqrt(2 * M_PI));
            at += move;
            if (fabs(move) < 1e-9)
                break;
        }
        x[i] = at;
    }
}

struct gauss {
    double mean, deviation;
};

static double log_density(struct gauss g, double x) {
    double z = (x - g.mean) / g.deviation;
    return -z * z / 2 - log(g.deviation);
}

/* E w = 1, and E w^2 is the second: the mean ratio, and the share of the samples that the weights leave.
 * N(0, 1) to N(m, 1) leaves exp(-m^2); the others are by integrals, 1 / 14.866 and .4176. */
static void samples_that_a_shift_leaves(void **state) {
    (void)state;
    static const struct {
        struct gauss source, target;
        double left;
    } rows[] = {{{0, 1}, {1, 1}, .36788},
                {{0, 1}, {-.5, 1}, .77880},
                {{0, 1}, {0, 1}, 1},
                {{1, .5}, {2, .25}, 1 / 14.866},
                {{.5, .5}, {0, .3}, .4176}};
    static double x[GRID], w[GRID];
    quantiles(x);
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        for (size_t i = 0; i < GRID; i++) {
            double at = rows[row].source.mean + rows[row].source.deviation * x[i];
            w[i] = exp(log_density(rows[row].target, at) - log_density(rows[row].source, at));
        }
        double largest = 0;
        for (size_t i = 0; i < GRID; i++)
            largest = fmax(largest, w[i]);
        struct importance figures;
        assert_true(importance_weigh(w, GRID, GRID, none, none, &figures));
        near(figures.ess / GRID, rows[row].left, .008);
        near(figures.mean_ratio, 1, .001);
        near(figures.max, largest, .001);
        near(mean(w, GRID), 1, 1e-12);
    }
}

/* ---- limits ---- */

static void a_clip_and_its_share(void **state) {
    (void)state;
    double r[] = {.5, 10, 11, 1e300, (double)INFINITY, (double)NAN, 0, 2, 40, 5};
    struct importance figures;
    assert_true(importance_weigh(r, 10, 8, 10, none, &figures));
    static const double cut[] = {.5, 10, 10, 10, 10, 10, 0, 2, 10, 5};
    double average = mean(cut, 8);
    for (size_t i = 0; i < 10; i++)
        near(r[i], cut[i] / average, 1e-15);
    assert_true(figures.clipped == 4. / 8 && figures.counted == 7 && figures.mean_ratio == average);
    double plain[] = {.5, 10, 12};
    assert_true(importance_weigh(plain, 3, 3, 0, none, &figures) && isnan(figures.clipped));
    near(plain[2], 12 / 7.5, 1e-15);
}

/* Without a limit the largest finite ratio is one. */
static void without_a_limit_infinity_is_the_largest(void **state) {
    (void)state;
    double r[] = {1, (double)INFINITY, 3, (double)NAN};
    struct importance figures;
    assert_true(importance_weigh(r, 4, 4, none, none, &figures));
    static const double w[] = {.4, 1.2, 1.2, 1.2};
    for (size_t i = 0; i < 4; i++)
        near(r[i], w[i], 1e-15);
}

/* q / (a q + (1 - a) p), never above 1 / a before the mean is taken out, and rising with the ratio; a clip
 * beside it does nothing. */
static void relative_ratios_are_bounded(void **state) {
    (void)state;
    static const double alphas[] = {1e-6, .1, .3, .5, .9, 1 - 0x1p-53};
    for (size_t a = 0; a < sizeof alphas / sizeof *alphas; a++) {
        double r[700], alpha = alphas[a];
        enum { LAST = 699 };
        for (int i = 0; i < LAST; i++)
            r[i] = ldexp(1, 3 * (i - 350));
        r[LAST] = (double)INFINITY;
        struct importance figures;
        assert_true(importance_weigh(r, 700, 700, 2, alpha, &figures) && isnan(figures.clipped));
        for (int i = 0; i <= LAST; i++) {
            double ratio = r[i] * figures.mean_ratio, given = ldexp(1, 3 * (i - 350));
            assert_true(ratio <= 1 / alpha * (1 + 1e-14));
            assert_true(i == 0 || r[i] >= r[i - 1]);
            if (given > 1e-300 && given < 1e290)
                near(ratio, given / (alpha * given + (1 - alpha)), 1e-14);
        }
        near(r[LAST] * figures.mean_ratio, 1 / alpha, 1e-14);
    }
    double r[] = {0, .5, 4};
    struct importance figures;
    assert_true(importance_weigh(r, 3, 3, none, 0, &figures));
    assert_true(r[0] == 0 && r[1] == .5 / 1.5 && r[2] == 4 / 1.5);
}

/* The mean ratio of one sample is that sample's, before anything is divided by. */
static void no_rounding_exceeds_the_bound(void **state) {
    (void)state;
    for (int a = 1; a < 40; a++)
        for (int i = 40; i < 1000; i += 7) {
            double alpha = a / 40., r = ldexp(1 + i / 1000., i);
            struct importance figures;
            assert_true(importance_weigh(&r, 1, 1, none, alpha, &figures));
            assert_true(figures.mean_ratio <= 1 / alpha);
        }
}

/* ---- weights of nothing ---- */

static void ratios_that_tell_nothing_become_1(void **state) {
    (void)state;
    static const double cases[][3] = {{0, 0, 5}, {1e-310, 1e-320, 5}, {0, (double)NAN, 0}};
    for (size_t c = 0; c < 3; c++)
        for (int with_alpha = 0; with_alpha < 2; with_alpha++) {
            double r[3];
            struct importance figures;
            memcpy(r, cases[c], sizeof r);
            if (c == 2 && with_alpha)
                continue; /* there the limit is a ratio */
            assert_false(importance_weigh(r, 3, 2, none, with_alpha ? .1 : none, &figures));
            assert_true(r[0] == 1 && r[1] == 1 && r[2] == 1);
            assert_true(figures.ess == 2 && figures.max == 1 && figures.counted == 2);
        }
    double r[] = {3};
    struct importance figures;
    assert_false(importance_weigh(r, 1, 0, none, none, &figures));
    assert_true(r[0] == 1 && figures.ess == 0);
}

static void a_sum_that_overflows(void **state) {
    (void)state;
    double r[] = {1e308, 1e308, 1e308, 1, 0};
    struct importance figures;
    assert_true(importance_weigh(r, 5, 5, none, none, &figures));
    near(r[0], 5. / 3, 1e-15);
    near(figures.ess, 3, 1e-15);
    assert_true(r[3] > 0 && r[3] < 1e-300 && r[4] == 0);
}

/* ---- identities ---- */

/* Weighted moments are those of the data with every row as often as it weighs, whatever unit the ratio is
 * in. */
static void weights_are_repeated_rows(void **state) {
    (void)state;
    static const double x[] = {1, 4, -2, 7, 3}, times[] = {2, 0, 1, 3, 4};
    double repeated[10], w[5], scaled[5], sum = 0, square = 0;
    size_t rows = 0;
    for (size_t i = 0; i < 5; i++) {
        for (int k = 0; k < (int)times[i]; k++)
            repeated[rows++] = x[i];
        w[i] = times[i];
        scaled[i] = 1024 * times[i];
    }
    struct importance figures, same;
    assert_true(importance_weigh(w, 5, 5, none, none, &figures));
    assert_true(importance_weigh(scaled, 5, 5, none, none, &same));
    assert_memory_equal(w, scaled, sizeof w);
    for (size_t i = 0; i < 5; i++) {
        assert_true(w[i] == times[i] / 2);
        sum += w[i] * x[i];
        square += w[i] * x[i] * x[i];
    }
    double first = 0, second = 0;
    for (size_t i = 0; i < rows; i++) {
        first += repeated[i];
        second += repeated[i] * repeated[i];
    }
    near(sum / 5, first / 10, 1e-15);
    near(square / 5, second / 10, 1e-15);
    near(figures.ess, 100. / 30, 1e-15);
    assert_true(figures.counted == 4 && figures.max == 2);
}

static void bins_of_weights(void **state) {
    (void)state;
    static const double w[] = {0, .031, 1. / 32, .99, 1, 1.5, 2, 31.9, 32, 1e6};
    struct importance figures;
    importance_describe(w, 10, &figures);
    static const size_t expected[IMPORTANCE_BINS] = {2, 1, 0, 0, 0, 1, 2, 1, 0, 0, 1, 2};
    assert_memory_equal(figures.histogram, expected, sizeof expected);
    assert_true(figures.edge[0] == 0 && figures.edge[1] == 1. / 32 && figures.edge[6] == 1);
    assert_true(figures.edge[11] == 32 && isinf(figures.edge[12]));
    size_t sum = 0;
    for (int b = 0; b < IMPORTANCE_BINS; b++)
        sum += figures.histogram[b];
    assert_true(sum == 10 && figures.counted == 9 && figures.max == 1e6 && isnan(figures.clipped));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_that_a_shift_leaves),
        cmocka_unit_test(a_clip_and_its_share),
        cmocka_unit_test(without_a_limit_infinity_is_the_largest),
        cmocka_unit_test(relative_ratios_are_bounded),
        cmocka_unit_test(no_rounding_exceeds_the_bound),
        cmocka_unit_test(ratios_that_tell_nothing_become_1),
        cmocka_unit_test(a_sum_that_overflows),
        cmocka_unit_test(weights_are_repeated_rows),
        cmocka_unit_test(bins_of_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
