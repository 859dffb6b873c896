/* The drift detection method of Gama, Medas, Castillo and Rodrigues, "Learning with drift detection", SBIA
 * 2004: the error rate against the lowest that was seen. Belongs to drift.h. */
#ifndef SHIFT_DDM_H
#define SHIFT_DDM_H

#include "shift/drift.h"

struct ddm {
    struct ddm_spec spec;
    size_t samples;
    double errors;
    double rate, deviation; /* where their sum was lowest; INFINITY: nowhere yet */
};

void ddm_init(struct ddm *ddm, const struct ddm_spec *spec);
enum drift_level ddm_note(struct ddm *ddm, double error);
void ddm_snapshot(struct ddm *ddm, struct snapshot *s);

#endif
