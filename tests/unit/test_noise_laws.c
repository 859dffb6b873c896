/* What noise does to the expected loss, through the engine. Expectations are exact: over sigma points, which
 * have the mean and the covariance of the noise, or over all masks; else within four standard errors. */
#include "network.h"

enum { SLICE = 32 };

/* A model of one output and all it needs to run a slice. */
struct net {
    struct model *model;
    struct tape_workspace *ws;
    struct tape_slice slice;
    real target[SLICE], seed[SLICE];
    real *gradient; /* [model->size] */
};

static void net_init(struct net *n, const struct model_spec *spec, size_t features, size_t outputs) {
    struct err err = {0};
    *n = (struct net){.model = model_create(spec, features, outputs, "mse", &err)};
    assert_true(n->model && model_init(n->model, 5, NULL, &err));
    n->ws = tape_workspace_create(n->model->tape, TAPE_TRAIN, NULL, 1, SLICE, 1, &err);
    assert_non_null(n->ws);
    n->gradient = reals(n->model->size);
    n->slice = (struct tape_slice){
        .k = best_kernel(), .theta = n->model->theta, .target = n->target, .seed = n->seed};
}

static void net_release(struct net *n) {
    tape_workspace_free(n->ws);
    mem_free(n->gradient);
    model_free(n->model);
}

static real *input(struct net *n) {
    return tape_value(n->model->tape, n->ws, &n->slice, 0);
}

/* Element (out, in) of parameter i. */
static real *element(struct net *n, size_t i, size_t out, size_t in) {
    const struct parameter *p = &n->model->parameter[i];
    return &n->model->theta[p->offset + in * p->stride + out];
}

/* The losses of the samples. */
static const real *losses(struct net *n) {
    const struct tape *tape = n->model->tape;
    tape_forward(tape, n->ws, &n->slice);
    return tape_value(tape, n->ws, &n->slice, tape_node_output(tape, tape_nodes(tape) - 1));
}

/* Adds the gradient of the sum of seed x loss, behind `losses`. */
static void add_gradient(struct net *n) {
    static real g[OP_TILE_ROWS * OP_TILE_COLS];
    const struct tape *tape = n->model->tape;
    tape_reverse(tape, n->ws, &n->slice);
    for (size_t t = 0; t < tape_tiles(tape); t++) {
        struct tape_tile tile = tape_tile(tape, t);
        tape_gradient(tape, n->ws, n->slice.k, NULL, 1, SLICE, t, g);
        for (size_t r = 0; r < tile.rows; r++)
            for (size_t c = 0; c < tile.cols; c++)
                n->gradient[tile.offset + r * tile.stride + c] += g[r * OP_TILE_COLS + c];
    }
}

static bool near(double a, double b, double tolerance) {
    return fabs(a - b) <= (REAL_IS_DOUBLE ? tolerance : 1e-5) * fmax(1, fabs(b));
}

enum { IN = 5, HIDDEN = 7 };

/* tanh(W x + b) with output weights v, or without hidden layer. */
static void make_net(struct net *n, bool hidden) {
    struct layer_spec tanh_layer = layer(HIDDEN, ACTIVATION_TANH, 0);
    struct model_spec spec = {
        .layers = &tanh_layer, .layer_count = hidden, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    net_init(n, &spec, IN, 1);
    for (size_t s = 0; s < SLICE; s++)
        n->target[s] = (real)0.3;
}

static const double point[IN] = {0.3, -0.8, 1.1, 0.5, -0.2};

/* ---- input noise (Bishop, "Training with noise is equivalent to Tikhonov regularization", 1995) ---- */

/* What noise of deviation sigma adds to the loss at `point`, over the points x +- sigma sqrt(d) e_j. */
static double input_excess(struct net *n, double sigma) {
    real *x = input(n);
    for (size_t f = 0; f < IN; f++)
        for (size_t s = 0; s < SLICE; s++)
            x[f * SLICE + s] = (real)(point[f] + (s / 2 == f ? (s % 2 ? -sigma : sigma) * sqrt(IN) : 0));
    const real *loss = losses(n);
    double sum = 0;
    for (size_t s = 0; s < 2 * IN; s++)
        sum += (double)loss[s];
    return sum / (2 * IN) - (double)loss[SLICE - 1]; /* the last one is at the point itself */
}

static void input_noise_penalises_the_slope(void **state) {
    (void)state;
    struct net n;
    make_net(&n, false);
    double square = 0;
    for (size_t f = 0; f < IN; f++)
        square += (double)*element(&n, 0, 0, f) * (double)*element(&n, 0, 0, f);
    assert_true(near(input_excess(&n, 0.5), 0.5 * 0.5 * 0.5 * square, 1e-14));
    net_release(&n);
}

/* f, and the coefficient of sigma^2 in the expected loss: (|grad f|^2 + (f - y) lap f) / 2, by inputs or by
 * weights. */
static double coefficient(struct net *n, bool by_weights) {
    double f = (double)*element(n, 3, 0, 0), gradient[IN] = {0}, slope = 0, laplace = 0, square = 0;
    for (size_t i = 0; i < IN; i++)
        square += point[i] * point[i];
    for (size_t j = 0; j < HIDDEN; j++) {
        double z = (double)*element(n, 1, j, 0), norm = 0, v = (double)*element(n, 2, 0, j);
        for (size_t i = 0; i < IN; i++) {
            double w = (double)*element(n, 0, j, i);
            z += w * point[i], norm += w * w;
        }
        double t = tanh(z), first = 1 - t * t, second = -2 * t * first;
        f += v * t;
        for (size_t i = 0; i < IN; i++)
            gradient[i] += v * first * (double)*element(n, 0, j, i);
        slope += by_weights ? t * t + v * v * first * first * square : 0;
        laplace += v * second * (by_weights ? square : norm);
    }
    for (size_t i = 0; i < IN; i++)
        slope += by_weights ? 0 : gradient[i] * gradient[i];
    return (slope + (f - (double)n->target[0]) * laplace) / 2;
}

/* The rest is of fourth order: halving sigma takes three quarters of the distance to the coefficient. */
static void tends_to(struct net *n, double (*excess)(struct net *n, double sigma), double sigma,
                     double expected) {
    double distance[3];
    for (int i = 0; i < 3; i++, sigma /= 2)
        distance[i] = fabs(excess(n, sigma) / (sigma * sigma) - expected);
    assert_true(distance[0] < 0.1 * fabs(expected));
    for (int i = 0; REAL_IS_DOUBLE && i < 2; i++)
        assert_true(distance[i] / distance[i + 1] > 3 && distance[i] / distance[i + 1] < 5);
}

static void input_noise_of_a_curved_net(void **state) {
    (void)state;
    struct net n;
    make_net(&n, true);
    tends_to(&n, input_excess, 0.1, coefficient(&n, false));
    net_release(&n);
}

/* ---- weight noise ---- */

/* Calls visit with every weight (no bias) moved by +- sigma sqrt(count). */
static size_t over_weights(struct net *n, double sigma, void (*visit)(struct net *n, void *arg), void *arg) {
    size_t count = 0;
    for (int pass = 0; pass < 2; pass++) /* first count them */
        for (size_t i = 0; i < n->model->parameter_count; i++) {
            const struct parameter *p = &n->model->parameter[i];
            for (size_t e = 0; p->kind == PARAMETER_WEIGHT && e < p->out * p->in; e++) {
                real *at = element(n, i, e % p->out, e / p->out), was = *at;
                if (pass == 0) {
                    count++;
                    continue;
                }
                for (int side = -1; side <= 1; side += 2) {
                    *at = (real)((double)was + side * sigma * sqrt((double)count));
                    visit(n, arg);
                }
                *at = was;
            }
        }
    return count;
}

static void add_loss(struct net *n, void *sum) {
    *(double *)sum += (double)losses(n)[0];
}

static void take_point(struct net *n) {
    for (size_t f = 0; f < IN; f++)
        for (size_t s = 0; s < SLICE; s++)
            input(n)[f * SLICE + s] = (real)point[f];
}

static double weight_excess(struct net *n, double sigma) {
    double sum = 0;
    take_point(n);
    size_t count = over_weights(n, sigma, add_loss, &sum);
    return sum / (2.0 * (double)count) - (double)losses(n)[0];
}

static void add_loss_gradient(struct net *n, void *sum) {
    add_loss(n, sum);
    add_gradient(n);
}

/* A linear model: sigma^2 |x|^2 / 2 more, a constant, so that the expected gradient is the one without. */
static void weight_noise_of_a_linear_model(void **state) {
    (void)state;
    static const double sigma = 0.3;
    struct net n;
    make_net(&n, false);
    take_point(&n);
    n.seed[0] = 1;
    double square = 0, sum = 0;
    for (size_t f = 0; f < IN; f++)
        square += point[f] * point[f];
    assert_true(near(weight_excess(&n, sigma), sigma * sigma * square / 2, 1e-14));
    size_t count = over_weights(&n, sigma, add_loss_gradient, &sum);
    double residual = -(double)n.target[0];
    for (size_t f = 0; f < IN; f++)
        residual += (double)*element(&n, 0, 0, f) * point[f];
    for (size_t f = 0; f < IN; f++)
        assert_true(near((double)n.gradient[f * n.model->parameter[0].stride] / (2.0 * (double)count),
                         residual * point[f], 1e-14));
    net_release(&n);
}

static void weight_noise_of_a_curved_net(void **state) {
    (void)state;
    struct net n;
    make_net(&n, true);
    tends_to(&n, weight_excess, 0.02, coefficient(&n, true));
    net_release(&n);
}

/* ---- noise on the weights for every sample, drawn in the sums ---- */

enum { UNITS = 3, DRAWS = 12800 };
static const double weight_sigma = 0.4;

/* Mean and covariance of the sums of UNITS units are W x + b and sigma^2 |x|^2 times the identity. */
static void check_moments(struct net *n, double (*z)[UNITS]) {
    double square = 0;
    for (size_t f = 0; f < IN; f++)
        square += point[f] * point[f];
    double variance = weight_sigma * weight_sigma * square;
    for (size_t a = 0; a < UNITS; a++) {
        double expected[UNITS], mean = 0;
        for (size_t u = 0; u < UNITS; u++) {
            expected[u] = (double)*element(n, 1, u, 0);
            for (size_t f = 0; f < IN; f++)
                expected[u] += (double)*element(n, 0, u, f) * point[f];
        }
        for (size_t d = 0; d < DRAWS; d++)
            mean += z[d][a] / DRAWS;
        assert_true(fabs(mean - expected[a]) < 4 * sqrt(variance / DRAWS));
        for (size_t b = 0; b <= a; b++) {
            double product = 0;
            for (size_t d = 0; d < DRAWS; d++)
                product += (z[d][a] - expected[a]) * (z[d][b] - expected[b]) / DRAWS;
            double error = variance * sqrt((a == b ? 2.0 : 1.0) / DRAWS);
            assert_true(fabs(product - (a == b ? variance : 0)) < 4 * error);
        }
    }
}

static void sums_have_the_moments_of_drawn_weights(void **state) {
    (void)state;
    static double z[DRAWS][UNITS];
    struct net n;
    struct model_spec spec = {.output = layer(0, ACTIVATION_IDENTITY, 0), .weight_noise = weight_sigma};
    spec.output.bias_init = (struct init_spec){.kind = init_find("constant"), .value = 0.7};
    net_init(&n, &spec, IN, UNITS);
    uint32_t row[SLICE];
    struct noise noise = {3, 1, row};
    n.slice.noise = &noise;
    for (uint32_t first = 0; first < DRAWS; first += SLICE) {
        for (uint32_t s = 0; s < SLICE; s++)
            row[s] = first + s;
        take_point(&n);
        tape_forward_until(n.model->tape, n.ws, &n.slice, 1);
        const real *out = tape_value(n.model->tape, n.ws, &n.slice, tape_output(n.model->tape));
        for (size_t s = 0; s < SLICE; s++)
            for (size_t u = 0; u < UNITS; u++)
                z[first + s][u] = (double)out[u * SLICE + s];
    }
    check_moments(&n, z);
    /* And the same from matrices, a draw after the other. */
    const struct parameter *p = &n.model->parameter[0];
    real drawn[IN * KERNEL_LANES], deviation[KERNEL_LANES];
    uint32_t unit[KERNEL_LANES];
    assert_true(p->stride == KERNEL_LANES);
    for (uint32_t u = 0; u < KERNEL_LANES; u++)
        unit[u] = u, deviation[u] = (real)weight_sigma;
    for (uint32_t d = 0; d < DRAWS; d++) {
        const struct noise step = {3, d, unit};
        best_kernel()->add_normal(IN, KERNEL_LANES, 0, &step, STREAM_STEP_NOISE, deviation,
                                  n.model->theta + p->offset, drawn, KERNEL_LANES, NULL);
        for (size_t u = 0; u < UNITS; u++) {
            z[d][u] = (double)*element(&n, 1, u, 0);
            for (size_t f = 0; f < IN; f++)
                z[d][u] += (double)drawn[f * KERNEL_LANES + u] * point[f];
        }
    }
    check_moments(&n, z);
    net_release(&n);
}

/* ||x|| has no derivative at 0; there its part of the gradient is 0. */
static void the_norm_of_0_has_slope_0(void **state) {
    (void)state;
    struct net n;
    struct layer_spec tanh_layer = layer(HIDDEN, ACTIVATION_TANH, 0);
    tanh_layer.init.kind = init_find("zeros");
    struct model_spec spec = {
        .layers = &tanh_layer, .layer_count = 1, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    spec.weight_noise = 0.5;
    net_init(&n, &spec, IN, 1);
    uint32_t row[SLICE] = {0};
    const struct noise noise = {1, 1, row};
    n.seed[0] = 1, n.target[0] = 2;
    for (size_t f = 0; f < IN; f++)
        for (size_t s = 0; s < SLICE; s++)
            input(&n)[f * SLICE + s] = 0;
    n.slice.noise = &noise;
    assert_true(losses(&n)[0] == 2);
    add_gradient(&n);
    for (size_t j = 0; j < HIDDEN; j++)
        assert_true(n.gradient[n.model->parameter[1].offset + j] == -2 * *element(&n, 2, 0, j));
    net_release(&n);
}

/* ---- dropout ---- */

enum { WIDTH = 10, MASKS = 1 << WIDTH, ROWS = 20000 };

/* x -> the same 10 units -> dropout -> one output. */
static void make_dropout_net(struct net *n, double p) {
    struct layer_spec copy = layer(WIDTH, ACTIVATION_IDENTITY, 0);
    copy.dropout = p, copy.init.kind = init_find("zeros");
    struct model_spec spec = {.layers = &copy, .layer_count = 1, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    net_init(n, &spec, WIDTH, 1);
    for (size_t u = 0; u < WIDTH; u++)
        *element(n, 0, u, u) = 1;
}

static double height(size_t u) {
    return 0.2 * (double)u - 0.7;
}

static void take_rows(struct net *n, uint32_t first, uint32_t row[SLICE]) {
    for (size_t s = 0; s < SLICE; s++) {
        row[s] = first + (uint32_t)s;
        for (size_t u = 0; u < WIDTH; u++)
            input(n)[u * SLICE + s] = (real)height(u);
    }
}

/* The mask of a row by the scalar generator, at p = 1/2. */
static unsigned mask_of(uint64_t seed, uint32_t row) {
    unsigned mask = 0;
    for (uint32_t u = 0; u < WIDTH; u++) {
        struct random_block b = random_philox(seed, random_stream_of(STREAM_DROPOUT, 1), 1, row, u / 4);
        mask |= (unsigned)(b.v[u % 4] >> 31) << u;
    }
    return mask;
}

/* Every one of the 2^10 masks once, as rows bring them: expected loss and gradients of a linear output,
 *   E L = (f - y)^2 / 2 + p / (1 - p) sum (w h)^2 / 2. That of the gradients holds only where the reverse
 * pass has the mask of the forward pass. */
static void all_masks_together(void **state) {
    (void)state;
    static bool seen[MASKS];
    static const double p = 0.5, y = 0.4;
    struct net n;
    make_dropout_net(&n, p);
    uint32_t row[SLICE];
    const struct noise noise = {9, 1, row};
    double mean = 0;
    size_t masks = 0;
    n.slice.noise = &noise;
    memset(seen, 0, sizeof seen);
    for (uint32_t first = 0; first < ROWS; first += SLICE) {
        take_rows(&n, first, row);
        for (size_t s = 0; s < SLICE; s++) {
            unsigned mask = mask_of(9, row[s]);
            n.target[s] = (real)y;
            n.seed[s] = seen[mask] ? 0 : (real)1 / MASKS;
            masks += !seen[mask];
            seen[mask] = true;
        }
        const real *loss = losses(&n);
        for (size_t s = 0; s < SLICE; s++)
            mean += (double)n.seed[s] * (double)loss[s];
        add_gradient(&n);
    }
    assert_int_equal(masks, MASKS);
    double f = 0, spread = 0, r = p / (1 - p);
    for (size_t u = 0; u < WIDTH; u++) {
        double term = (double)*element(&n, 2, 0, u) * height(u);
        f += term, spread += term * term;
    }
    assert_true(near(mean, (f - y) * (f - y) / 2 + r * spread / 2, 1e-13));
    for (size_t u = 0; u < WIDTH; u++) {
        double w = (double)*element(&n, 2, 0, u), h = height(u);
        size_t of_w = n.model->parameter[2].offset + u * n.model->parameter[2].stride;
        size_t of_h = n.model->parameter[1].offset + u; /* the bias adds to h */
        assert_true(near((double)n.gradient[of_w], (f - y) * h + r * w * h * h, 1e-13));
        assert_true(near((double)n.gradient[of_h], (f - y) * w + r * w * w * h, 1e-13));
    }
    net_release(&n);
}

static void the_mean_over_masks_is_what_was_there(void **state) {
    (void)state;
    static const double shares[] = {0.1, 0.5, 0.9};
    for (size_t i = 0; i < 3; i++) {
        struct net n;
        make_dropout_net(&n, shares[i]);
        uint32_t row[SLICE];
        const struct noise noise = {9, 1, row};
        double mean[WIDTH] = {0};
        n.slice.noise = &noise;
        for (uint32_t first = 0; first < ROWS; first += SLICE) {
            take_rows(&n, first, row);
            tape_forward_until(n.model->tape, n.ws, &n.slice, 2);
            const real *y = tape_value(n.model->tape, n.ws, &n.slice, tape_node_output(n.model->tape, 1));
            for (size_t u = 0; u < WIDTH * SLICE; u++)
                mean[u / SLICE] += (double)y[u] / ROWS;
        }
        for (size_t u = 0; u < WIDTH; u++)
            assert_true(fabs(mean[u] - height(u)) <=
                        4 * fabs(height(u)) * sqrt(shares[i] / ((1 - shares[i]) * ROWS)) + 1e-6);
        net_release(&n);
    }
}

/* ---- layers ---- */

enum { ALIKE = 16 };

static const real nothing[ALIKE * SLICE]; /* targets */

/* A weight matrix of ALIKE x ALIKE that passes its input on. */
static void pass_on(struct net *n, size_t parameter) {
    for (size_t o = 0; o < ALIKE; o++)
        for (size_t i = 0; i < ALIKE; i++)
            *element(n, parameter, o, i) = o == i;
}

/* Two masks of 1/2 one behind the other leave a quarter where they are independent, and a half where they are
 * one. */
static void layers_have_masks_of_their_own(void **state) {
    (void)state;
    struct layer_spec hidden[] = {layer(ALIKE, ACTIVATION_IDENTITY, 0), layer(ALIKE, ACTIVATION_IDENTITY, 0)};
    struct model_spec spec = {.layers = hidden, .layer_count = 2, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    hidden[0].dropout = hidden[1].dropout = 0.5;
    struct net n;
    uint32_t row[SLICE];
    size_t left = 0;
    net_init(&n, &spec, ALIKE, ALIKE);
    for (uint32_t s = 0; s < SLICE; s++)
        row[s] = s;
    const struct noise noise = {7, 1, row};
    n.slice.noise = &noise;
    n.slice.target = nothing;
    for (size_t p = 0; p < 6; p += 2)
        pass_on(&n, p);
    for (size_t i = 0; i < ALIKE * SLICE; i++)
        input(&n)[i] = 1;
    losses(&n);
    const real *z = tape_value(n.model->tape, n.ws, &n.slice, tape_output(n.model->tape));
    for (size_t i = 0; i < ALIKE * SLICE; i++) {
        assert_true(z[i] == 0 || z[i] == 4);
        left += z[i] == 4;
    }
    assert_in_range(left, ALIKE * SLICE / 4 - 40, ALIKE * SLICE / 4 + 40); /* 4 deviations of 9.8 */
    net_release(&n);
}

/* h = |x| e1, z = h + |h| e2: were e1 and e2 the same, all z / h of a sample would be, too. */
static void layers_have_weight_noise_of_their_own(void **state) {
    (void)state;
    struct layer_spec hidden = layer(ALIKE, ACTIVATION_IDENTITY, 0);
    struct model_spec spec = {
        .layers = &hidden, .layer_count = 1, .output = layer(0, ACTIVATION_IDENTITY, 0), .weight_noise = 1};
    struct net n;
    uint32_t row[SLICE];
    net_init(&n, &spec, ALIKE, ALIKE);
    for (uint32_t s = 0; s < SLICE; s++)
        row[s] = s;
    const struct noise noise = {7, 1, row};
    n.slice.noise = &noise;
    n.slice.target = nothing;
    memset(n.model->theta, 0, n.model->size * sizeof(real));
    pass_on(&n, 2);
    for (size_t i = 0; i < ALIKE * SLICE; i++)
        input(&n)[i] = i < SLICE;
    losses(&n);
    const real *h = tape_value(n.model->tape, n.ws, &n.slice, 1);
    const real *z = tape_value(n.model->tape, n.ws, &n.slice, 2);
    for (size_t s = 0; s < SLICE; s++)
        assert_true(fabs((double)(z[s] / h[s] - z[SLICE + s] / h[SLICE + s])) > 1e-3);
    net_release(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_have_masks_of_their_own),
        cmocka_unit_test(layers_have_weight_noise_of_their_own),
        cmocka_unit_test(input_noise_penalises_the_slope),
        cmocka_unit_test(input_noise_of_a_curved_net),
        cmocka_unit_test(weight_noise_of_a_linear_model),
        cmocka_unit_test(weight_noise_of_a_curved_net),
        cmocka_unit_test(sums_have_the_moments_of_drawn_weights),
        cmocka_unit_test(the_norm_of_0_has_slope_0),
        cmocka_unit_test(all_masks_together),
        cmocka_unit_test(the_mean_over_masks_is_what_was_there),
    };
    return cmocka_run_group_tests_name("laws of noise", tests, NULL, NULL);
}
