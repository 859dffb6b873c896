/* Samples of known shift: the laws of what is drawn against closed forms, counts against probabilities, and
 * what images become. */
#include "support.h"

#include "run/resample_images.h"
#include "shift/resample.h"

enum { CLASSES = 4, MOST_ROWS = 4000 };

static const double pi = 3.14159265358979323846;

static void near(double got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("expected %.17g +- %g, got %.17g", expected, tolerance, got);
}

/* Largest distance of the empirical distribution of sorted x from a distribution function, times sqrt n:
 * above 1.95 once in 1000 (Kolmogorov). */
static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double kolmogorov(double *x, size_t n, double (*law)(double)) {
    double worst = 0;
    qsort(x, n, sizeof *x, ascending);
    for (size_t i = 0; i < n; i++) {
        double f = law(x[i]);
        worst = fmax(worst, fmax(f - (double)i / (double)n, (double)(i + 1) / (double)n - f));
    }
    return worst * sqrt((double)n);
}

/* ---- Dirichlet ---- */

static double uniform_law(double x) {
    return x;
}

static double arcsine_law(double x) {
    return 2 / pi * asin(sqrt(x));
}

/* The share of one of two classes is Beta(alpha, alpha): uniform for 1, the arcsine law for 1/2. Of three
 * with alpha 1 it is 1 - (1 - x)^2. */
static double beta_1_2(double x) {
    return 1 - (1 - x) * (1 - x);
}

static void first_shares(double alpha, size_t classes, size_t n, double *x) {
    static const size_t count[3] = {5, 5, 5};
    double prior[3];
    for (size_t i = 0; i < n; i++) {
        dirichlet_draw(i, alpha, count, classes, prior);
        x[i] = prior[0];
    }
}

static void shares_have_their_law(void **state) {
    (void)state;
    static double x[MOST_ROWS];
    first_shares(1, 2, MOST_ROWS, x);
    assert_true(kolmogorov(x, MOST_ROWS, uniform_law) < 1.95);
    first_shares(.5, 2, MOST_ROWS, x);
    assert_true(kolmogorov(x, MOST_ROWS, arcsine_law) < 1.95);
    first_shares(1, 3, MOST_ROWS, x);
    assert_true(kolmogorov(x, MOST_ROWS, beta_1_2) < 1.95);
}

/* Mean 1/k, variance (1/k)(1 - 1/k)/(k alpha + 1), covariance -1/(k^2 (k alpha + 1)). */
static void shares_have_their_moments(void **state) {
    (void)state;
    static const double alphas[] = {.1, 1, 10};
    static const size_t count[CLASSES] = {1, 2, 3, 4};
    for (size_t a = 0; a < 3; a++) {
        double mean[CLASSES] = {0}, square = 0, product = 0, k = CLASSES;
        for (size_t i = 0; i < MOST_ROWS; i++) {
            double p[CLASSES], sum = 0;
            dirichlet_draw(i, alphas[a], count, CLASSES, p);
            for (size_t c = 0; c < CLASSES; c++) {
                sum += p[c];
                mean[c] += p[c] / MOST_ROWS;
                square += (p[c] - 1 / k) * (p[c] - 1 / k) / MOST_ROWS / k;
            }
            product += (p[0] - 1 / k) * (p[1] - 1 / k) / MOST_ROWS;
            near(sum, 1, 1e-14);
        }
        double variance = 1 / k * (1 - 1 / k) / (k * alphas[a] + 1);
        for (size_t c = 0; c < CLASSES; c++)
            near(mean[c], 1 / k, 4 * sqrt(variance / MOST_ROWS));
        near(square, variance, .05 * variance);
        near(product, -1 / (k * k * (k * alphas[a] + 1)), .1 * variance);
    }
}

static void a_class_without_rows_has_no_share(void **state) {
    (void)state;
    static const size_t count[CLASSES] = {3, 0, 3, 0};
    double p[CLASSES];
    dirichlet_draw(7, 1, count, CLASSES, p);
    assert_true(p[1] == 0 && p[3] == 0 && p[0] > 0);
    near(p[0] + p[2], 1, 1e-15);
    /* So small an alpha that every gamma deviate is below the smallest double: one class has it all. */
    dirichlet_draw(7, 1e-5, count, CLASSES, p);
    near(fmax(p[0], p[2]), 1, 1e-9);
}

/* ---- shares ---- */

static void shares_of_schemes(void **state) {
    (void)state;
    static const size_t count[CLASSES] = {10, 20, 0, 70};
    double list[] = {.25, .25, 0, .5}, p[CLASSES];
    struct err err = {0};
    struct resample_spec spec = {.scheme = RESAMPLE_PRIORS, .priors = list, .prior_count = CLASSES};
    assert_true(resample_priors(&spec, count, CLASSES, p, &err));
    assert_memory_equal(p, list, sizeof p);
    spec = (struct resample_spec){.scheme = RESAMPLE_TWEAK_ONE, .cls = 3, .share = .9};
    assert_true(resample_priors(&spec, count, CLASSES, p, &err));
    near(p[0], .05, 1e-15);
    near(p[1], .05, 1e-15);
    assert_true(p[2] == 0 && p[3] == .9);
    spec = (struct resample_spec){.scheme = RESAMPLE_KNOCK_OUT, .cls = 3, .share = .5};
    assert_int_equal(resample_dropped(&spec, count), 35);
    assert_true(resample_priors(&spec, count, CLASSES, p, &err));
    near(p[0], 10. / 65, 1e-15);
    near(p[3], 35. / 65, 1e-15);
    spec = (struct resample_spec){.scheme = RESAMPLE_PLAIN};
    assert_int_equal(resample_dropped(&spec, count), 0);
    assert_true(resample_priors(&spec, count, CLASSES, p, &err));
    near(p[3], .7, 1e-15);
}

static void refused(const struct resample_spec *spec, const char *part) {
    static const size_t count[CLASSES] = {10, 20, 0, 70};
    double p[CLASSES];
    struct err err = {0};
    assert_false(resample_priors(spec, count, CLASSES, p, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    if (!strstr(err.text, part))
        fail_msg("expected \"%s\" in: %s", part, err.text);
}

static void impossible_shares_are_refused(void **state) {
    (void)state;
    double list[] = {.25, .25, .1, .4, .5};
    struct resample_spec spec = {.scheme = RESAMPLE_PRIORS, .priors = list, .prior_count = 5};
    refused(&spec, "expected 4 numbers, one a class, got 5");
    spec.prior_count = 4;
    refused(&spec, "class 2 has no rows");
    list[0] = .2501;
    refused(&spec, "must sum to 1, got a sum of 1.0001");
    list[0] = .25 + 1e-7, list[2] = 0, list[3] = .5; /* rounded numbers are fine */
    static const size_t count[CLASSES] = {10, 20, 0, 70};
    double p[CLASSES];
    struct err err = {0};
    assert_true(resample_priors(&spec, count, CLASSES, p, &err));
    near(p[0] + p[1] + p[3], 1, 1e-15);
    spec = (struct resample_spec){.scheme = RESAMPLE_TWEAK_ONE, .cls = 4, .share = .5};
    refused(&spec, "must be below the number of classes, 4, got 4");
    spec.cls = 2, spec.scheme = RESAMPLE_KNOCK_OUT;
    refused(&spec, "class 2 has no rows");
}

/* ---- rows ---- */

/* 400 rows, of class 0, 1, 2, 3 in turn but for those of class 0, half of which are of class 1. */
enum { ROWS = 400 };

static void make_classes(uint32_t *cls) {
    for (uint32_t r = 0; r < ROWS; r++)
        cls[r] = r % 8 == 0 ? 1 : r % 4;
}

/* Counts are multinomial: each within 4 standard deviations, and rows of a class equally likely, by the
 * chi-squared statistic, whose mean is its degrees of freedom and whose variance twice that. */
static void classes_are_drawn_by_their_shares(void **state) {
    (void)state;
    static const double prior[CLASSES] = {.6, 0, .3, .1};
    static uint32_t cls[ROWS], row[MOST_ROWS];
    double count[CLASSES] = {0}, times[ROWS] = {0}, chi = 0;
    struct err err = {0};
    struct resample_spec spec = {.seed = 3};
    make_classes(cls);
    assert_true(resample_by_class(&spec, cls, ROWS, prior, CLASSES, MOST_ROWS, row, &err));
    for (size_t i = 0; i < MOST_ROWS; i++) {
        count[cls[row[i]]]++;
        times[row[i]]++;
    }
    assert_true(count[1] == 0);
    for (size_t c = 0; c < CLASSES; c++)
        near(count[c], prior[c] * MOST_ROWS, 4 * sqrt(prior[c] * (1 - prior[c]) * MOST_ROWS));
    for (size_t r = 0; r < ROWS; r++)
        if (cls[r] == 0) /* of which there are 50 */
            chi += (times[r] - count[0] / 50) * (times[r] - count[0] / 50) / (count[0] / 50);
    near(chi, 49, 4 * sqrt(2 * 49));
}

static void draws_depend_on_seed_and_part(void **state) {
    (void)state;
    static const double prior[CLASSES] = {.25, .25, .25, .25};
    static uint32_t cls[ROWS], row[4][100];
    struct err err = {0};
    make_classes(cls);
    const struct resample_spec specs[] = {{.seed = 3}, {.seed = 3}, {.seed = 4}, {.seed = 3, .part = 1}};
    for (size_t s = 0; s < 4; s++)
        assert_true(resample_by_class(&specs[s], cls, ROWS, prior, CLASSES, 100, row[s], &err));
    assert_memory_equal(row[0], row[1], sizeof row[0]);
    assert_memory_not_equal(row[0], row[2], sizeof row[0]);
    assert_memory_not_equal(row[0], row[3], sizeof row[0]);
}

static void knock_out_drops_rows_of_its_class_alone(void **state) {
    (void)state;
    enum { TIMES = 1000, DROPPED = 15 };
    static uint32_t cls[ROWS];
    static uint8_t keep[ROWS];
    double times[ROWS] = {0};
    struct err err = {0};
    make_classes(cls);
    for (uint64_t seed = 0; seed < TIMES; seed++) {
        struct resample_spec spec = {.seed = seed, .cls = 0};
        size_t dropped = 0;
        assert_true(resample_knock_out(&spec, cls, ROWS, DROPPED, keep, &err));
        for (size_t r = 0; r < ROWS; r++) {
            assert_true(keep[r] || cls[r] == 0);
            dropped += !keep[r];
            times[r] += !keep[r];
        }
        assert_int_equal(dropped, DROPPED);
    }
    for (size_t r = 0; r < ROWS; r++)
        if (cls[r] == 0) /* each of the 50 equally often */
            near(times[r], TIMES * .3, 5 * sqrt(TIMES * .3 * .7));
}

static void a_thinned_part_is_a_random_subset(void **state) {
    (void)state;
    enum { TIMES = 1000 };
    uint8_t keep[30];
    double times[30] = {0};
    struct err err = {0};
    for (uint64_t seed = 0; seed < TIMES; seed++) {
        struct resample_spec spec = {.seed = seed};
        size_t kept = 0;
        for (size_t r = 0; r < 30; r++)
            keep[r] = r % 3 != 0;
        assert_true(resample_thin(&spec, keep, 30, 5, &err));
        for (size_t r = 0; r < 30; r++) {
            kept += keep[r];
            times[r] += keep[r];
        }
        assert_int_equal(kept, 5);
    }
    for (size_t r = 0; r < 30; r++)
        near(times[r], r % 3 ? TIMES * .25 : 0, r % 3 ? 4.5 * sqrt(TIMES * .25 * .75) : 0);
}

/* ---- selection ---- */

/* With s uniform in -1 to 1 the mean probability is (log(1 + e^(a+b)) - log(1 + e^(a-b))) / 2b; as many rows
 * stay, and those that do, each by 1/p, stand for all. */
static void rows_stay_with_their_probability(void **state) {
    (void)state;
    static double score[MOST_ROWS], p[MOST_ROWS];
    static uint8_t keep[MOST_ROWS];
    struct resample_spec spec = {.seed = 5, .intercept = -.5, .slope = 2};
    double a = spec.intercept, b = spec.slope, mean = 0, square = 0, kept = 0, all = 0, variance = 0;
    for (uint32_t r = 0; r < MOST_ROWS; r++)
        score[r] = resample_change(&spec, r);
    resample_select(&spec, score, MOST_ROWS, p, keep);
    double expected = (log(1 + exp(a + b)) - log(1 + exp(a - b))) / (2 * b), probability = 0, spread = 0;
    for (size_t r = 0; r < MOST_ROWS; r++) {
        near(p[r], 1 / (1 + exp(-(a + b * score[r]))), 1e-15);
        mean += score[r] / MOST_ROWS;
        square += score[r] * score[r] / MOST_ROWS;
        probability += p[r];
        spread += p[r] * (1 - p[r]);
        kept += keep[r];
        all += keep[r] ? 1 / p[r] : 0;
        variance += (1 - p[r]) / p[r];
    }
    near(mean, 0, 4 * sqrt(1. / 3 / MOST_ROWS));
    near(square, 1. / 3, 4 * sqrt(4. / 45 / MOST_ROWS));
    near(probability / MOST_ROWS, expected, .02);
    near(kept, probability, 4 * sqrt(spread));
    near(all, MOST_ROWS, 4 * sqrt(variance));
}

static void extreme_scores_stay_finite(void **state) {
    (void)state;
    const double score[] = {-1e4, 1e4};
    double p[2];
    uint8_t keep[2];
    struct resample_spec spec = {.seed = 5, .slope = 1};
    resample_select(&spec, score, 2, p, keep);
    assert_true(p[0] == 0 && !keep[0]);
    assert_true(p[1] == 1 && keep[1]);
}

static void scores_are_standardised(void **state) {
    (void)state;
    double score[] = {1, 2, 3, 6}, constant[] = {7, 7}; /* mean 3, variance 14/4 */
    resample_standardise(score, 4);
    near(score[0], -2 / sqrt(3.5), 1e-15);
    near(score[3], 3 / sqrt(3.5), 1e-15);
    resample_standardise(constant, 2);
    assert_true(constant[0] == 0 && constant[1] == 0);
}

/* ---- windows ---- */

static void windows_share_no_row_where_there_are_enough(void **state) {
    (void)state;
    static uint32_t row[1200];
    uint8_t seen[ROWS] = {0};
    bool replaced;
    struct err err = {0};
    struct resample_spec spec = {.seed = 6, .windows = 4};
    assert_true(resample_windows(&spec, ROWS, 100, row, &replaced, &err));
    assert_false(replaced);
    for (size_t i = 0; i < 400; i++) {
        assert_true(row[i] < ROWS && !seen[row[i]]);
        seen[row[i]] = 1;
    }
    assert_true(resample_windows(&spec, ROWS, 300, row, &replaced, &err));
    assert_true(replaced);
    double mean = 0;
    for (size_t i = 0; i < 1200; i++) {
        assert_true(row[i] < ROWS);
        mean += (row[i] + .5) / ROWS / 1200;
    }
    near(mean, .5, 4 * sqrt(1. / 12 / 1200));
}

static void drift_begins_where_it_should(void **state) {
    (void)state;
    struct resample_spec spec = {.windows = 4, .swaps = true, .degrees = 10};
    const double turn[] = {0, 10, 20, 30}, late[] = {0, 0, 10, 20};
    for (size_t t = 0; t < 4; t++) {
        assert_true(resample_turn(&spec, t) == turn[t]);
        assert_int_equal(resample_swaps(&spec, t), t >= 2);
    }
    spec.drift_at = 3;
    for (size_t t = 0; t < 4; t++)
        assert_true(resample_turn(&spec, t) == late[t]);
    spec.drift_at = 4;
    assert_false(resample_swaps(&spec, 2));
    assert_true(resample_swaps(&spec, 3));
}

/* ---- weights ---- */

static void weights_have_mean_one(void **state) {
    (void)state;
    double w[] = {1, 3, 0, 4}, zero[] = {0, 0};
    near(resample_normalise(w, 4), 64. / 26, 1e-15);
    assert_true(w[0] == .5 && w[1] == 1.5 && w[2] == 0 && w[3] == 2);
    assert_true(resample_normalise(zero, 2) == 0);
}

/* ---- images ---- */

static struct dataset images_of(enum idx_type type, void *values) {
    struct idx images = {.type = type, .dims = 3, .dim = {2, 2, 3}, .rows = 2, .width = 6, .values = values};
    return (struct dataset){.images = images, .features = 6};
}

/* Rows 1, 0, 1 of the set, changed or not, to out [3][6]. */
static void change_rows(struct dataset *set, bool turns, const struct image_change *change,
                        enum idx_type type, void *out, size_t size) {
    const uint32_t row[] = {1, 0, 1};
    struct changer changer;
    struct idx images;
    struct err err = {0};
    assert_true(changer_open(set, best_kernel(), turns, &changer, &err));
    assert_true(images_of_rows(&changer, row, 3, change, &images, &err));
    assert_int_equal(images.type, type);
    assert_int_equal(images.rows, 3);
    assert_int_equal(images.dim[0], 3);
    assert_int_equal(images.dim[2], 3);
    memcpy(out, images.values, 18 * size);
    idx_release(&images);
    changer_release(&changer);
}

static uint8_t pixels[] = {0, 1, 2, 3, 4, 5, 100, 101, 150, 200, 250, 255};

static void rows_are_copied(void **state) {
    (void)state;
    int16_t words[12], copied[18];
    uint8_t out[18];
    struct dataset set = images_of(IDX_U8, pixels);
    change_rows(&set, false, NULL, IDX_U8, out, 1);
    assert_memory_equal(out, pixels + 6, 6);
    assert_memory_equal(out + 6, pixels, 6);
    assert_memory_equal(out + 12, pixels + 6, 6);
    for (int i = 0; i < 12; i++)
        words[i] = (int16_t)(i * 1000 - 3000);
    set = images_of(IDX_I16, words);
    change_rows(&set, true, NULL, IDX_I16, copied, 2);
    assert_memory_equal(copied + 6, words, sizeof *words * 6);
}

/* Bytes are rounded half up and end at 255; other numbers are multiplied as they are. */
static void brightness_is_a_factor(void **state) {
    (void)state;
    const struct image_change change[] = {{1.5, 0}, {.5, 0}, {1, 0}};
    const uint8_t bright[] = {150, 152, 225, 255, 255, 255}, dark[] = {0, 1, 1, 2, 2, 3};
    float numbers[12];
    uint8_t out[18];
    real changed[18];
    struct dataset set = images_of(IDX_U8, pixels);
    change_rows(&set, false, change, IDX_U8, out, 1);
    assert_memory_equal(out, bright, 6);
    assert_memory_equal(out + 6, dark, 6);
    assert_memory_equal(out + 12, pixels + 6, 6);
    for (int i = 0; i < 12; i++)
        numbers[i] = (float)i - 4;
    set = images_of(IDX_F32, numbers);
    change_rows(&set, false, change, REAL_IS_DOUBLE ? IDX_F64 : IDX_F32, changed, sizeof *changed);
    assert_true(changed[0] == 3 && changed[6] == -2 && changed[12] == 2);
}

/* Half turns are exact: the pixels backwards. */
static void images_are_turned(void **state) {
    (void)state;
    const struct image_change change[] = {{1, 180}, {1, -180}, {1, 0}};
    uint8_t out[18];
    struct dataset set = images_of(IDX_U8, pixels);
    change_rows(&set, true, change, IDX_U8, out, 1);
    for (size_t p = 0; p < 6; p++) {
        assert_int_equal(out[p], pixels[11 - p]);
        assert_int_equal(out[6 + p], pixels[5 - p]);
        assert_int_equal(out[12 + p], pixels[6 + p]);
    }
    struct changer changer;
    struct err err = {0};
    set.images.dims = 2;
    assert_false(changer_open(&set, best_kernel(), true, &changer, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

static void labels_change_places(void **state) {
    (void)state;
    uint32_t cls[] = {0, 1, 2, 299}, row[] = {3, 2, 1, 0, 0};
    const size_t swap[] = {0, 2};
    struct dataset set = {.cls = cls};
    struct idx out;
    struct err err = {0};
    assert_true(labels_of_rows(&set, row + 1, 4, 3, swap, &out, &err));
    assert_int_equal(out.type, IDX_U8);
    assert_memory_equal(out.values, "\0\1\2\2", 4);
    idx_release(&out);
    assert_true(labels_of_rows(&set, row, 5, 300, NULL, &out, &err));
    assert_int_equal(out.type, IDX_I32);
    assert_int_equal(((int32_t *)out.values)[0], 299);
    assert_int_equal(((int32_t *)out.values)[1], 2);
    idx_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_have_their_law),
        cmocka_unit_test(shares_have_their_moments),
        cmocka_unit_test(a_class_without_rows_has_no_share),
        cmocka_unit_test(shares_of_schemes),
        cmocka_unit_test(impossible_shares_are_refused),
        cmocka_unit_test(classes_are_drawn_by_their_shares),
        cmocka_unit_test(draws_depend_on_seed_and_part),
        cmocka_unit_test(knock_out_drops_rows_of_its_class_alone),
        cmocka_unit_test(a_thinned_part_is_a_random_subset),
        cmocka_unit_test(rows_stay_with_their_probability),
        cmocka_unit_test(extreme_scores_stay_finite),
        cmocka_unit_test(scores_are_standardised),
        cmocka_unit_test(windows_share_no_row_where_there_are_enough),
        cmocka_unit_test(drift_begins_where_it_should),
        cmocka_unit_test(weights_have_mean_one),
        cmocka_unit_test(rows_are_copied),
        cmocka_unit_test(brightness_is_a_factor),
        cmocka_unit_test(images_are_turned),
        cmocka_unit_test(labels_change_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
