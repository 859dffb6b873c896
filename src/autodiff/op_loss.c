/* The losses, each from the outputs of the last layer: one number a sample. */
#include "autodiff/op.h"

static bool shape(const size_t *input_rows, size_t units, struct op_shape *out, struct err *err) {
    (void)input_rows, (void)units, (void)err;
    *out = (struct op_shape){.rows = 1};
    return true;
}

/* Forward mode of any loss: the gradient by the outputs, times their tangent. The vjp with cotangent 1 writes
 * the gradient into scratch. */
static void jvp_through(const struct op_call *c, void (*vjp)(const struct op_call *)) {
    struct op_call reverse = *c;
    reverse.dx[0] = c->scratch;
    vjp(&reverse);
    c->k->dot(c->rows_in, c->lanes, c->scratch, c->x_dot[0], c->y_dot);
}

/* ---- softmax cross-entropy ---- */

static bool softmax_shape(const size_t *input_rows, size_t units, struct op_shape *out, struct err *err) {
    (void)input_rows, (void)units, (void)err;
    *out = (struct op_shape){.rows = 1, .saved = 2};
    return true;
}

static void softmax_forward(const struct op_call *c) {
    c->k->softmax_loss(c->rows_in, c->lanes, c->x[0], c->cls, c->target, c->saved, c->y);
}

static void softmax_vjp(const struct op_call *c) {
    c->k->softmax_grad(c->rows_in, c->lanes, c->x[0], c->cls, c->target, c->saved, c->dy, c->dx[0]);
}

static void softmax_jvp(const struct op_call *c) {
    jvp_through(c, softmax_vjp);
}

static void softmax_predict(const struct kernel *k, size_t rows, size_t lanes, real *z) {
    k->softmax(rows, lanes, z, z);
}

/* ---- binary cross-entropy, a sigmoid for each output ---- */

static void logistic_forward(const struct op_call *c) {
    c->k->logistic_loss(c->rows_in, c->lanes, c->x[0], c->target, c->y);
}

static void logistic_vjp(const struct op_call *c) {
    c->k->logistic_grad(c->rows_in, c->lanes, c->x[0], c->target, c->dy, c->dx[0]);
}

static void logistic_jvp(const struct op_call *c) {
    jvp_through(c, logistic_vjp);
}

static void logistic_predict(const struct kernel *k, size_t rows, size_t lanes, real *z) {
    k->activation[ACTIVATION_SIGMOID].value(rows * lanes, z, z, 0);
}

/* ---- squared error ---- */

static void squared_forward(const struct op_call *c) {
    c->k->squared_loss(c->rows_in, c->lanes, c->x[0], c->target, c->y);
}

static void squared_vjp(const struct op_call *c) {
    c->k->squared_grad(c->rows_in, c->lanes, c->x[0], c->target, c->dy, c->dx[0]);
}

static void squared_jvp(const struct op_call *c) {
    jvp_through(c, squared_vjp);
}

static const struct op rows[] = {
    {.name = "cross_entropy",
     .value = "loss = sum t (log sum exp(z - max z) + max z - z)",
     .vjp_formula = "dz = (softmax(z) sum t - t) dloss",
     .jvp_formula = "(softmax(z) sum t - t) . z.",
     .flags = OP_LOSS | OP_NEEDS_INPUT | OP_CLASSES,
     .inputs = 1,
     .shape = softmax_shape,
     .forward = softmax_forward,
     .vjp = softmax_vjp,
     .jvp = softmax_jvp,
     .predict = softmax_predict},
    {.name = "mse",
     .value = "loss = sum (z - t)^2 / 2",
     .vjp_formula = "dz = (z - t) dloss",
     .jvp_formula = "(z - t) . z.",
     .flags = OP_LOSS | OP_NEEDS_INPUT,
     .inputs = 1,
     .shape = shape,
     .forward = squared_forward,
     .vjp = squared_vjp,
     .jvp = squared_jvp},
    {.name = "binary_cross_entropy",
     .value = "loss = sum max(z, 0) - z t + log(1 + exp(-|z|))",
     .vjp_formula = "dz = (sigmoid(z) - t) dloss",
     .jvp_formula = "(sigmoid(z) - t) . z.",
     .flags = OP_LOSS | OP_NEEDS_INPUT,
     .inputs = 1,
     .shape = shape,
     .forward = logistic_forward,
     .vjp = logistic_vjp,
     .jvp = logistic_jvp,
     .predict = logistic_predict},
};

const struct op *op_loss_at(size_t i) {
    return i < sizeof rows / sizeof *rows ? &rows[i] : NULL;
}
