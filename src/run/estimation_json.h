/* What was estimated about a shift, as JSON. */
#ifndef RUN_ESTIMATION_JSON_H
#define RUN_ESTIMATION_JSON_H

#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "run/estimation.h"

/* The member "shift" of an object that the caller has opened. worth: NULL where no model was trained for
 * its own sake. */
void estimation_print(struct json_writer *w, const struct estimation_result *result,
                      const struct target_worth *worth);

/* The report of an estimation alone. */
bool estimation_report(const struct estimation_result *result, const struct setup *setup,
                       const struct warnings *warnings, struct text *out, struct err *err) MUST_CHECK;

#endif
