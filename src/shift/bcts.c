#include "shift/bcts.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/dmath.h"
#include "shift/dense.h"

/* The smallest a, over the logits' size: a model whose logits tell nothing, or the opposite of the truth,
 * becomes one that nearly always predicts the classes' shares, and never one that is turned round. */
static const double least = 1e-3;
/* Of b, and of a in units of the logits' size. It moves a mean probability by some 1e-8, which no sample
 * can tell, and keeps finite what the sample leaves open. */
static const double ridge = 1e-8;

bool bcts_init(struct bcts *bcts, size_t classes, struct err *err) {
    bcts->a = 1;
    bcts->b = mem_alloc(classes, sizeof *bcts->b, "the calibration", err);
    return bcts->b != NULL;
}

void bcts_release(struct bcts *bcts) {
    mem_free(bcts->b);
    *bcts = (struct bcts){0};
}

/* p = softmax(a z + b); the logarithm of the sum of its exponentials. */
static double softmax(double a, const double *b, const real *z, size_t classes, double *p) {
    double most = -(double)INFINITY, sum = 0;
    for (size_t j = 0; j < classes; j++) {
        p[j] = a * (double)z[j] + b[j];
        most = p[j] > most ? p[j] : most;
    }
    for (size_t j = 0; j < classes; j++)
        sum += p[j] = p[j] == most ? 1 : dmath_exp(p[j] - most);
    for (size_t j = 0; j < classes; j++)
        p[j] /= sum;
    return most + dmath_log(sum);
}

void bcts_apply(const struct bcts *bcts, const real *z, size_t classes, double *p) {
    softmax(bcts->a, bcts->b, z, classes, p);
}

/* ---- Newton's method ---- */

/* Parameter 0 is a, parameter 1 + j is b_j. */
struct newton {
    const struct logits *sample;
    size_t size;  /* parameters */
    double rows;  /* sum of the counts */
    double scale; /* mean square of the logits about their sample's mean */
    double least_a;
    bool held;                      /* a stays where it is */
    double *at, *from, *step;       /* [size] */
    double *gradient, *hessian, *p; /* [size], [size][size], [classes] */
};

static double count_of(const struct logits *sample, size_t row) {
    return sample->count ? sample->count[row] : 1;
}

static double mean_square(const struct logits *s, double rows) {
    double sum = 0;
    for (size_t i = 0; i < s->rows; i++) {
        const real *z = s->z + i * s->classes;
        double mean = 0, square = 0;
        for (size_t j = 0; j < s->classes; j++)
            mean += (double)z[j] / (double)s->classes;
        for (size_t j = 0; j < s->classes; j++)
            square += ((double)z[j] - mean) * ((double)z[j] - mean);
        sum += count_of(s, i) * square / (double)s->classes;
    }
    return sum / rows;
}

static double penalty(const struct newton *n, const double *at) {
    double sum = n->scale * at[0] * at[0];
    for (size_t j = 1; j < n->size; j++)
        sum += at[j] * at[j];
    return ridge / 2 * sum;
}

/* The negative log-likelihood of a row, from logits: a probability that rounds to 0 has its logarithm too. */
static double row_loss(struct newton *n, size_t i) {
    const struct logits *s = n->sample;
    const double *at = n->at;
    const real *z = s->z + i * s->classes;
    uint32_t y = s->cls[i];
    return softmax(at[0], at + 1, z, s->classes, n->p) - at[0] * (double)z[y] - at[1 + y];
}

/* A row's share of the gradient and of the lower triangle of the Hessian. d logit_j / d a is z_j; z counts
 * from that of the row's class on, as only differences matter. */
static void add_row(struct newton *n, const real *z, uint32_t y, double count) {
    size_t classes = n->sample->classes;
    double mean = 0, square = 0;
    for (size_t j = 0; j < classes; j++) {
        double d = (double)z[j] - (double)z[y];
        mean += n->p[j] * d;
        square += n->p[j] * d * d;
    }
    n->gradient[0] += count * mean;
    n->gradient[1 + y] -= count;
    n->hessian[0] += count * (square - mean * mean);
    for (size_t j = 0; j < classes; j++) {
        double p = count * n->p[j], *row = n->hessian + (1 + j) * n->size;
        n->gradient[1 + j] += p;
        row[0] += p * ((double)z[j] - (double)z[y] - mean);
        row[1 + j] += p;
        for (size_t k = 0; k <= j; k++)
            row[1 + k] -= p * n->p[k];
    }
}

static double derive(struct newton *n) {
    const struct logits *s = n->sample;
    double sum = 0;
    memset(n->gradient, 0, n->size * sizeof *n->gradient);
    memset(n->hessian, 0, n->size * n->size * sizeof *n->hessian);
    for (size_t i = 0; i < s->rows; i++) {
        double count = count_of(s, i);
        if (!(count > 0))
            continue;
        sum += count * row_loss(n, i);
        add_row(n, s->z + i * s->classes, s->cls[i], count);
    }
    for (size_t k = 0; k < n->size; k++) {
        double by = k == 0 ? ridge * n->scale : ridge;
        n->gradient[k] = n->gradient[k] / n->rows + by * n->at[k];
        for (size_t l = 0; l <= k; l++)
            n->hessian[k * n->size + l] /= n->rows;
        n->hessian[k * n->size + k] += by;
    }
    return sum / n->rows + penalty(n, n->at);
}

/* Where a stands at its limit and would go below, it stays, and so it does where the logits are all equal and
 * say nothing of it. */
static void hold_a(struct newton *n) {
    bool limit = n->at[0] <= n->least_a && n->gradient[0] >= 0;
    if (!limit && !n->held && n->hessian[0] > 0)
        return;
    n->gradient[0] = 0;
    n->hessian[0] = 1;
    for (size_t k = 1; k < n->size; k++)
        n->hessian[k * n->size] = 0;
}

/* Half Newton's decrement: about what is left to gain. A constant added to b changes only the ridge, so the
 * gradient has no part along it, and a Hessian that has more of it there is easier to solve by. */
static double choose_step(struct newton *n) {
    double gain = 0;
    for (size_t j = 1; j < n->size; j++)
        for (size_t k = 1; k <= j; k++)
            n->hessian[j * n->size + k] += 1 / (double)(n->size - 1);
    memcpy(n->step, n->gradient, n->size * sizeof *n->step);
    if (!dense_solve(n->hessian, n->step, n->size)) {
        memset(n->step, 0, n->size * sizeof *n->step);
        return 0;
    }
    for (size_t k = 0; k < n->size; k++)
        gain += n->step[k] * n->gradient[k];
    return gain / 2;
}

/* At = from - part of the step. */
static void take_step(struct newton *n, double part) {
    double mean = 0;
    for (size_t k = 0; k < n->size; k++)
        n->at[k] = n->from[k] - part * n->step[k];
    n->at[0] = fmax(n->at[0], n->least_a);
    for (size_t k = 1; k < n->size; k++)
        mean += n->at[k] / (double)(n->size - 1);
    for (size_t k = 1; k < n->size; k++)
        n->at[k] -= mean;
}

/* Goes as much of the step as makes the objective, *value, smaller; false: none does. */
static bool go(struct newton *n, double *value) {
    memcpy(n->from, n->at, n->size * sizeof *n->at);
    for (double part = 1; part > 1e-12; part /= 2) {
        take_step(n, part);
        double there = derive(n);
        if (there < *value) {
            *value = there;
            return true;
        }
    }
    take_step(n, 0);
    *value = derive(n);
    return false;
}

/* Newton's method until only last_gain can be gained, and the step that gains it. */
static void minimise(struct newton *n, double last_gain) {
    enum { STEPS = 200 };
    double value = derive(n);
    for (int step = 0; step < STEPS; step++) {
        hold_a(n);
        if (choose_step(n) <= last_gain && !n->held) {
            memcpy(n->from, n->at, n->size * sizeof *n->at);
            take_step(n, 1);
            return;
        }
        bool moved = go(n, &value);
        /* Cut off at the limit of a, a step need not lead down; one that leaves a alone does. */
        bool cut = !moved && !n->held && n->at[0] <= n->least_a;
        if (!moved && !cut)
            return;
        n->held = cut;
    }
}

static bool fit(struct bcts *bcts, const struct logits *sample, double last_gain, struct err *err) {
    size_t size = 1 + sample->classes;
    struct newton n = {.sample = sample, .size = size};
    double *memory =
        mem_alloc(4 * size + size * size + sample->classes, sizeof *memory, "the calibration", err);
    if (!memory)
        return false;
    n.at = memory, n.from = n.at + size, n.step = n.from + size, n.gradient = n.step + size;
    n.hessian = n.gradient + size, n.p = n.hessian + size * size;
    for (size_t i = 0; i < sample->rows; i++)
        n.rows += count_of(sample, i);
    if (n.rows > 0) {
        n.scale = mean_square(sample, n.rows);
        n.least_a = n.scale > 0 ? least / sqrt(n.scale) : least;
        n.at[0] = fmax(bcts->a, n.least_a);
        memcpy(n.at + 1, bcts->b, sample->classes * sizeof *bcts->b);
        minimise(&n, last_gain);
        bcts->a = n.at[0];
        memcpy(bcts->b, n.at + 1, sample->classes * sizeof *bcts->b);
    }
    mem_free(memory);
    return true;
}

/* From such a gain on a step squares the error, while rounding hides whether the objective becomes smaller.
 */
bool bcts_fit(struct bcts *bcts, const struct logits *sample, struct err *err) {
    return fit(bcts, sample, 1e-11, err);
}

/* n rows let the minimum's objective vary by about classes / 2n: far more than what the last step leaves. */
bool bcts_refit(struct bcts *bcts, const struct logits *sample, struct err *err) {
    return fit(bcts, sample, 1e-5, err);
}
