/* How much worse than a baseline a metric of summary.json may be. */
#ifndef RUN_TOLERANCE_H
#define RUN_TOLERANCE_H

#include "base/err.h"

struct tolerance {
    char *metric; /* path in summary.json; owned */
    bool higher;  /* is better */
    double most;  /* at least 0 */
};

/* "METRIC=NUMBER". ERR_USAGE where the number is none, or of the metric is not known which way is better. */
bool tolerance_read(const char *text, struct tolerance *out, struct err *err) MUST_CHECK;
/* By the metric's name alone; it must be a known one. */
bool tolerance_higher_is_better(const char *metric);
void tolerance_release(struct tolerance *tolerance);

/* By how much the value is worse than that of the baseline; below 0: better. */
double tolerance_loss(bool higher, double baseline, double value);
/* Whether it is worse by more than `most`, beyond rounding: accuracies of .97 and .96 are .01 apart. */
bool tolerance_exceeded(bool higher, double most, double baseline, double value);

#endif
