/* Loops over the op table: reverse and forward mode against each other (adjoint identity) and, in double
 * precision, against central differences; a graph with a skip connection; memory plans and slices that must
 * not matter. */
#include "support.h"

#include "autodiff/tape.h"

enum { LANES = 16, SAMPLES = 13, IN = 5, WIDTH = 4 };

/* What random operations draw by: the same in every call, so that their derivatives can be checked. */
static const struct noise noise = {11, 1, (const uint32_t[LANES]){5, 6, 7}};

/* Everything a small tape needs to run on one slice. */
struct bench {
    struct tape *tape;
    struct tape_workspace *ws;
    struct tape_slice slice;
    real *theta, *theta_dot, *input, *input_dot, *target, *seed, *gradient;
    uint32_t cls[LANES];
};

static void apply(struct tape *tape, const struct op *op, size_t a, size_t b, size_t units, size_t *value) {
    struct err err = {0};
    assert_true(tape_apply(tape, op, (size_t[]){a, b}, units, (real)0.3, "layer", value, &err));
}

/* Takes the tape over; fills parameters and input. */
static void bench_init(struct bench *b, struct tape *tape, enum tape_mode mode, const struct kernel *k) {
    struct err err = {0};
    *b = (struct bench){.tape = tape};
    assert_true(tape_finish(tape, &err));
    size_t n = tape_theta_size(tape), inputs = tape_rows(tape, 0) * LANES;
    size_t outputs = tape_rows(tape, tape_output(tape));
    b->ws = tape_workspace_create(tape, mode, NULL, 1, LANES, 1, &err);
    assert_non_null(b->ws);
    b->theta = reals(n), b->theta_dot = reals(n), b->gradient = reals(n);
    b->input = reals(inputs), b->input_dot = reals(inputs);
    b->target = reals(outputs * LANES), b->seed = reals(LANES);
    /* only real elements: padding stays 0 */
    for (size_t i = 0; i < tape_parameters(tape); i++) {
        const struct tape_parameter *p = tape_parameter(tape, i);
        for (size_t r = 0; r < p->matrix.rows; r++) {
            fill(b->theta + p->offset + r * p->matrix.stride, p->matrix.cols, (uint32_t)(100 + 50 * i + r),
                 0.7);
            fill(b->theta_dot + p->offset + r * p->matrix.stride, p->matrix.cols,
                 (uint32_t)(900 + 50 * i + r), 1);
        }
    }
    fill(b->input, inputs, 5, 1.5);
    for (size_t s = 0; s < LANES; s++) {
        b->cls[s] = (uint32_t)(s * 5 % outputs);
        b->seed[s] = s < SAMPLES ? (real)(0.1 + 0.05 * (double)s) : 0;
        for (size_t f = 0; f < outputs; f++)
            b->target[f * LANES + s] = (real)((double)(f + 1) / (double)(outputs * (outputs + 1) / 2));
    }
    b->slice = (struct tape_slice){.k = k,
                                   .theta = b->theta,
                                   .target = b->target,
                                   .noise = &noise,
                                   .seed = b->seed,
                                   .theta_dot = b->theta_dot};
}

static void bench_release(struct bench *b) {
    tape_workspace_free(b->ws);
    tape_free(b->tape);
    real *all[] = {b->theta, b->theta_dot, b->input, b->input_dot, b->target, b->seed, b->gradient};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mem_free(all[i]);
}

/* The objective sum over samples of seed x loss. */
static double objective(struct bench *b) {
    memcpy(tape_value(b->tape, b->ws, &b->slice, 0), b->input, tape_rows(b->tape, 0) * LANES * sizeof(real));
    tape_forward(b->tape, b->ws, &b->slice);
    const real *loss =
        tape_value(b->tape, b->ws, &b->slice, tape_node_output(b->tape, tape_nodes(b->tape) - 1));
    double sum = 0;
    for (size_t s = 0; s < SAMPLES; s++)
        sum += (double)b->seed[s] * (double)loss[s];
    return sum;
}

static void reverse(struct bench *b) {
    real g[OP_TILE_ROWS * OP_TILE_COLS];
    objective(b);
    tape_reverse(b->tape, b->ws, &b->slice);
    for (size_t t = 0; t < tape_tiles(b->tape); t++) {
        struct tape_tile tile = tape_tile(b->tape, t);
        tape_gradient(b->tape, b->ws, b->slice.k, NULL, 1, SAMPLES, t, g);
        for (size_t r = 0; r < tile.rows; r++)
            memcpy(b->gradient + tile.offset + r * tile.stride, g + r * OP_TILE_COLS,
                   tile.cols * sizeof(real));
    }
}

/* <gradient, tangent> = sum of seed x JVP */
static void check_adjoint(struct bench *b, const char *name) {
    reverse(b);
    objective(b);
    const real *dot = tape_jvp(b->tape, b->ws, &b->slice);
    double forward = 0, back = 0, scale = 0;
    for (size_t s = 0; s < SAMPLES; s++)
        forward += (double)b->seed[s] * (double)dot[s];
    for (size_t i = 0; i < tape_theta_size(b->tape); i++) {
        back += (double)b->gradient[i] * (double)b->theta_dot[i];
        scale += fabs((double)b->gradient[i] * (double)b->theta_dot[i]);
    }
    if (fabs(forward - back) > (REAL_IS_DOUBLE ? 1e-13 : 3e-6) * (scale + 1))
        fail_msg("%s: forward mode %.17g, reverse mode %.17g", name, forward, back);
    assert_true(scale > 1e-3);
}

/* Central differences, parameter by parameter; kinks are avoided by the numbers chosen. */
static void check_differences(struct bench *b, const char *name) {
    if (!REAL_IS_DOUBLE)
        return;
    for (size_t i = 0; i < tape_parameters(b->tape); i++) {
        const struct tape_parameter *p = tape_parameter(b->tape, i);
        for (size_t e = 0; e < p->matrix.rows * p->matrix.stride; e++) {
            if (e % p->matrix.stride >= p->matrix.cols) {
                assert_true(b->gradient[p->offset + e] == 0);
                continue;
            }
            real *at = &b->theta[p->offset + e], was = *at, h = (real)6e-6;
            *at = was + h;
            double up = objective(b);
            *at = was - h;
            double down = objective(b);
            *at = was;
            double slope = (up - down) / (2 * (double)h), got = (double)b->gradient[p->offset + e];
            if (fabs(slope - got) > 2e-8 * fmax(1, fabs(slope)))
                fail_msg("%s: %s[%zu]: difference %.12g, gradient %.12g", name, p->name, e, slope, got);
        }
    }
}

/* input -> affine -> op -> affine -> loss; a loss op stands at the end of affine -> tanh -> affine. */
static struct tape *tape_around(const struct op *op) {
    struct err err = {0};
    struct tape *tape = tape_create(&err);
    bool is_loss = op->flags & OP_LOSS;
    size_t v = 0;
    assert_true(tape_input(tape, IN, &err));
    apply(tape, &op_affine, v, 0, WIDTH, &v);
    apply(tape, is_loss ? op_find("tanh") : op, v, 0, WIDTH, &v);
    apply(tape, &op_affine, v, 0, 3, &v);
    apply(tape, is_loss ? op : op_find("cross_entropy"), v, 0, 0, &v);
    return tape;
}

static void every_op_agrees_in_both_modes(void **state) {
    (void)state;
    const struct op *op;
    for (size_t i = 0; (op = op_at(i)); i++)
        for (size_t t = 0; kernel_at(t); t++) {
            if (!kernel_at(t)->supported())
                continue;
            struct bench b;
            bench_init(&b, tape_around(op), TAPE_TANGENTS, kernel_at(t));
            check_adjoint(&b, op->name);
            check_differences(&b, op->name);
            b.slice.noise = NULL;
            check_adjoint(&b, op->name);
            if (op->flags & OP_CLASSES) {
                b.slice.target = NULL, b.slice.cls = b.cls;
                check_adjoint(&b, op->name);
                check_differences(&b, op->name);
            }
            bench_release(&b);
        }
}

static void every_row_is_complete(void **state) {
    (void)state;
    const struct op *op;
    size_t i = 0;
    for (; (op = op_at(i)); i++) {
        assert_non_null(op->name);
        assert_ptr_equal(op_find(op->name), op);
        assert_non_null(op->value);
        assert_non_null(op->vjp_formula);
        assert_non_null(op->jvp_formula);
        assert_non_null(op->shape);
        assert_non_null(op->forward);
        assert_non_null(op->vjp);
        assert_non_null(op->jvp);
        assert_true((op->gradient != NULL) == (op->parameter[0] != NULL));
    }
    assert_int_equal(i, 3 + ACTIVATION_COUNT + 3);
    assert_null(op_find("no such op"));
}

/* ---- a skip connection, by an operation of the test's own: a row is all it takes ---- */

static bool add_shape(const size_t *rows, size_t units, struct op_shape *out, struct err *err) {
    (void)units, (void)err;
    assert_int_equal(rows[0], rows[1]);
    *out = (struct op_shape){.rows = rows[0]};
    return true;
}

static void add_forward(const struct op_call *c) {
    for (size_t i = 0; i < c->rows * c->lanes; i++)
        c->y[i] = c->x[0][i] + c->x[1][i];
}

static void add_vjp(const struct op_call *c) {
    for (size_t j = 0; j < 2; j++)
        for (size_t i = 0; c->dx[j] && i < c->rows * c->lanes; i++)
            c->dx[j][i] = (c->add[j] ? c->dx[j][i] : 0) + c->dy[i];
}

static void add_jvp(const struct op_call *c) {
    for (size_t i = 0; i < c->rows * c->lanes; i++)
        c->y_dot[i] = c->x_dot[0][i] + c->x_dot[1][i];
}

static const struct op op_add = {
    .name = "add", .inputs = 2, .shape = add_shape, .forward = add_forward, .vjp = add_vjp, .jvp = add_jvp};

static struct tape *skip_tape(void) {
    struct err err = {0};
    struct tape *tape = tape_create(&err);
    size_t h, a, v;
    assert_true(tape_input(tape, IN, &err));
    apply(tape, &op_affine, 0, 0, WIDTH, &h);
    apply(tape, op_find("tanh"), h, 0, 0, &h);
    apply(tape, &op_affine, h, 0, WIDTH, &a);
    apply(tape, op_find("silu"), a, 0, 0, &a);
    apply(tape, &op_add, h, a, 0, &v); /* h is read three times */
    apply(tape, op_find("sigmoid"), v, 0, 0, &v);
    apply(tape, &op_add, v, h, 0, &v);
    apply(tape, &op_add, v, v, 0, &v); /* and this one twice by one operation */
    apply(tape, &op_affine, v, 0, 3, &v);
    apply(tape, op_find("cross_entropy"), v, 0, 0, &v);
    return tape;
}

static void skip_connections_need_nothing_new(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b, skip_tape(), TAPE_TANGENTS, best_kernel());
    check_adjoint(&b, "skip");
    check_differences(&b, "skip");
    bench_release(&b);
}

/* The plan that reuses memory gives the gradient of the plan that keeps everything, bit for bit. */
static void reused_memory_changes_nothing(void **state) {
    (void)state;
    struct bench keeping, reusing;
    for (int which = 0; which < 2; which++) {
        bench_init(&keeping, which ? skip_tape() : tape_around(op_find("relu")), TAPE_TANGENTS,
                   best_kernel());
        bench_init(&reusing, which ? skip_tape() : tape_around(op_find("relu")), TAPE_TRAIN, best_kernel());
        reverse(&keeping), reverse(&reusing);
        assert_memory_equal(keeping.gradient, reusing.gradient, tape_theta_size(keeping.tape) * sizeof(real));
        bench_release(&keeping), bench_release(&reusing);
    }
}

/* Small layers are one tile; here rows and columns of tiles have ends. */
static void tiles_cover_every_parameter(void **state) {
    (void)state;
    struct err err = {0};
    struct tape *tape = tape_create(&err);
    size_t v = 0;
    assert_true(tape_input(tape, 131, &err));
    apply(tape, &op_affine, v, 0, 97, &v);
    apply(tape, op_find("prelu"), v, 0, 0, &v);
    apply(tape, &op_affine, v, 0, 33, &v);
    apply(tape, op_find("cross_entropy"), v, 0, 0, &v);
    struct bench b;
    bench_init(&b, tape, TAPE_TANGENTS, best_kernel());
    check_adjoint(&b, "tiles");
    bench_release(&b);
}

static void the_trace_names_every_op_twice(void **state) {
    (void)state;
    struct err err = {0};
    struct text text = {0};
    struct tape *tape = tape_around(op_find("gelu"));
    assert_true(tape_finish(tape, &err));
    assert_true(tape_trace(tape, TAPE_TRAIN, NULL, 128, 32, &text, &err));
    const char *first = strstr(text.s, "gelu"), *backward = strstr(text.s, "\nbackward");
    assert_true(first && backward && first < backward && strstr(backward, "gelu"));
    assert_non_null(strstr(text.s, "[128, 4]"));
    text_release(&text);
    tape_free(tape);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_op_agrees_in_both_modes),     cmocka_unit_test(every_row_is_complete),
        cmocka_unit_test(skip_connections_need_nothing_new), cmocka_unit_test(reused_memory_changes_nothing),
        cmocka_unit_test(tiles_cover_every_parameter),       cmocka_unit_test(the_trace_names_every_op_twice),
    };
    return cmocka_run_group_tests_name("autodiff", tests, NULL, NULL);
}
