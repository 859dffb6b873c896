#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/dmath.h"
#include "shift/label_ratio.h"

/* to = EM(from): the mean posterior under the prior `from`. Returns the mean log-likelihood of `from`. Rows
 * that are impossible under it tell nothing. */
static double em_step(struct mlls_ascent *a, const double *from, double *to) {
    const struct mlls_problem *problem = &a->problem;
    size_t classes = problem->classes;
    double counted = 0, sum_log = 0;
    for (size_t y = 0; y < classes; y++) {
        a->weight[y] = problem->p[y] > 0 ? from[y] / problem->p[y] : 0;
        to[y] = 0;
    }
    for (size_t i = 0; i < problem->rows; i++) {
        const double *row = problem->probability + i * classes;
        double count = problem->count ? problem->count[i] : 1, sum = 0;
        if (!(count > 0))
            continue;
        for (size_t y = 0; y < classes; y++)
            sum += a->weight[y] * row[y];
        if (!(sum > 0))
            continue;
        double share = count / sum;
        for (size_t y = 0; y < classes; y++)
            to[y] += share * (a->weight[y] * row[y]);
        sum_log += count * dmath_log(sum);
        counted += count;
    }
    a->change = 0;
    for (size_t y = 0; y < classes; y++) {
        to[y] = counted > 0 ? to[y] / counted : from[y];
        a->change = fmax(a->change, fabs(to[y] - from[y]));
    }
    return counted > 0 ? sum_log / counted : 0;
}

/* SQUAREM's third scheme (Varadhan and Roland, "Simple and globally convergent methods for accelerating the
 * convergence of any EM algorithm", Scandinavian Journal of Statistics 35, 2008): with r = first - q and
 * v = second - first - r, q + 2 s r + s^2 v, s = |r| / |v|; s = 1 is EM's second step. What would leave the
 * simplex stays a part of that. */
static bool leap(struct mlls_ascent *a) {
    size_t classes = a->problem.classes;
    double rr = 0, vv = 0, sum = 0;
    for (size_t y = 0; y < classes; y++) {
        double r = a->first[y] - a->q[y], v = a->second[y] - a->first[y] - r;
        rr += r * r, vv += v * v;
    }
    if (!(vv > 0) || !(rr > vv))
        return false;
    double s = sqrt(rr) / sqrt(vv);
    for (size_t y = 0; y < classes; y++) {
        double r = a->first[y] - a->q[y], v = a->second[y] - a->first[y] - r;
        double to = a->q[y] + 2 * s * r + s * s * v;
        a->leap[y] = to > 0 ? to : a->second[y] / 16;
        sum += a->leap[y];
    }
    for (size_t y = 0; y < classes; y++)
        a->leap[y] /= sum;
    return isfinite(sum);
}

static void note_step(struct mlls_ascent *a, double likelihood) {
    if (a->likelihood)
        a->likelihood[a->steps] = likelihood;
    a->steps++;
}

bool mlls_over(const struct mlls_ascent *a) {
    return a->change <= a->problem.tolerance || a->steps == a->problem.most;
}

/* Two steps of EM, and a third from beyond them where the likelihood is no smaller there; rounding, which at
 * the end is more than what can be gained, does not count. */
static void cycle(struct mlls_ascent *a) {
    static const double rounding = 1e-14;
    double *to[] = {a->first, a->second};
    const double *from = a->q;
    double value = 0;
    for (int i = 0; i < 2; i++) {
        value = em_step(a, from, to[i]);
        note_step(a, value);
        from = to[i];
        if (mlls_over(a)) {
            memcpy(a->q, from, a->problem.classes * sizeof *a->q);
            return;
        }
    }
    double change = a->change;
    if (leap(a)) {
        double there = em_step(a, a->leap, a->q);
        if (there >= value - rounding) {
            note_step(a, there);
            return;
        }
        a->change = change;
    }
    memcpy(a->q, a->second, a->problem.classes * sizeof *a->q);
}

bool mlls_begin(struct mlls_ascent *a, const struct mlls_problem *problem, double *q, struct err *err) {
    size_t classes = problem->classes;
    *a = (struct mlls_ascent){.problem = *problem, .q = q, .change = (double)INFINITY};
    a->weight = mem_alloc(classes, 4 * sizeof *a->weight, "the target's prior", err);
    if (!a->weight)
        return false;
    a->first = a->weight + classes, a->second = a->first + classes, a->leap = a->second + classes;
    return true;
}

void mlls_release(struct mlls_ascent *a) {
    mem_free(a->weight);
    *a = (struct mlls_ascent){0};
}

void mlls_advance(struct mlls_ascent *a, size_t cycles) {
    for (size_t i = 0; i < cycles && !mlls_over(a); i++)
        cycle(a);
}

bool mlls_maximise(const struct mlls_problem *problem, double *q, double *likelihood, size_t *steps,
                   struct err *err) {
    struct mlls_ascent a;
    if (!mlls_begin(&a, problem, q, err))
        return false;
    a.likelihood = likelihood;
    mlls_advance(&a, SIZE_MAX);
    *steps = a.steps;
    mlls_release(&a);
    return true;
}
