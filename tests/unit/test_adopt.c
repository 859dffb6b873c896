/* A fit that goes on with the optimizer's state of another one. */
#include "network.h"

enum { ROWS = 40, FEATURES = 6, CLASSES = 3, EPOCHS = 3 };

static float images[ROWS * FEATURES];
static uint32_t classes[ROWS];

static int make_data(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS * FEATURES; i++)
        images[i] = (float)(2 * random_unit(random_philox(1, 80, 0, 0, (uint32_t)i), 0) - 1);
    for (size_t i = 0; i < ROWS; i++)
        classes[i] = (uint32_t)(i * 7 % CLASSES);
    return 0;
}

enum course { AT_ONCE, ADOPTED, FORGOTTEN };

/* A fit for all epochs, or one for each, which adopts the state of the last or does not. */
static void train(const struct optimizer_spec *rule, enum course course, char hex[SHA256_HEX]) {
    struct err err = {0};
    struct dataset set = memory_set(images, ROWS, FEATURES, classes, CLASSES);
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct layer_spec hidden[] = {layer(5, ACTIVATION_TANH, 0)};
    struct model_spec spec = {.layers = hidden, .layer_count = 1, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    struct model *m = model_create(&spec, FEATURES, CLASSES, "cross_entropy", &err);
    assert_true(m && model_init(m, 3, NULL, &err));
    struct fit_setup setup = {.kernel = best_kernel(),
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = *rule,
                              .train_spec = {.epochs = EPOCHS, .batch_size = 16},
                              .model_spec = &spec,
                              .regularization = {.l1 = 1e-3}};
    struct fit *fit = fit_create(&setup, &err);
    for (size_t e = 0; e < EPOCHS; e++) {
        if (e > 0 && course != AT_ONCE) {
            struct fit *next = fit_create(&setup, &err);
            assert_non_null(next);
            if (course == ADOPTED)
                fit_adopt(next, fit);
            fit_free(fit);
            fit = next;
        }
        assert_true(fit && fit_steps(fit, SIZE_MAX, &err));
    }
    model_hex(m, hex);
    fit_free(fit);
    model_free(m);
}

/* Everything that a rule keeps: averages, products of their decays, the number of the step, and what the
 * threshold of a proximal L1 makes of the momentum. */
static const struct optimizer_spec rules[] = {
    {.kind = OPTIMIZER_SGD, .lr = .1, .momentum = .9, .nesterov = true},
    {.kind = OPTIMIZER_SGD, .lr = .1, .momentum = .9, .dampening = .5},
    {.kind = OPTIMIZER_ADAM, .lr = .01, .betas = {.9, .999}, .eps = 1e-8, .amsgrad = true},
    {.kind = OPTIMIZER_RMSPROP, .lr = .01, .alpha = .99, .eps = 1e-8, .centered = true, .momentum = .5},
    {.kind = OPTIMIZER_ADAGRAD, .lr = .05, .eps = 1e-8, .lr_decay = .1, .initial_accumulator = .1},
};

static void an_adopted_state_goes_on_bit_for_bit(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        char at_once[SHA256_HEX], adopted[SHA256_HEX], forgotten[SHA256_HEX];
        train(&rules[i], AT_ONCE, at_once);
        train(&rules[i], ADOPTED, adopted);
        train(&rules[i], FORGOTTEN, forgotten);
        if (strcmp(at_once, adopted) != 0)
            fail_msg("rule %zu", i);
        assert_string_not_equal(at_once, forgotten);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_adopted_state_goes_on_bit_for_bit),
    };
    return cmocka_run_group_tests_name("adopt", tests, make_data, NULL);
}
