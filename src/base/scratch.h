/* A folder of one's own for files that nobody is to keep. */
#ifndef BASE_SCRATCH_H
#define BASE_SCRATCH_H

#include "base/err.h"

/* Makes a new folder under $TMPDIR, or /tmp, whose name begins with "dltrain-"; its path, or NULL with
 * ERR_SYSTEM. Give it back by scratch_remove. */
char *scratch_make(struct err *err) MUST_CHECK;

/* Removes the folder with the files in it and releases the path; what cannot be removed stays. NULL is fine.
 */
void scratch_remove(char *path);

#endif
