/* Decimal numbers as text, whatever the locale. */
#ifndef DATA_DECIMAL_H
#define DATA_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

/* Reads the number that all of the len bytes at s are: a sign or none, digits with at most one point, an
 * exponent or none; no hexadecimal, no word, no blank. Behind them must stand a byte that cannot go on with
 * it (a NUL, a comma). *x is the decimal rounded once, to the nearest float, ties to even; infinite where it
 * is beyond all of them. False, *x untouched, where it is no number. */
bool decimal_float(const char *s, size_t len, float *x);

#endif
