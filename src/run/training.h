/* A training of a run, from the initial parameters on: portions of steps, every epoch measured, the best one
 * remembered. A run has one, the search, and where a refit is asked for a second one behind it. */
#ifndef RUN_TRAINING_H
#define RUN_TRAINING_H

#include "base/err.h"
#include "fit/early_stopping.h"
#include "fit/fit.h"
#include "run/setup.h"

/* One line of metrics.jsonl. */
struct epoch_record {
    bool refit;       /* of the refit, whose epochs count from 1 again */
    bool uncorrected; /* of a training that one by the weights of a shift follows, from epoch 1 again */
    size_t epoch;
    uint64_t step;
    double lr, seconds, samples_per_second;
    double metric[METRIC_COUNT]; /* by enum metric; NaN: this run has none */
};

/* Figures on a part, if there are any. */
struct measurement {
    bool made;
    struct evaluation figures;
};

/* Measures the setup's model as it is now; where there is no such part, nothing. */
bool measure(const struct setup *setup, const struct data_part *part, struct measurement *out,
             struct err *err) MUST_CHECK;
void measurement_release(struct measurement *measurement);
void measurement_snapshot(struct measurement *measurement, const char *name, size_t outputs,
                          struct snapshot *s);

struct training {
    const struct setup *setup;
    const struct training *search; /* a refit: the one that it follows; NULL */
    bool uncorrected;              /* one by the weights of a shift may follow; set by who knows */
    size_t epochs;                 /* to be done */
    struct epoch_record last;      /* the latest finished epoch; zero: none */
    struct measurement validation; /* of the model as it is now */
    int metric;                    /* by which epochs are compared */
    struct early_stopping stopping;
    struct epoch_record best;        /* that epoch, where its state is kept */
    real *best_theta;                /* and its parameters; NULL: they are not kept */
    double *watched;                 /* [epochs] what a plateau schedule was told; NULL: there is none */
    const struct epoch_record *kept; /* the epoch whose state the model has; NULL: the initial one */
    uint64_t steps, samples;         /* trained on in all epochs */
    double seconds;                  /* in steps */
    double first_step_seconds;       /* from the start of the process to the end of the first step; 0: none */
    /* the epoch in progress */
    size_t portion;       /* steps to ask for */
    double epoch_seconds; /* in steps */
    size_t seen_before;   /* samples that earlier portions had */
};

/* Begins with the setup's model and fit, which must be new. search: that of a refit, which goes through as
 * many epochs as were best there, with the learning rates that they had; else NULL. The setup is borrowed. On
 * failure nothing is left to release. */
bool training_begin(struct training *training, const struct setup *setup, const struct training *search,
                    struct err *err) MUST_CHECK;
void training_release(struct training *training);

/* Whether all epochs are done, or as many as early stopping allows. */
bool training_over(const struct training *training);
/* Whether early stopping has ended it before its last epoch. */
bool training_stopped_early(const struct training *training);

/* Goes on for a moment, at most to the end of the epoch; *epoch: that has been reached, and `last` and
 * `validation` are new. ERR_DIVERGED where it broke; the model is then in the state of the last good epoch.
 */
bool training_advance(struct training *training, bool *epoch, struct err *err) MUST_CHECK;

/* How many steps to ask for next, at most about `most`, where the last portion took so many seconds. */
size_t training_portion(size_t portion, size_t most, double seconds);

/* Takes the model back to the best epoch, where its state is kept; the validation is then to be made again.
 */
void training_restore_best(struct training *training);

/* Puts it aside, the state of its fit and model included, or takes it up in one that has just begun. */
void training_snapshot(struct training *training, struct snapshot *s);

#endif
