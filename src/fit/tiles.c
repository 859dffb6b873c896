/* A tile's gradient is that of the data, summed over the batch; then come the penalties and clip_value, the
 * optimiser's step and the soft threshold, all while the tile is in cache. A limit on the norm of the whole
 * gradient needs all tiles before the first update: the gradient is then stored, and the work is cut into two
 * passes. The norm is summed in the order of the tiles by every thread for itself. */
#include "fit/tiles.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "fit/fit_parts.h"

/* ---- before the first step ---- */

static bool limits_norm(const struct fit_setup *setup) {
    return setup->optimizer.clip_norm > 0; /* NAN: no */
}

size_t tiles_bytes(const struct fit_setup *setup) {
    return limits_norm(setup) ? setup->model->size * sizeof(real) : 0;
}

/* The columns of parameter i in pieces as wide as a tile; counts only where there is no room yet. */
static size_t cut_columns(struct tiles *tiles, const struct model *model, size_t i, size_t count) {
    const struct parameter *p = &model->parameter[i];
    size_t padded = (p->out + KERNEL_LANES - 1) / KERNEL_LANES * KERNEL_LANES;
    if (tiles->penalty[i].max_norm == 0)
        return count;
    for (size_t first = 0; first < padded; first += OP_TILE_COLS, count++)
        if (tiles->limited)
            tiles->limited[count] = (struct limited_columns){
                i, first, padded - first < OP_TILE_COLS ? padded - first : OP_TILE_COLS};
    return count;
}

static size_t cut_all(struct tiles *tiles, const struct model *model) {
    size_t count = 0;
    for (size_t i = 0; i < model->parameter_count; i++)
        count = cut_columns(tiles, model, i, count);
    return count;
}

bool tiles_init(struct fit *fit, struct err *err) {
    struct tiles *tiles = &fit->tiles;
    const struct model *model = fit->setup.model;
    tiles->penalty = mem_alloc(model->parameter_count, sizeof *tiles->penalty, "the penalties", err);
    if (!tiles->penalty)
        return false;
    for (size_t i = 0; i < model->parameter_count; i++)
        tiles->penalty[i] = penalty_of(&fit->setup, i);
    tiles->limited_count = cut_all(tiles, model);
    tiles->limited = mem_alloc(tiles->limited_count, sizeof *tiles->limited, "the limits of norms", err);
    if (!tiles->limited)
        return false;
    cut_all(tiles, model);
    if (!limits_norm(&fit->setup))
        return true;
    tiles->gradient = mem_alloc_aligned(model->size, sizeof *tiles->gradient, "the gradient", err);
    if (tiles->gradient)
        tiles->squares =
            mem_alloc(tape_tiles(model->tape), sizeof *tiles->squares, "the gradient's norm", err);
    return tiles->squares != NULL;
}

void tiles_release(struct fit *fit) {
    mem_free(fit->tiles.squares);
    mem_free(fit->tiles.gradient);
    mem_free(fit->tiles.limited);
    mem_free(fit->tiles.penalty);
}

double fit_penalty(const struct fit *fit) {
    const struct model *model = fit->setup.model;
    double sum = 0;
    for (size_t i = 0; i < model->parameter_count; i++)
        sum += penalty_value(&fit->tiles.penalty[i], model, model->theta, i);
    return sum;
}

void tiles_share_out(struct fit *fit) {
    size_t tiles = tape_tiles(fit->source.model->tape);
    if (fit->tiles.gradient)
        work_begin(&fit->work[WORK_GRADIENTS], tiles);
    work_begin(&fit->work[WORK_TILES], tiles);
    work_begin(&fit->work[WORK_NORMS], fit->tiles.limited_count);
    work_begin(&fit->work[WORK_FIGURES], fit->diagnostics ? tiles : 0);
}

/* ---- the gradient ---- */

static void data_gradient(struct fit *fit, size_t t, real *gradient) {
    const struct sparse_columns *columns =
        fit->source.sparse ? sparse_batch_columns(fit->source.sparse) : NULL;
    real scale = slice_input_scale(&fit->source, fit_noise_of(&fit->noise, 0));
    tape_gradient(fit->source.model->tape, fit->ws, fit->source.kernel, columns, scale, fit->samples, t,
                  gradient);
    if (fit->diagnostics)
        diagnostics_gradient(fit->diagnostics, t, gradient);
}

/* From the tile's gradient of the data in g to that of the objective in out, which may be g. The proximal
 * method has its L1 in the update. */
static void penalise(const struct fit *fit, const struct tape_tile *at, const real *g, real *out,
                     size_t out_stride) {
    const struct penalty *penalty = &fit->tiles.penalty[at->parameter];
    double clip = fit->setup.optimizer.clip_value > 0 ? fit->setup.optimizer.clip_value : INFINITY;
    double l1 = fit->setup.regularization.l1_method == L1_SUBGRADIENT ? penalty->l1 : 0;
    if (penalty->l2 == 0 && l1 == 0 && isinf(clip) && out == g)
        return;
    fit->source.kernel->penalise(at->rows, at->cols, fit->setup.model->theta + at->offset, at->stride, g,
                                 OP_TILE_COLS, (real)penalty->l2, (real)l1, (real)clip, out, out_stride);
}

static void store_gradient(struct fit *fit, size_t t) {
    _Alignas(MEM_ALIGN) real gradient[OP_TILE_ROWS * OP_TILE_COLS];
    struct tape_tile at = tape_tile(fit->source.model->tape, t);
    real *stored = fit->tiles.gradient + at.offset;
    data_gradient(fit, t, gradient);
    penalise(fit, &at, gradient, stored, at.stride);
    fit->tiles.squares[t] = fit->source.kernel->sum_squares(at.rows, at.cols, stored, at.stride);
}

/* What takes the norm of the stored gradient to the limit (Pascanu, Mikolov and Bengio 2013). A norm that is
 * no number must not end in steps of 0: then nothing is finite, and noticed. */
static real clip_scale(const struct fit *fit) {
    double limit = fit->setup.optimizer.clip_norm, sum = 0;
    for (size_t t = 0; t < tape_tiles(fit->source.model->tape); t++)
        sum += fit->tiles.squares[t];
    double norm = sqrt(sum);
    if (!isfinite(norm))
        return (real)NAN;
    return norm > limit ? (real)(limit / norm) : 1;
}

/* ---- updates ---- */

static void update_tile(struct fit *fit, size_t t, real scale) {
    _Alignas(MEM_ALIGN) real computed[OP_TILE_ROWS * OP_TILE_COLS];
    const struct model *model = fit->source.model;
    const struct kernel *k = fit->source.kernel;
    struct tape_tile at = tape_tile(model->tape, t);
    const struct penalty *penalty = &fit->tiles.penalty[at.parameter];
    const struct optimizer_tile tile = {at.offset, at.stride, at.rows, at.cols};
    const struct optimizer_terms terms = {
        scale, fit->setup.regularization.l1_method == L1_PROXIMAL ? penalty->l1 : 0, penalty->decays};
    const real *gradient = fit->tiles.gradient ? fit->tiles.gradient + at.offset : computed;
    if (fit->fetch)
        optimizer_fetch(fit->optimizer, k, &tile, model->theta);
    if (gradient == computed) {
        data_gradient(fit, t, computed);
        penalise(fit, &at, computed, computed, OP_TILE_COLS);
    }
    if (!optimizer_update(fit->optimizer, k, &tile, &terms, model->theta, gradient,
                          gradient == computed ? OP_TILE_COLS : at.stride))
        atomic_store(&fit->parameter_broken, true);
    if (!fit->noise.theta)
        packed_tile(&fit->packed, model->theta, t);
}

static void limit_norms(struct fit *fit, size_t piece) {
    const struct limited_columns *columns = &fit->tiles.limited[piece];
    const struct parameter *p = &fit->setup.model->parameter[columns->parameter];
    double limit = fit->tiles.penalty[columns->parameter].max_norm;
    if (!fit->source.kernel->limit_columns(p->in, columns->cols,
                                           fit->setup.model->theta + p->offset + columns->first, p->stride,
                                           (real)limit))
        atomic_store(&fit->parameter_broken, true);
    packed_columns(&fit->packed, fit->setup.model->theta, columns->parameter, columns->first, columns->cols);
}

void tiles_update(struct fit *fit, size_t rank) {
    real scale = 1;
    if (fit->tiles.gradient) {
        for (size_t t, helped = 0; work_take(&fit->work[WORK_GRADIENTS], rank, &helped, &t);)
            store_gradient(fit, t);
        fit_barrier(fit);
        scale = clip_scale(fit);
    }
    if (rank == 0)
        fit->tiles.scale = scale; /* of all members, who computed the same */
    for (size_t t, helped = 0; work_take(&fit->work[WORK_TILES], rank, &helped, &t);)
        update_tile(fit, t, scale);
    if (fit->tiles.limited_count) {
        fit_barrier(fit);
        for (size_t p, helped = 0; work_take(&fit->work[WORK_NORMS], rank, &helped, &p);)
            limit_norms(fit, p);
    }
    if (fit->diagnostics) {
        fit_barrier(fit);
        for (size_t t, helped = 0; work_take(&fit->work[WORK_FIGURES], rank, &helped, &t);)
            diagnostics_update(fit->diagnostics, t);
    }
}
