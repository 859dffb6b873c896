/* The table of figures that a summary can have, private to figure_paths.c: a row each, with "#" for the
 * number of an element of a list. */
#ifndef RUN_FIGURE_ROWS_H
#define RUN_FIGURE_ROWS_H

#include <stddef.h>

/* What a figure is and what it needs. */
enum figure_flag {
    TEXT = 1,   /* compared by == and != only */
    EITHER = 2, /* text or number */
    SHARE = 4,  /* from 0 to 1 */
    EVAL = 8,   /* `eval` has it too */
    NEEDS_TEST = 16,
    NEEDS_VALIDATION = 32,
    NEEDS_CLASSES = 64,
    NEEDS_PROBABILITIES = 128,
    NEEDS_STOPPING = 256,
    NEEDS_REFIT = 512,
    NEEDS_DIAGNOSTICS = 1024,
    NEEDS_TEMPERATURE = 2048,
    NEEDS_TARGET = 4096,
    NEEDS_LABEL = 8192,
    NEEDS_COVARIATE = 16384,
    NEEDS_STREAM = 32768,
    NEEDS_SHIFT = 65536,
    ONE_MODEL = 131072, /* has no mean over seeds */
    NEEDS_VALUES = 524288,
    EVAL_ONLY = 262144 | EVAL,
};

struct figure_row {
    const char *path;
    unsigned flags;
};

/* Row i, NULL behind the last; in the order in which a mere "accuracy" is told to be meant. */
const struct figure_row *figure_row(size_t i);

#endif
