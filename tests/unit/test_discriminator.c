/* Source against target where the ratio of their densities is known: normal distributions by closed forms, to
 * four standard errors; samples of different sizes; what no line separates; and what must not change a bit.
 */
#include "network.h"

#include "shift/discriminator.h"

enum { MOST = 200000 };

/* Deviates that every test takes its samples from, each from a stretch of its own. */
static double deviates[MOST];

static int draw_deviates(void **state) {
    (void)state;
    for (size_t i = 0; i < MOST; i += 2)
        random_normal_pair(random_philox(11, 60, 0, 0, (uint32_t)i), deviates + i);
    return 0;
}

/* ---- samples ---- */

struct samples {
    size_t sources, targets;
    float x[MOST]; /* the sources, then the targets */
    struct dataset source, target;
    struct data_part source_part, target_part;
    struct shift_spec spec;
    struct discriminator_setup setup;
};

/* N(0, 1) against N(mean, deviation^2). */
static struct samples *make_samples(size_t sources, size_t targets, double mean, double deviation) {
    struct err err = {0};
    struct samples *s = mem_alloc(1, sizeof *s, "a test", &err);
    assert_true(s && sources + targets <= MOST);
    s->sources = sources, s->targets = targets;
    for (size_t i = 0; i < sources + targets; i++)
        s->x[i] = (float)(i < sources ? deviates[i] : mean + deviation * deviates[i]);
    s->source = memory_set(s->x, sources, 1, NULL, 0);
    s->target = memory_set(s->x + sources, targets, 1, NULL, 0);
    s->source_part = dataset_all(&s->source);
    s->target_part = dataset_all(&s->target);
    s->spec = (struct shift_spec){
        .folds = 5, .discriminator = {.epochs = 20, .batch_size = 128, .lr = 0.003, .l2 = (double)NAN}};
    s->setup = (struct discriminator_setup){.spec = &s->spec,
                                            .source = {&s->source_part, NULL},
                                            .target = &s->target_part,
                                            .scale = SCALE_NONE,
                                            .seed = 1,
                                            .kernel = best_kernel()};
    return s;
}

static struct discriminator *run(const struct discriminator_setup *setup, size_t portion,
                                 struct discriminator_result *result) {
    struct err err = {0};
    bool over = false;
    struct discriminator *d = discriminator_create(setup, &err);
    assert_non_null(d);
    while (!over)
        if (!discriminator_advance(d, portion, &over, &err))
            fail_msg("%s", err.text);
    assert_true(discriminator_status(d).done == discriminator_status(d).total);
    assert_true(discriminator_finish(d, result, &err));
    return d;
}

static void near(const char *what, double got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%s: expected %.6g +- %.2g, got %.6g", what, expected, tolerance, got);
}

/* ---- normal distributions ---- */

/* Phi(z) */
static double normal(double z) {
    return erfc(-z / sqrt(2)) / 2;
}

/* Slope and intercept of the logarithms of ratios on x, by least squares. */
static void fit_line(const float *x, const double *ratio, size_t n, double *slope, double *intercept) {
    double mx = 0, my = 0, xx = 0, xy = 0;
    for (size_t i = 0; i < n; i++)
        mx += (double)x[i] / (double)n, my += log(ratio[i]) / (double)n;
    for (size_t i = 0; i < n; i++) {
        double dx = (double)x[i] - mx;
        xx += dx * dx, xy += dx * (log(ratio[i]) - my);
    }
    *slope = xy / xx, *intercept = my - *slope * mx;
}

/* Standard errors of slope and intercept of logistic regression: the information sum p (1 - p) (1, x) (1, x)'
 * at the true parameters, inverted. */
static void standard_errors(const struct samples *s, double mean, double *slope, double *intercept) {
    double a = 0, b = 0, c = 0, prior = log((double)s->targets / (double)s->sources);
    for (size_t i = 0; i < s->sources + s->targets; i++) {
        double x = (double)s->x[i], p = 1 / (1 + exp(-(mean * x - mean * mean / 2 + prior)));
        a += p * (1 - p), b += p * (1 - p) * x, c += p * (1 - p) * x * x;
    }
    *slope = sqrt(a / (a * c - b * b)), *intercept = sqrt(c / (a * c - b * b));
}

/* Deviation of ESS / n over its mean, of n true weights w = exp(mean x - mean^2 / 2), E w^k = exp(k (k - 1)
 * mean^2 / 2): of (sum w)^2 / sum w^2 by the delta method. */
static double ess_deviation(double mean, double n) {
    double m = mean * mean, m2 = exp(m), m3 = exp(3 * m), m4 = exp(6 * m);
    return sqrt((4 * (m2 - 1) + (m4 - m2 * m2) / (m2 * m2) - 4 * (m3 - m2) / m2) / n);
}

/* The ratio of N(mean, 1) to N(0, 1) is exp(mean x - mean^2 / 2). */
static void check_normals(size_t sources, size_t targets, double mean) {
    struct samples *s = make_samples(sources, targets, mean, 1);
    struct discriminator_result r;
    struct discriminator *d = run(&s->setup, SIZE_MAX, &r);
    double slope, intercept, slope_error, intercept_error, sum = 0, squares = 0;
    fit_line(s->x, r.ratio, sources, &slope, &intercept);
    standard_errors(s, mean, &slope_error, &intercept_error);
    near("slope", slope, mean, 4 * slope_error);
    near("intercept", intercept, -mean * mean / 2, 4 * intercept_error);
    for (size_t i = 0; i < sources; i++)
        sum += r.ratio[i], squares += r.ratio[i] * r.ratio[i];
    double ess = exp(-mean * mean), n = (double)sources;
    near("ESS / n", sum * sum / squares / n, ess,
         4 * ess * (ess_deviation(mean, n) + 2 * mean * slope_error));
    /* The mean of the estimated ratio is 1 where that of the true one is, whose variance is e^(mean^2) - 1.
     */
    near("mean ratio", sum / n, 1, 4 * sqrt((exp(mean * mean) - 1) / n) + 4 * intercept_error);
    fit_line(s->x + sources, r.target_ratio, targets, &slope, &intercept);
    near("slope on the target", slope, mean, 4 * slope_error);
    double fewer = (double)(sources < targets ? sources : targets), auc = normal(mean / sqrt(2)),
           right = normal(mean / 2);
    near("AUC", r.auc, auc, 4 * sqrt(auc * (1 - auc) / fewer));
    /* The best classifier cuts at mean / 2, whatever the sizes. */
    near("accuracy", r.accuracy, right, 4 * sqrt(right * (1 - right) / fewer));
    assert_true(r.p_value < 1e-6);
    discriminator_free(d);
    mem_free(s);
}

static void normals_have_a_known_ratio(void **state) {
    (void)state;
    check_normals(10000, 10000, 0.5);
    check_normals(6000, 6000, 1);
}

/* The same by so many samples that little is left to chance. */
static void many_samples_bring_the_ratio_near(void **state) {
    (void)state;
    check_normals(100000, 100000, 0.5);
}

static void sizes_do_not_matter(void **state) {
    (void)state;
    check_normals(16000, 2000, 0.5);
    check_normals(2000, 16000, 0.5);
}

/* Without a shift the ratio is 1 to what four standard errors of slope and intercept, (n / 4)^(-1/2) each,
 * make at four deviations. */
static void nothing_is_found_where_nothing_is(void **state) {
    (void)state;
    struct samples *s = make_samples(4000, 4000, 0, 1);
    struct discriminator_result r;
    struct discriminator *d = run(&s->setup, SIZE_MAX, &r);
    double error = 4 / sqrt(8000. / 4);
    for (size_t i = 0; i < 8000; i++)
        assert_true(fabs(log(r.ratio[i])) < error * (1 + fabs((double)s->x[i])));
    assert_true(r.p_value > 0.001);
    near("AUC", r.auc, 0.5, 4 * sqrt(1. / 12 * (1. / 4000 + 1. / 4000)));
    discriminator_free(d);
    mem_free(s);
}

/* The p-value of two samples of one distribution, independent standard normal features. */
static double p_of_no_shift(size_t sources, size_t targets, size_t features, uint32_t draw) {
    struct err err = {0};
    size_t count = (sources + targets) * features;
    float *x = mem_alloc(count + 1, sizeof *x, "a test", &err);
    struct samples *s = make_samples(1, 1, 0, 1);
    struct discriminator_result r;
    assert_non_null(x);
    for (size_t i = 0; i < count; i += 2) {
        double pair[2];
        random_normal_pair(random_philox(12, 61, draw, 0, (uint32_t)i), pair);
        x[i] = (float)pair[0], x[i + 1] = (float)pair[1];
    }
    s->source = memory_set(x, sources, features, NULL, 0);
    s->target = memory_set(x + sources * features, targets, features, NULL, 0);
    s->source_part = dataset_all(&s->source), s->target_part = dataset_all(&s->target);
    s->spec.discriminator.epochs = 10;
    struct discriminator *d = run(&s->setup, SIZE_MAX, &r);
    discriminator_free(d);
    mem_free(s);
    mem_free(x);
    return r.p_value;
}

/* At most so many of the p-values of `pairs` pairs of samples are below .05. */
static void assert_level(size_t sources, size_t targets, size_t features, uint32_t pairs, size_t most) {
    size_t below = 0;
    for (uint32_t i = 0; i < pairs; i++)
        below += p_of_no_shift(sources, targets, features, i) < 0.05;
    if (below > most)
        fail_msg("%zu of %u p-values below .05", below, pairs);
}

/* P(X > 5) = 0.0003 for X of the binomial distribution B(20, .05), P(X > 3) = 0.0004 for B(8, .05). */
static void the_level_is_kept(void **state) {
    (void)state;
    assert_level(60, 60, 3, 20, 5);
    assert_level(800, 40, 60, 8, 3);
    assert_level(40, 800, 60, 8, 3);
}

/* N(0, 1/4) against N(0, 1) has log ratio log 2 - 3/2 x^2, of which a line sees nothing. */
static void hidden_layers_see_what_no_line_does(void **state) {
    (void)state;
    enum { N = 3000 };
    struct samples *s = make_samples(N, N, 0, 0.5);
    struct discriminator_result r;
    struct discriminator *d = run(&s->setup, SIZE_MAX, &r);
    near("AUC of a line", r.auc, 0.5, 0.03);
    discriminator_free(d);
    struct layer_spec hidden = layer(16, ACTIVATION_RELU, 0);
    hidden.l1 = hidden.l2 = hidden.max_norm = (double)NAN;
    s->spec.layers = &hidden, s->spec.layer_count = 1;
    s->spec.discriminator.lr = 0.01;
    d = run(&s->setup, SIZE_MAX, &r);
    double squares = 0, count = 0;
    for (size_t i = 0; i < N; i++) {
        double x = (double)s->x[i], error = log(r.ratio[i]) - (log(2) - 1.5 * x * x);
        if (fabs(x) < 1.5)
            squares += error * error, count++;
    }
    near("error of the log ratio", sqrt(squares / count), 0, 0.2);
    assert_true(r.auc > 0.65 && r.p_value < 1e-6);
    discriminator_free(d);
    mem_free(s);
}

/* N(0, 1) against N(1, 1) with a sample of each so far out that its ratio is no double: it is cut. */
static void ratios_stay_finite(void **state) {
    (void)state;
    enum { N = 2000 };
    struct samples *s = make_samples(N, N, 1, 1);
    struct discriminator_result r;
    s->x[0] = -2000, s->x[N] = 2000;
    struct discriminator *d = run(&s->setup, SIZE_MAX, &r);
    near("smallest log ratio", log(r.ratio[0]), -300, 1e-9);
    near("largest log ratio", log(r.target_ratio[0]), 300, 1e-9);
    discriminator_free(d);
    mem_free(s);
}

/* Samples without overlap are told apart without a fault, and calibration stays finite. */
static void samples_without_overlap(void **state) {
    (void)state;
    enum { N = 100 };
    struct samples *s = make_samples(N, N, 1e6, 1);
    struct discriminator_result r;
    struct discriminator *d = run(&s->setup, SIZE_MAX, &r);
    for (size_t i = 0; i < 2 * N; i++)
        assert_true(isfinite(r.ratio[i]) && (i < N ? r.ratio[i] < 0.5 : r.ratio[i] > 2));
    assert_true(r.auc == 1 && r.accuracy == 1 && r.p_value < 1e-6 && isfinite(r.slope));
    discriminator_free(d);
    mem_free(s);
}

/* ---- what must not change a bit ---- */

static void assert_same(const struct samples *s, const struct discriminator_setup *setup, size_t portion,
                        const struct discriminator_result *expected) {
    struct discriminator_result r;
    struct discriminator *d = run(setup, portion, &r);
    assert_memory_equal(r.ratio, expected->ratio, (s->sources + s->targets) * sizeof *r.ratio);
    assert_true(r.p_value == expected->p_value && r.auc == expected->auc && r.slope == expected->slope &&
                r.intercept == expected->intercept && r.accuracy == expected->accuracy);
    discriminator_free(d);
}

static void bits_do_not_depend_on_threads_and_portions(void **state) {
    (void)state;
    struct err err = {0};
    struct samples *s = make_samples(150, 120, 1, 1);
    struct discriminator_result r;
    struct discriminator *d = run(&s->setup, SIZE_MAX, &r);
    for (size_t threads = 1; threads <= 3; threads += 2) {
        s->setup.team = team_create(threads, &err);
        assert_same(s, &s->setup, 1, &r);
        assert_same(s, &s->setup, 1000, &r);
        team_free(s->setup.team);
    }
    discriminator_free(d);
    mem_free(s);
}

/* Units are taken out: by a power of two to the bit. */
static void units_do_not_matter(void **state) {
    (void)state;
    struct samples *s = make_samples(150, 120, 1, 1);
    struct discriminator_result r;
    struct discriminator *d = run(&s->setup, SIZE_MAX, &r);
    for (size_t i = 0; i < 270; i++)
        s->x[i] *= 1024;
    assert_same(s, &s->setup, SIZE_MAX, &r);
    s->setup.scale = SCALE_UNIT;
    assert_same(s, &s->setup, SIZE_MAX, &r);
    discriminator_free(d);
    mem_free(s);
}

/* Rows out of a training file and of another make one sample in this order; a part without a set is none. */
static void parts_are_one_sample(void **state) {
    (void)state;
    enum { LISTED = 80, MORE = 40, TARGETS = 100 };
    struct samples *s = make_samples(LISTED + MORE, TARGETS, 1, 1);
    struct discriminator_result r;
    struct discriminator *d = run(&s->setup, SIZE_MAX, &r);
    float spread[2 * LISTED];
    uint32_t row[LISTED];
    for (size_t i = 0; i < LISTED; i++) {
        row[i] = (uint32_t)(2 * i + 1);
        spread[2 * i] = 99, spread[2 * i + 1] = s->x[i];
    }
    struct dataset first = memory_set(spread, 2 * LISTED, 1, NULL, 0),
                   second = memory_set(s->x + LISTED, MORE, 1, NULL, 0);
    struct data_part listed = {.set = &first, .row = row, .count = LISTED}, more = dataset_all(&second),
                     none = {0};
    s->setup.source[1] = &none;
    assert_same(s, &s->setup, SIZE_MAX, &r);
    s->setup.source[0] = &listed, s->setup.source[1] = &more;
    assert_same(s, &s->setup, SIZE_MAX, &r);
    assert_ptr_equal(r.target_ratio, r.ratio + LISTED + MORE);
    discriminator_free(d);
    mem_free(s);
}

/* ---- faults ---- */

static void images_of_other_types_are_refused(void **state) {
    (void)state;
    struct err err = {0};
    struct samples *s = make_samples(10, 10, 1, 1);
    s->source.images.type = IDX_U8;
    assert_null(discriminator_create(&s->setup, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text, "shift.target: images are f32 and those of data.train u8");
    struct dataset other = s->source;
    struct data_part held = dataset_all(&other);
    s->source.images.type = IDX_F32;
    s->setup.source[1] = &held;
    assert_null(discriminator_create(&s->setup, &err));
    assert_string_equal(err.text, "data.validation: images are u8 and those of data.train f32");
    mem_free(s);
}

static void assert_diverges(struct samples *s, const char *text) {
    struct err err = {0};
    bool over = false;
    struct discriminator *d = discriminator_create(&s->setup, &err);
    assert_non_null(d);
    while (!over && discriminator_advance(d, SIZE_MAX, &over, &err))
        ;
    assert_int_equal(err.kind, ERR_DIVERGED);
    assert_string_equal(err.text, text);
    discriminator_free(d);
}

/* The keys are its own, not those of the model that is trained. */
static void a_divergence_names_its_keys(void **state) {
    (void)state;
    struct samples *s = make_samples(500, 500, 1, 1);
    s->spec.discriminator.lr = REAL_IS_DOUBLE ? 1e308 : 1e38;
    assert_diverges(
        s,
        "shift.discriminator: fold 1 of 5: training diverged in epoch 1 at step 1 of 7: shift.discriminator: "
        "its weight is not finite; a smaller shift.discriminator.lr may help");
    struct layer_spec hidden = layer(4, ACTIVATION_RELU, 0);
    hidden.l1 = hidden.l2 = hidden.max_norm = (double)NAN;
    s->spec.layers = &hidden, s->spec.layer_count = 1;
    assert_diverges(
        s, "shift.discriminator: fold 1 of 5: training diverged in epoch 1 at step 1 of 7: shift.layers.0: "
           "its weight is not finite; a smaller shift.discriminator.lr may help");
    mem_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normals_have_a_known_ratio),
        cmocka_unit_test(many_samples_bring_the_ratio_near),
        cmocka_unit_test(sizes_do_not_matter),
        cmocka_unit_test(nothing_is_found_where_nothing_is),
        cmocka_unit_test(the_level_is_kept),
        cmocka_unit_test(hidden_layers_see_what_no_line_does),
        cmocka_unit_test(ratios_stay_finite),
        cmocka_unit_test(samples_without_overlap),
        cmocka_unit_test(bits_do_not_depend_on_threads_and_portions),
        cmocka_unit_test(units_do_not_matter),
        cmocka_unit_test(parts_are_one_sample),
        cmocka_unit_test(images_of_other_types_are_refused),
        cmocka_unit_test(a_divergence_names_its_keys),
    };
    return cmocka_run_group_tests(tests, draw_deviates, NULL);
}
