/* What reverse and forward mode cost and compute, against closed forms: counted multiplications, the memory
 * that reverse mode keeps, products of slopes along a chain, derivatives by complex steps. */
#include "support.h"

#include <complex.h>

#include "autodiff/tape.h"

enum { LANES = 16 };

/* ---- counting ---- */

/* The kernels of the original, counting the multiplications of matrix products. Padding columns of a tile of
 * a weight gradient do not count, nor do sums with a factor that is always 1 (gradients of biases). */
static const struct kernel *original;
static unsigned long long multiplications;
static size_t useful_cols;

static void counting_gemm(size_t m, size_t n, size_t k, const real *a, size_t a_row, size_t a_col,
                          const real *b, size_t ldb, real *c, size_t ldc, bool add) {
    multiplications += (unsigned long long)m * n * k;
    original->gemm(m, n, k, a, a_row, a_col, b, ldb, c, ldc, add);
}

static void counting_gradient(size_t m, size_t n, size_t batch, size_t lanes, const real *x,
                              size_t slice_stride, const real *dz, size_t panel_stride, real *g, size_t ldg) {
    if (slice_stride > 0)
        multiplications += (unsigned long long)m * useful_cols * batch;
    original->gradient(m, n, batch, lanes, x, slice_stride, dz, panel_stride, g, ldg);
}

static struct kernel counting_kernel(void) {
    original = best_kernel();
    struct kernel k = *original;
    k.gemm = counting_gemm, k.gradient = counting_gradient;
    return k;
}

/* A net of these widths (0 behind the last) on one slice, with random parameters and inputs. */
struct net {
    struct tape *tape;
    struct tape_workspace *ws;
    struct tape_slice slice;
    struct kernel kernel;
    real *theta, *direction, *gradient, *seed, *target;
};

static struct tape *mlp(const size_t *width, const char *activation, const char *loss) {
    struct err err = {0};
    struct tape *tape = tape_create(&err);
    size_t v = 0;
    assert_true(tape_input(tape, width[0], &err));
    for (size_t l = 1; width[l]; l++) {
        assert_true(tape_apply(tape, &op_affine, &v, width[l], 0, "layer", &v, &err));
        if (width[l + 1])
            assert_true(tape_apply(tape, op_find(activation), &v, 0, 0, "layer", &v, &err));
    }
    assert_true(tape_apply(tape, op_find(loss), &v, 0, 0, "loss", &v, &err));
    assert_true(tape_finish(tape, &err));
    return tape;
}

static void net_init(struct net *n, struct tape *tape) {
    struct err err = {0};
    *n = (struct net){.tape = tape, .kernel = counting_kernel()};
    size_t size = tape_theta_size(tape), outputs = tape_rows(tape, tape_output(tape));
    n->ws = tape_workspace_create(tape, TAPE_TANGENTS, NULL, 1, LANES, 1, &err);
    assert_non_null(n->ws);
    n->theta = reals(size), n->direction = reals(size), n->gradient = reals(size);
    n->seed = reals(LANES), n->target = reals(outputs * LANES);
    for (size_t i = 0; i < tape_parameters(tape); i++) {
        const struct tape_parameter *p = tape_parameter(tape, i);
        for (size_t r = 0; r < p->matrix.rows; r++)
            fill(n->theta + p->offset + r * p->matrix.stride, p->matrix.cols, (uint32_t)(100 * i + r), 0.5);
    }
    for (size_t s = 0; s < LANES; s++)
        n->seed[s] = (real)1 / LANES;
    for (size_t i = 0; i < outputs * LANES; i++)
        n->target[i] = (real)(i / LANES == i % outputs);
    n->slice = (struct tape_slice){
        .k = &n->kernel, .theta = n->theta, .seed = n->seed, .target = n->target, .theta_dot = n->direction};
}

static void net_release(struct net *n) {
    real *all[] = {n->theta, n->direction, n->gradient, n->seed, n->target};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mem_free(all[i]);
    tape_workspace_free(n->ws);
    tape_free(n->tape);
}

static void forward(struct net *n) {
    fill(tape_value(n->tape, n->ws, &n->slice, 0), tape_rows(n->tape, 0) * LANES, 7, 1);
    tape_forward(n->tape, n->ws, &n->slice);
}

/* The gradient of the seeded sum of losses, after forward. */
static void reverse(struct net *n) {
    real g[OP_TILE_ROWS * OP_TILE_COLS];
    tape_reverse(n->tape, n->ws, &n->slice);
    for (size_t t = 0; t < tape_tiles(n->tape); t++) {
        struct tape_tile tile = tape_tile(n->tape, t);
        const struct tape_parameter *p = tape_parameter(n->tape, tile.parameter);
        size_t left = p->matrix.cols - (tile.offset - p->offset) % p->matrix.stride;
        useful_cols = left < tile.cols ? left : tile.cols;
        tape_gradient(n->tape, n->ws, &n->kernel, NULL, 1, LANES, t, g);
        for (size_t r = 0; r < tile.rows; r++)
            memcpy(n->gradient + tile.offset + r * tile.stride, g + r * OP_TILE_COLS,
                   tile.cols * sizeof(real));
    }
}

static double directional(struct net *n) {
    const real *dot = tape_jvp(n->tape, n->ws, &n->slice);
    double sum = 0;
    for (size_t s = 0; s < LANES; s++)
        sum += (double)n->seed[s] * (double)dot[s];
    return sum;
}

static unsigned long long take_count(void) {
    unsigned long long count = multiplications;
    multiplications = 0;
    return count;
}

/* F = sum N_l N_(l+1) forward; gradients of weights F, cotangents F - N_0 N_1: the input has none. */
static void multiplications_are_those_of_the_formula(void **state) {
    (void)state;
    static const size_t widths[][6] = {{784, 256, 10}, {7, 3}, {5, 4, 3}, {131, 97, 33, 2}, {1, 1, 1, 1, 1}};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        const size_t *w = widths[i];
        unsigned long long f = 0, first = (unsigned long long)w[0] * w[1];
        for (size_t l = 0; w[l + 1]; l++)
            f += (unsigned long long)w[l] * w[l + 1];
        struct net n;
        net_init(&n, mlp(w, "relu", "cross_entropy"));
        take_count();
        forward(&n);
        assert_int_equal(take_count(), f * LANES);
        reverse(&n);
        assert_int_equal(take_count(), (2 * f - first) * LANES);
        directional(&n);
        assert_int_equal(take_count(), (2 * f - first) * LANES);
        double counted[3];
        tape_cost(n.tape, &counted[0], &counted[1], &counted[2]);
        assert_true(counted[0] == (double)f && counted[1] == (double)(f - first) && counted[2] == (double)f);
        net_release(&n);
    }
    /* (forward + reverse) / forward = 3 - N_0 N_1 / F: within the bound of Baur and Strassen, 5. */
    double f = 784 * 256 + 256 * 10, ratio = (f + 2 * f - 784 * 256) / f;
    assert_true(fabs(ratio - 2.0126) < 5e-5);
}

/* Forward mode needs a sweep for each parameter, and finds the same gradient. */
static void a_sweep_a_parameter_is_the_gradient(void **state) {
    (void)state;
    struct net n;
    net_init(&n, mlp((size_t[]){5, 4, 3, 0}, "tanh", "cross_entropy"));
    forward(&n);
    reverse(&n);
    forward(&n);
    take_count();
    size_t sweeps = 0;
    for (size_t i = 0; i < tape_parameters(n.tape); i++) {
        const struct tape_parameter *p = tape_parameter(n.tape, i);
        for (size_t e = 0; e < p->matrix.rows * p->matrix.cols; e++, sweeps++) {
            size_t at = p->offset + e / p->matrix.cols * p->matrix.stride + e % p->matrix.cols;
            n.direction[at] = 1;
            double slope = directional(&n);
            n.direction[at] = 0;
            assert_true(fabs(slope - (double)n.gradient[at]) < (REAL_IS_DOUBLE ? 1e-15 : 1e-7));
        }
    }
    assert_int_equal(sweeps, 5 * 4 + 4 + 4 * 3 + 3);
    assert_int_equal(take_count(), sweeps * (2 * 32 - 20) * LANES);
    net_release(&n);
}

/* ---- memory ---- */

/* Reverse mode keeps the inputs of all layers, a number each, and the cotangents of their sums, in panels of
 * 32; the forward pass alone keeps nothing of a sample. */
static void reverse_mode_keeps_the_activations(void **state) {
    (void)state;
    struct tape *tape = mlp((size_t[]){784, 256, 100, 10, 0}, "relu", "cross_entropy");
    size_t kept = (784 + 256 + 100) + (256 + 128 + 32);
    for (size_t slices = 1; slices < 4; slices++) {
        size_t one = tape_workspace_bytes(tape, TAPE_TRAIN, NULL, slices, LANES, 1);
        size_t two = tape_workspace_bytes(tape, TAPE_TRAIN, NULL, slices + 1, LANES, 1);
        assert_int_equal(two - one, kept * LANES * sizeof(real));
        assert_int_equal(tape_workspace_bytes(tape, TAPE_EVALUATE, NULL, slices, LANES, 1),
                         tape_workspace_bytes(tape, TAPE_EVALUATE, NULL, 1, LANES, 1));
    }
    tape_free(tape);
}

/* ---- products along a chain ---- */

/* The sum of the outputs as a loss, so that gradients are those of the outputs. */
static bool sum_shape(const size_t *rows, size_t units, struct op_shape *out, struct err *err) {
    (void)rows, (void)units, (void)err;
    *out = (struct op_shape){.rows = 1};
    return true;
}

static void sum_rows(const struct op_call *c, const real *x, real *y) {
    for (size_t s = 0; s < c->lanes; s++) {
        y[s] = 0;
        for (size_t f = 0; f < c->rows_in; f++)
            y[s] += x[f * c->lanes + s];
    }
}

static void sum_forward(const struct op_call *c) {
    sum_rows(c, c->x[0], c->y);
}

static void sum_vjp(const struct op_call *c) {
    for (size_t i = 0; i < c->rows_in * c->lanes; i++)
        c->dx[0][i] = c->dy[i % c->lanes];
}

static void sum_jvp(const struct op_call *c) {
    sum_rows(c, c->x_dot[0], c->y_dot);
}

static const struct op op_sum = {.name = "sum",
                                 .flags = OP_LOSS,
                                 .inputs = 1,
                                 .shape = sum_shape,
                                 .forward = sum_forward,
                                 .vjp = sum_vjp,
                                 .jvp = sum_jvp};

/* `layers` square layers with an activation (NULL: none) behind one without, whose bias gradient is the
 * gradient by the input of the others. */
static struct tape *chain(size_t width, size_t layers, const char *activation) {
    struct err err = {0};
    struct tape *tape = tape_create(&err);
    size_t v = 0;
    assert_true(tape_input(tape, width, &err));
    assert_true(tape_apply(tape, &op_affine, &v, width, 0, "first", &v, &err));
    for (size_t l = 0; l < layers; l++) {
        assert_true(tape_apply(tape, &op_affine, &v, width, 0, "layer", &v, &err));
        if (activation)
            assert_true(tape_apply(tape, op_find(activation), &v, 0, 0, "layer", &v, &err));
    }
    assert_true(tape_apply(tape, &op_sum, &v, 0, 0, "sum", &v, &err));
    assert_true(tape_finish(tape, &err));
    return tape;
}

static bool near(real got, double expected) {
    return fabs((double)got / expected - 1) < (REAL_IS_DOUBLE ? 1e-12 : 1e-5);
}

/* W = diag(1.1, .9) fifty times: the larger factor explodes, the smaller one vanishes, both ways. */
static void fifty_linear_layers_explode_and_vanish(void **state) {
    (void)state;
    static const double factor[] = {1.1, 0.9}, expected[] = {117.39085287969579, 0.0051537752073201141};
    struct net n;
    net_init(&n, chain(2, 50, NULL));
    for (size_t i = 0; i < tape_parameters(n.tape); i++) {
        const struct tape_parameter *p = tape_parameter(n.tape, i);
        for (size_t r = 0; r < p->matrix.rows; r++)
            for (size_t c = 0; c < p->matrix.cols; c++)
                n.theta[p->offset + r * p->matrix.stride + c] =
                    p->which == 1 || r != c ? 0 : (real)(i == 0 ? 1 : factor[r]);
    }
    real *x = tape_value(n.tape, n.ws, &n.slice, 0);
    for (size_t i = 0; i < (size_t)2 * LANES; i++)
        x[i] = 1;
    tape_forward(n.tape, n.ws, &n.slice);
    reverse(&n);
    const real *out = tape_value(n.tape, n.ws, &n.slice, tape_output(n.tape));
    for (size_t f = 0; f < 2; f++) {
        double power = pow(factor[f], 50);
        assert_true(fabs(power / expected[f] - 1) < 1e-13);
        assert_true(near(out[f * LANES], power));
        assert_true(near(n.gradient[tape_parameter(n.tape, 1)->offset + f], power));
        real dot[2 * LANES] = {0};
        for (size_t s = 0; s < LANES; s++)
            dot[f * LANES + s] = 1;
        n.slice.input_dot = dot;
        assert_true(near(tape_jvp(n.tape, n.ws, &n.slice)[0], power));
    }
    net_release(&n);
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}
static double sigmoid_slope(double x) {
    return sigmoid(x) * sigmoid(-x);
}
static double tanh_slope(double x) {
    return 1 / (cosh(x) * cosh(x));
}
static double softplus(double x) {
    return log1p(exp(x));
}
static double same(double x) {
    return x;
}
static double one(double x) {
    return x < 0 ? 0 : 1;
}

/* d h_L / d h_0 = product of w_l f'(z_l), in both modes. */
static double check_chain(const char *activation, double (*value)(double), double (*slope)(double),
                          double weight, double bias) {
    enum { L = 20 };
    struct net n;
    net_init(&n, chain(1, L, activation));
    double h = 0.3, product = 1;
    for (size_t i = 0; i < tape_parameters(n.tape); i++) {
        const struct tape_parameter *p = tape_parameter(n.tape, i);
        bool is_first = i < 2, is_bias = p->which == 1;
        real w = (real)(is_bias ? bias : weight * (1 + 0.01 * (double)i));
        n.theta[p->offset] = is_first ? (real)!is_bias : w;
    }
    for (size_t l = 1; l <= L; l++) {
        double w = (double)n.theta[tape_parameter(n.tape, 2 * l)->offset];
        double z =
            w * (l == 1 ? (double)(real)h : h) + (double)n.theta[tape_parameter(n.tape, 2 * l + 1)->offset];
        product *= w * slope(z);
        h = value(z);
    }
    real *x = tape_value(n.tape, n.ws, &n.slice, 0), dot[LANES];
    for (size_t s = 0; s < LANES; s++)
        x[s] = (real)0.3, dot[s] = 1;
    tape_forward(n.tape, n.ws, &n.slice);
    n.slice.input_dot = dot;
    assert_true(near(tape_jvp(n.tape, n.ws, &n.slice)[0], product));
    reverse(&n);
    assert_true(near(n.gradient[tape_parameter(n.tape, 1)->offset], product));
    net_release(&n);
    return product;
}

static void a_chain_is_the_product_of_its_slopes(void **state) {
    (void)state;
    check_chain("identity", same, one, 1.2, 0.1);
    check_chain("relu", same, one, 0.8, 0.1);
    check_chain("tanh", tanh, tanh_slope, 1.1, 0.05);
    check_chain("softplus", softplus, sigmoid, 0.9, -0.2);
    check_chain("sigmoid", sigmoid, sigmoid_slope, -2.5, 0.3);
    /* f' <= 1/4: with weights of at most 1 no gradient larger than 4^-20 comes through twenty layers. */
    assert_true(check_chain("sigmoid", sigmoid, sigmoid_slope, 1 / 1.41, 0) <= 9.1e-13);
}

/* ---- complex steps: f'(x) = Im f(x + ih) / h without cancellation (Squire and Trapp 1998) ---- */

static const double tiny = 1e-30;

static double complex complex_sigmoid(double complex z) {
    return 1 / (1 + cexp(-z));
}

static double complex complex_tanh(double complex z) {
    return ctanh(z);
}

static void check_slope(int activation, double complex (*f)(double complex)) {
    enum { N = 16 };
    real x[N], y[N], dy[N], dx[N];
    for (int at = -20; at < 20; at++) {
        for (size_t i = 0; i < N; i++)
            x[i] = (real)(at + (double)i / N), dy[i] = 1;
        for (size_t t = 0; kernel_at(t); t++) {
            if (!kernel_at(t)->supported())
                continue;
            kernel_at(t)->activation[activation].value(N, x, y, 0);
            kernel_at(t)->activation[activation].slope(N, x, y, dy, dx, 0, false);
            for (size_t i = 0; i < N; i++)
                assert_true(fabs((double)dx[i] - cimag(f((double)x[i] + tiny * I)) / tiny) <
                            (REAL_IS_DOUBLE ? 1e-14 : 3e-7));
        }
    }
}

static void slopes_are_those_of_complex_steps(void **state) {
    (void)state;
    check_slope(ACTIVATION_TANH, complex_tanh);
    check_slope(ACTIVATION_SIGMOID, complex_sigmoid);
}

/* 5-4-3-2 with squared error, written down in complex numbers; parameter `moved` is at a complex step. */
static double complex_loss(const struct net *n, const real *x, double complex (*f)(double complex),
                           size_t moved, size_t s) {
    static const size_t width[] = {5, 4, 3, 2};
    double complex h[5], z[5], loss = 0;
    for (size_t i = 0; i < 5; i++)
        h[i] = (double)x[i * LANES + s];
    for (size_t l = 0; l < 3; l++) {
        const struct tape_parameter *w = tape_parameter(n->tape, 2 * l), *b = w + 1;
        for (size_t o = 0; o < width[l + 1]; o++) {
            size_t at = b->offset + o;
            z[o] = (double)n->theta[at] + (at == moved ? tiny * I : 0);
            for (size_t i = 0; i < width[l]; i++) {
                at = w->offset + i * w->matrix.stride + o;
                z[o] += ((double)n->theta[at] + (at == moved ? tiny * I : 0)) * h[i];
            }
        }
        for (size_t o = 0; o < width[l + 1]; o++)
            h[o] = l < 2 ? f(z[o]) : z[o];
    }
    for (size_t o = 0; o < 2; o++) {
        double complex error = h[o] - (double)n->target[o * LANES + s];
        loss += error * error / 2;
    }
    return cimag(loss) / tiny;
}

static void gradients_are_those_of_complex_steps(void **state) {
    (void)state;
    static const char *const names[] = {"tanh", "sigmoid"};
    double complex (*const f[])(double complex) = {complex_tanh, complex_sigmoid};
    for (size_t a = 0; a < 2; a++) {
        struct net n;
        net_init(&n, mlp((size_t[]){5, 4, 3, 2, 0}, names[a], "mse"));
        real x[5 * LANES];
        fill(x, (size_t)5 * LANES, 7, 1); /* as forward has it */
        forward(&n);
        reverse(&n);
        for (size_t i = 0; i < tape_parameters(n.tape); i++) {
            const struct tape_parameter *p = tape_parameter(n.tape, i);
            for (size_t e = 0; e < p->matrix.rows * p->matrix.cols; e++) {
                size_t at = p->offset + e / p->matrix.cols * p->matrix.stride + e % p->matrix.cols;
                double expected = 0;
                for (size_t s = 0; s < LANES; s++)
                    expected += complex_loss(&n, x, f[a], at, s) / LANES;
                assert_true(fabs((double)n.gradient[at] - expected) < (REAL_IS_DOUBLE ? 1e-14 : 1e-6));
            }
        }
        net_release(&n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multiplications_are_those_of_the_formula),
        cmocka_unit_test(a_sweep_a_parameter_is_the_gradient),
        cmocka_unit_test(reverse_mode_keeps_the_activations),
        cmocka_unit_test(fifty_linear_layers_explode_and_vanish),
        cmocka_unit_test(a_chain_is_the_product_of_its_slopes),
        cmocka_unit_test(slopes_are_those_of_complex_steps),
        cmocka_unit_test(gradients_are_those_of_complex_steps),
    };
    return cmocka_run_group_tests_name("modes", tests, NULL, NULL);
}
