/* The equations of BBSE are M x = b with M = P(predicted | true), x = p theta = q - p and b = mu - M p. They
 * are solved in the coordinates in which errors of the held-out sample are alike in all directions: with h
 * the vector of predictions, S its covariance, s = M p and W W' the inverse of S,
 *
 *     W' (M - s 1') diag(p)^1/2 y = W' b,   y = diag(p)^1/2 theta.
 *
 * The singular values of that matrix are the canonical correlations of predictions and classes, between 0
 * and 1 whatever the shares: a rare class that is predicted well is no weak direction, as it would be in the
 * joint matrix. A direction that they do not correlate in stays at 0, which is a ratio of 1; of the solutions
 * that are left it is the one with the smallest sum of p theta^2. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "shift/dense.h"
#include "shift/label_ratio.h"

struct equations {
    const struct label_moments *moments;
    size_t n;
    double *s, *b;                /* [n] */
    double *white, *white_square; /* eigenvectors of the covariance, eigenvalues; [n][n], [n] */
    double *a, *a_size, *v;       /* the scaled matrix by columns, its singular values and vectors */
    double *right;                /* W' b [n] */
    double *root;                 /* [n] of the shares */
    double *work;                 /* [n][n] */
    size_t dimensions;            /* of what is predicted */
};

static void difference(struct equations *e) {
    const struct label_moments *m = e->moments;
    for (size_t i = 0; i < e->n; i++) {
        e->s[i] = 0;
        for (size_t j = 0; j < e->n; j++)
            e->s[i] += m->c[i * e->n + j] * m->p[j];
        e->b[i] = m->mu[i] - e->s[i];
    }
}

static double mean_product(const struct equations *e, size_t i, size_t j) {
    if (e->moments->second)
        return e->moments->second[i * e->n + j];
    return i == j ? e->s[i] : 0;
}

/* Eigenvalues that rounding alone can make count as 0: of the sum of all predictions, which is 1, and of
 * classes that are never predicted. */
static void whiten(struct equations *e) {
    for (size_t i = 0; i < e->n; i++)
        for (size_t j = 0; j < e->n; j++)
            e->work[i * e->n + j] = mean_product(e, i, j) - e->s[i] * e->s[j];
    dense_svd(e->work, e->n, e->n, e->white_square, e->white);
    while (e->dimensions < e->n &&
           e->white_square[e->dimensions] > 1e-13 * e->white_square[0] + DBL_EPSILON * DBL_EPSILON)
        e->dimensions++;
}

static void scale(struct equations *e) {
    const struct label_moments *m = e->moments;
    size_t n = e->n;
    memset(e->work, 0, n * n * sizeof *e->work);
    memset(e->right, 0, n * sizeof *e->right);
    for (size_t d = 0; d < e->dimensions; d++)
        for (size_t i = 0; i < n; i++) {
            double w = e->white[d * n + i] / sqrt(e->white_square[d]);
            e->right[d] += w * e->b[i];
            for (size_t j = 0; j < n; j++)
                if (m->p[j] > 0)
                    e->work[d * n + j] += w * (m->c[i * n + j] - e->s[i]) * e->root[j];
        }
    for (size_t d = 0; d < n; d++)
        for (size_t j = 0; j < n; j++)
            e->a[j * n + d] = e->work[d * n + j];
    dense_svd(e->a, n, n, e->a_size, e->v);
}

/* What a chi-squared variable exceeds once in a thousand times (Wilson and Hilferty 1931). */
static double chi_squared_limit(double freedom) {
    static const double normal_limit = 3.0902;
    double t = 2 / (9 * freedom), cube = 1 - t + normal_limit * sqrt(t);
    return freedom * cube * cube * cube;
}

/* How many canonical correlations the sample shows, by tests in turn of whether all further ones are 0: n
 * times the sum of their squares is then about chi-squared (Bartlett 1947). One that is so small that it may
 * well be 0 is of the size of its error, and so would be what is found by it. */
static size_t choose_rank(const struct equations *e, size_t free) {
    static const double rounding = 1e-10;
    size_t most = free < e->dimensions ? free : e->dimensions;
    for (size_t rank = 0; rank < most; rank++) {
        double left = 0;
        for (size_t k = rank; k < most; k++)
            left += e->a_size[k] * e->a_size[k];
        double limit = chi_squared_limit((double)((e->dimensions - rank) * (free - rank)));
        if (e->moments->rows * left <= limit || e->a_size[rank] <= rounding)
            return rank;
    }
    return most;
}

/* y = V D^-1 U' W' b; a is U D, so a column of it over d^2 is that of U over d. */
static void solve(const struct equations *e, size_t rank, double *theta) {
    size_t n = e->n;
    memset(theta, 0, n * sizeof *theta);
    for (size_t k = 0; k < rank; k++) {
        double along = 0;
        for (size_t d = 0; d < e->dimensions; d++)
            along += e->a[k * n + d] * e->right[d];
        for (size_t j = 0; j < n; j++)
            theta[j] += along / (e->a_size[k] * e->a_size[k]) * e->v[k * n + j];
    }
    for (size_t j = 0; j < n; j++)
        theta[j] = e->moments->p[j] > 0 ? theta[j] / e->root[j] : 0;
}

static bool equations_init(struct equations *e, const struct label_moments *moments, struct err *err) {
    size_t n = moments->classes;
    double *memory = mem_alloc(4 * n + 6, n * sizeof *memory, "the confusion matrix", err);
    *e = (struct equations){.moments = moments, .n = n, .white = memory};
    if (!memory)
        return false;
    e->a = e->white + n * n, e->v = e->a + n * n, e->work = e->v + n * n;
    e->s = e->work + n * n, e->b = e->s + n, e->white_square = e->b + n;
    e->a_size = e->white_square + n, e->right = e->a_size + n, e->root = e->right + n;
    return true;
}

/* Returns how many directions are told, the first of v, of as many as there are. */
static size_t decompose(struct equations *e, size_t *truncated) {
    const struct label_moments *m = e->moments;
    size_t present = 0;
    for (size_t j = 0; j < e->n; j++) {
        present += m->p[j] > 0;
        e->root[j] = sqrt(m->p[j]);
    }
    difference(e);
    whiten(e);
    scale(e);
    size_t free = present > 0 ? present - 1 : 0; /* priors sum to 1 */
    size_t rank = choose_rank(e, free);
    if (m->told && rank > *m->told)
        rank = *m->told;
    *truncated = free - rank;
    return rank;
}

bool bbse_solve(const struct label_moments *moments, double *theta, size_t *truncated, struct err *err) {
    struct equations e;
    if (!equations_init(&e, moments, err))
        return false;
    solve(&e, decompose(&e, truncated), theta);
    mem_free(e.white);
    return true;
}

/* ---- what is told ---- */

bool label_told_init(struct label_told *told, size_t classes, struct err *err) {
    *told = (struct label_told){.classes = classes};
    told->root = mem_alloc(classes + 1, classes * sizeof *told->root, "the confusion matrix", err);
    told->direction = told->root ? told->root + classes : NULL;
    return told->root != NULL;
}

bool bbse_find_told(const struct label_moments *moments, struct label_told *told, size_t *truncated,
                    struct err *err) {
    struct equations e;
    size_t n = moments->classes;
    if (!equations_init(&e, moments, err))
        return false;
    told->count = decompose(&e, truncated);
    memcpy(told->root, e.root, n * sizeof *told->root);
    memcpy(told->direction, e.v, told->count * n * sizeof *told->root);
    mem_free(e.white);
    return true;
}

void label_told_release(struct label_told *told) {
    mem_free(told->root);
    *told = (struct label_told){0};
}

/* What of a direction `to` is not along those before it, made a unit vector; false: nothing but rounding. */
static bool make_direction(double *to, const double *before, size_t count, size_t n) {
    static const double rounding = 1e-20;
    double size = dense_dot(to, to, n);
    for (size_t l = 0; l < count; l++) {
        double along = dense_dot(to, before + l * n, n);
        for (size_t j = 0; j < n; j++)
            to[j] -= along * before[l * n + j];
    }
    double left = dense_dot(to, to, n);
    if (!(left > rounding * size))
        return false;
    for (size_t j = 0; j < n; j++)
        to[j] /= sqrt(left);
    return true;
}

/* A direction v of root_j theta_j is the functional f_j = v_j / root_j of the change of shares, p_j theta_j.
 * As that sums to 0, f and f + c are one: the direction is the one across the root. */
void label_told_translate(const struct label_told *told, const double *p, struct label_told *out) {
    size_t n = told->classes, count = 1;
    for (size_t j = 0; j < n; j++)
        out->root[j] = sqrt(p[j]);
    for (size_t k = 0; k < told->count; k++) {
        const double *from = told->direction + k * n;
        double *to = out->root + count * n;
        for (size_t j = 0; j < n; j++)
            to[j] = told->root[j] > 0 ? from[j] * (out->root[j] / told->root[j]) : 0;
        count += make_direction(to, out->root, count, n);
    }
    out->count = count - 1;
}

void label_told_keep(const struct label_told *told, const double *theta, double *kept) {
    size_t n = told->classes;
    memset(kept, 0, n * sizeof *kept);
    for (size_t k = 0; k < told->count; k++) {
        const double *direction = told->direction + k * n;
        double along = 0;
        for (size_t j = 0; j < n; j++)
            along += direction[j] * told->root[j] * theta[j];
        for (size_t j = 0; j < n; j++)
            kept[j] += along * direction[j];
    }
    for (size_t j = 0; j < n; j++)
        kept[j] = told->root[j] > 0 ? kept[j] / told->root[j] : 0;
}
