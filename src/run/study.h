/* A look at a shift without a run: tests and estimates, with a model trained only where an estimate needs
 * one. Writes nothing. An iterator like a run. */
#ifndef RUN_STUDY_H
#define RUN_STUDY_H

#include "base/err.h"
#include "config/config.h"
#include "run/estimation.h"
#include "run/training.h"

enum study_event {
    STUDY_PROGRESS, /* some steps are done */
    STUDY_TRAINING, /* a model is needed, and its training begins */
    STUDY_EPOCH,    /* an epoch of it is done */
    STUDY_DONE      /* the result stands */
};

struct study;

/* ERR_CONFIG where the config has no shift of kind covariate or label. The config is borrowed. */
struct study *study_open(const struct config *config, const char *isa, struct err *err) MUST_CHECK;
void study_free(struct study *study);

/* Goes on for a moment. Not to be called after STUDY_DONE or a failure. */
bool study_advance(struct study *study, enum study_event *event, struct err *err) MUST_CHECK;

const struct setup *study_setup(const struct study *study);
const struct estimation *study_estimation(const struct study *study);
const struct training *study_training(const struct study *study);
const struct warnings *study_warnings(const struct study *study);
/* After STUDY_DONE. */
const struct estimation_result *study_result(const struct study *study);

#endif
