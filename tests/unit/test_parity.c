/* The engine against PyTorch: the vectors of tests/parity, in float32 to 1e-5 and in the double build to
 * 1e-12. */
#include "network.h"

#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "data/weights.h"
#include "fit/slice.h"

enum { DIMS = 4, BATCH = 6, CLASSES = 3, FEATURES = 7, LANES = 16 };

static const double sample_weight[BATCH] = {1, .5, 2, .25, 1.5, .75},
                    threefold[BATCH] = {3, 1.5, 6, .75, 4.5, 2.25};

static const double tolerance = REAL_IS_DOUBLE ? 1e-12 : 1e-5;

static struct json *load(const char *name) {
    struct err err = {0};
    char path[128];
    unsigned char *bytes;
    size_t len;
    snprintf(path, sizeof path, "tests/parity/%s.json", name);
    assert_true(file_read(path, 1 << 20, &bytes, &len, &err));
    struct json *doc = json_parse((char *)bytes, len, (struct json_options){0}, ERR_DATA, &err);
    assert_non_null(doc);
    mem_free(bytes);
    return doc;
}

static const cJSON *at(const cJSON *item, const char *key) {
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(item, key);
    assert_non_null(found);
    return found;
}

/* All numbers of nested lists, in order. */
static size_t numbers(const cJSON *item, double *out) {
    if (cJSON_IsNumber(item)) {
        *out = item->valuedouble;
        return 1;
    }
    size_t n = 0;
    for (const cJSON *c = item->child; c; c = c->next)
        n += numbers(c, out + n);
    return n;
}

struct network {
    struct model *model;
    float images[BATCH * FEATURES];
    uint32_t cls[BATCH];
    struct dataset set;
    struct data_part part;
    struct scaling scaling;
};

static void network_init(struct network *n, const char *loss) {
    struct err err = {0};
    struct layer_spec hidden[] = {layer(5, ACTIVATION_TANH, 0), layer(4, ACTIVATION_RELU, 0)};
    struct model_spec spec = {.layers = hidden, .layer_count = 2, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    struct json *doc = load("inputs");
    double values[64];
    *n = (struct network){.scaling = {.kind = SCALE_NONE}};
    n->model = model_create(&spec, FEATURES, CLASSES, loss, &err);
    assert_non_null(n->model);
    for (size_t i = 0; i < n->model->parameter_count; i++) {
        char name[24];
        float start[64];
        snprintf(name, sizeof name, "%c%zu", n->model->parameter[i].kind == PARAMETER_BIAS ? 'b' : 'W',
                 i / 2);
        size_t count = numbers(at(at(json_root(doc), "params"), name), values);
        assert_int_equal(count, n->model->parameter[i].out * n->model->parameter[i].in);
        for (size_t j = 0; j < count; j++)
            start[j] = (float)values[j];
        model_set(n->model, i, start);
    }
    assert_int_equal(numbers(at(json_root(doc), "X"), values), BATCH * FEATURES);
    for (size_t i = 0; i < BATCH * FEATURES; i++)
        n->images[i] = (float)values[i];
    numbers(at(json_root(doc), "y"), values);
    for (size_t i = 0; i < BATCH; i++)
        n->cls[i] = (uint32_t)values[i];
    json_free(doc);
    n->set = memory_set(n->images, BATCH, FEATURES, n->cls, CLASSES);
    n->part = dataset_all(&n->set);
}

static void network_release(struct network *n) {
    model_free(n->model);
}

/* ---- loss, logits and gradients ---- */

/* How the loss of a vector departs from the plain one. */
struct objective {
    double smoothing;
    const double *weight; /* NULL: all weigh the same */
    bool normalise;       /* the weights have any sum */
};

struct loss_case {
    const char *name, *loss;
    struct objective objective;
};

/* What the engine trains with; the caller frees it. */
static real *make_weights(const struct network *n, const struct objective *o) {
    struct err err = {0};
    struct dataset set = n->set;
    struct data_part part = dataset_all(&set);
    double weight[BATCH];
    if (!o->weight)
        return NULL;
    memcpy(weight, o->weight, sizeof weight);
    set.weight = weight;
    real *made = o->normalise ? weights_of_part(&part, NULL, "training", &err) : reals(BATCH);
    assert_non_null(made);
    for (size_t i = 0; i < BATCH && !o->normalise; i++)
        made[i] = (real)o->weight[i];
    return made;
}

static void compare(const char *what, const char *name, const real *got, const cJSON *expected, size_t n) {
    double values[64];
    assert_int_equal(numbers(expected, values), n);
    if (distance(got, values, n) > tolerance)
        fail_msg("%s: %s differs from the reference by %g", name, what, distance(got, values, n));
}

static void compare_gradients(struct network *n, struct tape_workspace *ws, const char *name,
                              const cJSON *expected) {
    real *gradient = reals(n->model->size);
    real g[OP_TILE_ROWS * OP_TILE_COLS];
    for (size_t t = 0; t < tape_tiles(n->model->tape); t++) {
        struct tape_tile tile = tape_tile(n->model->tape, t);
        tape_gradient(n->model->tape, ws, best_kernel(), NULL, 1, BATCH, t, g);
        for (size_t r = 0; r < tile.rows; r++)
            memcpy(gradient + tile.offset + r * tile.stride, g + r * OP_TILE_COLS, tile.cols * sizeof(real));
    }
    for (size_t i = 0; i < n->model->parameter_count; i++) {
        const struct parameter *p = &n->model->parameter[i];
        char key[24];
        real torch_order[64];
        snprintf(key, sizeof key, "%c%zu", p->kind == PARAMETER_BIAS ? 'b' : 'W', i / 2);
        for (size_t o = 0; o < p->out; o++)
            for (size_t k = 0; k < p->in; k++)
                torch_order[o * p->in + k] = gradient[p->offset + k * p->stride + o];
        compare(key, name, torch_order, at(expected, key), p->out * p->in);
    }
    mem_free(gradient);
}

static void check_loss(const struct loss_case *c) {
    struct err err = {0};
    struct network n;
    network_init(&n, c->loss);
    struct json *doc = load("gradients");
    const cJSON *expected = at(json_root(doc), c->name);
    struct tape *tape = n.model->tape;
    struct tape_workspace *ws = tape_workspace_create(tape, TAPE_TRAIN, NULL, 1, LANES, 1, &err);
    assert_non_null(ws);
    real seed[LANES] = {0}, *weight = make_weights(&n, &c->objective);
    uint32_t row[BATCH];
    for (uint32_t i = 0; i < BATCH; i++)
        row[i] = i, seed[i] = (weight ? weight[i] : 1) / BATCH;
    struct tape_slice slice = {.k = best_kernel(), .theta = n.model->theta, .seed = seed};
    struct slice_source source = {.kernel = best_kernel(),
                                  .model = n.model,
                                  .set = &n.set,
                                  .scaling = &n.scaling,
                                  .label_smoothing = c->objective.smoothing,
                                  .lanes = LANES};
    struct slice_targets targets;
    assert_true(slice_targets_init(&targets, &source, &err));
    slice_load_targets(&source, &slice, &targets, row, BATCH);
    batch_images(best_kernel(), &n.set, &n.scaling, row, BATCH, LANES, tape_value(tape, ws, &slice, 0));
    tape_forward(tape, ws, &slice);
    const real *z = tape_value(tape, ws, &slice, tape_output(tape));
    const real *loss = tape_value(tape, ws, &slice, tape_node_output(tape, tape_nodes(tape) - 1));
    real logits[BATCH * CLASSES], mean = 0;
    for (size_t s = 0; s < BATCH; s++) {
        mean += seed[s] * loss[s];
        for (size_t o = 0; o < CLASSES; o++)
            logits[s * CLASSES + o] = z[o * LANES + s];
    }
    compare("logits", c->name, logits, at(expected, "logits"), BATCH * CLASSES);
    compare("loss", c->name, &mean, at(expected, "loss"), 1);
    tape_reverse(tape, ws, &slice);
    compare_gradients(&n, ws, c->name, at(expected, "grads"));
    mem_free(weight);
    slice_targets_release(&targets);
    tape_workspace_free(ws);
    json_free(doc);
    network_release(&n);
}

static void losses_and_gradients(void **state) {
    (void)state;
    static const struct loss_case cases[] = {
        {.name = "ce", .loss = "cross_entropy"},
        {.name = "mse", .loss = "mse"},
        {"ce_smooth01", "cross_entropy", {.smoothing = 0.1}},
        {"ce_sampleweight_n", "cross_entropy", {.weight = sample_weight}},
        {"ce_sampleweight_sum", "cross_entropy", {.weight = threefold, .normalise = true}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_loss(&cases[i]);
}

/* ---- trajectories of the optimiser, through the whole training step ---- */

struct trajectory {
    const char *name;
    struct optimizer_spec optimizer;
    struct objective objective;
    double l2;
    int penalize_bias;
    bool in_loss; /* the reference's loss has the penalty in it */
};

static void compare_parameters(const struct network *n, const char *name, const cJSON *expected) {
    for (size_t i = 0; i < n->model->parameter_count; i++) {
        const struct parameter *p = &n->model->parameter[i];
        real values[64];
        char key[24];
        snprintf(key, sizeof key, "%c%zu", p->kind == PARAMETER_BIAS ? 'b' : 'W', i / 2);
        for (size_t o = 0; o < p->out; o++)
            for (size_t k = 0; k < p->in; k++)
                values[o * p->in + k] = n->model->theta[p->offset + k * p->stride + o];
        compare(key, name, values, at(expected, key), p->out * p->in);
    }
}

static void check_trajectory(const struct trajectory *t) {
    struct err err = {0};
    struct network n;
    struct json *doc = load(t->name);
    network_init(&n, "cross_entropy");
    struct layer_spec penalised[] = {{.l2 = t->l2}, {.l2 = t->l2}};
    const struct model_spec spec = {.layers = penalised, .layer_count = 2, .output = {.l2 = t->l2}};
    real *weight = make_weights(&n, &t->objective);
    struct fit_setup setup = {.kernel = best_kernel(),
                              .model = n.model,
                              .train = &n.part,
                              .scaling = &n.scaling,
                              .optimizer = t->optimizer,
                              .train_spec = {.epochs = 5, .batch_size = BATCH, .shuffle = false},
                              .model_spec = &spec,
                              .regularization = {.penalize_bias = t->penalize_bias},
                              .label_smoothing = t->objective.smoothing,
                              .weight = weight,
                              .seed = 1};
    struct fit *fit = fit_create(&setup, &err);
    assert_non_null(fit);
    const cJSON *step;
    cJSON_ArrayForEach(step, at(json_root(doc), "steps")) {
        real loss = (real)(t->in_loss ? fit_penalty(fit) : 0);
        assert_true(fit_steps(fit, 1, &err));
        loss += (real)fit_status(fit)->loss;
        compare("loss", t->name, &loss, at(step, "loss_before"), 1);
        compare_parameters(&n, t->name, at(step, "params"));
    }
    fit_free(fit);
    mem_free(weight);
    json_free(doc);
    network_release(&n);
}

/* PyTorch's weight_decay of sgd and adam is an L2 penalty on all parameters; that of adamw is decoupled. */
#define OVER_ALL .l2 = 0.01, .penalize_bias = PENALIZE_ALL
#define ADAM     .kind = OPTIMIZER_ADAM, .lr = 0.01, .betas = {0.9, 0.999}, .eps = 1e-8
#define SMOOTH                                                                                               \
    { .smoothing = 0.1 }
#define RMSPROP .kind = OPTIMIZER_RMSPROP, .lr = 0.01, .eps = 1e-8

static void trajectories(void **state) {
    (void)state;
    static const struct trajectory cases[] = {
        {.name = "opt_sgd", .optimizer = {.lr = 0.1}},
        {.name = "opt_sgd_momentum", .optimizer = {.lr = 0.1, .momentum = 0.9}},
        {.name = "opt_sgd_momentum_damp", .optimizer = {.lr = 0.1, .momentum = 0.9, .dampening = 0.5}},
        {.name = "opt_sgd_nesterov", .optimizer = {.lr = 0.1, .momentum = 0.9, .nesterov = true}},
        {.name = "opt_sgd_momentum_smooth01", .optimizer = {.lr = 0.1, .momentum = 0.9}, .objective = SMOOTH},
        {.name = "opt_sgd_sampleweight_n", .optimizer = {.lr = 0.1}, .objective = {.weight = sample_weight}},
        {.name = "opt_sgd_sampleweight_sum",
         .optimizer = {.lr = 0.1},
         .objective = {.weight = threefold, .normalise = true}},
        {.name = "opt_sgd_wd", .optimizer = {.lr = 0.1}, OVER_ALL},
        {.name = "opt_sgd_momentum_wd", .optimizer = {.lr = 0.1, .momentum = 0.9}, OVER_ALL},
        {.name = "opt_sgd_momentum_nesterov_wd",
         .optimizer = {.lr = 0.1, .momentum = 0.9, .nesterov = true},
         OVER_ALL},
        {.name = "opt_sgd_momentum_l2_all",
         .optimizer = {.lr = 0.1, .momentum = 0.9},
         OVER_ALL,
         .in_loss = true},
        {.name = "opt_sgd_l2_weights", .optimizer = {.lr = 0.1}, .l2 = 0.01, .in_loss = true},
        {.name = "opt_adam", .optimizer = {ADAM}},
        {.name = "opt_adam_smooth01", .optimizer = {ADAM}, .objective = SMOOTH},
        {.name = "opt_adam_amsgrad", .optimizer = {ADAM, .amsgrad = true}},
        {.name = "opt_adam_wd", .optimizer = {ADAM}, OVER_ALL},
        {.name = "opt_adam_l2_weights", .optimizer = {ADAM}, .l2 = 0.01, .in_loss = true},
        {.name = "opt_adamw", .optimizer = {ADAM, .weight_decay = 0.01}, .penalize_bias = PENALIZE_ALL},
        {.name = "opt_rmsprop", .optimizer = {RMSPROP, .alpha = 0.99}},
        {.name = "opt_rmsprop_centered", .optimizer = {RMSPROP, .alpha = 0.99, .centered = true}},
        {.name = "opt_rmsprop_momentum", .optimizer = {RMSPROP, .alpha = 0.9, .momentum = 0.9}},
        {.name = "opt_adagrad", .optimizer = {.kind = OPTIMIZER_ADAGRAD, .lr = 0.05, .eps = 1e-10}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_trajectory(&cases[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(losses_and_gradients),
                                       cmocka_unit_test(trajectories)};
    return cmocka_run_group_tests_name("parity", tests, NULL, NULL);
}
