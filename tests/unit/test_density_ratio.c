/* KLIEP and RuLSIF against the ratios of normal distributions, and against their own definitions where two
 * basis functions leave so little that it can be solved by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/team.h"
#include "kernel/random.h"
#include "shift/density_ratio.h"
#include "shift/spec.h"

static void near(double got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance * fmax(1, fabs(expected))))
        fail_msg("expected %.17g, got %.17g", expected, got);
}

/* In portions of so many steps. */
static struct density_ratio estimate_in_portions(int method, const struct density_problem *problem,
                                                 size_t portion) {
    struct err err = {0};
    struct density_estimation *e = density_estimation_create(method, problem, &err);
    bool over = false, ok = e != NULL;
    while (ok && !over)
        ok = density_estimation_advance(e, portion, &over, &err);
    if (!ok)
        fail_msg("%s", err.text);
    struct density_ratio ratio = density_estimation_finish(e);
    density_estimation_free(e);
    return ratio;
}

static struct density_ratio estimate(int method, const struct density_problem *problem) {
    return estimate_in_portions(method, problem, 1000);
}

static struct density_problem problem_of(const double *source, size_t sources, const double *target,
                                         size_t targets, size_t features) {
    return (struct density_problem){.source = source,
                                    .target = target,
                                    .source_rows = sources,
                                    .target_rows = targets,
                                    .features = features,
                                    .centers = 50,
                                    .bandwidth = (double)NAN,
                                    .alpha = .1,
                                    .folds = 5,
                                    .seed = 1};
}

/* ---- normal distributions ---- */

enum { ROWS = 800, MOST_FEATURES = 2 };

struct gauss {
    double mean, deviation;
};

/* Of the first feature; the others are standard normal on both sides. */
struct shift {
    struct gauss source, target;
    size_t features;
};
static const struct shift unit = {{0, 1}, {1, 1}, 1}, sinc = {{1, .5}, {2, .25}, 1},
                          narrow = {{.5, .5}, {0, .3}, 1}, plane = {{0, 1}, {.5, .8}, 2},
                          still = {{0, 1}, {0, 1}, 1};

static double draw_source[ROWS * MOST_FEATURES], draw_target[ROWS * MOST_FEATURES];

static void draw(double *x, struct gauss g, size_t features, uint32_t side) {
    for (uint32_t i = 0; i < ROWS * features; i++) {
        double pair[2];
        random_normal_pair(random_philox(5, STREAM_CHECK, side, 0, i), pair);
        x[i] = i % features == 0 ? g.mean + g.deviation * pair[0] : pair[0];
    }
}

static struct density_problem draw_shift(const struct shift *s) {
    draw(draw_source, s->source, s->features, 0);
    draw(draw_target, s->target, s->features, 1);
    return problem_of(draw_source, ROWS, draw_target, ROWS, s->features);
}

static double true_ratio(const struct shift *s, double x) {
    double z = (x - s->target.mean) / s->target.deviation, y = (x - s->source.mean) / s->source.deviation;
    return exp(y * y / 2 - z * z / 2) * s->source.deviation / s->target.deviation;
}

struct agreement {
    double correlation, mean_error, mean, left; /* left: ESS / n of the estimate */
};

/* With q / (alpha q + (1 - alpha) p). */
static struct agreement compare(const struct shift *s, double alpha, const double *ratio) {
    double got = 0, want = 0, got2 = 0, want2 = 0, both = 0, error = 0;
    for (size_t i = 0; i < ROWS; i++) {
        double w = true_ratio(s, draw_source[i * s->features]);
        w = w / (alpha * w + 1 - alpha);
        got += ratio[i] / ROWS;
        want += w / ROWS;
        got2 += ratio[i] * ratio[i] / ROWS;
        want2 += w * w / ROWS;
        both += ratio[i] * w / ROWS;
        error += fabs(ratio[i] - w) / ROWS;
    }
    double correlation = (both - got * want) / sqrt((got2 - got * got) * (want2 - want * want));
    return (struct agreement){correlation, error, got, got * got / got2};
}

static void kliep_finds_ratios_of_gaussians(void **state) {
    (void)state;
    static const struct {
        const struct shift *shift;
        double correlation, mean_error, left, within;
    } rows[] = {{&unit, .9, .16, .3679, .12}, {&sinc, .95, .25, .0673, .03}, {&narrow, .97, .12, .4176, .06}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct density_problem problem = draw_shift(rows[i].shift);
        struct density_ratio ratio = estimate(SHIFT_KLIEP, &problem);
        struct agreement a = compare(rows[i].shift, 0, ratio.ratio);
        near(a.mean, 1, 1e-12);
        if (!(a.correlation > rows[i].correlation && a.mean_error < rows[i].mean_error))
            fail_msg("shift %zu: correlation %g, mean error %g", i, a.correlation, a.mean_error);
        if (!(fabs(a.left - rows[i].left) < rows[i].within))
            fail_msg("shift %zu: ESS / n %g, expected %g", i, a.left, rows[i].left);
        assert_true(ratio.centers == 50 && isnan(ratio.lambda) && ratio.bandwidth > 0);
        density_ratio_release(&ratio);
    }
}

/* So many basis functions that the samples are measured and valued in several portions. */
static void many_basis_functions(void **state) {
    (void)state;
    struct density_problem problem = draw_shift(&unit);
    problem.centers = 400;
    problem.folds = 1;
    problem.bandwidth = 1;
    for (int i = 0; i < 2; i++) {
        struct density_ratio ratio = estimate(i ? SHIFT_RULSIF : SHIFT_KLIEP, &problem);
        struct agreement a = compare(&unit, i ? problem.alpha : 0, ratio.ratio);
        if (!(a.correlation > .9 && a.mean_error < .2))
            fail_msg("method %d: correlation %g, mean error %g", i, a.correlation, a.mean_error);
        density_ratio_release(&ratio);
    }
}

/* KL(q || p) of N(0, 1) to N(1, 1) is 1/2. */
static void the_score_bounds_the_divergence(void **state) {
    (void)state;
    struct density_problem problem = draw_shift(&unit);
    struct density_ratio ratio = estimate(SHIFT_KLIEP, &problem);
    if (!(ratio.score > .35 && ratio.score < .55))
        fail_msg("score %g", ratio.score);
    density_ratio_release(&ratio);
}

static void rulsif_finds_relative_ratios(void **state) {
    (void)state;
    static const struct shift *const shifts[] = {&unit, &sinc, &narrow, &plane};
    static const double alphas[] = {.1, .5};
    for (size_t i = 0; i < sizeof shifts / sizeof *shifts; i++)
        for (size_t a = 0; a < 2; a++) {
            struct density_problem problem = draw_shift(shifts[i]);
            problem.alpha = alphas[a];
            problem.centers = 50 * shifts[i]->features;
            struct density_ratio ratio = estimate(SHIFT_RULSIF, &problem);
            struct agreement got = compare(shifts[i], alphas[a], ratio.ratio);
            if (!(got.correlation > .93 && got.mean_error < .16))
                fail_msg("shift %zu: correlation %g, mean error %g", i, got.correlation, got.mean_error);
            for (size_t r = 0; r < ROWS; r++)
                assert_true(ratio.ratio[r] >= 0 && ratio.ratio[r] <= 1 / alphas[a]);
            density_ratio_release(&ratio);
        }
    struct density_problem problem = draw_shift(&narrow);
    problem.alpha = 0; /* the plain ratio: uLSIF */
    struct density_ratio ratio = estimate(SHIFT_RULSIF, &problem);
    struct agreement got = compare(&narrow, 0, ratio.ratio);
    assert_true(got.correlation > .95 && got.mean_error < .16);
    density_ratio_release(&ratio);
}

/* -J of the relative ratio itself is half the mean of its square over the mixture, here by the rectangle
 * rule. */
static void the_score_is_minus_the_criterion(void **state) {
    (void)state;
    double expected = 0;
    for (double x = -8; x < 9; x += 1. / 64) {
        double p = exp(-x * x / 2) / sqrt(2 * M_PI), w = true_ratio(&unit, x);
        double mixture = .1 * w + .9, r = w / mixture;
        expected += r * r * mixture * p / 2 / 64;
    }
    struct density_problem problem = draw_shift(&unit);
    struct density_ratio ratio = estimate(SHIFT_RULSIF, &problem);
    if (!(fabs(ratio.score - expected) < .05))
        fail_msg("score %g, expected %g", ratio.score, expected);
    density_ratio_release(&ratio);
}

static void without_a_shift_ratios_are_near_1(void **state) {
    (void)state;
    struct density_problem problem = draw_shift(&still);
    for (int i = 0; i < 2; i++) {
        struct density_ratio ratio = estimate(i ? SHIFT_RULSIF : SHIFT_KLIEP, &problem);
        struct agreement a = compare(&still, 0, ratio.ratio);
        if (!(a.left > .97 && a.mean_error < .15 && fabs(a.mean - 1) < .05))
            fail_msg("ESS / n %g, mean %g, mean error %g", a.left, a.mean, a.mean_error);
        density_ratio_release(&ratio);
    }
}

/* ---- bits ---- */

static void threads_and_portions_change_no_bit(void **state) {
    (void)state;
    struct density_problem problem = draw_shift(&plane);
    problem.source_rows = 301; /* no multiples of anything */
    problem.target_rows = 407;
    problem.centers = 37;
    problem.folds = 2;
    struct err err = {0};
    for (int i = 0; i < 2; i++) {
        int by = i ? SHIFT_RULSIF : SHIFT_KLIEP;
        struct density_ratio alone = estimate(by, &problem);
        for (size_t size = 2; size < 4; size++) {
            problem.team = team_create(size, &err);
            assert_non_null(problem.team);
            struct density_ratio shared = estimate_in_portions(by, &problem, size - 1);
            assert_memory_equal(alone.ratio, shared.ratio, problem.source_rows * sizeof *alone.ratio);
            assert_true(alone.bandwidth == shared.bandwidth && alone.score == shared.score);
            density_ratio_release(&shared);
            team_free(problem.team);
            problem.team = NULL;
        }
        density_ratio_release(&alone);
    }
}

/* ---- by definition ---- */

enum { FEW = 5 };
static const double few_source[FEW * 2] = {0, 0, 1, .5, -1, .2, .3, -.8, 2, 1}, few_target[] = {1, 0, -.5, 1};

/* The basis function around target row c at a point. */
static double basis(const double *x, size_t c, double bandwidth) {
    double a = x[0] - few_target[2 * c], b = x[1] - few_target[2 * c + 1];
    return exp(-(a * a + b * b) / (2 * bandwidth * bandwidth));
}

static struct density_problem few(void) {
    return problem_of(few_source, FEW, few_target, 2, 2);
}

/* Two shares that sum to 1 are one number, which is searched. */
static void kliep_has_the_largest_likelihood(void **state) {
    (void)state;
    static const double bandwidths[] = {.5, 1, 2.5};
    for (size_t i = 0; i < 3; i++) {
        double s = bandwidths[i], mean[2] = {0}, best = -(double)INFINITY, theta[2] = {0};
        for (size_t r = 0; r < FEW; r++)
            for (size_t c = 0; c < 2; c++)
                mean[c] += basis(few_source + 2 * r, c, s) / FEW;
        for (int k = 0; k <= 200000; k++) {
            double a = k / 200000. / mean[0], b = (1 - k / 200000.) / mean[1], sum = 0;
            for (size_t t = 0; t < 2; t++)
                sum += log(a * basis(few_target + 2 * t, 0, s) + b * basis(few_target + 2 * t, 1, s));
            if (sum > best) {
                best = sum;
                theta[0] = a;
                theta[1] = b;
            }
        }
        struct density_problem problem = few();
        problem.bandwidth = s;
        struct density_ratio ratio = estimate(SHIFT_KLIEP, &problem);
        assert_true(ratio.bandwidth == s && ratio.centers == 2);
        for (size_t r = 0; r < FEW; r++) {
            const double *x = few_source + 2 * r;
            near(ratio.ratio[r], theta[0] * basis(x, 0, s) + theta[1] * basis(x, 1, s), 1e-3);
        }
        density_ratio_release(&ratio);
    }
}

/* (H + lambda I) theta = h of two equations, by Cramer's rule. */
static void rulsif_solves_its_equations(void **state) {
    (void)state;
    struct density_problem problem = few();
    problem.alpha = .2;
    problem.bandwidth = .8;
    struct density_ratio ratio = estimate(SHIFT_RULSIF, &problem);
    double h[2] = {0}, m[2][2] = {{ratio.lambda, 0}, {0, ratio.lambda}};
    for (size_t a = 0; a < 2; a++) {
        for (size_t t = 0; t < 2; t++)
            h[a] += basis(few_target + 2 * t, a, .8) / 2;
        for (size_t b = 0; b < 2; b++) {
            for (size_t t = 0; t < 2; t++)
                m[a][b] += .2 * basis(few_target + 2 * t, a, .8) * basis(few_target + 2 * t, b, .8) / 2;
            for (size_t r = 0; r < FEW; r++)
                m[a][b] += .8 * basis(few_source + 2 * r, a, .8) * basis(few_source + 2 * r, b, .8) / FEW;
        }
    }
    double det = m[0][0] * m[1][1] - m[0][1] * m[1][0];
    double theta[2] = {(h[0] * m[1][1] - h[1] * m[0][1]) / det, (h[1] * m[0][0] - h[0] * m[1][0]) / det};
    for (size_t r = 0; r < FEW; r++) {
        double sum =
            theta[0] * basis(few_source + 2 * r, 0, .8) + theta[1] * basis(few_source + 2 * r, 1, .8);
        near(ratio.ratio[r], fmin(5, fmax(0, sum)), 1e-10);
    }
    density_ratio_release(&ratio);
}

/* Without folds: the median of the distances of the points from the centers, but for those that are 0. They
 * are 2, .5 and 1.25 (twice: from the target) squared. */
static void without_folds_the_median_distance(void **state) {
    (void)state;
    static const double source[] = {3, 1.5}, target[] = {1, 1};
    struct density_problem problem = problem_of(source, 2, target, 2, 1);
    problem.folds = 1;
    problem.centers = 1;
    for (int i = 0; i < 2; i++) {
        struct density_ratio ratio = estimate(i ? SHIFT_RULSIF : SHIFT_KLIEP, &problem);
        near(ratio.bandwidth, 2, 1e-15);
        assert_true(isnan(ratio.score) && ratio.centers == 1);
        density_ratio_release(&ratio);
    }
}

/* ---- what tells little ---- */

static void samples_that_are_all_alike(void **state) {
    (void)state;
    static const double x[20] = {0};
    struct density_problem problem = problem_of(x, 20, x, 12, 1);
    struct density_ratio kliep = estimate(SHIFT_KLIEP, &problem);
    struct density_ratio rulsif = estimate(SHIFT_RULSIF, &problem);
    for (size_t r = 0; r < 20; r++) {
        near(kliep.ratio[r], 1, 1e-12);
        near(rulsif.ratio[r], 1, .01);
    }
    density_ratio_release(&kliep);
    density_ratio_release(&rulsif);
}

static void a_target_out_of_reach(void **state) {
    (void)state;
    static const double source[] = {0, .1, .2, .3, .4, .5}, target[] = {50, 50.1, 50.2, 50.3, 50.4, 50.5};
    struct density_problem problem = problem_of(source, 6, target, 6, 1);
    for (int i = 0; i < 2; i++)
        for (int fixed = 0; fixed < 2; fixed++) {
            problem.bandwidth = fixed ? .1 : (double)NAN;
            struct density_ratio ratio = estimate(i ? SHIFT_RULSIF : SHIFT_KLIEP, &problem);
            for (size_t r = 0; r < 6; r++)
                assert_true(isfinite(ratio.ratio[r]) && ratio.ratio[r] >= 0 &&
                            (!fixed || ratio.ratio[r] == 0));
            density_ratio_release(&ratio);
        }
}

static void too_few_samples(void **state) {
    (void)state;
    static const double x[] = {1}, y[] = {2};
    struct density_problem problem = problem_of(x, 1, y, 1, 1);
    for (int i = 0; i < 2; i++) {
        int by = i ? SHIFT_RULSIF : SHIFT_KLIEP;
        struct density_ratio ratio = estimate(by, &problem);
        near(ratio.ratio[0], 1, i ? .5 : 1e-15);
        density_ratio_release(&ratio);
        assert_null(ratio.ratio);
        struct density_problem none = problem;
        struct err err = {0};
        none.target_rows = 0;
        assert_null(density_estimation_create(by, &none, &err));
        assert_true(err.kind == ERR_DATA);
        assert_string_equal(err.text,
                            "expected samples of source and target for a density ratio, found 1 and 0");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kliep_finds_ratios_of_gaussians),
        cmocka_unit_test(many_basis_functions),
        cmocka_unit_test(the_score_bounds_the_divergence),
        cmocka_unit_test(rulsif_finds_relative_ratios),
        cmocka_unit_test(the_score_is_minus_the_criterion),
        cmocka_unit_test(without_a_shift_ratios_are_near_1),
        cmocka_unit_test(threads_and_portions_change_no_bit),
        cmocka_unit_test(kliep_has_the_largest_likelihood),
        cmocka_unit_test(rulsif_solves_its_equations),
        cmocka_unit_test(without_folds_the_median_distance),
        cmocka_unit_test(samples_that_are_all_alike),
        cmocka_unit_test(a_target_out_of_reach),
        cmocka_unit_test(too_few_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
