#include "shift/drift.h"

#include "base/mem.h"
#include "shift/adwin.h"
#include "shift/ddm.h"
#include "shift/page_hinkley.h"

struct drift {
    struct drift_spec spec;
    struct page_hinkley page_hinkley;
    struct ddm ddm;
    struct adwin *adwin; /* NULL: another detector */
};

struct drift *drift_create(const struct drift_spec *spec, struct err *err) {
    struct drift *drift = mem_alloc(1, sizeof *drift, "the drift detector", err);
    if (!drift)
        return NULL;
    drift->spec = *spec;
    if (spec->detector == DRIFT_ADWIN && !(drift->adwin = adwin_create(&spec->adwin, err))) {
        mem_free(drift);
        return NULL;
    }
    drift_reset(drift);
    return drift;
}

void drift_free(struct drift *drift) {
    if (!drift)
        return;
    adwin_free(drift->adwin);
    mem_free(drift);
}

void drift_reset(struct drift *drift) {
    page_hinkley_init(&drift->page_hinkley, &drift->spec.page_hinkley);
    ddm_init(&drift->ddm, &drift->spec.ddm);
    if (drift->adwin)
        adwin_reset(drift->adwin);
}

enum drift_level drift_note(struct drift *drift, double error) {
    if (drift->adwin)
        return adwin_note(drift->adwin, error);
    enum drift_level level = drift->spec.detector == DRIFT_DDM
                                 ? ddm_note(&drift->ddm, error)
                                 : page_hinkley_note(&drift->page_hinkley, error);
    if (level == DRIFT_DRIFT)
        drift_reset(drift);
    return level;
}

void drift_snapshot(struct drift *drift, struct snapshot *s) {
    if (drift->adwin)
        adwin_snapshot(drift->adwin, s);
    else if (drift->spec.detector == DRIFT_DDM)
        ddm_snapshot(&drift->ddm, s);
    else
        page_hinkley_snapshot(&drift->page_hinkley, s);
}
