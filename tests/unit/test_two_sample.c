/* Tests of two samples against values of mpmath, scipy, scikit-learn and statsmodels, and by the law of their
 * p-values where both samples are of one distribution. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/random.h"
#include "shift/two_sample.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void near(double got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance * fabs(expected)))
        fail_msg("expected %.17g, got %.17g", expected, got);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* That p-values are uniform on [0, 1]: their largest distance from it times the root of their number is
 * above 1.95 once in a thousand times. */
static void assert_uniform(double *p, size_t count) {
    double gap = 0;
    qsort(p, count, sizeof *p, ascending);
    for (size_t i = 0; i < count; i++) {
        gap = fmax(gap, fabs(p[i] - (double)i / (double)count));
        gap = fmax(gap, fabs(p[i] - (double)(i + 1) / (double)count));
    }
    if (!(gap * sqrt((double)count) < 1.95))
        fail_msg("p-values are off a uniform distribution by %g", gap);
}

static double unit(uint32_t repeat, uint32_t sample) {
    return random_unit(random_philox(5, STREAM_CHECK, repeat, 0, sample), 0);
}

static double normal(uint32_t repeat, uint32_t sample) {
    double pair[2];
    random_normal_pair(random_philox(5, STREAM_CHECK, repeat, 1, sample), pair);
    return pair[0];
}

/* erfc(z / sqrt(2)) / 2 by mpmath at 40 digits; scipy.stats.norm.sf is off by 2e-13 far out. */
static void tails_of_the_normal(void **state) {
    (void)state;
    static const struct {
        double z, tail;
    } rows[] = {
        {-10, 1},
        {-3, 0.9986501019683699},
        {-1.5, 0.93319279873114191},
        {-0.5, 0.69146246127401312},
        {0, 0.5},
        {0.25, 0.4012936743170763},
        {0.5, 0.30853753872598688},
        {0.999999, 0.15865549590230257},
        {1, 0.15865525393145705},
        {1.000001, 0.15865501196085355},
        {1.25, 0.10564977366685525},
        {2, 0.022750131948179209},
        {3, 0.0013498980316300946},
        {5, 2.8665157187919391e-07},
        {8.3, 5.2055697448902539e-17},
        {10, 7.6198530241605255e-24},
        {20.123, 2.320627050017225e-90},
        {30, 4.9067139271481872e-198},
        {37.5, 4.6053530095819552e-308},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        near(normal_tail(rows[i].z), rows[i].tail, 4e-15);
    assert_true(normal_tail(1e300) == 0 && normal_tail((double)INFINITY) == 0);
    assert_true(normal_tail(-(double)INFINITY) == 1 && isnan(normal_tail((double)NAN)));
}

/* ---- Kolmogorov and Smirnov ---- */

/* i * step modulo count in units of 1 / count, shuffled so that sorting has something to do. */
static void fill_grid(double *x, size_t count, size_t step, double shift) {
    for (size_t i = 0; i < count; i++)
        x[i] = (double)(i * step % count) / (double)count + shift;
}

/* The test of samples that all weigh the same, which is whatever that weight is. */
static double test_plain(const double *a, size_t a_count, double *b, size_t b_count, double *gap) {
    struct weighted_value weighted[256];
    assert_true(a_count <= COUNT(weighted));
    for (size_t i = 0; i < a_count; i++)
        weighted[i] = (struct weighted_value){a[i], 2};
    return ks_test(weighted, a_count, b, b_count, gap);
}

/* The statistic by scipy.stats.ks_2samp; the p-value by scipy.special.kolmogorov of (r + .12 + .11 / r) D, r
 * the root of m n / (m + n). */
static void gaps_and_their_p_values(void **state) {
    (void)state;
    double a[40], b[60], gap;
    static const double ties_a[] = {.4, .1, 2.2, .4, .7, .9, 1.3},
                        ties_b[] = {3.3, .4, .5, 1.3, 1.3, .8, 1.9, 2.5, 3.1, 2.6};
    memcpy(a, ties_a, sizeof ties_a);
    memcpy(b, ties_b, sizeof ties_b);
    near(test_plain(a, COUNT(ties_a), b, COUNT(ties_b), &gap), 0.37524788636248096, 1e-14);
    near(gap, 0.41428571428571431, 1e-15);
    static const struct {
        double shift, gap, p_value, tolerance;
    } rows[] = {{.35, 0.3666666666666667, 0.0021528865416292542, 1e-13},
                {.9, 0.92499999999999993, 2.5832585373838807e-19, 1e-12},
                {0, 0.016666666666666718, 1, 0}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        fill_grid(a, 40, 7, 0);
        fill_grid(b, 60, 13, rows[i].shift);
        near(test_plain(a, 40, b, 60, &gap), rows[i].p_value, rows[i].tolerance);
        near(gap, rows[i].gap, 1e-14);
    }
}

static void samples_that_tell_nothing(void **state) {
    (void)state;
    double a[] = {1, 1, 1}, b[] = {1, 1}, gap, nan[] = {(double)NAN, 1, (double)NAN};
    assert_true(test_plain(a, 3, b, 2, &gap) == 1 && gap == 0);
    assert_true(test_plain(a, 0, b, 2, &gap) == 1 && gap == 0);
    /* What is not a number is a largest value like any other. */
    assert_true(test_plain(a, 3, nan, 3, &gap) < 1 && gap == 1 - 1. / 3);
}

static void p_values_of_equal_distributions_are_uniform(void **state) {
    (void)state;
    enum { REPEATS = 600, A = 150, B = 211 };
    double p[REPEATS], a[A], b[B];
    for (uint32_t r = 0; r < REPEATS; r++) {
        for (uint32_t i = 0; i < A; i++)
            a[i] = unit(r, i);
        for (uint32_t i = 0; i < B; i++)
            b[i] = unit(r, A + i);
        p[r] = test_plain(a, A, b, B, NULL);
    }
    assert_uniform(p, REPEATS);
}

/* Columns of two matrices: the test of each as above; the smallest p-value times three. */
static void columns_by_bonferroni(void **state) {
    (void)state;
    double a[40 * 3], b[60 * 3], p, each[3], column[60];
    static const double shift[] = {0, .35, .1};
    struct err err = {0};
    for (size_t c = 0; c < 3; c++) {
        fill_grid(column, 40, 7, 0);
        for (size_t i = 0; i < 40; i++)
            a[i * 3 + c] = column[i];
        fill_grid(column, 60, 13, shift[c]);
        for (size_t i = 0; i < 60; i++)
            b[i * 3 + c] = column[i];
    }
    assert_true(
        bbsd_test(&(struct bbsd_sample){a, 40, NULL}, &(struct bbsd_sample){b, 60, NULL}, 3, &p, each, &err));
    near(p, 3 * 0.0021528865416292542, 1e-13);
    near(each[1], 0.0021528865416292542, 1e-13);
    assert_true(each[0] == 1 && each[2] > .5 && each[2] < 1);
    assert_true(bbsd_test(&(struct bbsd_sample){a, 40, NULL}, &(struct bbsd_sample){a, 40, NULL}, 3, &p, NULL,
                          &err) &&
                p == 1);
}

/* ---- the classifier ---- */

enum { MOST = 2000 };

struct predictions {
    uint8_t domain[MOST], predicted[MOST];
    uint32_t fold[MOST];
    size_t count;
};

static void add(struct predictions *p, uint32_t fold, const size_t table[2][2]) {
    for (uint8_t domain = 0; domain < 2; domain++)
        for (uint8_t predicted = 0; predicted < 2; predicted++)
            for (size_t i = 0; i < table[domain][predicted]; i++, p->count++) {
                p->domain[p->count] = domain;
                p->predicted[p->count] = predicted;
                p->fold[p->count] = fold;
            }
}

static double test_of(const struct predictions *p, size_t folds) {
    return c2st_test(p->domain, p->predicted, p->fold, p->count, folds, 1);
}

/* Half of the two-sided p-value of statsmodels' StratifiedTable(...).test_null_odds(correction=False), z^2
 * 7.46325; degenerate folds change nothing. */
static void folds_are_strata(void **state) {
    (void)state;
    static const size_t tables[][2][2] = {{{30, 20}, {15, 35}}, {{12, 18}, {9, 31}}, {{25, 25}, {24, 26}},
                                          {{9, 0}, {7, 0}},     {{3, 4}, {0, 0}},    {{1, 0}, {0, 0}}};
    struct predictions p = {0};
    for (uint32_t f = 0; f < COUNT(tables); f++)
        add(&p, f, tables[f]);
    near(test_of(&p, COUNT(tables)), 0.0031485640677403337, 1e-12);
    for (size_t i = 0; i < p.count; i++)
        p.predicted[i] = !p.predicted[i];
    near(test_of(&p, COUNT(tables)), 1 - 0.0031485640677403337, 1e-14);
}

static void folds_that_tell_nothing(void **state) {
    (void)state;
    struct predictions p = {0};
    assert_true(test_of(&p, 5) == 1);
    add(&p, 0, (const size_t[2][2]){{5, 0}, {5, 0}});
    add(&p, 1, (const size_t[2][2]){{0, 0}, {5, 5}});
    assert_true(test_of(&p, 2) == 1);
}

/* A threshold on a normal deviate, whose mean is 0 or shift by the domain. */
static void predict(struct predictions *p, uint32_t repeat, double shift, double threshold) {
    p->count = MOST;
    for (uint32_t i = 0; i < MOST; i++) {
        p->domain[i] = i % 2;
        p->fold[i] = i / 2 % 5;
        p->predicted[i] = normal(repeat, i) + (i % 2) * shift > threshold;
    }
}

static void p_values_of_a_blind_classifier_are_uniform(void **state) {
    (void)state;
    enum { REPEATS = 1000 };
    static struct predictions p;
    double value[REPEATS];
    for (uint32_t r = 0; r < REPEATS; r++) {
        predict(&p, r, 0, .3);
        value[r] = test_of(&p, 5);
    }
    assert_uniform(value, REPEATS);
}

/* Lopez-Paz and Oquab: power Phi((e sqrt n - z / 2) / sqrt(1/4 - e^2)), e what the accuracy exceeds 1/2 by,
 * here Phi(.1) - 1/2 = .0398: .9726 at n = 2000 and a level of .05, z = 1.645. */
static void power_is_as_published(void **state) {
    (void)state;
    enum { REPEATS = 400 };
    static struct predictions p;
    size_t detected = 0;
    for (uint32_t r = 0; r < REPEATS; r++) {
        predict(&p, r, .2, .1);
        detected += test_of(&p, 5) < .05;
    }
    double power = (double)detected / REPEATS;
    if (!(fabs(power - .97) <= .03))
        fail_msg("power %g", power);
}

/* ---- area under the ROC curve ---- */

/* sklearn.metrics.roc_auc_score */
static void areas_of_scikit_learn(void **state) {
    (void)state;
    static const uint8_t domain[] = {0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0};
    static const double score[] = {.1, .4, .35, .8, .8, .2, .9, .35, .35, .4, .7, .05};
    struct err err = {0};
    double auc;
    assert_true(auc_of(score, domain, COUNT(score), &auc, &err));
    near(auc, 0.77777777777777779, 1e-15);
    uint8_t many[200];
    double scores[200];
    for (size_t j = 0; j < 200; j++) {
        scores[j] = (double)(j * 37 % 23) / 23;
        many[j] = (j * j * 5 + j * 3) % 7 < 3;
    }
    assert_true(auc_of(scores, many, 200, &auc, &err));
    near(auc, 0.51153472559494895, 1e-14);
}

static void areas_at_the_limits(void **state) {
    (void)state;
    static const double score[] = {1, 2, 3, 4}, flat[] = {7, 7, 7, 7};
    static const uint8_t right[] = {0, 0, 1, 1}, wrong[] = {1, 1, 0, 0}, one[] = {1, 1, 1, 1};
    struct err err = {0};
    double auc;
    assert_true(auc_of(score, right, 4, &auc, &err) && auc == 1);
    assert_true(auc_of(score, wrong, 4, &auc, &err) && auc == 0);
    assert_true(auc_of(flat, right, 4, &auc, &err) && auc == .5);
    assert_true(auc_of(score, one, 4, &auc, &err) && isnan(auc));
    assert_true(auc_of(score, one, 0, &auc, &err) && isnan(auc));
}

/* A sample whose weights give it the other's distribution does not differ from it; by equal weights it does,
 * as by none. */
static void weights_make_samples_alike(void **state) {
    (void)state;
    enum { N = 300 };
    static double a[N], weight[N], one[N], b[N];
    struct err err;
    double p, plain;
    for (size_t i = 0; i < N; i++) {
        a[i] = i % 3 == 0; /* 1 with share 1/3, in b 2/3 */
        b[i] = i % 3 != 0;
        weight[i] = a[i] > 0 ? 2 : .5;
        one[i] = 7;
    }
    const struct bbsd_sample other = {b, N, NULL};
    assert_true(bbsd_test(&(struct bbsd_sample){a, N, weight}, &other, 1, &p, NULL, &err) && p == 1);
    assert_true(bbsd_test(&(struct bbsd_sample){a, N, NULL}, &other, 1, &plain, NULL, &err) && plain < 1e-10);
    assert_true(bbsd_test(&(struct bbsd_sample){a, N, one}, &other, 1, &p, NULL, &err) &&
                fabs(p / plain - 1) < 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_make_samples_alike),
        cmocka_unit_test(tails_of_the_normal),
        cmocka_unit_test(gaps_and_their_p_values),
        cmocka_unit_test(samples_that_tell_nothing),
        cmocka_unit_test(p_values_of_equal_distributions_are_uniform),
        cmocka_unit_test(columns_by_bonferroni),
        cmocka_unit_test(folds_are_strata),
        cmocka_unit_test(folds_that_tell_nothing),
        cmocka_unit_test(p_values_of_a_blind_classifier_are_uniform),
        cmocka_unit_test(power_is_as_published),
        cmocka_unit_test(areas_of_scikit_learn),
        cmocka_unit_test(areas_at_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
