/* y = m x with a random m for every number, 0 or 1 / keep (Srivastava et al. 2014, in the inverted form,
 * which leaves nothing to do where there is no noise). saved: m, which forward and reverse pass share. */
#include <string.h>

#include "autodiff/op.h"
#include "kernel/random.h"

static bool shape(const size_t *input_rows, size_t units, struct op_shape *out, struct err *err) {
    (void)units, (void)err;
    *out = (struct op_shape){.rows = input_rows[0], .saved = input_rows[0]};
    return true;
}

static void forward(const struct op_call *c) {
    if (c->noise)
        c->k->drop(c->rows, c->lanes, c->noise, random_stream_of(STREAM_DROPOUT, c->layer),
                   dropout_keeping(c->constant), c->x[0], c->y, c->saved);
    else if (c->y != c->x[0])
        memcpy(c->y, c->x[0], c->rows * c->lanes * sizeof(real));
}

/* Without noise m is 1. */
static void multiplier(const struct op_call *c) {
    for (size_t i = 0; !c->noise && i < c->rows * c->lanes; i++)
        c->saved[i] = 1;
}

static void vjp(const struct op_call *c) {
    multiplier(c);
    if (c->dx[0])
        c->k->multiply(c->rows * c->lanes, c->dy, c->saved, c->dx[0], c->add[0]);
}

static void jvp(const struct op_call *c) {
    multiplier(c);
    c->k->multiply(c->rows * c->lanes, c->x_dot[0], c->saved, c->y_dot, false);
}

const struct op op_dropout = {
    .name = "dropout",
    .value = "y = m x, m = 0 or 1 / keep at random",
    .vjp_formula = "dx = m dy",
    .jvp_formula = "m x.",
    .constant = "keep",
    .flags = OP_ELEMENTWISE,
    .inputs = 1,
    .shape = shape,
    .forward = forward,
    .vjp = vjp,
    .jvp = jvp,
};
