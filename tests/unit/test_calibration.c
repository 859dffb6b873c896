/* Brier score, negative log-likelihood and calibration error by hand; the fitted temperature against sets
 * whose best temperature is known exactly. */
#include "network.h"

#include "fit/calibration.h"

enum { MOST = 64 };

/* A set of outputs with classes or targets, in memory. */
struct case_set {
    struct dataset data;
    struct data_part part;
    struct calibration_set set;
};

static void make_set(struct case_set *c, size_t rows, size_t outputs, const real *z, uint32_t *cls,
                     real *targets, bool exclusive) {
    c->data = (struct dataset){.cls = cls, .targets = targets, .target_width = outputs};
    c->part = (struct data_part){.set = &c->data, .count = rows};
    c->set = (struct calibration_set){&c->part, outputs, z, exclusive};
}

static void near(double got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance * fmax(1, fabs(expected))))
        fail_msg("expected %.17g, got %.17g", expected, got);
}

/* Logits are stored as reals, so those made by log are off by an epsilon of theirs. */
static const double stored = REAL_IS_DOUBLE ? 1e-14 : 1e-6;

/* ---- scores ---- */

/* p = (3/4, 1/4) for class 0 and (1/2, 1/2) for class 1: Brier 1/8 and 1/2, NLL log 4/3 and log 2;
 * confidences 3/4 (right) and 1/2 (class 0 is predicted: wrong) are alone in their bins: ECE (1/4 + 1/2) / 2.
 */
static void softmax_by_hand(void **state) {
    (void)state;
    const real z[] = {(real)log(3), 0, 5, 5};
    uint32_t cls[] = {0, 1};
    struct case_set c;
    make_set(&c, 2, 2, z, cls, NULL, true);
    struct calibration_scores s = calibration_score(&c.set, 1);
    near(s.brier, (1. / 8 + 1. / 2) / 2, stored);
    near(s.nll, (log(4. / 3) + log(2)) / 2, stored);
    near(s.ece, (1. / 4 + 1. / 2) / 2, stored);
    /* At a temperature of 1/2 the first odds are 9 to 1. */
    s = calibration_score(&c.set, .5);
    near(s.brier, (2 * .01 + .5) / 2, stored);
    near(s.nll, (log(10. / 9) + log(2)) / 2, stored);
    near(s.ece, (.1 + .5) / 2, stored);
}

/* The same with probabilities as targets, (1/2, 1/2) and (1, 0), and rows by a list. */
static void soft_targets_by_hand(void **state) {
    (void)state;
    const real z[] = {(real)log(3), 0, 0, 0};
    real targets[] = {9, 9, 1, 0, (real).5, (real).5};
    static const uint32_t row[] = {2, 1};
    struct case_set c;
    make_set(&c, 2, 2, z, NULL, targets, true);
    c.part.row = row;
    struct calibration_scores s = calibration_score(&c.set, 1);
    near(s.brier, (1. / 8 + 1. / 2) / 2, stored);
    near(s.nll, (log(4. / 3) / 2 + log(4) / 2 + log(2)) / 2, stored);
    assert_true(isnan(s.ece));
}

/* p = 3/4 and 1/4 by sigmoids of +-log 3, for class 0. */
static void sigmoids_by_hand(void **state) {
    (void)state;
    const real z[] = {(real)log(3), (real)-log(3)};
    uint32_t cls[] = {0};
    struct case_set c;
    make_set(&c, 1, 2, z, cls, NULL, false);
    struct calibration_scores s = calibration_score(&c.set, 1);
    near(s.brier, 2. / 16, stored);
    near(s.nll, 2 * log(4. / 3), stored);
    near(s.ece, 1. / 4, stored);
    cls[0] = 1;
    s = calibration_score(&c.set, 1);
    near(s.brier, 2 * 9. / 16, stored);
    near(s.nll, 2 * log(4), stored);
    near(s.ece, 3. / 4, stored);
}

/* Log-sum-exp: the probability of the true class is far below the smallest double. */
static void huge_logits_stay_finite(void **state) {
    (void)state;
    const real z[] = {1000, 0, -1000};
    uint32_t cls[] = {2};
    struct case_set c;
    make_set(&c, 1, 3, z, cls, NULL, true);
    struct calibration_scores s = calibration_score(&c.set, 1);
    assert_true(s.nll == 2000 && s.brier == 2 && s.ece == 1);
    make_set(&c, 1, 3, z, cls, NULL, false);
    s = calibration_score(&c.set, 1);
    near(s.nll, 2000 + log(2), 1e-15);
    near(s.brier, 2.25, 1e-15);
}

/* Confidences on the edge of a bin belong to the lower one (Guo et al.: ((m-1)/M, m/M]). */
static void bins_of_confidence(void **state) {
    (void)state;
    struct reliability r = {0};
    reliability_add(&r, 1. / 3, true); /* bin 5 of 15 */
    reliability_add(&r, .3, false);    /* the same */
    reliability_add(&r, .35, false);   /* the next */
    reliability_add(&r, 1, true);
    near(reliability_error(&r), (fabs(1. / 3 + .3 - 1) + .35 + 0) / 4, 1e-15);
}

/* ---- the temperature ---- */

/* Of a hundred samples with the odds o : 1 exactly o of o + 1 are of the first class, so that the logits log
 * o are calibrated; times a factor they ask for just that factor. */
static void a_factor_is_found(void **state) {
    (void)state;
    static const double factors[] = {.05, .3, 1, 1.5, 2.5, 20};
    static const unsigned odds[] = {1, 3, 4, 9, 19};
    for (size_t f = 0; f < sizeof factors / sizeof *factors; f++)
        for (int exclusive = 0; exclusive < 2; exclusive++) {
            real z[2 * MOST];
            uint32_t cls[MOST];
            size_t rows = 0;
            for (size_t o = 0; o < sizeof odds / sizeof *odds; o++)
                for (unsigned i = 0; i <= odds[o]; i++, rows++) {
                    double half = log(odds[o]) / (exclusive ? 2 : 1);
                    z[2 * rows] = (real)(factors[f] * half);
                    z[2 * rows + 1] = (real)(-factors[f] * half);
                    cls[rows] = i == odds[o];
                }
            struct case_set c;
            make_set(&c, rows, 2, z, cls, NULL, exclusive);
            double t = calibration_fit(&c.set);
            near(t / factors[f], 1, 10 * stored);
            struct calibration_scores before = calibration_score(&c.set, 1),
                                      after = calibration_score(&c.set, t);
            assert_true(after.nll <= before.nll);
            near(after.ece, 0, 10 * stored);
        }
}

/* Targets that are the probabilities of the logits before they were multiplied. */
static void a_factor_is_found_by_soft_targets(void **state) {
    (void)state;
    enum { ROWS = 20, OUTPUTS = 3 };
    for (int exclusive = 0; exclusive < 2; exclusive++) {
        real z[ROWS * OUTPUTS], targets[ROWS * OUTPUTS];
        fill(z, ROWS * OUTPUTS, 1, 3);
        for (size_t r = 0; r < ROWS; r++) {
            double sum = 0;
            for (size_t k = 0; k < OUTPUTS; k++)
                sum += exp((double)z[r * OUTPUTS + k]);
            for (size_t k = 0; k < OUTPUTS; k++) {
                double e = exp((double)z[r * OUTPUTS + k]);
                targets[r * OUTPUTS + k] = (real)(exclusive ? e / sum : e / (1 + e));
                z[r * OUTPUTS + k] *= 4;
            }
        }
        struct case_set c;
        make_set(&c, ROWS, OUTPUTS, z, NULL, targets, exclusive);
        near(calibration_fit(&c.set), 4, 100 * stored);
    }
}

/* The likelihood of any set is nowhere better than at the temperature that was found, and never worse than
 * before; a scan looks for a better one. */
static void no_temperature_is_better(void **state) {
    (void)state;
    enum { ROWS = 50, OUTPUTS = 4 };
    real z[ROWS * OUTPUTS];
    uint32_t cls[ROWS];
    for (uint32_t set = 0; set < 40; set++) {
        struct case_set c;
        fill(z, ROWS * OUTPUTS, set, set % 4 == 0 ? .01 : set % 4 == 1 ? 300 : 5);
        for (size_t r = 0; r < ROWS; r++)
            cls[r] = (uint32_t)((r * 7 + set) % 5 % OUTPUTS);
        for (size_t r = 0; r < ROWS && set % 3; r++) /* most are predicted rightly */
            if (r % 10)
                z[r * OUTPUTS + cls[r]] += 4;
        make_set(&c, ROWS, OUTPUTS, z, cls, NULL, set % 2);
        double t = calibration_fit(&c.set), best = calibration_score(&c.set, t).nll;
        assert_true(t >= .01 && t <= 100);
        assert_true(best <= calibration_score(&c.set, 1).nll);
        for (double scan = .01; scan <= 100; scan *= 1.1)
            assert_true(best <= calibration_score(&c.set, scan).nll * (1 + 1e-12));
    }
}

static void without_a_minimum_the_limits_hold(void **state) {
    (void)state;
    const real z[] = {1, -1, -2, 2}, flat[] = {1, 1, 3, 3};
    uint32_t right[] = {0, 1}, wrong[] = {1, 0};
    struct case_set c;
    make_set(&c, 2, 2, z, right, NULL, true);
    near(calibration_fit(&c.set), .01, 1e-15);
    make_set(&c, 2, 2, z, wrong, NULL, true);
    near(calibration_fit(&c.set), 100, 1e-15);
    make_set(&c, 2, 2, flat, right, NULL, true);
    assert_true(calibration_fit(&c.set) == 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(softmax_by_hand),
        cmocka_unit_test(soft_targets_by_hand),
        cmocka_unit_test(sigmoids_by_hand),
        cmocka_unit_test(huge_logits_stay_finite),
        cmocka_unit_test(bins_of_confidence),
        cmocka_unit_test(a_factor_is_found),
        cmocka_unit_test(a_factor_is_found_by_soft_targets),
        cmocka_unit_test(no_temperature_is_better),
        cmocka_unit_test(without_a_minimum_the_limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
