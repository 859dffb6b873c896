/* One elementwise row for each activation of kernel/activation.h; prelu also has a parameter, its slope. */
#include "autodiff/op.h"

static bool shape(const size_t *input_rows, size_t units, struct op_shape *out, struct err *err) {
    (void)units, (void)err;
    *out = (struct op_shape){.rows = input_rows[0]};
    return true;
}

static bool shape_learned(const size_t *input_rows, size_t units, struct op_shape *out, struct err *err) {
    (void)units, (void)err;
    *out = (struct op_shape){
        .rows = input_rows[0], .parameter = {{1, 1, KERNEL_LANES}}, .parameters = 1, .kept = 1};
    return true;
}

static real slope(const struct op_call *c) {
    return c->parameter[0] ? c->parameter[0][0] : c->constant;
}

static void forward(const struct op_call *c) {
    c->k->activation[c->code].value(c->rows * c->lanes, c->x[0], c->y, slope(c));
}

static void vjp(const struct op_call *c) {
    /* The sum over features first: dx may overwrite dy. */
    if (c->kept)
        c->k->dot_negative(c->rows, c->lanes, c->x[0], c->dy, c->kept + c->first);
    if (c->dx[0])
        c->k->activation[c->code].slope(c->rows * c->lanes, c->x[0], c->y, c->dy, c->dx[0], slope(c),
                                        c->add[0]);
}

static void jvp(const struct op_call *c) {
    c->k->activation[c->code].slope(c->rows * c->lanes, c->x[0], c->y, c->x_dot[0], c->y_dot, slope(c),
                                    false);
}

/* f'(x) x_dot + a_dot min(x, 0) */
static void jvp_learned(const struct op_call *c) {
    if (c->x_dot[0])
        jvp(c);
    for (size_t i = 0; i < c->rows * c->lanes; i++) {
        real low = c->x[0][i] < 0 ? c->x[0][i] : 0;
        c->y_dot[i] = (c->x_dot[0] ? c->y_dot[i] : 0) + c->parameter_dot[0][0] * low;
    }
}

static void gradient_learned(const struct op_tile *t) {
    real sum = 0;
    for (size_t s = 0; s < t->batch; s++)
        sum += t->kept[s];
    for (size_t i = 0; i < t->cols; i++)
        t->gradient[i] = i == 0 ? sum : 0;
}

#define KEEP_Y      OP_NEEDS_OUTPUT
#define KEEP_X      OP_NEEDS_INPUT
#define BEND_BENT   OP_KINK
#define BEND_SMOOTH 0

static const struct op rows[ACTIVATION_COUNT] = {
#define X(id, label, kept, gain, use, start, bend, text, value_of_x, slope_of_xy, slope_text)                \
    [ACTIVATION_##id] = {.name = label,                                                                      \
                         .value = "y = " text,                                                               \
                         .vjp_formula = "dx = dy f'(x), f' = " slope_text,                                   \
                         .jvp_formula = "f'(x) x.",                                                          \
                         .constant = "slope",                                                                \
                         .flags = OP_ELEMENTWISE | KEEP_##kept | BEND_##bend,                                \
                         .code = ACTIVATION_##id,                                                            \
                         .inputs = 1,                                                                        \
                         .shape = shape,                                                                     \
                         .forward = forward,                                                                 \
                         .vjp = vjp,                                                                         \
                         .jvp = jvp},
    ACTIVATION_LIST(X)
#undef X
};

/* Where the slope is learned it is a parameter. */
static const struct op prelu = {
    .name = "prelu",
    .value = "y = x > 0 ? x : a x",
    .vjp_formula = "dx = x > 0 ? dy : a dy, da = sum dy min(x, 0)",
    .jvp_formula = "(x > 0 ? 1 : a) x. + a. min(x, 0)",
    .parameter = {"slope"},
    .flags = OP_ELEMENTWISE | OP_NEEDS_INPUT | OP_KINK,
    .code = ACTIVATION_PRELU,
    .inputs = 1,
    .shape = shape_learned,
    .forward = forward,
    .vjp = vjp,
    .jvp = jvp_learned,
    .gradient = gradient_learned,
};

const struct op *op_activation_at(size_t i) {
    return activation_info((enum activation)i)->learns_slope ? &prelu : &rows[i];
}
