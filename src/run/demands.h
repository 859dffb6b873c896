/* What a config asks for and only the data can grant. */
#ifndef RUN_DEMANDS_H
#define RUN_DEMANDS_H

#include "base/err.h"
#include "run/setup.h"

/* Whether the number exists in this run: has its place in metrics.jsonl. */
bool demands_has_metric(const struct setup *setup, int metric);

/* Checks what watches a metric (early stopping, a schedule), refit, and calibration against the loaded
 * data. ERR_CONFIG names the key and what it needs. */
bool demands_check(const struct setup *setup, struct err *err) MUST_CHECK;

/* What a shift asks of the rest of the config; needs no data. */
bool demands_of_shift(const struct config *config, struct err *err) MUST_CHECK;
/* And of the loaded data. */
bool demands_of_shift_data(const struct setup *setup, struct err *err) MUST_CHECK;

#endif
