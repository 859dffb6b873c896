#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "shift/dense.h"
#include "shift/label_ratio.h"

/* minimise 1/2 |C theta - b|^2 + lambda/2 |theta|^2 for theta >= -1, in terms of y = theta + 1 >= 0. */
struct ridge {
    size_t n;
    const double *gram, *cross; /* C'C [n][n], C'b [n] */
    double lambda;
    bool *free;                       /* [n] elements that are not at their bound */
    double *y, *slope, *right, *part; /* [n]; slope: of the objective; part [n][n] */
};

/* The minimum over the free elements, the others 0. */
static bool solve_free(struct ridge *r) {
    size_t n = r->n, free = 0;
    for (size_t i = 0; i < n; i++) {
        if (!r->free[i])
            continue;
        double right = r->cross[i] + r->lambda;
        for (size_t j = 0; j < n; j++)
            right += r->gram[i * n + j];
        r->right[free++] = right;
    }
    for (size_t i = 0, row = 0; i < n; row += r->free[i++])
        for (size_t j = 0, column = 0; r->free[i] && j <= i; column += r->free[j++])
            if (r->free[j])
                r->part[row * free + column] = r->gram[i * n + j] + (i == j ? r->lambda : 0);
    if (!dense_solve(r->part, r->right, free))
        return false;
    for (size_t i = 0, row = 0; i < n; i++)
        r->y[i] = r->free[i] ? r->right[row++] : 0;
    return true;
}

/* What the objective grows by at the elements that are at their bound. */
static void find_slopes(struct ridge *r) {
    for (size_t i = 0; i < r->n; i++) {
        r->slope[i] = r->lambda * (r->y[i] - 1) - r->cross[i];
        for (size_t j = 0; j < r->n; j++)
            r->slope[i] += r->gram[i * r->n + j] * (r->y[j] - 1);
    }
}

static bool is_wrong(const struct ridge *r, size_t i) {
    return r->free[i] ? r->y[i] < 0 : r->slope[i] < -1e-15;
}

/* Block principal pivoting (Portugal, Judice and Vicente, "A comparison of block pivoting and interior-point
 * algorithms for linear least squares problems with nonnegative variables", Mathematics of Computation 63,
 * 1994): all elements that are wrong change sides; where that does not help three times, only the last one
 * does (Murty's rule), which ends. */
static bool minimise_ridge(struct ridge *r) {
    enum { PATIENCE = 3, MOST = 10000 };
    size_t fewest = SIZE_MAX;
    int patience = PATIENCE;
    for (int round = 0; round < MOST; round++) {
        size_t wrong = 0, last = 0;
        if (!solve_free(r))
            return false;
        find_slopes(r);
        for (size_t i = 0; i < r->n; i++)
            if (is_wrong(r, i))
                wrong++, last = i;
        if (wrong == 0)
            return true;
        bool better = wrong < fewest, all = better || patience > 0;
        patience = better ? PATIENCE : patience - (patience > 0);
        fewest = better ? wrong : fewest;
        for (size_t i = 0; i < r->n; i++)
            if ((all || i == last) && is_wrong(r, i))
                r->free[i] = !r->free[i];
    }
    return true;
}

struct front {
    const double *c, *p, *b;
    struct ridge ridge;
};

/* At a point of the front of |C theta - b| against |theta|: lambda |theta| / |C theta - b|, by which the
 * first grows as the second shrinks. It rises with lambda, as the front is convex. */
static double exchange(struct front *f, double lambda) {
    size_t n = f->ridge.n;
    double residual = 0, size = 0;
    f->ridge.lambda = lambda;
    if (!minimise_ridge(&f->ridge))
        return 0;
    for (size_t i = 0; i < n; i++) {
        double e = -f->b[i];
        for (size_t j = 0; j < n; j++)
            e += f->c[i * n + j] * f->p[j] * (f->ridge.y[j] - 1);
        residual += e * e;
        size += (f->ridge.y[i] - 1) * (f->ridge.y[i] - 1);
    }
    return residual > 0 ? lambda * sqrt(size) / sqrt(residual) : (double)INFINITY;
}

/* The point of the front where the exchange is the penalty, between lambdas that are far too small and far
 * too large; the ends are the solutions of the equations and 0. */
static void find(struct front *f, double penalty) {
    double low = 1e-15, high = 1e6;
    for (int i = 0; i < 100; i++) {
        double middle = sqrt(low * high);
        if (exchange(f, middle) < penalty)
            low = middle;
        else
            high = middle;
    }
    exchange(f, high);
}

/* b = mu - C 1: by the estimated matrix, so that equal samples give 0. */
static void difference(const struct label_moments *moments, double *b) {
    for (size_t i = 0; i < moments->classes; i++) {
        double source = 0;
        for (size_t j = 0; j < moments->classes; j++)
            source += moments->c[i * moments->classes + j] * moments->p[j];
        b[i] = moments->mu[i] - source;
    }
}

static void multiply(const struct front *f, double *gram, double *cross) {
    size_t n = f->ridge.n;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            for (size_t k = 0; k < n; k++)
                gram[i * n + j] += f->c[k * n + i] * f->p[i] * (f->c[k * n + j] * f->p[j]);
        for (size_t k = 0; k < n; k++)
            cross[i] += f->c[k * n + i] * f->p[i] * f->b[k];
    }
}

static double norm(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

bool rlls_solve(const struct label_moments *moments, double penalty, double *theta, struct err *err) {
    size_t n = moments->classes;
    double *memory = mem_alloc(2 * n + 5, n * sizeof *memory, "the confusion matrix", err);
    bool *free = memory ? mem_alloc(n, sizeof *free, "the confusion matrix", err) : NULL;
    if (!free) {
        mem_free(memory);
        return false;
    }
    double *gram = memory, *part = gram + n * n, *cross = part + n * n, *b = cross + n;
    struct front front = {.c = moments->c, .p = moments->p, .b = b};
    front.ridge = (struct ridge){.n = n, .gram = gram, .cross = cross, .part = part, .free = free};
    front.ridge.y = b + n, front.ridge.slope = b + 2 * n, front.ridge.right = b + 3 * n;
    difference(moments, b);
    multiply(&front, gram, cross);
    memset(free, true, n * sizeof *free);
    /* Near 0 the first norm falls by at most |C'b| / |b| for one of the second. */
    bool stays = norm(b, n) == 0 || norm(cross, n) <= penalty * norm(b, n);
    if (!stays)
        find(&front, penalty);
    for (size_t j = 0; j < n; j++)
        theta[j] = stays || moments->p[j] == 0 ? 0 : front.ridge.y[j] - 1;
    mem_free(free);
    mem_free(memory);
    return true;
}
