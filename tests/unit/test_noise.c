/* Random numbers drawn in vectors: word for word those of the scalar generator, whose vectors are published,
 * and distributed as they should be; dropout and noise built on them. */
#include "support.h"

enum { LANES = 32, ROWS = 13, N = ROWS * LANES };

static const uint32_t epoch = 0x80000003u;
static uint32_t sample[LANES];

static int choose_samples(void **state) {
    (void)state;
    for (uint32_t s = 0; s < LANES; s++)
        sample[s] = s * 0x9E3779B9u + (s == 5 ? UINT32_MAX : 0);
    return 0;
}

static struct noise noise_of(uint64_t seed) {
    return (struct noise){seed, epoch, sample};
}

static uint32_t word_of(uint64_t seed, uint32_t stream, size_t f, size_t s) {
    return random_philox(seed, stream, epoch, sample[s], (uint32_t)(f / 4)).v[f % 4];
}

/* A threshold that is the word itself keeps a number, one above it drops it: every bit of every word. */
static void vectors_have_the_words_of_the_scalar_generator(void **state) {
    (void)state;
    static const uint64_t seeds[] = {0, 1, UINT64_C(0xa4093822299f31d0), UINT64_MAX};
    real x[N], y[N];
    for (size_t i = 0; i < N; i++)
        x[i] = 1;
    for (size_t t = 0; kernel_at(t); t++)
        for (size_t i = 0; kernel_at(t)->supported() && i < 4 * N; i++) {
            uint64_t seed = seeds[i / N];
            uint32_t stream = random_stream_of(STREAM_DROPOUT, (uint32_t)(i / N * 77));
            struct noise noise = noise_of(seed);
            uint32_t word = word_of(seed, stream, i % N / LANES, i % LANES);
            kernel_at(t)->drop(ROWS, LANES, &noise, stream, (struct dropout){word, 3}, x, y, NULL);
            assert_true(y[i % N] == 3);
            kernel_at(t)->drop(ROWS, LANES, &noise, stream, (struct dropout){word + 1, 3}, x, y, NULL);
            assert_true(word == UINT32_MAX || y[i % N] == 0);
        }
}

static void dropping_multiplies(void **state) {
    (void)state;
    struct dropout half = dropout_keeping((real)0.75);
    assert_true(half.threshold == 1u << 30 && half.scale == 1 / (real)0.75);
    real x[N], y[N + 1], m[N + 1];
    uint8_t bytes[N + 1];
    fill(x, N, 3, 2);
    struct noise noise = noise_of(7);
    for (size_t t = 0; kernel_at(t); t++) {
        if (!kernel_at(t)->supported())
            continue;
        y[N] = m[N] = 7;
        memset(bytes, 9, sizeof bytes);
        kernel_at(t)->drop(ROWS, LANES, &noise, STREAM_DROPOUT, half, x, y, m);
        kernel_at(t)->drop_bytes(ROWS, LANES, &noise, STREAM_DROPOUT, half, bytes);
        for (size_t i = 0; i < N; i++) {
            bool kept = word_of(7, STREAM_DROPOUT, i / LANES, i % LANES) >= half.threshold;
            assert_true(m[i] == (kept ? half.scale : 0) && y[i] == x[i] * m[i] && bytes[i] == (kept ? 9 : 0));
        }
        assert_true(y[N] == 7 && m[N] == 7 && bytes[N] == 9);
    }
}

/* Box and Muller in double precision by libm, from the words of the scalar generator; the uniform number is
 * rounded as the engine's type asks for. */
static double deviate(uint64_t seed, uint32_t stream, size_t f, size_t s) {
    real upper = (real)(word_of(seed, stream, f & ~(size_t)1, s) >> 1);
    double u = (double)(real)((double)upper * 0x1p-31 + 0x1p-32);
    double angle = 2 * 3.14159265358979323846 * (word_of(seed, stream, f | 1, s) * 0x1p-32);
    return sqrt(-2 * log(u)) * (f % 2 ? sin(angle) : cos(angle));
}

static void deviates_are_those_of_box_and_muller(void **state) {
    (void)state;
    enum { STRIDE = LANES + 16 };
    real x[ROWS * STRIDE], y[ROWS * STRIDE + 1], e[N + 1], scale[LANES], expected[N];
    fill(x, ROWS * STRIDE, 5, 1);
    fill(scale, LANES, 6, 1);
    for (uint64_t seed = 0; seed < 50; seed++)
        for (size_t t = 0; kernel_at(t); t++) {
            size_t first = 4 * (seed % 3);
            struct noise noise = noise_of(seed);
            if (!kernel_at(t)->supported())
                continue;
            memcpy(y, x, sizeof x);
            y[ROWS * STRIDE] = e[N] = 7;
            kernel_at(t)->add_normal(ROWS, LANES, first, &noise, STREAM_DROPOUT, scale, x, y, STRIDE, e);
            assert_true(y[ROWS * STRIDE] == 7 && e[N] == 7);
            for (size_t i = 0; i < ROWS * STRIDE; i++) {
                size_t f = i / STRIDE, s = i % STRIDE;
                if (s >= LANES) {
                    assert_true(y[i] == x[i]);
                    continue;
                }
                double d = deviate(seed, STREAM_DROPOUT, first + f, s), got = (double)e[f * LANES + s];
                assert_true(fabs(got - d) < (REAL_IS_DOUBLE ? 1e-14 : 1e-6));
                real sum =
                    (real)fma((double)scale[s], got, (double)x[i]); /* exact in double before it is rounded */
                assert_true(REAL_IS_DOUBLE || y[i] == sum);
                assert_true(fabs((double)y[i] - (double)sum) < 1e-15);
            }
            if (t == 0)
                memcpy(expected, e, sizeof expected);
            assert_memory_equal(e, expected, sizeof expected);
        }
}

/* Of 2^24 deviates, how many are further out than 4 and 5: the expected numbers within four deviations. */
static void the_tail_has_its_shape(void **state) {
    (void)state;
    enum { BLOCKS = 1 << 22 };
    size_t beyond[2] = {0};
    real x[4 * 16], zero[4 * 16] = {0}, scale[16];
    uint32_t rows[16];
    for (size_t s = 0; s < 16; s++)
        scale[s] = 1;
    for (uint32_t b = 0; b < BLOCKS; b += 16) {
        for (uint32_t s = 0; s < 16; s++)
            rows[s] = b + s;
        struct noise noise = {1, 1, rows};
        best_kernel()->add_normal(4, 16, 0, &noise, STREAM_INPUT_NOISE, scale, zero, x, 16, NULL);
        for (size_t i = 0; i < 64; i++)
            beyond[0] += x[i] > 4 || x[i]<-4, beyond[1] += x[i]> 5 || x[i] < -5;
    }
    for (size_t i = 0; i < 2; i++) {
        double expected = 4.0 * BLOCKS * erfc((4 + (double)i) / sqrt(2));
        assert_true(fabs((double)beyond[i] - expected) < 4 * sqrt(expected));
    }
}

static int ascending(const void *a, const void *b) {
    real x = *(const real *)a, y = *(const real *)b;
    return (x > y) - (x < y);
}

/* The first four moments within four standard errors, correlation of neighbours in unit and sample, and the
 * distance of Kolmogorov and Smirnov from the exact law at the level of one in a thousand. */
static void deviates_are_normal(void **state) {
    (void)state;
    enum { UNITS = 1250, COUNT = UNITS * LANES };
    real *x = reals(COUNT), *e = reals(COUNT), scale[LANES] = {0};
    struct noise noise = noise_of(42);
    best_kernel()->add_normal(UNITS, LANES, 0, &noise, STREAM_WEIGHT_NOISE, scale, x, x, LANES, e);
    double moment[5] = {0}, along = 0, across = 0, error = 4 / sqrt(COUNT), distance = 0;
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(x[i] == 0);
        for (int k = 1; k <= 4; k++)
            moment[k] += pow((double)e[i], k) / COUNT;
        along += i + 1 < COUNT ? (double)e[i] * (double)e[i + 1] / COUNT : 0;
        across += i + LANES < COUNT ? (double)e[i] * (double)e[i + LANES] / COUNT : 0;
    }
    /* variances of z, z^2, z^3, z^4: 1, 2, 15, 96 */
    assert_true(fabs(moment[1]) < error && fabs(moment[2] - 1) < sqrt(2) * error);
    assert_true(fabs(moment[3]) < sqrt(15) * error && fabs(moment[4] - 3) < sqrt(96) * error);
    assert_true(fabs(along) < error && fabs(across) < error);
    qsort(e, COUNT, sizeof *e, ascending);
    for (size_t i = 0; i < COUNT; i++) {
        double p = erfc(-(double)e[i] / sqrt(2)) / 2;
        distance = fmax(distance, fmax(p - (double)i / COUNT, (double)(i + 1) / COUNT - p));
    }
    assert_true(distance < 1.95 / sqrt(COUNT));
    mem_free(x);
    mem_free(e);
}

/* Every stream, epoch, layer and sample has words of its own. */
static void streams_differ(void **state) {
    (void)state;
    real one[16 * LANES], m[6][16 * LANES];
    for (size_t i = 0; i < 16 * LANES; i++)
        one[i] = 1;
    uint32_t others[LANES];
    for (uint32_t s = 0; s < LANES; s++)
        others[s] = sample[s] + 1;
    const struct noise plain = noise_of(1), seed = noise_of(2), later = {1, epoch + 1, sample},
                       moved = {1, epoch, others};
    const struct noise *noises[6] = {&plain, &seed, &later, &moved, &plain, &plain};
    const uint32_t streams[6] = {STREAM_DROPOUT, STREAM_DROPOUT,       STREAM_DROPOUT,
                                 STREAM_DROPOUT, STREAM_INPUT_DROPOUT, random_stream_of(STREAM_DROPOUT, 1)};
    for (size_t i = 0; i < 6; i++) {
        best_kernel()->drop(16, LANES, noises[i], streams[i], dropout_keeping((real)0.5), one, m[i], NULL);
        for (size_t j = 0; j < i; j++) {
            size_t same = 0;
            for (size_t k = 0; k < 16 * LANES; k++)
                same += m[i][k] == m[j][k];
            assert_true(same > 200 && same < 312); /* 256 +- 5 deviations */
        }
    }
}

static void products_and_sums(void **state) {
    (void)state;
    real a[N], b[N], y[N], scale[LANES];
    fill(a, N, 1, 2), fill(b, N, 2, 2), fill(scale, LANES, 3, 1);
    for (size_t t = 0; kernel_at(t); t++) {
        if (!kernel_at(t)->supported())
            continue;
        kernel_at(t)->multiply(N, a, b, y, false);
        for (size_t i = 0; i < N; i++)
            assert_true(y[i] == a[i] * b[i]);
        kernel_at(t)->multiply(N, b, b, y, true);
        kernel_at(t)->add_scaled(ROWS, LANES, scale, a, y);
        for (size_t i = 0; i < N; i++) {
            double sum = (double)b[i] * (double)b[i] + (double)a[i] * (double)b[i];
            sum += (double)scale[i % LANES] * (double)a[i];
            assert_true(fabs((double)y[i] - sum) < (REAL_IS_DOUBLE ? 1e-14 : 4e-6));
        }
    }
}

/* The sums of squares of lists have the bits of those over panels. */
static void squares_over_lists(void **state) {
    (void)state;
    enum { FEATURES = 300 };
    static uint32_t entry[LANES * (FEATURES + 1)];
    static real x[FEATURES * LANES];
    uint32_t start[LANES];
    real value[256], expected[LANES], got[LANES];
    for (size_t b = 0; b < 256; b++)
        value[b] = (real)b / 255;
    size_t used = 0;
    for (size_t s = 0; s < LANES; s++) {
        uint8_t row[FEATURES];
        for (size_t f = 0; f < FEATURES; f++) {
            struct random_block b = random_philox(5, 1, 0, (uint32_t)s, (uint32_t)f);
            row[f] = s == 9 || b.v[0] % (s + 2) ? 0 : (uint8_t)b.v[1];
            x[f * LANES + s] = value[row[f]];
        }
        start[s] = (uint32_t)used;
        used += kernel_at(0)->sparse_list(FEATURES, row, entry + used);
    }
    const struct sparse_rows rows = {entry, start, value, FEATURES};
    kernel_at(0)->dot(FEATURES, LANES, x, x, expected);
    assert_true(expected[9] == 0 && expected[0] > 1);
    for (size_t t = 0; kernel_at(t); t++) {
        if (!kernel_at(t)->supported())
            continue;
        kernel_at(t)->sparse_squares(LANES, &rows, got);
        assert_memory_equal(got, expected, sizeof got);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_have_the_words_of_the_scalar_generator),
        cmocka_unit_test(dropping_multiplies),
        cmocka_unit_test(deviates_are_those_of_box_and_muller),
        cmocka_unit_test(the_tail_has_its_shape),
        cmocka_unit_test(deviates_are_normal),
        cmocka_unit_test(streams_differ),
        cmocka_unit_test(products_and_sums),
        cmocka_unit_test(squares_over_lists),
    };
    return cmocka_run_group_tests_name("noise", tests, choose_samples, NULL);
}
