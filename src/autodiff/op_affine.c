/* z = W x + b. W is stored transposed, [in][out padded], so that all three products broadcast weights or
 * inputs and read panels straight through: forward   z[o][s]  = sum over i of Wt[i][o] x[i][s], then + b[o]
 *   vjp       dx[i][s] = sum over o of Wt[i][o] dz[o][s]
 *   gradient  dWt[i][o] = sum over samples of x[i][s] dz[o][s],  db[o] = sum over samples of dz[o][s]
 * For the last one vjp keeps dz in sample-major panels, [panel][sample][KERNEL_PANEL], as the kernel's
 * products take it. x may come in compressed form. Products over packed factors may have it scaled: bytes are
 * exact in bfloat16 where the product is scaled and they are not. They pack x in the forward and dz in the
 * reverse pass, where they are at hand. */
#include <math.h>

#include "autodiff/op.h"
#include "base/mem.h"
#include "kernel/random.h"

enum { WEIGHT, BIAS };

/* Rows are whole vectors; a stride that is a multiple of 1 KiB would put a column into a few cache sets
 * only. */
static size_t padded_stride(size_t out) {
    size_t stride = (out + KERNEL_LANES - 1) / KERNEL_LANES * KERNEL_LANES;
    return stride % 256 == 0 ? stride + KERNEL_LANES : stride;
}

static size_t panels(size_t out) {
    return (out + KERNEL_PANEL - 1) / KERNEL_PANEL;
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
        .kept = panels(units) * KERNEL_PANEL,
        .multiply = (double)input_rows[0] * (double)units,
    };
    return true;
}

static struct weight_shape weight_shape(const struct op_call *c) {
    return (struct weight_shape){c->rows_in, c->rows, c->shape[WEIGHT].stride, c->one_way};
}

static struct product_slice product_slice(const struct op_call *c) {
    return (struct product_slice){c->lanes, c->samples, c->packed.stride};
}

static void forward_packed(const struct op_call *c) {
    const struct products *p = c->packed.products;
    const struct weight_shape shape = weight_shape(c);
    const struct product_slice slice = product_slice(c);
    p->pack_input(c->rows_in, &slice, c->x[0], c->packed.scratch, c->packed.input);
    p->forward(&shape, c->lanes, c->packed.weight, c->packed.scratch, c->y);
}

static void forward(const struct op_call *c) {
    size_t stride = c->shape[WEIGHT].stride;
    const real *weight = c->parameter[WEIGHT] + c->first_row, *bias = c->parameter[BIAS] + c->first_row;
    real *y = c->y + c->first_row * c->lanes;
    if (c->packed.products)
        forward_packed(c);
    else if (c->sparse)
        c->k->sparse_forward(c->some_rows, c->lanes, c->sparse, weight, stride, y);
    else
        c->k->gemm(c->some_rows, c->lanes, c->rows_in, weight, 1, stride, c->x[0], c->lanes, y, c->lanes,
                   false);
    c->k->add_bias(c->some_rows, c->lanes, c->scale, y, bias);
}

static void keep_sample_major(const struct op_call *c) {
    for (size_t o = 0; o < c->rows; o += KERNEL_PANEL) {
        size_t wide = c->rows - o < KERNEL_PANEL ? c->rows - o : KERNEL_PANEL;
        real *kept = c->kept + o * c->capacity + c->first * KERNEL_PANEL;
        c->k->transpose(wide, c->lanes, c->dy + o * c->lanes, c->lanes, kept, KERNEL_PANEL);
    }
}

static void vjp_packed(const struct op_call *c) {
    const struct products *p = c->packed.products;
    const struct weight_shape shape = weight_shape(c);
    const struct product_slice slice = product_slice(c);
    p->pack_cotangent(c->rows, &slice, c->dy, c->dx[0] ? c->packed.scratch : NULL, c->packed.cotangent);
    if (c->dx[0])
        p->backward(&shape, c->lanes, c->packed.weight, c->packed.scratch, c->dx[0], c->add[0]);
}

static void vjp(const struct op_call *c) {
    if (c->packed.products) {
        vjp_packed(c);
        return;
    }
    if (c->dx[0])
        c->k->gemm(c->rows_in, c->lanes, c->rows, c->parameter[WEIGHT], c->shape[WEIGHT].stride, 1, c->dy,
                   c->lanes, c->dx[0], c->lanes, c->add[0]);
    if (c->kept)
        keep_sample_major(c);
}

/* W_dot x + b_dot + W x_dot */
static void jvp(const struct op_call *c) {
    size_t stride = c->shape[WEIGHT].stride;
    c->k->gemm(c->rows, c->lanes, c->rows_in, c->parameter_dot[WEIGHT], 1, stride, c->x[0], c->lanes,
               c->y_dot, c->lanes, false);
    c->k->add_bias(c->rows, c->lanes, c->scale, c->y_dot, c->parameter_dot[BIAS]);
    if (c->x_dot[0])
        c->k->gemm(c->rows, c->lanes, c->rows_in, c->parameter[WEIGHT], 1, stride, c->x_dot[0], c->lanes,
                   c->y_dot, c->lanes, true);
}

/* Segment by segment: the sums of one go on from those of the one before. */
static void gradient_sparse(const struct op_tile *t, const real *dz, size_t panel_stride) {
    const struct sparse_columns *x = t->sparse;
    for (size_t first = 0, segment = 0; first < t->batch; first += SPARSE_SEGMENT, segment++)
        t->k->sparse_gradient(t->rows, t->cols, x->entry, x->start + segment * x->features + t->row0,
                              x->value, dz + first * KERNEL_PANEL, panel_stride, segment > 0, t->gradient,
                              OP_TILE_COLS);
}

static void gradient_packed(const struct op_tile *t) {
    const struct product_tile tile = {.in = t->rows_in,
                                      .out = t->rows_out,
                                      .row0 = t->row0,
                                      .rows = t->rows,
                                      .col0 = t->col0,
                                      .cols = t->cols,
                                      .batch = t->batch,
                                      .scale = t->scale,
                                      .input = t->packed_input,
                                      .input_stride = t->packed_stride,
                                      .cotangent = t->packed_cotangent,
                                      .cotangent_stride = t->packed_stride};
    if (t->parameter == BIAS)
        t->products->sum_cotangents(&tile, t->gradient);
    else
        t->products->gradient(&tile, t->gradient, OP_TILE_COLS);
}

static void gradient(const struct op_tile *t) {
    size_t panel_stride = t->capacity * KERNEL_PANEL;
    const real *dz = t->kept + t->col0 / KERNEL_PANEL * panel_stride;
    if (t->products)
        gradient_packed(t);
    else if (t->parameter == BIAS)
        t->k->sum_samples(t->cols, t->batch, dz, panel_stride, t->gradient);
    else if (t->sparse)
        gradient_sparse(t, dz, panel_stride);
    else
        t->k->gradient(t->rows, t->cols, t->batch, t->lanes, t->x + t->row0 * t->lanes, t->slice_stride, dz,
                       panel_stride, t->gradient, OP_TILE_COLS);
}

const struct op op_affine = {
    .name = "affine",
    .value = "z = W x + b",
    .vjp_formula = "dx = W' dz, dW = sum dz x', db = sum dz",
    .jvp_formula = "W x. + W. x + b.",
    .parameter = {[WEIGHT] = "weight", [BIAS] = "bias"},
    .flags = OP_NEEDS_INPUT | OP_BATCH_INPUT | OP_SPARSE_INPUT,
    .inputs = 1,
    .shape = shape,
    .forward = forward,
    .vjp = vjp,
    .jvp = jvp,
    .gradient = gradient,
};

/* ---- with noise on the weights ---- */

/* A weight matrix of its own for every sample, W + sigma E with E standard normal, makes the sums normal with
 * mean W x + b and, unit by unit, deviation sigma ||x||; so these are drawn instead of the matrices (the
 * local reparameterisation of Kingma, Salimans and Welling, "Variational dropout and the local
 * reparameterization trick", NIPS 2015). saved: ||x||, a row to work with, e. */
enum { SAVED_NORM, SAVED_ROW, SAVED_NOISE };

static bool shape_noise(const size_t *input_rows, size_t units, struct op_shape *out, struct err *err) {
    if (!shape(input_rows, units, out, err))
        return false;
    out->saved = SAVED_NOISE + units;
    return true;
}

static real *saved_row(const struct op_call *c, size_t row) {
    return c->saved + row * c->lanes;
}

static void forward_noise(const struct op_call *c) {
    real *norm = saved_row(c, SAVED_NORM), *deviation = saved_row(c, SAVED_ROW);
    real *y = c->y + c->first_row * c->lanes;
    forward(c);
    if (!c->noise)
        return;
    if (c->sparse)
        c->k->sparse_squares(c->lanes, c->sparse, norm);
    else
        c->k->dot(c->rows_in, c->lanes, c->x[0], c->x[0], norm);
    for (size_t s = 0; s < c->lanes; s++) {
        norm[s] = c->scale * (real)sqrt((double)norm[s]);
        deviation[s] = c->constant * norm[s];
    }
    c->k->add_normal(c->some_rows, c->lanes, c->first_row, c->noise,
                     random_stream_of(STREAM_WEIGHT_NOISE, c->layer), deviation, y, y, c->lanes,
                     saved_row(c, SAVED_NOISE + c->first_row));
}

/* Divides a row by ||x||, times sigma; ||x|| is not differentiable at 0, where 0 is taken. */
static void by_norm(const struct op_call *c, real *row) {
    const real *norm = saved_row(c, SAVED_NORM);
    for (size_t s = 0; s < c->lanes; s++)
        row[s] = norm[s] > 0 ? c->constant * row[s] / norm[s] : 0;
}

static void vjp_noise(const struct op_call *c) {
    vjp(c);
    if (!c->noise || !c->dx[0])
        return;
    real *row = saved_row(c, SAVED_ROW);
    c->k->dot(c->rows, c->lanes, saved_row(c, SAVED_NOISE), c->dy, row);
    by_norm(c, row);
    c->k->add_scaled(c->rows_in, c->lanes, row, c->x[0], c->dx[0]);
}

static void jvp_noise(const struct op_call *c) {
    jvp(c);
    if (!c->noise || !c->x_dot[0])
        return;
    real *row = saved_row(c, SAVED_ROW);
    c->k->dot(c->rows_in, c->lanes, c->x[0], c->x_dot[0], row);
    by_norm(c, row);
    c->k->add_scaled(c->rows, c->lanes, row, saved_row(c, SAVED_NOISE), c->y_dot);
}

const struct op op_affine_noise = {
    .name = "affine_noise",
    .value = "z = W x + b + sigma |x| e, e normal",
    .vjp_formula = "dx = W' dz + sigma (e . dz) x / |x|, dW = sum dz x', db = sum dz",
    .jvp_formula = "W x. + W. x + b. + sigma (x . x.) e / |x|",
    .parameter = {[WEIGHT] = "weight", [BIAS] = "bias"},
    .constant = "sigma",
    .flags = OP_NEEDS_INPUT | OP_BATCH_INPUT | OP_SPARSE_INPUT,
    .inputs = 1,
    .shape = shape_noise,
    .forward = forward_noise,
    .vjp = vjp_noise,
    .jvp = jvp_noise,
    .gradient = gradient,
};
