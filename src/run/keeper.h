/* Puts the state of a run on disk while the run goes on: what is handed over is written by a thread of its
 * own, the newest where several came while it wrote. A checkpoint takes the place of the last one, which
 * stays beside it as the previous one. */
#ifndef RUN_KEEPER_H
#define RUN_KEEPER_H

#include "base/err.h"
#include "base/snapshot.h"
#include "base/text.h"
#include "run/folder.h"

struct keeper;

/* The folder is borrowed. Where there is no thread to be had, what is handed over is written at once. Release
 * with keeper_free. */
struct keeper *keeper_create(const struct folder *folder, struct err *err) MUST_CHECK;
/* Waits for what is being written, and drops what waits. */
void keeper_free(struct keeper *keeper);

/* Hands over a snapshot, which the keeper releases, and the lines of metrics.jsonl, which are copied. False:
 * an earlier one could not be written. */
bool keeper_hand(struct keeper *keeper, struct snapshot *snapshot, const struct text *metrics,
                 struct err *err) MUST_CHECK;
/* Returns when all that was handed over is on disk. */
bool keeper_wait(struct keeper *keeper, struct err *err) MUST_CHECK;
/* Whether nothing is being written, and nothing waits. False: an earlier one could not be written. */
bool keeper_idle(struct keeper *keeper, bool *idle, struct err *err) MUST_CHECK;

#endif
