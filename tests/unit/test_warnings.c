/* Warnings: what the figures of an epoch say on both sides of every threshold, and what the initialisers say
 * against small nets that are really trained. */
#include "network.h"

#include <stdio.h>

#include "run/warnings.h"

static struct err err;

/* ---- figures ---- */

enum { LAYERS = 3 };

/* Two hidden layers with figures that nothing is wrong with. */
static struct layer_spec hidden[LAYERS - 1];
static struct layer_diagnostics figures[LAYERS];
static struct net_diagnostics net;
static struct config config;

static void be_healthy(void) {
    static const char *const names[] = {"model.layers.0", "model.layers.1", "model.output"};
    hidden[0] = layer(40, ACTIVATION_RELU, 0);
    hidden[1] = layer(40, ACTIVATION_TANH, 0);
    config = (struct config){
        .model = {.layers = hidden, .layer_count = 2, .output = layer(0, ACTIVATION_IDENTITY, 0)}};
    for (size_t l = 0; l < LAYERS; l++)
        figures[l] = (struct layer_diagnostics){.name = names[l],
                                                .units = 40,
                                                .weight_norm = 10,
                                                .gradient_norm = 1,
                                                .update_ratio = 1e-3,
                                                .activation_deviation = 1,
                                                .dead = (double)NAN,
                                                .saturated = (double)NAN,
                                                .saturated_units = (double)NAN};
    figures[0].dead = 0.1, figures[1].saturated_units = 0.1;
    net = (struct net_diagnostics){.gradient_ratio = 1, .layers = LAYERS, .layer = figures};
}

/* The one warning of these figures, or NULL. */
static const char *warning(size_t epoch) {
    static char text[512];
    struct warnings w = {0};
    assert_true(warnings_of_epoch(&w, &config, epoch, &net, &err));
    assert_true(w.count <= 1);
    if (w.count) {
        snprintf(text, sizeof text, "%s", w.list[0].text.s);
        assert_int_equal(w.list[0].epoch, epoch);
    }
    size_t count = w.count;
    warnings_release(&w);
    return count ? text : NULL;
}

static void thresholds(void **state) {
    (void)state;
    static const struct {
        double *figure, quiet, loud;
        const char *begins, *advises;
    } rows[] = {
        {&net.gradient_ratio, 1.01e-3, 0.99e-3, "model.layers.0: its gradient vanishes", "he_normal"},
        {&net.gradient_ratio, 0.99e3, 1.01e3, "model.layers.0: its gradient explodes", "optimizer.clip_norm"},
        {&figures[1].update_ratio, 0.99, 1.01, "model.layers.1: a step changes its weights by 1 times",
         "lower optimizer.lr"},
        {&figures[2].update_ratio, 1.01e-6, 0.99e-6, "model.output: a step changes its weights by only",
         "raise optimizer.lr"},
        {&figures[0].dead, 0.5, 0.51, "model.layers.0: 51 % of its 40 units are dead", "leaky_relu"},
        {&figures[1].saturated_units, 0.5, 0.51, "model.layers.1: 51 % of its 40 units are saturated",
         "init xavier_normal"},
    };
    be_healthy();
    assert_null(warning(1));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        be_healthy();
        *rows[i].figure = rows[i].quiet;
        assert_null(warning(1));
        *rows[i].figure = rows[i].loud;
        const char *text = warning(1);
        assert_non_null(text);
        if (strncmp(text, rows[i].begins, strlen(rows[i].begins)) != 0 || !strstr(text, rows[i].advises))
            fail_msg("%s", text);
        *rows[i].figure = (double)NAN;
        assert_null(warning(1));
    }
    be_healthy();
    figures[1].symmetric = true;
    assert_non_null(strstr(warning(3), "model.layers.1: all 40 units have the same weights"));
}

/* A step that changes next to nothing is what a later epoch should look like, and without a gradient another
 * rate does not help. */
static void small_updates_are_of_the_first_epoch(void **state) {
    (void)state;
    be_healthy();
    figures[0].update_ratio = 1e-9;
    assert_null(warning(2));
    assert_non_null(strstr(warning(1), "raise optimizer.lr"));
    figures[0].update_ratio = figures[0].gradient_norm = 0;
    assert_non_null(strstr(warning(1), "model.layers.0: no gradient reaches its weights"));
}

static void a_layer_is_warned_of_once(void **state) {
    (void)state;
    struct warnings w = {0};
    be_healthy();
    for (size_t epoch = 1; epoch <= 20; epoch++) {
        figures[0].dead = epoch >= 4 ? 0.9 : 0.1;
        figures[1].saturated_units = epoch >= 6 ? 0.9 : 0.1;
        figures[0].symmetric = figures[1].symmetric = figures[0].update_ratio > 0 && epoch >= 9;
        assert_true(warnings_of_epoch(&w, &config, epoch, &net, &err));
    }
    static const size_t epochs[] = {4, 6, 9, 9}, layers[] = {0, 1, 0, 1};
    assert_int_equal(w.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(w.list[i].epoch == epochs[i] && w.list[i].layer == layers[i]);
    struct text out = {0};
    struct json_writer json = {.out = &out};
    w.count = 1;
    warnings_print(&json, &w, true);
    assert_int_equal(strncmp(out.s, "[{\"epoch\": 4, \"text\": \"model.layers.0: 90 % of", 46), 0);
    text_release(&out);
    json = (struct json_writer){.out = &out};
    warnings_print(&json, &w, false);
    assert_int_equal(strncmp(out.s, "[\"model.layers.0: 90 % of", 25), 0);
    text_release(&out);
    w.count = 4;
    warnings_release(&w);
}

/* ---- initialisers ---- */

enum { ROWS = 12, FEATURES = 3, UNITS = 8, OUTPUTS = 2, STEPS = 8 };

static float x[ROWS * FEATURES];
static real target[ROWS * OUTPUTS];

static int make_data(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS * FEATURES; i++)
        x[i] = (float)random_unit(random_philox(8, 77, 0, 0, (uint32_t)i), 0);
    for (size_t i = 0; i < ROWS * OUTPUTS; i++)
        target[i] = (real)random_unit(random_philox(8, 78, 0, 0, (uint32_t)i), 0);
    return 0;
}

enum { ZERO, CONSTANT, RANDOM, INITS };

static struct init_spec init_of(int kind, double value) {
    if (kind == CONSTANT)
        return (struct init_spec){.kind = init_find("constant"), .value = value};
    return (struct init_spec){.kind = init_find(kind == ZERO ? "zeros" : "normal"), .std = 0.5};
}

/* What became of the weights of a layer in some steps. */
struct fate {
    bool moved, equal; /* equal: all units have the same weights and bias */
};

static void train(const struct model_spec *spec, struct fate fate[LAYERS]) {
    static float start[LAYERS][UNITS * UNITS], now[UNITS * UNITS], bias[UNITS];
    struct dataset set = memory_set(x, ROWS, FEATURES, NULL, 0);
    set.targets = target, set.target_width = OUTPUTS;
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct model *m = model_create(spec, FEATURES, OUTPUTS, "mse", &err);
    assert_true(m && model_init(m, 3, NULL, &err));
    struct fit_setup setup = {.kernel = best_kernel(),
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = {.lr = 0.01, .momentum = 0.5},
                              .train_spec = {.epochs = STEPS, .batch_size = ROWS / 2, .shuffle = true},
                              .model_spec = spec};
    struct fit *fit = fit_create(&setup, &err);
    for (size_t l = 0; l < LAYERS; l++)
        model_get(m, 2 * l, start[l]);
    for (size_t i = 0; i < STEPS; i++)
        assert_true(fit_steps(fit, 1, &err));
    for (size_t l = 0; l < LAYERS; l++) {
        size_t out = m->parameter[2 * l].out, in = m->parameter[2 * l].in;
        model_get(m, 2 * l, now);
        model_get(m, 2 * l + 1, bias);
        fate[l] = (struct fate){memcmp(now, start[l], out * in * sizeof *now) != 0, true};
        for (size_t u = 1; u < out; u++)
            fate[l].equal =
                fate[l].equal && bias[u] == bias[0] && memcmp(now + u * in, now, in * sizeof *now) == 0;
    }
    fit_free(fit);
    model_free(m);
}

static const char *warned_of(const struct warnings *w, size_t l) {
    for (size_t i = 0; i < w->count; i++)
        if (w->list[i].layer == l)
            return w->list[i].text.s;
    return "";
}

static const int activations[] = {ACTIVATION_RELU, ACTIVATION_TANH, ACTIVATION_SIGMOID,
                                  ACTIVATION_LEAKY_RELU};

/* Net number n of all combinations. Returns whether a bias is -1, which the numbers below it may take to
 * where a relu passes nothing, or a sum to 0, by chance. */
static bool make_net(size_t n) {
    bool chance = false;
    for (size_t l = 0; l < LAYERS; l++) {
        struct layer_spec *at = l < LAYERS - 1 ? &hidden[l] : &config.model.output;
        size_t activation = n % 4, weight = n / 4 % INITS, bias = n / 4 / INITS % 4;
        if (l == LAYERS - 1)
            activation = 0, weight = n % INITS, bias = 0;
        *at = layer(l < LAYERS - 1 ? UNITS : 0,
                    l < LAYERS - 1 ? activations[activation] : ACTIVATION_IDENTITY, 0.25);
        at->init = init_of((int)weight, 0.25);
        at->bias_init =
            bias < 2 ? init_of(bias ? CONSTANT : ZERO, -1) : init_of(bias == 2 ? CONSTANT : RANDOM, 0.5);
        chance = chance || bias == 1;
        n /= 4 * INITS * 4;
    }
    return chance;
}

/* Weights that start at 0 are warned of where, and only where, training does not move them; layers of which
 * it is said are still equal, unit by unit, at the end. */
static void what_is_said_of_initialisers_holds(void **state) {
    (void)state;
    enum { NETS = 48 * 48 * INITS };
    size_t stuck = 0, equal = 0, silent = 0;
    for (size_t n = 0; n < NETS; n += 5) { /* coprime to the radices: every choice meets every other */
        struct warnings w = {0};
        struct fate fate[LAYERS];
        be_healthy();
        bool chance = make_net(n);
        assert_true(warnings_of_config(&w, &config, &err));
        train(&config.model, fate);
        for (size_t l = 0; l < LAYERS; l++) {
            const struct layer_spec *at = l < LAYERS - 1 ? &hidden[l] : &config.model.output;
            const char *text = warned_of(&w, l);
            if (strstr(text, "can never learn")) {
                assert_true(at->init.kind == init_find("zeros"));
                assert_false(fate[l].moved);
                stuck++;
            } else if (strstr(text, "stay equal for ever")) {
                assert_true(fate[l].equal);
                equal++;
            } else {
                assert_string_equal(text, "");
                assert_true(chance || fate[l].moved || at->init.kind != init_find("zeros"));
                silent++;
            }
        }
        warnings_release(&w);
    }
    assert_true(stuck > 100 && equal > 100 && silent > 100);
}

static size_t count_of_config(void) {
    struct warnings w = {0};
    assert_true(warnings_of_config(&w, &config, &err));
    size_t count = w.count;
    warnings_release(&w);
    return count;
}

/* What parts equal units: a random start of the layer, its biases or the next layer, dropout on it, noise on
 * the weights. One unit alone is not equal to another. */
static void what_breaks_symmetry_is_not_warned_of(void **state) {
    (void)state;
    be_healthy();
    assert_int_equal(count_of_config(), 0);
    hidden[0].init = init_of(CONSTANT, 0.25), hidden[1].init = init_of(CONSTANT, 0.25);
    assert_int_equal(count_of_config(), 1);
    config.model.output.init = init_of(CONSTANT, 0.25);
    assert_int_equal(count_of_config(), 2);
    hidden[0].dropout = 0.5;
    assert_int_equal(count_of_config(), 1);
    hidden[0].dropout = 0, hidden[0].bias_init = init_of(RANDOM, 0);
    assert_int_equal(count_of_config(), 1);
    hidden[1].units = 1;
    assert_int_equal(count_of_config(), 0);
    hidden[1].units = 2;
    config.regularization.weight_noise = 0.1;
    assert_int_equal(count_of_config(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thresholds),
        cmocka_unit_test(small_updates_are_of_the_first_epoch),
        cmocka_unit_test(a_layer_is_warned_of_once),
        cmocka_unit_test(what_is_said_of_initialisers_holds),
        cmocka_unit_test(what_breaks_symmetry_is_not_warned_of),
    };
    return cmocka_run_group_tests_name("warnings", tests, make_data, NULL);
}
