/* Symmetry breaking: what a gradient that is exactly 0, or exactly the same for all units, does to training.
 * All comparisons are for equality, not up to rounding. */
#include "network.h"

enum { ROWS = 48, FEATURES = 6, CLASSES = 3 };

static float images[ROWS * FEATURES];
static uint32_t classes[ROWS];
static struct dataset set;
static struct data_part part;
static const struct scaling scaling = {.kind = SCALE_NONE};

static int make_data(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS * FEATURES; i++)
        images[i] = (float)(2 * random_unit(random_philox(1, 82, 0, 0, (uint32_t)i), 0) - 1);
    for (size_t i = 0; i < ROWS; i++)
        classes[i] = (uint32_t)(images[i * FEATURES] > 0) + (images[i * FEATURES + 1] > 0);
    set = memory_set(images, ROWS, FEATURES, classes, CLASSES);
    part = dataset_all(&set);
    return 0;
}

static struct init_spec by(const char *name, double std) {
    return (struct init_spec){.kind = init_find(name), .std = std};
}

enum { MOST_LAYERS = 6 };

/* A model of that many hidden layers, all of whose weights and biases begin by these. */
static struct model *make_model(size_t hidden, size_t units, int activation, struct init_spec weight,
                                struct init_spec bias) {
    struct err err = {0};
    struct layer_spec layers[MOST_LAYERS];
    struct model_spec spec = {
        .layers = layers, .layer_count = hidden, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    for (size_t l = 0; l < hidden; l++) {
        layers[l] = layer(units + l, activation, 0);
        layers[l].init = weight, layers[l].bias_init = bias;
    }
    spec.output.init = weight, spec.output.bias_init = bias;
    struct model *m = model_create(&spec, FEATURES, CLASSES, "cross_entropy", &err);
    assert_true(m && model_init(m, 3, NULL, &err));
    return m;
}

static struct fit *begin_by(struct model *m, size_t batch, const struct optimizer_spec *optimizer) {
    struct err err = {0};
    struct fit_setup setup = {.kernel = best_kernel(),
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = *optimizer,
                              .train_spec = {.epochs = 100, .batch_size = batch, .shuffle = true},
                              .seed = 1};
    struct fit *fit = fit_create(&setup, &err);
    assert_non_null(fit);
    return fit;
}

static struct fit *begin(struct model *m, size_t batch, double lr) {
    const struct optimizer_spec sgd = {.lr = lr, .momentum = 0.9};
    return begin_by(m, batch, &sgd);
}

static void step(struct fit *fit, size_t count) {
    struct err err = {0};
    for (size_t i = 0; i < count; i++)
        assert_true(fit_steps(fit, 1, &err));
}

static real element(const struct model *m, const struct parameter *p, size_t o, size_t i) {
    return m->theta[p->offset + i * p->stride + o];
}

/* How many elements of a parameter are not 0. */
static size_t nonzero(const struct model *m, size_t parameter) {
    const struct parameter *p = &m->parameter[parameter];
    size_t count = 0;
    for (size_t o = 0; o < p->out; o++)
        for (size_t i = 0; i < p->in; i++)
            count += element(m, p, o, i) != 0;
    return count;
}

static size_t elements(const struct model *m, size_t parameter) {
    return m->parameter[parameter].out * m->parameter[parameter].in;
}

/* Without weights a layer hands no cotangent down, and its own weights get theirs from the biases below: a
 * step makes one more layer learn, from the top. */
static void zero_weights_wake_up_from_the_top(void **state) {
    (void)state;
    for (size_t hidden = 0; hidden < MOST_LAYERS; hidden++) {
        struct model *m = make_model(hidden, 5, ACTIVATION_TANH, by("zeros", 0), by("normal", 0.5));
        struct fit *fit = begin(m, ROWS, 0.1);
        for (size_t t = 0; t <= hidden + 1; t++) {
            for (size_t l = 0; l <= hidden; l++)
                assert_int_equal(nonzero(m, 2 * l), l + t > hidden ? elements(m, 2 * l) : 0);
            step(fit, 1);
        }
        fit_free(fit);
        model_free(m);
    }
}

/* With biases of 0 as well all hidden units are 0 and stay so: the output's bias learns alone, which tells
 * how frequent the classes are. (The slope of relu at 0 is 0.) */
static void zero_biases_never_wake_up(void **state) {
    (void)state;
    static const int activations[] = {ACTIVATION_TANH, ACTIVATION_RELU};
    for (size_t a = 0; a < 2; a++) {
        struct model *m = make_model(2, 5, activations[a], by("zeros", 0), by("zeros", 0));
        struct fit *fit = begin(m, 7, 0.1);
        step(fit, 200);
        for (size_t p = 0; p < 5; p++)
            assert_int_equal(nonzero(m, p), 0);
        assert_int_equal(nonzero(m, 5), CLASSES);
        fit_free(fit);
        model_free(m);
    }
}

/* An output layer of zeros keeps the first layer where it is for one step. */
static void a_zero_output_layer_delays_by_a_step(void **state) {
    (void)state;
    struct model *m = make_model(1, 5, ACTIVATION_TANH, by("normal", 0.5), by("zeros", 0));
    float zeros[8 * CLASSES] = {0}, before[8 * FEATURES], after[8 * FEATURES], output[8 * CLASSES];
    model_set(m, 2, zeros);
    model_get(m, 0, before);
    struct fit *fit = begin(m, ROWS, 0.1);
    step(fit, 1);
    model_get(m, 0, after);
    model_get(m, 2, output);
    assert_memory_equal(before, after, elements(m, 0) * sizeof *before);
    assert_int_equal(nonzero(m, 1), 0);
    assert_int_equal(nonzero(m, 2), elements(m, 2));
    step(fit, 1);
    model_get(m, 0, after);
    for (size_t i = 0; i < elements(m, 0); i++)
        assert_true(before[i] != after[i]);
    fit_free(fit);
    model_free(m);
}

/* ---- equal units ---- */

/* Gives every parameter the values of unit 0: units of a hidden layer get equal rows, and the layer above
 * equal columns. */
static void make_units_equal(struct model *m) {
    for (size_t p = 0; p < m->parameter_count; p++) {
        const struct parameter *at = &m->parameter[p];
        bool output = p + 2 >= m->parameter_count, weight = at->kind == PARAMETER_WEIGHT;
        for (size_t o = 0; o < at->out; o++)
            for (size_t i = 0; i < at->in; i++)
                m->theta[at->offset + i * at->stride + o] =
                    element(m, at, output ? o : 0, weight && p > 0 ? 0 : i);
    }
}

static bool units_are_equal(const struct model *m) {
    for (size_t p = 0; p < m->parameter_count; p++) {
        const struct parameter *at = &m->parameter[p];
        bool output = p + 2 >= m->parameter_count, weight = at->kind == PARAMETER_WEIGHT;
        for (size_t o = 0; o < at->out; o++)
            for (size_t i = 0; i < at->in; i++)
                if (element(m, at, o, i) != element(m, at, output ? o : 0, weight && p > 0 ? 0 : i))
                    return false;
    }
    return true;
}

/* Through 67 and 68 units, which fill several tiles and vectors and a rest: a sum whose order depended on
 * the unit would part them. */
static void equal_units_stay_equal(void **state) {
    (void)state;
    static const int activations[] = {ACTIVATION_TANH, ACTIVATION_ELU, ACTIVATION_GELU, ACTIVATION_SIGMOID};
    for (size_t a = 0; a < sizeof activations / sizeof *activations; a++)
        for (size_t batch = 1; batch <= 41; batch += 20) {
            struct model *m = make_model(2, 67, activations[a], by("normal", 0.1), by("normal", 0.1));
            assert_false(units_are_equal(m));
            make_units_equal(m);
            assert_true(units_are_equal(m));
            real first = element(m, &m->parameter[0], 0, 0);
            /* As units move together, their steps add up. */
            const struct optimizer_spec rules[] = {
                {.lr = 0.001, .momentum = 0.9},
                {.kind = OPTIMIZER_ADAM, .lr = 0.0001, .betas = {0.9, 0.999}, .eps = 1e-8}};
            struct fit *fit = begin_by(m, batch, &rules[batch == 21]);
            step(fit, 150);
            assert_true(units_are_equal(m));
            assert_true(element(m, &m->parameter[0], 0, 0) != first);
            fit_free(fit);
            model_free(m);
        }
}

/* Dropout treats equal units differently. */
static void dropout_breaks_the_symmetry(void **state) {
    (void)state;
    struct err err = {0};
    struct layer_spec hidden = layer(7, ACTIVATION_TANH, 0);
    struct model_spec spec = {
        .layers = &hidden, .layer_count = 1, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    hidden.init = by("constant", 0), hidden.init.value = 0.1;
    spec.output.init = hidden.init;
    for (int dropped = 0; dropped < 2; dropped++) {
        hidden.dropout = dropped ? 0.5 : 0;
        struct model *m = model_create(&spec, FEATURES, CLASSES, "cross_entropy", &err);
        assert_true(m && model_init(m, 3, NULL, &err));
        struct fit *fit = begin(m, 8, 0.1);
        step(fit, 5);
        size_t equal = 0;
        for (size_t o = 1; o < 7; o++)
            equal += element(m, &m->parameter[0], o, 0) == element(m, &m->parameter[0], 0, 0);
        assert_int_equal(equal, dropped ? 0 : 6);
        fit_free(fit);
        model_free(m);
    }
}

/* One number that differs is enough. */
static void a_single_number_breaks_the_symmetry(void **state) {
    (void)state;
    struct model *m = make_model(2, 5, ACTIVATION_TANH, by("normal", 0.1), by("normal", 0.1));
    make_units_equal(m);
    const struct parameter *w = &m->parameter[0];
    m->theta[w->offset + 3] += (real)0.01; /* from input 0 to unit 3 */
    struct fit *fit = begin(m, 8, 0.1);
    step(fit, 20);
    for (size_t i = 0; i < w->in; i++)
        assert_true(element(m, w, 3, i) != element(m, w, 0, i) && element(m, w, 1, i) == element(m, w, 0, i));
    fit_free(fit);
    model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_weights_wake_up_from_the_top),    cmocka_unit_test(zero_biases_never_wake_up),
        cmocka_unit_test(a_zero_output_layer_delays_by_a_step), cmocka_unit_test(equal_units_stay_equal),
        cmocka_unit_test(a_single_number_breaks_the_symmetry),  cmocka_unit_test(dropout_breaks_the_symmetry),
    };
    return cmocka_run_group_tests_name("symmetry", tests, make_data, NULL);
}
