#include "data/labels.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "data/values.h"

/* Sums of probabilities that were rounded to float, or written with four digits, are still meant as 1. */
static const double sum_tolerance = 1e-4;

/* ---- classes ---- */

/* Finds the column that holds the class. */
static bool class_column(const struct idx *labels, const char *path, long wanted, size_t *column,
                         struct err *err) {
    if (labels->dims == 2 && wanted < 0)
        return err_set(
            err, ERR_DATA,
            "%s: expected integer labels of 1 dimension, found 2 (%zu columns): choose a column with "
            "data.label_column",
            path, labels->width);
    *column = wanted < 0 ? 0 : (size_t)wanted;
    if (*column >= labels->width)
        return err_set(err, ERR_CONFIG, "data.label_column: must be below %zu, the columns of %s, got %ld",
                       labels->width, path, wanted);
    return true;
}

static bool to_classes(const struct idx *labels, const char *path, const struct data_spec *spec,
                       struct dataset *out, struct err *err) {
    size_t column = 0, limit = spec->class_count > 0 ? spec->class_count : LABELS_MAX_CLASSES, largest = 0;
    if (!class_column(labels, path, spec->label_column, &column, err))
        return false;
    uint32_t *cls = mem_alloc_aligned(labels->rows, sizeof *cls, path, err);
    if (!cls)
        return false;
    for (size_t r = 0; r < labels->rows; r++) {
        long label = values_integer(labels, r * labels->width + column);
        if (label < 0 || (size_t)label >= limit) {
            mem_free(cls);
            return err_set(err, ERR_DATA, "%s: row %zu: expected a label from 0 to %zu%s, found %ld", path, r,
                           limit - 1, spec->class_count > 0 ? "" : " (at most 65536 classes)", label);
        }
        cls[r] = (uint32_t)label;
        largest = (size_t)label > largest ? (size_t)label : largest;
    }
    out->cls = cls;
    out->class_count = largest + 1;
    return true;
}

/* ---- targets ---- */

static bool check_target(double t, const char *path, size_t row, size_t column, bool probability,
                         struct err *err) {
    if (!values_fit(t))
        return values_refuse(t, path, row, column, err);
    if (probability && (t < 0 || t > 1))
        return err_set(err, ERR_DATA,
                       "%s: row %zu, column %zu: expected a probability between 0 and 1, found %g", path, row,
                       column, t);
    return true;
}

static bool copy_targets(const struct idx *labels, const char *path, enum target_use use, real *to,
                         struct err *err) {
    for (size_t r = 0; r < labels->rows; r++) {
        double sum = 0;
        for (size_t c = 0; c < labels->width; c++) {
            double t = values_number(labels, r * labels->width + c);
            if (!check_target(t, path, r, c, use != TARGETS_REAL, err))
                return false;
            sum += t;
            to[r * labels->width + c] = (real)t;
        }
        if (use == TARGETS_DISTRIBUTION && !(fabs(sum - 1) <= sum_tolerance))
            return err_set(err, ERR_DATA,
                           "%s: row %zu: expected probabilities that sum to 1 (within %g), found %.9g", path,
                           r, sum_tolerance, sum);
    }
    return true;
}

/* Whether floats of this shape can be targets of this use and config at all. */
static bool check_targets(const struct idx *labels, const char *path, const struct data_spec *spec,
                          enum target_use use, struct err *err) {
    if (spec->label_column >= 0)
        return err_set(err, ERR_CONFIG,
                       "data.label_column: picks a column of integer labels, but %s holds %s", path,
                       idx_type_name(labels->type));
    if (use == TARGETS_DISTRIBUTION && labels->dims == 1)
        return err_set(err, ERR_DATA,
                       "%s: expected integer classes or rows of probabilities (2 dimensions), found floats "
                       "of 1 dimension: for regression set loss.kind to mse",
                       path);
    if (use == TARGETS_DISTRIBUTION && labels->width < 2)
        return err_set(err, ERR_DATA, "%s: expected rows of at least 2 probabilities, found 1", path);
    if (spec->class_count > 0 && labels->width != spec->class_count)
        return err_set(err, ERR_DATA,
                       "%s: expected %zu targets in a row, as many as the config has classes, found %zu",
                       path, spec->class_count, labels->width);
    return true;
}

static bool to_targets(const struct idx *labels, const char *path, const struct data_spec *spec,
                       enum target_use use, struct dataset *out, struct err *err) {
    if (!check_targets(labels, path, spec, use, err))
        return false;
    real *targets = mem_alloc_aligned(labels->rows * labels->width, sizeof *targets, path, err);
    if (!targets)
        return false;
    if (!copy_targets(labels, path, use, targets, err)) {
        mem_free(targets);
        return false;
    }
    out->targets = targets;
    out->target_width = labels->width;
    return true;
}

bool labels_convert(const struct idx *labels, const char *path, const struct data_spec *spec,
                    enum target_use use, struct dataset *out, struct err *err) {
    if (labels->dims > 2)
        return err_set(err, ERR_DATA,
                       "%s: expected labels of 1 or 2 dimensions, found %zu: it looks like an image file "
                       "(%zu dimensions)",
                       path, labels->dims, labels->dims);
    bool ok = values_are_floats(labels) ? to_targets(labels, path, spec, use, out, err)
                                        : to_classes(labels, path, spec, out, err);
    if (ok)
        memcpy(out->labels_sha256, labels->sha256, SHA256_HEX);
    return ok;
}

bool labels_fit(const struct dataset *set, const char *path, size_t outputs, bool classes, struct err *err) {
    if (classes != (set->cls != NULL))
        return err_set(err, ERR_DATA, "%s: expected %s, found %s", path,
                       classes ? "integer classes" : "floating-point targets",
                       classes ? "floating-point targets" : "integer classes");
    if (!classes && set->target_width != outputs)
        return err_set(err, ERR_DATA, "%s: expected %zu targets in a row, found %zu", path, outputs,
                       set->target_width);
    for (size_t r = 0; classes && set->class_count > outputs && r < set->images.rows; r++)
        if (set->cls[r] >= outputs)
            return err_set(err, ERR_DATA, "%s: row %zu: expected a label from 0 to %zu, found %lu", path, r,
                           outputs - 1, (unsigned long)set->cls[r]);
    return true;
}
