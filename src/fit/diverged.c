#include "fit/diverged.h"

/* The first parameter that is not finite, or whose state in the optimiser is not (*state), or NULL. */
static const struct tape_parameter *broken_parameter(const struct diverged_step *step, bool *state) {
    const struct model *model = step->source->model;
    const struct kernel *k = step->source->kernel;
    for (size_t i = 0; i < tape_parameters(model->tape); i++) {
        const struct tape_parameter *p = tape_parameter(model->tape, i);
        size_t count = p->matrix.rows * p->matrix.stride;
        bool finite = k->all_finite(count, model->theta + p->offset);
        *state = finite && !optimizer_finite(step->optimizer, k, p->offset, count);
        if (!finite || *state)
            return p;
    }
    return NULL;
}

/* Whether the first `count` samples of a panel are finite; behind them is padding. */
static bool finite_samples(const struct slice_source *source, const real *panel, size_t rows, size_t count) {
    for (size_t f = 0; f < rows; f++)
        if (!source->kernel->all_finite(count, panel + f * source->lanes))
            return false;
    return true;
}

/* The first operation with an output that is not finite on a sample of this batch; the loss if there is none
 * before. */
static size_t broken_node(const struct diverged_step *step) {
    const struct slice_source *source = step->source;
    const struct tape *tape = source->model->tape;
    size_t first_broken = tape_nodes(tape) - 1;
    for (size_t first = 0; first < step->samples; first += source->lanes) {
        size_t count = step->samples - first < source->lanes ? step->samples - first : source->lanes;
        struct tape_slice slice = {.k = source->kernel,
                                   .theta = fit_noise_theta(step->noise, source->model),
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

void diverged_explain(const struct diverged_step *step, struct err *err) {
    const struct tape *tape = step->source->model->tape;
    bool state;
    const struct tape_parameter *p = broken_parameter(step, &state);
    const struct fit_status *at = step->status;
    size_t node = p ? p->node : broken_node(step);
    bool loss = node + 1 == tape_nodes(tape);
    const char *advice = p || at->total_steps > 0
                             ? "a smaller optimizer.lr may help"
                             : "nothing was learned yet: look at data.scale and the initial weights";
    err_set(err, ERR_DIVERGED,
            "training diverged in epoch %zu at step %zu of %zu: %s%s%s%s is not finite; %s", at->epoch,
            at->step + 1, at->steps, loss ? "" : tape_label(tape, node), loss ? "the " : ": its ",
            loss ? "loss"
            : p  ? p->name
                 : "output",
            p && state ? "'s state in the optimizer" : "", advice);
}
