/* The elements of an IDX file one by one, whatever their type, and the check that all are usable numbers. */
#ifndef DATA_VALUES_H
#define DATA_VALUES_H

#include "base/real.h"
#include "data/idx.h"

bool values_are_floats(const struct idx *idx);

/* Element i of a file of integers. */
long values_integer(const struct idx *idx, size_t i);

/* Element i of any file. */
double values_number(const struct idx *idx, size_t i);

/* Elements at, at + 1, ... at + n - 1 as numbers of the engine. */
void values_run(const struct idx *idx, size_t at, size_t n, real *to);

/* Whether x is finite in single precision. */
bool values_fit(double x);

/* The message for an x that is not; always returns false. */
bool values_refuse(double x, const char *path, size_t row, size_t column, struct err *err);

/* Checks all values of a file; the message names row and column. */
bool values_check(const struct idx *idx, const char *path, struct err *err) MUST_CHECK;

#endif
