#include "shift/density_ratio.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "kernel/dmath.h"
#include "kernel/random.h"
#include "shift/dense.h"
#include "shift/density_parts.h"

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* ---- centers and folds ---- */

/* Durstenfeld's form, as the shuffle of training. */
static void shuffle(uint64_t seed, enum density_side side, size_t n, uint32_t *order) {
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = n; i-- > 1;) {
        struct random_block b = random_philox(seed, STREAM_CENTERS, 0, (uint32_t)side, (uint32_t)i);
        size_t j = (size_t)(random_word(b, 0) % (i + 1));
        uint32_t held = order[i];
        order[i] = order[j];
        order[j] = held;
    }
}

/* The first rows of the target's shuffle are centers; the positions deal rows to folds in turn, so that every
 * fold has its share of the centers. */
static bool choose_rows(struct density_basis *b, struct err *err) {
    size_t most =
        b->rows[DENSITY_TARGET] > b->rows[DENSITY_SOURCE] ? b->rows[DENSITY_TARGET] : b->rows[DENSITY_SOURCE];
    uint32_t *order = mem_alloc(most, sizeof *order, "the folds of a density ratio", err);
    if (!order)
        return false;
    for (int side = DENSITY_SIDES; side-- > 0;) {
        shuffle(b->problem->seed, (enum density_side)side, b->rows[side], order);
        for (size_t i = 0; i < b->rows[side]; i++)
            b->fold[side][order[i]] = (uint32_t)(i % (b->folds ? b->folds : 1));
    }
    for (size_t c = 0; c < b->centers; c++) /* the target's came last */
        for (size_t f = 0; f < b->problem->features; f++)
            b->center[f * b->centers + c] = b->problem->target[(size_t)order[c] * b->problem->features + f];
    mem_free(order);
    return true;
}

/* ---- portions of rows ---- */

size_t density_basis_rows(const struct density_basis *b) {
    return b->rows[DENSITY_TARGET] + b->rows[DENSITY_SOURCE];
}

/* Some rows, of which every member of the team takes its share. */
struct portion {
    struct density_basis *basis;
    size_t first, end;
    void (*take)(struct density_basis *basis, enum density_side side, size_t row);
};

static void portion_job(void *arg, size_t rank, size_t size) {
    const struct portion *p = arg;
    size_t rows = p->end - p->first, targets = p->basis->rows[DENSITY_TARGET];
    size_t end = p->first + rows * (rank + 1) / size;
    for (size_t r = p->first + rows * rank / size; r < end; r++)
        if (r < targets)
            p->take(p->basis, DENSITY_TARGET, r);
        else
            p->take(p->basis, DENSITY_SOURCE, r - targets);
}

size_t density_portion(size_t rows, size_t work) {
    enum { WORK = 1 << 22 };
    return least(rows, work < WORK ? WORK / work : 1);
}

/* Rows of so much work each. */
static size_t take_portion(struct portion *p, size_t work) {
    p->end = p->first + density_portion(density_basis_rows(p->basis) - p->first, work);
    team_run(p->basis->problem->team, portion_job, p);
    return p->end;
}

/* ---- distances ---- */

static void measure(struct density_basis *b, enum density_side side, size_t row) {
    const double *x = b->x[side] + row * b->problem->features;
    double *square = b->square[side] + row * b->centers;
    for (size_t f = 0; f < b->problem->features; f++) {
        const double *center = b->center + f * b->centers;
        for (size_t c = 0; c < b->centers; c++) {
            double distance = x[f] - center[c];
            square[c] += distance * distance;
        }
    }
}

size_t density_basis_measure(struct density_basis *basis, size_t first) {
    struct portion portion = {.basis = basis, .first = first, .take = measure};
    return take_portion(&portion, basis->problem->features * basis->centers);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum { MEDIAN_ROWS = 500 }; /* of each side: the median needs no more */

/* The median distance of points that differ; 1 where none do, as any bandwidth does then. */
bool density_basis_find_median(struct density_basis *b, struct err *err) {
    size_t found = 0;
    double *square = mem_alloc((size_t)DENSITY_SIDES * MEDIAN_ROWS, b->centers * sizeof *square,
                               "the distances of a density ratio", err);
    if (!square)
        return false;
    for (int side = 0; side < DENSITY_SIDES; side++) {
        size_t rows = b->rows[side], taken = rows < MEDIAN_ROWS ? rows : MEDIAN_ROWS;
        for (size_t i = 0; i < taken; i++)
            for (size_t c = 0; c < b->centers; c++) {
                square[found] = b->square[side][rows * i / taken * b->centers + c];
                found += square[found] > 0;
            }
    }
    qsort(square, found, sizeof *square, ascending);
    b->median = found > 0 ? sqrt(square[found / 2]) : 1;
    mem_free(square);
    return true;
}

/* ---- the basis ---- */

static bool allocate(struct density_basis *b, struct err *err) {
    static const char what[] = "the basis functions of a density ratio";
    size_t row = b->centers * sizeof(double);
    b->center = mem_alloc_aligned(b->problem->features, row, what, err);
    bool ok = b->center != NULL;
    for (int side = 0; ok && side < DENSITY_SIDES; side++)
        ok = (b->square[side] = mem_alloc_aligned(b->rows[side], row, what, err)) &&
             (b->value[side] = mem_alloc_aligned(b->rows[side], row, what, err)) &&
             (b->fold[side] = mem_alloc(b->rows[side], sizeof *b->fold[side], what, err));
    return ok;
}

bool density_basis_init(struct density_basis *basis, const struct density_problem *problem, struct err *err) {
    size_t targets = problem->target_rows, sources = problem->source_rows;
    *basis = (struct density_basis){
        .problem = problem,
        .centers = least(problem->centers, targets),
        .folds = least(problem->folds, least(sources, targets)),
        .rows = {[DENSITY_TARGET] = targets, [DENSITY_SOURCE] = sources},
        .x = {[DENSITY_TARGET] = problem->target, [DENSITY_SOURCE] = problem->source},
    };
    if (targets == 0 || sources == 0)
        return err_set(err, ERR_DATA,
                       "expected samples of source and target for a density ratio, found %zu and %zu",
                       sources, targets);
    return allocate(basis, err) && choose_rows(basis, err);
}

void density_basis_release(struct density_basis *basis) {
    mem_free(basis->center);
    for (int side = 0; side < DENSITY_SIDES; side++) {
        mem_free(basis->square[side]);
        mem_free(basis->value[side]);
        mem_free(basis->fold[side]);
    }
}

static void evaluate(struct density_basis *b, enum density_side side, size_t row) {
    double scale = -.5 / (b->bandwidth * b->bandwidth);
    for (size_t i = row * b->centers; i < (row + 1) * b->centers; i++)
        b->value[side][i] = dmath_exp(scale * b->square[side][i]);
}

size_t density_basis_evaluate(struct density_basis *basis, double bandwidth, size_t first) {
    enum { EXP = 16 }; /* multiplications that an exponential takes about as long as */
    struct portion portion = {.basis = basis, .first = first, .take = evaluate};
    basis->bandwidth = bandwidth;
    return take_portion(&portion, EXP * basis->centers);
}

static const double multiples[] = {.1, .2, .3, .5, .7, 1, 1.5, 2, 3};

size_t density_bandwidths(const struct density_basis *basis) {
    bool chosen = !isnan(basis->problem->bandwidth) || basis->folds < 2;
    return chosen ? 1 : sizeof multiples / sizeof *multiples;
}

double density_bandwidth(const struct density_basis *basis, size_t i) {
    if (!isnan(basis->problem->bandwidth))
        return basis->problem->bandwidth;
    return basis->folds < 2 ? basis->median : multiples[i] * basis->median;
}

void density_ratios(const struct density_basis *basis, const double *theta, double most, double *ratio) {
    for (size_t r = 0; r < basis->rows[DENSITY_SOURCE]; r++) {
        const double *value = basis->value[DENSITY_SOURCE] + r * basis->centers;
        ratio[r] = fmin(most, fmax(0, dense_dot(value, theta, basis->centers)));
    }
}

void density_ratio_release(struct density_ratio *ratio) {
    mem_free(ratio->ratio);
    *ratio = (struct density_ratio){0};
}
