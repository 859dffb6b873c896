#include "model/init.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/names.h"
#include "kernel/random.h"
#include "model/orthogonal.h"

/* The standard deviation or half-width of a scheme, from its fans. */
typedef double scale_fn(const struct init_spec *spec, double fan_in, double fan_out);

static double xavier_std(const struct init_spec *s, double in, double out) {
    return (void)s, sqrt(2 / (in + out));
}
static double xavier_limit(const struct init_spec *s, double in, double out) {
    return (void)s, sqrt(6 / (in + out));
}
static double he_std(const struct init_spec *s, double in, double out) {
    return (void)s, (void)out, sqrt(2 / in);
}
static double he_limit(const struct init_spec *s, double in, double out) {
    return (void)s, (void)out, sqrt(6 / in);
}
static double lecun_std(const struct init_spec *s, double in, double out) {
    return (void)s, (void)out, sqrt(1 / in);
}
static double given_std(const struct init_spec *s, double in, double out) {
    return (void)in, (void)out, s->std;
}
static double given_limit(const struct init_spec *s, double in, double out) {
    return (void)in, (void)out, s->limit;
}
static double given_value(const struct init_spec *s, double in, double out) {
    return (void)in, (void)out, s->value;
}
static double zero(const struct init_spec *s, double in, double out) {
    return (void)s, (void)in, (void)out, 0;
}
static double one(const struct init_spec *s, double in, double out) {
    return (void)s, (void)in, (void)out, 1;
}

enum law { LAW_NORMAL, LAW_UNIFORM, LAW_CONSTANT, LAW_ORTHOGONAL };

static const struct row {
    const char *name;
    bool for_bias; /* may stand in bias_init */
    enum law law;
    scale_fn *scale;
} rows[] = {
    {"xavier_normal", false, LAW_NORMAL, xavier_std},     /* Glorot and Bengio 2010 */
    {"xavier_uniform", false, LAW_UNIFORM, xavier_limit}, /* the same */
    {"he_normal", false, LAW_NORMAL, he_std},             /* He et al. 2015 */
    {"he_uniform", false, LAW_UNIFORM, he_limit},         /* the same */
    {"lecun_normal", false, LAW_NORMAL, lecun_std},       /* LeCun et al. 1998 */
    {"orthogonal", false, LAW_ORTHOGONAL, one},           /* Saxe et al. 2014 */
    {"normal", true, LAW_NORMAL, given_std},
    {"uniform", true, LAW_UNIFORM, given_limit},
    {"constant", true, LAW_CONSTANT, given_value},
    {"zeros", true, LAW_CONSTANT, zero},
};

enum { ROWS = sizeof rows / sizeof *rows };

const char *init_name(size_t i) {
    return i < ROWS ? rows[i].name : NULL;
}

int init_find(const char *name) {
    return names_find(init_name, name);
}

/* Biases start at 0 unless told otherwise: the last row first. */
int init_bias_kind(size_t choice) {
    for (size_t i = ROWS; i-- > 0;)
        if (rows[i].for_bias && choice-- == 0)
            return (int)i;
    return -1;
}

const char *init_bias_name(size_t i) {
    int kind = init_bias_kind(i);
    return kind < 0 ? NULL : rows[kind].name;
}

int init_default(int activation) {
    return init_find(activation_info((enum activation)activation)->he ? "he_normal" : "xavier_normal");
}

bool init_is_constant(const struct init_spec *spec, double *value) {
    const struct row *row = &rows[spec->kind];
    if (row->law != LAW_CONSTANT)
        return false;
    *value = row->scale(spec, 1, 1);
    return true;
}

struct drawing {
    const struct init_target *target;
    const struct row *row;
    double scale;
    uint64_t seed;
};

/* Numbers o, 2 i and o, 2 i + 1 come from one block. */
static void draw_pair(const struct drawing *d, size_t o, size_t pair, double out[2]) {
    struct random_block block =
        random_philox(d->seed, STREAM_INIT, d->target->number, (uint32_t)o, (uint32_t)pair);
    if (d->row->law == LAW_NORMAL) {
        random_normal_pair(block, out);
        out[0] *= d->scale, out[1] *= d->scale;
    } else {
        for (int half = 0; half < 2; half++)
            out[half] = (2 * random_unit(block, half) - 1) * d->scale;
    }
}

static void draw_rows(void *arg, size_t rank, size_t size) {
    const struct drawing *d = arg;
    const struct init_target *t = d->target;
    for (size_t i = t->in * rank / size / 2 * 2,
                end = rank + 1 == size ? t->in : t->in * (rank + 1) / size / 2 * 2;
         i < end; i += 2)
        for (size_t o = 0; o < t->out; o++) {
            double pair[2];
            draw_pair(d, o, i / 2, pair);
            t->values[i * t->stride + o] = (real)pair[0];
            if (i + 1 < end)
                t->values[(i + 1) * t->stride + o] = (real)pair[1];
        }
}

static void fill(const struct init_target *t, double value) {
    for (size_t i = 0; i < t->in; i++)
        for (size_t o = 0; o < t->out; o++)
            t->values[i * t->stride + o] = (real)value;
}

bool init_draw(const struct init_spec *spec, const struct init_target *target, uint64_t seed,
               struct team *team, struct err *err) {
    const struct row *row = &rows[spec->kind];
    struct drawing drawing = {target, row, row->scale(spec, (double)target->in, (double)target->out), seed};
    switch (row->law) {
    case LAW_CONSTANT:
        fill(target, drawing.scale);
        return true;
    case LAW_ORTHOGONAL:
        return orthogonal_draw(target, seed, team, err);
    default:
        team_run(team, draw_rows, &drawing);
        return true;
    }
}
