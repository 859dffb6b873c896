/* train --seeds N: the same config from N seeds, one run after the other. */
#ifndef CLI_TRAIN_SEEDS_H
#define CLI_TRAIN_SEEDS_H

#include "cli/gate.h"
#include "cli/options.h"
#include "config/config.h"
#include "run/run.h"

/* Carries an open run through, with its progress on stderr; true with no result where a signal has come. */
typedef bool carry_through(struct run *run, const struct config *config, const struct arguments *arguments,
                           struct err *err);

/* The status; the gate, which has begun, is closed. */
int train_seeds(const struct config *config, const struct arguments *arguments, struct gate *gate,
                carry_through *train);

#endif
