/* Training with sample weights and smoothed labels: a weight of 2 is the row twice, 0 the row left away;
 * steps by closed forms; the same bits for every number of threads, instruction set and form of the input. */
#include "network.h"

enum { ROWS = 60, FEATURES = 9, CLASSES = 4 };

static const double tolerance = REAL_IS_DOUBLE ? 1e-12 : 1e-5;

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

struct training {
    const struct kernel *kernel;
    struct team *team;
    const struct dataset *set;
    const real *weight;
    const char *loss;
    double smoothing, momentum;
    size_t batch, epochs;
    enum input_form input;
};

static struct fit_setup setup_of(const struct training *t, struct model *m, const struct data_part *part,
                                 const struct scaling *scaling) {
    return (struct fit_setup){.kernel = t->kernel ? t->kernel : best_kernel(),
                              .team = t->team,
                              .model = m,
                              .train = part,
                              .scaling = scaling,
                              .optimizer = {.lr = 0.1, .momentum = t->momentum},
                              .train_spec = {.epochs = t->epochs, .batch_size = t->batch, .shuffle = true},
                              .label_smoothing = t->smoothing,
                              .weight = t->weight,
                              .seed = 4,
                              .input = t->input};
}

/* Trains a net of two hidden layers; the caller frees it. loss and accuracy are those of the last epoch. */
static struct model *train(const struct training *t, double *loss, double *accuracy) {
    struct err err = {0};
    struct data_part part = dataset_all(t->set);
    struct scaling scaling = {.kind = t->set->images.type == IDX_U8 ? SCALE_UNIT : SCALE_NONE};
    struct layer_spec hidden[] = {layer(17, ACTIVATION_TANH, 0), layer(12, ACTIVATION_SOFTPLUS, 0)};
    struct model_spec spec = {.layers = hidden, .layer_count = 2, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    struct model *m = model_create(&spec, t->set->features, CLASSES, t->loss, &err);
    assert_true(m && model_init(m, 3, NULL, &err));
    struct fit_setup setup = setup_of(t, m, &part, &scaling);
    struct fit *fit = fit_create(&setup, &err);
    assert_non_null(fit);
    for (size_t e = 0; e < t->epochs; e++)
        assert_true(fit_steps(fit, SIZE_MAX, &err));
    *loss = fit_status(fit)->loss;
    *accuracy = fit_status(fit)->accuracy;
    fit_free(fit);
    return m;
}

/* Copies of row i of the set that it is expanded to: 0, 1, 2 or 3. */
static size_t copies_of(size_t i) {
    return i * 5 % 7 % 4;
}

/* ---- weights are repetitions ---- */

/* The model's figures on a part, by the part's weights. */
static double weighted_loss(const struct model *m, const struct data_part *part, double *plain) {
    struct err err = {0};
    struct scaling scaling = {.kind = SCALE_NONE};
    struct evaluation e;
    assert_true(fit_evaluate(best_kernel(), NULL, m, part, &scaling, &e, &err));
    double loss = e.weighted_loss;
    *plain = e.loss;
    evaluation_release(&e);
    return loss;
}

/* Importance weights q/p make the gradient under p that under q: on four points, of which the source has 1,
 * 2, 3 and 2 of eight and the target 3, 1, 2 and 2, one step of the whole batch goes to the same parameters.
 */
static void weighted_gradient_is_the_targets(void **state) {
    (void)state;
    enum { POINTS = 4, EIGHT = 8 };
    static const size_t source[POINTS] = {1, 2, 3, 2}, target[POINTS] = {3, 1, 2, 2};
    static float from[EIGHT * FEATURES], to[EIGHT * FEATURES];
    static uint32_t from_classes[EIGHT], to_classes[EIGHT];
    const double bound = REAL_IS_DOUBLE ? 1e-14 : 1e-6;
    real weight[EIGHT];
    for (size_t i = 0, n = 0, m = 0; i < POINTS; i++) {
        for (size_t c = 0; c < source[i]; c++, n++) {
            memcpy(from + n * FEATURES, images + i * FEATURES, FEATURES * sizeof *images);
            from_classes[n] = classes[i];
            weight[n] = (real)((double)target[i] / (double)source[i]);
        }
        for (size_t c = 0; c < target[i]; c++, m++) {
            memcpy(to + m * FEATURES, images + i * FEATURES, FEATURES * sizeof *images);
            to_classes[m] = classes[i];
        }
    }
    struct dataset p = memory_set(from, EIGHT, FEATURES, from_classes, CLASSES),
                   q = memory_set(to, EIGHT, FEATURES, to_classes, CLASSES);
    const struct training by_weight = {
        .set = &p, .weight = weight, .loss = "cross_entropy", .batch = 1000, .epochs = 1};
    struct training by_target = by_weight;
    by_target.set = &q, by_target.weight = NULL;
    double loss_p, loss_q, accuracy;
    struct model *a = train(&by_weight, &loss_p, &accuracy), *b = train(&by_target, &loss_q, &accuracy);
    for (size_t i = 0; i < a->size; i++)
        assert_true(fabs((double)a->theta[i] - (double)b->theta[i]) <= bound);
    assert_true(fabs(loss_p - loss_q) <= bound * loss_q);
    model_free(a);
    model_free(b);
}

static void check_repetition(const char *loss, double smoothing) {
    static float expanded[3 * ROWS * FEATURES];
    static uint32_t expanded_classes[3 * ROWS];
    real weight[ROWS];
    size_t n = 0;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t c = 0; c < copies_of(i); c++, n++) {
            memcpy(expanded + n * FEATURES, images + i * FEATURES, FEATURES * sizeof *images);
            expanded_classes[n] = classes[i];
        }
    for (size_t i = 0; i < ROWS; i++)
        weight[i] = (real)((double)copies_of(i) * ROWS / (double)n);
    struct dataset weighted = memory_set(images, ROWS, FEATURES, classes, CLASSES),
                   repeated = memory_set(expanded, n, FEATURES, expanded_classes, CLASSES);
    const struct training by_weight = {.set = &weighted,
                                       .weight = weight,
                                       .loss = loss,
                                       .smoothing = smoothing,
                                       .momentum = 0.9,
                                       .batch = 1000,
                                       .epochs = 20};
    struct training by_rows = by_weight;
    by_rows.set = &repeated, by_rows.weight = NULL;
    double loss_w, loss_r, accuracy_w, accuracy_r, plain;
    struct model *w = train(&by_weight, &loss_w, &accuracy_w), *r = train(&by_rows, &loss_r, &accuracy_r);
    for (size_t i = 0; i < w->size; i++)
        assert_true(fabs((double)w->theta[i] - (double)r->theta[i]) <=
                    tolerance * fmax(1, fabs((double)r->theta[i])));
    assert_true(fabs(loss_w - loss_r) <= tolerance * loss_r);
    assert_true(fabs(accuracy_w - accuracy_r) <= tolerance);
    struct data_part part = dataset_all(&weighted), whole = dataset_all(&repeated);
    part.weight = weight;
    double by_weights = weighted_loss(w, &part, &plain);
    assert_true(isnan(weighted_loss(w, &whole, &plain)));
    assert_true(fabs(by_weights - plain) <= tolerance * plain);
    model_free(w);
    model_free(r);
}

static void a_weight_repeats_its_row(void **state) {
    (void)state;
    check_repetition("cross_entropy", 0);
    check_repetition("cross_entropy", 0.2);
    check_repetition("binary_cross_entropy", 0.1);
    check_repetition("mse", 0);
}

/* The rows that weigh nothing hold what would change everything. */
static void a_weight_of_zero_removes_its_row(void **state) {
    (void)state;
    static float spoilt[ROWS * FEATURES];
    real weight[ROWS];
    memcpy(spoilt, images, sizeof images);
    for (size_t i = 0; i < ROWS; i++) {
        weight[i] = i % 3 ? (real)1.5 : 0;
        for (size_t f = 0; f < FEATURES && i % 3 == 0; f++)
            spoilt[i * FEATURES + f] = 1000 * images[(i + 1) % ROWS * FEATURES + f];
    }
    struct dataset good = memory_set(images, ROWS, FEATURES, classes, CLASSES),
                   bad = memory_set(spoilt, ROWS, FEATURES, classes, CLASSES);
    struct training t = {.set = &good, .weight = weight, .loss = "cross_entropy", .batch = 1000, .epochs = 5};
    double loss, other, accuracy, same;
    struct model *a = train(&t, &loss, &accuracy);
    t.set = &bad;
    struct model *b = train(&t, &other, &same);
    assert_memory_equal(a->theta, b->theta, a->size * sizeof(real));
    assert_true(loss == other && accuracy == same);
    model_free(a);
    model_free(b);
}

/* ---- closed forms ---- */

/* One weight and a bias on five points in batches of two, two and one: each step follows the sum of weight
 * times gradient over the number of its samples. */
static void a_batch_is_divided_by_its_samples(void **state) {
    (void)state;
    struct err err = {0};
    float x[5] = {1, -2, 4, 0.5f, 3};
    real t[5] = {(real)0.5, 1, -1, 2, 0}, weight[5] = {(real)0.5, 2, (real)0.25, (real)1.25, 1};
    struct dataset set = memory_set(x, 5, 1, NULL, 0);
    set.targets = t, set.target_width = 1;
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct model_spec spec = {.output = layer(0, ACTIVATION_IDENTITY, 0)};
    spec.output.init = (struct init_spec){.kind = init_find("constant"), .value = 0.25};
    struct model *m = model_create(&spec, 1, 1, "mse", &err);
    assert_true(m && model_init(m, 1, NULL, &err));
    struct fit_setup setup = {.kernel = best_kernel(),
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = {.lr = 0.125},
                              .train_spec = {.epochs = 1, .batch_size = 2, .shuffle = false},
                              .weight = weight,
                              .seed = 1};
    struct fit *fit = fit_create(&setup, &err);
    assert_true(fit && fit_steps(fit, 10, &err) && fit_epoch_done(fit));
    double w = 0.25, b = 0, sum = 0;
    for (size_t first = 0; first < 5; first += 2) {
        size_t end = first + 2 < 5 ? first + 2 : 5;
        double dw = 0, db = 0, n = (double)(end - first);
        for (size_t i = first; i < end; i++) {
            double d = w * (double)x[i] + b - (double)t[i], q = (double)weight[i];
            sum += q * d * d / 2;
            dw += q * d * (double)x[i] / n, db += q * d / n;
        }
        w -= 0.125 * dw, b -= 0.125 * db;
    }
    assert_true(fabs((double)m->theta[m->parameter[0].offset] - w) < tolerance);
    assert_true(fabs((double)m->theta[m->parameter[1].offset] - b) < tolerance);
    assert_true(fabs(fit_status(fit)->loss - sum / 5) < tolerance);
    fit_free(fit);
    model_free(m);
}

/* From zero, with one sample x = 1, all outputs are 0: softmax gives every class 1/K, sigmoid 1/2, so a step
 * of sgd moves the bias of output k by -lr (1/K - t_k), and -lr (1/2 - t_k), t smoothed. Then the loss of
 * training is that of the smoothed target, and that of evaluation the plain one. */
static void check_smoothing(const char *loss, const real *soft, double smoothing, const double *target) {
    struct err err = {0};
    float x[1] = {1};
    uint32_t cls[1] = {1};
    bool exclusive = strcmp(loss, "cross_entropy") == 0;
    double lr = 0.5, z[CLASSES], training = 0, plain = 0, log_sum = 0,
           start = exclusive ? 1.0 / CLASSES : 0.5;
    struct dataset set = memory_set(x, 1, 1, soft ? NULL : cls, CLASSES);
    real targets[CLASSES];
    if (soft)
        memcpy(targets, soft, sizeof targets), set.targets = targets, set.target_width = CLASSES;
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct model_spec spec = {.output = layer(0, ACTIVATION_IDENTITY, 0)};
    spec.output.init.kind = init_find("zeros");
    struct model *m = model_create(&spec, 1, CLASSES, loss, &err);
    assert_true(m && model_init(m, 1, NULL, &err));
    struct fit_setup setup = {.kernel = best_kernel(),
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = {.lr = lr},
                              .train_spec = {.epochs = 2, .batch_size = 1},
                              .label_smoothing = smoothing,
                              .seed = 1};
    struct fit *fit = fit_create(&setup, &err);
    assert_true(fit && fit_steps(fit, 1, &err));
    for (size_t k = 0; k < CLASSES; k++) {
        double moved = -lr * (start - target[k]);
        assert_true(fabs((double)m->theta[m->parameter[1].offset + k] - moved) < tolerance);
        z[k] = 2 * moved; /* weight and bias */
        log_sum += exp(z[k]);
    }
    struct evaluation e;
    assert_true(fit_evaluate(best_kernel(), NULL, m, &part, &scaling, &e, &err));
    assert_true(fit_steps(fit, 1, &err));
    for (size_t k = 0; k < CLASSES; k++) {
        double t = soft ? (double)soft[k] : k == cls[0];
        training += exclusive ? target[k] * (log(log_sum) - z[k]) : log1p(exp(z[k])) - z[k] * target[k];
        plain += exclusive ? t * (log(log_sum) - z[k]) : log1p(exp(z[k])) - z[k] * t;
    }
    assert_true(fabs(fit_status(fit)->loss - training) < tolerance);
    assert_true(fabs(e.loss - plain) < tolerance);
    evaluation_release(&e);
    fit_free(fit);
    model_free(m);
}

static void smoothing_spreads_a_share_of_the_target(void **state) {
    (void)state;
    static const real soft[CLASSES] = {(real)0.5, (real)0.25, (real)0.25, 0};
    check_smoothing("cross_entropy", NULL, 0.2, (const double[]){.05, .85, .05, .05});
    check_smoothing("cross_entropy", soft, 0.2, (const double[]){.45, .25, .25, .05});
    check_smoothing("cross_entropy", NULL, 0, (const double[]){0, 1, 0, 0});
    check_smoothing("binary_cross_entropy", NULL, 0.2, (const double[]){.1, .9, .1, .1});
    check_smoothing("binary_cross_entropy", soft, 0.2, (const double[]){.5, .3, .3, .1});
}

/* ---- bits ---- */

static void ones_are_no_weights(void **state) {
    (void)state;
    real one[ROWS];
    char expected[SHA256_HEX], got[SHA256_HEX];
    double loss[2], accuracy[2];
    struct dataset set = memory_set(images, ROWS, FEATURES, classes, CLASSES);
    for (size_t i = 0; i < ROWS; i++)
        one[i] = 1;
    struct training t = {.set = &set, .loss = "cross_entropy", .batch = 7, .epochs = 3};
    struct model *m = train(&t, &loss[0], &accuracy[0]);
    model_hex(m, expected);
    model_free(m);
    t.weight = one;
    m = train(&t, &loss[1], &accuracy[1]);
    model_hex(m, got);
    model_free(m);
    assert_string_equal(got, expected);
    assert_true(loss[0] == loss[1] && accuracy[0] == accuracy[1]);
}

static void check_bits(struct training t, size_t batch) {
    struct err err = {0};
    char expected[SHA256_HEX] = "", got[SHA256_HEX];
    double loss, accuracy, first_loss = 0, first_accuracy = 0;
    t.batch = batch;
    for (size_t k = 0; kernel_at(k); k++)
        for (size_t threads = 1; kernel_at(k)->supported() && threads <= 4; threads++)
            for (t.input = INPUT_AUTO; t.input <= INPUT_LISTS_BY_UNITS; t.input++) {
                t.kernel = kernel_at(k);
                t.team = team_create(threads, &err);
                struct model *m = train(&t, &loss, &accuracy);
                model_hex(m, got);
                if (!*expected)
                    memcpy(expected, got, sizeof got), first_loss = loss, first_accuracy = accuracy;
                assert_string_equal(got, expected);
                assert_true(loss == first_loss && accuracy == first_accuracy);
                model_free(m);
                team_free(t.team);
            }
}

static void bits_do_not_depend_on_the_machine(void **state) {
    (void)state;
    static uint8_t bytes[ROWS * FEATURES];
    real weight[ROWS];
    for (size_t i = 0; i < sizeof bytes; i++) {
        struct random_block b = random_philox(2, 81, 0, 0, (uint32_t)i);
        bytes[i] = b.v[0] % 4 ? 0 : (uint8_t)b.v[1];
    }
    for (size_t i = 0; i < ROWS; i++)
        weight[i] = (real)(i % 5) / 3;
    struct dataset set = memory_set(NULL, ROWS, FEATURES, classes, CLASSES);
    set.images.type = IDX_U8, set.images.values = bytes;
    const struct training both = {.set = &set,
                                  .weight = weight,
                                  .loss = "cross_entropy",
                                  .smoothing = 0.1,
                                  .momentum = 0.9,
                                  .epochs = 2};
    struct training binary = both;
    binary.loss = "binary_cross_entropy";
    check_bits(both, 17);
    check_bits(both, 1000);
    check_bits(binary, 40);
}

/* The weighted loss of some rows, against a sum written out here and equal for every number of threads. */
static void evaluation_weighs_the_loss_alone(void **state) {
    (void)state;
    struct err err = {0};
    struct dataset set = memory_set(images, ROWS, FEATURES, classes, CLASSES);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct training t = {.set = &set, .loss = "cross_entropy", .batch = 16, .epochs = 1};
    double loss, accuracy, sum = 0, mass = 0, plain = 0, first = 0;
    struct model *m = train(&t, &loss, &accuracy);
    real weight[ROWS], p[ROWS * CLASSES];
    uint32_t row[ROWS / 2];
    assert_true(fit_predict(best_kernel(), NULL, m, &set, &scaling, 0, ROWS, 1, NULL, p, &err));
    for (uint32_t i = 0; i < ROWS; i++)
        weight[i] = (real)(i % 7);
    for (uint32_t i = 0; i < ROWS / 2; i++) {
        row[i] = 2 * i + 1;
        double l = -log((double)p[row[i] * CLASSES + classes[row[i]]]);
        sum += (double)weight[row[i]] * l, mass += (double)weight[row[i]], plain += l;
    }
    struct data_part part = {.set = &set, .row = row, .count = ROWS / 2, .weight = weight};
    for (size_t threads = 1; threads <= 3; threads++) {
        struct evaluation e;
        struct team *team = team_create(threads, &err);
        assert_true(fit_evaluate(best_kernel(), team, m, &part, &scaling, &e, &err));
        assert_true(fabs(e.weighted_loss - sum / mass) < tolerance);
        assert_true(fabs(e.loss - plain / (ROWS / 2)) < tolerance);
        first = threads == 1 ? e.weighted_loss : first;
        assert_true(e.weighted_loss == first);
        evaluation_release(&e);
        team_free(team);
    }
    model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weighted_gradient_is_the_targets),
        cmocka_unit_test(a_weight_repeats_its_row),
        cmocka_unit_test(a_weight_of_zero_removes_its_row),
        cmocka_unit_test(a_batch_is_divided_by_its_samples),
        cmocka_unit_test(smoothing_spreads_a_share_of_the_target),
        cmocka_unit_test(ones_are_no_weights),
        cmocka_unit_test(bits_do_not_depend_on_the_machine),
        cmocka_unit_test(evaluation_weighs_the_loss_alone),
    };
    return cmocka_run_group_tests_name("weighted fit", tests, make_data, NULL);
}
