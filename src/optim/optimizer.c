#include "optim/optimizer.h"

#include "base/mem.h"

enum { MOST_STATES = 2 };

struct optimizer {
    struct optimizer_spec spec;
    uint64_t step; /* from 1 */
    real lr;
    real *state[MOST_STATES];
};

struct row {
    const char *name;
    size_t (*states)(const struct optimizer_spec *spec);
    bool (*update)(struct optimizer *o, const struct kernel *k, const struct optimizer_tile *tile,
                   real *theta, const real *g, size_t g_stride);
};

/* ---- sgd: Polyak 1964, Nesterov 1983, in the form of Sutskever et al. 2013 that PyTorch uses ---- */

static size_t sgd_states(const struct optimizer_spec *spec) {
    return spec->momentum != 0;
}

static bool sgd_update(struct optimizer *o, const struct kernel *k, const struct optimizer_tile *t,
                       real *theta, const real *g, size_t g_stride) {
    real *velocity = o->state[0] ? o->state[0] + t->offset : NULL;
    return k->sgd(t->rows, t->cols, theta + t->offset, t->stride, g, g_stride, velocity, o->lr,
                  (real)o->spec.momentum, o->spec.nesterov, o->step == 1);
}

static const struct row rows[] = {
    [OPTIMIZER_SGD] = {"sgd", sgd_states, sgd_update},
    [OPTIMIZER_ADAM] = {"adam", sgd_states, sgd_update},
    [OPTIMIZER_ADAMW] = {"adamw", sgd_states, sgd_update},
    [OPTIMIZER_RMSPROP] = {"rmsprop", sgd_states, sgd_update},
    [OPTIMIZER_ADAGRAD] = {"adagrad", sgd_states, sgd_update},
};

const char *optimizer_name(size_t i) {
    return i < sizeof rows / sizeof *rows ? rows[i].name : NULL;
}

size_t optimizer_states(const struct optimizer_spec *spec) {
    return rows[spec->kind].states(spec);
}

struct optimizer *optimizer_create(const struct optimizer_spec *spec, size_t size, struct err *err) {
    struct optimizer *o = mem_alloc(1, sizeof *o, "the optimizer", err);
    if (!o)
        return NULL;
    o->spec = *spec;
    for (size_t i = 0; i < optimizer_states(spec); i++) {
        o->state[i] = mem_alloc_aligned(size, sizeof(real), "the optimizer's state", err);
        if (!o->state[i]) {
            optimizer_free(o);
            return NULL;
        }
    }
    return o;
}

void optimizer_free(struct optimizer *o) {
    if (!o)
        return;
    for (size_t i = 0; i < MOST_STATES; i++)
        mem_free(o->state[i]);
    mem_free(o);
}

void optimizer_begin(struct optimizer *o, double lr) {
    o->step++;
    o->lr = (real)lr;
}

void optimizer_fetch(const struct optimizer *o, const struct kernel *k, const struct optimizer_tile *t,
                     const real *theta) {
    k->fetch(t->rows, t->cols, theta + t->offset, t->stride);
    for (size_t i = 0; i < MOST_STATES && o->state[i]; i++)
        k->fetch(t->rows, t->cols, o->state[i] + t->offset, t->stride);
}

bool optimizer_update(struct optimizer *o, const struct kernel *k, const struct optimizer_tile *tile,
                      real *theta, const real *g, size_t g_stride) {
    return rows[o->spec.kind].update(o, k, tile, theta, g, g_stride);
}
