/* What a training and a prediction in bfloat16 keep of the numbers. */
#include "support.h"

#include "fit/fit.h"
#include "fit/slice.h"
#include "network.h"

#if defined(__x86_64__) && defined(__linux__)
#include "../amx/emulator.h"
#endif

enum { ROWS = 70, FEATURES = 45 };

static uint8_t bytes[ROWS * FEATURES];
static real targets[ROWS];

static struct dataset byte_set(void) {
    struct dataset set = memory_set(NULL, ROWS, FEATURES, NULL, 0);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37 % 256);
    for (size_t i = 0; i < ROWS; i++)
        targets[i] = (real)(i % 5);
    set.images.type = IDX_U8, set.images.values = bytes;
    set.targets = targets, set.target_width = 1;
    return set;
}

/* One output, a plain sum of its inputs; weights that bfloat16 has. */
static struct model *line(double input_dropout) {
    struct err err = {0};
    struct model_spec spec = {.output = {.activation = ACTIVATION_IDENTITY, .init = {.kind = 0}},
                              .input_dropout = input_dropout};
    struct model *m = model_create(&spec, FEATURES, 1, "mse", &err);
    float w[FEATURES];
    assert_non_null(m);
    for (size_t i = 0; i < FEATURES; i++)
        w[i] = i % 3 ? 0.25f : -0.125f;
    model_set(m, 0, w);
    return m;
}

static const struct kernel *half(void) {
    struct err err = {0};
    const struct kernel *k = kernel_find("auto", PRECISION_BF16, &err);
    assert_non_null(k);
#if defined(__x86_64__) && defined(__linux__)
    assert_int_equal(amx_counts_now().live, 0); /* behind the proof */
#endif
    return k;
}

/* 1/255 and the like are no numbers of bfloat16: rounded, they would be off by up to 2^-9. */
static void bytes_are_exact(void **state) {
    (void)state;
    struct err err = {0};
    struct dataset set = byte_set();
    struct scaling scaling = {.kind = SCALE_UNIT};
    struct model *m = line(0);
    real out[ROWS];
    assert_true(fit_predict(half(), NULL, m, &set, &scaling, 0, ROWS, 1, NULL, out, &err));
    for (size_t r = 0; r < ROWS; r++) {
        double sum = 0;
        for (size_t f = 0; f < FEATURES; f++)
            sum += bytes[r * FEATURES + f] / 255.0 * (f % 3 ? 0.25 : -0.125);
        assert_true(fabs((double)out[r] - sum) <= 1e-6 * fabs(sum));
    }
    model_free(m);
}

/* The weights behind some steps. */
static void train(const struct kernel *k, double input_dropout, float w[FEATURES]) {
    struct err err = {0};
    struct dataset set = byte_set();
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_UNIT};
    struct model *m = line(input_dropout);
    struct fit_setup setup = {.kernel = k,
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = {.lr = 0.01},
                              .train_spec = {.epochs = 1, .batch_size = 40},
                              .seed = 5,
                              .input = INPUT_PANELS};
    struct fit *fit = fit_create(&setup, &err);
    assert_non_null(fit);
    assert_true(fit_steps(fit, 2, &err));
    model_get(m, 0, w);
    fit_free(fit);
    model_free(m);
}

/* Scales of inputs and of dropout come behind the products of both directions. */
static void steps_are_close_to_those_of_floats(void **state) {
    (void)state;
    for (int drop = 0; drop < 2; drop++) {
        float w[2][FEATURES], start = 0, far = 0;
        train(best_kernel(), drop * 0.3, w[0]);
        train(half(), drop * 0.3, w[1]);
        for (size_t i = 0; i < FEATURES; i++) {
            start = fmaxf(start, fabsf(w[0][i] - (i % 3 ? 0.25f : -0.125f)));
            far = fmaxf(far, fabsf(w[0][i] - w[1][i]));
        }
        assert_true(start > 0.001f);
        assert_true(far < 0.01f * start);
        assert_true(far > 0);
    }
}

enum { WIDE_BATCH = 125, WIDE_ROWS = 2 * WIDE_BATCH, CLASSES = 5 };

enum disturbance { UNDISTURBED, NOISY, AUGMENTED };

/* Images of 9 x 5 bytes, and classes. */
static struct dataset wide_set(void) {
    static uint8_t images[WIDE_ROWS * FEATURES];
    static uint32_t classes[WIDE_ROWS];
    for (size_t i = 0; i < sizeof images; i++)
        images[i] = (uint8_t)(i * 37 % 251);
    for (size_t i = 0; i < WIDE_ROWS; i++)
        classes[i] = (uint32_t)(i * 7 % CLASSES);
    struct dataset set = memory_set(NULL, WIDE_ROWS, FEATURES, classes, CLASSES);
    set.images.type = IDX_U8, set.images.values = images;
    set.images.dims = 3, set.images.dim[1] = 9, set.images.dim[2] = 5;
    return set;
}

/* The table for bfloat16 with slices of up to so many samples. */
static const struct kernel *with_lanes(size_t most_lanes) {
    static struct products products;
    static struct kernel k;
    products = *half()->products, k = *half();
    products.most_lanes = most_lanes, k.products = &products;
    return &k;
}

/* What some steps of a classifier come to: its parameters, loss and accuracy. */
static void train_in_slices(size_t lanes, enum disturbance disturbance, char hex[SHA256_HEX],
                            double figure[2]) {
    struct err err = {0};
    struct layer_spec layers[] = {layer(33, ACTIVATION_PRELU, 0.1), layer(20, ACTIVATION_TANH, 0)};
    struct model_spec spec = {.layers = layers, .layer_count = 2, .output = layer(1, ACTIVATION_IDENTITY, 0)};
    struct augment_spec augment = {.rotate = 20, .translate = 1, .elastic = {true, 1, 2}};
    struct dataset set = wide_set();
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_UNIT};
    if (disturbance == NOISY)
        layers[0].dropout = 0.25, spec.input_dropout = 0.25, spec.weight_noise = 0.1;
    struct model *m = model_create(&spec, FEATURES, CLASSES, "cross_entropy", &err);
    assert_non_null(m);
    assert_true(model_init(m, 5, NULL, &err));
    struct fit_setup setup = {.kernel = with_lanes(lanes),
                              .model = m,
                              .model_spec = &spec,
                              .train = &part,
                              .scaling = &scaling,
                              .augment = disturbance == AUGMENTED ? &augment : NULL,
                              .optimizer = {.lr = 0.01},
                              .train_spec = {.epochs = 2, .batch_size = WIDE_BATCH, .shuffle = true},
                              .regularization = {.input_noise = disturbance == NOISY ? 0.1 : 0},
                              .seed = 5};
    struct fit *fit = fit_create(&setup, &err);
    assert_non_null(fit);
    assert_int_equal(fit_lanes(fit), lanes);
    for (int step = 0; step < 3; step++)
        assert_true(fit_steps(fit, 1, &err));
    model_hex(m, hex);
    figure[0] = fit_status(fit)->loss, figure[1] = fit_status(fit)->accuracy;
    fit_free(fit);
    model_free(m);
}

static void wider_slices_change_no_bit(void **state) {
    (void)state;
    for (int disturbance = UNDISTURBED; disturbance <= AUGMENTED; disturbance++) {
        char narrow[SHA256_HEX], wide[SHA256_HEX];
        double of_narrow[2], of_wide[2];
        train_in_slices(PACKED_LANES, (enum disturbance)disturbance, narrow, of_narrow);
        assert_true(of_narrow[1] > 0);
        for (size_t lanes = 2 * PACKED_LANES; lanes <= PACKED_MOST_LANES; lanes *= 2) {
            train_in_slices(lanes, (enum disturbance)disturbance, wide, of_wide);
            assert_string_equal(narrow, wide);
            assert_true(of_narrow[0] == of_wide[0] && of_narrow[1] == of_wide[1]);
        }
    }
}

/* Wide enough to read the weights seldom, but neither does padding add more than a fourth, nor does a thread
 * go without. */
static void slices_suit_batch_and_threads(void **state) {
    (void)state;
    static const struct {
        size_t batch, threads, lanes;
    } cases[] = {{1, 1, 32},   {32, 1, 32},   {33, 1, 64},   {64, 1, 64},   {128, 1, 128},
                 {128, 2, 64}, {128, 4, 32},  {130, 1, 64},  {256, 2, 128}, {256, 3, 32},
                 {300, 2, 64}, {1000, 7, 64}, {1024, 2, 128}};
    for (size_t t = 0; kernel_of(PRECISION_BF16, t); t++) {
        size_t most = kernel_of(PRECISION_BF16, t)->products->most_lanes;
        assert_true(most >= PACKED_LANES && most <= PACKED_MOST_LANES && most % PACKED_LANES == 0);
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t lanes = slice_lanes(with_lanes(PACKED_MOST_LANES), cases[i].batch, cases[i].threads);
        if (lanes != cases[i].lanes)
            fail_msg("%zu samples, %zu threads: slices of %zu, expected %zu", cases[i].batch,
                     cases[i].threads, lanes, cases[i].lanes);
        assert_int_equal(slice_lanes(with_lanes(PACKED_LANES), cases[i].batch, cases[i].threads),
                         PACKED_LANES);
    }
}

#if defined(__x86_64__) && defined(__linux__) && !REAL_IS_DOUBLE

enum { STEPS = 4 };

/* A fit on emulated tiles; false where nobody counts them. */
static bool count_tiles(struct team *team, double lr, struct fit **fit, struct model **m) {
    static struct dataset set;
    static struct data_part part;
    static struct scaling scaling = {.kind = SCALE_UNIT};
    static struct model_spec spec = {.output = {.activation = ACTIVATION_IDENTITY}};
    struct err err = {0};
    struct fit_setup setup = {.kernel = kernel_find("amx", PRECISION_BF16, &err),
                              .team = team,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = {.lr = lr},
                              .train_spec = {.epochs = STEPS, .batch_size = ROWS},
                              .model_spec = &spec,
                              .seed = 5};
    if (!setup.kernel || !amx_emulated())
        return false;
    set = byte_set();
    part = dataset_all(&set);
    setup.model = *m = line(0);
    *fit = fit_create(&setup, &err);
    assert_non_null(*fit);
    return true;
}

/* Before it waits for the others, and behind a job, a thread gives its tiles back; within a phase it
 * describes them once. */
static void threads_rest_without_tiles(void **state) {
    (void)state;
    for (size_t threads = 1; threads <= 3; threads += 2) {
        struct err err = {0};
        struct team *team = team_create(threads, &err);
        struct fit *fit;
        struct model *m;
        if (!count_tiles(team, 0.01, &fit, &m)) {
            team_free(team);
            return;
        }
        for (int step = 0; step < STEPS; step++) {
            struct amx_counts before = amx_counts_now();
            assert_true(fit_steps(fit, 1, &err));
            struct amx_counts after = amx_counts_now();
            assert_int_equal(after.live, 0);
            assert_true(after.products > before.products);
            unsigned long configs = after.configs - before.configs;
            assert_true(threads == 1 ? configs == 2 : configs >= 2 && configs <= 2 * threads);
            assert_int_equal(after.releases - before.releases, configs);
        }
        struct dataset set = byte_set();
        struct data_part part = dataset_all(&set);
        struct scaling scaling = {.kind = SCALE_UNIT};
        struct evaluation evaluation;
        assert_true(fit_evaluate(kernel_find("amx", PRECISION_BF16, &err), team, m, &part, &scaling,
                                 &evaluation, &err));
        assert_int_equal(amx_counts_now().live, 0);
        evaluation_release(&evaluation);
        fit_free(fit);
        model_free(m);
        team_free(team);
    }
}

static void a_training_that_diverges_rests_too(void **state) {
    (void)state;
    struct err err = {0};
    struct fit *fit;
    struct model *m;
    if (!count_tiles(NULL, 1e30, &fit, &m))
        return;
    bool ok = true;
    for (int step = 0; ok && step < STEPS; step++)
        ok = fit_steps(fit, 1, &err);
    assert_false(ok);
    assert_int_equal(err.kind, ERR_DIVERGED);
    assert_int_equal(amx_counts_now().live, 0);
    fit_free(fit);
    model_free(m);
}

#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_exact),
        cmocka_unit_test(steps_are_close_to_those_of_floats),
        cmocka_unit_test(wider_slices_change_no_bit),
        cmocka_unit_test(slices_suit_batch_and_threads),
#if defined(__x86_64__) && defined(__linux__) && !REAL_IS_DOUBLE
        cmocka_unit_test(threads_rest_without_tiles),
        cmocka_unit_test(a_training_that_diverges_rests_too),
#endif
    };
    return cmocka_run_group_tests_name("precision", tests, NULL, NULL);
}
