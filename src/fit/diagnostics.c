/* Every sum is in double and in an order that hangs on shapes alone, never on the threads: a tile and a slice
 * each have a place of their own, and places are added up by number. */
#include "fit/diagnostics.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "fit/packed.h"

/* Squares of a tile of weights: of the gradient, of the weights before the update, of the update. */
struct tile_squares {
    double gradient, weight, update;
};

/* Over the steps of the epoch in progress. */
struct step_sums {
    struct tile_squares step; /* of the step in progress */
    double gradient, ratio;
    size_t steps, ratios; /* ratios: steps whose weights were not all 0 */
};

/* Of some numbers: how many, their mean, their squared distances from it. */
struct moments {
    double count, mean, squares;
};

/* What a unit's output is counted for. */
enum watched { WATCH_NOTHING, WATCH_ALIVE, WATCH_LOGISTIC, WATCH_TANH };

struct layer_place {
    const struct parameter *weight, *bias;
    size_t first_node, nodes, output; /* its operations; the value that is its activation */
    size_t units, first_unit;
    enum watched watched;
};

struct diagnostics {
    struct slice_source source;
    struct packed packed; /* the weights at the end of an epoch */
    struct team *team;
    size_t layers, threads, samples, slices, units; /* units: of all layers */
    struct layer_place *place;                      /* [layers] */
    struct tile_squares *tile;                      /* [tiles] */
    size_t *layer_of;                               /* [tiles]; `layers` for those that are not weights */
    struct step_sums *sum;                          /* [layers] */
    real *before;                                   /* theta before the step in progress */
    struct tape_workspace *ws;                      /* forward only */
    uint32_t *row;                                  /* [samples] */
    struct moments *moments;                        /* [slices][layers] */
    uint32_t *noticed;                              /* [threads][units]: samples with what is watched for */
    atomic_size_t next;                             /* slice */
    struct layer_diagnostics *layer;                /* [layers] */
    struct net_diagnostics result;                  /* layers 0 before the first epoch is done */
};

/* ---- before the training ---- */

static enum watched watched_of(int activation) {
    if (activation == ACTIVATION_SIGMOID)
        return WATCH_LOGISTIC;
    if (activation == ACTIVATION_TANH)
        return WATCH_TANH;
    return activation_info((enum activation)activation)->he ? WATCH_ALIVE : WATCH_NOTHING;
}

static void place_layers(struct diagnostics *d, const struct model_spec *spec) {
    const struct model *model = d->source.model;
    for (size_t i = 0; i < model->parameter_count; i++) {
        const struct parameter *p = &model->parameter[i];
        struct layer_place *at = &d->place[p->layer];
        if (p->kind == PARAMETER_BIAS)
            at->bias = p;
        if (p->kind != PARAMETER_WEIGHT)
            continue;
        at->weight = p;
        at->units = p->out;
        at->first_node = tape_parameter(model->tape, i)->node;
        at->watched = p->layer < spec->layer_count ? watched_of(spec->layers[p->layer].activation)
                                                   : watched_of(spec->output.activation);
    }
    /* A layer's operations go on to the next layer's first; behind the last one comes the loss. */
    size_t end = tape_nodes(model->tape) - 1;
    for (size_t l = d->layers; l-- > 0; end = d->place[l].first_node) {
        d->place[l].nodes = end - d->place[l].first_node;
        d->place[l].output = tape_node_output(model->tape, end - 1);
    }
    for (size_t l = 0; l < d->layers; l++) {
        d->place[l].first_unit = d->units;
        d->units += d->place[l].units;
    }
}

static void place_tiles(struct diagnostics *d) {
    const struct model *model = d->source.model;
    for (size_t t = 0; t < tape_tiles(model->tape); t++) {
        const struct parameter *p = &model->parameter[tape_tile(model->tape, t).parameter];
        d->layer_of[t] = p->kind == PARAMETER_WEIGHT ? p->layer : d->layers;
    }
}

static void choose_rows(struct diagnostics *d, const struct data_part *part) {
    for (size_t i = 0; i < d->samples; i++) {
        size_t at = (size_t)((uint64_t)i * part->count / d->samples);
        d->row[i] = part->row ? part->row[at] : (uint32_t)at;
    }
}

static bool allocate(struct diagnostics *d, struct err *err) {
    const struct model *model = d->source.model;
    static const char what[] = "the diagnostics";
    size_t tiles = tape_tiles(model->tape);
    d->tile = mem_alloc(tiles, sizeof *d->tile, what, err);
    if (d->tile)
        d->layer_of = mem_alloc(tiles, sizeof *d->layer_of, what, err);
    if (d->layer_of)
        d->sum = mem_alloc(d->layers, sizeof *d->sum, what, err);
    if (d->sum)
        d->before = mem_alloc_aligned(model->size, sizeof *d->before, what, err);
    if (d->before && packed_init(&d->packed, model, d->source.kernel, err))
        d->ws = tape_workspace_create(model->tape, TAPE_EVALUATE, d->source.kernel->products, 1,
                                      d->source.lanes, d->threads, err);
    if (d->ws)
        d->row = mem_alloc(d->samples, sizeof *d->row, what, err);
    if (d->row)
        d->moments = mem_alloc(d->slices * d->layers, sizeof *d->moments, what, err);
    if (d->moments)
        d->noticed = mem_alloc(d->threads * d->units, sizeof *d->noticed, what, err);
    if (d->noticed)
        d->layer = mem_alloc(d->layers, sizeof *d->layer, what, err);
    return d->layer != NULL;
}

struct diagnostics *diagnostics_create(const struct slice_source *source, const struct model_spec *spec,
                                       const struct data_part *part, struct team *team, size_t threads,
                                       struct err *err) {
    struct diagnostics *d = mem_alloc(1, sizeof *d, "the diagnostics", err);
    if (!d)
        return NULL;
    d->source = *source;
    d->source.lanes = SLICE_WIDE; /* whatever the threads: a slice is a term of the moments */
    d->source.sparse = NULL;
    d->source.augment = NULL; /* the plain images */
    d->team = team, d->threads = threads;
    d->layers = spec->layer_count + 1;
    d->samples = part->count < DIAGNOSED_SAMPLES ? part->count : DIAGNOSED_SAMPLES;
    d->slices = (d->samples + SLICE_WIDE - 1) / SLICE_WIDE;
    d->place = mem_alloc(d->layers, sizeof *d->place, "the diagnostics", err);
    if (d->place)
        place_layers(d, spec);
    if (!d->place || !allocate(d, err)) {
        diagnostics_free(d);
        return NULL;
    }
    place_tiles(d);
    choose_rows(d, part);
    return d;
}

void diagnostics_free(struct diagnostics *d) {
    if (!d)
        return;
    mem_free(d->place);
    mem_free(d->tile);
    mem_free(d->layer_of);
    mem_free(d->sum);
    mem_free(d->before);
    packed_release(&d->packed);
    tape_workspace_free(d->ws);
    mem_free(d->row);
    mem_free(d->moments);
    mem_free(d->noticed);
    mem_free(d->layer);
    mem_free(d);
}

const struct net_diagnostics *diagnostics_latest(const struct diagnostics *d) {
    return d->result.layers ? &d->result : NULL;
}

/* ---- in the steps ---- */

enum { CHAINS = 8 }; /* sums side by side; divides the columns of every tile */

static double sum_of(const double chain[CHAINS]) {
    double sum = 0;
    for (size_t i = 0; i < CHAINS; i++)
        sum += chain[i];
    return sum;
}

static double squared_distance(size_t rows, size_t cols, const real *x, const real *y, size_t stride) {
    double chain[CHAINS] = {0};
    for (size_t r = 0; r < rows; r++, x += stride, y += stride)
        for (size_t c = 0; c < cols; c += CHAINS)
            for (size_t i = 0; i < CHAINS; i++) {
                double difference = (double)x[c + i] - (double)y[c + i];
                chain[i] += difference * difference;
            }
    return sum_of(chain);
}

void diagnostics_gradient(struct diagnostics *d, size_t t, const real *gradient) {
    if (d->layer_of[t] == d->layers)
        return;
    const struct tape_tile tile = tape_tile(d->source.model->tape, t);
    const real *theta = d->source.model->theta + tile.offset;
    d->tile[t].gradient = d->source.kernel->sum_squares(tile.rows, tile.cols, gradient, OP_TILE_COLS);
    d->tile[t].weight = d->source.kernel->sum_squares(tile.rows, tile.cols, theta, tile.stride);
    for (size_t r = 0; r < tile.rows; r++)
        memcpy(d->before + tile.offset + r * tile.stride, theta + r * tile.stride, tile.cols * sizeof(real));
}

void diagnostics_update(struct diagnostics *d, size_t t) {
    if (d->layer_of[t] == d->layers)
        return;
    const struct tape_tile tile = tape_tile(d->source.model->tape, t);
    d->tile[t].update = squared_distance(tile.rows, tile.cols, d->source.model->theta + tile.offset,
                                         d->before + tile.offset, tile.stride);
}

static void add_tiles(struct diagnostics *d) {
    for (size_t l = 0; l < d->layers; l++)
        d->sum[l].step = (struct tile_squares){0};
    for (size_t t = 0; t < tape_tiles(d->source.model->tape); t++) {
        if (d->layer_of[t] == d->layers)
            continue;
        struct tile_squares *all = &d->sum[d->layer_of[t]].step;
        all->gradient += d->tile[t].gradient;
        all->weight += d->tile[t].weight;
        all->update += d->tile[t].update;
    }
}

void diagnostics_step(struct diagnostics *d) {
    add_tiles(d);
    for (struct step_sums *sum = d->sum, *end = sum + d->layers; sum < end; sum++) {
        sum->gradient += sqrt(sum->step.gradient);
        sum->steps++;
        if (sum->step.weight > 0) {
            sum->ratio += sqrt(sum->step.update / sum->step.weight);
            sum->ratios++;
        }
    }
}

/* ---- activations ---- */

static struct moments moments_of(size_t rows, size_t lanes, size_t count, const real *y) {
    struct moments m = {.count = (double)rows * (double)count};
    for (size_t f = 0; f < rows; f++)
        for (size_t s = 0; s < count; s++)
            m.mean += (double)y[f * lanes + s];
    m.mean /= m.count;
    for (size_t f = 0; f < rows; f++)
        for (size_t s = 0; s < count; s++) {
            double distance = (double)y[f * lanes + s] - m.mean;
            m.squares += distance * distance;
        }
    return m;
}

/* Chan, Golub and LeVeque 1983: the moments of two sets together. */
static struct moments together(struct moments a, struct moments b) {
    double count = a.count + b.count, distance = b.mean - a.mean;
    return (struct moments){
        .count = count,
        .mean = a.mean + distance * b.count / count,
        .squares = a.squares + b.squares + distance * distance * a.count * b.count / count,
    };
}

static bool is_noticed(enum watched watched, real y) {
    switch (watched) {
    case WATCH_ALIVE:
        return y > 0;
    case WATCH_LOGISTIC:
        return (double)y < SATURATED_OUTPUT || (double)y > 1 - SATURATED_OUTPUT;
    case WATCH_TANH:
        return (double)y < SATURATED_OUTPUT - 1 || (double)y > 1 - SATURATED_OUTPUT;
    default:
        return false;
    }
}

static void notice(const struct layer_place *at, size_t lanes, size_t count, const real *y,
                   uint32_t *noticed) {
    for (size_t f = 0; f < at->units; f++)
        for (size_t s = 0; s < count; s++)
            noticed[at->first_unit + f] += is_noticed(at->watched, y[f * lanes + s]);
}

static void look_at(struct diagnostics *d, size_t index, size_t thread) {
    const struct slice_source *source = &d->source;
    const struct tape *tape = source->model->tape;
    size_t first = index * source->lanes, left = d->samples - first;
    size_t count = left < source->lanes ? left : source->lanes;
    struct tape_slice slice = {
        .k = source->kernel,
        .theta = source->model->theta,
        .packed = packed_weights(&d->packed),
        .thread = thread,
    };
    slice_load_images(source, d->ws, &slice, d->row + first, count);
    tape_forward_nodes(tape, d->ws, &slice, 0, d->place[0].first_node);
    for (size_t l = 0; l < d->layers; l++) {
        const struct layer_place *at = &d->place[l];
        tape_forward_nodes(tape, d->ws, &slice, at->first_node, at->first_node + at->nodes);
        const real *y = tape_value(tape, d->ws, &slice, at->output);
        d->moments[index * d->layers + l] = moments_of(at->units, source->lanes, count, y);
        notice(at, source->lanes, count, y, d->noticed + thread * d->units);
    }
}

static void look_job(void *arg, size_t rank, size_t size) {
    struct diagnostics *d = arg;
    (void)size;
    for (size_t i; (i = atomic_fetch_add(&d->next, 1)) < d->slices;)
        look_at(d, i, rank);
    kernel_rest(d->source.kernel);
}

static void activations(const struct diagnostics *d, size_t l, struct layer_diagnostics *out) {
    struct moments all = d->moments[l];
    for (size_t i = 1; i < d->slices; i++)
        all = together(all, d->moments[i * d->layers + l]);
    out->activation_mean = all.mean;
    out->activation_deviation = sqrt(all.squares / all.count);
}

/* Samples with what is watched for in a unit. */
static uint64_t noticed_in(const struct diagnostics *d, size_t unit) {
    uint64_t noticed = 0;
    for (size_t t = 0; t < d->threads; t++)
        noticed += d->noticed[t * d->units + unit];
    return noticed;
}

static void units(const struct diagnostics *d, size_t l, struct layer_diagnostics *out) {
    const struct layer_place *at = &d->place[l];
    uint64_t values = 0, never = 0, mostly = 0;
    for (size_t u = 0; u < at->units; u++) {
        uint64_t noticed = noticed_in(d, at->first_unit + u);
        values += noticed;
        never += noticed == 0;
        mostly += (double)noticed >= SATURATED_SHARE * (double)d->samples;
    }
    out->dead = out->saturated = out->saturated_units = (double)NAN;
    if (at->watched == WATCH_ALIVE) {
        out->dead = (double)never / (double)at->units;
    } else if (at->watched != WATCH_NOTHING) {
        out->saturated = (double)values / ((double)at->units * (double)d->samples);
        out->saturated_units = (double)mostly / (double)at->units;
    }
}

/* ---- the epoch ---- */

/* Whether all units have the same incoming weights and the same bias. */
static bool is_symmetric(const struct diagnostics *d, const struct layer_place *at) {
    const struct parameter *const parameter[] = {at->weight, at->bias};
    for (size_t i = 0; i < sizeof parameter / sizeof *parameter; i++) {
        const struct parameter *p = parameter[i];
        for (size_t in = 0; in < p->in; in++) {
            const real *x = d->source.model->theta + p->offset + in * p->stride;
            for (size_t u = 1; u < at->units; u++)
                if (x[u] != x[0])
                    return false;
        }
    }
    return at->units > 1;
}

static double mean(double sum, size_t count) {
    return count ? sum / (double)count : (double)NAN;
}

static void finish_layer(const struct diagnostics *d, size_t l, struct layer_diagnostics *out) {
    const struct layer_place *at = &d->place[l];
    const struct parameter *w = at->weight;
    const real *theta = d->source.model->theta;
    *out = (struct layer_diagnostics){
        .name = tape_label(d->source.model->tape, at->first_node),
        .units = at->units,
        .weight_norm = sqrt(d->source.kernel->sum_squares(w->in, w->stride, theta + w->offset, w->stride)),
        .gradient_norm = mean(d->sum[l].gradient, d->sum[l].steps),
        .update_ratio = mean(d->sum[l].ratio, d->sum[l].ratios),
        .symmetric = l + 1 < d->layers && is_symmetric(d, at),
    };
    activations(d, l, out);
    units(d, l, out);
}

void diagnostics_epoch(struct diagnostics *d) {
    memset(d->noticed, 0, d->threads * d->units * sizeof *d->noticed);
    atomic_store(&d->next, 0);
    packed_all(&d->packed, d->team, d->source.model->theta);
    team_run(d->team, look_job, d);
    for (size_t l = 0; l < d->layers; l++)
        finish_layer(d, l, &d->layer[l]);
    double last = d->layer[d->layers - 1].gradient_norm;
    d->result = (struct net_diagnostics){
        .gradient_ratio = last > 0 ? d->layer[0].gradient_norm / last : (double)NAN,
        .layers = d->layers,
        .layer = d->layer,
    };
    memset(d->sum, 0, d->layers * sizeof *d->sum);
}

/* ---- put aside ---- */

static void snapshot_layer(struct layer_diagnostics *l, struct snapshot *s) {
    snapshot_double(s, "weight_norm", &l->weight_norm);
    snapshot_double(s, "gradient_norm", &l->gradient_norm);
    snapshot_double(s, "update_ratio", &l->update_ratio);
    snapshot_double(s, "activation_mean", &l->activation_mean);
    snapshot_double(s, "activation_deviation", &l->activation_deviation);
    snapshot_double(s, "dead", &l->dead);
    snapshot_double(s, "saturated", &l->saturated);
    snapshot_double(s, "saturated_units", &l->saturated_units);
    snapshot_bool(s, "symmetric", &l->symmetric);
}

static void snapshot_sums(struct step_sums *sum, struct snapshot *s) {
    snapshot_double(s, "gradient", &sum->gradient);
    snapshot_double(s, "ratio", &sum->ratio);
    snapshot_size(s, "steps", &sum->steps, SIZE_MAX);
    snapshot_size(s, "ratios", &sum->ratios, SIZE_MAX);
}

void diagnostics_snapshot(struct diagnostics *d, struct snapshot *s) {
    bool latest = d->result.layers > 0;
    snapshot_bool(s, "latest", &latest);
    for (size_t l = 0; l < d->layers; l++) {
        const struct layer_place *at = &d->place[l];
        snapshot_enter(s, tape_label(d->source.model->tape, at->first_node));
        snapshot_sums(&d->sum[l], s);
        if (latest)
            snapshot_layer(&d->layer[l], s);
        d->layer[l].name = tape_label(d->source.model->tape, at->first_node);
        d->layer[l].units = at->units;
        snapshot_leave(s);
    }
    if (latest)
        snapshot_double(s, "gradient_ratio", &d->result.gradient_ratio);
    d->result.layers = latest ? d->layers : 0;
    d->result.layer = d->layer;
}
