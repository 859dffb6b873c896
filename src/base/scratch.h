/* A folder of one's own for files that nobody is to keep. */
#ifndef BASE_SCRATCH_H
#define BASE_SCRATCH_H

#include <dirent.h>

#include "base/err.h"

/* Zero: none. */
struct scratch {
    char *path; /* owned */
    DIR *open;  /* so that it can be emptied without memory */
};

/* Makes a new folder under $TMPDIR, or /tmp, whose name begins with "dltrain-"; ERR_SYSTEM. Give it back by
 * scratch_remove. */
bool scratch_make(struct scratch *scratch, struct err *err) MUST_CHECK;

/* Removes the folder with the files in it; what cannot be removed stays. */
void scratch_remove(struct scratch *scratch);

#endif
