/* Linear algebra on small dense matrices, row by row in memory if it is not said otherwise, in a fixed order
 * of sums. */
#ifndef SHIFT_DENSE_H
#define SHIFT_DENSE_H

#include <stddef.h>

#include "base/err.h"

/* sum of a[i] b[i], in four interleaved chains. */
double dense_dot(const double *a, const double *b, size_t count);

/* Cholesky's factor l [n][n], a lower triangle, of a + ridge I for the symmetric a [n][n], of which the lower
 * triangle counts; l may be a. A pivot below `least` becomes it; false where one is then not above 0, as a is
 * not positive definite to working precision, which with a `least` above 0 cannot be. */
bool dense_factorise(const double *a, double ridge, double least, double *l, size_t n);

/* x = (l l')^-1 b; x may be b. */
void dense_substitute(const double *l, const double *b, double *x, size_t n);

/* Solves a x = b, b in x, for the symmetric positive definite a [n][n], of which the lower triangle becomes
 * the factor. False where a is not positive definite; x is then b. */
bool dense_solve(double *a, double *x, size_t n) MUST_CHECK;

/* Singular value decomposition of a matrix of columns <= rows, by one-sided Jacobi rotations (Hestenes 1958),
 * which go through columns: these lie one behind the other, a [columns][rows]. a becomes U diag(s), s
 * [columns] descends, v [columns][columns] has the right singular vectors, one behind the other. */
void dense_svd(double *a, size_t rows, size_t columns, double *s, double *v);

#endif
