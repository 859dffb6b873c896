/* Estimators of the ratios of class shares: against closed forms, scipy and numpy, and on toys whose truth is
 * known. */
#include "support.h"

#include "base/team.h"
#include "shift/dense.h"
#include "shift/label_ratio.h"

static void near(double got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("expected %.17g, got %.17g", expected, got);
}

static double uniform(uint32_t stream, uint32_t i) {
    return random_unit(random_philox(2718, stream, 0, 0, i), 0);
}

/* ---- singular values ---- */

/* numpy.linalg.svd of the same matrix. */
static void singular_values_of_numpy(void **state) {
    (void)state;
    enum { ROWS = 4, COLUMNS = 3 };
    static const double matrix[ROWS * COLUMNS] = {4, -2, 1, 3, 6, 0, 1, 1, 5, -2, 0, 7},
                                      expected[COLUMNS] = {8.69760747, 6.91362192, 4.74904793};
    double a[ROWS * COLUMNS], s[COLUMNS], v[COLUMNS * COLUMNS];
    for (size_t e = 0; e < ROWS * COLUMNS; e++)
        a[e % COLUMNS * ROWS + e / COLUMNS] = matrix[e];
    dense_svd(a, ROWS, COLUMNS, s, v);
    for (size_t k = 0; k < COLUMNS; k++)
        near(s[k], expected[k], 1e-8);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < COLUMNS; j++) {
            double sum = 0;
            for (size_t k = 0; k < COLUMNS; k++)
                sum += a[k * ROWS + i] * v[k * COLUMNS + j];
            near(sum, matrix[i * COLUMNS + j], 1e-14);
        }
    for (size_t j = 0; j < COLUMNS; j++)
        for (size_t k = 0; k < COLUMNS; k++) {
            double left = 0, right = 0;
            for (size_t i = 0; i < ROWS; i++)
                left += a[j * ROWS + i] * a[k * ROWS + i];
            for (size_t i = 0; i < COLUMNS; i++)
                right += v[j * COLUMNS + i] * v[k * COLUMNS + i];
            near(left, j == k ? s[j] * s[j] : 0, 1e-13);
            near(right, j == k, 1e-14);
        }
}

/* ---- the equations of the confusion matrix ---- */

enum { MOST = 10 };

/* A column is a classifier's predictions for a class: right in `right`, else at random. */
static void draw_matrix(double *c, size_t k, double right, uint32_t stream) {
    for (size_t j = 0; j < k; j++) {
        double sum = 0;
        for (size_t i = 0; i < k; i++)
            sum += c[i * k + j] = uniform(stream, (uint32_t)(j * k + i));
        for (size_t i = 0; i < k; i++)
            c[i * k + j] = (1 - right) * c[i * k + j] / sum + (i == j ? right : 0);
    }
}

/* Shares that sum to 1, the first of them `rare` times the others. */
static void draw_shares(double *p, size_t k, double rare, uint32_t stream) {
    double sum = 0;
    for (size_t j = 0; j < k; j++)
        sum += p[j] = (.2 + uniform(stream, (uint32_t)(1000 + j))) * (j == 0 ? rare : 1);
    for (size_t j = 0; j < k; j++)
        p[j] /= sum;
}

static void multiply(const double *c, const double *q, size_t k, double *mu) {
    for (size_t i = 0; i < k; i++) {
        mu[i] = 0;
        for (size_t j = 0; j < k; j++)
            mu[i] += c[i * k + j] * q[j];
    }
}

static size_t solve_bbse(const struct label_moments *moments, double *theta) {
    struct err err = {0};
    size_t truncated = 99;
    assert_true(bbse_solve(moments, theta, &truncated, &err));
    return truncated;
}

/* With the matrix of the population and mu = C w it gives w. */
static void bbse_inverts_the_population(void **state) {
    (void)state;
    static const double rare[] = {1, .1, .003};
    for (uint32_t t = 0; t < 30; t++) {
        size_t k = 2 + t % (MOST - 1);
        double c[MOST * MOST], p[MOST], q[MOST], mu[MOST], theta[MOST], second[MOST * MOST];
        draw_matrix(c, k, .5, t);
        draw_shares(p, k, rare[t % 3], t);
        draw_shares(q, k, 1, 100 + t);
        multiply(c, q, k, mu);
        struct label_moments moments = {k, (double)INFINITY, c, p, mu, NULL, NULL};
        assert_int_equal(solve_bbse(&moments, theta), 0);
        for (size_t j = 0; j < k; j++)
            near(1 + theta[j], q[j] / p[j], 1e-12 * fmax(1, q[j] / p[j]));
        /* Any other covariance scales the equations and leaves the solution. */
        for (size_t i = 0; i < k; i++)
            for (size_t j = 0; j < k; j++)
                second[i * k + j] = i == j ? 1 + (double)i : .1;
        moments.second = second;
        assert_int_equal(solve_bbse(&moments, theta), 0);
        for (size_t j = 0; j < k; j++)
            near(1 + theta[j], q[j] / p[j], 1e-12 * fmax(1, q[j] / p[j]));
    }
}

/* Two classes whose predictions are alike: what the shares of both are together is known and found, their
 * ratios stay equal, which is the nearest that can be said to no shift. */
static void classes_alike_keep_one_ratio(void **state) {
    (void)state;
    enum { K = 4 };
    double c[K * K], mu[K], theta[K];
    static const double p[K] = {.1, .2, .3, .4}, q[K] = {.3, .4, .1, .2}, rows[] = {INFINITY, 5000};
    draw_matrix(c, K, .6, 5);
    for (size_t i = 0; i < K; i++)
        c[i * K + 3] = c[i * K + 2];
    multiply(c, q, K, mu);
    for (int r = 0; r < 2; r++) {
        struct label_moments moments = {K, rows[r], c, p, mu, NULL, NULL};
        assert_int_equal(solve_bbse(&moments, theta), 1);
        near(theta[2], theta[3], 1e-12);
        near(1 + theta[2], .3 / .7, 1e-12);
        near(1 + theta[0], 3, 1e-12);
        near(1 + theta[1], 2, 1e-12);
    }
}

/* A class that is never predicted, but as another one: its row is 0. */
static void a_class_may_never_be_predicted(void **state) {
    (void)state;
    enum { K = 3 };
    static const double c[K * K] = {.9, .2, .9, .1, .8, .1, 0, 0, 0}, p[K] = {.4, .4, .2},
                              q[K] = {.1, .8, .1};
    double mu[K], theta[K];
    multiply(c, q, K, mu);
    struct label_moments moments = {K, 1000, c, p, mu, NULL, NULL};
    assert_int_equal(solve_bbse(&moments, theta), 1);
    near(1 + theta[1], 2, 1e-12);
    near(1 + theta[0], .2 / .6, 1e-12);
    near(1 + theta[2], .2 / .6, 1e-12);
}

/* A class that lacks keeps 0, and predictions that say nothing of the class leave all ratios 1. */
static void nothing_known_is_no_shift(void **state) {
    (void)state;
    static const double c[9] = {.8, .1, 0, .1, .6, 0, .1, .3, 0}, p[3] = {.5, .5, 0}, q[3] = {.25, .75, 0},
                        flat[9] = {.5, .5, .5, .3, .3, .3, .2, .2, .2}, third[3] = {1. / 3, 1. / 3, 1. / 3},
                        other[3] = {.6, .3, .1};
    double mu[3], theta[3];
    multiply(c, q, 3, mu);
    struct label_moments moments = {3, 1000, c, p, mu, NULL, NULL};
    assert_int_equal(solve_bbse(&moments, theta), 0);
    near(theta[0], -.5, 1e-12);
    near(theta[1], .5, 1e-12);
    assert_true(theta[2] == 0);
    moments = (struct label_moments){3, 1000, flat, third, other, NULL, NULL};
    assert_int_equal(solve_bbse(&moments, theta), 2);
    for (int j = 0; j < 3; j++)
        assert_true(theta[j] == 0);
}

/* scipy.optimize.minimize (L-BFGS-B of 20 starts, then Newton's method on the elements above -1) of the
 * objective itself. Where the penalty is small the equations' solution is the minimum. */
static const double c3[] = {.8, .1, .15, .15, .7, .05, .05, .2, .8}, p3[] = {.5, .3, .2};
static const double c4[] = {.7, .1, .2, .05, .1, .6, .1, .05, .1, .2, .5, .1, .1, .1, .2, .8},
                    p4[] = {.4, .3, .2, .1};
static const struct {
    size_t k;
    const double *c, *p;
    double mu[4], penalty, theta[4];
} rlls[] = {
    {3, c3, p3, {.3, .25, .45}, .02, {-0.497076023392, -0.103313840156, 1.397660818713}},
    {3, c3, p3, {.3, .25, .45}, .2, {-0.211196074710, 0.010081602336, 0.181196720447}},
    {3, c3, p3, {.05, .1, .85}, .001, {-1, -0.813141388841, 4.114259876066}},
    {3, c3, p3, {.05, .1, .85}, .05, {-1, -0.727610513791, 3.866576693306}},
    {4, c4, p4, {.1, .15, .2, .55}, .01, {-0.959677419355, -0.462365591398, 0.048387096774, 5.129032258065}},
};

static void rlls_finds_what_scipy_finds(void **state) {
    (void)state;
    for (size_t t = 0; t < sizeof rlls / sizeof *rlls; t++) {
        struct err err = {0};
        double theta[4];
        struct label_moments moments = {rlls[t].k, INFINITY, rlls[t].c, rlls[t].p, rlls[t].mu, NULL, NULL};
        assert_true(rlls_solve(&moments, rlls[t].penalty, theta, &err));
        for (size_t j = 0; j < rlls[t].k; j++)
            near(theta[j], rlls[t].theta[j], 1e-10);
    }
}

/* 0 is the minimum from a penalty of |C'b| / |b| on (there the slopes of both norms are equal), not before.
 */
static void rlls_stays_at_no_shift(void **state) {
    (void)state;
    double b[3], square = 0, cross = 0, theta[3];
    static const double mu[] = {.3, .25, .45};
    struct label_moments moments = {3, INFINITY, c3, p3, mu, NULL, NULL};
    struct err err = {0};
    multiply(c3, p3, 3, b);
    for (int i = 0; i < 3; i++)
        b[i] = mu[i] - b[i], square += b[i] * b[i];
    for (int j = 0; j < 3; j++) {
        double sum = 0;
        for (int i = 0; i < 3; i++)
            sum += c3[i * 3 + j] * p3[j] * b[i];
        cross += sum * sum;
    }
    double limit = sqrt(cross / square);
    assert_true(rlls_solve(&moments, limit * 1.0001, theta, &err));
    for (int j = 0; j < 3; j++)
        assert_true(theta[j] == 0);
    assert_true(rlls_solve(&moments, limit * .99, theta, &err));
    assert_true(theta[2] > 1e-3);
}

/* ---- maximum likelihood ---- */

enum { ROWS = 400, K = 5 };

static void draw_probabilities(double *probability, double *p, uint32_t stream) {
    for (size_t y = 0; y < K; y++)
        p[y] = 0;
    for (size_t i = 0; i < ROWS; i++) {
        double sum = 0;
        for (size_t y = 0; y < K; y++) {
            double u = uniform(stream, (uint32_t)(i * K + y));
            sum += probability[i * K + y] = u * u * u + (y == i % K ? .5 : 0);
        }
        for (size_t y = 0; y < K; y++)
            p[y] += (probability[i * K + y] /= sum) / ROWS;
    }
    /* Not those of this very sample: there is a shift. */
    for (size_t y = 0; y < K; y++)
        p[y] = .5 * p[y] + .5 * (double)(1 + y) / 15;
}

/* The derivative of the mean log-likelihood by q_y. */
static double slope(const struct mlls_problem *problem, const double *q, size_t y) {
    double sum = 0;
    for (size_t i = 0; i < ROWS; i++) {
        const double *row = problem->probability + i * K;
        double mixture = 0;
        for (size_t j = 0; j < K; j++)
            mixture += q[j] / problem->p[j] * row[j];
        sum += row[y] / problem->p[y] / mixture / ROWS;
    }
    return sum;
}

/* The likelihood never falls; at the end its slope is 1 for every class (Lagrange), or less where q is 0; and
 * it is one point, wherever it began. */
static void likelihood_rises_to_its_only_maximum(void **state) {
    (void)state;
    enum { STEPS = 10000 };
    static double probability[ROWS * K], likelihood[STEPS];
    double p[K], q[K], other[K];
    for (uint32_t t = 0; t < 4; t++) {
        struct err err = {0};
        size_t steps;
        draw_probabilities(probability, p, t);
        struct mlls_problem problem = {probability, ROWS, K, NULL, p, 1e-12, STEPS};
        memcpy(q, p, sizeof q);
        assert_true(mlls_maximise(&problem, q, likelihood, &steps, &err));
        assert_true(steps > 5 && steps < STEPS);
        for (size_t s = 1; s < steps; s++)
            assert_true(likelihood[s] >= likelihood[s - 1] - 1e-14);
        for (size_t y = 0; y < K; y++)
            if (q[y] > 1e-6)
                near(slope(&problem, q, y), 1, 1e-6);
            else
                assert_true(slope(&problem, q, y) <= 1 + 1e-6);
        for (uint32_t start = 0; start < 10; start++) {
            draw_shares(other, K, .01, 10 * t + start);
            assert_true(mlls_maximise(&problem, other, NULL, &steps, &err));
            for (size_t y = 0; y < K; y++)
                near(other[y], q[y], 1e-8);
        }
    }
}

/* Garg et al. 2020: with the posteriors of the confusion matrix, P(y | predicted i), in the place of
 * calibrated ones, the maximum is BBSE's solution where that is inside. */
static void likelihood_of_hard_predictions_is_bbse(void **state) {
    (void)state;
    for (uint32_t t = 0; t < 10; t++) {
        double c[K * K], p[K], q[K], mu[K], s[K], theta[K], posterior[K * K], found[K];
        struct err err = {0};
        size_t steps;
        draw_matrix(c, K, .5, t);
        draw_shares(p, K, .5, t);
        draw_shares(q, K, 1, 50 + t);
        multiply(c, q, K, mu);
        multiply(c, p, K, s);
        for (size_t i = 0; i < K; i++)
            for (size_t y = 0; y < K; y++)
                posterior[i * K + y] = c[i * K + y] * p[y] / s[i];
        struct label_moments moments = {K, INFINITY, c, p, mu, NULL, NULL};
        assert_int_equal(solve_bbse(&moments, theta), 0);
        struct mlls_problem problem = {posterior, K, K, mu, p, 1e-14, 100000};
        memcpy(found, p, sizeof found);
        assert_true(mlls_maximise(&problem, found, NULL, &steps, &err));
        for (size_t y = 0; y < K; y++)
            near(found[y], p[y] * (1 + theta[y]), 1e-8);
    }
}

/* ---- samples ---- */

/* Logits of class y are Gaussian about sharpness at y, so that log P(y | z) = sharpness z_y + log p_y up to a
 * constant: a calibrator of the form a z + b is right. */
struct toy {
    size_t rows, classes;
    real *z;
    uint32_t *cls;
};

static void toy_init(struct toy *toy, size_t rows, size_t classes, const double *prior, double sharpness,
                     uint32_t seed) {
    struct err err = {0};
    *toy = (struct toy){rows, classes, reals(rows * classes), NULL};
    toy->cls = mem_alloc(rows, sizeof *toy->cls, "a test", &err);
    assert_non_null(toy->cls);
    for (size_t i = 0; i < rows; i++) {
        double u = random_unit(random_philox(seed, 1, 0, 0, (uint32_t)i), 0), pair[2] = {0};
        while (toy->cls[i] + 1 < classes && u >= prior[toy->cls[i]])
            u -= prior[toy->cls[i]++];
        for (size_t j = 0; j < classes; j++) {
            if (j % 2 == 0)
                random_normal_pair(random_philox(seed, 2, 0, (uint32_t)j, (uint32_t)i), pair);
            toy->z[i * classes + j] = (real)(pair[j % 2] + (j == toy->cls[i] ? sharpness : 0));
        }
    }
}

static void toy_release(struct toy *toy) {
    mem_free(toy->z);
    mem_free(toy->cls);
}

static struct label_problem problem_of(const struct toy *source, const struct toy *target, int method) {
    return (struct label_problem){.source = {source->z, source->rows, source->classes, source->cls, NULL},
                                  .target = {target->z, target->rows, target->classes, NULL, NULL},
                                  .method = method,
                                  .alpha = .01,
                                  .confidence = .95,
                                  .seed = 3};
}

/* In portions of so many steps. */
static bool try_estimate(const struct label_problem *problem, size_t portion, struct label_ratio *out,
                         struct err *err) {
    struct label_estimation *e = label_estimation_create(problem, err);
    bool over = false, ok = e != NULL;
    while (ok && !over)
        ok = label_estimation_advance(e, portion, &over, err);
    if (ok)
        *out = label_estimation_finish(e);
    label_estimation_free(e);
    return ok;
}

static struct label_ratio estimate_in_portions(const struct label_problem *problem, size_t portion) {
    struct err err = {0};
    struct label_ratio out;
    if (!try_estimate(problem, portion, &out, &err))
        fail_msg("%s", err.text);
    double sum = 0;
    for (size_t y = 0; y < out.classes; y++) {
        assert_true(out.ratio[y] >= 0);
        near(out.target_prior[y], out.ratio[y] * out.source_prior[y], 1e-6);
        sum += out.target_prior[y];
    }
    near(sum, 1, 1e-9);
    return out;
}

static struct label_ratio estimate(const struct label_problem *problem) {
    return estimate_in_portions(problem, 1000);
}

static const double ten[] = {.1, .1, .1, .1, .1, .1, .1, .1, .1, .1};
/* A tenth of what it was is left of class 5. */
static const double knocked_out[] = {.1 / .91,  .1 / .91, .1 / .91, .1 / .91, .1 / .91,
                                     .01 / .91, .1 / .91, .1 / .91, .1 / .91, .1 / .91};

/* The methods: with soft predictions or without. */
static const struct {
    int method;
    bool soft;
} ways[] = {
    {SHIFT_MLLS, false}, {SHIFT_BBSE, false}, {SHIFT_BBSE, true}, {SHIFT_RLLS, false}, {SHIFT_RLLS, true}};
enum { WAYS = sizeof ways / sizeof *ways };

static void equal_samples_give_1(void **state) {
    (void)state;
    struct toy toy;
    for (int lacks = 0; lacks < 2; lacks++) {
        static const double prior[] = {.3, .1, .6, 0};
        toy_init(&toy, 300, lacks ? 4 : 3, prior, 2, 1);
        for (int w = 0; w < WAYS; w++) {
            struct label_problem problem = problem_of(&toy, &toy, ways[w].method);
            problem.soft = ways[w].soft;
            struct label_ratio ratio = estimate(&problem);
            assert_int_equal(ratio.missing, lacks);
            for (size_t y = 0; y < toy.classes; y++)
                near(ratio.ratio[y], y < 3, 1e-12);
            if (lacks)
                assert_true(ratio.sigma_min > 0);
            label_ratio_release(&ratio);
        }
        toy_release(&toy);
    }
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Per way the median over the draws of the sum of the squared errors of the ratios. */
static void median_errors(const double *source_prior, const double *target_prior, size_t rows,
                          double median[WAYS]) {
    enum { DRAWS = 5 };
    double error[WAYS][DRAWS] = {0};
    for (uint32_t d = 0; d < DRAWS; d++) {
        struct toy source, target;
        toy_init(&source, rows, 10, source_prior, 4, 100 + d);
        toy_init(&target, rows, 10, target_prior, 4, 200 + d);
        for (int w = 0; w < WAYS; w++) {
            struct label_problem problem = problem_of(&source, &target, ways[w].method);
            problem.soft = ways[w].soft;
            struct label_ratio ratio = estimate(&problem);
            assert_int_equal(ratio.truncated, 0);
            for (size_t y = 0; y < 10; y++) {
                double gap = ratio.ratio[y] - target_prior[y] / source_prior[y];
                error[w][d] += gap * gap;
            }
            label_ratio_release(&ratio);
        }
        toy_release(&source);
        toy_release(&target);
    }
    for (int w = 0; w < WAYS; w++) {
        qsort(error[w], DRAWS, sizeof **error, ascending);
        median[w] = error[w][DRAWS / 2];
    }
}

/* A class of one in a hundred, of which half of 8000 samples hold 40 or so, is ten times as frequent in the
 * target. Doing nothing has a squared error of 81; a ridge towards 0, as the released BBSE has, 55 and more.
 * That the ratio is not shrunk costs nothing where there is no shift: of 4000 samples a share of a tenth has
 * a relative error of about .05 in both samples, which makes .05 over ten classes. */
static void a_rare_class_is_not_lost(void **state) {
    (void)state;
    double shifted[WAYS], same[WAYS];
    median_errors(knocked_out, ten, 4000, shifted);
    median_errors(ten, ten, 4000, same);
    for (int w = 0; w < WAYS; w++) {
        if (!(shifted[w] < 13))
            fail_msg("way %d: a squared error of %g", w, shifted[w]);
        if (!(same[w] < .1))
            fail_msg("way %d: a squared error of %g without a shift", w, same[w]);
    }
}

/* A target whose predictions no shares explain: class 0 is predicted less often than for any class. */
static void what_would_be_negative_is_0(void **state) {
    (void)state;
    enum { N = 100 };
    static real z[N * 3], target[N * 3];
    static uint32_t cls[N];
    for (size_t i = 0; i < N; i++) {
        cls[i] = i % 3;
        size_t predicted = i % 5 == 0 ? 0 : cls[i];
        z[i * 3 + predicted] = 3;
        target[i * 3 + (i % 20 == 0 ? 0 : 1 + i % 2)] = 3;
    }
    struct label_problem problem = {
        .source = {z, N, 3, cls, NULL}, .target = {target, N, 3, NULL, NULL}, .method = SHIFT_BBSE};
    struct label_ratio ratio = estimate(&problem);
    assert_int_equal(ratio.negative, 1);
    assert_true(ratio.ratio[0] == 0 && ratio.target_prior[0] == 0);
    assert_int_equal(ratio.truncated, 0);
    label_ratio_release(&ratio);
}

/* What is left of mlls along the directions that are told may be below 0, too. */
static void what_would_be_negative_is_counted(void **state) {
    (void)state;
    static const double prior[] = {.4, .3, .2, .1}, shifted[] = {.05, .05, .1, .8};
    size_t negative = 0;
    for (uint32_t t = 0; t < 20; t++) {
        struct toy source, target;
        toy_init(&source, 60, 4, prior, 1, 200 + t);
        toy_init(&target, 200, 4, shifted, 1, 300 + t);
        struct label_problem problem = problem_of(&source, &target, SHIFT_MLLS);
        struct label_ratio ratio = estimate(&problem);
        size_t none = 0;
        for (size_t y = 0; y < 4; y++)
            none += ratio.source_prior[y] > 0 && ratio.ratio[y] == 0;
        assert_int_equal(ratio.negative, none);
        negative += none;
        label_ratio_release(&ratio);
        toy_release(&source);
        toy_release(&target);
    }
    assert_true(negative > 0);
}

enum { TWINS = 400 };

/* Classes 1 and 2 look alike: half of each is taken for the other. */
static void draw_twins(real *z, real *target, uint32_t *cls) {
    memset(z, 0, TWINS * 3 * sizeof *z);
    memset(target, 0, TWINS * 3 * sizeof *target);
    for (size_t i = 0; i < TWINS; i++) {
        cls[i] = i % 4 < 2 ? 0 : 1 + i % 2;
        size_t look = cls[i] == 0 ? 0 : 1 + i / 4 % 2;
        z[i * 3 + look] = 2;
        target[i * 3 + (i % 4 == 0 ? 0 : i % 16 == 1 ? 2 : 1)] = 2;
    }
}

static struct label_problem twins_problem(const real *z, const real *target, const uint32_t *cls, int way) {
    return (struct label_problem){.source = {z, TWINS, 3, cls, NULL},
                                  .target = {target, TWINS, 3, NULL, NULL},
                                  .method = ways[way].method,
                                  .soft = ways[way].soft,
                                  .alpha = .01};
}

/* What the target has of the two looks is no sign of its shares of them, by any method; that it has more of
 * both is. */
static void twins_keep_one_ratio(void **state) {
    (void)state;
    static real z[TWINS * 3], target[TWINS * 3];
    static uint32_t cls[TWINS];
    draw_twins(z, target, cls);
    for (int w = 0; w < WAYS; w++) {
        struct label_problem problem = twins_problem(z, target, cls, w);
        struct label_ratio ratio = estimate(&problem);
        assert_int_equal(ratio.truncated, 1);
        near(ratio.ratio[1], ratio.ratio[2], 1e-9);
        assert_true(ratio.ratio[0] < .7 && ratio.ratio[1] > 1.3);
        near(ratio.target_prior[0] + ratio.target_prior[1] + ratio.target_prior[2], 1, 1e-12);
        label_ratio_release(&ratio);
    }
}

/* So it is in the resamples: what of 1 and 2 together is told, T = q_1 + q_2, is shared by the held-out
 * sample's share of them, s = p_1 / (p_1 + p_2) of a half. The product s T varies by T^2 var(s) + s^2 var(T),
 * of which var(s) is binomial, of 200 rows, and var(T) about that, of 400. What is found along the difference
 * of the two is at the ends, 0 and T. */
static void intervals_are_of_what_is_told(void **state) {
    (void)state;
    static real z[TWINS * 3], target[TWINS * 3];
    static uint32_t cls[TWINS];
    draw_twins(z, target, cls);
    for (int w = 0; w < WAYS; w++) {
        struct label_problem problem = twins_problem(z, target, cls, w);
        problem.bootstrap = 200;
        problem.confidence = .95;
        problem.seed = 3;
        struct label_ratio ratio = estimate(&problem);
        double t = ratio.target_prior[1] + ratio.target_prior[2];
        double expected = 2 * 1.96 * sqrt(t * t * .25 / 200 + .25 * (.75 * .25) / 400);
        for (size_t y = 1; y < 3; y++) {
            double low = ratio.interval[y][0], high = ratio.interval[y][1];
            assert_true(low < ratio.target_prior[y] && ratio.target_prior[y] < high);
            if (!(high - low > .8 * expected && high - low < 1.3 * expected))
                fail_msg("way %d: class %zu: from %g to %g, expected a width of %g", w, y, low, high,
                         expected);
        }
        label_ratio_release(&ratio);
    }
}

/* Of class 2, which the held-out sample lacks, the training part has a fifth: four fifths are left for what
 * is estimated of the others. */
static void an_unseen_class_keeps_its_share(void **state) {
    (void)state;
    static const double share[] = {.4, .4, .2}, prior[] = {.6, .2, .2}, weight[] = {1.2, .4, 1};
    double ratio[] = {1.5, .5, 0}, source[] = {.5, .5, 0}, target[] = {.75, .25, 0}, b[] = {.3, -.2, -.1};
    double interval[3][2] = {{.7, .8}, {.2, .3}, {0, 0}};
    struct label_ratio found = {.classes = 3,
                                .ratio = ratio,
                                .source_prior = source,
                                .target_prior = target,
                                .interval = interval,
                                .missing = 1,
                                .calibration = {.a = 1, .b = b}};
    label_ratio_settle_unseen(&found, share);
    for (size_t y = 0; y < 3; y++) {
        near(target[y], prior[y], 1e-15);
        near(ratio[y], weight[y], 1e-15);
    }
    near(interval[0][0], .56, 1e-15);
    near(interval[1][1], .24, 1e-15);
    assert_true(isnan(interval[2][0]) && isnan(interval[2][1]));
    near(b[2], .05, 1e-15);
    found.missing = 0; /* then there is nothing to settle */
    source[2] = .1;
    label_ratio_settle_unseen(&found, share);
    near(ratio[0], 1.2, 1e-15);
}

/* numpy.linalg.svd of [[.4, .03, .03], [.075, .21, .01], [.025, .06, .16]]. */
static void the_confusion_matrix_is_described(void **state) {
    (void)state;
    enum { N = 200 };
    static const size_t many[9] = {80, 6, 6, 15, 42, 2, 5, 12, 32}; /* [predicted][true] */
    static real z[N * 3];
    static uint32_t cls[N];
    size_t row = 0;
    for (size_t i = 0; i < 3; i++)
        for (uint32_t j = 0; j < 3; j++)
            for (size_t n = 0; n < many[i * 3 + j]; n++, row++) {
                z[row * 3 + i] = 1;
                cls[row] = j;
            }
    assert_int_equal(row, N);
    struct label_problem problem = {
        .source = {z, N, 3, cls, NULL}, .target = {z, N, 3, NULL, NULL}, .method = SHIFT_BBSE};
    struct label_ratio ratio = estimate(&problem);
    for (size_t e = 0; e < 9; e++)
        near(ratio.confusion[e], c3[e], 1e-15);
    near(ratio.sigma_min, 0.144171499466859, 1e-14);
    near(ratio.condition, 2.9065882621982735, 1e-13);
    label_ratio_release(&ratio);
}

/* The calibrator finds sharpness and prior, so the likelihood's estimate is that of the true posteriors. */
static void likelihood_is_nearest(void **state) {
    (void)state;
    static const double prior[] = {.6, .3, .1}, shifted[] = {.1, .2, .7};
    struct toy source, target;
    toy_init(&source, 4000, 3, prior, 1.5, 11);
    toy_init(&target, 4000, 3, shifted, 1.5, 12);
    struct label_problem problem = problem_of(&source, &target, SHIFT_MLLS);
    struct label_ratio ratio = estimate(&problem);
    near(ratio.calibration.a, 1.5, .25);
    assert_true(ratio.converged && ratio.iterations > 3);
    for (size_t y = 0; y < 3; y++)
        near(ratio.target_prior[y], shifted[y], .04);
    label_ratio_release(&ratio);
    toy_release(&source);
    toy_release(&target);
}

static void outputs_must_be_finite(void **state) {
    (void)state;
    static const double prior[] = {.5, .5};
    struct toy toy, broken;
    struct err err = {0};
    struct label_ratio ratio;
    toy_init(&toy, 40, 2, prior, 1, 1);
    toy_init(&broken, 40, 2, prior, 1, 1);
    broken.z[7 * 2 + 1] = (real)NAN;
    struct label_problem problem = problem_of(&toy, &broken, SHIFT_MLLS);
    assert_false(try_estimate(&problem, 1, &ratio, &err));
    assert_int_equal(err.kind, ERR_DATA);
    assert_non_null(strstr(err.text, "sample 7 of the target"));
    problem = problem_of(&broken, &toy, SHIFT_BBSE);
    assert_false(try_estimate(&problem, 1, &ratio, &err));
    assert_non_null(strstr(err.text, "sample 7 of the source"));
    toy_release(&toy);
    toy_release(&broken);
}

/* ---- bootstrap ---- */

/* Of the intervals for three shares in a hundred pairs of samples 95 in a hundred hold the true share; 88
 * are four standard deviations and more below, even were the three of a sample as one. */
static void intervals_hold_the_truth(void **state) {
    (void)state;
    enum { DRAWS = 100 };
    static const double prior[] = {.5, .3, .2}, shifted[] = {.2, .3, .5};
    for (int w = 0; w < WAYS; w++) {
        size_t held = 0;
        if (ways[w].method == SHIFT_RLLS) /* it is biased on purpose */
            continue;
        for (uint32_t d = 0; d < DRAWS; d++) {
            struct toy source, target;
            toy_init(&source, 120, 3, prior, 2, 1000 + d);
            toy_init(&target, 120, 3, shifted, 2, 2000 + d);
            struct label_problem problem = problem_of(&source, &target, ways[w].method);
            problem.soft = ways[w].soft;
            problem.bootstrap = 60;
            struct label_ratio ratio = estimate(&problem);
            for (size_t y = 0; y < 3; y++) {
                assert_true(ratio.interval[y][0] <= ratio.interval[y][1]);
                held += ratio.interval[y][0] <= shifted[y] && shifted[y] <= ratio.interval[y][1];
            }
            label_ratio_release(&ratio);
            toy_release(&source);
            toy_release(&target);
        }
        if (held < 3 * 88 || held == 3 * DRAWS)
            fail_msg("way %d: %zu of 300 intervals hold the truth", w, held);
    }
}

static void threads_and_portions_do_not_matter(void **state) {
    (void)state;
    enum { TEAMS = 3 };
    static const double prior[] = {.5, .3, .2}, shifted[] = {.2, .3, .5};
    struct toy source, target;
    toy_init(&source, 200, 3, prior, 2, 1);
    toy_init(&target, 300, 3, shifted, 2, 2);
    for (int w = 0; w < WAYS; w++) {
        struct label_ratio ratio[TEAMS];
        for (size_t t = 0; t < TEAMS; t++) {
            struct err err = {0};
            struct label_problem problem = problem_of(&source, &target, ways[w].method);
            problem.soft = ways[w].soft;
            problem.bootstrap = 25;
            problem.team = t > 0 ? team_create(2 * t - 1, &err) : NULL;
            ratio[t] = estimate_in_portions(&problem, t > 0 ? t : 1000);
            assert_memory_equal(ratio[t].interval, ratio[0].interval, 3 * sizeof *ratio[0].interval);
            assert_memory_equal(ratio[t].ratio, ratio[0].ratio, 3 * sizeof *ratio[0].ratio);
            team_free(problem.team);
        }
        for (size_t t = 0; t < TEAMS; t++)
            label_ratio_release(&ratio[t]);
    }
    toy_release(&source);
    toy_release(&target);
}

/* A maximum that is far is no long wait: it comes in portions, as the resamples do. */
static void the_whole_comes_in_portions(void **state) {
    (void)state;
    static const double prior[] = {.5, .3, .2}, shifted[] = {.2, .3, .5};
    struct err err = {0};
    struct toy source, target;
    toy_init(&source, 300, 3, prior, .25, 1);
    toy_init(&target, 300, 3, shifted, .25, 2);
    struct label_problem problem = problem_of(&source, &target, SHIFT_MLLS);
    struct label_estimation *e = label_estimation_create(&problem, &err);
    bool over = false;
    size_t calls = 0;
    assert_non_null(e);
    for (; !over; calls++)
        assert_true(label_estimation_advance(e, 1, &over, &err));
    struct label_ratio ratio = label_estimation_finish(e), at_once = estimate(&problem);
    print_message("IT %zu calls %zu\n", ratio.iterations, calls);
    assert_true(ratio.iterations > 48 && calls >= 2 + ratio.iterations / 24);
    assert_int_equal(ratio.iterations, at_once.iterations);
    assert_memory_equal(ratio.ratio, at_once.ratio, 3 * sizeof *ratio.ratio);
    label_ratio_release(&ratio);
    label_ratio_release(&at_once);
    label_estimation_free(e);
    toy_release(&source);
    toy_release(&target);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(singular_values_of_numpy),
        cmocka_unit_test(bbse_inverts_the_population),
        cmocka_unit_test(classes_alike_keep_one_ratio),
        cmocka_unit_test(a_class_may_never_be_predicted),
        cmocka_unit_test(nothing_known_is_no_shift),
        cmocka_unit_test(rlls_finds_what_scipy_finds),
        cmocka_unit_test(rlls_stays_at_no_shift),
        cmocka_unit_test(likelihood_rises_to_its_only_maximum),
        cmocka_unit_test(likelihood_of_hard_predictions_is_bbse),
        cmocka_unit_test(equal_samples_give_1),
        cmocka_unit_test(a_rare_class_is_not_lost),
        cmocka_unit_test(what_would_be_negative_is_0),
        cmocka_unit_test(what_would_be_negative_is_counted),
        cmocka_unit_test(twins_keep_one_ratio),
        cmocka_unit_test(intervals_are_of_what_is_told),
        cmocka_unit_test(an_unseen_class_keeps_its_share),
        cmocka_unit_test(the_confusion_matrix_is_described),
        cmocka_unit_test(likelihood_is_nearest),
        cmocka_unit_test(outputs_must_be_finite),
        cmocka_unit_test(intervals_hold_the_truth),
        cmocka_unit_test(threads_and_portions_do_not_matter),
        cmocka_unit_test(the_whole_comes_in_portions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
