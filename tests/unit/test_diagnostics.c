/* Figures of layers against closed forms of small nets, equal for any number of threads; a training that
 * breaks is explained. */
#include "network.h"

static struct err err;

/* ---- a net, a set, a training ---- */

enum { MOST_LAYERS = 20 };

struct trial {
    size_t rows, features, outputs, batch, epochs;
    float *x;
    real *target;  /* [rows][outputs], or NULL: */
    uint32_t *cls; /* classes */
    struct model_spec spec;
    double lr, momentum;
    size_t threads;
    enum input_form input;
    bool blind; /* diagnostics are off */
};

struct trained {
    struct model *model;
    struct team *team;
    struct fit *fit;
    bool ok;
};

static struct dataset set;
static struct data_part part;
static struct scaling scaling;

static struct trained begin(const struct trial *t, const struct kernel *kernel) {
    struct trained r = {0};
    err = (struct err){0};
    set = memory_set(t->x, t->rows, t->features, t->cls, t->cls ? t->outputs : 0);
    if (t->target)
        set.targets = t->target, set.target_width = t->outputs;
    part = dataset_all(&set);
    scaling = (struct scaling){.kind = SCALE_NONE};
    r.model = model_create(&t->spec, t->features, t->outputs, t->target ? "mse" : "cross_entropy", &err);
    assert_true(r.model && model_init(r.model, 3, NULL, &err));
    r.team = team_create(t->threads ? t->threads : 1, &err);
    const struct fit_setup setup = {
        .kernel = kernel,
        .team = r.team,
        .model = r.model,
        .train = &part,
        .scaling = &scaling,
        .optimizer = {.lr = t->lr, .momentum = t->momentum},
        .train_spec = {.epochs = t->epochs,
                       .batch_size = t->batch,
                       .shuffle = true,
                       .diagnostics = !t->blind},
        .model_spec = &t->spec,
        .seed = 4,
        .input = t->input,
    };
    r.fit = fit_create(&setup, &err);
    assert_non_null(r.fit);
    assert_null(fit_diagnostics(r.fit));
    return r;
}

static void train(struct trained *r, size_t epochs) {
    r->ok = true;
    for (size_t e = 0; r->ok && e < epochs; e++)
        r->ok = fit_steps(r->fit, SIZE_MAX, &err);
}

static void end(struct trained *r) {
    fit_free(r->fit);
    model_free(r->model);
    team_free(r->team);
}

static struct layer_spec started(size_t units, int activation, double weight, double bias) {
    struct layer_spec l = layer(units, activation, 0.01);
    l.init = (struct init_spec){.kind = init_find("constant"), .value = weight};
    l.bias_init = (struct init_spec){.kind = init_find("constant"), .value = bias};
    return l;
}

static bool close_to(double got, double expected) {
    return fabs(got - expected) <= (REAL_IS_DOUBLE ? 1e-12 : 2e-6) * fmax(1, fabs(expected));
}

/* ---- norms and updates ---- */

/* z = w x + b with x = (3, 4), so that the gradient of w has the norm 5 |z - t|. Both rows are the same, a
 * step each; the figures are those of the second epoch. */
static void norms_of_a_linear_net(void **state) {
    (void)state;
    float x[] = {3, 4, 3, 4};
    real t[] = {10, 10};
    const double lr = 0.01;
    struct trial trial = {
        .rows = 2, .features = 2, .outputs = 1, .batch = 1, .epochs = 1, .x = x, .target = t, .lr = lr};
    trial.spec.output = started(0, ACTIVATION_IDENTITY, 0, 0);
    struct trained r = begin(&trial, best_kernel());
    model_set(r.model, 0, (const float[]){0.5f, 0.25f});
    train(&r, 2);
    double w[2] = {0.5, 0.25}, b = 0, gradient = 0, ratio = 0;
    for (int step = 0; step < 4; step++) {
        if (step == 2)
            gradient = ratio = 0;
        double d = 3 * w[0] + 4 * w[1] + b - 10;
        gradient += 5 * fabs(d) / 2;
        ratio += lr * 5 * fabs(d) / sqrt(w[0] * w[0] + w[1] * w[1]) / 2;
        w[0] -= lr * d * 3, w[1] -= lr * d * 4, b -= lr * d;
    }
    const struct net_diagnostics *n = fit_diagnostics(r.fit);
    assert_int_equal(n->layers, 1);
    assert_true(n->gradient_ratio == 1);
    assert_string_equal(n->layer->name, "model.output");
    assert_true(close_to(n->layer->gradient_norm, gradient));
    assert_true(close_to(n->layer->update_ratio, ratio));
    assert_true(close_to(n->layer->weight_norm, sqrt(w[0] * w[0] + w[1] * w[1])));
    assert_true(close_to(n->layer->activation_mean, 3 * w[0] + 4 * w[1] + b));
    assert_true(n->layer->activation_deviation == 0);
    assert_true(isnan(n->layer->dead) && isnan(n->layer->saturated) && isnan(n->layer->saturated_units));
    assert_false(n->layer->symmetric);
    end(&r);
}

/* A step from weights that are all 0 has no ratio: two steps leave the second one's, one leaves none. */
static void zero_weights_have_no_ratio(void **state) {
    (void)state;
    float x[] = {2, 2};
    real t[] = {1, 1};
    for (size_t rows = 1; rows <= 2; rows++) {
        struct trial trial = {.rows = rows,
                              .features = 1,
                              .outputs = 1,
                              .batch = 1,
                              .epochs = 1,
                              .x = x,
                              .target = t,
                              .lr = 0.125};
        trial.spec.output = started(0, ACTIVATION_IDENTITY, 0, 0);
        struct trained r = begin(&trial, best_kernel());
        train(&r, 1);
        /* w = lr 2, b = lr; d = 4 lr + lr - 1; change of w: lr 2 |d|. */
        double got = fit_diagnostics(r.fit)->layer->update_ratio;
        assert_true(rows == 1 ? isnan(got) : close_to(got, 1 - 5 * 0.125));
        end(&r);
    }
}

/* Layers wide enough for several tiles, one of them not full, with one step of gradient descent: the change
 * of the weights is lr times the gradient, so that its norm can be read off the model. */
static void norms_over_many_tiles(void **state) {
    (void)state;
    enum { ROWS = 40, FEATURES = 130, UNITS = 150, OUTPUTS = 3 };
    static float x[ROWS * FEATURES], before[UNITS * FEATURES], after[UNITS * FEATURES];
    static uint32_t cls[ROWS];
    const double lr = 64; /* a power of 2, and large, so that little is lost to rounding */
    for (size_t i = 0; i < ROWS * FEATURES; i++)
        x[i] = (float)random_unit(random_philox(5, 77, 0, 0, (uint32_t)i), 0);
    for (size_t i = 0; i < ROWS; i++)
        cls[i] = (uint32_t)(i * 7 % OUTPUTS);
    struct layer_spec hidden[] = {layer(UNITS, ACTIVATION_TANH, 0)};
    struct trial trial = {
        .rows = ROWS,
        .features = FEATURES,
        .outputs = OUTPUTS,
        .batch = ROWS,
        .epochs = 1,
        .x = x,
        .cls = cls,
        .lr = lr,
        .spec = {.layers = hidden, .layer_count = 1, .output = layer(0, ACTIVATION_IDENTITY, 0)}};
    for (size_t l = 0; l < 2; l++) {
        size_t count = l ? OUTPUTS * UNITS : UNITS * FEATURES;
        double change = 0, old = 0, new = 0;
        struct trained r = begin(&trial, best_kernel());
        model_get(r.model, 2 * l, before);
        train(&r, 1);
        model_get(r.model, 2 * l, after);
        for (size_t i = 0; i < count; i++) {
            double d = (double)after[i] - (double)before[i];
            change += d * d, old += (double)before[i] * (double)before[i],
                new += (double)after[i] * (double)after[i];
        }
        const struct layer_diagnostics *got = &fit_diagnostics(r.fit)->layer[l];
        assert_true(fabs(got->gradient_norm / (sqrt(change) / lr) - 1) < 1e-5);
        assert_true(fabs(got->update_ratio / sqrt(change / old) - 1) < 1e-5);
        assert_true(fabs(got->weight_norm / sqrt(new) - 1) < 1e-6);
        end(&r);
    }
}

/* ---- activations ---- */

/* A rate that no weight feels. */
static const double no_lr = 1e-30;

static const struct layer_diagnostics *one_layer(struct trained *r, size_t units, int activation, float *x,
                                                 size_t rows, const float *weight, const float *bias) {
    static uint32_t cls[MOST_LAYERS];
    struct layer_spec hidden[] = {layer(units, activation, 0.01)};
    struct trial trial = {
        .rows = rows,
        .features = 1,
        .outputs = 2,
        .batch = 2,
        .epochs = 1,
        .x = x,
        .cls = cls,
        .lr = no_lr,
        .spec = {.layers = hidden, .layer_count = 1, .output = layer(0, ACTIVATION_IDENTITY, 0)}};
    *r = begin(&trial, best_kernel());
    model_set(r->model, 0, weight);
    model_set(r->model, 1, bias);
    train(r, 2); /* what the first epoch counted is not counted again */
    assert_true(r->ok);
    assert_string_equal(fit_diagnostics(r->fit)->layer[0].name, "model.layers.0");
    return fit_diagnostics(r->fit)->layer;
}

/* Outputs on -1, 0, 1, 2: x and its like by hand. A unit that is 0 at best is dead. */
static void dead_units_are_counted(void **state) {
    (void)state;
    float x[] = {-1, 0, 1, 2};
    static const float weight[] = {1, -1, 0, 1}, bias[] = {0, -3, 2, -2};
    struct trained r;
    const struct layer_diagnostics *l = one_layer(&r, 4, ACTIVATION_RELU, x, 4, weight, bias);
    assert_true(l->dead == 0.5); /* the second and the last */
    assert_true(isnan(l->saturated) && isnan(l->saturated_units));
    /* 0 0 1 2, 0 0 0 0, 2 2 2 2, 0 0 0 0 */
    assert_true(close_to(l->activation_mean, 11 / 16.0));
    assert_true(close_to(l->activation_deviation, sqrt(21 / 16.0 - 11 / 16.0 * (11 / 16.0))));
    end(&r);
    l = one_layer(&r, 4, ACTIVATION_LEAKY_RELU, x, 4, weight, bias);
    assert_true(l->dead == 0.5);
    /* the sums -1 0 1 2, -2 -3 -4 -5, 2 2 2 2, -3 -2 -1 0 with those below 0 times .01 */
    assert_true(close_to(l->activation_mean, (3 - .01 + 8 - .14 - .06) / 16));
    end(&r);
}

/* sigmoid(5) = .9933, sigmoid(4) = .9820, sigmoid(+-10) within 5e-5; tanh 3 = .99505, tanh 2.6 = .98903. */
static void saturated_outputs_are_counted(void **state) {
    (void)state;
    float x[] = {-1, 0, 1, 2};
    struct trained r;
    const struct layer_diagnostics *l =
        one_layer(&r, 3, ACTIVATION_SIGMOID, x, 4, (const float[]){10, 0, 0}, (const float[]){0, 5, 4});
    assert_true(close_to(l->saturated, (3 + 4 + 0) / 12.0));
    assert_true(close_to(l->saturated_units, 1 / 3.0));
    assert_true(isnan(l->dead));
    end(&r);
    l = one_layer(&r, 4, ACTIVATION_TANH, x, 4, (const float[]){3, 0, 0, 0},
                  (const float[]){0, -3, 2.6f, -2.6f});
    assert_true(close_to(l->saturated, (3 + 4 + 0 + 0) / 16.0));
    assert_true(l->saturated_units == 0.25);
    end(&r);
}

/* More rows than are looked at: every 5000/1024-th, whose values are their numbers. */
static void rows_are_evenly_spaced(void **state) {
    (void)state;
    enum { ROWS = 5000, LOOKED = 1024 };
    static float x[ROWS];
    static uint32_t cls[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        x[i] = (float)i;
    struct layer_spec hidden[] = {started(1, ACTIVATION_IDENTITY, 1, 0)};
    struct trial trial = {
        .rows = ROWS,
        .features = 1,
        .outputs = 2,
        .batch = 1000,
        .epochs = 1,
        .x = x,
        .cls = cls,
        .lr = no_lr,
        .threads = 2,
        .spec = {.layers = hidden, .layer_count = 1, .output = started(0, ACTIVATION_IDENTITY, 0, 0)}};
    struct trained r = begin(&trial, best_kernel());
    train(&r, 1);
    double mean = 0, squares = 0;
    for (size_t i = 0; i < LOOKED; i++)
        mean += (double)(i * ROWS / LOOKED) / LOOKED;
    for (size_t i = 0; i < LOOKED; i++)
        squares += ((double)(i * ROWS / LOOKED) - mean) * ((double)(i * ROWS / LOOKED) - mean) / LOOKED;
    const struct layer_diagnostics *l = fit_diagnostics(r.fit)->layer;
    assert_true(fabs(l->activation_mean - mean) < 1e-9);
    assert_true(fabs(l->activation_deviation - sqrt(squares)) < 1e-9);
    end(&r);
}

/* ---- depth ---- */

/* Twenty layers of 64 units on normal inputs. A sigmoid's slope is 1/4 at most, and Xavier's weights do not
 * make up for it; He's weights keep the gradient of relu layers at its size (He et al. 2015). */
static double ratio_of_depth(int activation) {
    enum { ROWS = 512, FEATURES = 64 };
    static float x[ROWS * FEATURES];
    static uint32_t cls[ROWS];
    struct layer_spec hidden[MOST_LAYERS];
    for (size_t i = 0; i < ROWS * FEATURES; i += 2) {
        double pair[2];
        random_normal_pair(random_philox(6, 77, 0, 0, (uint32_t)i), pair);
        x[i] = (float)pair[0], x[i + 1] = (float)pair[1];
    }
    for (size_t i = 0; i < ROWS; i++)
        cls[i] = (uint32_t)(i % 10);
    for (size_t l = 0; l < MOST_LAYERS; l++)
        hidden[l] = layer(64, activation, 0);
    struct trial trial = {
        .rows = ROWS,
        .features = FEATURES,
        .outputs = 10,
        .batch = 128,
        .epochs = 1,
        .x = x,
        .cls = cls,
        .lr = 1e-4,
        .threads = 2,
        .spec = {.layers = hidden, .layer_count = MOST_LAYERS, .output = layer(0, ACTIVATION_IDENTITY, 0)}};
    struct trained r = begin(&trial, best_kernel());
    train(&r, 1);
    assert_true(r.ok);
    const struct net_diagnostics *n = fit_diagnostics(r.fit);
    double ratio = n->gradient_ratio;
    assert_int_equal(n->layers, MOST_LAYERS + 1);
    assert_true(ratio == n->layer[0].gradient_norm / n->layer[MOST_LAYERS].gradient_norm);
    end(&r);
    return ratio;
}

static void gradients_vanish_with_sigmoid_and_not_with_relu(void **state) {
    (void)state;
    assert_true(ratio_of_depth(ACTIVATION_SIGMOID) < 1e-6);
    double relu = ratio_of_depth(ACTIVATION_RELU);
    assert_true(relu > 0.1 && relu < 10);
}

/* ---- symmetry ---- */

enum { S_ROWS = 90, S_FEATURES = 5 };
static float some_x[S_ROWS * S_FEATURES];
static uint32_t some_cls[S_ROWS];

static int make_data(void **state) {
    (void)state;
    for (size_t i = 0; i < S_ROWS * S_FEATURES; i++)
        some_x[i] = (float)random_unit(random_philox(7, 77, 0, 0, (uint32_t)i), 0) - 0.5f;
    for (size_t i = 0; i < S_ROWS; i++)
        some_cls[i] = (uint32_t)(i % 3);
    return 0;
}

/* Units that start equal, and go on to equal weights, stay equal to the bit; the layer above, whose own units
 * have random outgoing weights, does not. */
static void equal_units_are_found(void **state) {
    (void)state;
    struct layer_spec hidden[] = {started(20, ACTIVATION_TANH, 0.25, 0.125),
                                  started(30, ACTIVATION_TANH, 0.5, 0.125)};
    struct trial trial = {
        .rows = S_ROWS,
        .features = S_FEATURES,
        .outputs = 3,
        .batch = 16,
        .epochs = 5,
        .x = some_x,
        .cls = some_cls,
        .lr = 0.1,
        .momentum = 0.9,
        .threads = 3,
        .spec = {.layers = hidden, .layer_count = 2, .output = layer(0, ACTIVATION_IDENTITY, 0)}};
    struct trained r = begin(&trial, best_kernel());
    train(&r, 5);
    const struct layer_diagnostics *l = fit_diagnostics(r.fit)->layer;
    float w[20 * S_FEATURES];
    assert_true(l[0].update_ratio > 0 && l[0].symmetric);
    assert_false(l[1].symmetric || l[2].symmetric);
    model_get(r.model, 0, w);
    for (size_t unit = 1; unit < 20; unit++)
        assert_memory_equal(w + unit * S_FEATURES, w, S_FEATURES * sizeof *w);
    /* One number that differs, at the very end, is enough; one unit alone is not symmetric. */
    end(&r);
    trial.lr = no_lr, trial.momentum = 0;
    for (int bias = 0; bias <= 1; bias++) {
        r = begin(&trial, best_kernel());
        r.model->theta[r.model->parameter[bias].offset +
                       (bias ? 0 : S_FEATURES - 1) * r.model->parameter[bias].stride + 19] += (real)0.5;
        train(&r, 1);
        assert_false(fit_diagnostics(r.fit)->layer[0].symmetric);
        assert_true(fit_diagnostics(r.fit)->layer[1].symmetric);
        end(&r);
    }
    hidden[0].units = 1;
    r = begin(&trial, best_kernel());
    train(&r, 1);
    assert_false(fit_diagnostics(r.fit)->layer[0].symmetric);
    end(&r);
}

/* ---- the same for everyone, and seen without touching ---- */

static void assert_same(const struct layer_diagnostics *a, const struct layer_diagnostics *b) {
    const double *const pairs[][2] = {
        {&a->weight_norm, &b->weight_norm},
        {&a->gradient_norm, &b->gradient_norm},
        {&a->update_ratio, &b->update_ratio},
        {&a->activation_mean, &b->activation_mean},
        {&a->activation_deviation, &b->activation_deviation},
        {&a->dead, &b->dead},
        {&a->saturated, &b->saturated},
        {&a->saturated_units, &b->saturated_units},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_true(*pairs[i][0] == *pairs[i][1] || (isnan(*pairs[i][0]) && isnan(*pairs[i][1])));
}

static void figures_do_not_depend_on_the_machine(void **state) {
    (void)state;
    struct layer_spec hidden[ACTIVATION_COUNT];
    struct layer_diagnostics expected[ACTIVATION_COUNT + 1];
    char hex[SHA256_HEX], same[SHA256_HEX];
    for (size_t l = 0; l < ACTIVATION_COUNT; l++)
        hidden[l] = layer(70 + 5 * l, (int)l, 0.25);
    struct trial trial = {.rows = S_ROWS,
                          .features = S_FEATURES,
                          .outputs = 3,
                          .batch = 40,
                          .epochs = 2,
                          .x = some_x,
                          .cls = some_cls,
                          .lr = 0.01,
                          .momentum = 0.9,
                          .spec = {.layers = hidden,
                                   .layer_count = ACTIVATION_COUNT,
                                   .output = layer(0, ACTIVATION_IDENTITY, 0)}};
    trial.blind = true;
    struct trained r = begin(&trial, best_kernel());
    train(&r, 2);
    assert_null(fit_diagnostics(r.fit));
    model_hex(r.model, hex);
    end(&r);
    trial.blind = false;
    for (size_t k = 0; kernel_at(k); k++)
        for (trial.threads = 1; kernel_at(k)->supported() && trial.threads <= 5; trial.threads += 2) {
            r = begin(&trial, kernel_at(k));
            train(&r, 2);
            model_hex(r.model, same);
            assert_string_equal(same, hex);
            for (size_t l = 0; l <= ACTIVATION_COUNT; l++)
                if (k == 0 && trial.threads == 1)
                    expected[l] = fit_diagnostics(r.fit)->layer[l];
                else
                    assert_same(&expected[l], &fit_diagnostics(r.fit)->layer[l]);
            end(&r);
        }
}

/* ---- what breaks ---- */

static void assert_explained(struct trained *r, const char *text) {
    char before[SHA256_HEX], after[SHA256_HEX];
    model_hex(r->model, before);
    train(r, 1);
    assert_false(r->ok);
    assert_int_equal(err.kind, ERR_DIVERGED);
    if (!strstr(err.text, text))
        fail_msg("%s", err.text);
    model_hex(r->model, after);
    assert_string_equal(after, before);
    end(r);
}

static const double huge = REAL_IS_DOUBLE ? 1e200 : 1e30;

/* The loss is the square of 0 - t, the gradient -t x: only the latter overflows. */
static void a_gradient_that_overflows_is_named(void **state) {
    (void)state;
    enum { ROWS = 70 };
    float x[ROWS];
    real t[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        x[i] = 1, t[i] = 0;
    /* in single precision 1e17 * 1e25 / 70 */
    struct layer_spec hidden[] = {started(3, ACTIVATION_RELU, REAL_IS_DOUBLE ? 1e170 : 1e25, 0)};
    t[ROWS - 1] = (real)(REAL_IS_DOUBLE ? 1e150 : 1e17);
    struct trial trial = {
        .rows = ROWS,
        .features = 1,
        .outputs = 1,
        .batch = ROWS,
        .epochs = 1,
        .x = x,
        .target = t,
        .lr = 0.1,
        .threads = 2,
        .spec = {.layers = hidden, .layer_count = 1, .output = started(0, ACTIVATION_IDENTITY, 0, 0)}};
    struct trained r = begin(&trial, best_kernel());
    assert_explained(
        &r, "in epoch 1 at step 1 of 1: model.output: its weight gradient is not finite; nothing was "
            "learned yet");
}

/* Its rate takes a parameter over the edge, with gradients of ordinary size. */
static void a_parameter_that_overflows_is_named(void **state) {
    (void)state;
    float x[] = {1, 1};
    real t[] = {4, 4};
    struct layer_spec hidden[] = {started(3, ACTIVATION_RELU, 1, 0)};
    struct trial trial = {
        .rows = 2,
        .features = 1,
        .outputs = 1,
        .batch = 2,
        .epochs = 1,
        .x = x,
        .target = t,
        .lr = REAL_IS_DOUBLE ? 1.7e308 : 3.4e38,
        .spec = {.layers = hidden, .layer_count = 1, .output = started(0, ACTIVATION_IDENTITY, 0, 0)}};
    struct trained r = begin(&trial, best_kernel());
    assert_explained(
        &r, "at step 1 of 1: model.output: its weight is not finite; a smaller optimizer.lr may help");
}

/* An output that overflows in the middle goes on as sigmoid(-inf) = 0: the loss is finite, and the gradient 0
 * times inf. */
static void an_output_that_overflows_is_named(void **state) {
    (void)state;
    float x[40];
    real t[40] = {0};
    for (size_t i = 0; i < 40; i++)
        x[i] = i == 37 ? 1e38f : 0;
    struct layer_spec hidden[] = {started(3, ACTIVATION_RELU, 1, 0), started(3, ACTIVATION_RELU, huge, 0),
                                  started(3, ACTIVATION_RELU, huge, 0),
                                  started(3, ACTIVATION_SIGMOID, -1, 0)};
    struct trial trial = {
        .rows = 40,
        .features = 1,
        .outputs = 1,
        .batch = 40,
        .epochs = 1,
        .x = x,
        .target = t,
        .lr = 0.1,
        .threads = 2,
        .spec = {.layers = hidden, .layer_count = 4, .output = started(0, ACTIVATION_IDENTITY, 1, 0)}};
    struct trained r = begin(&trial, best_kernel());
    assert_explained(&r, REAL_IS_DOUBLE ? "model.layers.2: its output is not finite"
                                        : "model.layers.1: its output is not finite");
    /* Without the sigmoid the loss breaks with it. */
    hidden[3].activation = ACTIVATION_IDENTITY;
    r = begin(&trial, best_kernel());
    assert_explained(&r, REAL_IS_DOUBLE ? "model.layers.2: its output is not finite"
                                        : "model.layers.1: its output is not finite");
}

/* What was found in the last finished epoch stays. */
static void figures_outlive_a_divergence(void **state) {
    (void)state;
    struct layer_spec hidden[] = {layer(16, ACTIVATION_RELU, 0), layer(16, ACTIVATION_RELU, 0)};
    real t[S_ROWS] = {0};
    struct trial trial = {
        .rows = S_ROWS,
        .features = S_FEATURES,
        .outputs = 1,
        .batch = S_ROWS,
        .epochs = 100,
        .x = some_x,
        .target = t,
        .lr = 1e4,
        .spec = {.layers = hidden, .layer_count = 2, .output = layer(0, ACTIVATION_IDENTITY, 0)}};
    struct trained r = begin(&trial, best_kernel());
    struct layer_diagnostics last = {0};
    size_t epochs = 0;
    while (train(&r, 1), r.ok)
        last = fit_diagnostics(r.fit)->layer[0], epochs++;
    assert_true(epochs > 0);
    assert_same(&last, &fit_diagnostics(r.fit)->layer[0]);
    end(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_of_a_linear_net),
        cmocka_unit_test(zero_weights_have_no_ratio),
        cmocka_unit_test(norms_over_many_tiles),
        cmocka_unit_test(dead_units_are_counted),
        cmocka_unit_test(saturated_outputs_are_counted),
        cmocka_unit_test(rows_are_evenly_spaced),
        cmocka_unit_test(gradients_vanish_with_sigmoid_and_not_with_relu),
        cmocka_unit_test(equal_units_are_found),
        cmocka_unit_test(figures_do_not_depend_on_the_machine),
        cmocka_unit_test(a_gradient_that_overflows_is_named),
        cmocka_unit_test(a_parameter_that_overflows_is_named),
        cmocka_unit_test(an_output_that_overflows_is_named),
        cmocka_unit_test(figures_outlive_a_divergence),
    };
    return cmocka_run_group_tests_name("diagnostics", tests, make_data, NULL);
}
