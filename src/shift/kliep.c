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

/* What an iteration ends by: what is missing to the maximum of the mean log-ratio. The folds only compare
 * bandwidths, whose scores have errors that are far larger. */
struct patience {
    double missing;
    size_t iterations;
};
static const struct patience for_folds = {1e-3, 50}, for_result = {1e-6, 500};

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
    /* the fit at work */
    const struct patience *patience;
    bool begun;
    size_t iteration;
    /* of the folds */
    double sum;    /* of log r over the target's folds that were left out */
    double excess; /* of the mean of r over the source's: what it exceeds 1 by */
};

enum { BLOCK = 128 }; /* rows that stay in cache until both ratio and gradient are taken of them */

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
static void climb(const struct kliep *k, const double *from, double *to) {
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

/* From equal shares. */
static void begin_maximum(struct kliep *k) {
    for (size_t c = 0; c < k->basis->centers; c++)
        k->share[c] = k->scale[c] > 0 ? 1 / (double)k->used : 0;
    k->iteration = 0;
    look(k, k->share);
}

/* Theta and logs are those of the maximum when it is reached. */
static bool at_maximum(const struct kliep *k) {
    return k->iteration == k->patience->iterations || missing(k, k->share) <= k->patience->missing;
}

static void iterate(struct kliep *k) {
    size_t centers = k->basis->centers;
    double *a = k->share, *b = a + centers, *c = b + centers;
    climb(k, a, b);
    double before = look(k, b);
    climb(k, b, c);
    extrapolate(a, b, c, centers);
    if (look(k, a) < before) {
        memcpy(a, c, centers * sizeof *a);
        look(k, a);
    }
    k->iteration++;
}

/* ---- a fit ---- */

/* Leaves out the fold that is held. Without a usable basis function all ratios are 0. */
static void begin_fit(struct kliep *k) {
    team_run(k->basis->problem->team, scale_job, k);
    k->used = 0;
    for (size_t c = 0; c < k->basis->centers; c++)
        k->used += k->scale[c] > 0;
    if (k->used > 0)
        begin_maximum(k);
    else
        memset(k->theta, 0, k->basis->centers * sizeof *k->theta);
    k->begun = true;
}

/* True: it is done. */
static bool fit(struct kliep *k) {
    if (!k->begun)
        begin_fit(k);
    else
        iterate(k);
    if (k->used > 0 && !at_maximum(k))
        return false;
    k->begun = false;
    return true;
}

/* ---- the folds ---- */

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

static void begin_folds(void *self) {
    struct kliep *k = self;
    k->patience = &for_folds;
    k->held = 0;
    k->sum = k->excess = 0;
}

static bool leaves_none_out(const struct kliep *k) {
    return k->held >= k->basis->folds;
}

static bool step(void *self) {
    struct kliep *k = self;
    if (!fit(k))
        return false;
    if (leaves_none_out(k) || k->used == 0)
        return true;
    k->sum += sum_logs(k, false);
    k->excess += mean_held_out(k) - 1;
    return ++k->held == k->basis->folds;
}

/* The mean of log r over the target, less what the mean of r over the source exceeds 1 by: of all r the true
 * ratio has the largest. Both are taken of folds that the fit has not seen. Sugiyama et al. hold out the
 * target only, whose ratios are then largest where few source samples happen to be: their choice is a
 * bandwidth that is far too small. */
static void judge(const void *self, struct density_ratio *best) {
    const struct kliep *k = self;
    double score = k->sum / (double)k->basis->rows[DENSITY_TARGET] - k->excess / (double)k->basis->folds;
    if (k->used == 0)
        score = -(double)INFINITY;
    if (isnan(best->score) || score > best->score) {
        best->score = score;
        best->bandwidth = k->basis->bandwidth;
    }
}

/* ---- the result ---- */

static void begin_result(void *self, struct density_ratio *chosen) {
    struct kliep *k = self;
    (void)chosen;
    k->patience = &for_result;
    k->held = k->basis->folds > 0 ? k->basis->folds : 1;
}

static const double *theta(const void *self) {
    return ((const struct kliep *)self)->theta;
}

/* ---- beginning and end ---- */

static void release(void *self) {
    struct kliep *k = self;
    if (k)
        mem_free(k->scale);
    mem_free(k);
}

static void *create(struct density_basis *basis, struct err *err) {
    static const char what[] = "a density ratio";
    size_t centers = basis->centers, rows = basis->rows[DENSITY_TARGET], blocks = (rows + BLOCK - 1) / BLOCK;
    struct kliep *k = mem_alloc(1, sizeof *k, what, err);
    if (!k)
        return NULL;
    *k = (struct kliep){.basis = basis, .blocks = blocks};
    double *at = k->scale = mem_alloc_aligned((6 + blocks) * centers + rows, sizeof *at, what, err);
    if (!at) {
        release(k);
        return NULL;
    }
    k->theta = at + centers;
    k->rise = at + 2 * centers;
    k->share = at + 3 * centers;
    k->partial = at + 6 * centers;
    k->log = k->partial + blocks * centers;
    return k;
}

const struct density_method density_kliep = {
    .create = create,
    .free = release,
    .begin_folds = begin_folds,
    .begin_result = begin_result,
    .step = step,
    .judge = judge,
    .theta = theta,
};
