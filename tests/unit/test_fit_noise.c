/* Noise and dropout in training: the same bits on every way through the machine, keyed by row and epoch
 * alone, nothing left of them in an evaluation; what training with them converges to. */
#include "network.h"

#include "fit/noise.h"

enum { ROWS = 150, FEATURES = 37, CLASSES = 10 };

static uint8_t bytes[ROWS * FEATURES];
static uint32_t classes[ROWS];

static int make_data(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        struct random_block b = random_philox(2, 78, 0, 0, (uint32_t)i);
        bytes[i] = b.v[0] % 4 || i % FEATURES == 7 ? 0 : (uint8_t)b.v[1];
    }
    for (size_t i = 0; i < ROWS; i++)
        classes[i] = (uint32_t)(i * 7 % CLASSES);
    return 0;
}

static struct dataset byte_set(void) {
    struct dataset set = memory_set(NULL, ROWS, FEATURES, classes, CLASSES);
    set.images.type = IDX_U8, set.images.values = bytes;
    return set;
}

struct training {
    const struct kernel *kernel;
    size_t threads, batch;
    enum input_form input;
    double input_dropout, dropout, input_noise, weight_noise;
    int kind;
    double lr;
    int scale, epochs; /* 0: 2 of them */
};

/* Two hidden layers, of which the first is wide enough to be cut into pieces of units. */
static struct model *make_model(const struct training *t) {
    struct err err = {0};
    struct layer_spec hidden[] = {layer(139, ACTIVATION_RELU, 0), layer(21, ACTIVATION_GELU, 0)};
    hidden[0].dropout = t->dropout, hidden[1].dropout = t->dropout / 2;
    struct model_spec spec = {.layers = hidden,
                              .layer_count = 2,
                              .output = layer(0, ACTIVATION_IDENTITY, 0),
                              .input_dropout = t->input_dropout,
                              .weight_noise = t->kind == WEIGHT_NOISE_PER_SAMPLE ? t->weight_noise : 0};
    struct model *m = model_create(&spec, FEATURES, CLASSES, "cross_entropy", &err);
    assert_true(m && model_init(m, 3, NULL, &err));
    return m;
}

static void train(const struct training *t, char hex[SHA256_HEX], double *loss) {
    struct err err = {0};
    struct dataset set = byte_set();
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = t->scale};
    struct team *team = team_create(t->threads, &err);
    struct model *m = make_model(t);
    struct fit_setup setup = {.kernel = t->kernel,
                              .team = team,
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = {.lr = t->lr, .momentum = 0.5},
                              .train_spec = {.epochs = 2, .batch_size = t->batch},
                              .regularization = {.input_noise = t->input_noise,
                                                 .weight_noise = t->weight_noise,
                                                 .weight_noise_kind = t->kind},
                              .seed = 4,
                              .input = t->input};
    struct fit *fit = fit_create(&setup, &err);
    assert_non_null(fit);
    for (int epoch = 0; epoch < (t->epochs ? t->epochs : 2); epoch++)
        assert_true(fit_steps(fit, SIZE_MAX, &err));
    *loss = fit_status(fit)->loss;
    model_hex(m, hex);
    fit_free(fit);
    model_free(m);
    team_free(team);
}

#define EVERY_NOISE .input_dropout = 0.25, .dropout = 0.5, .weight_noise = 0.1

/* Every kernel takes every form, the numbers of threads in turn over the calls. */
static void every_way_gives_the_same(struct training t, bool lists) {
    static const size_t threads[] = {1, 2, 3, 7};
    static size_t turn;
    char expected[SHA256_HEX], got[SHA256_HEX];
    double loss, same;
    t.kernel = kernel_at(0), t.threads = 1, t.input = INPUT_PANELS,
    t.lr = t.scale == SCALE_NONE ? 1e-6 : 0.01;
    train(&t, expected, &loss);
    for (size_t k = 0; kernel_at(k); k++)
        for (t.input = INPUT_PANELS;
             kernel_at(k)->supported() && t.input <= (lists ? INPUT_LISTS_BY_UNITS : INPUT_PANELS);
             t.input++) {
            t.kernel = kernel_at(k), t.threads = threads[(turn + k + t.input) % 4];
            train(&t, got, &same);
            assert_string_equal(got, expected);
            assert_true(same == loss);
        }
    turn++;
}

static void bits_do_not_depend_on_the_machine(void **state) {
    (void)state;
    static const size_t batches[] = {1, 71, 141};
    for (size_t b = 0; b < 3; b++) {
        struct training t = {
            .batch = batches[b], .epochs = b ? 2 : 1, .scale = b % 2 ? SCALE_NONE : SCALE_UNIT, EVERY_NOISE};
        every_way_gives_the_same(t, true);
        t.kind = WEIGHT_NOISE_PER_STEP;
        every_way_gives_the_same(t, true);
        t.input_noise = 0.2;
        every_way_gives_the_same(t, false);
    }
}

/* Where nothing is learned, the loss of an epoch is a sum over its samples, each with noise of its own: how
 * they are put into batches must not matter. */
static void noise_is_keyed_by_row_and_epoch(void **state) {
    (void)state;
    static const size_t batches[] = {1, 7, 32, 100, 1000};
    double loss[5], plain, once;
    char hex[SHA256_HEX];
    struct training t = {.kernel = best_kernel(), .threads = 2, .input_noise = 0.3, EVERY_NOISE};
    for (size_t b = 0; b < 5; b++) {
        t.batch = batches[b];
        train(&t, hex, &loss[b]);
        assert_true(loss[b] == loss[0]);
    }
    train(&(struct training){.kernel = best_kernel(), .threads = 1, .batch = 32}, hex, &plain);
    assert_true(fabs(plain - loss[0]) > 1e-3);
    t.epochs = 1;
    train(&t, hex, &once);
    assert_true(fabs(once - loss[0]) > 1e-4);
}

static void evaluation_knows_no_noise(void **state) {
    (void)state;
    struct err err = {0};
    struct training noisy = {EVERY_NOISE}, plain = {0};
    struct dataset set = byte_set();
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_UNIT};
    struct model *m[2] = {make_model(&noisy), make_model(&plain)};
    static real p[2][ROWS * CLASSES];
    struct evaluation e[2];
    assert_true(m[0]->size == m[1]->size && m[0]->parameter_count == m[1]->parameter_count);
    for (size_t i = 0; i < m[0]->parameter_count; i++)
        assert_string_equal(m[0]->parameter[i].name, m[1]->parameter[i].name);
    for (int i = 0; i < 2; i++) {
        assert_true(fit_predict(best_kernel(), NULL, m[i], &set, &scaling, 0, ROWS, 1, NULL, p[i], &err));
        assert_true(fit_evaluate(best_kernel(), NULL, m[i], &part, &scaling, &e[i], &err));
    }
    assert_memory_equal(p[0], p[1], sizeof p[0]);
    assert_true(e[0].loss == e[1].loss && e[0].ece == e[1].ece);
    for (int i = 0; i < 2; i++) {
        evaluation_release(&e[i]);
        model_free(m[i]);
    }
}

/* ---- regression, where everything has a closed form ---- */

/* A linear model of so many features, from 0. */
static struct model *linear_model(size_t features, double weight_noise) {
    struct err err = {0};
    struct model_spec spec = {.output = layer(0, ACTIVATION_IDENTITY, 0), .weight_noise = weight_noise};
    spec.output.init.kind = init_find("zeros");
    struct model *m = model_create(&spec, features, 1, "mse", &err);
    assert_true(m && model_init(m, 1, NULL, &err));
    return m;
}

enum { POINTS = 20, INPUTS = 3, UNKNOWN = INPUTS + 1 };

static float point[POINTS * INPUTS];
static real value[POINTS];

static void make_points(void) {
    for (uint32_t i = 0; i < POINTS; i++) {
        double z[4];
        random_normal_pair(random_philox(8, 80, 0, i, 0), z);
        random_normal_pair(random_philox(8, 80, 0, i, 1), z + 2);
        point[i * INPUTS] = (float)z[0], point[i * INPUTS + 1] = (float)(z[0] + z[1]),
                  point[i * INPUTS + 2] = (float)z[2];
        value[i] = (real)(2 * z[0] - z[1] + z[2] + 0.5 + 0.3 * z[3]);
    }
}

/* Minimum of the mean of (w x + b - y)^2 / 2, plus penalty |w|^2 / 2: the normal equations, by elimination.
 */
static void ridge(double penalty, double solution[UNKNOWN]) {
    double a[UNKNOWN][UNKNOWN + 1] = {{0}};
    for (size_t i = 0; i < POINTS; i++) {
        double x[UNKNOWN + 1] = {[INPUTS] = 1, [UNKNOWN] = (double)value[i]};
        for (size_t f = 0; f < INPUTS; f++)
            x[f] = (double)point[i * INPUTS + f];
        for (size_t r = 0; r < UNKNOWN; r++)
            for (size_t c = 0; c <= UNKNOWN; c++)
                a[r][c] += x[r] * x[c] / POINTS;
    }
    for (size_t f = 0; f < INPUTS; f++)
        a[f][f] += penalty;
    for (size_t p = 0; p < UNKNOWN; p++)
        for (size_t r = 0; r < UNKNOWN; r++)
            for (size_t c = UNKNOWN + 1; r != p && c-- > p;)
                a[r][c] -= a[r][p] / a[p][p] * a[p][c];
    for (size_t r = 0; r < UNKNOWN; r++)
        solution[r] = a[r][UNKNOWN] / a[r][r];
}

/* Weights and bias of full-batch descent with noise, averaged over the last three quarters of its epochs: the
 * noise of a step does not know the weights that it meets, so their mean is where the mean gradient is 0. */
static void descend(uint64_t seed, double input_noise, double dropout, double mean[UNKNOWN]) {
    enum { EPOCHS = 2000 };
    struct err err = {0};
    struct dataset set = memory_set(point, POINTS, INPUTS, NULL, 0);
    set.targets = value, set.target_width = 1;
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct model_spec spec = {.output = layer(0, ACTIVATION_IDENTITY, 0), .input_dropout = dropout};
    struct model *m = model_create(&spec, INPUTS, 1, "mse", &err);
    assert_true(m && model_init(m, 1, NULL, &err));
    struct fit_setup setup = {.kernel = best_kernel(),
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = {.lr = 0.1},
                              .train_spec = {.epochs = EPOCHS, .batch_size = POINTS},
                              .regularization = {.input_noise = input_noise},
                              .seed = seed};
    struct fit *fit = fit_create(&setup, &err);
    assert_non_null(fit);
    memset(mean, 0, UNKNOWN * sizeof *mean);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        float now[UNKNOWN];
        assert_true(fit_steps(fit, 1, &err));
        model_get(m, 0, now), model_get(m, 1, now + INPUTS);
        for (size_t i = 0; i < UNKNOWN && epoch >= EPOCHS / 4; i++)
            mean[i] += (double)now[i] / (EPOCHS - EPOCHS / 4);
    }
    fit_free(fit);
    model_free(m);
}

/* Over seeds, the mean is within four of its standard errors (that are estimated from few: Student) of the
 * solution, and far from the one without penalty. */
static void descends_to(const double expected[UNKNOWN], double input_noise, double dropout) {
    enum { SEEDS = 12 };
    double sum[UNKNOWN] = {0}, square[UNKNOWN] = {0}, plain[UNKNOWN], far = 0;
    ridge(0, plain);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        double mean[UNKNOWN];
        descend(seed, input_noise, dropout, mean);
        for (size_t i = 0; i < UNKNOWN; i++)
            sum[i] += mean[i], square[i] += mean[i] * mean[i];
    }
    for (size_t i = 0; i < UNKNOWN; i++) {
        double mean = sum[i] / SEEDS, deviation = sqrt((square[i] / SEEDS - mean * mean) / (SEEDS - 1));
        assert_true(deviation > 0 && fabs(mean - expected[i]) < 4 * deviation);
        far = fmax(far, fabs(mean - plain[i]) / deviation);
    }
    assert_true(far > 30);
}

/* Input noise of variance v adds v |w|^2 / 2 to the expected loss (Bishop 1995). */
static void input_noise_is_ridge(void **state) {
    (void)state;
    double expected[UNKNOWN];
    make_points();
    ridge(0.5 * 0.5, expected);
    descends_to(expected, 0.5, 0);
}

/* Dropping a share p of the inputs adds p / (1 - p) times the mean of sum (w_i x_i)^2 / 2. */
static void input_dropout_is_ridge_by_feature(void **state) {
    (void)state;
    double expected[UNKNOWN], size[INPUTS] = {0};
    float kept[POINTS * INPUTS];
    make_points();
    /* In units of a feature's root mean square that is a plain ridge. */
    memcpy(kept, point, sizeof kept);
    for (size_t i = 0; i < POINTS * INPUTS; i++)
        size[i % INPUTS] += (double)point[i] * (double)point[i] / POINTS;
    for (size_t i = 0; i < POINTS * INPUTS; i++)
        point[i] = (float)((double)point[i] / sqrt(size[i % INPUTS]));
    ridge(0.2 / 0.8, expected);
    for (size_t f = 0; f < INPUTS; f++)
        expected[f] /= sqrt(size[f]);
    memcpy(point, kept, sizeof kept);
    descends_to(expected, 0, 0.2);
}

/* The deviate of a weight by the words of the scalar generator, as test_noise has it for the kernels. */
static double step_deviate(uint64_t seed, uint32_t step, size_t input) {
    struct random_block b =
        random_philox(seed, random_stream_of(STREAM_STEP_NOISE, 0), step, 0, (uint32_t)(input / 4));
    const uint32_t *word = b.v + input % 4 / 2 * 2;
    double u = (floor(word[0] / 2.0) + 0.5) * 0x1p-31, angle = 6.283185307179586 * (word[1] * 0x1p-32);
    return sqrt(-2 * log(u)) * (input % 2 ? sin(angle) : cos(angle));
}

/* One draw a step: the gradient is that at the noisy weights, and it moves the clean ones; no noise on the
 * bias. */
static void step_noise_moves_clean_weights(void **state) {
    (void)state;
    enum { STEPS = 5, SEED = 6 };
    static const double sigma = 0.25, rate = 0.125;
    struct err err = {0};
    make_points();
    struct dataset set = memory_set(point, POINTS, INPUTS, NULL, 0);
    set.targets = value, set.target_width = 1;
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct model *m = linear_model(INPUTS, 0);
    struct fit_setup setup = {
        .kernel = best_kernel(),
        .model = m,
        .train = &part,
        .scaling = &scaling,
        .optimizer = {.lr = rate},
        .train_spec = {.epochs = STEPS, .batch_size = POINTS},
        .regularization = {.weight_noise = sigma, .weight_noise_kind = WEIGHT_NOISE_PER_STEP},
        .seed = SEED};
    struct fit *fit = fit_create(&setup, &err);
    assert_non_null(fit);
    double w[UNKNOWN] = {0};
    for (uint32_t step = 0; step < STEPS; step++) {
        double gradient[UNKNOWN] = {0}, loss = 0;
        assert_true(fit_steps(fit, 1, &err));
        for (size_t i = 0; i < POINTS; i++) {
            double d = w[INPUTS] - (double)value[i];
            for (size_t f = 0; f < INPUTS; f++)
                d += (w[f] + sigma * step_deviate(SEED, step, f)) * (double)point[i * INPUTS + f];
            for (size_t f = 0; f < INPUTS; f++)
                gradient[f] += d * (double)point[i * INPUTS + f] / POINTS;
            gradient[INPUTS] += d / POINTS;
            loss += d * d / 2 / POINTS;
        }
        assert_true(fabs(fit_status(fit)->loss - loss) < 1e-5 * loss);
        for (size_t i = 0; i < UNKNOWN; i++)
            w[i] -= rate * gradient[i];
        float now[UNKNOWN];
        model_get(m, 0, now), model_get(m, 1, now + INPUTS);
        for (size_t i = 0; i < UNKNOWN; i++)
            assert_true(fabs((double)now[i] - w[i]) < 1e-5);
    }
    fit_free(fit);
    model_free(m);
}

/* The pass that is looked at after a divergence has the noise that made it diverge. */
static void divergence_is_found_with_its_noise(void **state) {
    (void)state;
    struct err err = {0};
    make_points();
    struct dataset set = memory_set(point, POINTS, INPUTS, NULL, 0);
    set.targets = value, set.target_width = 1;
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_NONE};
    const double huge = REAL_IS_DOUBLE ? 1.7e308 : 3e38;
    for (int kind = 0; kind < 3; kind++) {
        struct model *m = linear_model(INPUTS, kind == WEIGHT_NOISE_PER_SAMPLE ? huge : 0);
        for (size_t i = 0; i < INPUTS; i++)
            m->theta[i * m->parameter[0].stride] = 4;
        struct fit_setup setup = {.kernel = best_kernel(),
                                  .model = m,
                                  .train = &part,
                                  .scaling = &scaling,
                                  .optimizer = {.lr = 0.1},
                                  .train_spec = {.epochs = 1, .batch_size = POINTS},
                                  .regularization = {.weight_noise_kind = kind},
                                  .seed = 1};
        if (kind == 2)
            setup.regularization.input_noise = huge, setup.regularization.weight_noise_kind = 0;
        else
            setup.regularization.weight_noise = huge;
        struct fit *fit = fit_create(&setup, &err);
        assert_non_null(fit);
        assert_false(fit_steps(fit, 1, &err));
        if (!strstr(err.text, "model.output: its output is not finite"))
            fail_msg("kind %d: %s", kind, err.text);
        fit_free(fit);
        model_free(m);
    }
}

/* ---- Monte Carlo dropout ---- */

/* A linear model whose inputs drop: mean w x + b and variance p / (1 - p) sum (w_i x_i)^2, known exactly. */
static void predictions_have_mean_and_deviation(void **state) {
    (void)state;
    enum { PASSES = 4000 };
    static const double weight[INPUTS] = {0.5, -1, 2}, p = 0.3;
    struct err err = {0};
    make_points();
    struct dataset set = memory_set(point, POINTS, INPUTS, NULL, 0);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct model_spec spec = {.output = layer(0, ACTIVATION_IDENTITY, 0), .input_dropout = p};
    struct model *m = model_create(&spec, INPUTS, 1, "mse", &err);
    assert_true(m && m->dropout);
    for (size_t i = 0; i < INPUTS; i++)
        m->theta[i * m->parameter[0].stride] = (real)weight[i];
    real mean[POINTS], deviation[POINTS];
    const struct mc_dropout mc = {PASSES, 5};
    assert_true(fit_predict_mc(best_kernel(), NULL, m, &set, &scaling, 0, POINTS, 1, &mc, NULL, mean,
                               deviation, &err));
    for (size_t i = 0; i < POINTS; i++) {
        double expected = 0, variance = 0;
        for (size_t f = 0; f < INPUTS; f++) {
            double term = weight[f] * (double)point[i * INPUTS + f];
            expected += term, variance += p / (1 - p) * term * term;
        }
        assert_true(fabs((double)mean[i] - expected) < 4 * sqrt(variance / PASSES));
        /* a sum of three two-valued terms has a kurtosis below that of one, 1 / (p (1 - p)) - 3 = 1.8 */
        assert_true(fabs((double)deviation[i] / sqrt(variance) - 1) < 4 * sqrt(1.0 / PASSES));
    }
    model_free(m);
}

/* softmax(z / T) is softmax(z) to the power of 1 / T over the sum, pass by pass; the second pass is told by
 * the means of one and of two. The class is that of the largest mean. */
static void the_temperature_acts_in_every_pass(void **state) {
    (void)state;
    enum { SEEN = 50 };
    static real plain[3][SEEN * CLASSES], soft[SEEN * CLASSES], deviation[SEEN * CLASSES];
    const double temperature = 2.5;
    struct err err = {0};
    struct dataset set = byte_set();
    struct scaling scaling = {.kind = SCALE_UNIT};
    struct model *m = make_model(&(struct training){.dropout = 0.5});
    uint32_t cls[SEEN];
    for (size_t passes = 1; passes <= 2; passes++) {
        const struct mc_dropout mc = {passes, 5};
        assert_true(fit_predict_mc(best_kernel(), NULL, m, &set, &scaling, 0, SEEN, 1, &mc, cls,
                                   plain[passes], deviation, &err));
        assert_true(fit_predict_mc(best_kernel(), NULL, m, &set, &scaling, 0, SEEN, temperature, &mc, cls,
                                   soft, deviation, &err));
        for (size_t i = 0; i < SEEN; i++) {
            double expected[CLASSES] = {0};
            for (size_t pass = 1; pass <= passes; pass++) {
                double power[CLASSES], sum = 0;
                for (size_t o = 0; o < CLASSES; o++) {
                    size_t at = i * CLASSES + o;
                    double p =
                        pass == 1 ? (double)plain[1][at] : 2 * (double)plain[2][at] - (double)plain[1][at];
                    sum += power[o] = pow(p, 1 / temperature);
                }
                for (size_t o = 0; o < CLASSES; o++)
                    expected[o] += power[o] / sum / (double)passes;
            }
            for (size_t o = 0; o < CLASSES; o++) {
                assert_true(fabs((double)soft[i * CLASSES + o] - expected[o]) < 1e-5);
                assert_true(soft[i * CLASSES + o] <= soft[i * CLASSES + cls[i]]);
            }
        }
    }
    model_free(m);
}

static void predictions_do_not_depend_on_the_machine(void **state) {
    (void)state;
    static real mean[2][ROWS * CLASSES], deviation[2][ROWS * CLASSES];
    struct err err = {0};
    struct dataset set = byte_set();
    struct scaling scaling = {.kind = SCALE_UNIT};
    struct model *m = make_model(&(struct training){.input_dropout = 0.25, .dropout = 0.5});
    const struct mc_dropout mc = {10, 5};
    assert_true(fit_predict_mc(kernel_at(0), NULL, m, &set, &scaling, 0, ROWS, 1, &mc, NULL, mean[0],
                               deviation[0], &err));
    for (size_t t = 0; kernel_at(t); t++)
        for (size_t threads = 1; kernel_at(t)->supported() && threads <= 7; threads += threads < 3 ? 1 : 4) {
            struct team *team = team_create(threads, &err);
            /* in two parts, whose rows keep their draws */
            assert_true(fit_predict_mc(kernel_at(t), team, m, &set, &scaling, 0, 41, 1, &mc, NULL, mean[1],
                                       deviation[1], &err));
            assert_true(fit_predict_mc(kernel_at(t), team, m, &set, &scaling, 41, ROWS - 41, 1, &mc, NULL,
                                       mean[1] + 41 * CLASSES, deviation[1] + 41 * CLASSES, &err));
            assert_memory_equal(mean[1], mean[0], sizeof mean[0]);
            assert_memory_equal(deviation[1], deviation[0], sizeof deviation[0]);
            team_free(team);
        }
    model_free(m);
}

/* Two matrices of the same shape and step have noise of their own. */
static void parameters_have_step_noise_of_their_own(void **state) {
    (void)state;
    struct err err = {0};
    struct layer_spec hidden[] = {layer(INPUTS, ACTIVATION_RELU, 0), layer(INPUTS, ACTIVATION_RELU, 0)};
    struct model_spec spec = {.layers = hidden, .layer_count = 2, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    struct model *m = model_create(&spec, INPUTS, 2, "mse", &err);
    assert_non_null(m);
    const struct fit_setup setup = {
        .kernel = best_kernel(),
        .model = m,
        .regularization = {.weight_noise = 1, .weight_noise_kind = WEIGHT_NOISE_PER_STEP},
        .seed = 5};
    struct fit_noise noise = {0};
    assert_true(fit_noise_init(&noise, &setup, NULL, 1, KERNEL_LANES, &err));
    for (size_t t = 0; t < tape_tiles(m->tape); t++)
        fit_noise_tile(&noise, &setup, 0, t);
    const struct parameter *a = &m->parameter[0], *b = &m->parameter[2];
    size_t equal = 0;
    for (size_t i = 0; i < a->in; i++)
        for (size_t o = 0; o < a->out; o++)
            equal += noise.theta[a->offset + i * a->stride + o] == noise.theta[b->offset + i * b->stride + o];
    assert_int_equal(equal, 0);
    fit_noise_release(&noise);
    model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_have_step_noise_of_their_own),
        cmocka_unit_test(bits_do_not_depend_on_the_machine),
        cmocka_unit_test(noise_is_keyed_by_row_and_epoch),
        cmocka_unit_test(evaluation_knows_no_noise),
        cmocka_unit_test(input_noise_is_ridge),
        cmocka_unit_test(input_dropout_is_ridge_by_feature),
        cmocka_unit_test(step_noise_moves_clean_weights),
        cmocka_unit_test(divergence_is_found_with_its_noise),
        cmocka_unit_test(predictions_have_mean_and_deviation),
        cmocka_unit_test(the_temperature_acts_in_every_pass),
        cmocka_unit_test(predictions_do_not_depend_on_the_machine),
    };
    return cmocka_run_group_tests_name("noise in training", tests, make_data, NULL);
}
