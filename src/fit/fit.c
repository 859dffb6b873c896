/* The training step in two phases. Phase 1: a thread takes a slice of the batch through the whole net,
 * forward and back; slices are independent, so there is no waiting between layers and a slice stays in cache
 * (but a large first layer of compressed images comes before, cut by units). Phase 2 (fit/tiles.c): a
 * thread takes a tile of a parameter, sums its gradient over the batch and updates it while it is in cache;
 * the gradient as a whole is stored only where its norm is limited. Which thread does what does not change a
 * bit. */
#include <math.h>
#include <string.h>

#include "fit/diverged.h"
#include "fit/fit_parts.h"

const struct fit_status *fit_status(const struct fit *fit) {
    return &fit->status;
}

bool fit_epoch_done(const struct fit *fit) {
    return fit->epoch_done;
}

enum tape_mode fit_mode(const struct fit *fit) {
    if (fit->source.kernel->products)
        return TAPE_TRAIN_PACKED;
    return fit->sparse ? TAPE_TRAIN_LISTS : TAPE_TRAIN;
}

size_t fit_lanes(const struct fit *fit) {
    return fit->source.lanes;
}

const struct net_diagnostics *fit_diagnostics(const struct fit *fit) {
    return fit->diagnostics ? diagnostics_latest(fit->diagnostics) : NULL;
}

/* ---- phase 1 ---- */

static size_t slices_of(const struct fit *fit) {
    return (fit->samples + fit->source.lanes - 1) / fit->source.lanes;
}

static void note_correct(struct fit *fit, const struct tape_slice *slice, size_t count) {
    const struct slice_source *source = &fit->source;
    const struct tape *tape = source->model->tape;
    uint32_t best[SLICE_MOST];
    source->kernel->argmax(source->model->outputs, source->lanes,
                           tape_value(tape, fit->ws, slice, tape_output(tape)), best);
    size_t first = slice->index * source->lanes;
    for (size_t s = 0; s < count; s++)
        fit->correct[first + s] = best[s] == source->set->cls[fit->row[first + s]];
}

static size_t samples_of_slice(const struct fit *fit, size_t index) {
    size_t first = index * fit->source.lanes;
    return fit->samples - first < fit->source.lanes ? fit->samples - first : fit->source.lanes;
}

/* The parameters of the step in progress. */
static const real *step_theta(const struct fit *fit) {
    return fit_noise_theta(&fit->noise, fit->source.model);
}

static struct tape_slice make_slice(const struct fit *fit, size_t index, size_t thread) {
    return (struct tape_slice){
        .k = fit->source.kernel,
        .theta = step_theta(fit),
        .packed = packed_weights(&fit->packed),
        .index = index,
        .thread = thread,
        .samples = samples_of_slice(fit, index),
        .noise = fit_noise_of(&fit->noise, index),
        .seed = fit->seed + index * fit->source.lanes,
        .sparse = fit->source.sparse ? sparse_batch_rows(fit->source.sparse, index) : NULL,
    };
}

static void list_columns(struct fit *fit, size_t rank) {
    for (size_t b, helped = 0; work_take(&fit->work[WORK_COLUMNS], rank, &helped, &b);)
        sparse_batch_list(fit->source.sparse, fit->source.kernel, fit->samples, b);
}

/* A large first layer of a compressed batch is cut by units instead of samples: a thread keeps to the columns
 * of the weights that it updates in phase 2, which its cache still holds. */
static void first_layer(struct fit *fit, size_t rank) {
    const struct slice_source *source = &fit->source;
    for (size_t s, helped = 0; work_take(&fit->work[WORK_LISTS], rank, &helped, &s);) {
        struct tape_slice slice = make_slice(fit, s, rank);
        slice_load_images(source, fit->ws, &slice, fit->row + s * source->lanes, samples_of_slice(fit, s));
    }
    fit_barrier(fit);
    size_t slices = slices_of(fit), units = tape_first_units(source->model->tape);
    for (size_t p, helped = 0; work_take(&fit->work[WORK_UNITS], rank, &helped, &p);) {
        struct tape_slice slice = make_slice(fit, p % slices, rank);
        size_t first = p / slices * fit->unit_tile, left = units - first;
        tape_forward_first(source->model->tape, fit->ws, &slice, first,
                           left < fit->unit_tile ? left : fit->unit_tile);
    }
    list_columns(fit, rank);
    fit_barrier(fit);
}

static void train_slice(struct fit *fit, size_t index, size_t thread) {
    const struct slice_source *source = &fit->source;
    const struct tape *tape = source->model->tape;
    size_t first = index * source->lanes, count = samples_of_slice(fit, index);
    struct tape_slice slice = make_slice(fit, index, thread);
    slice_load_targets(source, &slice, &fit->targets[thread], fit->row + first, count);
    if (fit->by_units) {
        tape_forward_rest(tape, fit->ws, &slice);
    } else {
        slice_load_images(source, fit->ws, &slice, fit->row + first, count);
        tape_forward(tape, fit->ws, &slice);
    }
    memcpy(fit->loss + first, tape_value(tape, fit->ws, &slice, tape_node_output(tape, tape_nodes(tape) - 1)),
           source->lanes * sizeof(real));
    if (source->set->cls)
        note_correct(fit, &slice, count);
    if (!source->kernel->all_finite(count, fit->loss + first)) {
        atomic_store(&fit->loss_broken, true);
        return;
    }
    tape_reverse(tape, fit->ws, &slice);
}

/* The gradient is taken at noisy weights and applied to the clean ones. */
static void noisy_weights(struct fit *fit, size_t rank) {
    for (size_t t, helped = 0; work_take(&fit->work[WORK_NOISE], rank, &helped, &t);) {
        fit_noise_tile(&fit->noise, &fit->setup, fit->status.total_steps, t);
        packed_tile(&fit->packed, fit->noise.theta, t);
    }
    fit_barrier(fit);
}

static void step(struct fit *fit, size_t rank) {
    if (fit->noise.theta)
        noisy_weights(fit, rank);
    if (fit->by_units)
        first_layer(fit, rank);
    for (size_t s, helped = 0; work_take(&fit->work[WORK_SLICES], rank, &helped, &s);)
        train_slice(fit, s, rank);
    fit_barrier(fit);
    if (atomic_load(&fit->loss_broken))
        return; /* the parameters stay as they were when the loss was computed */
    if (fit->sparse && !fit->by_units) {
        list_columns(fit, rank);
        fit_barrier(fit);
    }
    tiles_update(fit, rank);
}

static void step_job(void *arg, size_t rank, size_t size) {
    struct fit *fit = arg;
    (void)size;
    step(fit, rank);
    kernel_rest(fit->source.kernel);
}

/* ---- the step ---- */

/* What a sample of the batch weighs. */
static double weight_of(const struct fit *fit, size_t i) {
    return fit->setup.weight ? (double)fit->setup.weight[fit->row[i]] : 1;
}

static void choose_rows(struct fit *fit, size_t first, size_t samples) {
    const uint32_t *row = fit->setup.train->row;
    for (size_t i = 0; i < samples; i++) {
        uint32_t position = fit->order[first + i];
        fit->row[i] = row ? row[position] : position;
    }
    if (samples == fit->samples && !fit->setup.weight)
        return;
    /* The cotangent of each sample's loss: the objective is the mean of weight times loss over the batch. */
    fit->samples = samples;
    for (size_t i = 0; i < fit->slices * fit->source.lanes; i++)
        fit->seed[i] = i < samples ? (real)(weight_of(fit, i) / (double)samples) : 0;
}

static void add_up(struct fit *fit) {
    for (size_t i = 0; i < fit->samples; i++) {
        double weight = weight_of(fit, i);
        fit->loss_sum += weight * (double)fit->loss[i];
        fit->correct_sum += weight * fit->correct[i];
    }
    struct fit_status *status = &fit->status;
    status->samples += fit->samples;
    status->loss = fit->loss_sum / (double)status->samples;
    status->accuracy = fit->source.set->cls ? fit->correct_sum / (double)status->samples : (double)NAN;
    status->step++;
    status->total_steps++;
}

void fit_revert(struct fit *fit) {
    memcpy(fit->setup.model->theta, fit->good, fit->setup.model->size * sizeof(real));
    fit->packed_anew = false;
}

static bool diverged(struct fit *fit, struct err *err) {
    struct diverged_step step = {.source = &fit->source,
                                 .ws = fit->ws,
                                 .targets = &fit->targets[0],
                                 .theta = step_theta(fit),
                                 .packed = packed_weights(&fit->packed),
                                 .row = fit->row,
                                 .samples = fit->samples,
                                 .updated = atomic_load(&fit->parameter_broken),
                                 .status = &fit->status,
                                 .optimizer = fit->optimizer,
                                 .noise = &fit->noise,
                                 .lr_path = fit->setup.lr_path};
    diverged_explain(&step, err);
    fit_revert(fit);
    return false;
}

static void begin_epoch(struct fit *fit) {
    struct fit_status *status = &fit->status;
    const struct model *model = fit->setup.model;
    memcpy(fit->good, model->theta, model->size * sizeof(real));
    fit->packed_anew = false;
    status->epoch++;
    fit->source.epoch = status->epoch;
    status->step = status->samples = 0;
    fit->loss_sum = 0, fit->correct_sum = 0;
    fit->epoch_done = false;
    fit_noise_begin_epoch(&fit->noise, status->epoch);
    if (fit->setup.train_spec.shuffle)
        sampler_shuffle(fit->setup.seed, (uint32_t)status->epoch, fit->setup.train->count, fit->order);
}

static void share_out(struct fit *fit) {
    const struct tape *tape = fit->source.model->tape;
    size_t slices = slices_of(fit);
    if (fit->by_units) {
        work_begin(&fit->work[WORK_LISTS], slices);
        work_begin(&fit->work[WORK_UNITS],
                   (tape_first_units(tape) + fit->unit_tile - 1) / fit->unit_tile * slices);
    }
    if (fit->sparse)
        work_begin(&fit->work[WORK_COLUMNS], sparse_batch_blocks(fit->source.sparse, fit->samples));
    if (fit->noise.theta)
        work_begin(&fit->work[WORK_NOISE], tape_tiles(tape));
    work_begin(&fit->work[WORK_SLICES], slices);
    tiles_share_out(fit);
}

static void begin_update(struct fit *fit) {
    const struct optimizer_spec *spec = &fit->setup.optimizer;
    const struct schedule_at at = {fit->status.total_steps, fit->status.steps, fit->setup.train_spec.epochs,
                                   fit->plateau.factor};
    fit->status.lr = schedule_rate(spec, &at);
    optimizer_begin(fit->optimizer, fit->status.lr, schedule_momentum(spec, &at));
}

void fit_watch(struct fit *fit, double value) {
    const struct schedule_spec *schedule = &fit->setup.optimizer.schedule;
    if (schedule->kind == SCHEDULE_PLATEAU)
        plateau_watch(&fit->plateau, schedule, value, metric_higher_is_better(schedule->metric));
}

bool fit_steps(struct fit *fit, size_t max_steps, struct err *err) {
    if (fit->epoch_done)
        begin_epoch(fit);
    if (!fit->packed_anew)
        packed_all(&fit->packed, fit->team, fit->source.model->theta);
    fit->packed_anew = true;
    for (size_t i = 0; i < max_steps && fit->status.step < fit->status.steps; i++) {
        size_t first = fit->status.step * fit->batch, left = fit->setup.train->count - first;
        choose_rows(fit, first, left < fit->batch ? left : fit->batch);
        begin_update(fit);
        share_out(fit);
        team_run(fit->team, step_job, fit);
        if (atomic_load(&fit->loss_broken) || atomic_load(&fit->parameter_broken))
            return diverged(fit, err);
        optimizer_end(fit->optimizer, fit->tiles.scale);
        add_up(fit);
        if (fit->diagnostics)
            diagnostics_step(fit->diagnostics);
    }
    fit->epoch_done = fit->status.step == fit->status.steps;
    if (fit->epoch_done && fit->diagnostics)
        diagnostics_epoch(fit->diagnostics);
    return true;
}
