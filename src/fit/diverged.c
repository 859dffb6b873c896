#include "fit/diverged.h"

#include <stdio.h>

#include "base/mem.h"

/* What is not finite, of which operation. */
struct broken {
    size_t node;
    const char *part, *of; /* "weight", " gradient", "'s state in the optimizer" */
};

/* Whether the first `count` samples of a panel are finite; behind them is padding. */
static bool finite_samples(const struct slice_source *source, const real *panel, size_t rows, size_t count) {
    for (size_t f = 0; f < rows; f++)
        if (!source->kernel->all_finite(count, panel + f * source->lanes))
            return false;
    return true;
}

static size_t samples_from(const struct diverged_step *step, size_t first) {
    size_t left = step->samples - first;
    return left < step->source->lanes ? left : step->source->lanes;
}

/* The first operation with an output that is not finite on a sample of this batch; the loss if there is none
 * before. */
static size_t broken_node(const struct diverged_step *step) {
    const struct slice_source *source = step->source;
    const struct tape *tape = source->model->tape;
    size_t first_broken = tape_nodes(tape) - 1;
    for (size_t first = 0; first < step->samples; first += source->lanes) {
        size_t count = samples_from(step, first);
        struct tape_slice slice = {.k = source->kernel,
                                   .theta = step->theta,
                                   .packed = step->packed,
                                   .noise = fit_noise_of(step->noise, first / source->lanes)};
        slice_load_images(source, step->ws, &slice, step->row + first, count);
        slice_load_targets(source, &slice, step->targets, step->row + first, count);
        for (size_t n = 0; n < first_broken; n++) {
            tape_forward_until(tape, step->ws, &slice, n + 1);
            size_t value = tape_node_output(tape, n);
            if (!finite_samples(source, tape_value(tape, step->ws, &slice, value), tape_rows(tape, value),
                                count))
                first_broken = n;
        }
    }
    return first_broken;
}

/* ---- after an update: what the step has left in the workspace ---- */

/* The output of a hidden layer is kept with the slices, for the gradient of the layer above; but where it is
 * packed for that, only the gradient tells. */
static bool kept_is_finite(const struct diverged_step *step, size_t value) {
    const struct slice_source *source = step->source;
    const struct tape *tape = source->model->tape;
    struct tape_slice slice = {.index = 0};
    for (size_t first = 0; first < step->samples; first += source->lanes, slice.index++)
        if (!finite_samples(source, tape_value(tape, step->ws, &slice, value), tape_rows(tape, value),
                            samples_from(step, first)))
            return false;
    return true;
}

static bool find_output(const struct diverged_step *step, struct broken *out) {
    const struct model *model = step->source->model;
    for (size_t i = 0; !step->source->kernel->products && i < model->parameter_count; i++) {
        size_t node = tape_parameter(model->tape, i)->node;
        if (model->parameter[i].kind != PARAMETER_WEIGHT || node == 0 ||
            kept_is_finite(step, tape_node_output(model->tape, node - 1)))
            continue;
        *out = (struct broken){node - 1, "output", ""};
        return true;
    }
    return false;
}

/* The gradient of tile t, computed again, is finite. */
static bool gradient_is_finite(const struct diverged_step *step, size_t t) {
    _Alignas(MEM_ALIGN) real gradient[OP_TILE_ROWS * OP_TILE_COLS];
    const struct slice_source *source = step->source;
    const struct sparse_columns *columns = source->sparse ? sparse_batch_columns(source->sparse) : NULL;
    struct tape_tile tile = tape_tile(source->model->tape, t);
    real scale = slice_input_scale(source, fit_noise_of(step->noise, 0));
    tape_gradient(source->model->tape, step->ws, source->kernel, columns, scale, step->samples, t, gradient);
    for (size_t r = 0; r < tile.rows; r++)
        if (!source->kernel->all_finite(tile.cols, gradient + r * OP_TILE_COLS))
            return false;
    return true;
}

static bool find_gradient(const struct diverged_step *step, struct broken *out) {
    const struct tape *tape = step->source->model->tape;
    size_t lowest = tape_parameters(tape); /* tiles are not in the order of the layers */
    for (size_t t = 0; t < tape_tiles(tape); t++) {
        size_t parameter = tape_tile(tape, t).parameter;
        if (parameter < lowest && !gradient_is_finite(step, t))
            lowest = parameter;
    }
    if (lowest == tape_parameters(tape))
        return false;
    *out =
        (struct broken){tape_parameter(tape, lowest)->node, tape_parameter(tape, lowest)->name, " gradient"};
    return true;
}

static bool find_parameter(const struct diverged_step *step, struct broken *out) {
    const struct model *model = step->source->model;
    const struct kernel *k = step->source->kernel;
    for (size_t i = 0; i < tape_parameters(model->tape); i++) {
        const struct tape_parameter *p = tape_parameter(model->tape, i);
        size_t count = p->matrix.rows * p->matrix.stride;
        bool finite = k->all_finite(count, model->theta + p->offset);
        if (finite && optimizer_finite(step->optimizer, k, p->offset, count))
            continue;
        *out = (struct broken){p->node, p->name, finite ? "'s state in the optimizer" : ""};
        return true;
    }
    return false;
}

void diverged_explain(const struct diverged_step *step, struct err *err) {
    const struct tape *tape = step->source->model->tape;
    const struct fit_status *at = step->status;
    struct broken broken = {0, "output", ""};
    bool parameter = false;
    if (!step->updated)
        broken.node = broken_node(step);
    else if (!find_output(step, &broken) && !find_gradient(step, &broken))
        parameter = find_parameter(step, &broken);
    kernel_rest(step->source->kernel);
    bool loss = broken.node + 1 == tape_nodes(tape);
    char advice[96] = "nothing was learned yet: look at data.scale and the initial weights";
    if (parameter || at->total_steps > 0)
        snprintf(advice, sizeof advice, "a smaller %s may help",
                 step->lr_path ? step->lr_path : "optimizer.lr");
    err_set(err, ERR_DIVERGED,
            "training diverged in epoch %zu at step %zu of %zu: %s%s%s%s is not finite; %s", at->epoch,
            at->step + 1, at->steps, loss ? "" : tape_label(tape, broken.node), loss ? "the " : ": its ",
            loss ? "loss" : broken.part, broken.of, advice);
}
