/* metrics.jsonl: one object an epoch, and a window of a stream; the names of metrics (fit/spec.h) are the
 * paths of its numbers. The file is replaced as a whole each time, so a reader never sees half a line; about
 * twice a second at most, because many short epochs would make that long. */
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
    size_t written;    /* bytes of them that the file has */
    double written_at; /* by clock_seconds */
};

/* Appends the record, and the figures of the layers, if they are not NULL; the file does not have it yet. */
bool metrics_add(struct metrics *metrics, const struct epoch_record *record,
                 const struct net_diagnostics *diagnostics, struct err *err) MUST_CHECK;
/* The same for a window of a stream. */
bool metrics_add_window(struct metrics *metrics, const struct window_record *record,
                        struct err *err) MUST_CHECK;
/* Takes the mark from the lines of an uncorrected training, where it turns out to be the search. */
bool metrics_settle(struct metrics *metrics, struct err *err) MUST_CHECK;
/* Writes what the file does not have yet, if its turn has come; to be called every now and then. */
bool metrics_write(struct metrics *metrics, const struct folder *folder, struct err *err) MUST_CHECK;
/* The same at once, where a run ends. */
bool metrics_flush(struct metrics *metrics, const struct folder *folder, struct err *err) MUST_CHECK;
void metrics_release(struct metrics *metrics);

#endif
