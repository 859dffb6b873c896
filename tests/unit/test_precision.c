/* What a training and a prediction in bfloat16 keep of the numbers. */
#include "support.h"

#include "fit/fit.h"
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

#if defined(__x86_64__) && defined(__linux__) && !REAL_IS_DOUBLE

/* Between two jobs no thread holds tiles; and they are described once a job, not once a product. */
static void threads_rest_without_tiles(void **state) {
    (void)state;
    enum { STEPS = 4, THREADS = 3 };
    struct err err = {0};
    const struct kernel *k = kernel_find("amx", PRECISION_BF16, &err);
    if (!k || !amx_emulated())
        return; /* nobody counts */
    struct dataset set = byte_set();
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_UNIT};
    struct team *team = team_create(THREADS, &err);
    struct model *m = line(0);
    struct evaluation evaluation;
    struct fit_setup setup = {.kernel = k,
                              .team = team,
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = {.lr = 0.01},
                              .train_spec = {.epochs = STEPS, .batch_size = ROWS, .diagnostics = true},
                              .seed = 5};
    struct model_spec spec = {.output = {.activation = ACTIVATION_IDENTITY}};
    setup.model_spec = &spec;
    struct fit *fit = fit_create(&setup, &err);
    assert_non_null(fit);
    assert_int_equal(amx_counts_now().live, 0);
    for (int step = 0; step < STEPS; step++) {
        struct amx_counts before = amx_counts_now();
        assert_true(fit_steps(fit, 1, &err));
        struct amx_counts after = amx_counts_now();
        assert_int_equal(after.live, 0);
        assert_true(after.products > before.products);
        /* two phases and, behind an epoch, its figures */
        assert_true(after.configs > before.configs && after.configs - before.configs <= 3 * THREADS);
    }
    assert_true(fit_evaluate(k, team, m, &part, &scaling, &evaluation, &err));
    assert_int_equal(amx_counts_now().live, 0);
    evaluation_release(&evaluation);
    fit_free(fit);
    model_free(m);
    team_free(team);
}

#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_exact),
        cmocka_unit_test(steps_are_close_to_those_of_floats),
#if defined(__x86_64__) && defined(__linux__) && !REAL_IS_DOUBLE
        cmocka_unit_test(threads_rest_without_tiles),
#endif
    };
    return cmocka_run_group_tests_name("precision", tests, NULL, NULL);
}
