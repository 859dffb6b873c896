/* The update rules, and the soft threshold that L1 adds to them.
 *
 * Proximal L1. A step that minimises the gradient's linear model of the objective under the rule's own metric
 * D / (lr gain) ends with the proximal operator of l1 |w| under that metric, which is separable: a soft
 * threshold of l1 lr gain / D_i for coordinate i (Parikh and Boyd, Proximal algorithms, 2014, sections 4.2
 * and 6.5.2; with the preconditioner of an adaptive rule: Yun, Lozano and Yang, Adaptive proximal gradient
 * methods for structured neural networks, 2021, ProxGen). D_i is what the rule divides the coordinate's step
 * by, 1 for sgd. `gain` is what the momentum has grown a constant gradient to by now, scaled as clip_norm has
 * scaled it: s_1 = c_1, s_t = mu s_(t-1) + (1 - dampening) c_t, and c_t + mu s_t for Nesterov's; for adam's
 * mean s_t = beta1 s_(t-1) + (1 - beta1) c_t over its bias correction. Without it the threshold would be off
 * by 1 / (1 - mu) and by c, and the stationary points those of another penalty. With it a step on the
 * constant gradient g moves by lr gain g / D_i before the threshold lr gain l1 / D_i, so a coordinate stays
 * at 0 where |g| <= l1 and elsewhere rests where g = -l1 sign(w): the conditions of the optimum, whatever
 * rate, momentum, D and clip_norm. (clip_value changes single coordinates of the gradient, and with them
 * where they rest.) */
#include "optim/optimizer.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

#if REAL_IS_DOUBLE
static const double real_least = DBL_MIN;
#else
static const double real_least = (double)FLT_MIN;
#endif

struct optimizer {
    struct optimizer_spec spec;
    uint64_t step;         /* from 1 */
    double square_product; /* square_decay^step */
    double mean_product;   /* mean_decay^step */
    double velocity;       /* what the rule has made, until this step, of a gradient that is always 1 */
    double decay,
        intake;         /* of this step: velocity becomes decay velocity + intake (scaled as the gradient) */
    double rate, width; /* of this step: the learning rate, what the step multiplies its direction by */
    struct update update;
    real *state[UPDATE_STATES];
};

/* A rule: whether it keeps a state, what it does at the beginning of a step (o->rate is the learning rate),
 * and its kernel. */
struct row {
    const char *name;
    bool (*keeps)(const struct optimizer_spec *spec, enum update_state state);
    void (*begin)(struct optimizer *o, double momentum);
    bool (*update)(const struct kernel *k, const struct update_tile *t, const struct update *u);
};

static bool moves(const struct optimizer_spec *spec) {
    return spec->momentum != 0 || spec->momentum_ramp.on;
}

static void begin_momentum(struct optimizer *o, double momentum, double dampening, bool nesterov) {
    struct update *u = &o->update;
    o->decay = momentum;
    o->intake = o->step == 1 ? 1 : 1 - dampening;
    u->momentum = (real)momentum;
    u->intake = (real)o->intake;
    u->nesterov = nesterov;
}

/* The velocity behind a step whose gradient is scaled, and how far a gradient that is always 1 gets in it. */
static double next_velocity(const struct optimizer *o, double scale) {
    return o->decay * o->velocity + o->intake * scale;
}

static double reach(const struct optimizer *o, double scale) {
    double velocity = next_velocity(o, scale);
    return o->width * (o->update.nesterov ? scale + o->decay * velocity : velocity);
}

static void decay_square(struct optimizer *o, double decay) {
    o->square_product *= decay;
    o->update.square_decay = (real)decay;
    o->update.square_in = (real)(1 - decay);
}

static void decay_mean(struct optimizer *o, double decay) {
    o->mean_product *= decay;
    o->update.mean_decay = (real)decay;
    o->update.mean_in = (real)(1 - decay);
}

/* ---- sgd: Polyak 1964, Nesterov 1983, in the form of Sutskever et al. 2013 that PyTorch uses ---- */

static bool sgd_keeps(const struct optimizer_spec *spec, enum update_state state) {
    return state == UPDATE_VELOCITY && moves(spec);
}

static void sgd_begin(struct optimizer *o, double momentum) {
    if (moves(&o->spec))
        begin_momentum(o, momentum, o->spec.dampening, o->spec.nesterov);
}

static bool sgd_update(const struct kernel *k, const struct update_tile *t, const struct update *u) {
    return k->sgd(t, u);
}

/* ---- adam: Kingma and Ba 2015; amsgrad: Reddi et al. 2018; adamw: Loshchilov and Hutter 2019, the same
 * with a weight_decay by default ---- */

static bool adam_keeps(const struct optimizer_spec *spec, enum update_state state) {
    return state == UPDATE_MEAN || state == UPDATE_SQUARE || (state == UPDATE_LARGEST && spec->amsgrad);
}

/* The bias corrections: a constant gradient g gives the mean (1 - beta1^t) g and the square (1 - beta2^t)
 * g^2. */
static void adam_begin(struct optimizer *o, double momentum) {
    (void)momentum;
    decay_mean(o, o->spec.betas[0]);
    decay_square(o, o->spec.betas[1]);
    o->decay = o->spec.betas[0];
    o->intake = 1 - o->decay;
    o->width = o->rate / (1 - o->mean_product);
    o->update.rate = (real)o->width;
    o->update.correction = (real)sqrt(1 - o->square_product);
}

static bool adam_update(const struct kernel *k, const struct update_tile *t, const struct update *u) {
    return k->adam(t, u);
}

/* ---- rmsprop: Tieleman and Hinton 2012; centered: Graves 2013 ---- */

static bool rmsprop_keeps(const struct optimizer_spec *spec, enum update_state state) {
    return state == UPDATE_SQUARE || (state == UPDATE_MEAN && spec->centered) || sgd_keeps(spec, state);
}

static void rmsprop_begin(struct optimizer *o, double momentum) {
    decay_mean(o, o->spec.alpha);
    decay_square(o, o->spec.alpha);
    if (moves(&o->spec))
        begin_momentum(o, momentum, 0, false);
}

static bool rmsprop_update(const struct kernel *k, const struct update_tile *t, const struct update *u) {
    return k->rmsprop(t, u);
}

/* ---- adagrad: Duchi et al. 2011 ---- */

static bool adagrad_keeps(const struct optimizer_spec *spec, enum update_state state) {
    (void)spec;
    return state == UPDATE_SQUARE;
}

static void adagrad_begin(struct optimizer *o, double momentum) {
    (void)momentum;
    o->rate /= 1 + (double)(o->step - 1) * o->spec.lr_decay;
    o->width = o->rate;
    o->update.rate = (real)o->rate;
    o->update.square_decay = o->update.square_in = 1;
}

static bool adagrad_update(const struct kernel *k, const struct update_tile *t, const struct update *u) {
    return k->adagrad(t, u);
}

/* ---- the table ---- */

static const struct row rows[] = {
    [OPTIMIZER_SGD] = {"sgd", sgd_keeps, sgd_begin, sgd_update},
    [OPTIMIZER_ADAM] = {"adam", adam_keeps, adam_begin, adam_update},
    [OPTIMIZER_ADAMW] = {"adamw", adam_keeps, adam_begin, adam_update},
    [OPTIMIZER_RMSPROP] = {"rmsprop", rmsprop_keeps, rmsprop_begin, rmsprop_update},
    [OPTIMIZER_ADAGRAD] = {"adagrad", adagrad_keeps, adagrad_begin, adagrad_update},
};

const char *optimizer_name(size_t i) {
    return i < sizeof rows / sizeof *rows ? rows[i].name : NULL;
}

size_t optimizer_states(const struct optimizer_spec *spec) {
    size_t states = 0;
    for (int s = 0; s < UPDATE_STATES; s++)
        states += rows[spec->kind].keeps(spec, (enum update_state)s);
    return states;
}

struct optimizer *optimizer_create(const struct optimizer_spec *spec, size_t size, struct err *err) {
    struct optimizer *o = mem_alloc(1, sizeof *o, "the optimizer", err);
    if (!o)
        return NULL;
    o->spec = *spec;
    o->mean_product = o->square_product = 1;
    /* A parameter that never has a gradient, as padding, has 0 / eps for a step: not 0 / 0. */
    o->update.eps = (real)(spec->eps < real_least ? real_least : spec->eps);
    for (int s = 0; s < UPDATE_STATES; s++) {
        if (!rows[spec->kind].keeps(spec, (enum update_state)s))
            continue;
        o->state[s] = mem_alloc_aligned(size, sizeof(real), "the optimizer's state", err);
        if (!o->state[s]) {
            optimizer_free(o);
            return NULL;
        }
    }
    if (spec->kind == OPTIMIZER_ADAGRAD)
        for (size_t i = 0; i < size; i++)
            o->state[UPDATE_SQUARE][i] = (real)spec->initial_accumulator;
    return o;
}

void optimizer_free(struct optimizer *o) {
    if (!o)
        return;
    for (int s = 0; s < UPDATE_STATES; s++)
        mem_free(o->state[s]);
    mem_free(o);
}

void optimizer_adopt(struct optimizer *o, const struct optimizer *from, size_t size) {
    o->step = from->step;
    o->square_product = from->square_product;
    o->mean_product = from->mean_product;
    o->velocity = from->velocity;
    for (int s = 0; s < UPDATE_STATES; s++)
        if (o->state[s])
            memcpy(o->state[s], from->state[s], size * sizeof(real));
}

void optimizer_snapshot(struct optimizer *o, size_t size, struct snapshot *s) {
    static const char *const name[UPDATE_STATES] = {"velocity", "mean", "square", "largest"};
    snapshot_u64(s, "step", &o->step);
    snapshot_double(s, "square_product", &o->square_product);
    snapshot_double(s, "mean_product", &o->mean_product);
    snapshot_double(s, "reach", &o->velocity);
    for (int i = 0; i < UPDATE_STATES; i++)
        if (o->state[i])
            snapshot_reals(s, name[i], o->state[i], size);
}

void optimizer_begin(struct optimizer *o, double lr, double momentum) {
    o->step++;
    o->rate = o->width = lr;
    o->decay = 0, o->intake = 1;
    o->update.rate = (real)lr;
    rows[o->spec.kind].begin(o, momentum);
}

void optimizer_end(struct optimizer *o, real scale) {
    o->velocity = next_velocity(o, (double)scale);
}

void optimizer_fetch(const struct optimizer *o, const struct kernel *k, const struct optimizer_tile *t,
                     const real *theta) {
    k->fetch(t->rows, t->cols, theta + t->offset, t->stride);
    for (int s = 0; s < UPDATE_STATES; s++)
        if (o->state[s])
            k->fetch(t->rows, t->cols, o->state[s] + t->offset, t->stride);
}

bool optimizer_update(const struct optimizer *o, const struct kernel *k, const struct optimizer_tile *tile,
                      const struct optimizer_terms *terms, real *theta, const real *g, size_t g_stride) {
    struct update update = o->update;
    struct update_tile t = {.rows = tile->rows,
                            .cols = tile->cols,
                            .w = theta + tile->offset,
                            .stride = tile->stride,
                            .g = g,
                            .g_stride = g_stride};
    for (int s = 0; s < UPDATE_STATES; s++)
        t.state[s] = o->state[s] ? o->state[s] + tile->offset : NULL;
    update.scale = terms->scale;
    update.keep = (real)(terms->decays ? 1 - o->rate * o->spec.weight_decay : 1);
    update.threshold = (real)(terms->l1 * reach(o, (double)terms->scale));
    return rows[o->spec.kind].update(k, &t, &update);
}

bool optimizer_finite(const struct optimizer *o, const struct kernel *k, size_t offset, size_t count) {
    for (int s = 0; s < UPDATE_STATES; s++)
        if (o->state[s] && !k->all_finite(count, o->state[s] + offset))
            return false;
    return true;
}
