/* The figures that a summary can have, by their paths: what an expectation may speak of, so that a slip is
 * found before the training and not behind it. */
#ifndef RUN_FIGURE_PATHS_H
#define RUN_FIGURE_PATHS_H

#include "base/err.h"
#include "config/config.h"
#include "run/setup.h"

/* Whose figures, and what is known of them; NULL: not known (yet). */
struct figure_scope {
    bool evaluation; /* those that `eval` prints, else those of summary.json */
    size_t seeds;    /* runs that they are means of; 0: no means */
    const struct config *config;
    const struct setup *setup; /* the data are loaded */
};

/* Whether the figure can exist in that scope and be compared so. The error begins with the path; it is
 * ERR_USAGE where the number of seeds is at odds with it, else ERR_CONFIG. */
bool figure_path_check(const struct expectation *expectation, const struct figure_scope *scope,
                       struct err *err) MUST_CHECK;

/* The known path that is nearest to this one, with its numbers of elements; NULL: none. Release with
 * mem_free.
 */
char *figure_path_nearest(const char *path, bool evaluation);

#endif
