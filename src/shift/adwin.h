/* ADWIN (Bifet and Gavalda, "Learning from time-changing data with adaptive windowing", SDM 2007): a window
 * of the latest errors that is cut wherever an older and a newer part of it have different means. The window
 * is an exponential histogram: buckets of 1, 2, 4 ... samples. Belongs to drift.h. */
#ifndef SHIFT_ADWIN_H
#define SHIFT_ADWIN_H

#include "shift/drift.h"

struct adwin;

struct adwin *adwin_create(const struct adwin_spec *spec, struct err *err) MUST_CHECK;
void adwin_free(struct adwin *adwin);
void adwin_reset(struct adwin *adwin);

/* A rise of the mean is a drift, a fall only cuts the window. */
enum drift_level adwin_note(struct adwin *adwin, double error);
void adwin_snapshot(struct adwin *adwin, struct snapshot *s);

#endif
