/* A finished run done again from its own config, to see whether it comes out the same: every line of
 * metrics.jsonl and the digest of the model, bit for bit. An iterator like a run; what it writes goes to a
 * scratch folder that is removed. */
#ifndef RUN_VERIFY_H
#define RUN_VERIFY_H

#include <stddef.h>

#include "base/err.h"
#include "base/text.h"
#include "config/config.h"
#include "run/run.h"

/* Where the two differ first. */
struct verify_difference {
    struct text
        where;        /* "epoch 3", "epoch 1 of the refit", "window 2", "summary.json", "model.safetensors" */
    struct text path; /* of the member: "validation.loss"; empty: the whole line */
    struct text then, now; /* what the run has there, and what comes out now, as JSON; "nothing" */
};

struct verify_verdict {
    bool agrees;
    size_t epochs, windows;              /* that agree, of all trainings */
    struct verify_difference difference; /* where it does not agree */
    struct text reasons; /* what can make it differ: a sentence a line, empty where nothing is known */
};

struct verify;

/* Reads the run; ERR_DATA where it is none, is not finished or is damaged. */
struct verify *verify_open(const char *path, struct err *err) MUST_CHECK;
void verify_free(struct verify *verify);

/* The path of its config, to be loaded for verify_begin. */
const char *verify_config(const struct verify *verify);

/* Loads the data and makes the model. The config is borrowed. */
bool verify_begin(struct verify *verify, const struct config *config, const char *isa, const char *version,
                  struct err *err) MUST_CHECK;

/* Goes on for a moment; *over: the verdict stands, as soon as anything differs. Not to be called after that
 * or a failure. */
bool verify_advance(struct verify *verify, enum run_event *event, bool *over, struct err *err) MUST_CHECK;

const struct run *verify_run(const struct verify *verify); /* after verify_begin */
/* What is known to have changed since the run, from verify_begin on; the rest when it is over. */
const struct verify_verdict *verify_verdict(const struct verify *verify);

/* One JSON object. */
bool verify_print(const struct verify *verify, struct text *out, struct err *err) MUST_CHECK;

#endif
