/* Detectors of a change for the worse on a stream of errors, in the order of time: Page and Hinkley's test,
 * DDM (Gama, Medas, Castillo and Rodrigues, SBIA 2004), ADWIN (Bifet and Gavalda, SDM 2007). In double, with
 * the bits of every machine. */
#ifndef SHIFT_DRIFT_H
#define SHIFT_DRIFT_H

#include "base/err.h"
#include "base/snapshot.h"
#include "shift/spec.h"

enum drift_level { DRIFT_NONE, DRIFT_WARNING, DRIFT_DRIFT };

struct drift;

/* The spec is copied. Release with drift_free. */
struct drift *drift_create(const struct drift_spec *spec, struct err *err) MUST_CHECK;
void drift_free(struct drift *drift);

/* The next error, 0 or 1 (or a value in [0, 1]). Only a rise of the errors is an alarm. After DRIFT_DRIFT the
 * detector begins anew, ADWIN with what it has kept of its window. Never fails. */
enum drift_level drift_note(struct drift *drift, double error);
/* Forgets all. */
void drift_reset(struct drift *drift);

/* Puts aside, or takes up, what it has seen. */
void drift_snapshot(struct drift *drift, struct snapshot *s);

#endif
