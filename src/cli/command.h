/* The commands: one row each. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stddef.h>

#include "base/text.h"
#include "cli/options.h"

/* The exit status of what is done but not as expected; those of errors are in enum err_kind. */
enum { EXPECTATION_FAILED = 1 };

struct command {
    const char *name;
    const char *usage;   /* behind "dltrain" */
    const char *summary; /* one line, lower case, no full stop */
    const char *example; /* lines for the help, each ended; may be empty */
    const struct option_row *options;
    int max_operands;
    int (*run)(const struct arguments *arguments); /* the exit status; has printed its results and errors */
};

extern const struct command command_train, command_check, command_eval, command_predict, command_calibrate,
    command_gradcheck, command_augment, command_resample, command_shift, command_compare, command_verify,
    command_schema, command_help;

/* Row i, NULL behind the last. */
const struct command *command_at(size_t i);

/* Runs the command that the command line names; without a name it is `train`. The exit status. */
int command_run(int argc, char **argv);

#endif
