/* Predictions as text, a row a sample. */
#ifndef CLI_PREDICT_ROWS_H
#define CLI_PREDICT_ROWS_H

#include <stddef.h>

#include "base/real.h"
#include "base/text.h"
#include "run/infer.h"

/* A prediction: class and outputs of row `index`, and the deviations of outputs that are means. */
struct predict_row {
    size_t index;
    uint32_t cls;
    const real *values, *deviations;
};

/* A way to write predictions. */
struct predict_format {
    const char *name;
    void (*head)(const struct predictions *p, struct text *out);
    void (*row)(const struct predictions *p, const struct predict_row *row, struct text *out);
};

/* Row i of the formats, NULL behind the last. */
const struct predict_format *predict_format_at(size_t i);
const char *predict_format_name(size_t i);

#endif
