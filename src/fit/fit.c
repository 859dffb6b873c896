/* The training step in two phases. Phase 1: a thread takes a slice of the batch through the whole net,
 * forward and back; slices are independent, so there is no waiting between layers and a slice stays in cache.
 * Phase 2: a thread takes a tile of a parameter, sums its gradient over the batch and updates it while it is
 * in cache; the gradient as a whole is never stored. Which thread does what does not change a bit. */
#include "fit/fit.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "base/work.h"
#include "fit/diverged.h"
#include "fit/slice.h"
#include "optim/optimizer.h"

struct fit {
    struct fit_setup setup;
    struct slice_source source;
    struct fit_status status;
    struct optimizer *optimizer;
    struct tape_workspace *ws;
    struct slice_targets *targets; /* [threads] */
    struct team *team;             /* the setup's, or a smaller one of its own, or NULL: the caller alone */
    struct team *own_team;         /* NULL: none */
    bool by_units;                 /* the first layer's forward pass is cut by units */
    size_t unit_tile;              /* units that are one piece of it */
    size_t threads, batch, slices; /* samples of a whole batch, slices it makes */
    uint32_t *order;               /* positions in the training part, this epoch's order */
    uint32_t *row;                 /* [slices * lanes] rows of this batch */
    real *seed;                    /* [slices * lanes] 1/samples, 0 behind the batch */
    real *loss;                    /* [slices * lanes] */
    uint32_t *correct;             /* [slices] samples classified rightly */
    real *good;                    /* theta at the beginning of this epoch */
    bool epoch_done;
    double loss_sum;
    size_t correct_sum;
    /* the step in progress */
    size_t samples;
    struct work list_work, unit_work, column_work, slice_work, tile_work;
    atomic_bool loss_broken, parameter_broken; /* a loss, a new parameter is not finite */
};

const struct fit_status *fit_status(const struct fit *fit) {
    return &fit->status;
}

bool fit_epoch_done(const struct fit *fit) {
    return fit->epoch_done;
}

size_t fit_lanes(const struct fit *fit) {
    return fit->source.lanes;
}

size_t fit_memory(const struct fit *fit) {
    const struct model *model = fit->setup.model;
    size_t sparse =
        fit->source.sparse ? sparse_batch_bytes(fit->source.set, fit->slices, fit->source.lanes) : 0;
    return tape_workspace_bytes(model->tape, TAPE_TRAIN, fit->slices, fit->source.lanes, fit->threads) +
           sparse + (1 + optimizer_states(&fit->setup.optimizer)) * model->size * sizeof(real);
}

/* ---- phase 1 ---- */

static size_t slices_of(const struct fit *fit) {
    return (fit->samples + fit->source.lanes - 1) / fit->source.lanes;
}

static void count_correct(struct fit *fit, const struct tape_slice *slice, size_t count) {
    const struct slice_source *source = &fit->source;
    const struct tape *tape = source->model->tape;
    uint32_t best[SLICE_WIDE];
    source->kernel->argmax(source->model->outputs, source->lanes,
                           tape_value(tape, fit->ws, slice, tape_output(tape)), best);
    uint32_t correct = 0;
    for (size_t s = 0; s < count; s++)
        correct += best[s] == source->set->cls[fit->row[slice->index * source->lanes + s]];
    fit->correct[slice->index] = correct;
}

static size_t samples_of_slice(const struct fit *fit, size_t index) {
    size_t first = index * fit->source.lanes;
    return fit->samples - first < fit->source.lanes ? fit->samples - first : fit->source.lanes;
}

static struct tape_slice make_slice(const struct fit *fit, size_t index, size_t thread) {
    return (struct tape_slice){
        .k = fit->source.kernel,
        .theta = fit->source.model->theta,
        .index = index,
        .thread = thread,
        .seed = fit->seed + index * fit->source.lanes,
        .sparse = fit->source.sparse ? sparse_batch_rows(fit->source.sparse, index) : NULL,
    };
}

static void list_columns(struct fit *fit, size_t rank) {
    for (size_t b, helped = 0; work_take(&fit->column_work, rank, &helped, &b);)
        sparse_batch_list(fit->source.sparse, fit->source.kernel, fit->samples, b);
}

/* A large first layer of a compressed batch is cut by units instead of samples: a thread keeps to the columns
 * of the weights that it updates in phase 2, which its cache still holds. */
static void first_layer(struct fit *fit, size_t rank) {
    const struct slice_source *source = &fit->source;
    for (size_t s, helped = 0; work_take(&fit->list_work, rank, &helped, &s);) {
        struct tape_slice slice = make_slice(fit, s, rank);
        slice_load_images(source, fit->ws, &slice, fit->row + s * source->lanes, samples_of_slice(fit, s));
    }
    team_barrier(fit->team);
    size_t slices = slices_of(fit), units = tape_first_units(source->model->tape);
    for (size_t p, helped = 0; work_take(&fit->unit_work, rank, &helped, &p);) {
        struct tape_slice slice = make_slice(fit, p % slices, rank);
        size_t first = p / slices * fit->unit_tile, left = units - first;
        tape_forward_first(source->model->tape, fit->ws, &slice, first,
                           left < fit->unit_tile ? left : fit->unit_tile);
    }
    list_columns(fit, rank);
    team_barrier(fit->team);
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
        count_correct(fit, &slice, count);
    if (source->kernel->all_finite(count, fit->loss + first))
        tape_reverse(tape, fit->ws, &slice);
    else
        atomic_store(&fit->loss_broken, true);
}

/* ---- phase 2 ---- */

static void update_tile(struct fit *fit, size_t t) {
    _Alignas(MEM_ALIGN) real gradient[OP_TILE_ROWS * OP_TILE_COLS];
    const struct model *model = fit->source.model;
    const struct sparse_columns *columns =
        fit->source.sparse ? sparse_batch_columns(fit->source.sparse) : NULL;
    struct tape_tile at = tape_tile(model->tape, t);
    const struct optimizer_tile tile = {at.offset, at.stride, at.rows, at.cols};
    optimizer_fetch(fit->optimizer, fit->source.kernel, &tile, model->theta);
    tape_gradient(model->tape, fit->ws, fit->source.kernel, columns, fit->samples, t, gradient);
    if (!optimizer_update(fit->optimizer, fit->source.kernel, &tile, model->theta, gradient, OP_TILE_COLS))
        atomic_store(&fit->parameter_broken, true);
}

static void step_job(void *arg, size_t rank, size_t size) {
    struct fit *fit = arg;
    (void)size;
    if (fit->by_units)
        first_layer(fit, rank);
    for (size_t s, helped = 0; work_take(&fit->slice_work, rank, &helped, &s);)
        train_slice(fit, s, rank);
    team_barrier(fit->team);
    if (atomic_load(&fit->loss_broken))
        return; /* the parameters stay as they were when the loss was computed */
    if (fit->source.sparse && !fit->by_units) {
        list_columns(fit, rank);
        team_barrier(fit->team);
    }
    for (size_t t, helped = 0; work_take(&fit->tile_work, rank, &helped, &t);)
        update_tile(fit, t);
}

/* ---- the step ---- */

static void choose_rows(struct fit *fit, size_t first, size_t samples) {
    const uint32_t *row = fit->setup.train->row;
    for (size_t i = 0; i < samples; i++) {
        uint32_t position = fit->order[first + i];
        fit->row[i] = row ? row[position] : position;
    }
    if (samples == fit->samples)
        return;
    /* The cotangent of each sample's loss: the objective is the mean over the batch. */
    fit->samples = samples;
    for (size_t i = 0; i < fit->slices * fit->source.lanes; i++)
        fit->seed[i] = i < samples ? (real)(1.0 / (double)samples) : 0;
}

static void add_up(struct fit *fit) {
    size_t slices = slices_of(fit);
    for (size_t i = 0; i < fit->samples; i++)
        fit->loss_sum += (double)fit->loss[i];
    for (size_t s = 0; s < slices; s++)
        fit->correct_sum += fit->correct[s];
    struct fit_status *status = &fit->status;
    status->samples += fit->samples;
    status->loss = fit->loss_sum / (double)status->samples;
    status->accuracy =
        fit->source.set->cls ? (double)fit->correct_sum / (double)status->samples : (double)NAN;
    status->step++;
    status->total_steps++;
}

void fit_revert(struct fit *fit) {
    memcpy(fit->setup.model->theta, fit->good, fit->setup.model->size * sizeof(real));
}

static bool diverged(struct fit *fit, struct err *err) {
    struct diverged_step step = {&fit->source, fit->ws,      &fit->targets[0],
                                 fit->row,     fit->samples, &fit->status};
    diverged_explain(&step, err);
    fit_revert(fit);
    return false;
}

static void begin_epoch(struct fit *fit) {
    struct fit_status *status = &fit->status;
    const struct model *model = fit->setup.model;
    memcpy(fit->good, model->theta, model->size * sizeof(real));
    status->epoch++;
    status->step = status->samples = 0;
    fit->loss_sum = 0, fit->correct_sum = 0;
    fit->epoch_done = false;
    if (fit->setup.train_spec.shuffle)
        sampler_shuffle(fit->setup.seed, (uint32_t)status->epoch, fit->setup.train->count, fit->order);
}

static void share_out(struct fit *fit) {
    const struct tape *tape = fit->source.model->tape;
    size_t slices = slices_of(fit);
    if (fit->by_units) {
        work_begin(&fit->list_work, slices);
        work_begin(&fit->unit_work, (tape_first_units(tape) + fit->unit_tile - 1) / fit->unit_tile * slices);
    }
    if (fit->source.sparse)
        work_begin(&fit->column_work, sparse_batch_blocks(fit->source.sparse, fit->samples));
    work_begin(&fit->slice_work, slices);
    work_begin(&fit->tile_work, tape_tiles(tape));
}

bool fit_steps(struct fit *fit, size_t max_steps, struct err *err) {
    if (fit->epoch_done)
        begin_epoch(fit);
    for (size_t i = 0; i < max_steps && fit->status.step < fit->status.steps; i++) {
        size_t first = fit->status.step * fit->batch, left = fit->setup.train->count - first;
        choose_rows(fit, first, left < fit->batch ? left : fit->batch);
        optimizer_begin(fit->optimizer, fit->status.lr);
        share_out(fit);
        team_run(fit->team, step_job, fit);
        if (atomic_load(&fit->loss_broken) || atomic_load(&fit->parameter_broken))
            return diverged(fit, err);
        add_up(fit);
    }
    fit->epoch_done = fit->status.step == fit->status.steps;
    return true;
}

/* ---- making ---- */

/* Measured on two threads: by units 784 x 512 weights (1.6 MB) gain 3 to 7 % of a step, 784 x 128 (.4 MB)
 * lose 10 %, for the additional barrier. */
static void cut_first_layer(struct fit *fit) {
    enum { WORTH_BYTES = 1 << 20 };
    const struct tape *tape = fit->source.model->tape;
    size_t units = tape_first_units(tape);
    bool worth = fit->threads > 1 && units * fit->source.model->features * sizeof(real) >= WORTH_BYTES;
    fit->by_units = fit->setup.input == INPUT_LISTS_BY_UNITS || (fit->setup.input == INPUT_AUTO && worth);
    fit->unit_tile = units >= 2 * OP_TILE_COLS * fit->threads ? 2 * OP_TILE_COLS : OP_TILE_COLS;
}

static bool allocate(struct fit *fit, struct err *err) {
    const struct fit_setup *setup = &fit->setup;
    size_t samples = fit->slices * fit->source.lanes;
    /* Beside its own memory there are the parameters, and their copy when they are saved. */
    if (!mem_check(1, fit_memory(fit) + 2 * setup->model->size * sizeof(real), "training", err))
        return false;
    fit->optimizer = optimizer_create(&setup->optimizer, setup->model->size, err);
    if (fit->optimizer)
        fit->ws = tape_workspace_create(setup->model->tape, TAPE_TRAIN, fit->slices, fit->source.lanes,
                                        fit->threads, err);
    if (fit->ws)
        fit->order = mem_alloc(setup->train->count, sizeof *fit->order, "the order of the samples", err);
    if (fit->order)
        fit->row = mem_alloc(samples, sizeof *fit->row, "a batch", err);
    if (fit->row)
        fit->seed = mem_alloc_aligned(samples, sizeof *fit->seed, "a batch", err);
    if (fit->seed)
        fit->loss = mem_alloc_aligned(samples, sizeof *fit->loss, "a batch", err);
    if (fit->loss)
        fit->correct = mem_alloc(fit->slices, sizeof *fit->correct, "a batch", err);
    if (fit->correct)
        fit->good = mem_alloc_aligned(setup->model->size, sizeof(real), "the last good parameters", err);
    if (fit->good)
        fit->targets = mem_alloc(fit->threads, sizeof *fit->targets, "a batch", err);
    bool ok =
        fit->targets && work_init(&fit->slice_work, fit->threads, err) &&
        work_init(&fit->tile_work, fit->threads, err) && work_init(&fit->list_work, fit->threads, err) &&
        work_init(&fit->unit_work, fit->threads, err) && work_init(&fit->column_work, fit->threads, err);
    if (ok && slice_is_sparse(&fit->source, setup->input)) {
        fit->source.sparse =
            sparse_batch_create(setup->train->set, setup->scaling, fit->slices, fit->source.lanes, true, err);
        ok = fit->source.sparse != NULL;
        cut_first_layer(fit);
    }
    for (size_t t = 0; ok && t < fit->threads; t++)
        ok = slice_targets_init(&fit->targets[t], &fit->source, err);
    return ok;
}

/* A step of so few operations is over before it is shared out: measured on batches of 1 to 32. */
static const double flops_a_thread = 2e6;

/* No more threads than the work of a step keeps busy and the caller allows. */
static bool choose_team(struct fit *fit, struct err *err) {
    double forward, reverse, gradient;
    tape_cost(fit->setup.model->tape, &forward, &reverse, &gradient);
    double useful = 1 + 2 * (double)fit->batch * (forward + reverse + gradient) / flops_a_thread;
    size_t most = fit->setup.most_threads;
    if ((double)most < useful)
        useful = (double)most;
    fit->team = fit->setup.team;
    if (most && useful < (double)team_size(fit->team)) {
        fit->team = NULL;
        if (useful >= 2 && !(fit->team = fit->own_team = team_create((size_t)useful, err)))
            return false;
    }
    fit->threads = team_size(fit->team);
    return true;
}

struct fit *fit_create(const struct fit_setup *setup, struct err *err) {
    struct fit *fit = mem_alloc(1, sizeof *fit, "the training", err);
    if (!fit)
        return NULL;
    size_t n = setup->train->count;
    fit->setup = *setup;
    fit->batch = setup->train_spec.batch_size < n ? setup->train_spec.batch_size : n;
    if (!choose_team(fit, err)) {
        mem_free(fit);
        return NULL;
    }
    fit->source = (struct slice_source){
        setup->kernel, setup->model, setup->train->set, setup->scaling, slice_lanes(fit->batch, fit->threads),
        NULL,          false};
    fit->slices = (fit->batch + fit->source.lanes - 1) / fit->source.lanes;
    if (!allocate(fit, err)) {
        fit_free(fit);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        fit->order[i] = (uint32_t)i;
    fit->status.steps = (n + fit->batch - 1) / fit->batch;
    fit->status.lr = setup->optimizer.lr;
    fit->epoch_done = true;
    return fit;
}

void fit_free(struct fit *fit) {
    if (!fit)
        return;
    for (size_t t = 0; fit->targets && t < fit->threads; t++)
        slice_targets_release(&fit->targets[t]);
    sparse_batch_free(fit->source.sparse);
    work_release(&fit->slice_work);
    work_release(&fit->list_work);
    work_release(&fit->unit_work);
    work_release(&fit->column_work);
    work_release(&fit->tile_work);
    mem_free(fit->targets);
    mem_free(fit->good);
    mem_free(fit->correct);
    mem_free(fit->loss);
    mem_free(fit->seed);
    mem_free(fit->row);
    mem_free(fit->order);
    tape_workspace_free(fit->ws);
    optimizer_free(fit->optimizer);
    team_free(fit->own_team);
    mem_free(fit);
}
