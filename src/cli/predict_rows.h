/* Predictions as text, a row a sample. */
#ifndef CLI_PREDICT_ROWS_H
#define CLI_PREDICT_ROWS_H

#include <stddef.h>

#include "base/real.h"
#include "base/text.h"
#include "run/infer.h"

/* A way to write predictions. values: the outputs of row `index`; deviations: theirs, where they are means.
 */
struct predict_format {
    const char *name;
    void (*head)(const struct predictions *p, struct text *out);
    void (*row)(const struct predictions *p, size_t index, const real *values, const real *deviations,
                struct text *out);
};

/* Row i of the formats, NULL behind the last. */
const struct predict_format *predict_format_at(size_t i);
const char *predict_format_name(size_t i);

#endif
