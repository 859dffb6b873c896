#include "data/values.h"

#include <float.h>
#include <math.h>
#include <stdint.h>

bool values_are_floats(const struct idx *idx) {
    return idx->type == IDX_F32 || idx->type == IDX_F64;
}

long values_integer(const struct idx *idx, size_t i) {
    switch (idx->type) {
    case IDX_U8:
        return ((const uint8_t *)idx->values)[i];
    case IDX_I8:
        return ((const int8_t *)idx->values)[i];
    case IDX_I16:
        return ((const int16_t *)idx->values)[i];
    default:
        return ((const int32_t *)idx->values)[i];
    }
}

double values_number(const struct idx *idx, size_t i) {
    if (idx->type == IDX_F64)
        return ((const double *)idx->values)[i];
    if (idx->type == IDX_F32)
        return (double)((const float *)idx->values)[i];
    return (double)values_integer(idx, i);
}

#define READ_AS(element)                                                                                     \
    for (size_t i = 0; i < n; i++)                                                                           \
        to[i] = (real)((const element *)idx->values)[at + i];                                                \
    break

void values_run(const struct idx *idx, size_t at, size_t n, real *to) {
    switch (idx->type) {
    case IDX_U8:
        READ_AS(uint8_t);
    case IDX_I8:
        READ_AS(int8_t);
    case IDX_I16:
        READ_AS(int16_t);
    case IDX_I32:
        READ_AS(int32_t);
    case IDX_F32:
        READ_AS(float);
    case IDX_F64:
        READ_AS(double);
    }
}

bool values_fit(double x) {
    return fabs(x) <= (double)FLT_MAX; /* false for NaN */
}

bool values_refuse(double x, const char *path, size_t row, size_t column, struct err *err) {
    if (isnan(x)) /* printf may show the sign of a NaN */
        return err_set(err, ERR_DATA, "%s: row %zu, column %zu: expected a finite number, found NaN", path,
                       row, column);
    return err_set(err, ERR_DATA, "%s: row %zu, column %zu: expected a finite number of at most %g, found %g",
                   path, row, column, (double)FLT_MAX, x);
}

bool values_check(const struct idx *idx, const char *path, struct err *err) {
    if (!values_are_floats(idx))
        return true;
    for (size_t i = 0; i < idx->rows * idx->width; i++) {
        double x = values_number(idx, i);
        if (!values_fit(x))
            return values_refuse(x, path, i / idx->width, i % idx->width, err);
    }
    return true;
}
