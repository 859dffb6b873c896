#include "shift/label_estimate.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/dmath.h"

static double count_of(const double *count, size_t row) {
    return count ? count[row] : 1;
}

/* ---- predictions ---- */

static void predict_softly(const struct bcts *plain, const struct logits *sample, double *predicted) {
    for (size_t i = 0; i < sample->rows; i++)
        bcts_apply(plain, sample->z + i * sample->classes, sample->classes, predicted + i * sample->classes);
}

static void predict_hard(const struct logits *sample, double *predicted) {
    for (size_t i = 0; i < sample->rows; i++) {
        const real *z = sample->z + i * sample->classes;
        size_t largest = 0;
        for (size_t y = 1; y < sample->classes; y++)
            largest = z[y] > z[largest] ? y : largest;
        predicted[i * sample->classes + largest] = 1;
    }
}

bool estimator_init(struct estimator *e, const struct label_problem *problem, struct err *err) {
    struct bcts plain;
    *e = (struct estimator){.problem = problem,
                            .method = label_method(problem->method),
                            .sample = {&problem->source, &problem->target},
                            .classes = problem->source.classes};
    if (!bcts_init(&plain, e->classes, err))
        return false;
    bool ok = true;
    for (int s = 0; ok && s < SAMPLES; s++) {
        e->predicted[s] = mem_alloc(e->sample[s]->rows, e->classes * sizeof(double), "the predictions", err);
        ok = e->predicted[s] != NULL;
        if (ok && !e->method->calibrates && problem->soft)
            predict_softly(&plain, e->sample[s], e->predicted[s]);
        else if (ok)
            predict_hard(e->sample[s], e->predicted[s]);
    }
    bcts_release(&plain);
    return ok;
}

void estimator_release(struct estimator *e) {
    for (int s = 0; s < SAMPLES; s++)
        mem_free(e->predicted[s]);
}

/* ---- an estimate ---- */

bool attempt_init(struct attempt *a, const struct estimator *e, const struct attempt *whole,
                  struct err *err) {
    static const char what[] = "the estimate of class ratios";
    size_t k = e->classes, m = e->problem->target.rows;
    *a = (struct attempt){.estimator = e,
                          .whole = whole,
                          .tolerance = whole ? 1e-6 : 1e-10,
                          .most_steps = whole ? 1000 : 10000};
    if (!bcts_init(&a->calibration, k, err) || !(a->q = mem_alloc(6 + 2 * k, k * sizeof *a->q, what, err)))
        return false;
    a->share = a->q + k, a->ratio = a->share + k, a->mean = a->ratio + k, a->confusion = a->mean + k;
    a->second = a->confusion + k * k, a->theta = a->second + k * k;
    if (e->method->tell && !label_told_init(&a->told, k, err))
        return false;
    if (e->method->calibrates && !(a->posterior = mem_alloc(m, k * sizeof *a->posterior, what, err)))
        return false;
    for (int s = 0; whole && s < SAMPLES; s++) {
        a->count[s] = a->drawn[s] = mem_alloc(e->sample[s]->rows, sizeof *a->drawn[s], what, err);
        if (!a->drawn[s])
            return false;
    }
    return true;
}

void attempt_release(struct attempt *a) {
    bcts_release(&a->calibration);
    label_told_release(&a->told);
    mlls_release(&a->ascent);
    mem_free(a->q);
    mem_free(a->posterior);
    for (int s = 0; s < SAMPLES; s++)
        mem_free(a->drawn[s]);
}

static void add_prediction(struct attempt *a, const double *h, uint32_t y, double count) {
    size_t k = a->estimator->classes;
    a->share[y] += count;
    for (size_t i = 0; i < k; i++) {
        if (h[i] == 0)
            continue;
        a->confusion[i * k + y] += count * h[i];
        for (size_t j = 0; j <= i; j++)
            a->second[i * k + j] += count * h[i] * h[j];
    }
}

/* The mean prediction of a class's own rows in its column, and the classes' shares. */
static void fill_confusion(struct attempt *a) {
    const struct estimator *e = a->estimator;
    size_t k = e->classes;
    double rows = 0;
    memset(a->confusion, 0, k * k * sizeof *a->confusion);
    memset(a->second, 0, k * k * sizeof *a->second);
    memset(a->share, 0, k * sizeof *a->share);
    for (size_t r = 0; r < e->sample[SOURCE]->rows; r++) {
        double count = count_of(a->count[SOURCE], r);
        rows += count;
        if (count > 0)
            add_prediction(a, e->predicted[SOURCE] + r * k, e->sample[SOURCE]->cls[r], count);
    }
    for (size_t y = 0; y < k; y++) {
        for (size_t i = 0; i < k && a->share[y] > 0; i++)
            a->confusion[i * k + y] /= a->share[y];
        a->share[y] /= rows;
        for (size_t i = y; i < k; i++)
            a->second[y * k + i] = a->second[i * k + y] /= rows;
    }
}

static void fill_mean(struct attempt *a) {
    const struct estimator *e = a->estimator;
    double rows = 0;
    memset(a->mean, 0, e->classes * sizeof *a->mean);
    for (size_t r = 0; r < e->sample[TARGET]->rows; r++) {
        double count = count_of(a->count[TARGET], r);
        rows += count;
        for (size_t i = 0; i < e->classes; i++)
            a->mean[i] += count * e->predicted[TARGET][r * e->classes + i];
    }
    for (size_t i = 0; i < e->classes; i++)
        a->mean[i] /= rows;
}

static struct label_moments moments_of(const struct attempt *a) {
    const struct estimator *e = a->estimator;
    return (struct label_moments){.classes = e->classes,
                                  .rows = (double)e->sample[SOURCE]->rows,
                                  .c = a->confusion,
                                  .p = a->share,
                                  .mu = a->mean,
                                  .second = a->second,
                                  .told = a->whole ? &a->whole->rank : NULL};
}

/* The weight of RLLS's penalty: its paper's bound on the error of the matrix, at confidence 1 - delta. */
static double rlls_penalty(const struct estimator *e) {
    static const double delta = 0.05;
    double n = (double)e->sample[SOURCE]->rows, t = 2 * dmath_log(2 * (double)e->classes / delta);
    return e->problem->alpha * 3 * (t / (3 * n) + sqrt(t / n));
}

/* ratio becomes 1 + theta without what cannot be: negative ratios, and a prior that does not sum to 1. */
static void finish_ratio(struct attempt *a) {
    size_t k = a->estimator->classes;
    double sum = 0;
    a->negative = 0;
    for (size_t y = 0; y < k; y++) {
        a->ratio[y] = a->share[y] > 0 ? 1 + a->ratio[y] : 0;
        a->negative += a->ratio[y] < 0;
        a->ratio[y] = fmax(a->ratio[y], 0);
        sum += a->share[y] * a->ratio[y];
    }
    for (size_t y = 0; y < k; y++) {
        a->ratio[y] /= sum;
        a->q[y] = a->share[y] * a->ratio[y];
    }
}

static bool solve_equations(struct attempt *a, struct err *err) {
    fill_mean(a);
    struct label_moments moments = moments_of(a);
    if (!bbse_solve(&moments, a->ratio, &a->truncated, err))
        return false;
    finish_ratio(a);
    return true;
}

static bool solve_with_penalty(struct attempt *a, struct err *err) {
    fill_mean(a);
    struct label_moments moments = moments_of(a);
    if (!rlls_solve(&moments, rlls_penalty(a->estimator), a->ratio, err))
        return false;
    finish_ratio(a);
    return true;
}

/* Calibrated probabilities of the classes that the source has. */
static void calibrated(const struct attempt *a, const real *z, double *p) {
    size_t k = a->estimator->classes;
    double sum = 0;
    bcts_apply(&a->calibration, z, k, p);
    for (size_t y = 0; y < k; y++)
        sum += p[y] = a->share[y] > 0 ? p[y] : 0;
    for (size_t y = 0; y < k && sum > 0; y++)
        p[y] /= sum;
}

/* The source's prior by the model that the target's is found with, so that equal samples give equal priors:
 * the mean calibrated probability on the held-out sample (Alexandari et al. 2020). */
static void mean_posterior(struct attempt *a, double *p) {
    const struct logits *source = a->estimator->sample[SOURCE];
    double rows = 0;
    memset(a->mean, 0, source->classes * sizeof *a->mean);
    for (size_t r = 0; r < source->rows; r++) {
        double count = count_of(a->count[SOURCE], r);
        if (!(count > 0))
            continue;
        calibrated(a, source->z + r * source->classes, p);
        rows += count;
        for (size_t y = 0; y < source->classes; y++)
            a->mean[y] += count * p[y];
    }
    for (size_t y = 0; y < source->classes; y++)
        a->mean[y] /= rows;
}

/* A maximum for all rows is where that for a resample is near, but a class that has 0 there would keep it. */
static void begin(struct attempt *a) {
    const struct attempt *whole = a->whole;
    for (size_t y = 0; y < a->estimator->classes; y++)
        a->q[y] = whole && a->share[y] > 0 ? .95 * whole->q[y] + .05 * a->mean[y] : a->mean[y];
}

static bool calibrate(struct attempt *a, const struct logits *source, struct err *err) {
    const struct attempt *whole = a->whole;
    if (!whole)
        return bcts_fit(&a->calibration, source, err);
    a->calibration.a = whole->calibration.a;
    memcpy(a->calibration.b, whole->calibration.b, source->classes * sizeof *a->calibration.b);
    return bcts_refit(&a->calibration, source, err);
}

static bool begin_likelihood(struct attempt *a, struct err *err) {
    const struct estimator *e = a->estimator;
    struct logits source = *e->sample[SOURCE];
    const struct logits *target = e->sample[TARGET];
    size_t k = e->classes;
    source.count = a->count[SOURCE];
    if (!calibrate(a, &source, err))
        return false;
    mean_posterior(a, a->posterior);
    for (size_t r = 0; r < target->rows; r++)
        if (count_of(a->count[TARGET], r) > 0)
            calibrated(a, target->z + r * k, a->posterior + r * k);
    begin(a);
    const struct mlls_problem problem = {a->posterior, target->rows, k, a->count[TARGET], a->mean,
                                         a->tolerance, a->most_steps};
    return mlls_begin(&a->ascent, &problem, a->q, err);
}

static void end_likelihood(struct attempt *a) {
    a->steps = a->ascent.steps;
    mlls_release(&a->ascent);
    for (size_t y = 0; y < a->estimator->classes; y++)
        a->ratio[y] = a->mean[y] > 0 ? a->q[y] / a->mean[y] : 0;
}

/* ---- directions that the predictions do not tell ---- */

/* What is found along them is noise, and is taken out of a ratio over the prior: it becomes 1 there, as by
 * BBSE. */
static void keep(struct attempt *a, const double *prior) {
    size_t k = a->estimator->classes;
    double sum = 0, *theta = a->theta, *kept = a->theta + k;
    for (size_t y = 0; y < k; y++)
        theta[y] = prior[y] > 0 ? a->ratio[y] - 1 : 0;
    if (a->whole)
        label_told_translate(&a->whole->told, a->share, &a->told);
    label_told_keep(&a->told, theta, kept);
    a->negative = 0;
    for (size_t y = 0; y < k; y++) {
        a->negative += prior[y] > 0 && 1 + kept[y] < 0;
        a->ratio[y] = prior[y] > 0 ? fmax(1 + kept[y], 0) : 0;
        sum += prior[y] * a->ratio[y];
    }
    for (size_t y = 0; y < k; y++) {
        a->ratio[y] /= sum;
        a->q[y] = prior[y] * a->ratio[y];
    }
}

static bool tell_by_predictions(struct attempt *a, struct err *err) {
    struct label_moments moments = moments_of(a);
    return bbse_find_told(&moments, &a->told, &a->truncated, err);
}

/* Probabilities may tell what predicted classes do not, a class that is never the most probable one: mlls is
 * judged by its own, calibrated ones. */
static bool tell_by_probabilities(struct attempt *a, struct err *err) {
    struct estimator soft = *a->estimator;
    struct attempt judge = {0};
    const struct logits *source = soft.sample[SOURCE];
    double *p = mem_alloc(source->rows, soft.classes * sizeof *p, "the predictions", err);
    bool ok = p && attempt_init(&judge, &soft, NULL, err);
    for (size_t r = 0; ok && r < source->rows; r++)
        calibrated(a, source->z + r * soft.classes, p + r * soft.classes);
    soft.predicted[SOURCE] = p;
    if (ok) {
        fill_confusion(&judge);
        memcpy(judge.mean, a->mean, soft.classes * sizeof *judge.mean);
        struct label_moments moments = moments_of(&judge);
        ok = bbse_find_told(&moments, &a->told, &a->truncated, err);
    }
    attempt_release(&judge);
    mem_free(p);
    return ok;
}

/* ---- the methods ---- */

static const struct label_method methods[SHIFT_METHODS] = {
    [SHIFT_MLLS] = {.calibrates = true, .solve = begin_likelihood, .tell = tell_by_probabilities},
    [SHIFT_BBSE] = {.solve = solve_equations},
    [SHIFT_RLLS] = {.solve = solve_with_penalty, .tell = tell_by_predictions},
};

const struct label_method *label_method(int method) {
    return &methods[method];
}

static size_t count_told(const struct attempt *a) {
    size_t present = 0;
    for (size_t y = 0; y < a->estimator->classes; y++)
        present += a->share[y] > 0;
    return present > 0 ? present - 1 - a->truncated : 0;
}

bool attempt_begin(struct attempt *a, struct err *err) {
    fill_confusion(a);
    return a->estimator->method->solve(a, err);
}

bool attempt_advance(struct attempt *a, size_t cycles) {
    if (!a->estimator->method->calibrates)
        return true;
    mlls_advance(&a->ascent, cycles);
    return mlls_over(&a->ascent);
}

bool attempt_end(struct attempt *a, struct err *err) {
    const struct label_method *method = a->estimator->method;
    const struct attempt *whole = a->whole ? a->whole : a;
    if (method->calibrates)
        end_likelihood(a);
    if (method->tell && !a->whole && !method->tell(a, err))
        return false;
    if (method->tell && whole->truncated > 0)
        keep(a, method->calibrates ? a->mean : a->share);
    a->rank = count_told(a);
    return true;
}

bool attempt_solve(struct attempt *a, struct err *err) {
    if (!attempt_begin(a, err))
        return false;
    attempt_advance(a, SIZE_MAX);
    return attempt_end(a, err);
}
