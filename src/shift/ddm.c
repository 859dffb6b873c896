#include "shift/ddm.h"

#include <math.h>

void ddm_init(struct ddm *ddm, const struct ddm_spec *spec) {
    *ddm = (struct ddm){.spec = *spec, .rate = (double)INFINITY, .deviation = (double)INFINITY};
}

/* A rate of 0 has no deviation, and the first error after it would be a drift: it is never the lowest. */
enum drift_level ddm_note(struct ddm *ddm, double error) {
    const struct ddm_spec *spec = &ddm->spec;
    ddm->samples++;
    ddm->errors += error;
    double n = (double)ddm->samples, rate = ddm->errors / n, deviation = sqrt(rate * (1 - rate) / n);
    if (ddm->samples <= spec->warm_start || !(rate > 0))
        return DRIFT_NONE;
    if (rate + deviation <= ddm->rate + ddm->deviation) {
        ddm->rate = rate;
        ddm->deviation = deviation;
    }
    if (rate + deviation > ddm->rate + spec->drift * ddm->deviation)
        return DRIFT_DRIFT;
    return rate + deviation > ddm->rate + spec->warning * ddm->deviation ? DRIFT_WARNING : DRIFT_NONE;
}

void ddm_snapshot(struct ddm *ddm, struct snapshot *s) {
    snapshot_size(s, "samples", &ddm->samples, SIZE_MAX);
    snapshot_double(s, "errors", &ddm->errors);
    snapshot_double(s, "rate", &ddm->rate);
    snapshot_double(s, "deviation", &ddm->deviation);
}
