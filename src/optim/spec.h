/* What an optimiser is, as plain data. */
#ifndef OPTIM_SPEC_H
#define OPTIM_SPEC_H

#include <stdbool.h>
#include <stddef.h>

/* The rows of the optimiser table, in its order. */
enum optimizer_kind {
    OPTIMIZER_SGD,
    OPTIMIZER_ADAM,
    OPTIMIZER_ADAMW,
    OPTIMIZER_RMSPROP,
    OPTIMIZER_ADAGRAD,
};

enum schedule_kind {
    SCHEDULE_CONSTANT,
    SCHEDULE_STEP,
    SCHEDULE_EXPONENTIAL,
    SCHEDULE_PLATEAU,
    SCHEDULE_LINEAR,
    SCHEDULE_COSINE,
    SCHEDULE_ONE_CYCLE,
    SCHEDULE_COUNT
};

/* "constant", ...; NULL from SCHEDULE_COUNT on. */
const char *schedule_name(size_t i);
/* Whether its rate hangs on how long the run is. */
bool schedule_spans_run(int kind);

/* How the learning rate changes; which numbers count hangs on the kind. */
struct schedule_spec {
    int kind;             /* enum schedule_kind */
    size_t every;         /* epochs from one step to the next */
    double factor;        /* of step, exponential, plateau */
    int metric;           /* of plateau: enum metric (fit/spec.h) */
    size_t patience;      /* of plateau: epochs */
    double final;         /* share of lr at the end: linear, cosine, one_cycle */
    double peak, rise;    /* of one_cycle: the highest rate, and at which share of the run */
    double warmup_epochs; /* with any kind */
};

/* Momentum that grows (or falls) linearly from start to end over the first epochs. */
struct momentum_ramp {
    bool on;
    double start, end, epochs;
};

struct optimizer_spec {
    int kind; /* enum optimizer_kind */
    double lr;
    double momentum; /* sgd, rmsprop */
    struct momentum_ramp momentum_ramp;
    bool nesterov;              /* sgd */
    double dampening;           /* sgd */
    double betas[2];            /* adam, adamw */
    double eps;                 /* all but sgd */
    bool amsgrad;               /* adam, adamw */
    double alpha;               /* rmsprop */
    bool centered;              /* rmsprop */
    double lr_decay;            /* adagrad */
    double initial_accumulator; /* adagrad */
    double weight_decay;        /* decoupled, for every kind */
    double clip_norm;           /* NAN: none */
    double clip_value;          /* NAN: none */
    struct schedule_spec schedule;
};

/* Name of optimiser i, NULL behind the last. */
const char *optimizer_name(size_t i);

#endif
