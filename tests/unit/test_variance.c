/* What initialisers are for: the variance of signals on their way forward and of cotangents on their way
 * back, measured in the engine over many seeds, against closed forms (Glorot and Bengio 2010; He et al.
 * 2015). For layers of normal weights the squared length is multiplied by independent factors whose moments
 * are known, so means and variances have exact standard errors. */
#include "network.h"

enum { WIDEST = 784, MOST_LAYERS = 12 };

struct chain {
    const char *init;
    int activation;
    size_t layers, width[MOST_LAYERS + 1]; /* of the input, then of every layer */
};

static float input[WIDEST];

static int make_input(void **state) {
    (void)state;
    for (size_t i = 0; i < WIDEST; i++)
        input[i] = (float)(2 * random_unit(random_philox(1, 83, 0, 0, (uint32_t)i), 0) - 1);
    return 0;
}

/* A chain of layers that all end in the activation, the last one too; the caller frees it. */
static struct model *make_model(const struct chain *c, uint64_t seed) {
    struct err err = {0};
    struct layer_spec layers[MOST_LAYERS];
    for (size_t l = 0; l < c->layers; l++) {
        layers[l] = layer(c->width[l + 1], c->activation, 0);
        layers[l].init.kind = init_find(c->init);
    }
    struct model_spec spec = {
        .layers = layers, .layer_count = c->layers - 1, .output = layers[c->layers - 1]};
    struct model *m = model_create(&spec, c->width[0], c->width[c->layers], "mse", &err);
    assert_true(m && model_init(m, seed, NULL, &err));
    return m;
}

static double mean_square(const real *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum / (double)n;
}

/* Mean square of the outputs over that of the inputs. */
static double forward_gain(const struct chain *c, uint64_t seed) {
    struct err err = {0};
    real x[WIDEST], y[WIDEST];
    struct dataset set = memory_set(input, 1, c->width[0], NULL, 0);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct model *m = make_model(c, seed);
    assert_true(fit_predict(best_kernel(), NULL, m, &set, &scaling, 0, 1, 1, NULL, y, &err));
    model_free(m);
    for (size_t i = 0; i < c->width[0]; i++)
        x[i] = (real)input[i];
    return mean_square(y, c->width[c->layers]) / mean_square(x, c->width[0]);
}

/* Mean square of the cotangents behind the first layer over that behind the last. For an input of 0 and
 * layers without activation all outputs are 0, so the last cotangent is -t, and the first step of sgd with
 * rate 1 takes every bias to minus its cotangent. */
static double backward_gain(const struct chain *c, uint64_t seed) {
    struct err err = {0};
    float zeros[WIDEST] = {0};
    real target[WIDEST];
    size_t outputs = c->width[c->layers];
    fill(target, outputs, 84, 1);
    struct dataset set = memory_set(zeros, 1, c->width[0], NULL, 0);
    set.targets = target, set.target_width = outputs;
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct model *m = make_model(c, seed);
    struct fit_setup setup = {.kernel = best_kernel(),
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = {.lr = 1},
                              .train_spec = {.epochs = 1, .batch_size = 1},
                              .seed = 1};
    struct fit *fit = fit_create(&setup, &err);
    assert_true(fit && fit_steps(fit, 1, &err));
    const struct parameter *first = &m->parameter[1], *last = &m->parameter[m->parameter_count - 1];
    double gain =
        mean_square(m->theta + first->offset, first->out) / mean_square(m->theta + last->offset, last->out);
    fit_free(fit);
    model_free(m);
    return gain;
}

typedef double gain_fn(const struct chain *c, uint64_t seed);

/* Mean and variance of a gain over seeds. */
static void measure(const struct chain *c, gain_fn *gain, size_t seeds, double *mean, double *variance) {
    double sum = 0, square = 0;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        double g = gain(c, seed);
        sum += g, square += g * g;
    }
    *mean = sum / (double)seeds;
    *variance = (square - sum * *mean) / (double)(seeds - 1);
}

/* Glorot's compromise: a layer multiplies by 2 n_in / (n_in + n_out) forward and by 2 n_out / (n_in + n_out)
 * backward. The squared length of n sums of normal weights is a chi-squared of n degrees over n, whose
 * relative variance is 2/n (uniform weights have less). */
static void check_glorot(const char *init, size_t seeds, size_t layers, const size_t *width) {
    struct chain c = {.init = init, .activation = ACTIVATION_IDENTITY, .layers = layers};
    memcpy(c.width, width, (layers + 1) * sizeof *width);
    double forward = 1, backward = 1, forward_spread = 1, backward_spread = 1, mean, variance;
    for (size_t l = 0; l < layers; l++) {
        double in = (double)width[l], out = (double)width[l + 1];
        forward *= 2 * in / (in + out);
        forward_spread *= 1 + 2 / out;
        if (l > 0) /* the gradient by the input is not computed */
            backward *= 2 * out / (in + out), backward_spread *= 1 + 2 / in;
    }
    measure(&c, forward_gain, seeds, &mean, &variance);
    assert_true(fabs(mean / forward - 1) < 4 * sqrt((forward_spread - 1) / (double)seeds));
    measure(&c, backward_gain, seeds, &mean, &variance);
    assert_true(fabs(mean / backward - 1) <= 4 * sqrt((backward_spread - 1) / (double)seeds) + 1e-6);
}

static void glorot_gains(void **state) {
    (void)state;
    static const size_t narrowing[] = {200, 90, 40, 10}, widening[] = {10, 40, 90, 200},
                        mixed[] = {50, 20, 80, 10, 60};
    static const char *const inits[] = {"xavier_normal", "xavier_uniform"};
    for (size_t i = 0; i < 2; i++) {
        check_glorot(inits[i], 60, 3, narrowing);
        check_glorot(inits[i], 60, 3, widening);
        check_glorot(inits[i], 60, 4, mixed);
    }
}

/* The first layer of 784-256-10 does not keep the variance: 1568 / 1040. */
static void the_first_layer_of_mnist_gains_half(void **state) {
    (void)state;
    const struct chain c = {"xavier_normal", ACTIVATION_IDENTITY, 1, {784, 256}};
    const double expected = 1568.0 / 1040;
    double mean, variance;
    assert_true(fabs(expected - 1.5077) < 5e-5);
    measure(&c, forward_gain, 60, &mean, &variance);
    assert_true(fabs(mean - expected) < 4 * expected * sqrt(2.0 / 256 / 60));
}

/* Raw moments 2 to 4 of a factor with mean 1 from its cumulants. */
static void moments(const double cumulant[3], double moment[3]) {
    double k2 = cumulant[0], k3 = cumulant[1], k4 = cumulant[2];
    moment[0] = k2 + 1;
    moment[1] = k3 + 3 * k2 + 1;
    moment[2] = k4 + 4 * k3 + 3 * k2 * k2 + 6 * k2 + 1;
}

/* The mean gain of L layers is 1, its variance (1 + k2/n)^L - 1, where k2, k3, k4 are the cumulants of what
 * one unit adds to the squared length, over its mean. Mean and variance of the sample within 4 of their own
 * standard errors. */
static void check_fluctuation(const char *init, int activation, size_t layers, size_t seeds,
                              const double unit[3]) {
    enum { UNITS = 64 };
    struct chain c = {.init = init, .activation = activation, .layers = layers};
    for (size_t l = 0; l <= layers; l++)
        c.width[l] = UNITS;
    const double n = UNITS, depth = (double)layers,
                 cumulant[3] = {unit[0] / n, unit[1] / (n * n), unit[2] / (n * n * n)};
    double moment[3], mean, variance;
    moments(cumulant, moment);
    for (size_t k = 0; k < 3; k++)
        moment[k] = pow(moment[k], depth);
    double expected = moment[0] - 1, fourth = moment[2] - 4 * moment[1] + 6 * moment[0] - 3;
    measure(&c, forward_gain, seeds, &mean, &variance);
    assert_true(fabs(mean - 1) < 4 * sqrt(expected / (double)seeds));
    assert_true(fabs(variance - expected) < 4 * sqrt((fourth - expected * expected) / (double)seeds));
}

/* One unit of a linear layer adds z^2 of a normal z: cumulants 2, 8, 48. Behind relu with He's variance it
 * adds 2 max(z, 0)^2, whose moments are 1, 6, 60, 840. */
static void depth_lets_lengths_fluctuate(void **state) {
    (void)state;
    static const double linear[3] = {2, 8, 48};
    static const double relu[3] = {6 - 1, 60 - 3 * 6 + 2, 840 - 4 * 60 - 3 * 36 + 12 * 6 - 6};
    check_fluctuation("lecun_normal", ACTIVATION_IDENTITY, 10, 200, linear);
    check_fluctuation("lecun_normal", ACTIVATION_IDENTITY, 2, 200, linear);
    check_fluctuation("he_normal", ACTIVATION_RELU, 10, 200, relu);
    check_fluctuation("he_normal", ACTIVATION_RELU, 5, 200, relu);
    check_fluctuation("he_normal", ACTIVATION_RELU, 2, 200, relu);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(glorot_gains),
        cmocka_unit_test(the_first_layer_of_mnist_gains_half),
        cmocka_unit_test(depth_lets_lengths_fluctuate),
    };
    return cmocka_run_group_tests_name("variance", tests, make_input, NULL);
}
