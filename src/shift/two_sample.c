#include "shift/two_sample.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "kernel/dmath.h"

/* ---- the normal distribution ---- */

/* Mills' ratio by the continued fraction 1 / (z + 1 / (z + 2 / (z + 3 / (z + ... (Laplace 1805), from its far
 * end; at z = 1, where it converges most slowly, this many levels leave less than the rounding. */
static double mills_ratio(double z) {
    enum { LEVELS = 400 };
    double rest = (z + sqrt(z * z + 4 * LEVELS)) / 2; /* as if all further levels were the last */
    for (int level = LEVELS; level > 0; level--)
        rest = z + level / rest;
    return 1 / rest;
}

/* exp(-z^2 / 2): the square is taken of a rounded z, where it is exact, and the rest is a factor of its own
 * (Cody 1969), as an error of z^2 would be one of the whole value. */
static double gauss(double z) {
    double rounded = floor(z * 16) / 16;
    return dmath_exp(-rounded * rounded / 2) * dmath_exp(-(z - rounded) * (z + rounded) / 2);
}

double normal_tail(double z) {
    static const double sqrt_half = 0.70710678118654752440, density = 0.39894228040143267794;
    if (z < 1)
        return z < -1 ? 1 - normal_tail(-z) : .5 - .5 * dmath_erf(z * sqrt_half);
    if (z > 40) /* below the smallest double */
        return 0;
    return density * gauss(z) * mills_ratio(z);
}

/* ---- Kolmogorov and Smirnov ---- */

/* P(K > x) of Kolmogorov's distribution, by whichever of its two series converges at once (the border is
 * where both need as many terms); four terms are exact to rounding. */
static double kolmogorov_tail(double x) {
    static const double pi = 3.14159265358979323846, sqrt_two_pi = 2.50662827463100050242;
    if (!(x > 0))
        return 1;
    double sum = 0;
    if (x < 1.18) {
        for (int k = 1; k <= 7; k += 2)
            sum += dmath_exp(-(k * k) * (pi * pi) / (8 * x * x));
        return 1 - sqrt_two_pi / x * sum;
    }
    for (int k = 4; k >= 1; k--)
        sum = dmath_exp(-2 * (k * k) * (x * x)) - sum;
    return 2 * sum;
}

/* Ascending; what is not a number comes last, so that the order is a total one. */
static int order(double a, double b) {
    return isnan(a) || isnan(b) ? !!isnan(a) - !!isnan(b) : (a > b) - (a < b);
}

static int compare_values(const void *a, const void *b) {
    return order(*(const double *)a, *(const double *)b);
}

/* Stephens, "Use of the Kolmogorov-Smirnov, Cramer-von Mises and related statistics without extensive
 * tables", Journal of the Royal Statistical Society B 32 (1970). */
static double ks_tail(double gap, double m, double n) {
    double root = sqrt(m * n / (m + n));
    return kolmogorov_tail((root + .12 + .11 / root) * gap);
}

/* Equals by weight, so that every sum has one order. */
static int compare_weighted(const void *a, const void *b) {
    const struct weighted_value *x = a, *y = b;
    int by_value = order(x->value, y->value);
    return by_value ? by_value : order(x->weight, y->weight);
}

/* Behind all that equal the next value of both samples, as the distribution functions jump by all equal
 * values at once. sum: of the weights. */
static double largest_gap(const struct weighted_value *a, size_t a_count, double sum, const double *b,
                          size_t b_count) {
    double largest = 0, below = 0;
    for (size_t i = 0, j = 0; i < a_count && j < b_count;) {
        double x = order(a[i].value, b[j]) <= 0 ? a[i].value : b[j];
        while (i < a_count && order(a[i].value, x) == 0)
            below += a[i++].weight;
        while (j < b_count && order(b[j], x) == 0)
            j++;
        double gap = fabs(below / sum - (double)j / (double)b_count);
        largest = gap > largest ? gap : largest;
    }
    return largest;
}

double ks_test(struct weighted_value *a, size_t a_count, double *b, size_t b_count, double *statistic) {
    double sum = 0, squares = 0, gap = 0;
    qsort(a, a_count, sizeof *a, compare_weighted);
    qsort(b, b_count, sizeof *b, compare_values);
    for (size_t i = 0; i < a_count; i++) {
        sum += a[i].weight;
        squares += a[i].weight * a[i].weight;
    }
    bool tells = sum > 0 && b_count > 0;
    if (tells)
        gap = largest_gap(a, a_count, sum, b, b_count);
    if (statistic)
        *statistic = gap;
    return tells ? ks_tail(gap, sum * sum / squares, (double)b_count) : 1;
}

/* ---- columns ---- */

static void copy_column(const double *matrix, size_t rows, size_t columns, size_t column, double *to) {
    for (size_t r = 0; r < rows; r++)
        to[r] = matrix[r * columns + column];
}

bool bbsd_test(const struct bbsd_sample *a, const struct bbsd_sample *b, size_t columns, double *p_value,
               double *per_column, struct err *err) {
    struct weighted_value *x = mem_alloc(a->rows, sizeof *x, "a test of two samples", err);
    double *y = x ? mem_alloc(b->rows, sizeof *y, "a test of two samples", err) : NULL;
    double smallest = 1;
    for (size_t c = 0; y && c < columns; c++) {
        for (size_t i = 0; i < a->rows; i++)
            x[i] = (struct weighted_value){a->p[i * columns + c], a->weight ? a->weight[i] : 1};
        copy_column(b->p, b->rows, columns, c, y);
        double p = ks_test(x, a->rows, y, b->rows, NULL);
        smallest = p < smallest ? p : smallest;
        if (per_column)
            per_column[c] = p;
    }
    bool ok = y != NULL;
    mem_free(x);
    mem_free(y);
    if (ok)
        *p_value = fmin(1, smallest * (double)columns);
    return ok;
}

/* ---- the classifier two-sample test ---- */

/* A fold's table of domain by prediction. */
struct table {
    double count[2][2];
};

static struct table count_fold(const uint8_t *domain, const uint8_t *predicted, const uint32_t *fold,
                               size_t count, size_t which) {
    struct table t = {0};
    for (size_t i = 0; i < count; i++)
        if (fold[i] == which)
            t.count[domain[i] != 0][predicted[i] != 0]++;
    return t;
}

/* Given its margins, the number of targets that are predicted as such is hypergeometric: what it exceeds its
 * mean by, and its variance (Mantel and Haenszel, JNCI 22, 1959). A fold of one domain, or where all are
 * predicted alike, tells nothing: both are 0. */
static void add_excess(const struct table *t, double *excess, double *variance) {
    double source = t->count[0][0] + t->count[0][1], target = t->count[1][0] + t->count[1][1];
    double no = t->count[0][0] + t->count[1][0], yes = t->count[0][1] + t->count[1][1], n = source + target;
    if (source == 0 || target == 0 || no == 0 || yes == 0)
        return;
    *excess += t->count[1][1] - target * yes / n;
    *variance += source / n * (target / n) * no * yes / (n - 1);
}

double c2st_test(const uint8_t *domain, const uint8_t *predicted, const uint32_t *fold, size_t count,
                 size_t folds, double inflation) {
    double excess = 0, variance = 0;
    for (size_t f = 0; f < folds; f++) {
        struct table t = count_fold(domain, predicted, fold, count, f);
        add_excess(&t, &excess, &variance);
    }
    return variance > 0 ? normal_tail(excess / sqrt(variance * inflation)) : 1;
}

double c2st_crossfit_inflation(size_t folds) {
    double k = (double)folds;
    return 1 + k / (k - 1);
}

/* ---- area under the ROC curve ---- */

struct scored {
    double score;
    bool target;
};

static int compare_scores(const void *a, const void *b) {
    return order(((const struct scored *)a)->score, ((const struct scored *)b)->score);
}

/* The share of the pairs of a target and a source sample that the score puts in the right order (Mann and
 * Whitney). */
static double share_in_order(const struct scored *sorted, size_t count) {
    double sources = 0, targets = 0, pairs = 0;
    for (size_t begin = 0, end; begin < count; begin = end) {
        double equal[2] = {0};
        for (end = begin; end < count && order(sorted[end].score, sorted[begin].score) == 0; end++)
            equal[sorted[end].target]++;
        pairs += equal[1] * (sources + equal[0] / 2);
        sources += equal[0];
        targets += equal[1];
    }
    return pairs / (sources * targets);
}

bool auc_of(const double *score, const uint8_t *domain, size_t count, double *auc, struct err *err) {
    struct scored *sorted = mem_alloc(count, sizeof *sorted, "the order of scores", err);
    if (!sorted)
        return false;
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct scored){score[i], domain[i] != 0};
    qsort(sorted, count, sizeof *sorted, compare_scores);
    *auc = share_in_order(sorted, count);
    mem_free(sorted);
    return true;
}
