/* A training before its first step: what it works with, chosen and allocated. */
#include "base/mem.h"
#include "fit/fit_parts.h"

static bool augmented(const struct fit *fit) {
    return fit->setup.augment && augment_is_on(fit->setup.augment);
}

static struct augment_setup augmentation(const struct fit *fit) {
    const struct dataset *set = fit->source.set;
    return (struct augment_setup){
        .kernel = fit->setup.kernel,
        .spec = fit->setup.augment,
        .set = set,
        .class_count = set->cls ? fit->setup.model->outputs : 0,
        .seed = fit->setup.seed,
        .threads = fit->threads,
        .lanes = fit->source.lanes,
    };
}

size_t fit_memory(const struct fit *fit) {
    const struct model *model = fit->setup.model;
    size_t sparse = fit->sparse ? sparse_batch_bytes(fit->source.set, fit->slices, fit->source.lanes) : 0;
    struct augment_setup augment = augmentation(fit);
    return tape_workspace_bytes(model->tape, fit_mode(fit), fit->setup.kernel->products, fit->slices,
                                fit->source.lanes, fit->threads) +
           sparse + fit_noise_bytes(&fit->setup) + packed_bytes(model, fit->setup.kernel) +
           tiles_bytes(&fit->setup) + (augmented(fit) ? augment_bytes(&augment) : 0) +
           (1 + fit->setup.train_spec.diagnostics + optimizer_states(&fit->setup.optimizer)) * model->size *
               sizeof(real);
}

/* Measured: by units 784 x 512 weights (1.6 MB) gain 3 to 7 % of a step on two threads and lose 1 % on one;
 * 784 x 2048 gain 6 % on one, which reads less from the third-level cache; 784 x 128 (.4 MB) lose 10 % on
 * two, for the additional barrier. */
static void cut_first_layer(struct fit *fit) {
    enum { WORTH_BYTES = 1 << 20, WORTH_ALONE = 4 << 20 };
    const struct tape *tape = fit->source.model->tape;
    size_t units = tape_first_units(tape);
    size_t bytes = units * fit->source.model->features * sizeof(real);
    bool worth = bytes >= (fit->threads > 1 ? WORTH_BYTES : WORTH_ALONE);
    fit->by_units = fit->setup.input == INPUT_LISTS_BY_UNITS || (fit->setup.input == INPUT_AUTO && worth);
    /* Wider pieces read the lists less often, narrower ones go round. */
    fit->unit_tile = units >= 2 * OP_TILE_COLS * fit->threads ? 2 * OP_TILE_COLS : OP_TILE_COLS;
}

static bool allocate_sparse(struct fit *fit, struct err *err) {
    const struct fit_setup *setup = &fit->setup;
    if (!fit->sparse)
        return true;
    cut_first_layer(fit);
    fit->source.sparse = sparse_batch_create(setup->train->set, setup->scaling, setup->model->input_keep,
                                             fit->slices, fit->source.lanes, true, err);
    return fit->source.sparse != NULL;
}

static bool allocate_augment(struct fit *fit, struct err *err) {
    struct augment_setup setup = augmentation(fit);
    return !augmented(fit) || (fit->source.augment = augment_create(&setup, err)) != NULL;
}

static bool allocate_threads(struct fit *fit, struct err *err) {
    bool ok = true;
    for (size_t w = 0; ok && w < WORKS; w++)
        ok = work_init(&fit->work[w], fit->threads, err);
    for (size_t t = 0; ok && t < fit->threads; t++)
        ok = slice_targets_init(&fit->targets[t], &fit->source, err);
    return ok;
}

static bool allocate_diagnostics(struct fit *fit, struct err *err) {
    const struct fit_setup *setup = &fit->setup;
    if (!setup->train_spec.diagnostics)
        return true;
    fit->diagnostics =
        diagnostics_create(&fit->source, setup->model_spec, setup->train, fit->team, fit->threads, err);
    return fit->diagnostics != NULL;
}

static bool allocate(struct fit *fit, struct err *err) {
    const struct fit_setup *setup = &fit->setup;
    size_t samples = fit->slices * fit->source.lanes;
    /* Beside its own memory there are the parameters, and a copy of them and of the optimizer's state when
     * they are put aside. */
    size_t reals = (3 + optimizer_states(&setup->optimizer)) * setup->model->size;
    if (!mem_check(1, fit_memory(fit) + reals * sizeof(real), "training", err))
        return false;
    fit->optimizer = optimizer_create(&setup->optimizer, setup->model->size, err);
    if (fit->optimizer)
        fit->ws = tape_workspace_create(setup->model->tape, fit_mode(fit), setup->kernel->products,
                                        fit->slices, fit->source.lanes, fit->threads, err);
    if (fit->ws)
        fit->order = mem_alloc(setup->train->count, sizeof *fit->order, "the order of the samples", err);
    if (fit->order)
        fit->row = mem_alloc(samples, sizeof *fit->row, "a batch", err);
    if (fit->row)
        fit->seed = mem_alloc_aligned(samples, sizeof *fit->seed, "a batch", err);
    if (fit->seed)
        fit->loss = mem_alloc_aligned(samples, sizeof *fit->loss, "a batch", err);
    if (fit->loss)
        fit->correct = mem_alloc(samples, sizeof *fit->correct, "a batch", err);
    if (fit->correct)
        fit->good = mem_alloc_aligned(setup->model->size, sizeof(real), "the last good parameters", err);
    if (fit->good)
        fit->targets = mem_alloc(fit->threads, sizeof *fit->targets, "a batch", err);
    return fit->targets &&
           fit_noise_init(&fit->noise, setup, fit->row, fit->slices, fit->source.lanes, err) &&
           packed_init(&fit->packed, setup->model, setup->kernel, err) && tiles_init(fit, err) &&
           allocate_threads(fit, err) && allocate_sparse(fit, err) && allocate_augment(fit, err) &&
           allocate_diagnostics(fit, err);
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
        .kernel = setup->kernel,
        .model = setup->model,
        .set = setup->train->set,
        .scaling = setup->scaling,
        .label_smoothing = setup->label_smoothing,
        .lanes = slice_lanes(setup->kernel, fit->batch, fit->threads),
        .input_noise = setup->regularization.input_noise,
    };
    /* What another thread has read, or what is larger than a second-level cache, is far away. */
    fit->fetch = fit->threads > 1 || setup->model->size * sizeof(real) > 1 << 20;
    fit->sparse = slice_is_sparse(&fit->source, setup->input, fit->batch);
    fit->slices = (fit->batch + fit->source.lanes - 1) / fit->source.lanes;
    if (!allocate(fit, err)) {
        fit_free(fit);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        fit->order[i] = (uint32_t)i;
    fit->status.steps = (n + fit->batch - 1) / fit->batch;
    fit->status.lr = setup->optimizer.lr;
    plateau_init(&fit->plateau);
    fit->epoch_done = true;
    return fit;
}

void fit_adopt(struct fit *fit, const struct fit *previous) {
    optimizer_adopt(fit->optimizer, previous->optimizer, fit->setup.model->size);
}

static void snapshot_status(struct fit *fit, struct snapshot *s) {
    struct fit_status *status = &fit->status;
    snapshot_size(s, "epoch", &status->epoch, fit->setup.train_spec.epochs);
    snapshot_size(s, "step", &status->step, status->steps);
    snapshot_u64(s, "total_steps", &status->total_steps);
    snapshot_size(s, "samples", &status->samples, fit->setup.train->count);
    snapshot_double(s, "loss", &status->loss);
    snapshot_double(s, "accuracy", &status->accuracy);
    snapshot_double(s, "lr", &status->lr);
    snapshot_double(s, "loss_sum", &fit->loss_sum);
    snapshot_double(s, "correct_sum", &fit->correct_sum);
    snapshot_bool(s, "epoch_done", &fit->epoch_done);
}

/* What is drawn and shuffled hangs on the epoch alone, and is made again. */
static void go_on(struct fit *fit) {
    fit->source.epoch = fit->status.epoch;
    fit_noise_begin_epoch(&fit->noise, fit->status.epoch);
    if (fit->setup.train_spec.shuffle)
        sampler_shuffle(fit->setup.seed, (uint32_t)fit->status.epoch, fit->setup.train->count, fit->order);
}

void fit_snapshot_optimizer(struct fit *fit, struct snapshot *s) {
    snapshot_enter(s, "optimizer");
    optimizer_snapshot(fit->optimizer, fit->setup.model->size, s);
    snapshot_leave(s);
}

void fit_snapshot(struct fit *fit, struct snapshot *s) {
    const struct model *model = fit->setup.model;
    snapshot_status(fit, s);
    snapshot_reals(s, "parameters", model->theta, model->size);
    /* Between two epochs nobody goes back to the beginning of the last one. */
    if (!fit->epoch_done)
        snapshot_reals(s, "good", fit->good, model->size);
    fit_snapshot_optimizer(fit, s);
    snapshot_enter(s, "plateau");
    plateau_snapshot(&fit->plateau, s);
    snapshot_leave(s);
    if (fit->diagnostics) {
        snapshot_enter(s, "diagnostics");
        diagnostics_snapshot(fit->diagnostics, s);
        snapshot_leave(s);
    }
    if (snapshot_restores(s))
        fit->packed_anew = false;
    if (snapshot_restores(s) && !fit->epoch_done)
        go_on(fit);
}

void fit_free(struct fit *fit) {
    if (!fit)
        return;
    for (size_t t = 0; fit->targets && t < fit->threads; t++)
        slice_targets_release(&fit->targets[t]);
    augment_free(fit->source.augment);
    sparse_batch_free(fit->source.sparse);
    fit_noise_release(&fit->noise);
    packed_release(&fit->packed);
    for (size_t w = 0; w < WORKS; w++)
        work_release(&fit->work[w]);
    tiles_release(fit);
    diagnostics_free(fit->diagnostics);
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
