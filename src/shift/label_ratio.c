#include "shift/label_ratio.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/random.h"
#include "shift/dense.h"
#include "shift/label_estimate.h"

/* ---- bootstrap ---- */

struct bootstrap {
    const struct estimator *estimator;
    const struct attempt *whole; /* where resamples begin */
    struct attempt *attempt;     /* [members of the team] */
    struct err *fault;           /* [members] */
    double *q;                   /* [classes][resamples] */
    atomic_size_t next;
};

/* As many draws with replacement as there are rows. */
static void draw(const struct label_problem *p, size_t resample, int sample, size_t rows, double *count) {
    memset(count, 0, rows * sizeof *count);
    for (size_t i = 0; i < rows; i++) {
        struct random_block block =
            random_philox(p->seed, STREAM_BOOTSTRAP, (uint32_t)resample, (uint32_t)sample, (uint32_t)(i / 2));
        count[(size_t)(random_unit(block, i % 2) * (double)rows)]++;
    }
}

static bool resample_once(struct bootstrap *b, struct attempt *a, size_t resample, struct err *err) {
    const struct estimator *e = b->estimator;
    size_t k = e->classes, count = e->problem->bootstrap;
    for (int s = 0; s < SAMPLES; s++)
        draw(e->problem, resample, s, e->sample[s]->rows, a->drawn[s]);
    a->calibration.a = b->whole->calibration.a;
    memcpy(a->calibration.b, b->whole->calibration.b, k * sizeof *a->q);
    memcpy(a->q, b->whole->q, k * sizeof *a->q);
    if (!attempt_solve(a, false, err))
        return false;
    for (size_t y = 0; y < k; y++)
        b->q[y * count + resample] = a->q[y];
    return true;
}

static void resample_job(void *arg, size_t rank, size_t size) {
    (void)size;
    struct bootstrap *b = arg;
    size_t i;
    while (b->fault[rank].kind == ERR_NONE &&
           (i = atomic_fetch_add(&b->next, 1)) < b->estimator->problem->bootstrap)
        if (!resample_once(b, &b->attempt[rank], i, &b->fault[rank]))
            return;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the two nearest of the sorted values. */
static double percentile(const double *sorted, size_t count, double share) {
    double at = share * (double)(count - 1);
    size_t i = (size_t)at;
    return i + 1 < count ? sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]) : sorted[count - 1];
}

static void find_intervals(double *values, size_t classes, size_t count, double confidence,
                           double (*interval)[2]) {
    for (size_t y = 0; y < classes; y++) {
        qsort(values + y * count, count, sizeof *values, ascending);
        interval[y][0] = percentile(values + y * count, count, (1 - confidence) / 2);
        interval[y][1] = percentile(values + y * count, count, (1 + confidence) / 2);
    }
}

static bool bootstrap_run(struct bootstrap *b, struct team *team, size_t ranks, struct err *err) {
    for (size_t r = 0; r < ranks; r++)
        if (!attempt_init(&b->attempt[r], b->estimator, true, err))
            return false;
    team_run(team, resample_job, b);
    for (size_t r = 0; r < ranks; r++)
        if (b->fault[r].kind != ERR_NONE) {
            *err = b->fault[r];
            return false;
        }
    return true;
}

static bool bootstrap(const struct estimator *e, const struct attempt *whole, struct label_ratio *out,
                      struct err *err) {
    static const char what[] = "the resamples";
    size_t ranks = e->problem->team ? team_size(e->problem->team) : 1, k = e->classes;
    size_t count = e->problem->bootstrap;
    struct bootstrap b = {.estimator = e, .whole = whole};
    bool ok = (out->interval = mem_alloc(k, sizeof *out->interval, what, err)) &&
              (b.q = mem_alloc(count, k * sizeof *b.q, what, err)) &&
              (b.fault = mem_alloc(ranks, sizeof *b.fault, what, err)) &&
              (b.attempt = mem_alloc(ranks, sizeof *b.attempt, what, err)) &&
              bootstrap_run(&b, e->problem->team, ranks, err);
    if (ok)
        find_intervals(b.q, k, count, e->problem->confidence, out->interval);
    for (size_t r = 0; b.attempt && r < ranks; r++)
        attempt_release(&b.attempt[r]);
    mem_free(b.attempt);
    mem_free(b.fault);
    mem_free(b.q);
    return ok;
}

/* ---- the whole ---- */

/* Of the joint matrix P(predicted i, true j) over the classes that the source has. */
static bool describe_matrix(const struct attempt *a, struct label_ratio *out, struct err *err) {
    size_t k = a->estimator->classes, columns = 0;
    double *memory = mem_alloc(2 * k + 1, k * sizeof *memory, "the confusion matrix", err);
    if (!memory)
        return false;
    double *joint = memory, *v = joint + k * k, *s = v + k * k;
    for (size_t y = 0; y < k; y++)
        columns += a->share[y] > 0;
    for (size_t y = 0, column = 0; y<k; column += a->share[y++]> 0)
        for (size_t i = 0; i < k && a->share[y] > 0; i++)
            joint[i * columns + column] = a->confusion[i * k + y] * a->share[y];
    dense_svd(joint, k, columns, s, v);
    /* Rounding leaves a singular matrix a smallest value of about this. */
    bool singular = s[columns - 1] <= (double)k * 0x1p-52 * s[0];
    out->sigma_min = singular ? 0 : s[columns - 1];
    out->condition = singular ? (double)INFINITY : s[0] / s[columns - 1];
    out->missing = k - columns;
    mem_free(memory);
    return true;
}

static bool take(struct attempt *a, struct label_ratio *out, struct err *err) {
    size_t k = a->estimator->classes;
    if (!(out->ratio = mem_alloc(3 + k, k * sizeof *out->ratio, "the class ratios", err)) ||
        !bcts_init(&out->calibration, k, err))
        return false;
    out->source_prior = out->ratio + k, out->target_prior = out->source_prior + k;
    out->confusion = out->target_prior + k;
    memcpy(out->ratio, a->ratio, k * sizeof *out->ratio);
    memcpy(out->source_prior, a->share, k * sizeof *out->ratio);
    memcpy(out->target_prior, a->q, k * sizeof *out->ratio);
    memcpy(out->confusion, a->confusion, k * k * sizeof *out->ratio);
    out->calibration.a = a->calibration.a;
    memcpy(out->calibration.b, a->calibration.b, k * sizeof *out->ratio);
    out->truncated = a->truncated;
    out->negative = a->negative;
    out->iterations = a->steps;
    out->converged = a->steps < a->most_steps;
    return true;
}

static bool check(const struct logits *sample, const char *which, struct err *err) {
    for (size_t i = 0; i < sample->rows * sample->classes; i++)
        if (!isfinite(sample->z[i]))
            return err_set(err, ERR_DATA, "the outputs for sample %zu of the %s are not finite",
                           i / sample->classes, which);
    return sample->rows > 0 || err_set(err, ERR_DATA, "the %s has no samples", which);
}

bool label_ratio_estimate(const struct label_problem *problem, struct label_ratio *out, struct err *err) {
    struct estimator e = {0};
    struct attempt a = {0};
    struct label_ratio ratio = {.classes = problem->source.classes};
    bool ok = check(&problem->source, "source", err) && check(&problem->target, "target", err) &&
              estimator_init(&e, problem, err) && attempt_init(&a, &e, false, err) &&
              attempt_solve(&a, true, err) && attempt_keep_told(&a, err) && take(&a, &ratio, err) &&
              describe_matrix(&a, &ratio, err) && (problem->bootstrap == 0 || bootstrap(&e, &a, &ratio, err));
    attempt_release(&a);
    estimator_release(&e);
    if (ok)
        *out = ratio;
    else
        label_ratio_release(&ratio);
    return ok;
}

void label_ratio_release(struct label_ratio *ratio) {
    mem_free(ratio->ratio);
    mem_free(ratio->interval);
    bcts_release(&ratio->calibration);
    *ratio = (struct label_ratio){0};
}
