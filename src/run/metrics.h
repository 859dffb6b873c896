/* metrics.jsonl: one object an epoch, and a window of a stream; the names of metrics (fit/spec.h) are the
 * paths of its numbers. The file is replaced as a whole each time, so a reader never sees half a line. */
#ifndef RUN_METRICS_H
#define RUN_METRICS_H

#include "base/err.h"
#include "base/text.h"
#include "run/folder.h"
#include "run/stream.h"
#include "run/training.h"

/* All lines so far; zero-initialise. */
struct metrics {
    struct text lines;
    size_t written; /* bytes of them that the file has */
};

/* Appends the record, and the figures of the layers, if they are not NULL; the file does not have it yet. */
bool metrics_add(struct metrics *metrics, const struct epoch_record *record,
                 const struct net_diagnostics *diagnostics, struct err *err) MUST_CHECK;
/* The same for a window of a stream. */
bool metrics_add_window(struct metrics *metrics, const struct window_record *record,
                        struct err *err) MUST_CHECK;
/* Takes the mark from the lines of an uncorrected training, where it turns out to be the search. */
bool metrics_settle(struct metrics *metrics, struct err *err) MUST_CHECK;
/* Writes what the file does not have yet, where a run ends; before that it comes with the checkpoints. */
bool metrics_flush(struct metrics *metrics, const struct folder *folder, struct err *err) MUST_CHECK;
void metrics_release(struct metrics *metrics);
/* Puts the lines aside, or takes them up; the file is then still to be written. */
void metrics_snapshot(struct metrics *metrics, struct snapshot *s);

#endif
