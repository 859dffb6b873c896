/* metrics.jsonl: one object an epoch. The file is replaced as a whole each time, so a reader never sees half
 * a line. */
#ifndef RUN_METRICS_H
#define RUN_METRICS_H

#include "base/err.h"
#include "base/text.h"
#include "run/folder.h"
#include "run/run.h"

/* All lines so far; zero-initialise. */
struct metrics {
    struct text lines;
};

/* Appends the record and writes the file. */
bool metrics_add(struct metrics *metrics, const struct epoch_record *record, const struct folder *folder,
                 struct err *err) MUST_CHECK;
void metrics_release(struct metrics *metrics);

#endif
