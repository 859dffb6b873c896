#include "optim/schedule.h"

#include "kernel/dmath.h"

static const char *const names[SCHEDULE_COUNT] = {
    [SCHEDULE_CONSTANT] = "constant",   [SCHEDULE_STEP] = "step",     [SCHEDULE_EXPONENTIAL] = "exponential",
    [SCHEDULE_PLATEAU] = "plateau",     [SCHEDULE_LINEAR] = "linear", [SCHEDULE_COSINE] = "cosine",
    [SCHEDULE_ONE_CYCLE] = "one_cycle",
};

const char *schedule_name(size_t i) {
    return i < SCHEDULE_COUNT ? names[i] : NULL;
}

bool schedule_spans_run(int kind) {
    return kind == SCHEDULE_LINEAR || kind == SCHEDULE_COSINE || kind == SCHEDULE_ONE_CYCLE;
}

/* Where a step stands in the part of the run that its schedule has. */
struct place {
    uint64_t epoch; /* from 0 */
    double share;   /* of the steps that are done, in [0, 1] */
};

/* By squaring: no pow of libm, whose bits differ from machine to machine. */
static double power(double base, uint64_t exponent) {
    double result = 1;
    for (; exponent; exponent /= 2, base *= base)
        if (exponent % 2)
            result *= base;
    return result;
}

/* From 1 at share 0 down to 0 at share 1. */
static double half_cosine(double share) {
    return (1 + dmath_cos_turns(share / 2)) / 2;
}

static double constant_rate(const struct optimizer_spec *o, const struct place *p) {
    (void)p;
    return o->lr;
}

static double step_rate(const struct optimizer_spec *o, const struct place *p) {
    return o->lr * power(o->schedule.factor, p->epoch / o->schedule.every);
}

static double exponential_rate(const struct optimizer_spec *o, const struct place *p) {
    return o->lr * power(o->schedule.factor, p->epoch);
}

static double linear_rate(const struct optimizer_spec *o, const struct place *p) {
    return o->lr * (1 - p->share + o->schedule.final * p->share);
}

/* Loshchilov and Hutter 2017, SGDR, without restarts */
static double cosine_rate(const struct optimizer_spec *o, const struct place *p) {
    double final = o->schedule.final;
    return o->lr * (final + (1 - final) * half_cosine(p->share));
}

/* Smith and Topin 2018, super-convergence; the cosine on the way down is PyTorch's */
static double one_cycle_rate(const struct optimizer_spec *o, const struct place *p) {
    const struct schedule_spec *s = &o->schedule;
    if (p->share < s->rise)
        return o->lr + (s->peak - o->lr) * (p->share / s->rise);
    double end = s->final * o->lr;
    return end + (s->peak - end) * half_cosine((p->share - s->rise) / (1 - s->rise));
}

static double (*const rates[SCHEDULE_COUNT])(const struct optimizer_spec *o, const struct place *p) = {
    [SCHEDULE_CONSTANT] = constant_rate,
    [SCHEDULE_STEP] = step_rate,
    [SCHEDULE_EXPONENTIAL] = exponential_rate,
    [SCHEDULE_PLATEAU] = constant_rate, /* its factor comes from outside */
    [SCHEDULE_LINEAR] = linear_rate,
    [SCHEDULE_COSINE] = cosine_rate,
    [SCHEDULE_ONE_CYCLE] = one_cycle_rate,
};

double schedule_rate(const struct optimizer_spec *spec, const struct schedule_at *at) {
    uint64_t steps = (uint64_t)at->steps_per_epoch * at->epochs, epoch = at->step / at->steps_per_epoch;
    uint64_t warmup = (uint64_t)(spec->schedule.warmup_epochs * (double)at->steps_per_epoch + 0.5);
    uint64_t warmup_epochs = (warmup + at->steps_per_epoch - 1) / at->steps_per_epoch;
    struct place place = {.epoch = epoch > warmup_epochs ? epoch - warmup_epochs : 0};
    if (at->step > warmup)
        place.share = at->step < steps ? (double)(at->step - warmup) / (double)(steps - warmup) : 1;
    double rate = rates[spec->schedule.kind](spec, &place) * at->plateau;
    return at->step < warmup ? rate * ((double)(at->step + 1) / (double)warmup) : rate;
}

double schedule_momentum(const struct optimizer_spec *spec, const struct schedule_at *at) {
    const struct momentum_ramp *ramp = &spec->momentum_ramp;
    if (!ramp->on)
        return spec->momentum;
    double share = (double)at->step / (ramp->epochs * (double)at->steps_per_epoch);
    return share < 1 ? ramp->start + (ramp->end - ramp->start) * share : ramp->end;
}

void plateau_init(struct plateau *plateau) {
    *plateau = (struct plateau){.factor = 1};
}

void plateau_watch(struct plateau *plateau, const struct schedule_spec *spec, double value,
                   bool higher_is_better) {
    double best = plateau->best;
    if (value == value && (!plateau->watched || (higher_is_better ? value > best : value < best))) {
        plateau->best = value;
        plateau->watched = true;
        plateau->bad = 0;
        return;
    }
    plateau->bad++;
    if (plateau->bad > spec->patience) {
        plateau->factor *= spec->factor;
        plateau->bad = 0;
    }
}

void plateau_snapshot(struct plateau *plateau, struct snapshot *s) {
    snapshot_bool(s, "watched", &plateau->watched);
    snapshot_double(s, "best", &plateau->best);
    snapshot_double(s, "factor", &plateau->factor);
    snapshot_size(s, "bad", &plateau->bad, SIZE_MAX);
}
