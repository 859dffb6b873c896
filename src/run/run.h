/* A training run put together: config, data, model, fit, run directory. An iterator: the command asks it to
 * advance and draws what has happened, so nothing here prints. */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include <stddef.h>

#include "base/err.h"
#include "base/sha256.h"
#include "base/text.h"
#include "config/config.h"
#include "fit/fit.h"
#include "run/setup.h"
#include "run/warnings.h"

struct run_options {
    const char *folder;    /* --out; NULL: runs/NAME under the working directory */
    bool force;            /* replace a finished run */
    const char *init_from; /* model file to start from, or NULL */
    const char *isa;       /* kernel table, "auto" or NULL */
    const char *version;   /* of the program, for summary.json */
};

enum run_event {
    RUN_PROGRESS, /* some steps are done */
    RUN_EPOCH,    /* an epoch is done, evaluated on the validation part and recorded */
    RUN_DONE,     /* tested, model and summary written */
};

/* One line of metrics.jsonl. */
struct epoch_record {
    size_t epoch;
    uint64_t step;
    double lr, seconds, samples_per_second;
    double train_loss, train_accuracy;
    bool validated;
    double validation_loss, validation_accuracy;
    double validation_weighted_loss;           /* NaN without weights */
    const struct net_diagnostics *diagnostics; /* of the run's fit; NULL: not asked for */
};

struct run;

/* Opens the folder (refusing a finished run without force: ERR_SYSTEM with the words --force and --resume in
 * it; the folder is checked before the data are read), loads the data, makes the model. config is
 * borrowed. */
struct run *run_open(const struct config *config, const struct run_options *options,
                     struct err *err) MUST_CHECK;
void run_free(struct run *run);

/* Goes on for a moment (less than a tenth of a second where steps are short) or to the next event. Not to be
 * called after RUN_DONE or a failure. On ERR_DIVERGED the last good model and the summary (stopped_by
 * diverged) are written before it returns. */
bool run_advance(struct run *run, enum run_event *event, struct err *err) MUST_CHECK;

/* Writes the records that metrics.jsonl does not have yet: for who gives up before RUN_DONE. */
bool run_stop(struct run *run, struct err *err) MUST_CHECK;

const struct fit_status *run_status(const struct run *run);
const struct epoch_record *run_epoch(const struct run *run); /* the latest one */
const struct warnings *run_warnings(const struct run *run);  /* so far */
const char *run_folder(const struct run *run);
const struct setup *run_setup(const struct run *run);

/* What summary.json says. */
struct run_result {
    const char *init_from; /* the file that training started from, or NULL */
    const char *version;
    const char *stopped_by; /* "epochs", "diverged" */
    const char *message;    /* why, or NULL */
    size_t epochs_run;      /* finished epochs */
    size_t best_epoch; /* of the lowest validation loss, without validation part the lowest training loss; 0:
                          none */
    uint64_t steps;
    const struct epoch_record *last;            /* NULL: no epoch finished */
    const struct evaluation *validation, *test; /* of the final model; NULL: no such part, or not finite */
    const struct warnings *warnings;
    double load_seconds, train_seconds, total_seconds; /* train: the epochs' training parts */
    double first_step_seconds; /* from the start of the process to the end of the first step */
    double samples_per_second; /* of the training parts */
    char digest[SHA256_HEX];
};

/* After RUN_DONE or ERR_DIVERGED; NULL before. */
const struct run_result *run_result(const struct run *run);
const char *run_summary(const struct run *run); /* the JSON text; NULL before */

#endif
