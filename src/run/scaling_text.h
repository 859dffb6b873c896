/* The input scaling as JSON text, for the model file: {"kind": "unit"}, or with "mean" and "deviation",
 * numbers that read back to the same floats. One mean and deviation for all features are lists of one
 * number. */
#ifndef RUN_SCALING_TEXT_H
#define RUN_SCALING_TEXT_H

#include <stddef.h>

#include "base/err.h"
#include "base/text.h"
#include "data/dataset.h"

bool scaling_print(const struct scaling *scaling, struct text *out, struct err *err) MUST_CHECK;

/* The scaling of a model with that many features. ERR_DATA with what is wrong. Release with
 * scaling_release. */
bool scaling_parse(const char *json, size_t features, struct scaling *out, struct err *err) MUST_CHECK;

#endif
