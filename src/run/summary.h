/* summary.json: what a run did and how good its model is. Its presence marks a finished run. */
#ifndef RUN_SUMMARY_H
#define RUN_SUMMARY_H

#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "fit/fit.h"
#include "run/run.h"
#include "run/setup.h"

bool summary_print(const struct run_result *result, const struct setup *setup, struct text *out,
                   struct err *err) MUST_CHECK;

/* The members that an evaluation has in summary.json, inside an object that the caller has opened.
 * class_name: NULL for numbers. */
void summary_evaluation(struct json_writer *w, const struct evaluation *e, char *const *class_name);

/* The checksums of the data, an object. */
void summary_data(struct json_writer *w, const struct setup *setup);
/* The same as a tree; release with json_free. */
struct json *summary_data_tree(const struct setup *setup, struct err *err) MUST_CHECK;

#endif
