#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/dmath.h"
#include "shift/label_ratio.h"

/* EM from q, and where it leads; [classes] each. */
struct ascent {
    const struct mlls_problem *problem;
    double *weight;    /* q / p */
    double *q, *first; /* where a cycle begins, after one step, */
    double *second;    /* after two */
    double *leap;      /* beyond them, along their path */
    double change;     /* of a prior, in the last step: the largest */
};

/* to = EM(from): the mean posterior under the prior `from`. Returns the mean log-likelihood of `from`. Rows
 * that are impossible under it tell nothing. */
static double em_step(struct ascent *a, const double *from, double *to) {
    const struct mlls_problem *problem = a->problem;
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
static bool leap(struct ascent *a) {
    size_t classes = a->problem->classes;
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

/* Two steps of EM, and a third from beyond them where the likelihood is no smaller there; rounding, which at
 * the end is more than what can be gained, does not count. */
static void cycle(struct ascent *a, double *likelihood, size_t *steps) {
    static const double rounding = 1e-14;
    const struct mlls_problem *problem = a->problem;
    double *to[] = {a->first, a->second};
    const double *from = a->q;
    double value = 0;
    for (int i = 0; i < 2; i++) {
        value = em_step(a, from, to[i]);
        if (likelihood)
            likelihood[*steps] = value;
        ++*steps;
        from = to[i];
        if (a->change <= problem->tolerance || *steps == problem->most) {
            memcpy(a->q, from, problem->classes * sizeof *a->q);
            return;
        }
    }
    double change = a->change;
    if (leap(a)) {
        double there = em_step(a, a->leap, a->q);
        if (there >= value - rounding) {
            if (likelihood)
                likelihood[*steps] = there;
            ++*steps;
            return;
        }
        a->change = change;
    }
    memcpy(a->q, a->second, problem->classes * sizeof *a->q);
}

bool mlls_maximise(const struct mlls_problem *problem, double *q, double *likelihood, size_t *steps,
                   struct err *err) {
    double *memory = mem_alloc(problem->classes, 4 * sizeof *memory, "the target's prior", err);
    if (!memory)
        return false;
    struct ascent a = {.problem = problem, .q = q, .change = (double)INFINITY};
    a.weight = memory, a.first = memory + problem->classes;
    a.second = a.first + problem->classes, a.leap = a.second + problem->classes;
    *steps = 0;
    while (a.change > problem->tolerance && *steps < problem->most)
        cycle(&a, likelihood, steps);
    mem_free(memory);
    return true;
}
