/* What is said of where a run stands: as it is put aside, as it goes on, as a signal has stopped it. */
#ifndef CLI_PLACE_H
#define CLI_PLACE_H

#include "base/text.h"
#include "run/run.h"

/* "epoch 3, step 120 of 469". */
void place_text(const struct run *run, struct text *out);

/* To stderr: where a run that was opened with `resume` goes on, or why it does not, and a warning where its
 * newest checkpoint is damaged. */
void place_resumed(const struct run *run);

/* To stderr: what is left of a run that a signal has stopped. */
void place_interrupted(const struct run *run);

#endif
