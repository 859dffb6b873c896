/* z = W x + b. W is stored transposed, [in][out padded], so that all three products broadcast weights or
 * inputs and read panels straight through: forward   z[o][s]  = sum over i of Wt[i][o] x[i][s], then + b[o]
 *   vjp       dx[i][s] = sum over o of Wt[i][o] dz[o][s]
 *   gradient  dWt[i][o] = sum over samples of x[i][s] dz[o][s],  db[o] = sum over samples of dz[o][s]
 * For the last one vjp keeps dz sample-major, in panels of OP_TILE_COLS outputs:
 * [panel][sample][OP_TILE_COLS]. */
#include "autodiff/op.h"
#include "base/mem.h"

enum { WEIGHT, BIAS };

/* Rows are whole vectors; a stride that is a multiple of 1 KiB would put a column into a few cache sets
 * only. */
static size_t padded_stride(size_t out) {
    size_t stride = (out + KERNEL_LANES - 1) / KERNEL_LANES * KERNEL_LANES;
    return stride % 256 == 0 ? stride + KERNEL_LANES : stride;
}

static size_t panels(size_t out) {
    return (out + OP_TILE_COLS - 1) / OP_TILE_COLS;
}

static bool shape(const size_t *input_rows, size_t units, struct op_shape *out, struct err *err) {
    size_t stride = padded_stride(units), total;
    if (!mem_mul(input_rows[0], stride, &total) || !mem_mul(total, sizeof(real), &total))
        return err_set(err, ERR_CONFIG, "a layer of %zu inputs and %zu units is too large for this machine",
                       input_rows[0], units);
    *out = (struct op_shape){
        .rows = units,
        .parameter = {[WEIGHT] = {input_rows[0], units, stride}, [BIAS] = {1, units, stride}},
        .parameters = 2,
        .kept = panels(units) * OP_TILE_COLS,
        .multiply = (double)input_rows[0] * (double)units,
    };
    return true;
}

static void forward(const struct op_call *c) {
    size_t stride = c->shape[WEIGHT].stride;
    c->k->gemm(c->rows, c->lanes, c->rows_in, c->parameter[WEIGHT], 1, stride, c->x[0], c->lanes, c->y,
               c->lanes, false);
    c->k->add_bias(c->rows, c->lanes, c->y, c->parameter[BIAS]);
}

static void keep_sample_major(const struct op_call *c) {
    for (size_t o0 = 0; o0 < c->rows; o0 += OP_TILE_COLS) {
        real *panel = c->kept + (o0 * c->capacity + c->first * OP_TILE_COLS);
        size_t wide = c->rows - o0 < OP_TILE_COLS ? c->rows - o0 : OP_TILE_COLS;
        for (size_t s = 0; s < c->lanes; s++) {
            real *row = panel + s * OP_TILE_COLS;
            for (size_t o = 0; o < wide; o++)
                row[o] = c->dy[(o0 + o) * c->lanes + s];
            for (size_t o = wide; o < OP_TILE_COLS; o++)
                row[o] = 0;
        }
    }
}

static void vjp(const struct op_call *c) {
    if (c->dx[0])
        c->k->gemm(c->rows_in, c->lanes, c->rows, c->parameter[WEIGHT], c->shape[WEIGHT].stride, 1, c->dy,
                   c->lanes, c->dx[0], c->lanes, c->add[0]);
    if (c->kept)
        keep_sample_major(c);
}

/* W x_dot + W_dot x + b_dot */
static void jvp(const struct op_call *c) {
    size_t stride = c->shape[WEIGHT].stride;
    bool started = false;
    if (c->x_dot[0]) {
        c->k->gemm(c->rows, c->lanes, c->rows_in, c->parameter[WEIGHT], 1, stride, c->x_dot[0], c->lanes,
                   c->y_dot, c->lanes, false);
        started = true;
    }
    c->k->gemm(c->rows, c->lanes, c->rows_in, c->parameter_dot[WEIGHT], 1, stride, c->x[0], c->lanes,
               c->y_dot, c->lanes, started);
    c->k->add_bias(c->rows, c->lanes, c->y_dot, c->parameter_dot[BIAS]);
}

static void gradient(const struct op_tile *t) {
    const real *dz = t->kept + t->col0 * t->capacity;
    for (size_t first = 0; first < t->batch; first += t->lanes) {
        size_t samples = t->batch - first < t->lanes ? t->batch - first : t->lanes;
        const real *x =
            t->parameter == BIAS ? t->ones : t->x + first / t->lanes * t->slice_stride + t->row0 * t->lanes;
        t->k->gemm(t->rows, t->cols, samples, x, t->lanes, 1, dz + first * OP_TILE_COLS, OP_TILE_COLS,
                   t->gradient, OP_TILE_COLS, first > 0);
    }
}

const struct op op_affine = {
    .name = "affine",
    .value = "z = W x + b",
    .vjp_formula = "dx = W' dz, dW = sum dz x', db = sum dz",
    .jvp_formula = "W x. + W. x + b.",
    .parameter = {[WEIGHT] = "weight", [BIAS] = "bias"},
    .flags = OP_NEEDS_INPUT | OP_BATCH_INPUT,
    .inputs = 1,
    .shape = shape,
    .forward = forward,
    .vjp = vjp,
    .jvp = jvp,
    .gradient = gradient,
};
