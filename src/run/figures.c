#include "run/figures.h"

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
