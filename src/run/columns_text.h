/* What the columns of a table are, as text in a model file. */
#ifndef RUN_COLUMNS_TEXT_H
#define RUN_COLUMNS_TEXT_H

#include "base/err.h"
#include "base/text.h"
#include "data/spec.h"

/* Appends what further tables are read by, as one line of JSON; nothing where the training data were none. */
bool columns_print(const struct data_spec *spec, struct text *out, struct err *err) MUST_CHECK;

/* Reads it back: feature names, of which there must be spec->feature_count, and into spec->train the columns.
 * ERR_DATA for anything that columns_print does not write; what was read until then stays in the spec. */
bool columns_parse(const char *json, struct data_spec *spec, struct err *err) MUST_CHECK;

#endif
