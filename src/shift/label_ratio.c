#include "shift/label_ratio.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/random.h"
#include "shift/dense.h"
#include "shift/label_estimate.h"

enum stage { BEGINNING, LIKELIHOOD, END, RESAMPLES, INTERVALS, OVER };

struct label_estimation {
    struct label_problem problem;
    struct estimator estimator;
    struct attempt whole;
    struct label_ratio ratio;
    enum stage stage;
    size_t members;          /* of the team */
    struct attempt *attempt; /* [members]: of resamples */
    struct err *fault;       /* [members] */
    double *q;               /* [classes][resamples] */
    size_t done, end;        /* resamples; those of the portion at work */
    atomic_size_t next;
    size_t sorted; /* classes whose intervals are known */
};

/* ---- bootstrap ---- */

/* As many draws with replacement as there are rows. */
static void draw(const struct label_problem *p, size_t resample, int sample, size_t rows, double *count) {
    memset(count, 0, rows * sizeof *count);
    for (size_t i = 0; i < rows; i++) {
        struct random_block block =
            random_philox(p->seed, STREAM_BOOTSTRAP, (uint32_t)resample, (uint32_t)sample, (uint32_t)(i / 2));
        count[(size_t)(random_unit(block, i % 2) * (double)rows)]++;
    }
}

static bool resample_once(struct label_estimation *e, struct attempt *a, size_t resample, struct err *err) {
    size_t classes = e->estimator.classes, count = e->problem.bootstrap;
    for (int s = 0; s < SAMPLES; s++)
        draw(&e->problem, resample, s, e->estimator.sample[s]->rows, a->drawn[s]);
    if (!attempt_solve(a, err))
        return false;
    for (size_t y = 0; y < classes; y++)
        e->q[y * count + resample] = a->q[y];
    return true;
}

static void resample_job(void *arg, size_t rank, size_t size) {
    (void)size;
    struct label_estimation *e = arg;
    size_t i;
    while (e->fault[rank].kind == ERR_NONE && (i = atomic_fetch_add(&e->next, 1)) < e->end)
        if (!resample_once(e, &e->attempt[rank], i, &e->fault[rank]))
            return;
}

static bool resample(struct label_estimation *e, size_t max_steps, struct err *err) {
    size_t left = e->problem.bootstrap - e->done;
    e->end = e->done + (left / e->members < max_steps ? left : max_steps * e->members);
    atomic_store(&e->next, e->done);
    team_run(e->problem.team, resample_job, e);
    for (size_t m = 0; m < e->members; m++)
        if (e->fault[m].kind != ERR_NONE) {
            *err = e->fault[m];
            return false;
        }
    e->done = e->end;
    e->stage = e->done < e->problem.bootstrap ? RESAMPLES : INTERVALS;
    return true;
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

static void fill_interval(struct label_estimation *e, size_t y) {
    size_t count = e->problem.bootstrap;
    double *q = e->q + y * count, confidence = e->problem.confidence;
    qsort(q, count, sizeof *q, ascending);
    e->ratio.interval[y][0] = percentile(q, count, (1 - confidence) / 2);
    e->ratio.interval[y][1] = percentile(q, count, (1 + confidence) / 2);
}

static bool begin_bootstrap(struct label_estimation *e, struct err *err) {
    static const char what[] = "the resamples";
    size_t classes = e->estimator.classes, count = e->problem.bootstrap;
    bool ok = (e->ratio.interval = mem_alloc(classes, sizeof *e->ratio.interval, what, err)) &&
              (e->q = mem_alloc(count, classes * sizeof *e->q, what, err)) &&
              (e->fault = mem_alloc(e->members, sizeof *e->fault, what, err)) &&
              (e->attempt = mem_alloc(e->members, sizeof *e->attempt, what, err));
    for (size_t m = 0; ok && m < e->members; m++)
        ok = attempt_init(&e->attempt[m], &e->estimator, &e->whole, err);
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
    for (size_t y = 0; y < k; y++) {
        if (!(a->share[y] > 0))
            continue;
        for (size_t i = 0; i < k; i++)
            joint[columns * k + i] = a->confusion[i * k + y] * a->share[y];
        columns++;
    }
    dense_svd(joint, k, columns, s, v);
    /* Rounding leaves a singular matrix a smallest value of about this. */
    bool singular = s[columns - 1] <= (double)k * 0x1p-52 * s[0];
    out->sigma_min = singular ? 0 : s[columns - 1];
    out->condition = singular ? (double)INFINITY : s[0] / s[columns - 1];
    out->missing = k - columns;
    mem_free(memory);
    return true;
}

void label_ratio_lay_out(struct label_ratio *ratio) {
    size_t k = ratio->classes;
    ratio->source_prior = ratio->ratio + k, ratio->target_prior = ratio->source_prior + k;
    ratio->confusion = ratio->target_prior + k;
}

static bool take(struct attempt *a, struct label_ratio *out, struct err *err) {
    size_t k = a->estimator->classes;
    if (!(out->ratio = mem_alloc(3 + k, k * sizeof *out->ratio, "the class ratios", err)) ||
        !bcts_init(&out->calibration, k, err))
        return false;
    out->classes = k;
    label_ratio_lay_out(out);
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
    out->calibrated = a->estimator->method->calibrates;
    return true;
}

static bool check(const struct logits *sample, const char *which, struct err *err) {
    for (size_t i = 0; i < sample->rows * sample->classes; i++)
        if (!isfinite(sample->z[i]))
            return err_set(err, ERR_DATA, "the outputs for sample %zu of the %s are not finite",
                           i / sample->classes, which);
    return sample->rows > 0 || err_set(err, ERR_DATA, "the %s has no samples", which);
}

struct label_estimation *label_estimation_create(const struct label_problem *problem, struct err *err) {
    if (!check(&problem->source, "source", err) || !check(&problem->target, "target", err))
        return NULL;
    struct label_estimation *e = mem_alloc(1, sizeof *e, "the estimate of class ratios", err);
    if (!e)
        return NULL;
    e->problem = *problem;
    e->ratio.classes = problem->source.classes;
    e->members = problem->team ? team_size(problem->team) : 1;
    if (estimator_init(&e->estimator, &e->problem, err) && attempt_init(&e->whole, &e->estimator, NULL, err))
        return e;
    label_estimation_free(e);
    return NULL;
}

void label_estimation_free(struct label_estimation *e) {
    if (!e)
        return;
    for (size_t m = 0; e->attempt && m < e->members; m++)
        attempt_release(&e->attempt[m]);
    mem_free(e->attempt);
    mem_free(e->fault);
    mem_free(e->q);
    label_ratio_release(&e->ratio);
    attempt_release(&e->whole);
    estimator_release(&e->estimator);
    mem_free(e);
}

/* ---- steps ---- */

static bool begin_whole(struct label_estimation *e, size_t max_steps, struct err *err) {
    (void)max_steps;
    e->stage = LIKELIHOOD;
    return attempt_begin(&e->whole, err);
}

/* A step is so many cycles: what a resample takes, or less. */
static bool raise_likelihood(struct label_estimation *e, size_t max_steps, struct err *err) {
    enum { CYCLES = 8 };
    (void)err;
    if (attempt_advance(&e->whole, max_steps < SIZE_MAX / CYCLES ? CYCLES * max_steps : SIZE_MAX))
        e->stage = END;
    return true;
}

static bool end_whole(struct label_estimation *e, size_t max_steps, struct err *err) {
    (void)max_steps;
    e->stage = e->problem.bootstrap > 0 ? RESAMPLES : OVER;
    return attempt_end(&e->whole, err) && take(&e->whole, &e->ratio, err) &&
           describe_matrix(&e->whole, &e->ratio, err) && (e->stage == OVER || begin_bootstrap(e, err));
}

static bool find_interval(struct label_estimation *e, size_t max_steps, struct err *err) {
    (void)max_steps;
    (void)err;
    fill_interval(e, e->sorted++);
    e->stage = e->sorted < e->estimator.classes ? INTERVALS : OVER;
    return true;
}

bool label_estimation_advance(struct label_estimation *e, size_t max_steps, bool *over, struct err *err) {
    static bool (*const step[OVER])(struct label_estimation *, size_t,
                                    struct err *) = {[BEGINNING] = begin_whole,
                                                     [LIKELIHOOD] = raise_likelihood,
                                                     [END] = end_whole,
                                                     [RESAMPLES] = resample,
                                                     [INTERVALS] = find_interval};
    bool ok = step[e->stage](e, max_steps, err);
    *over = ok && e->stage == OVER;
    return ok;
}

struct task_status label_estimation_status(const struct label_estimation *e) {
    if (e->stage < RESAMPLES)
        return (struct task_status){.what = "class ratios"};
    return (struct task_status){"bootstrap", e->done, e->problem.bootstrap};
}

/* ---- what came of it ---- */

struct label_ratio label_estimation_finish(struct label_estimation *e) {
    struct label_ratio ratio = e->ratio;
    e->ratio = (struct label_ratio){0};
    return ratio;
}

void label_ratio_settle_unseen(struct label_ratio *ratio, const double *share) {
    double unseen = 0, mean = 0;
    for (size_t c = 0; c < ratio->classes; c++) {
        bool seen = ratio->source_prior[c] > 0;
        unseen += seen ? 0 : share[c];
        mean += seen ? ratio->calibration.b[c] / (double)(ratio->classes - ratio->missing) : 0;
    }
    for (size_t c = 0; ratio->missing && c < ratio->classes; c++) {
        bool seen = ratio->source_prior[c] > 0;
        ratio->target_prior[c] = seen ? ratio->target_prior[c] * (1 - unseen) : share[c];
        ratio->ratio[c] = seen ? ratio->ratio[c] * (1 - unseen) : 1;
        ratio->calibration.b[c] = seen ? ratio->calibration.b[c] : mean;
        for (int end = 0; ratio->interval && end < 2; end++)
            ratio->interval[c][end] = seen ? ratio->interval[c][end] * (1 - unseen) : (double)NAN;
    }
}

void label_ratio_release(struct label_ratio *ratio) {
    mem_free(ratio->ratio);
    mem_free(ratio->interval);
    bcts_release(&ratio->calibration);
    *ratio = (struct label_ratio){0};
}
