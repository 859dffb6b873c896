/* The training step: the same bits for every number of threads, instruction set and slice; convergence to
 * closed forms; divergence that is noticed and undone. */
#include "network.h"

#include "data/sparse.h"

enum { ROWS = 150, FEATURES = 20, CLASSES = 10 };

static float images[ROWS * FEATURES];
static uint32_t classes[ROWS];

static int make_data(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS * FEATURES; i++) {
        double pair[2];
        random_normal_pair(random_philox(1, 77, 0, 0, (uint32_t)i), pair);
        images[i] = (float)pair[0];
    }
    for (size_t i = 0; i < ROWS; i++)
        classes[i] = (uint32_t)(i * 7 % CLASSES);
    return 0;
}

struct training {
    const struct kernel *kernel;
    size_t threads, batch, epochs;
    const char *loss;
    double lr;
    enum input_form input;
    size_t layers, first; /* hidden layers, units of the first one */
    int output;           /* activation behind the last one */
};

/* What most tests take: every activation once. */
#define EVERY_LAYER .layers = ACTIVATION_COUNT, .first = 17, .output = ACTIVATION_IDENTITY

/* A net with `layers` hidden layers of every kind of activation, the first of which has `first` units. */
static struct model *make_model(const char *loss, size_t outputs, size_t layers, size_t first, int output) {
    struct err err = {0};
    struct layer_spec hidden[ACTIVATION_COUNT];
    for (size_t l = 0; l < layers; l++)
        hidden[l] = layer(l ? 17 + 5 * l : first, (int)l, 0.25);
    struct model_spec spec = {.layers = hidden, .layer_count = layers, .output = layer(0, output, 0)};
    struct model *m = model_create(&spec, FEATURES, outputs, loss, &err);
    assert_non_null(m);
    assert_true(model_init(m, 3, NULL, &err));
    return m;
}

static void train_on(const struct training *t, const struct dataset *set, int scale, char hex[SHA256_HEX],
                     double *loss) {
    struct err err = {0};
    struct data_part part = dataset_all(set);
    struct scaling scaling = {.kind = scale};
    struct team *team = team_create(t->threads, &err);
    struct model *m = make_model(t->loss, CLASSES, t->layers, t->first, t->output);
    struct fit_setup setup = {.kernel = t->kernel,
                              .team = team,
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = {.lr = t->lr, .momentum = 0.9},
                              .train_spec = {.epochs = t->epochs, .batch_size = t->batch, .shuffle = true},
                              .seed = 4,
                              .input = t->input};
    struct fit *fit = fit_create(&setup, &err);
    assert_non_null(fit);
    for (size_t e = 0; e < t->epochs; e++)
        do
            assert_true(fit_steps(fit, 3, &err));
        while (!fit_epoch_done(fit));
    assert_int_equal(fit_status(fit)->samples, ROWS);
    *loss = fit_status(fit)->loss;
    model_hex(m, hex);
    fit_free(fit);
    model_free(m);
    team_free(team);
}

static void train(const struct training *t, char hex[SHA256_HEX], double *loss) {
    struct dataset set = memory_set(images, ROWS, FEATURES, classes, CLASSES);
    train_on(t, &set, SCALE_NONE, hex, loss);
}

static void bits_do_not_depend_on_the_machine(void **state) {
    (void)state;
    static const size_t batches[] = {1, 7, 32, 100, 1000};
    static const char *const losses[] = {"cross_entropy", "mse", "binary_cross_entropy"};
    for (size_t b = 0; b < 5; b++) {
        char expected[SHA256_HEX], got[SHA256_HEX];
        double loss, same;
        struct training t = {kernel_at(0),  1,    batches[b], b ? 2 : 1,
                             losses[b % 3], 0.01, INPUT_AUTO, EVERY_LAYER};
        train(&t, expected, &loss);
        for (size_t k = 0; kernel_at(k); k++)
            for (t.threads = k ? 1 : 3; kernel_at(k)->supported() && t.threads <= (k ? 5 : 3);
                 t.threads += 1 + (t.threads == 3)) {
                t.kernel = kernel_at(k);
                train(&t, got, &same);
                assert_string_equal(got, expected);
                assert_true(same == loss);
            }
    }
}

/* Every kernel takes every form with one to three threads, turn and turn about over the calls. */
static void every_form_gives_the_same(struct training t, const struct dataset *set, size_t batch, int scale) {
    static size_t turn;
    char expected[SHA256_HEX], got[SHA256_HEX];
    double loss, same;
    t.kernel = kernel_at(0), t.threads = 1, t.batch = batch, t.epochs = batch < 100 ? 1 : 2, t.lr = 1e-4,
    t.input = INPUT_PANELS;
    train_on(&t, set, scale, expected, &loss);
    for (size_t k = 0; kernel_at(k); k++)
        for (t.input = INPUT_AUTO; kernel_at(k)->supported() && t.input <= INPUT_LISTS_BY_UNITS; t.input++) {
            t.kernel = kernel_at(k), t.threads = 1 + (turn + k + t.input) % 3;
            train_on(&t, set, scale, got, &same);
            assert_string_equal(got, expected);
            assert_true(same == loss);
        }
    turn++;
}

/* Bytes that are mostly 0 go through lists or panels: the same bits, for batches below, at and above a
 * segment, with a tail. */
static void bits_do_not_depend_on_the_form_of_the_input(void **state) {
    (void)state;
    static uint8_t bytes[ROWS * FEATURES];
    static const size_t batches[] = {1, 16, 40, 128, 141, 1000};
    for (size_t i = 0; i < sizeof bytes; i++) {
        struct random_block b = random_philox(2, 78, 0, 0, (uint32_t)i);
        bytes[i] = b.v[0] % 4 || i % FEATURES == 7 ? 0 : (uint8_t)b.v[1];
    }
    struct dataset set = memory_set(NULL, ROWS, FEATURES, classes, CLASSES);
    set.images.type = IDX_U8, set.images.values = bytes;
    assert_true(sparse_suits(&set, &(struct scaling){.kind = SCALE_UNIT}, 100));
    assert_false(sparse_suits(&set, &(struct scaling){.kind = SCALE_STANDARDIZE}, 100));
    struct training nets[] = {
        {.loss = "cross_entropy", EVERY_LAYER},
        {.loss = "cross_entropy", .layers = 2, .first = 275}, /* several pieces of units, the last not full */
        {.loss = "mse", .layers = 0, .output = ACTIVATION_RELU}, /* what is first is written over in place */
        {.loss = "mse", .layers = 0, .output = ACTIVATION_GELU}, /* and what is not */
        {.loss = "cross_entropy", .layers = 0, .output = ACTIVATION_IDENTITY},
    };
    for (size_t n = 0; n < sizeof nets / sizeof *nets; n++)
        for (size_t b = n ? 3 : 0; b < (n ? 5 : sizeof batches / sizeof *batches); b++)
            every_form_gives_the_same(nets[n], &set, batches[b], b % 2 ? SCALE_UNIT : SCALE_NONE);
}

/* Softmax regression of two points x = 1, -1 with labels 0, 1, full batch: by symmetry the biases stay 0 and
 * the difference of the weights u = w0 - w1 obeys u <- u + 2 lr sigmoid(-u). */
static void softmax_regression_follows_its_recursion(void **state) {
    (void)state;
    struct err err = {0};
    float x[2] = {1, -1};
    uint32_t cls[2] = {0, 1};
    struct dataset set = memory_set(x, 2, 1, cls, 2);
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct model_spec spec = {.output = {.activation = ACTIVATION_IDENTITY,
                                         .init = {.kind = init_find("zeros")},
                                         .bias_init = {.kind = init_find("zeros")}}};
    struct model *m = model_create(&spec, 1, 2, "cross_entropy", &err);
    assert_true(m && model_init(m, 1, NULL, &err));
    struct fit_setup setup = {.kernel = best_kernel(),
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = {.lr = 0.5},
                              .train_spec = {.epochs = 100, .batch_size = 2, .shuffle = true},
                              .seed = 1};
    struct fit *fit = fit_create(&setup, &err);
    double u = 0;
    for (int step = 0; step < 100; step++) {
        assert_true(fit_steps(fit, 1, &err));
        double loss = log1p(exp(-u));
        assert_true(fabs(fit_status(fit)->loss - loss) < (REAL_IS_DOUBLE ? 1e-14 : 1e-6));
        u += 2 * 0.5 / (1 + exp(u));
    }
    float w[2];
    model_get(m, 0, w);
    assert_true(fabs((double)w[0] - (double)w[1] - u) < (REAL_IS_DOUBLE ? 1e-7 : 1e-5));
    model_get(m, 1, w);
    assert_true(fabs((double)w[0]) < 1e-6 && fabs((double)w[1]) < 1e-6);
    fit_free(fit);
    model_free(m);
}

/* One weight and a bias on three points in batches of two and one: each step follows the mean over its own
 * samples. */
static void the_last_batch_is_a_mean_over_its_own_samples(void **state) {
    (void)state;
    struct err err = {0};
    float x[3] = {1, -2, 4};
    real t[3] = {(real)0.5, 1, -1};
    struct dataset set = memory_set(x, 3, 1, NULL, 0);
    set.targets = t, set.target_width = 1;
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct model_spec spec = {.layers = NULL, .layer_count = 0, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    spec.output.init = (struct init_spec){.kind = init_find("constant"), .value = 0.25};
    struct model *m = model_create(&spec, 1, 1, "mse", &err);
    assert_true(m && model_init(m, 1, NULL, &err));
    struct fit_setup setup = {.kernel = best_kernel(),
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = {.lr = 0.125},
                              .train_spec = {.epochs = 1, .batch_size = 2, .shuffle = false},
                              .seed = 1};
    struct fit *fit = fit_create(&setup, &err);
    assert_true(fit && fit_steps(fit, 10, &err) && fit_epoch_done(fit));
    double w = 0.25, b = 0, sum = 0;
    for (size_t first = 0; first < 3; first += 2) {
        size_t end = first + 2 < 3 ? first + 2 : 3;
        double dw = 0, db = 0;
        for (size_t i = first; i < end; i++) {
            double d = w * (double)x[i] + b - (double)t[i];
            sum += d * d / 2;
            dw += d * (double)x[i] / (double)(end - first), db += d / (double)(end - first);
        }
        w -= 0.125 * dw, b -= 0.125 * db;
    }
    float got[2];
    model_get(m, 0, got), model_get(m, 1, got + 1);
    assert_true(fabs((double)got[0] - w) < 1e-6 && fabs((double)got[1] - b) < 1e-6);
    assert_true(fabs(fit_status(fit)->loss - sum / 3) < 1e-6);
    fit_free(fit);
    model_free(m);
}

static void divergence_is_noticed_and_undone(void **state) {
    (void)state;
    struct err err = {0};
    struct dataset set = memory_set(images, ROWS, FEATURES, classes, CLASSES);
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct layer_spec hidden[] = {layer(16, ACTIVATION_RELU, 0), layer(16, ACTIVATION_RELU, 0)};
    struct model_spec spec = {.layers = hidden, .layer_count = 2, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    struct model *m = model_create(&spec, FEATURES, CLASSES, "mse", &err);
    assert_true(m && model_init(m, 1, NULL, &err));
    char before[SHA256_HEX], after[SHA256_HEX];
    model_hex(m, before);
    struct fit_setup setup = {.kernel = best_kernel(),
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = {.lr = 1000},
                              .train_spec = {.epochs = 1, .batch_size = 10, .shuffle = true},
                              .seed = 1};
    struct fit *fit = fit_create(&setup, &err);
    bool ok = true;
    while (ok && !(fit_epoch_done(fit) && fit_status(fit)->epoch))
        ok = fit_steps(fit, 1, &err);
    assert_false(ok);
    assert_int_equal(err.kind, ERR_DIVERGED);
    assert_non_null(strstr(err.text, "epoch 1 at step "));
    assert_non_null(strstr(err.text, "model."));
    model_hex(m, after);
    assert_string_equal(before, after);
    fit_free(fit);
    model_free(m);
}

/* The step that takes a parameter out of range is named, though its loss was finite: w = 0 - lr (0 - t) x. */
static void the_step_that_overflows_is_named(void **state) {
    (void)state;
    struct err err = {0};
    float x[2] = {4, 4};
    real t[2] = {100, 100};
    struct dataset set = memory_set(x, 2, 1, NULL, 0);
    set.targets = t, set.target_width = 1;
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct model_spec spec = {.layers = NULL, .layer_count = 0, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    spec.output.init.kind = init_find("zeros");
    struct model *m = model_create(&spec, 1, 1, "mse", &err);
    assert_true(m && model_init(m, 1, NULL, &err));
    struct fit_setup setup = {.kernel = best_kernel(),
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = {.lr = REAL_IS_DOUBLE ? 1e306 : 1e36},
                              .train_spec = {.epochs = 1, .batch_size = 1, .shuffle = false},
                              .seed = 1};
    struct fit *fit = fit_create(&setup, &err);
    assert_false(fit_steps(fit, 1, &err));
    assert_non_null(strstr(err.text, "epoch 1 at step 1 of 2: model.output: its weight is not finite"));
    assert_true(m->theta[0] == 0);
    fit_free(fit);
    model_free(m);
}

static void revert_goes_back_by_one_epoch(void **state) {
    (void)state;
    struct err err = {0};
    struct dataset set = memory_set(images, ROWS, FEATURES, classes, CLASSES);
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct model *m = make_model("cross_entropy", CLASSES, ACTIVATION_COUNT, 17, ACTIVATION_IDENTITY);
    struct fit_setup setup = {.kernel = best_kernel(),
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = {.lr = 0.01},
                              .train_spec = {.epochs = 3, .batch_size = 50, .shuffle = true},
                              .seed = 1};
    struct fit *fit = fit_create(&setup, &err);
    char first[SHA256_HEX], now[SHA256_HEX];
    assert_true(fit && fit_steps(fit, 100, &err));
    model_hex(m, first);
    assert_true(fit_steps(fit, 100, &err));
    model_hex(m, now);
    assert_string_not_equal(first, now);
    fit_revert(fit);
    model_hex(m, now);
    assert_string_equal(first, now);
    fit_free(fit);
    model_free(m);
}

/* Figures of an evaluation against sums written out here, and equal for any number of threads. */
static void evaluation_adds_up(void **state) {
    (void)state;
    struct err err = {0};
    struct dataset set = memory_set(images, ROWS, FEATURES, classes, CLASSES);
    static uint32_t some[77];
    for (uint32_t i = 0; i < 77; i++)
        some[i] = i + i / 3;
    struct data_part part = {.set = &set, .row = some, .count = 77};
    struct scaling scaling = {.kind = SCALE_NONE};
    struct model *m = make_model("cross_entropy", CLASSES, ACTIVATION_COUNT, 17, ACTIVATION_IDENTITY);
    static real p[ROWS * CLASSES];
    assert_true(fit_predict(best_kernel(), NULL, m, &set, &scaling, 0, ROWS, 1, NULL, p, &err));
    double loss = 0, brier = 0, gap[ECE_BINS] = {0};
    size_t correct = 0;
    for (size_t i = 0; i < 77; i++) {
        const real *row = p + some[i] * CLASSES;
        size_t best = 0;
        double sum = 0;
        for (size_t c = 0; c < CLASSES; c++) {
            best = row[c] > row[best] ? c : best, sum += (double)row[c];
            brier += pow((double)row[c] - (c == classes[some[i]]), 2) / 77;
        }
        assert_true(fabs(sum - 1) < 1e-6);
        loss -= log((double)row[classes[some[i]]]) / 77;
        correct += best == classes[some[i]];
        gap[(int)ceil((double)row[best] * ECE_BINS) - 1] += (double)row[best] - (best == classes[some[i]]);
    }
    double ece = 0;
    for (int b = 0; b < ECE_BINS; b++)
        ece += fabs(gap[b]) / 77;
    for (size_t threads = 1; threads <= 3; threads++) {
        struct evaluation e;
        struct team *team = team_create(threads, &err);
        assert_true(fit_evaluate(best_kernel(), team, m, &part, &scaling, &e, &err));
        assert_int_equal(e.samples, 77);
        assert_int_equal(e.correct, correct);
        assert_true(e.accuracy == (double)correct / 77);
        assert_true(fabs(e.loss - loss) < 1e-5 && fabs(e.ece - ece) < 1e-5);
        assert_true(fabs(e.nll - loss) < 1e-5 && fabs(e.brier - brier) < 1e-5);
        assert_true(isnan(e.weighted_loss));
        uint64_t total = 0, diagonal = 0;
        for (size_t c = 0; c < CLASSES * CLASSES; c++)
            total += e.confusion[c], diagonal += c % (CLASSES + 1) == 0 ? e.confusion[c] : 0;
        assert_true(total == 77 && diagonal == correct);
        evaluation_release(&e);
        team_free(team);
    }
    model_free(m);
}

/* A model with weights 0 says 1/10 for each of ten classes, or 1/2 for each yes or no: the scores are those
 * of a guess, of classes, soft targets and values. */
static void scores_of_a_guess(void **state) {
    (void)state;
    static const struct {
        const char *loss;
        bool classes;
        double nll, brier, ece; /* NaN: there is none */
    } row[] = {
        {"cross_entropy", true, 2.302585092994046, .9, 0}, /* 15 of the 150 samples are of class 0 */
        {"cross_entropy", false, 2.302585092994046, 2 * .4 * .4 + 8 * .1 * .1, NAN},
        {"binary_cross_entropy", true, 6.931471805599453, 10 * .5 * .5, .4},
        {"binary_cross_entropy", false, 6.931471805599453, 8 * .5 * .5, NAN},
        {"mse", true, NAN, NAN, NAN},
    };
    static real soft[ROWS * CLASSES];
    for (size_t i = 0; i < ROWS; i++) /* two classes, each as likely */
        for (size_t c = 0; c < CLASSES; c++)
            soft[i * CLASSES + c] = c == i % CLASSES || c == (i + 3) % CLASSES ? (real).5 : 0;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct err err = {0};
        struct evaluation e;
        struct scaling scaling = {.kind = SCALE_NONE};
        struct dataset set = memory_set(images, ROWS, FEATURES, row[i].classes ? classes : NULL, CLASSES);
        if (!row[i].classes)
            set.targets = soft, set.target_width = CLASSES, set.class_count = 0;
        struct data_part part = dataset_all(&set);
        struct model *m = make_model(row[i].loss, CLASSES, 0, 0, ACTIVATION_IDENTITY);
        memset(m->theta, 0, m->size * sizeof(real));
        assert_true(fit_evaluate(best_kernel(), NULL, m, &part, &scaling, &e, &err));
        assert_true(isnan(row[i].nll) ? isnan(e.nll) : fabs(e.nll - row[i].nll) < 1e-5);
        assert_true(isnan(row[i].brier) ? isnan(e.brier) : fabs(e.brier - row[i].brier) < 1e-6);
        assert_true(isnan(row[i].ece) ? isnan(e.ece) : fabs(e.ece - row[i].ece) < 1e-6);
        evaluation_release(&e);
        model_free(m);
    }
}

/* Outputs are what predictions are made of: softmax(z / T) by its definition, classes by the largest z. */
static void a_temperature_softens(void **state) {
    (void)state;
    struct err err = {0};
    struct scaling scaling = {.kind = SCALE_NONE};
    struct dataset set = memory_set(images, ROWS, FEATURES, classes, CLASSES);
    static uint32_t some[50], cls[50];
    static real z[50 * CLASSES], p[50 * CLASSES];
    for (uint32_t i = 0; i < 50; i++)
        some[i] = 30 + i;
    struct data_part part = {.set = &set, .row = some, .count = 50};
    struct team *team = team_create(3, &err);
    for (int binary = 0; binary < 2; binary++) {
        struct model *m = make_model(binary ? "binary_cross_entropy" : "cross_entropy", CLASSES,
                                     ACTIVATION_COUNT, 17, ACTIVATION_IDENTITY);
        assert_true(fit_outputs(best_kernel(), team, m, &part, &scaling, z, &err));
        assert_true(fit_predict(best_kernel(), team, m, &set, &scaling, 30, 50, 2.5, cls, p, &err));
        for (size_t i = 0; i < 50; i++) {
            const real *row = z + i * CLASSES;
            double sum = 0;
            size_t best = 0;
            for (size_t c = 0; c < CLASSES; c++)
                sum += exp((double)row[c] / 2.5), best = row[c] > row[best] ? c : best;
            for (size_t c = 0; c < CLASSES; c++) {
                double expected =
                    binary ? 1 / (1 + exp(-(double)row[c] / 2.5)) : exp((double)row[c] / 2.5) / sum;
                assert_true(fabs((double)p[i * CLASSES + c] - expected) < 1e-6);
            }
            assert_int_equal(cls[i], best);
        }
        model_free(m);
    }
    team_free(team);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_do_not_depend_on_the_machine),
        cmocka_unit_test(bits_do_not_depend_on_the_form_of_the_input),
        cmocka_unit_test(softmax_regression_follows_its_recursion),
        cmocka_unit_test(the_last_batch_is_a_mean_over_its_own_samples),
        cmocka_unit_test(divergence_is_noticed_and_undone),
        cmocka_unit_test(the_step_that_overflows_is_named),
        cmocka_unit_test(revert_goes_back_by_one_epoch),
        cmocka_unit_test(evaluation_adds_up),
        cmocka_unit_test(scores_of_a_guess),
        cmocka_unit_test(a_temperature_softens),
    };
    return cmocka_run_group_tests_name("fit", tests, make_data, NULL);
}
