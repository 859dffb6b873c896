/* KLIEP: of all ratios r = sum of theta_c phi_c with theta >= 0 and a mean of 1 over the source the one that
 * maximises the mean of log r over the target. In shares u_c = theta_c m_c, m_c the mean of phi_c over the
 * source, that is the likelihood of a mixture in its proportions: u >= 0, sum of u = 1. It is concave, and
 * the EM step u_c <- u_c g_c, g the gradient, never lowers it; as the largest g_c - 1 bounds what is missing
 * to the maximum (Lindsay, "The geometry of mixture likelihoods", Annals of Statistics 11, 1983), one knows
 * when to stop. Two steps are extrapolated (SQUAREM: Varadhan and Roland, Scandinavian Journal of Statistics
 * 35, 2008) wherever that raises the likelihood, which saves most of them. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/dmath.h"
#include "shift/dense.h"
#include "shift/density_parts.h"

/* A basis function whose mean over the source is smaller is left out: it would make ratios of any size. */
#define LEAST_MEAN 1e-100
/* A target sample that no basis function reaches counts as if its ratio were this. */
#define LEAST_RATIO 1e-150

struct kliep {
    struct density_basis *basis;
    size_t held;     /* the fold that is left out; that of none: the number of folds */
    size_t used;     /* basis functions that are */
    size_t blocks;   /* of target rows */
    double *scale;   /* [centers]: 1 / m, 0 where it is left out */
    double *theta;   /* [centers] */
    double *rise;    /* [centers]: the gradient in the shares, times the number of samples */
    double *share;   /* [3][centers]: where an iteration begins, and its two steps */
    double *partial; /* [blocks][centers]: a block's part of the gradient */
    double *log;     /* [target rows]: log r */
};

enum { BLOCK = 128 }; /* rows that stay in cache until both ratio and gradient are taken of them */

/* What an iteration ends by: what is missing to the maximum of the mean log-ratio. The folds only compare
 * bandwidths, whose scores have errors that are far larger. */
struct patience {
    double missing;
    size_t iterations;
};
static const struct patience for_folds = {1e-3, 50}, for_result = {1e-6, 500};

/* ---- the likelihood and its gradient ---- */

static bool in_fit(const struct kliep *k, enum density_side side, size_t row) {
    return k->basis->fold[side][row] != k->held;
}

static void add(double *to, const double *value, double times, size_t count) {
    for (size_t i = 0; i < count; i++)
        to[i] += times * value[i];
}

/* By the rows of the source that are not held out. */
static void scale_job(void *arg, size_t rank, size_t size) {
    struct kliep *k = arg;
    size_t centers = k->basis->centers, taken = 0;
    size_t begin = centers * rank / size, end = centers * (rank + 1) / size;
    const double *value = k->basis->value[DENSITY_SOURCE];
    memset(k->scale + begin, 0, (end - begin) * sizeof *k->scale);
    for (size_t r = 0; r < k->basis->rows[DENSITY_SOURCE]; r++)
        if (in_fit(k, DENSITY_SOURCE, r)) {
            add(k->scale + begin, value + r * centers + begin, 1, end - begin);
            taken++;
        }
    for (size_t c = begin; c < end; c++) {
        double mean = k->scale[c] / (double)taken;
        k->scale[c] = mean >= LEAST_MEAN ? 1 / mean : 0;
    }
}

static void look_at_block(struct kliep *k, size_t block) {
    size_t centers = k->basis->centers, rows = k->basis->rows[DENSITY_TARGET];
    size_t end = (block + 1) * BLOCK < rows ? (block + 1) * BLOCK : rows;
    double *partial = k->partial + block * centers;
    memset(partial, 0, centers * sizeof *partial);
    for (size_t r = block * BLOCK; r < end; r++) {
        const double *value = k->basis->value[DENSITY_TARGET] + r * centers;
        double ratio = dense_dot(value, k->theta, centers);
        k->log[r] = dmath_log(fmax(ratio, LEAST_RATIO));
        if (ratio >= LEAST_RATIO && in_fit(k, DENSITY_TARGET, r))
            add(partial, value, 1 / ratio, centers);
    }
}

/* The gradient of this member's blocks, then the sum over all blocks of this member's part of it. */
static void look_job(void *arg, size_t rank, size_t size) {
    struct kliep *k = arg;
    size_t centers = k->basis->centers;
    for (size_t b = k->blocks * rank / size; b < k->blocks * (rank + 1) / size; b++)
        look_at_block(k, b);
    team_barrier(k->basis->problem->team);
    size_t begin = centers * rank / size, end = centers * (rank + 1) / size;
    memset(k->rise + begin, 0, (end - begin) * sizeof *k->rise);
    for (size_t b = 0; b < k->blocks; b++)
        add(k->rise + begin, k->partial + b * centers + begin, 1, end - begin);
    for (size_t c = begin; c < end; c++)
        k->rise[c] *= k->scale[c];
}

static double sum_logs(const struct kliep *k, bool fit) {
    double sum = 0;
    for (size_t r = 0; r < k->basis->rows[DENSITY_TARGET]; r++)
        sum += in_fit(k, DENSITY_TARGET, r) == fit ? k->log[r] : 0;
    return sum;
}

/* Computes what the shares give; returns the log-likelihood. */
static double look(struct kliep *k, const double *share) {
    for (size_t c = 0; c < k->basis->centers; c++)
        k->theta[c] = share[c] * k->scale[c];
    team_run(k->basis->problem->team, look_job, k);
    return sum_logs(k, true);
}

/* ---- its maximum ---- */

static void normalise(double *share, size_t count) {
    double sum = 0;
    for (size_t c = 0; c < count; c++)
        sum += share[c];
    for (size_t c = 0; c < count; c++)
        share[c] /= sum;
}

/* An EM step, by the gradient of `from`. */
static void step(const struct kliep *k, const double *from, double *to) {
    for (size_t c = 0; c < k->basis->centers; c++)
        to[c] = from[c] * k->rise[c];
    normalise(to, k->basis->centers);
}

/* What is missing to the maximum at most, in the mean of the samples that a basis function reaches. */
static double missing(const struct kliep *k, const double *share) {
    double largest = 0, mean = 0;
    for (size_t c = 0; c < k->basis->centers; c++) {
        largest = k->rise[c] > largest ? k->rise[c] : largest;
        mean += share[c] * k->rise[c];
    }
    return mean > 0 ? largest / mean - 1 : 0;
}

/* a becomes the point that a, b, c point to. A share never becomes 0 by it, as no step could raise it again.
 */
static void extrapolate(double *a, const double *b, const double *c, size_t count) {
    double first = 0, second = 0;
    for (size_t i = 0; i < count; i++) {
        double r = b[i] - a[i], v = c[i] - b[i] - r;
        first += r * r;
        second += v * v;
    }
    double length = second > 0 ? fmax(1, sqrt(first / second)) : 1;
    for (size_t i = 0; i < count; i++) {
        double r = b[i] - a[i], v = c[i] - b[i] - r;
        a[i] = fmax(a[i] + 2 * length * r + length * length * v, c[i] / 8);
    }
    normalise(a, count);
}

/* From equal shares; theta and logs are then those of the maximum. */
static void maximise(struct kliep *k, const struct patience *patience) {
    size_t centers = k->basis->centers;
    double *a = k->share, *b = a + centers, *c = b + centers;
    for (size_t i = 0; i < centers; i++)
        a[i] = k->scale[i] > 0 ? 1 / (double)k->used : 0;
    look(k, a);
    for (size_t i = 0; i < patience->iterations && missing(k, a) > patience->missing; i++) {
        step(k, a, b);
        double before = look(k, b);
        step(k, b, c);
        extrapolate(a, b, c, centers);
        if (look(k, a) < before) {
            memcpy(a, c, centers * sizeof *a);
            look(k, a);
        }
    }
}

/* ---- the bandwidth ---- */

/* The fit that leaves out a fold, or none. Without a usable basis function all ratios are 0. */
static void fit(struct kliep *k, size_t held, const struct patience *patience) {
    k->held = held;
    team_run(k->basis->problem->team, scale_job, k);
    k->used = 0;
    for (size_t c = 0; c < k->basis->centers; c++)
        k->used += k->scale[c] > 0;
    if (k->used > 0)
        maximise(k, patience);
    else
        memset(k->theta, 0, k->basis->centers * sizeof *k->theta);
}

/* The mean ratio of the source's fold that was left out. */
static double mean_held_out(const struct kliep *k) {
    double sum = 0;
    size_t taken = 0, centers = k->basis->centers;
    for (size_t r = 0; r < k->basis->rows[DENSITY_SOURCE]; r++)
        if (!in_fit(k, DENSITY_SOURCE, r)) {
            sum += dense_dot(k->basis->value[DENSITY_SOURCE] + r * centers, k->theta, centers);
            taken++;
        }
    return sum / (double)taken;
}

/* The mean of log r over the target, less what the mean of r over the source exceeds 1 by: of all r the true
 * ratio has the largest. Both are taken of folds that the fit has not seen. Sugiyama et al. hold out the
 * target only, whose ratios are then largest where few source samples happen to be: their choice is a
 * bandwidth that is far too small. */
static double cross_validate(struct kliep *k) {
    double sum = 0, excess = 0;
    for (size_t f = 0; f < k->basis->folds; f++) {
        fit(k, f, &for_folds);
        if (k->used == 0)
            return -(double)INFINITY;
        sum += sum_logs(k, false);
        excess += mean_held_out(k) - 1;
    }
    return sum / (double)k->basis->rows[DENSITY_TARGET] - excess / (double)k->basis->folds;
}

static void choose_bandwidth(struct kliep *k, struct density_ratio *out) {
    out->bandwidth = density_bandwidth(k->basis, 0);
    out->score = (double)NAN;
    for (size_t i = 0; k->basis->folds >= 2 && density_bandwidth(k->basis, i) > 0; i++) {
        density_basis_evaluate(k->basis, density_bandwidth(k->basis, i));
        double score = cross_validate(k);
        if (i == 0 || score > out->score) {
            out->score = score;
            out->bandwidth = density_bandwidth(k->basis, i);
        }
    }
}

/* ---- the estimate ---- */

static bool kliep_init(struct kliep *k, struct density_basis *basis, double **memory, struct err *err) {
    size_t centers = basis->centers, rows = basis->rows[DENSITY_TARGET], blocks = (rows + BLOCK - 1) / BLOCK;
    double *at = mem_alloc_aligned((6 + blocks) * centers + rows, sizeof *at, "a density ratio", err);
    *memory = at;
    *k = (struct kliep){.basis = basis, .blocks = blocks};
    if (!at)
        return false;
    k->scale = at;
    k->theta = at + centers;
    k->rise = at + 2 * centers;
    k->share = at + 3 * centers;
    k->partial = at + 6 * centers;
    k->log = k->partial + blocks * centers;
    return true;
}

static void estimate(struct kliep *k, struct density_ratio *out) {
    choose_bandwidth(k, out);
    density_basis_evaluate(k->basis, out->bandwidth);
    fit(k, k->basis->folds > 0 ? k->basis->folds : 1, &for_result);
    density_ratios(k->basis, k->theta, (double)INFINITY, out->ratio);
    out->centers = k->basis->centers;
    out->lambda = (double)NAN;
}

bool kliep_estimate(const struct density_problem *problem, struct density_ratio *out, struct err *err) {
    struct density_basis basis;
    struct density_ratio result = {0};
    struct kliep k;
    double *memory = NULL;
    bool ok = density_basis_init(&basis, problem, err) && kliep_init(&k, &basis, &memory, err) &&
              (result.ratio = mem_alloc(problem->source_rows, sizeof *result.ratio, "ratios", err));
    if (ok) {
        estimate(&k, &result);
        *out = result;
    }
    mem_free(memory);
    density_basis_release(&basis);
    return ok;
}
