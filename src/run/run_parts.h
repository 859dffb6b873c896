/* What the files of a run share. */
#ifndef RUN_RUN_PARTS_H
#define RUN_RUN_PARTS_H

#include "run/correction.h"
#include "run/folder.h"
#include "run/keeper.h"
#include "run/metrics.h"
#include "run/run.h"
#include "store/checkpoint.h"

enum phase {
    PHASE_ESTIMATION,  /* of a shift, as far as it needs no trained model */
    PHASE_BY_MODEL,    /* what was left of that, by the uncorrected model */
    PHASE_UNCORRECTED, /* a training without weights, before a search by weights or until that is known */
    PHASE_SEARCH,
    PHASE_REFIT,
    PHASE_STREAM, /* learning from the windows of a stream */
};

struct run {
    enum phase phase;
    const struct config *config;
    struct folder folder;
    struct setup setup;
    struct metrics metrics;
    struct training search, refit;
    struct training *training; /* the one in progress */
    struct stream stream;
    struct setup_state found; /* what the search has found, in a refit */
    struct correction correction;
    struct measurement test; /* of the final model */
    struct calibration calibration;
    bool finished; /* the result stands */
    struct run_refit refitted;
    struct run_result result;
    struct text message, summary;
    struct warnings warnings;
    struct expectations expectations;
    size_t seeds; /* of run_options */

    struct keeper *keeper;
    struct text config_text, data_text; /* what it works on: config.json, digests of files */
    struct text init_from;              /* a path; empty: none */
    bool news;                          /* an epoch, window or phase since the last checkpoint */
    double kept_at;                     /* when that was handed over, by clock_seconds */
    double spent;                       /* seconds of the processes before this one */
    struct run_resumed resumed;
    struct text notice;
};

/* ---- run.c ---- */

/* Holds run->summary against what is expected; that of a run that broke is not what was expected, whatever it
 * is. */
bool run_judge(struct run *run, struct err *err) MUST_CHECK;

/* The search by weights; what was trained before it leaves no trace but its records. */
bool run_begin_weighted(struct run *run, struct err *err) MUST_CHECK;
bool run_begin_refit(struct run *run, struct err *err) MUST_CHECK;

/* ---- going on (resume.c) ---- */

/* Finds the checkpoint of the folder, if there is one, and checks that its run had this config. *checkpoint:
 * NULL where there is none, or where nothing is left to do (run->resumed.finished). */
bool resume_find(struct run *run, const char *init_from, struct checkpoint **checkpoint,
                 struct err *err) MUST_CHECK;
/* Checks that the data, which have been loaded, are those of the finished run's summary. */
bool resume_check_data(struct run *run, struct err *err) MUST_CHECK;
/* Takes the run, which has been opened, to where the checkpoint was made; checks the data. */
bool resume_from(struct run *run, struct checkpoint *checkpoint, struct err *err) MUST_CHECK;

/* ---- checkpoints (keep.c) ---- */

/* Puts all that the run needs to go on aside, or takes it up. */
void run_snapshot(struct run *run, struct snapshot *s);

/* Hands a snapshot to the keeper. */
bool keep(struct run *run, struct err *err) MUST_CHECK;
/* The same, if it is time to. */
bool keep_if_due(struct run *run, struct err *err) MUST_CHECK;

#endif
