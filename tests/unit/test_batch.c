/* Scaling, shuffling and batches. References: closed forms, and the definitions written out. */
#include "idx_files.h"

#include <math.h>

#include "data/dataset.h"

enum { FEATURES = 70, ROWS = 40 }; /* more than one block of the plain loops, and a rest */

/* A set in memory, without labels. */
static struct dataset make_set(enum idx_type type, size_t rows, size_t features, void *values) {
    return (struct dataset){
        .images = {.type = type,
                   .dims = 2,
                   .dim = {rows, features},
                   .rows = rows,
                   .width = features,
                   .values = values},
        .features = features,
    };
}

static void assert_near(real found, double expected) {
    double tolerance = (sizeof(real) == 4 ? 1e-6 : 1e-13) * (1 + fabs(expected));
    if (!(fabs((double)found - expected) <= tolerance))
        fail_msg("expected %.17g, found %.17g", expected, (double)found);
}

/* ---- scaling ---- */

static void test_names(void **state) {
    (void)state;
    const char *names[] = {"unit", "standardize", "standardize_features", "none"};
    for (size_t i = 0; i < SCALE_COUNT; i++)
        assert_string_equal(data_scale_name(i), names[i]);
    assert_null(data_scale_name(SCALE_COUNT));
}

/* Columns: 0 to 255, all 7, half 0 and half 200. The numbers 0 to n-1 have mean (n-1)/2 and variance
 * (n^2-1)/12. */
#define COLUMNS(values)                                                                                      \
    for (size_t r = 0; r < 256; r++) {                                                                       \
        (values)[3 * r] = (unsigned char)r;                                                                  \
        (values)[3 * r + 1] = 7;                                                                             \
        (values)[3 * r + 2] = r % 4 < 2 ? 0 : 200;                                                           \
    }

static unsigned char u8[3 * 256];
static short i16[3 * 256];
static float f32[3 * 256];
static double f64[3 * 256];

static const struct {
    enum idx_type type;
    void *values;
} typed[] = {{IDX_U8, u8}, {IDX_I16, i16}, {IDX_F32, f32}, {IDX_F64, f64}};

static void fill_typed(void) {
    COLUMNS(u8)
    COLUMNS(i16)
    COLUMNS(f32)
    COLUMNS(f64)
}

static void test_standardize_features(void **state) {
    (void)state;
    fill_typed();
    for (size_t t = 0; t < sizeof typed / sizeof typed[0]; t++) {
        struct dataset set = make_set(typed[t].type, 256, 3, typed[t].values);
        struct data_part all = dataset_all(&set);
        struct scaling s;
        struct err err;
        assert_true(scaling_fit(SCALE_STANDARDIZE_FEATURES, &all, &s, &err));
        assert_int_equal(s.features, 3);
        assert_near(s.mean[0], 127.5);
        assert_near(s.deviation[0], sqrt(65535.0 / 12));
        assert_true(s.mean[1] == 7 && s.deviation[1] == 1);
        assert_true(s.mean[2] == 100 && s.deviation[2] == 100);
        scaling_release(&s);
        assert_null(s.mean);
        uint32_t even[128];
        for (uint32_t i = 0; i < 128; i++)
            even[i] = 2 * i;
        struct data_part part = {.set = &set, .row = even, .count = 128};
        assert_true(scaling_fit(SCALE_STANDARDIZE_FEATURES, &part, &s, &err));
        assert_near(s.mean[0], 127);
        assert_near(s.deviation[0], 2 * sqrt(16383.0 / 12));
        scaling_release(&s);
    }
}

static void test_standardize(void **state) {
    (void)state;
    fill_typed();
    double mean = (127.5 + 7 + 100) / 3;
    double square = (65535.0 / 12 + 127.5 * 127.5 + 49 + 20000) / 3;
    for (size_t t = 0; t < sizeof typed / sizeof typed[0]; t++) {
        struct dataset set = make_set(typed[t].type, 256, 3, typed[t].values);
        struct data_part all = dataset_all(&set);
        struct scaling s;
        struct err err;
        assert_true(scaling_fit(SCALE_STANDARDIZE, &all, &s, &err));
        for (size_t f = 0; f < 3; f++) {
            assert_near(s.mean[f], mean);
            assert_near(s.deviation[f], sqrt(square - mean * mean));
        }
        scaling_release(&s);
    }
}

/* More rows than one block of 32-bit sums holds. */
static void test_many_rows(void **state) {
    (void)state;
    enum { MANY = 200000 };
    unsigned char *values = malloc(MANY);
    assert_non_null(values);
    for (size_t r = 0; r < MANY; r++)
        values[r] = r % 2 ? 255 : 0;
    struct dataset set = make_set(IDX_U8, MANY, 1, values);
    struct data_part all = dataset_all(&set);
    struct scaling s;
    struct err err;
    for (int kind = SCALE_STANDARDIZE; kind <= SCALE_STANDARDIZE_FEATURES; kind++) {
        assert_true(scaling_fit(kind, &all, &s, &err));
        assert_true(s.mean[0] == (real)127.5 && s.deviation[0] == (real)127.5);
        scaling_release(&s);
    }
    free(values);
}

/* A constant that no sum of doubles holds exactly still has no deviation, and comes out as 0. */
static void test_constant(void **state) {
    (void)state;
    double values[ROWS];
    for (size_t r = 0; r < ROWS; r++)
        values[r] = 0.1;
    struct dataset set = make_set(IDX_F64, ROWS, 1, values);
    struct data_part all = dataset_all(&set);
    struct scaling s;
    struct err err;
    assert_true(scaling_fit(SCALE_STANDARDIZE_FEATURES, &all, &s, &err));
    assert_true(s.deviation[0] == 1);
    const uint32_t row[] = {3};
    real x[KERNEL_LANES];
    batch_images(kernel_find("scalar", PRECISION_F32, &err), &set, &s, row, 1, KERNEL_LANES, x);
    assert_true(x[0] == 0);
    scaling_release(&s);
}

static void test_no_statistics(void **state) {
    (void)state;
    fill_typed();
    struct dataset set = make_set(IDX_U8, 256, 3, u8);
    struct data_part all = dataset_all(&set);
    const int kinds[] = {SCALE_UNIT, SCALE_NONE};
    for (size_t k = 0; k < 2; k++) {
        struct scaling s;
        struct err err;
        assert_true(scaling_fit(kinds[k], &all, &s, &err));
        assert_int_equal(s.kind, kinds[k]);
        assert_null(s.mean);
        assert_null(s.deviation);
        scaling_release(&s);
    }
}

/* ---- shuffling ---- */

static void test_shuffle_permutes(void **state) {
    (void)state;
    enum { N = 1000 };
    static uint32_t order[3][N];
    for (size_t n = 0; n <= N; n = n < 5 ? n + 1 : n * 2 > N && n < N ? N : n * 2) {
        char seen[N] = {0};
        sampler_shuffle(1, 1, n, order[0]);
        for (size_t i = 0; i < n; i++) {
            assert_true(order[0][i] < n && !seen[order[0][i]]);
            seen[order[0][i]] = 1;
        }
    }
    sampler_shuffle(1, 1, N, order[0]);
    sampler_shuffle(1, 1, N, order[1]);
    assert_memory_equal(order[0], order[1], sizeof order[0]);
    sampler_shuffle(1, 2, N, order[1]);
    assert_memory_not_equal(order[0], order[1], sizeof order[0]);
    sampler_shuffle(2, 1, N, order[2]);
    assert_memory_not_equal(order[0], order[2], sizeof order[0]);
    assert_memory_not_equal(order[1], order[2], sizeof order[0]);
}

/* Each of the 24 orders of 4 is as frequent as the others: chi-squared with 23 degrees of freedom
 * exceeds 49.7 once in a thousand times. */
static void test_shuffle_is_uniform(void **state) {
    (void)state;
    enum { TURNS = 24000 };
    size_t count[256] = {0};
    for (uint32_t epoch = 1; epoch <= TURNS; epoch++) {
        uint32_t order[4];
        sampler_shuffle(7, epoch, 4, order);
        count[order[0] << 6 | order[1] << 4 | order[2] << 2 | order[3]]++;
    }
    double chi_squared = 0;
    size_t kinds = 0;
    for (size_t i = 0; i < 256; i++)
        if (count[i] > 0) {
            kinds++;
            chi_squared += pow((double)count[i] - TURNS / 24, 2) / (TURNS / 24);
        }
    assert_int_equal(kinds, 24);
    assert_true(chi_squared < 49.7);
}

/* ---- batches ---- */

static const struct kernel *scalar(void) {
    struct err err;
    const struct kernel *k = kernel_find("scalar", PRECISION_F32, &err);
    assert_non_null(k);
    return k;
}

/* Every byte by every way, against the definition; the wide panel takes the loops without kernel. */
static void test_batch_of_bytes(void **state) {
    (void)state;
    unsigned char values[256];
    uint32_t row[2048];
    static real x[2048];
    real mean = (real)33.3, deviation = (real)78.6;
    for (size_t i = 0; i < 256; i++)
        values[i] = (unsigned char)i;
    for (uint32_t i = 0; i < 2048; i++)
        row[i] = i * 7 % 256;
    struct dataset set = make_set(IDX_U8, 256, 1, values);
    const struct scaling scaling[] = {{.kind = SCALE_UNIT, .features = 1},
                                      {.kind = SCALE_NONE, .features = 1},
                                      {SCALE_STANDARDIZE, 1, &mean, &deviation}};
    const size_t lanes[] = {16, 256, 1024, 2048};
    for (size_t l = 0; l < sizeof lanes / sizeof lanes[0]; l++)
        for (size_t k = 0; k < sizeof scaling / sizeof scaling[0]; k++) {
            batch_images(scalar(), &set, &scaling[k], row, lanes[l] - 3, lanes[l], x);
            for (size_t s = 0; s < lanes[l]; s++) {
                real b = (real)values[row[s < lanes[l] - 3 ? s : lanes[l] - 4]];
                real expected[] = {b / (real)255, b, (b - mean) / deviation};
                assert_true(x[s] == expected[k]);
            }
        }
}

#define FILL(element, name, formula)                                                                         \
    static element name[ROWS * FEATURES];                                                                    \
    for (size_t i = 0; i < ROWS * FEATURES; i++)                                                             \
    name[i] = (element)(formula)

/* Values that all types hold: i mod 100 (and negative ones where there are any). */
static void test_batch_of_other_types(void **state) {
    (void)state;
    FILL(uint8_t, a, i % 100);
    FILL(int8_t, b, (int)(i % 100) - 50);
    FILL(int16_t, c, ((int)(i % 100) - 50) * 300);
    FILL(int32_t, d, ((int)(i % 100) - 50) * 10000000);
    FILL(float, e, ((double)(i % 100) - 50) / 8);
    FILL(double, g, ((double)(i % 100) - 50) / 8);
    const struct {
        enum idx_type type;
        void *values;
        double offset, unit;
    } cases[] = {{IDX_U8, a, 0, 255}, {IDX_I8, b, 50, 1},  {IDX_I16, c, 50, 1},
                 {IDX_I32, d, 50, 1}, {IDX_F32, e, 50, 1}, {IDX_F64, g, 50, 1}};
    const double factor[] = {1, 1, 300, 10000000, 0.125, 0.125};
    static real mean[FEATURES], deviation[FEATURES], x[FEATURES * 32];
    for (size_t f = 0; f < FEATURES; f++) {
        mean[f] = (real)f / 3;
        deviation[f] = 1 + (real)f / 5;
    }
    const struct scaling scaling[] = {{.kind = SCALE_UNIT, .features = FEATURES},
                                      {.kind = SCALE_NONE, .features = FEATURES},
                                      {SCALE_STANDARDIZE_FEATURES, FEATURES, mean, deviation}};
    uint32_t row[20];
    for (uint32_t i = 0; i < 20; i++)
        row[i] = i * 17 % ROWS;
    for (size_t c2 = 0; c2 < sizeof cases / sizeof cases[0]; c2++)
        for (size_t k = 0; k < 3; k++) {
            struct dataset set = make_set(cases[c2].type, ROWS, FEATURES, cases[c2].values);
            batch_images(scalar(), &set, &scaling[k], row, 20, 32, x);
            for (size_t f = 0; f < FEATURES; f++)
                for (size_t s = 0; s < 32; s++) {
                    size_t at = row[s < 20 ? s : 19] * FEATURES + f;
                    double v = ((double)(at % 100) - cases[c2].offset) * factor[c2];
                    double expected = k == 0   ? v / cases[c2].unit
                                      : k == 1 ? v
                                               : (v - (double)mean[f]) / (double)deviation[f];
                    assert_near(x[f * 32 + s], expected);
                }
        }
}

static void test_batch_of_classes_and_targets(void **state) {
    (void)state;
    uint32_t cls[] = {2, 0, 1, 2, 1};
    real targets[] = {0, 1, 10, 11, 20, 21, 30, 31, 40, 41};
    const uint32_t row[] = {4, 0, 3};
    uint32_t got[KERNEL_LANES];
    real t[3 * KERNEL_LANES];
    struct dataset set = {.images = {.rows = 5}, .cls = cls, .class_count = 3};
    batch_classes(&set, row, 3, KERNEL_LANES, got);
    for (size_t s = 0; s < KERNEL_LANES; s++)
        assert_int_equal(got[s], s < 3 ? cls[row[s]] : 0);
    batch_targets(&set, row, 3, KERNEL_LANES, 3, t);
    for (size_t f = 0; f < 3; f++)
        for (size_t s = 0; s < KERNEL_LANES; s++)
            assert_true(t[f * KERNEL_LANES + s] == (s < 3 && cls[row[s]] == f ? 1 : 0));
    set = (struct dataset){.images = {.rows = 5}, .targets = targets, .target_width = 2};
    batch_targets(&set, row, 3, KERNEL_LANES, 2, t);
    for (size_t f = 0; f < 2; f++)
        for (size_t s = 0; s < KERNEL_LANES; s++)
            assert_true(t[f * KERNEL_LANES + s] == (s < 3 ? (real)(row[s] * 10 + f) : 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_standardize_features),
        cmocka_unit_test(test_standardize),
        cmocka_unit_test(test_many_rows),
        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_no_statistics),
        cmocka_unit_test(test_shuffle_permutes),
        cmocka_unit_test(test_shuffle_is_uniform),
        cmocka_unit_test(test_batch_of_bytes),
        cmocka_unit_test(test_batch_of_other_types),
        cmocka_unit_test(test_batch_of_classes_and_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
