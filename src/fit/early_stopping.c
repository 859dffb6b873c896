#include "fit/early_stopping.h"

#include <math.h>

void early_stopping_init(struct early_stopping *s, bool higher_is_better, size_t patience, double min_delta) {
    *s = (struct early_stopping){
        .higher_is_better = higher_is_better,
        .patience = patience,
        .min_delta = min_delta,
        .best = (double)NAN,
        .mark = higher_is_better ? -(double)INFINITY : (double)INFINITY,
    };
}

/* Whether value is better than `than` by more than the margin; false for a NaN. */
static bool better(const struct early_stopping *s, double value, double than, double margin) {
    return s->higher_is_better ? value > than + margin : value < than - margin;
}

bool early_stopping_note(struct early_stopping *s, double value) {
    s->epochs++;
    if (better(s, value, s->mark, s->min_delta)) {
        s->mark = value;
        s->stale = 0;
    } else {
        s->stale++;
    }
    bool best = s->best_epoch == 0 ? !isnan(value) : better(s, value, s->best, 0);
    if (best) {
        s->best = value;
        s->best_epoch = s->epochs;
    }
    return best;
}

bool early_stopping_due(const struct early_stopping *s) {
    return s->stale > 0 && s->stale >= s->patience;
}

void early_stopping_snapshot(struct early_stopping *stopping, size_t epochs, struct snapshot *s) {
    snapshot_size(s, "epochs", &stopping->epochs, epochs);
    snapshot_size(s, "best_epoch", &stopping->best_epoch, stopping->epochs);
    snapshot_double(s, "best", &stopping->best);
    snapshot_double(s, "mark", &stopping->mark);
    snapshot_size(s, "stale", &stopping->stale, SIZE_MAX);
}
