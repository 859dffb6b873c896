#include "fit/slice.h"

#include <assert.h>

#include "base/mem.h"
#include "kernel/random.h"

/* Lanes that the busiest of the threads goes through, padding included. */
static size_t lanes_in_turn(size_t batch, size_t threads, size_t lanes) {
    size_t slices = (batch + lanes - 1) / lanes;
    return (slices + threads - 1) / threads * lanes;
}

size_t slice_lanes(const struct kernel *kernel, size_t batch, size_t threads) {
    const struct products *products = kernel->products;
    if (!products)
        return batch > KERNEL_LANES * threads ? SLICE_WIDE : KERNEL_LANES;
    assert(products->most_lanes % PACKED_LANES == 0 && products->most_lanes <= SLICE_MOST);
    size_t narrow = lanes_in_turn(batch, threads, PACKED_LANES), best = PACKED_LANES;
    for (size_t lanes = 2 * PACKED_LANES; lanes <= products->most_lanes; lanes *= 2)
        if (4 * lanes_in_turn(batch, threads, lanes) <= 5 * narrow)
            best = lanes;
    return best;
}

bool slice_targets_init(struct slice_targets *t, const struct slice_source *source, struct err *err) {
    t->cls = mem_alloc(source->lanes, sizeof *t->cls, "the targets of a batch", err);
    t->row = t->cls ? mem_alloc_aligned(source->model->outputs * source->lanes, sizeof *t->row,
                                        "the targets of a batch", err)
                    : NULL;
    if (t->row)
        return true;
    slice_targets_release(t);
    return false;
}

void slice_targets_release(struct slice_targets *t) {
    mem_free(t->cls);
    mem_free(t->row);
    *t = (struct slice_targets){0};
}

bool slice_is_sparse(const struct slice_source *source, enum input_form form, size_t batch) {
    return form != INPUT_PANELS && !source->kernel->products && source->input_noise == 0 &&
           tape_takes_sparse(source->model->tape) &&
           (form != INPUT_AUTO || sparse_suits(source->set, source->scaling, batch));
}

/* Whether the numbers of a panel are the bytes themselves. */
static bool keeps_bytes(const struct slice_source *source) {
    return source->kernel->products && source->set->images.type == IDX_U8 && !source->scaling->mean &&
           source->input_noise == 0;
}

real slice_input_scale(const struct slice_source *source, const struct noise *noise) {
    if (!keeps_bytes(source))
        return 1;
    double scale = source->scaling->kind == SCALE_UNIT ? 1 / 255.0 : 1;
    if (noise && source->model->input_keep < 1)
        scale *= (double)dropout_keeping(source->model->input_keep).scale;
    return (real)scale;
}

/* The bytes of a row of the set. */
static const uint8_t *bytes_of(const struct dataset *set, uint32_t row) {
    return (const uint8_t *)set->images.values + (size_t)row * set->features;
}

static void load_lists(const struct slice_source *source, const struct dataset *set, struct tape_slice *slice,
                       const uint32_t *row, size_t count) {
    size_t at = source->rows_by_thread ? slice->thread : slice->index;
    const uint8_t *bytes[SLICE_WIDE];
    assert(count <= SLICE_WIDE);
    for (size_t s = 0; s < count; s++)
        bytes[s] = bytes_of(set, row[s]);
    sparse_batch_load(source->sparse, source->kernel, bytes, count, slice->noise, at);
    slice->sparse = sparse_batch_rows(source->sparse, at);
}

/* Noise first: what is dropped is 0. */
static void disturb(const struct slice_source *source, const struct noise *noise, real *x) {
    const struct kernel *k = source->kernel;
    size_t features = source->set->features, lanes = source->lanes;
    if (source->input_noise > 0) {
        _Alignas(MEM_ALIGN) real deviation[SLICE_MOST];
        for (size_t s = 0; s < lanes; s++)
            deviation[s] = (real)source->input_noise;
        k->add_normal(features, lanes, 0, noise, STREAM_INPUT_NOISE, deviation, x, x, lanes, NULL);
    }
    if (source->model->input_keep < 1) {
        struct dropout drop = dropout_keeping(source->model->input_keep);
        if (keeps_bytes(source))
            drop.scale = 1;
        k->drop(features, lanes, noise, STREAM_INPUT_DROPOUT, drop, x, x, NULL);
    }
}

void slice_load_images(const struct slice_source *source, struct tape_workspace *ws, struct tape_slice *slice,
                       const uint32_t *row, size_t count) {
    const struct dataset *set = source->set;
    uint32_t in_order[SLICE_MOST];
    slice->input_scale = slice_input_scale(source, slice->noise);
    if (source->augment) {
        set = augment_rows(source->augment, slice->thread, source->epoch, row, count);
        for (size_t s = 0; s < count; s++)
            in_order[s] = (uint32_t)s;
        row = in_order;
    }
    if (source->sparse) {
        load_lists(source, set, slice, row, count);
        return;
    }
    real *x = tape_value(source->model->tape, ws, slice, 0);
    const struct scaling none = {.kind = SCALE_NONE};
    batch_images(source->kernel, set, keeps_bytes(source) ? &none : source->scaling, row, count,
                 source->lanes, x);
    if (slice->noise)
        disturb(source, slice->noise, x);
}

/* Label smoothing (Szegedy et al. 2016): a share e of every target is spread evenly over what it may be, the
 * classes of a distribution or the yes and no of a probability: (1 - e) t + e / K. */
static void smooth_targets(const struct slice_source *source, size_t count, real *t) {
    size_t outputs = source->model->outputs;
    bool distribution = tape_loss(source->model->tape)->flags & OP_CLASSES;
    double share = source->label_smoothing, even = share / (distribution ? (double)outputs : 2);
    for (size_t f = 0; f < outputs; f++)
        for (size_t s = 0; s < count; s++) {
            real *to = &t[f * source->lanes + s];
            *to = (real)((1 - share) * (double)*to + even);
        }
}

void slice_load_targets(const struct slice_source *source, struct tape_slice *slice, struct slice_targets *t,
                        const uint32_t *row, size_t count) {
    slice->cls = NULL, slice->target = NULL;
    bool smooth = source->label_smoothing > 0;
    if (source->set->cls && !smooth && tape_loss(source->model->tape)->flags & OP_CLASSES) {
        batch_classes(source->set, row, count, source->lanes, t->cls);
        slice->cls = t->cls;
    } else {
        batch_targets(source->set, row, count, source->lanes, source->model->outputs, t->row);
        if (smooth)
            smooth_targets(source, count, t->row);
        slice->target = t->row;
    }
}
