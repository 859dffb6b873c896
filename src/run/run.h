/* A training run put together: config, data, model, fit, run directory. It goes through phases: the search
 * for the best epoch, which is the whole training where nothing else is asked for, its figures and
 * temperature, the refit, the stream, the test. A shift between training and use comes before: it is
 * estimated, where need be by an uncorrected training that comes before the search. An iterator: the command
 * asks it to advance and draws what has happened, so nothing here prints. */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include <stddef.h>

#include "base/err.h"
#include "base/sha256.h"
#include "base/text.h"
#include "config/config.h"
#include "fit/fit.h"
#include "run/calibrate.h"
#include "run/estimation.h"
#include "run/expectation.h"
#include "run/setup.h"
#include "run/stream.h"
#include "run/training.h"
#include "run/warnings.h"

struct run_options {
    const char *folder;               /* --out; NULL: runs/NAME under the working directory */
    bool force;                       /* replace a finished run */
    bool resume;                      /* go on with the run that the folder holds, if there is one */
    const char *init_from;            /* model file to start from, or NULL */
    const char *isa;                  /* kernel table, "auto" or NULL */
    const char *version;              /* of the program, for summary.json */
    const struct expect_spec *expect; /* of the command line, beside those of the config; borrowed; or NULL */
    size_t seeds; /* runs whose mean the expectations are of, judged by whoever runs them; 0: they are of this
                   * run */
};

enum run_event {
    RUN_PROGRESS,  /* some steps are done */
    RUN_ESTIMATED, /* the shift is known: run_result's, or here run_shift */
    RUN_WEIGHTED,  /* the search begins, by the weights of the shift, behind an uncorrected training */
    RUN_EPOCH,     /* an epoch is done, evaluated on the validation part and recorded */
    RUN_REFIT,     /* the search is over, and training begins again on training and validation part */
    RUN_WINDOW,    /* a window of the stream is predicted, learned from and recorded */
    RUN_DONE,      /* tested, model and summary written */
};

struct run;

/* How a run was taken up again. */
struct run_resumed {
    bool on;                 /* it was */
    bool finished;           /* there is nothing left to do: run_summary is that of the run */
    bool by_previous;        /* from the previous checkpoint: the newest is damaged */
    char digest[SHA256_HEX]; /* of the finished run's model; "": its summary has none */
};

/* Opens the folder (refusing a finished run without force and resume: ERR_SYSTEM with the words --force and
 * --resume in it; the folder is checked before the data are read), loads the data, makes the model. With
 * resume the run goes on from its newest whole checkpoint, to the bits that it would have come to without an
 * interruption; it begins where there is none. ERR_CONFIG and ERR_DATA say what is not as it was then. config
 * is borrowed. */
struct run *run_open(const struct config *config, const struct run_options *options,
                     struct err *err) MUST_CHECK;
void run_free(struct run *run);

/* Goes on for a moment (less than a tenth of a second where steps are short) or to the next event. Not to be
 * called after RUN_DONE or a failure. On ERR_DIVERGED the last good model and the summary (stopped_by
 * diverged) are written before it returns. */
bool run_advance(struct run *run, enum run_event *event, struct err *err) MUST_CHECK;

/* Between two calls of run_advance, before RUN_DONE: puts the run aside, so that it can go on from here, and
 * returns when that is on disk. (It is also done by itself, at the end of epochs and as often as the config
 * says.) */
bool run_keep(struct run *run, struct err *err) MUST_CHECK;
/* Writes the records that metrics.jsonl does not have yet: for who gives up before RUN_DONE. */
bool run_stop(struct run *run, struct err *err) MUST_CHECK;

const struct run_resumed *run_resumed(const struct run *run);
/* What was to be noted when it was resumed, a sentence; NULL: nothing. */
const char *run_notice(const struct run *run);

/* Of the fit at work; NULL: between two, in a stream. */
const struct fit_status *run_status(const struct run *run);
const struct training *run_training(const struct run *run);  /* the one in progress */
const struct epoch_record *run_epoch(const struct run *run); /* the latest one */
/* Of the layers in that epoch, until the next one is done or a refit begins; NULL: not asked for. */
const struct net_diagnostics *run_diagnostics(const struct run *run);
/* Learning from the stream, which has begun; else NULL. */
const struct stream *run_stream(const struct run *run);
const struct warnings *run_warnings(const struct run *run); /* so far */
/* What is being estimated before training; NULL: nothing. */
const struct estimation *run_estimation(const struct run *run);
/* What is known of the shift; NULL: nothing yet, or nothing was asked for. */
const struct estimation_result *run_shift(const struct run *run);
/* The lines of metrics.jsonl so far, whether the file has them or not. */
const char *run_metrics(const struct run *run);
const char *run_folder(const struct run *run);
const struct setup *run_setup(const struct run *run);

/* Training again on training and validation part. */
struct run_refit {
    size_t epochs;  /* finished ones */
    size_t samples; /* of both parts */
    uint64_t steps;
};

/* What summary.json says. */
struct run_result {
    const char *init_from; /* the file that training started from, its absolute path, or NULL */
    const char *version;
    const char *stopped_by; /* "epochs", "early_stopping", "diverged" */
    const char *message;    /* why, or NULL */
    size_t epochs_run;      /* finished epochs of the search */
    size_t best_epoch; /* of the best metric of early stopping; without it of the lowest validation loss, or
                        * training loss where there is no validation part; 0: none */
    uint64_t steps;    /* of search and refit */
    const struct training *search;   /* what early stopping has seen */
    const struct run_refit *refit;   /* NULL: none begun */
    const struct epoch_record *kept; /* the epoch whose state the model has; NULL: the initial one */
    const struct net_diagnostics *diagnostics;  /* of the last epoch, in a refit of the refit's; NULL: none */
    const struct evaluation *validation, *test; /* of the model, with a refit the validation of the search's;
                                                 * NULL: no such part, or not finite */
    const struct stream *stream;                /* NULL: none was asked for */
    const struct calibration *calibration;
    const struct estimation_result *shift; /* NULL: not asked for, or not known yet */
    const struct target_worth *target_worth;
    const struct warnings *warnings;
    double load_seconds, train_seconds, total_seconds; /* train: the epochs' training parts */
    double first_step_seconds; /* from the start of the process to the end of the first step */
    double samples_per_second; /* of the training parts */
    char digest[SHA256_HEX];
};

/* Judged from RUN_DONE on, and of a finished run that was resumed. */
const struct expectations *run_expectations(const struct run *run);
/* After RUN_DONE or ERR_DIVERGED; NULL before. */
const struct run_result *run_result(const struct run *run);
/* The JSON text; NULL before. Of a finished run that was resumed its file. */
const char *run_summary(const struct run *run);

#endif
