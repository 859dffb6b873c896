/* Early stopping as a state machine: the value of an epoch goes in, whether it is the best so far and whether
 * training should end comes out. Knows neither model nor metric. */
#ifndef FIT_EARLY_STOPPING_H
#define FIT_EARLY_STOPPING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/snapshot.h"

struct early_stopping {
    bool higher_is_better;
    size_t patience;
    double min_delta;
    size_t epochs;     /* noted so far */
    size_t best_epoch; /* of the best value, the first one of equals; 0: none yet */
    double best;       /* NaN: none yet */
    double mark;       /* the value that an improvement must exceed by more than min_delta */
    size_t stale;      /* epochs since the last improvement */
};

/* patience: training should end after so many epochs without an improvement, but not before one (0 is as 1).
 * An improvement is a value that is better by more than min_delta than that of the last improvement, so that
 * many small gains count together; the best value needs no margin. */
void early_stopping_init(struct early_stopping *stopping, bool higher_is_better, size_t patience,
                         double min_delta);

/* Notes the value of the next epoch and returns whether it is the best so far. A NaN never is. */
bool early_stopping_note(struct early_stopping *stopping, double value);

/* Whether training should end behind the epoch that was noted last. */
bool early_stopping_due(const struct early_stopping *stopping);

/* Puts aside, or takes up, what it has seen in at most so many epochs; what it was told by
 * early_stopping_init stays. */
void early_stopping_snapshot(struct early_stopping *stopping, size_t epochs, struct snapshot *s);

#endif
