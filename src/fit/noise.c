#include "fit/noise.h"

#include <string.h>

#include "base/mem.h"
#include "kernel/random.h"

static bool noisy_steps(const struct fit_setup *setup) {
    const struct regularization_spec *r = &setup->regularization;
    return r->weight_noise > 0 && r->weight_noise_kind == WEIGHT_NOISE_PER_STEP;
}

static bool noisy_samples(const struct fit_setup *setup) {
    const struct regularization_spec *r = &setup->regularization;
    return setup->model->dropout || r->input_noise > 0 ||
           (r->weight_noise > 0 && r->weight_noise_kind == WEIGHT_NOISE_PER_SAMPLE);
}

size_t fit_noise_bytes(const struct fit_setup *setup) {
    return noisy_steps(setup) ? setup->model->size * sizeof(real) : 0;
}

static size_t widest_row(const struct model *model) {
    size_t widest = 0;
    for (size_t i = 0; i < model->parameter_count; i++)
        widest = model->parameter[i].stride > widest ? model->parameter[i].stride : widest;
    return widest;
}

static bool init_steps(struct fit_noise *noise, const struct fit_setup *setup, struct err *err) {
    static const char what[] = "the noisy parameters";
    size_t widest = widest_row(setup->model);
    noise->theta = mem_alloc_aligned(setup->model->size, sizeof *noise->theta, what, err);
    if (noise->theta)
        noise->unit = mem_alloc(widest, sizeof *noise->unit, what, err);
    if (noise->unit)
        noise->deviation =
            mem_alloc_aligned(OP_TILE_COLS + KERNEL_LANES, sizeof *noise->deviation, what, err);
    if (!noise->deviation)
        return false;
    for (size_t i = 0; i < widest; i++)
        noise->unit[i] = (uint32_t)i;
    for (size_t i = 0; i < OP_TILE_COLS; i++)
        noise->deviation[i] = (real)setup->regularization.weight_noise;
    return true;
}

bool fit_noise_init(struct fit_noise *noise, const struct fit_setup *setup, const uint32_t *row,
                    size_t slices, size_t lanes, struct err *err) {
    if (noisy_steps(setup) && !init_steps(noise, setup, err))
        return false;
    if (!noisy_samples(setup))
        return true;
    noise->slices = slices;
    noise->slice = mem_alloc(slices, sizeof *noise->slice, "a batch", err);
    for (size_t i = 0; noise->slice && i < slices; i++)
        noise->slice[i] = (struct noise){.seed = setup->seed, .sample = row + i * lanes};
    return noise->slice != NULL;
}

void fit_noise_release(struct fit_noise *noise) {
    mem_free(noise->slice);
    mem_free(noise->theta);
    mem_free(noise->unit);
    mem_free(noise->deviation);
    *noise = (struct fit_noise){0};
}

void fit_noise_begin_epoch(struct fit_noise *noise, size_t epoch) {
    for (size_t i = 0; i < noise->slices; i++)
        noise->slice[i].epoch = (uint32_t)epoch;
}

const struct noise *fit_noise_of(const struct fit_noise *noise, size_t slice) {
    return noise->slice ? &noise->slice[slice] : NULL;
}

const real *fit_noise_theta(const struct fit_noise *noise, const struct model *model) {
    return noise->theta ? noise->theta : model->theta;
}

/* A matrix is drawn like a panel: its rows, the inputs, as features and its units as samples. */
void fit_noise_tile(const struct fit_noise *noise, const struct fit_setup *setup, uint64_t step, size_t t) {
    const struct model *model = setup->model;
    struct tape_tile tile = tape_tile(model->tape, t);
    const struct parameter *p = &model->parameter[tile.parameter];
    const real *from = model->theta + tile.offset;
    real *to = noise->theta + tile.offset;
    if (p->kind == PARAMETER_WEIGHT) {
        size_t row = (tile.offset - p->offset) / p->stride, col = (tile.offset - p->offset) % p->stride;
        size_t units = p->out - col < tile.cols ? p->out - col : tile.cols;
        const struct noise draw = {setup->seed, (uint32_t)step, noise->unit + col};
        setup->kernel->add_normal(tile.rows, tile.cols, row, &draw,
                                  random_stream_of(STREAM_STEP_NOISE, (uint32_t)tile.parameter),
                                  noise->deviation + OP_TILE_COLS - units, from, to, tile.stride, NULL);
        return;
    }
    for (size_t r = 0; r < tile.rows; r++)
        memcpy(to + r * tile.stride, from + r * tile.stride, tile.cols * sizeof *to);
}
