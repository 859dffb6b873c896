#include "shift/dense.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

double dense_dot(const double *a, const double *b, size_t count) {
    double sum[4] = {0};
    size_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (size_t k = 0; k < 4; k++)
            sum[k] += a[i + k] * b[i + k];
    for (; i < count; i++)
        sum[0] += a[i] * b[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* ---- Cholesky ---- */

bool dense_factorise(const double *a, double ridge, double least, double *l, size_t n) {
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++)
            l[i * n + j] = (a[i * n + j] - dense_dot(l + i * n, l + j * n, j)) / l[j * n + j];
        double pivot = fmax(a[i * n + i] + ridge - dense_dot(l + i * n, l + i * n, i), least);
        if (!(pivot > 0))
            return false;
        l[i * n + i] = sqrt(pivot);
    }
    return true;
}

void dense_substitute(const double *l, const double *b, double *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        x[i] = (b[i] - dense_dot(l + i * n, x, i)) / l[i * n + i];
    for (size_t i = n; i-- > 0;) {
        x[i] /= l[i * n + i];
        for (size_t j = 0; j < i; j++)
            x[j] -= l[i * n + j] * x[i];
    }
}

bool dense_solve(double *a, double *x, size_t n) {
    if (!dense_factorise(a, 0, 0, a, n))
        return false;
    dense_substitute(a, x, x, n);
    return true;
}

/* ---- singular values ---- */

static double square(const double *a, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * a[i];
    return sum;
}

static void rotate(double *restrict a, double *restrict b, size_t count, double cosine, double sine) {
    for (size_t i = 0; i < count; i++) {
        double x = a[i], y = b[i];
        a[i] = cosine * x - sine * y;
        b[i] = sine * x + cosine * y;
    }
}

/* Makes columns p and q orthogonal; false: they are. The three sums wait for each other's additions, not one
 * behind the other. */
static bool orthogonalise(double *a, size_t rows, size_t columns, double *v, size_t p, size_t q) {
    const double *x = a + p * rows, *y = a + q * rows;
    double pp = 0, qq = 0, pq = 0;
    for (size_t i = 0; i < rows; i++) {
        pp += x[i] * x[i];
        qq += y[i] * y[i];
        pq += x[i] * y[i];
    }
    if (!(fabs(pq) > DBL_EPSILON * sqrt(pp) * sqrt(qq)))
        return false;
    double zeta = (qq - pp) / (2 * pq);
    double tangent = (zeta >= 0 ? 1 : -1) / (fabs(zeta) + sqrt(1 + zeta * zeta));
    double cosine = 1 / sqrt(1 + tangent * tangent), sine = cosine * tangent;
    rotate(a + p * rows, a + q * rows, rows, cosine, sine);
    rotate(v + p * columns, v + q * columns, columns, cosine, sine);
    return true;
}

static void swap(double *a, double *b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        double x = a[i];
        a[i] = b[i], b[i] = x;
    }
}

static void order(double *a, size_t rows, size_t columns, double *s, double *v) {
    for (size_t i = 0; i < columns; i++) {
        size_t largest = i;
        for (size_t j = i + 1; j < columns; j++)
            if (s[j] > s[largest])
                largest = j;
        if (largest == i)
            continue;
        swap(s + i, s + largest, 1);
        swap(a + i * rows, a + largest * rows, rows);
        swap(v + i * columns, v + largest * columns, columns);
    }
}

void dense_svd(double *a, size_t rows, size_t columns, double *s, double *v) {
    enum { SWEEPS = 60 }; /* it converges quadratically: ten are many */
    for (size_t i = 0; i < columns * columns; i++)
        v[i] = i % (columns + 1) == 0;
    bool turned = true;
    for (int sweep = 0; turned && sweep < SWEEPS; sweep++) {
        turned = false;
        for (size_t p = 0; p + 1 < columns; p++)
            for (size_t q = p + 1; q < columns; q++)
                turned |= orthogonalise(a, rows, columns, v, p, q);
    }
    for (size_t j = 0; j < columns; j++)
        s[j] = sqrt(square(a + j * rows, rows));
    order(a, rows, columns, s, v);
}
