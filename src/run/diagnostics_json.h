/* The figures of the layers in metrics.jsonl and summary.json. */
#ifndef RUN_DIAGNOSTICS_JSON_H
#define RUN_DIAGNOSTICS_JSON_H

#include "base/json.h"
#include "fit/fit.h"

/* An object: gradient_ratio and the list `layers`; figures that there are not are left out. */
void diagnostics_print(struct json_writer *w, const struct net_diagnostics *net);

#endif
