/* RuLSIF: theta minimises the squared distance of sum of theta_c phi_c from the relative ratio
 * q / (alpha q + (1 - alpha) p), which but for a constant is J = theta' H theta / 2 - h' theta, with H the
 * mean of phi phi' over the mixture and h that of phi over the target; plus lambda |theta|^2 / 2. Bandwidth
 * and lambda are those with the smallest J on folds that were left out. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "shift/dense.h"
#include "shift/density_parts.h"

static const double lambdas[] = {1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, .1, .3, 1};
enum { LAMBDAS = sizeof lambdas / sizeof *lambdas };
#define LAMBDA_WITHOUT_FOLDS .1

struct rulsif {
    struct density_basis *basis;
    size_t folds;                   /* at least 1 */
    double *second[DENSITY_SIDES];  /* [folds][centers][centers], lower part: sums of phi phi' */
    double *first;                  /* [folds][centers]: sums of phi over the target */
    size_t *rows[DENSITY_SIDES];    /* [folds] */
    double *h_fit, *h_held, *theta; /* [centers] */
    double *matrix_fit, *matrix_held, *factorised; /* [centers][centers], lower part */
    size_t row;                                    /* of all rows, the next that is to be added to the sums */
    size_t row_end;                                /* of the portion at work */
    bool by_folds;                                 /* else the result, by the lambda */
    size_t fold, tried;    /* by_folds: the one that is left out, and how many lambdas it has seen */
    double score[LAMBDAS]; /* minus the mean of the folds' J */
    double lambda;
};

/* ---- sums ---- */

/* Row c of the sums of all folds for the basis functions that are this member's. */
static void gather_row(struct rulsif *r, int side, size_t row, size_t rank, size_t size) {
    size_t centers = r->basis->centers, fold = r->basis->fold[side][row];
    const double *value = r->basis->value[side] + row * centers;
    for (size_t c = rank; c < centers; c += size) {
        double *to = r->second[side] + (fold * centers + c) * centers;
        for (size_t d = 0; d <= c; d++)
            to[d] += value[c] * value[d];
        if (side == DENSITY_TARGET)
            r->first[fold * centers + c] += value[c];
    }
}

static void gather_job(void *arg, size_t rank, size_t size) {
    struct rulsif *r = arg;
    size_t targets = r->basis->rows[DENSITY_TARGET];
    for (size_t row = r->row; row < r->row_end; row++)
        if (row < targets)
            gather_row(r, DENSITY_TARGET, row, rank, size);
        else
            gather_row(r, DENSITY_SOURCE, row - targets, rank, size);
}

static void gather(struct rulsif *r) {
    size_t centers = r->basis->centers, left = density_basis_rows(r->basis) - r->row;
    r->row_end = r->row + density_portion(left, centers * centers / 2 + 1);
    team_run(r->basis->problem->team, gather_job, r);
    r->row = r->row_end;
}

static void begin_sums(struct rulsif *r) {
    size_t centers = r->basis->centers;
    for (int side = 0; side < DENSITY_SIDES; side++)
        memset(r->second[side], 0, r->folds * centers * centers * sizeof(double));
    memset(r->first, 0, r->folds * centers * sizeof(double));
    r->row = 0;
}

static void add_scaled(double *to, const double *from, double scale, size_t count) {
    for (size_t i = 0; i < count; i++)
        to[i] += scale * from[i];
}

/* H and h of the fold `held`, or of all the others. */
static void mix(const struct rulsif *r, size_t held, bool others, double *matrix, double *h) {
    size_t centers = r->basis->centers, rows[DENSITY_SIDES] = {0};
    double alpha = r->basis->problem->alpha;
    for (size_t f = 0; f < r->folds; f++)
        for (int side = 0; side < DENSITY_SIDES; side++)
            rows[side] += (f == held) != others ? r->rows[side][f] : 0;
    double target = 1 / (double)rows[DENSITY_TARGET], source = 1 / (double)rows[DENSITY_SOURCE];
    memset(matrix, 0, centers * centers * sizeof *matrix);
    memset(h, 0, centers * sizeof *h);
    for (size_t f = 0; f < r->folds; f++) {
        if ((f == held) == others)
            continue;
        size_t at = f * centers * centers;
        add_scaled(matrix, r->second[DENSITY_TARGET] + at, alpha * target, centers * centers);
        add_scaled(matrix, r->second[DENSITY_SOURCE] + at, (1 - alpha) * source, centers * centers);
        add_scaled(h, r->first + f * centers, target, centers);
    }
}

/* ---- the minimum ---- */

/* The pivots are at least lambda, but for rounding, which is far below it: H has elements of at most 1. */
static void minimise(struct rulsif *r, double lambda) {
    size_t n = r->basis->centers;
    dense_factorise(r->matrix_fit, lambda, lambda / 2, r->factorised, n);
    dense_substitute(r->factorised, r->h_fit, r->theta, n);
}

/* J of theta on what was left out. */
static double criterion(const struct rulsif *r) {
    size_t n = r->basis->centers;
    double value = -dense_dot(r->h_held, r->theta, n);
    for (size_t i = 0; i < n; i++) {
        const double *row = r->matrix_held + i * n;
        value += r->theta[i] * (dense_dot(row, r->theta, i) + row[i] * r->theta[i] / 2);
    }
    return value;
}

/* ---- bandwidth and lambda ---- */

static void begin_folds(void *self) {
    struct rulsif *r = self;
    begin_sums(r);
    r->by_folds = true;
    r->fold = r->tried = 0;
    memset(r->score, 0, sizeof r->score);
}

/* A lambda on the fold at work; true: it was the last one of the last fold. */
static bool try_lambda(struct rulsif *r) {
    if (r->tried == 0) {
        mix(r, r->fold, true, r->matrix_fit, r->h_fit);
        mix(r, r->fold, false, r->matrix_held, r->h_held);
    }
    minimise(r, lambdas[r->tried]);
    r->score[r->tried] -= criterion(r) / (double)r->folds;
    r->tried = (r->tried + 1) % LAMBDAS;
    r->fold += r->tried == 0;
    return r->fold == r->folds;
}

static void judge(const void *self, struct density_ratio *best) {
    const struct rulsif *r = self;
    for (size_t i = 0; i < LAMBDAS; i++)
        if (isnan(best->score) || r->score[i] > best->score) {
            best->score = r->score[i];
            best->bandwidth = r->basis->bandwidth;
            best->lambda = lambdas[i];
        }
}

/* ---- the estimate ---- */

static void begin_result(void *self, struct density_ratio *chosen) {
    struct rulsif *r = self;
    if (isnan(chosen->lambda))
        chosen->lambda = LAMBDA_WITHOUT_FOLDS;
    begin_sums(r);
    r->by_folds = false;
    r->lambda = chosen->lambda;
}

static bool step(void *self) {
    struct rulsif *r = self;
    if (r->row < density_basis_rows(r->basis)) {
        gather(r);
        return false;
    }
    if (r->by_folds)
        return try_lambda(r);
    mix(r, r->folds, true, r->matrix_fit, r->h_fit);
    minimise(r, r->lambda);
    return true;
}

static const double *theta(const void *self) {
    return ((const struct rulsif *)self)->theta;
}

/* ---- beginning and end ---- */

static bool init(struct rulsif *r, struct density_basis *basis, struct err *err) {
    static const char what[] = "a density ratio";
    size_t n = basis->centers, square = n * sizeof(double);
    r->basis = basis;
    r->folds = basis->folds > 0 ? basis->folds : 1;
    for (int side = 0; side < DENSITY_SIDES; side++) {
        r->second[side] = mem_alloc_aligned(r->folds * n, square, what, err);
        r->rows[side] = r->second[side] ? mem_alloc(r->folds, sizeof *r->rows[side], what, err) : NULL;
        if (!r->rows[side])
            return false;
        for (size_t row = 0; row < basis->rows[side]; row++)
            r->rows[side][basis->fold[side][row]]++;
    }
    r->first = mem_alloc_aligned(r->folds + 3, square, what, err);
    r->matrix_fit = r->first ? mem_alloc_aligned(3 * n, square, what, err) : NULL;
    if (!r->matrix_fit)
        return false;
    r->h_fit = r->first + r->folds * n;
    r->h_held = r->h_fit + n;
    r->theta = r->h_held + n;
    r->matrix_held = r->matrix_fit + n * n;
    r->factorised = r->matrix_held + n * n;
    return true;
}

static void release(void *self) {
    struct rulsif *r = self;
    if (!r)
        return;
    for (int side = 0; side < DENSITY_SIDES; side++) {
        mem_free(r->second[side]);
        mem_free(r->rows[side]);
    }
    mem_free(r->first);
    mem_free(r->matrix_fit);
    mem_free(r);
}

static void *create(struct density_basis *basis, struct err *err) {
    struct rulsif *r = mem_alloc(1, sizeof *r, "a density ratio", err);
    if (!r || init(r, basis, err))
        return r;
    release(r);
    return NULL;
}

const struct density_method density_rulsif = {
    .relative = true,
    .create = create,
    .free = release,
    .begin_folds = begin_folds,
    .begin_result = begin_result,
    .step = step,
    .judge = judge,
    .theta = theta,
};
