/* Calibration by bias-corrected temperature scaling, against scipy and against laws that are known. */
#include "support.h"

#include "shift/bcts.h"

enum { MOST_ROWS = 4000, MOST_CLASSES = 5 };

static real z[MOST_ROWS * MOST_CLASSES];
static uint32_t cls[MOST_ROWS];

static void near(double got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("expected %.17g, got %.17g", expected, got);
}

static struct logits sample_of(size_t rows, size_t classes) {
    return (struct logits){.z = z, .rows = rows, .classes = classes, .cls = cls};
}

static struct bcts fit(const struct logits *sample) {
    struct err err = {0};
    struct bcts bcts;
    assert_true(bcts_init(&bcts, sample->classes, &err));
    assert_true(bcts_fit(&bcts, sample, &err));
    double sum = 0;
    for (size_t j = 0; j < sample->classes; j++)
        sum += bcts.b[j];
    near(sum, 0, 1e-12);
    assert_true(isfinite(bcts.a) && bcts.a > 0);
    return bcts;
}

/* The mean of what is predicted less the share of the class. */
static double excess(const struct bcts *bcts, const struct logits *sample, size_t class) {
    double sum = 0, rows = 0, p[MOST_CLASSES];
    for (size_t i = 0; i < sample->rows; i++) {
        double count = sample->count ? sample->count[i] : 1;
        bcts_apply(bcts, sample->z + i * sample->classes, sample->classes, p);
        sum += count * (p[class] - (sample->cls[i] == class));
        rows += count;
    }
    return sum / rows;
}

static double mean_nll(const struct bcts *bcts, const struct logits *sample) {
    double sum = 0, p[MOST_CLASSES];
    for (size_t i = 0; i < sample->rows; i++) {
        bcts_apply(bcts, sample->z + i * sample->classes, sample->classes, p);
        sum -= log(p[sample->cls[i]]);
    }
    return sum / (double)sample->rows;
}

static uint32_t congruential(uint32_t *state) {
    *state = (*state * 1103515245u + 12345u) % 0x80000000u;
    return *state >> 16;
}

/* Logits are sixteenths from -2 to 2; in about 60 of 100 rows the class is that of the largest. */
static void make_case(size_t rows, size_t classes, uint32_t seed) {
    for (size_t i = 0; i < rows; i++) {
        size_t largest = 0;
        for (size_t j = 0; j < classes; j++) {
            z[i * classes + j] = (real)((double)(congruential(&seed) % 64) - 32) / 16;
            largest = z[i * classes + j] > z[i * classes + largest] ? j : largest;
        }
        uint32_t u = congruential(&seed) % 100;
        cls[i] = u < 60 ? (uint32_t)largest : u % (uint32_t)classes;
    }
}

/* scipy.optimize.minimize (BFGS, then Newton's method to a gradient of 1e-17) of the negative log-likelihood
 * by (a, b with the last of them 0), the mean taken out of b; with two classes that is Platt's scaling. */
static const struct {
    size_t rows, classes;
    uint32_t seed;
    double a, b[MOST_CLASSES], nll;
} cases[] = {
    {60, 2, 1, 0.769514337183, {-0.085336628429, 0.085336628429}, 0.56943786292454},
    {90, 3, 2, 0.774978667260, {-0.092135080560, 0.045414604106, 0.046720476455}, 0.90236462314196},
    {200,
     5,
     3,
     1.103011235019,
     {-0.022152034058, 0.181629218568, 0.137444634332, -0.115683776558, -0.181238042282},
     1.20098295240916},
};

static void finds_what_scipy_finds(void **state) {
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct logits sample = sample_of(cases[c].rows, cases[c].classes);
        make_case(sample.rows, sample.classes, cases[c].seed);
        struct bcts bcts = fit(&sample);
        near(bcts.a, cases[c].a, 1e-7);
        for (size_t j = 0; j < sample.classes; j++) {
            near(bcts.b[j], cases[c].b[j], 1e-7);
            near(excess(&bcts, &sample, j), 0, 1e-8);
        }
        near(mean_nll(&bcts, &sample), cases[c].nll, 1e-13);
        bcts_release(&bcts);
    }
}

/* Rows with counts are rows that are there as often. */
static void counts_are_repetitions(void **state) {
    (void)state;
    enum { ROWS = 90, CLASSES = 3 };
    static real repeated[3 * ROWS * CLASSES];
    static uint32_t repeated_cls[3 * ROWS];
    double count[ROWS];
    size_t rows = 0;
    make_case(ROWS, CLASSES, 2);
    for (size_t i = 0; i < ROWS; i++) {
        count[i] = (double)(i % 4);
        for (size_t c = 0; c < i % 4; c++, rows++) {
            memcpy(repeated + rows * CLASSES, z + i * CLASSES, CLASSES * sizeof *z);
            repeated_cls[rows] = cls[i];
        }
    }
    struct logits counted = sample_of(ROWS, CLASSES), plain = {repeated, rows, CLASSES, repeated_cls, NULL};
    counted.count = count;
    struct bcts a = fit(&counted), b = fit(&plain);
    near(a.a, b.a, 1e-10);
    for (size_t j = 0; j < CLASSES; j++)
        near(a.b[j], b.b[j], 1e-10);
    bcts_release(&a);
    bcts_release(&b);
}

/* Wherever the search begins. */
static void the_start_does_not_matter(void **state) {
    (void)state;
    make_case(200, 5, 3);
    struct logits sample = sample_of(200, 5);
    struct bcts expected = fit(&sample), bcts;
    struct err err = {0};
    static const double starts[][2] = {{100, 0}, {1e-4, 3}, {1, 50}, {30, -20}};
    for (size_t s = 0; s < sizeof starts / sizeof *starts; s++) {
        assert_true(bcts_init(&bcts, 5, &err));
        bcts.a = starts[s][0];
        bcts.b[1] = starts[s][1], bcts.b[4] = -starts[s][1];
        assert_true(bcts_fit(&bcts, &sample, &err));
        near(bcts.a, expected.a, 1e-9);
        for (size_t j = 0; j < 5; j++)
            near(bcts.b[j], expected.b[j], 1e-9);
        bcts_release(&bcts);
    }
    bcts_release(&expected);
}

/* Classes are drawn by softmax(.5 z + b): 4000 of them find a to about .02 and b to about .05. */
static void a_known_law_is_found(void **state) {
    (void)state;
    enum { ROWS = MOST_ROWS, CLASSES = 3 };
    double b[] = {.5, -.75, .25}, p[CLASSES];
    struct bcts law = {.5, b};
    fill(z, ROWS * CLASSES, 7, 6);
    for (uint32_t i = 0; i < ROWS; i++) {
        bcts_apply(&law, z + i * CLASSES, CLASSES, p);
        double u = random_unit(random_philox(99, 8, 0, 0, i), 0);
        cls[i] = u < p[0] ? 0 : u < p[0] + p[1] ? 1 : 2;
    }
    struct logits sample = sample_of(ROWS, CLASSES);
    struct bcts bcts = fit(&sample);
    near(bcts.a, .5, .05);
    for (size_t j = 0; j < CLASSES; j++)
        near(bcts.b[j], b[j], .15);
    bcts_release(&bcts);
}

/* The size of the logits is a's business alone, also where a = 1 is far off. */
static void size_and_place_of_logits_do_not_matter(void **state) {
    (void)state;
    static const double sizes[] = {1. / 1024, 1024, 1048576};
    make_case(90, 3, 2);
    struct logits sample = sample_of(90, 3);
    struct bcts expected = fit(&sample);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        make_case(90, 3, 2);
        for (size_t i = 0; i < 90 * 3; i++)
            z[i] = (real)(sizes[s] * ((double)z[i] + 8));
        struct bcts bcts = fit(&sample);
        near(bcts.a * sizes[s], expected.a, 1e-5);
        for (size_t j = 0; j < 3; j++)
            near(bcts.b[j], expected.b[j], 1e-5);
        bcts_release(&bcts);
    }
    bcts_release(&expected);
}

/* A class that no row has becomes improbable and stays finite; the others are as without it. */
static void a_class_may_lack(void **state) {
    (void)state;
    make_case(90, 3, 2);
    for (size_t i = 90; i-- > 0;) {
        z[i * 4 + 3] = 0;
        for (size_t j = 3; j-- > 0;)
            z[i * 4 + j] = z[i * 3 + j];
    }
    struct logits sample = sample_of(90, 4);
    struct bcts bcts = fit(&sample);
    near(bcts.a, cases[1].a, 1e-5);
    near(bcts.b[1] - bcts.b[0], cases[1].b[1] - cases[1].b[0], 1e-5);
    near(excess(&bcts, &sample, 3), 0, 1e-6);
    bcts_release(&bcts);
}

/* What is always right asks for an infinite a, what is always wrong for a negative one, and equal logits for
 * none: by the ridge and the limit a stays finite and above 0, b finds the shares. */
static void samples_without_a_minimum(void **state) {
    (void)state;
    enum { ROWS = 30, CLASSES = 3 };
    struct logits sample = sample_of(ROWS, CLASSES);
    for (int wrong = -1; wrong <= 1; wrong++) {
        for (size_t i = 0; i < ROWS; i++) {
            cls[i] = i % 5 == 0 ? 0 : i % 2 ? 1 : 2;
            for (size_t j = 0; j < CLASSES; j++)
                z[i * CLASSES + j] = (real)(j == cls[i] ? -3 * wrong : 0);
        }
        struct bcts bcts = fit(&sample);
        for (size_t j = 0; j < CLASSES; j++)
            near(excess(&bcts, &sample, j), 0, 1e-6);
        double nll = mean_nll(&bcts, &sample);
        if (wrong < 0)
            assert_true(nll < 1e-4 && bcts.a < 100);
        else /* entropy of the shares 6, 12 and 12 of 30 */
            near(nll, -.2 * log(.2) - .8 * log(.4), wrong ? 2e-2 : 1e-10);
        bcts_release(&bcts);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_scipy_finds),
        cmocka_unit_test(counts_are_repetitions),
        cmocka_unit_test(the_start_does_not_matter),
        cmocka_unit_test(a_known_law_is_found),
        cmocka_unit_test(size_and_place_of_logits_do_not_matter),
        cmocka_unit_test(a_class_may_lack),
        cmocka_unit_test(samples_without_a_minimum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
