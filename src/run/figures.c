#include "run/figures.h"

#include <float.h>
#include <math.h>

#include "run/run.h"

static double ratio(uint64_t part, uint64_t whole) {
    return whole ? (double)part / (double)whole : 0;
}

struct class_figures figures_of_class(const struct evaluation *e, size_t cls) {
    uint64_t right = e->confusion[cls * e->classes + cls], actual = 0, predicted = 0;
    for (size_t k = 0; k < e->classes; k++) {
        actual += e->confusion[cls * e->classes + k];
        predicted += e->confusion[k * e->classes + cls];
    }
    return (struct class_figures){
        .precision = ratio(right, predicted),
        .recall = ratio(right, actual),
        .f1 = ratio(2 * right, actual + predicted),
        .support = actual,
    };
}

/* The normal quantile of 97.5 %. */
static const double z = 1.959963984540054;

static const double ln2 = 0.693147180559945309417;

/* 2 P(X <= m) of X binomial in n trials of 1/2, m the smaller count; the terms from the largest down, by
 * their ratios: C(n, k - 1) / C(n, k) = k / (n - k + 1). */
double figures_mcnemar(size_t b, size_t c) {
    size_t n = b + c, m = b < c ? b : c;
    if (b == c)
        return 1;
    double count = (double)n, sum = 0, term = 1;
    double largest = lgamma(count + 1) - lgamma((double)m + 1) - lgamma(count - (double)m + 1) - count * ln2;
    for (size_t k = m; term > sum * DBL_EPSILON; k--) {
        sum += term;
        term *= (double)k / (double)(n - k + 1);
    }
    return fmin(1, 2 * sum * exp(largest));
}

/* The p with |k/n - p| <= z sqrt(p (1 - p) / n): the roots of a quadratic. Without a sample all shares are
 * possible. */
void figures_wilson(size_t k, size_t n, double *low, double *high) {
    if (n == 0) {
        *low = 0;
        *high = 1;
        return;
    }
    double count = (double)n, share = (double)k / count, zz = z * z;
    double centre = (share + zz / (2 * count)) / (1 + zz / count);
    double half = z / (1 + zz / count) * sqrt(share * (1 - share) / count + zz / (4 * count * count));
    /* The ends are exact where no or every trial counts; rounding would leave them a hair away. */
    *low = k == 0 ? 0 : centre - half;
    *high = k == n ? 1 : centre + half;
}
