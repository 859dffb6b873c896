/* Penalties, decay and limits through the training step, on quadratic objectives whose optima and paths are
 * known: a linear model with square loss on rows that come with their negatives, so that the bias stays 0 and
 * the objective is (w - w*)' H (w - w*) / 2 with H = sum of x x' over the rows. */
#include "network.h"

enum { MOST = 16, ROWS = 2 * MOST };

/* Of d features; `row` are the features of d rows (their negatives are added), star the optimum. */
struct quadratic {
    size_t d;
    float row[MOST][MOST];
    double star[MOST];
    /* what a problem may have more */
    double start; /* of all weights */
    struct optimizer_spec optimizer;
    struct regularization_spec regularization;
    double l1, l2;
    size_t steps;
    /* made */
    double h[MOST][MOST];
    double w[MOST]; /* the trained weights */
    double longest; /* gradient on the way, in norm */
};

static double gradient(const struct quadratic *q, const double *w, size_t i) {
    double g = 0;
    for (size_t j = 0; j < q->d; j++)
        g += q->h[i][j] * (w[j] - q->star[j]);
    return g;
}

static void hessian(struct quadratic *q) {
    for (size_t i = 0; i < q->d; i++)
        for (size_t j = 0; j < q->d; j++) {
            q->h[i][j] = 0;
            for (size_t r = 0; r < q->d; r++)
                q->h[i][j] += (double)q->row[r][i] * (double)q->row[r][j] / (double)q->d;
        }
}

static void take_weights(struct quadratic *q, const struct model *m) {
    double squares = 0;
    for (size_t i = 0; i < q->d; i++)
        q->w[i] = (double)m->theta[m->parameter[0].offset + i * m->parameter[0].stride];
    for (size_t i = 0; i < q->d; i++) {
        double g = gradient(q, q->w, i);
        squares += g * g;
    }
    q->longest = fmax(q->longest, sqrt(squares));
}

/* Full batches; an epoch is a step. */
static void train(struct quadratic *q) {
    struct err err = {0};
    static float x[ROWS * MOST];
    static real t[ROWS];
    for (size_t r = 0; r < 2 * q->d; r++) {
        double sign = r % 2 ? -1 : 1, target = 0;
        for (size_t i = 0; i < q->d; i++) {
            x[r * q->d + i] = (float)sign * q->row[r / 2][i];
            target += (double)q->row[r / 2][i] * q->star[i];
        }
        t[r] = (real)(sign * target);
    }
    struct dataset set = memory_set(x, 2 * q->d, q->d, NULL, 0);
    set.targets = t, set.target_width = 1;
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct model_spec spec = {.output = layer(0, ACTIVATION_IDENTITY, 0)};
    spec.output.init = (struct init_spec){.kind = init_find("constant"), .value = q->start};
    spec.output.l1 = q->l1, spec.output.l2 = q->l2;
    struct model *m = model_create(&spec, q->d, 1, "mse", &err);
    assert_true(m && model_init(m, 1, NULL, &err));
    struct fit_setup setup = {.kernel = best_kernel(),
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = q->optimizer,
                              .train_spec = {.epochs = q->steps, .batch_size = ROWS},
                              .model_spec = &spec,
                              .regularization = q->regularization};
    struct fit *fit = fit_create(&setup, &err);
    assert_non_null(fit);
    hessian(q);
    q->longest = 0;
    for (size_t step = 0; step < q->steps; step++) {
        take_weights(q, m);
        assert_true(fit_steps(fit, 1, &err));
    }
    take_weights(q, m);
    assert_true(m->theta[m->parameter[1].offset] == 0);
    fit_free(fit);
    model_free(m);
}

static void close_to(double got, double expected, double in_double, double in_float) {
    double bound = REAL_IS_DOUBLE ? in_double : in_float;
    if (!(fabs(got - expected) <= bound * fmax(1, fabs(expected))))
        fail_msg("%.17g is not %.17g", got, expected);
}

/* A diagonal Hessian of (close to) these entries: h then has what they really are. */
static struct quadratic diagonal(size_t d, const double *h, const double *star) {
    struct quadratic q = {.d = d};
    for (size_t i = 0; i < d; i++) {
        q.row[i][i] = (float)sqrt(h[i] * (double)d);
        q.star[i] = star[i];
    }
    hessian(&q);
    return q;
}

static double soft(double x, double t) {
    return x > t ? x - t : x < -t ? x + t : 0;
}

/* ---- early stopping and L2 ---- */

/* Hadamard's matrix over 2: orthogonal, exact. */
static const double turn[4][4] = {
    {0.5, 0.5, 0.5, 0.5}, {0.5, -0.5, 0.5, -0.5}, {0.5, 0.5, -0.5, -0.5}, {0.5, -0.5, -0.5, 0.5}};

/* H = Q diag(lambda) Q', with lambda close to these. */
static struct quadratic turned(double lambda[4], const double *star) {
    struct quadratic q = {.d = 4};
    for (size_t r = 0; r < 4; r++) {
        float length = (float)sqrt(lambda[r] * 4);
        for (size_t i = 0; i < 4; i++)
            q.row[r][i] = length * (float)turn[r][i];
        lambda[r] = (double)length * (double)length / 4;
        q.star[r] = star[r];
    }
    return q;
}

/* Q diag(factor) Q' star */
static void in_directions(const double *factor, const double *star, double *out) {
    for (size_t i = 0; i < 4; i++) {
        out[i] = 0;
        for (size_t r = 0; r < 4; r++)
            for (size_t j = 0; j < 4; j++)
                out[i] += turn[r][i] * factor[r] * turn[r][j] * star[j];
    }
}

static const double star4[4] = {1, -0.5, 2, 0.25};

/* From 0, w_T = Q (I - (I - lr Lambda)^T) Q' w*; and nothing moves further than lr T times the steepest
 * gradient. */
static void early_stopping_follows_the_spectrum(void **state) {
    (void)state;
    double lambda[4] = {1, 0.1, 0.01, 0.5}, factor[4], expected[4], moved = 0;
    struct quadratic q = turned(lambda, star4);
    q.optimizer.lr = 0.1;
    for (size_t t = 1; t <= 100; t++) {
        q.steps = t;
        train(&q);
        for (size_t r = 0; r < 4; r++)
            factor[r] = 1 - pow(1 - 0.1 * lambda[r], (double)t);
        in_directions(factor, star4, expected);
        moved = 0;
        for (size_t i = 0; i < 4; i++) {
            close_to(q.w[i], expected[i], 1e-12, 1e-5);
            moved += q.w[i] * q.w[i];
        }
        assert_true(sqrt(moved) <= 0.1 * (double)t * q.longest * (1 + 1e-6));
    }
    assert_true(sqrt(moved) > 1);
}

/* Q (Lambda + l2)^-1 Lambda Q' w* */
static void l2_gives_ridge_regression(void **state) {
    (void)state;
    double lambda[4] = {1, 0.1, 0.01, 0.5}, factor[4], expected[4];
    struct quadratic q = turned(lambda, star4);
    q.optimizer.lr = 0.8, q.l2 = 0.2, q.steps = 300;
    train(&q);
    for (size_t r = 0; r < 4; r++)
        factor[r] = lambda[r] / (lambda[r] + 0.2);
    in_directions(factor, star4, expected);
    for (size_t i = 0; i < 4; i++)
        close_to(q.w[i], expected[i], 1e-12, 1e-5);
}

/* Where u = lr T h is small, T steps are an L2 penalty of 1 / (lr T), to u / 2. */
static void early_stopping_is_l2_where_little_was_learned(void **state) {
    (void)state;
    const double h[3] = {0.01, 0.005, 0.001}, star[3] = {1, 2, -3};
    struct quadratic stopped = diagonal(3, h, star), ridge = stopped;
    stopped.optimizer.lr = 0.01, stopped.steps = 100;
    ridge.optimizer.lr = 0.9, ridge.l2 = 1, ridge.steps = 100;
    train(&stopped), train(&ridge);
    for (size_t i = 0; i < 3; i++) {
        double u = h[i], ratio = stopped.w[i] / ridge.w[i] - 1;
        /* a step is a little ahead of the flow that the bound is for: by 1 / T of it */
        assert_true(ratio < u / 2 * (REAL_IS_DOUBLE ? 1.0101 : 1.1) && ratio > u / 2 * 0.9);
    }
}

/* Otherwise each direction has an L2 of its own: h (1 - lr h)^T / (1 - (1 - lr h)^T). */
static void early_stopping_is_an_l2_for_each_direction(void **state) {
    (void)state;
    const double h[3] = {1, 0.1, 0.01}, star[3] = {1, -2, 3};
    struct quadratic stopped = diagonal(3, h, star);
    stopped.optimizer.lr = 0.1, stopped.steps = 100;
    train(&stopped);
    for (size_t i = 0; i < 3; i++) {
        struct quadratic ridge = diagonal(3, h, star);
        double left = pow(1 - 0.1 * stopped.h[i][i], 100);
        ridge.l2 = stopped.h[i][i] * left / (1 - left);
        ridge.optimizer.lr = 1 / (1 + ridge.l2), ridge.steps = 4000;
        train(&ridge);
        close_to(ridge.w[i], stopped.w[i], 1e-10, 1e-4);
    }
}

/* Ali, Kolter and Tibshirani 2019: the variance of gradient flow is at most 1.69 times that of ridge
 * regression at 1 / t; the supremum is 1.6859, at u = 1.793. Here t = 1, and u the entries of H. */
static void early_stopping_costs_at_most_1_69_times_the_variance(void **state) {
    (void)state;
    double u[MOST], star[MOST], worst = 0;
    for (size_t i = 0; i < MOST; i++)
        u[i] = 0.3 + 0.2 * (double)i, star[i] = 1;
    u[0] = 1.793;
    struct quadratic flow = diagonal(MOST, u, star), ridge = flow;
    flow.optimizer.lr = 1.0 / 2000, flow.steps = 2000;
    ridge.optimizer.lr = 0.2, ridge.l2 = 1, ridge.steps = 200;
    train(&flow), train(&ridge);
    for (size_t i = 0; i < MOST; i++)
        worst = fmax(worst, pow(flow.w[i] / ridge.w[i], 2));
    assert_true(worst > 1.685 && worst < 1.69);
}

/* ---- L1 ---- */

/* On a diagonal H the optimum is sign(w*) max(|w*| - l1 / h, 0): at 0 it is 0, to the bit. */
static void l1_is_a_soft_threshold(void **state) {
    (void)state;
    const double h[4] = {1, 4, 0.25, 1}, star[4] = {1, -0.3, 2, 0.4}, expected[4] = {0.5, -0.175, 0, 0};
    for (int kind = 0; kind < 3; kind++) {
        struct quadratic q = diagonal(4, h, star);
        q.optimizer = (struct optimizer_spec){.lr = 0.1, .momentum = kind ? 0.5 : 0, .nesterov = kind == 2};
        q.l1 = 0.5, q.steps = 600;
        train(&q);
        for (size_t i = 0; i < 4; i++)
            close_to(q.w[i], expected[i], 1e-12, 1e-6);
        assert_true(q.w[3] == 0 && !signbit(q.w[3]));
        if (kind == 0) /* it stands where the threshold just holds it: nothing here is rounded */
            assert_true(q.w[2] == 0 && !signbit(q.w[2]));
    }
}

/* The first step from 0 is as far as the gradient and the threshold take it, both by the momentum's gain: lr
 * (h w* - l1), and for Nesterov's 1 + mu times that. What rests at 0 does so from the beginning. */
static void the_threshold_grows_with_the_momentum(void **state) {
    (void)state;
    const double h[2] = {1, 1}, star[2] = {1, 0.4};
    for (int nesterov = 0; nesterov < 2; nesterov++)
        for (size_t steps = 1; steps < 5; steps++) {
            struct quadratic q = diagonal(2, h, star);
            q.optimizer = (struct optimizer_spec){.lr = 0.1, .momentum = 0.5, .nesterov = nesterov};
            q.l1 = 0.5, q.steps = steps;
            train(&q);
            assert_true(q.w[1] == 0);
            if (steps == 1)
                close_to(q.w[0], 0.1 * (nesterov ? 1.5 : 1) * (q.h[0][0] - 0.5), 1e-14, 1e-7);
        }
}

/* The sub-gradient comes near, and stays on the way around 0 by steps of lr l1. */
static void the_subgradient_makes_no_zeros(void **state) {
    (void)state;
    const double h[2] = {1, 1}, star[2] = {1, 0.3};
    struct quadratic q = diagonal(2, h, star);
    q.optimizer.lr = 0.01, q.l1 = 0.5, q.steps = 3000;
    q.start = 0.123;
    q.regularization.l1_method = L1_SUBGRADIENT;
    train(&q);
    close_to(q.w[0], soft(q.h[0][0], 0.5) / q.h[0][0], 1e-10, 1e-5);
    assert_true(q.w[1] != 0 && fabs(q.w[1]) < 0.01);
}

/* On any H the optimum has |g| <= l1 where w = 0 and g = -l1 sign(w) elsewhere, by whatever rule it is found:
 * the threshold is as wide as the step that the coordinate takes. */
static void check_optimum(const struct optimizer_spec *optimizer, size_t steps) {
    const double l1 = 0.25;
    size_t zeros = 0;
    struct quadratic q = {.d = 8, .optimizer = *optimizer, .l1 = l1, .steps = steps, .start = 0.5};
    for (uint32_t r = 0; r < 8; r++) {
        real numbers[9];
        fill(numbers, 9, 40 + r, 1);
        for (size_t i = 0; i < 8; i++)
            q.row[r][i] = (float)numbers[i] + (i == r ? 2 : 0);
        q.star[r] = r % 2 ? (double)numbers[8] : 0.2 * (double)numbers[8];
    }
    train(&q);
    for (size_t i = 0; i < 8; i++) {
        double g = gradient(&q, q.w, i);
        zeros += q.w[i] == 0;
        if (q.w[i] == 0)
            assert_true(fabs(g) <= l1 * (REAL_IS_DOUBLE ? 1 + 1e-8 : 1 + 1e-4));
        else
            close_to(g, q.w[i] > 0 ? -l1 : l1, 1e-8, 2e-5);
    }
    assert_in_range(zeros, 2, 6);
}

#define ADAM    .kind = OPTIMIZER_ADAM, .betas = {0.9, 0.999}, .eps = 1e-8
#define RMSPROP .kind = OPTIMIZER_RMSPROP, .alpha = 0.9, .eps = 1e-8

static void every_rule_finds_the_optimum_of_l1(void **state) {
    (void)state;
    static const struct optimizer_spec rules[] = {
        {.lr = 0.2},
        {.lr = 0.02, .momentum = 0.9},
        {.lr = 0.02, .momentum = 0.9, .nesterov = true},
        {.lr = 0.1, .momentum = 0.8, .dampening = 0.5},
        {.lr = 0.02, .momentum_ramp = {.on = true, .start = 0.5, .end = 0.9, .epochs = 500}},
        {.lr = 0.2, .schedule = {.kind = SCHEDULE_COSINE, .final = 0.5, .warmup_epochs = 50}},
        {ADAM, .lr = 0.01},
        {ADAM, .lr = 0.01, .amsgrad = true},
        {RMSPROP, .lr = 0.003},
        {RMSPROP, .lr = 0.003, .momentum = 0.5},
        {.kind = OPTIMIZER_ADAGRAD, .lr = 0.1, .eps = 1e-10},
        {.kind = OPTIMIZER_ADAGRAD, .lr = 0.3, .eps = 1e-10, .lr_decay = 1e-3},
        /* The gradient at the optimum, penalty apart, is longer than that: it is always scaled. */
        {.lr = 0.2, .clip_norm = 0.3},
        {.lr = 0.02, .momentum = 0.9, .nesterov = true, .clip_norm = 0.3},
        {ADAM, .lr = 0.01, .clip_norm = 0.3},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        check_optimum(&rules[i], 6000);
}

/* With both, soft(h w*, l1) / (h + l2). */
static void elastic_net_is_both(void **state) {
    (void)state;
    const double h[3] = {1, 4, 0.25}, star[3] = {1, -0.3, 2};
    struct quadratic q = diagonal(3, h, star);
    q.optimizer.lr = 0.2, q.l1 = 0.25, q.l2 = 0.5, q.steps = 400;
    train(&q);
    for (size_t i = 0; i < 3; i++)
        close_to(q.w[i], soft(q.h[i][i] * star[i], 0.25) / (q.h[i][i] + 0.5), 1e-12, 1e-6);
}

/* ---- decay without a gradient ---- */

static void l2_and_decay_shrink_alike_under_sgd(void **state) {
    (void)state;
    for (int decoupled = 0; decoupled < 2; decoupled++) {
        struct quadratic q = {.d = 2, .start = 1, .steps = 15, .optimizer = {.lr = 0.5}};
        if (decoupled)
            q.optimizer.weight_decay = 0.5;
        else
            q.l2 = 0.5;
        train(&q);
        assert_true(q.w[0] == pow(0.75, 15) && q.w[1] == q.w[0]); /* powers of 3/4 are exact so far */
    }
}

/* Decoupled decay multiplies by 1 - lr weight_decay whatever the rule; L2 under adam moves by about lr a step
 * whatever its strength (Loshchilov and Hutter 2019). */
static void adaptive_rules_need_decoupled_decay(void **state) {
    (void)state;
    static const struct optimizer_spec rules[] = {
        {ADAM, .lr = 0.5}, {RMSPROP, .lr = 0.5}, {.kind = OPTIMIZER_ADAGRAD, .lr = 0.5, .eps = 1e-10}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct quadratic q = {.d = 1, .start = 1, .steps = 15, .optimizer = rules[i]};
        q.optimizer.weight_decay = 0.5;
        train(&q);
        assert_true(q.w[0] == pow(0.75, 15));
    }
    for (double l2 = 0.01; l2 < 20; l2 *= 10) {
        struct quadratic q = {.d = 1, .start = 1, .steps = 10, .l2 = l2, .optimizer = {ADAM, .lr = 1e-3}};
        train(&q);
        assert_true(fabs(q.w[0] - (1 - 10 * 1e-3)) < 1e-4);
    }
}

/* ---- a net: which parameters, limits, bits ---- */

enum { NET_ROWS = 60, NET_FEATURES = 100, NET_CLASSES = 10 };

struct net {
    const struct kernel *kernel;
    size_t threads, steps;
    struct optimizer_spec optimizer;
    struct regularization_spec regularization;
    double l1, l2;              /* of the first hidden layer and the output */
    double max_norm, over_norm; /* of the first hidden layer, of the output */
    /* made */
    struct model *model;
    double penalty;
};

static void release_net(struct net *n) {
    model_free(n->model);
}

/* 100 - 70 (prelu) - 33 (tanh) - 10 with random biases. */
static void train_net(struct net *n) {
    struct err err = {0};
    static float x[NET_ROWS * NET_FEATURES];
    static uint32_t cls[NET_ROWS];
    static real numbers[NET_ROWS * NET_FEATURES];
    fill(numbers, NET_ROWS * NET_FEATURES, 60, 1);
    for (size_t i = 0; i < NET_ROWS * NET_FEATURES; i++)
        x[i] = (float)numbers[i];
    for (size_t i = 0; i < NET_ROWS; i++)
        cls[i] = (uint32_t)(i * 7 % NET_CLASSES);
    struct dataset set = memory_set(x, NET_ROWS, NET_FEATURES, cls, NET_CLASSES);
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct layer_spec hidden[] = {layer(70, ACTIVATION_PRELU, 0.25), layer(33, ACTIVATION_TANH, 0)};
    struct model_spec spec = {.layers = hidden, .layer_count = 2, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    const struct init_spec random = {.kind = init_find("normal"), .std = 0.3};
    hidden[0].bias_init = hidden[1].bias_init = spec.output.bias_init = random;
    hidden[0].l1 = spec.output.l1 = n->l1, hidden[0].l2 = spec.output.l2 = n->l2;
    hidden[0].max_norm = n->max_norm, spec.output.max_norm = n->over_norm;
    hidden[1].max_norm = NAN;
    n->model = model_create(&spec, NET_FEATURES, NET_CLASSES, "cross_entropy", &err);
    assert_true(n->model && model_init(n->model, 3, NULL, &err));
    struct team *team = team_create(n->threads ? n->threads : 1, &err);
    struct fit_setup setup = {.kernel = n->kernel ? n->kernel : best_kernel(),
                              .team = team,
                              .model = n->model,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = n->optimizer,
                              .train_spec = {.epochs = n->steps, .batch_size = NET_ROWS},
                              .model_spec = &spec,
                              .regularization = n->regularization,
                              .seed = 4};
    struct fit *fit = fit_create(&setup, &err);
    assert_non_null(fit);
    for (size_t step = 0; step < n->steps; step++)
        assert_true(fit_steps(fit, 1, &err));
    n->penalty = fit_penalty(fit);
    fit_free(fit);
    team_free(team);
}

static double element(const struct net *n, size_t parameter, size_t o, size_t i) {
    const struct parameter *p = &n->model->parameter[parameter];
    return (double)n->model->theta[p->offset + i * p->stride + o];
}

enum { FIRST_WEIGHT, FIRST_BIAS, SLOPE, SECOND_WEIGHT, SECOND_BIAS, LAST_WEIGHT, LAST_BIAS, PARAMETERS };

/* Largest difference of a parameter's elements to `scale` times those of another net. */
static double difference(const struct net *a, const struct net *b, size_t parameter, double scale) {
    const struct parameter *p = &a->model->parameter[parameter];
    double worst = 0;
    for (size_t o = 0; o < p->out; o++)
        for (size_t i = 0; i < p->in; i++)
            worst = fmax(worst, fabs(element(a, parameter, o, i) - scale * element(b, parameter, o, i)));
    return worst;
}

/* With a rate so small that the gradient does not count, decay is all that happens: to weights, to the biases
 * that are named, never to a slope; l2 only in layers that have it. */
static void penalties_act_where_they_should(void **state) {
    (void)state;
    static const bool decays[3][PARAMETERS] = {
        [PENALIZE_NONE] = {true, false, false, true, false, true, false},
        [PENALIZE_HIDDEN] = {true, true, false, true, true, true, false},
        [PENALIZE_ALL] = {true, true, false, true, true, true, true},
    };
    const double lr = 1e-9;
    struct net start = {0};
    train_net(&start);
    for (int biases = PENALIZE_NONE; biases <= PENALIZE_ALL; biases++)
        for (int decoupled = 0; decoupled < 2; decoupled++) {
            struct net n = {.steps = 1, .optimizer = {.lr = lr}};
            n.regularization.penalize_bias = biases;
            n.optimizer.weight_decay = decoupled ? 0.5 / lr : 0;
            n.l2 = decoupled ? 0 : 0.5 / lr;
            train_net(&n);
            for (size_t p = 0; p < PARAMETERS; p++) {
                bool own = decoupled || (p != SECOND_WEIGHT && p != SECOND_BIAS);
                double scale = decays[biases][p] && own ? 0.5 : 1;
                assert_true(difference(&n, &start, p, scale) < 1e-6);
                assert_true(difference(&n, &start, p, 1.5 - scale) > 1e-2);
            }
            release_net(&n);
        }
    release_net(&start);
}

static void the_penalty_is_what_it_adds_to_the_objective(void **state) {
    (void)state;
    struct net n = {.l1 = 0.1, .l2 = 0.3, .regularization = {.penalize_bias = PENALIZE_HIDDEN}};
    static const size_t counted[] = {FIRST_WEIGHT, FIRST_BIAS, LAST_WEIGHT};
    double expected = 0;
    train_net(&n);
    for (size_t c = 0; c < 3; c++) {
        const struct parameter *p = &n.model->parameter[counted[c]];
        for (size_t o = 0; o < p->out; o++)
            for (size_t i = 0; i < p->in; i++) {
                double w = element(&n, counted[c], o, i);
                expected += 0.1 * fabs(w) + 0.15 * w * w;
            }
    }
    assert_true(expected > 10 && fabs(n.penalty / expected - 1) < 1e-12);
    release_net(&n);
}

/* The step of sgd at rate 1 from one net to another: its length, and the cosine with a third one's. */
static double step_norm(const struct net *from, const struct net *to, const struct net *other,
                        double *cosine) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t p = 0; p < PARAMETERS; p++)
        for (size_t o = 0; o < from->model->parameter[p].out; o++)
            for (size_t i = 0; i < from->model->parameter[p].in; i++) {
                double start = element(from, p, o, i), a = element(to, p, o, i) - start,
                       b = element(other, p, o, i) - start;
                ab += a * b, aa += a * a, bb += b * b;
            }
    *cosine = ab / sqrt(aa * bb);
    return sqrt(aa);
}

/* Clipping takes the norm of the objective's gradient to min(norm, c) and leaves its direction. */
static void clip_norm_shortens_the_gradient(void **state) {
    (void)state;
    struct net start = {0}, plain = {.steps = 1, .optimizer = {.lr = 1}, .l2 = 0.1};
    double cosine, norm;
    train_net(&start), train_net(&plain);
    norm = step_norm(&start, &plain, &plain, &cosine);
    for (double share = 0.25; share < 4; share *= 2.5) {
        struct net clipped = plain;
        clipped.optimizer.clip_norm = share * norm;
        train_net(&clipped);
        double got = step_norm(&start, &clipped, &plain, &cosine);
        close_to(got / norm, fmin(1, share), 1e-12, 1e-5);
        close_to(cosine, 1, 1e-12, 1e-6);
        if (share > 1) /* it changes no bit of what is short enough */
            assert_memory_equal(clipped.model->theta, plain.model->theta, plain.model->size * sizeof(real));
        release_net(&clipped);
    }
    release_net(&start), release_net(&plain);
}

/* Numbers are limited before the norm is. */
static void clip_value_limits_every_number(void **state) {
    (void)state;
    const double c = 0.01;
    for (int both = 0; both < 2; both++) {
        struct net start = {0}, plain = {.steps = 1, .optimizer = {.lr = 1}}, clipped = plain;
        clipped.optimizer.clip_value = c;
        clipped.optimizer.clip_norm = both ? 0.05 : NAN;
        train_net(&start), train_net(&plain), train_net(&clipped);
        double squares = 0, scale = 1;
        size_t limited = 0;
        for (int pass = 0; pass < 2; pass++) {
            for (size_t p = 0; p < PARAMETERS; p++)
                for (size_t o = 0; o < plain.model->parameter[p].out; o++)
                    for (size_t i = 0; i < plain.model->parameter[p].in; i++) {
                        double w = element(&start, p, o, i), g = w - element(&plain, p, o, i);
                        double held = fmax(-c, fmin(c, g));
                        limited += held != g;
                        squares += pass ? 0 : held * held;
                        if (pass)
                            close_to(w - element(&clipped, p, o, i), scale * held, 1e-14, 1e-6);
                    }
            scale = both ? 0.05 / sqrt(squares) : 1;
        }
        assert_true(limited > 100 && squares > 0.05 * 0.05);
        release_net(&start), release_net(&plain), release_net(&clipped);
    }
}

static void check_limited(const struct net *limited, const struct net *plain, size_t parameter, double c,
                          size_t *above) {
    const struct parameter *p = &plain->model->parameter[parameter];
    for (size_t o = 0; o < p->out; o++) {
        double squares = 0;
        for (size_t i = 0; i < p->in; i++)
            squares += element(plain, parameter, o, i) * element(plain, parameter, o, i);
        double norm = sqrt(squares), scale = norm > c ? c / norm : 1;
        *above += norm > c;
        for (size_t i = 0; i < p->in; i++) {
            double w = element(plain, parameter, o, i), got = element(limited, parameter, o, i);
            close_to(got, scale * w, 1e-14, 1e-6);
            assert_true(norm > c || got == w);
        }
    }
}

/* After a step the weights into every unit are scaled to the limit where they are longer, each layer by its
 * own, the output's too; biases and layers without are left alone. */
static void max_norm_scales_what_enters_a_unit(void **state) {
    (void)state;
    struct net plain = {.steps = 1, .optimizer = {.lr = 0.1}}, limited = plain;
    limited.max_norm = 1.4, limited.over_norm = 1.2;
    train_net(&plain), train_net(&limited);
    size_t first = 0, last = 0;
    check_limited(&limited, &plain, FIRST_WEIGHT, 1.4, &first);
    check_limited(&limited, &plain, LAST_WEIGHT, 1.2, &last);
    assert_in_range(first, 10, 60);
    assert_in_range(last, 1, 9);
    static const size_t others[] = {FIRST_BIAS, SLOPE, SECOND_WEIGHT, SECOND_BIAS, LAST_BIAS};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_true(difference(&limited, &plain, others[i], 1) == 0);
    release_net(&plain), release_net(&limited);
}

/* Everything at once gives the same bits for every number of threads and instruction set. */
static void bits_do_not_depend_on_the_machine(void **state) {
    (void)state;
    static const struct net nets[] = {
        {.steps = 6,
         .optimizer = {ADAM, .lr = 0.01, .amsgrad = true, .weight_decay = 0.1, .clip_norm = 0.05,
                       .clip_value = 0.01, .schedule = {.kind = SCHEDULE_COSINE, .warmup_epochs = 2}},
         .regularization = {.penalize_bias = PENALIZE_ALL},
         .l1 = 0.01,
         .l2 = 0.1,
         .max_norm = 1.3,
         .over_norm = 1.2},
        {.steps = 6,
         .optimizer = {RMSPROP, .lr = 0.01, .centered = true, .momentum = 0.5, .clip_value = 0.01},
         .l1 = 0.01,
         .over_norm = 1.2},
        {.steps = 6,
         .optimizer = {.kind = OPTIMIZER_ADAGRAD, .lr = 0.1, .eps = 1e-10, .clip_norm = 0.1},
         .regularization = {.l1_method = L1_SUBGRADIENT},
         .l1 = 0.01},
        {.steps = 6,
         .optimizer = {.lr = 0.1, .momentum = 0.9, .nesterov = true, .clip_norm = 0.1},
         .l1 = 0.001,
         .l2 = 0.1,
         .max_norm = 1.3},
    };
    static const size_t threads[] = {1, 2, 3, 7};
    for (size_t c = 0; c < sizeof nets / sizeof *nets; c++) {
        char expected[SHA256_HEX] = "", got[SHA256_HEX];
        for (size_t k = 0; kernel_at(k); k++)
            for (size_t t = 0; kernel_at(k)->supported() && t < 4; t++) {
                struct net n = nets[c];
                n.kernel = kernel_at(k), n.threads = threads[t];
                train_net(&n);
                model_hex(n.model, got);
                if (!*expected)
                    memcpy(expected, got, sizeof got);
                assert_string_equal(got, expected);
                release_net(&n);
            }
    }
}

/* A gradient of which the square is no number would leave the weight where it is for ever: the training stops
 * and names it. */
static void a_square_that_overflows_is_named(void **state) {
    (void)state;
    struct err err = {0};
    float x[2] = {REAL_IS_DOUBLE ? 1e38F : 1e10F, REAL_IS_DOUBLE ? 1e38F : 1e10F};
    real t[2] = {(real)(REAL_IS_DOUBLE ? 1e120 : 1e15), (real)(REAL_IS_DOUBLE ? 1e120 : 1e15)};
    struct dataset set = memory_set(x, 2, 1, NULL, 0);
    set.targets = t, set.target_width = 1;
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct model_spec spec = {.output = layer(0, ACTIVATION_IDENTITY, 0)};
    spec.output.init.kind = init_find("zeros");
    struct model *m = model_create(&spec, 1, 1, "mse", &err);
    assert_true(m && model_init(m, 1, NULL, &err));
    struct fit_setup setup = {.kernel = best_kernel(),
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = {ADAM, .lr = 0.01},
                              .train_spec = {.epochs = 1, .batch_size = 2}};
    struct fit *fit = fit_create(&setup, &err);
    assert_false(fit_steps(fit, 1, &err));
    assert_int_equal(err.kind, ERR_DIVERGED);
    assert_non_null(strstr(err.text, "model.output: its weight's state in the optimizer is not finite"));
    assert_true(m->theta[0] == 0);
    fit_free(fit);
    model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(early_stopping_follows_the_spectrum),
        cmocka_unit_test(l2_gives_ridge_regression),
        cmocka_unit_test(early_stopping_is_l2_where_little_was_learned),
        cmocka_unit_test(early_stopping_is_an_l2_for_each_direction),
        cmocka_unit_test(early_stopping_costs_at_most_1_69_times_the_variance),
        cmocka_unit_test(l1_is_a_soft_threshold),
        cmocka_unit_test(the_threshold_grows_with_the_momentum),
        cmocka_unit_test(the_subgradient_makes_no_zeros),
        cmocka_unit_test(every_rule_finds_the_optimum_of_l1),
        cmocka_unit_test(elastic_net_is_both),
        cmocka_unit_test(l2_and_decay_shrink_alike_under_sgd),
        cmocka_unit_test(adaptive_rules_need_decoupled_decay),
        cmocka_unit_test(penalties_act_where_they_should),
        cmocka_unit_test(the_penalty_is_what_it_adds_to_the_objective),
        cmocka_unit_test(clip_norm_shortens_the_gradient),
        cmocka_unit_test(clip_value_limits_every_number),
        cmocka_unit_test(max_norm_scales_what_enters_a_unit),
        cmocka_unit_test(bits_do_not_depend_on_the_machine),
        cmocka_unit_test(a_square_that_overflows_is_named),
    };
    return cmocka_run_group_tests_name("penalty", tests, NULL, NULL);
}
