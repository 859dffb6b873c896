#include "fit/objective.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "fit/noise.h"
#include "fit/packed.h"
#include "fit/penalty.h"
#include "fit/slice.h"

/* A thread's evaluations at two sets of parameters: what objective_difference compares. */
struct probe {
    struct tape_workspace *ws; /* one slice */
    struct slice_targets targets;
    real *loss[2];          /* [slices * lanes] */
    unsigned char *side[2]; /* [slices][kink_rows][lanes] whether the input of a kink is above 0 */
};

struct objective {
    struct fit_setup setup;
    struct slice_source source;
    size_t samples, slices, threads;
    uint32_t *row;             /* [slices * lanes] rows of the set */
    real *seed;                /* [slices * lanes] weight / samples, 0 behind the samples */
    struct tape_workspace *ws; /* all slices */
    struct packed packed;      /* the weights, where the products take them so */
    struct fit_noise noise;    /* that of the first epoch, always the same */
    size_t kink_rows;
    struct probe *probe; /* [threads] */
};

/* ---- making ---- */

static bool choose_samples(struct objective *o, struct err *err) {
    const struct fit_setup *setup = &o->setup;
    const struct data_part *part = setup->train;
    uint32_t *order = mem_alloc(part->count, sizeof *order, "the order of the samples", err);
    if (!order)
        return false;
    for (size_t i = 0; i < part->count; i++)
        order[i] = (uint32_t)i;
    if (setup->train_spec.shuffle)
        sampler_shuffle(setup->seed, 1, part->count, order);
    for (size_t i = 0; i < o->samples; i++) {
        o->row[i] = part->row ? part->row[order[i]] : order[i];
        o->seed[i] = (real)((setup->weight ? (double)setup->weight[o->row[i]] : 1.0) / (double)o->samples);
    }
    mem_free(order);
    return true;
}

static size_t count_kink_rows(const struct tape *tape) {
    size_t rows = 0, value;
    for (size_t n = 0; n < tape_nodes(tape); n++)
        rows += tape_node_kink(tape, n, &value) ? tape_rows(tape, value) : 0;
    return rows;
}

static bool probe_init(struct probe *p, const struct objective *o, struct err *err) {
    size_t lanes = o->source.lanes, samples = o->slices * lanes;
    p->ws = tape_workspace_create(o->source.model->tape, TAPE_TANGENTS, NULL, 1, lanes, 1, err);
    bool ok = p->ws && slice_targets_init(&p->targets, &o->source, err);
    for (int i = 0; ok && i < 2; i++) {
        p->loss[i] = mem_alloc_aligned(samples, sizeof *p->loss[i], "the losses", err);
        p->side[i] = p->loss[i] ? mem_alloc(samples, o->kink_rows, "the sides of the kinks", err) : NULL;
        ok = p->side[i] != NULL;
    }
    return ok;
}

static void probe_release(struct probe *p) {
    tape_workspace_free(p->ws);
    slice_targets_release(&p->targets);
    for (int i = 0; i < 2; i++) {
        mem_free(p->loss[i]);
        mem_free(p->side[i]);
    }
}

static bool allocate(struct objective *o, struct err *err) {
    const struct tape *tape = o->source.model->tape;
    const struct products *products = o->source.kernel->products;
    o->row = mem_alloc(o->slices * o->source.lanes, sizeof *o->row, "the samples", err);
    if (o->row)
        o->seed = mem_alloc_aligned(o->slices * o->source.lanes, sizeof *o->seed, "the samples", err);
    if (o->seed)
        o->ws = tape_workspace_create(tape, products ? TAPE_TRAIN_PACKED : TAPE_TANGENTS, products, o->slices,
                                      o->source.lanes, 1, err);
    if (o->ws && packed_init(&o->packed, o->source.model, o->source.kernel, err))
        o->probe = mem_alloc(o->threads, sizeof *o->probe, "the samples", err);
    bool ok = o->probe && choose_samples(o, err) &&
              fit_noise_init(&o->noise, &o->setup, o->row, o->slices, o->source.lanes, err);
    fit_noise_begin_epoch(&o->noise, 1);
    for (size_t t = 0; ok && t < o->threads; t++)
        ok = probe_init(&o->probe[t], o, err);
    return ok;
}

struct objective *objective_create(const struct fit_setup *setup, size_t samples, struct err *err) {
    struct objective *o = mem_alloc(1, sizeof *o, "the objective", err);
    if (!o)
        return NULL;
    o->setup = *setup;
    o->source = (struct slice_source){
        .kernel = setup->kernel,
        .model = setup->model,
        .set = setup->train->set,
        .scaling = setup->scaling,
        .label_smoothing = setup->label_smoothing,
        .input_noise = setup->regularization.input_noise,
        .lanes = setup->kernel->products ? PACKED_LANES : KERNEL_LANES,
    };
    o->samples = samples < setup->train->count ? samples : setup->train->count;
    o->slices = (o->samples + o->source.lanes - 1) / o->source.lanes;
    o->threads = team_size(setup->team);
    o->kink_rows = count_kink_rows(setup->model->tape);
    if (allocate(o, err))
        return o;
    objective_free(o);
    return NULL;
}

void objective_free(struct objective *objective) {
    if (!objective)
        return;
    for (size_t t = 0; objective->probe && t < objective->threads; t++)
        probe_release(&objective->probe[t]);
    mem_free(objective->probe);
    packed_release(&objective->packed);
    fit_noise_release(&objective->noise);
    tape_workspace_free(objective->ws);
    mem_free(objective->seed);
    mem_free(objective->row);
    mem_free(objective);
}

size_t objective_samples(const struct objective *objective) {
    return objective->samples;
}

/* ---- slices ---- */

/* Slice s of the samples, run forward as slice `index` of a workspace. */
static struct tape_slice run_forward(const struct objective *o, struct tape_workspace *ws,
                                     struct slice_targets *targets, const real *theta, size_t s,
                                     size_t index) {
    const struct slice_source *source = &o->source;
    size_t first = s * source->lanes, left = o->samples - first;
    size_t count = left < source->lanes ? left : source->lanes;
    struct tape_slice slice = {.k = source->kernel,
                               .theta = theta,
                               .packed = packed_weights(&o->packed),
                               .index = index,
                               .samples = count,
                               .seed = o->seed + first,
                               .noise = fit_noise_of(&o->noise, s)};
    slice_load_targets(source, &slice, targets, o->row + first, count);
    slice_load_images(source, ws, &slice, o->row + first, count);
    tape_forward(source->model->tape, ws, &slice);
    return slice;
}

static const real *losses(const struct objective *o, struct tape_workspace *ws,
                          const struct tape_slice *slice) {
    const struct tape *tape = o->source.model->tape;
    return tape_value(tape, ws, slice, tape_node_output(tape, tape_nodes(tape) - 1));
}

/* Sum over a slice's lanes of the cotangents of the losses times x. */
static double weigh(const struct objective *o, const struct tape_slice *slice, const real *x) {
    double sum = 0;
    for (size_t l = 0; l < o->source.lanes; l++)
        if (slice->seed[l] != 0)
            sum += (double)slice->seed[l] * (double)x[l];
    return sum;
}

/* ---- penalties: l1 |w| + l2 w^2 / 2 ---- */

static double penalty_slope(const struct penalty *p, double w) {
    return p->l1 * ((w > 0) - (w < 0)) + p->l2 * w;
}

/* A walk over all elements of the parameters that are penalised. */
struct walk {
    const struct objective *o;
    const struct parameter *p;
    struct penalty penalty;
    size_t parameter, i, out;
};

static bool walk_next(struct walk *w, size_t *at) {
    const struct model *model = w->o->source.model;
    while (!w->p || w->i == w->p->in) {
        if (w->parameter == model->parameter_count)
            return false;
        w->p = &model->parameter[w->parameter];
        w->penalty = penalty_of(&w->o->setup, w->parameter++);
        w->i = w->penalty.l1 != 0 || w->penalty.l2 != 0 ? 0 : w->p->in;
        w->out = 0;
    }
    *at = w->p->offset + w->i * w->p->stride + w->out;
    if (++w->out == w->p->out)
        w->i++, w->out = 0;
    return true;
}

static double penalties(const struct objective *o, const real *theta) {
    const struct model *model = o->source.model;
    double sum = 0;
    for (size_t i = 0; i < model->parameter_count; i++) {
        struct penalty penalty = penalty_of(&o->setup, i);
        sum += penalty_value(&penalty, model, theta, i);
    }
    return sum;
}

/* Adds the penalties' difference; false where a parameter under l1 that is not 0 changes sign. */
static bool add_penalty_difference(const struct objective *o, const real *up, const real *down, double *sum) {
    struct walk w = {.o = o};
    for (size_t at; walk_next(&w, &at);) {
        double a = (double)up[at], b = (double)down[at];
        if (a == b)
            continue;
        /* About 0 itself the magnitudes are equal: their difference is the sub-gradient 0. */
        if (w.penalty.l1 != 0 && a != -b && ((a > 0) != (b > 0) || (a < 0) != (b < 0)))
            return false;
        *sum += w.penalty.l1 * (fabs(a) - fabs(b)) + w.penalty.l2 / 2 * (a - b) * (a + b);
    }
    return true;
}

/* ---- value and derivatives ---- */

double objective_value(struct objective *objective, const real *theta) {
    struct objective *o = objective;
    double sum = 0;
    packed_all(&o->packed, o->setup.team, theta);
    for (size_t s = 0; s < o->slices; s++) {
        struct tape_slice slice = run_forward(o, o->ws, &o->probe[0].targets, theta, s, s);
        sum += weigh(o, &slice, losses(o, o->ws, &slice));
    }
    kernel_rest(o->source.kernel);
    return sum + penalties(o, theta);
}

void objective_gradient(struct objective *objective, const real *theta, real *gradient) {
    struct objective *o = objective;
    const struct tape *tape = o->source.model->tape;
    _Alignas(MEM_ALIGN) real g[OP_TILE_ROWS * OP_TILE_COLS];
    real scale = slice_input_scale(&o->source, fit_noise_of(&o->noise, 0));
    packed_all(&o->packed, o->setup.team, theta);
    for (size_t s = 0; s < o->slices; s++) {
        struct tape_slice slice = run_forward(o, o->ws, &o->probe[0].targets, theta, s, s);
        tape_reverse(tape, o->ws, &slice);
    }
    for (size_t t = 0; t < tape_tiles(tape); t++) {
        struct tape_tile tile = tape_tile(tape, t);
        tape_gradient(tape, o->ws, o->source.kernel, NULL, scale, o->samples, t, g);
        for (size_t r = 0; r < tile.rows; r++)
            memcpy(gradient + tile.offset + r * tile.stride, g + r * OP_TILE_COLS, tile.cols * sizeof(real));
    }
    kernel_rest(o->source.kernel);
    struct walk w = {.o = o};
    for (size_t at; walk_next(&w, &at);)
        gradient[at] += (real)penalty_slope(&w.penalty, (double)theta[at]);
}

double objective_jvp(struct objective *objective, const real *theta, const real *direction) {
    struct objective *o = objective;
    double sum = 0;
    assert(!o->source.kernel->products);
    for (size_t s = 0; s < o->slices; s++) {
        struct tape_slice slice = run_forward(o, o->ws, &o->probe[0].targets, theta, s, s);
        slice.theta_dot = direction;
        sum += weigh(o, &slice, tape_jvp(o->source.model->tape, o->ws, &slice));
    }
    struct walk w = {.o = o};
    for (size_t at; walk_next(&w, &at);)
        sum += penalty_slope(&w.penalty, (double)theta[at]) * (double)direction[at];
    return sum;
}

/* ---- differences ---- */

static void note_sides(const struct objective *o, struct tape_workspace *ws, const struct tape_slice *slice,
                       unsigned char *side) {
    const struct tape *tape = o->source.model->tape;
    size_t lanes = o->source.lanes;
    for (size_t n = 0, value; n < tape_nodes(tape); n++) {
        if (!tape_node_kink(tape, n, &value))
            continue;
        const real *x = tape_value(tape, ws, slice, value);
        size_t count = tape_rows(tape, value) * lanes;
        for (size_t i = 0; i < count; i++)
            side[i] = x[i] > 0;
        side += count;
    }
}

static void probe_at(const struct objective *o, struct probe *p, const real *theta, int which) {
    size_t lanes = o->source.lanes;
    for (size_t s = 0; s < o->slices; s++) {
        struct tape_slice slice = run_forward(o, p->ws, &p->targets, theta, s, 0);
        memcpy(p->loss[which] + s * lanes, losses(o, p->ws, &slice), lanes * sizeof(real));
        note_sides(o, p->ws, &slice, p->side[which] + s * lanes * o->kink_rows);
    }
}

/* Of the samples that count: behind the last one, and where the weight is 0, there is padding. */
static bool same_sides(const struct objective *o, const struct probe *p) {
    size_t lanes = o->source.lanes;
    for (size_t s = 0; s < o->slices; s++)
        for (size_t i = 0; i < o->kink_rows * lanes; i++) {
            size_t at = s * o->kink_rows * lanes + i;
            if (p->side[0][at] != p->side[1][at] && o->seed[s * lanes + i % lanes] != 0)
                return false;
        }
    return true;
}

bool objective_difference(struct objective *objective, size_t rank, const real *up, const real *down,
                          double *difference) {
    const struct objective *o = objective;
    struct probe *p = &objective->probe[rank];
    assert(!o->source.kernel->products);
    probe_at(o, p, up, 0);
    probe_at(o, p, down, 1);
    double sum = 0;
    for (size_t i = 0; i < o->samples; i++)
        sum += (double)o->seed[i] * ((double)p->loss[0][i] - (double)p->loss[1][i]);
    if (!same_sides(o, p) || !add_penalty_difference(o, up, down, &sum))
        return false;
    *difference = sum;
    return true;
}
