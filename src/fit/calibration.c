#include "fit/calibration.h"

#include <math.h>

#include "kernel/dmath.h"

/* ---- expected calibration error ---- */

void reliability_add(struct reliability *r, double confidence, bool right) {
    /* Of a model whose outputs are not finite it is NaN. */
    size_t bin = confidence > 0 ? (size_t)ceil(confidence * ECE_BINS) - 1 : 0;
    bin = bin < ECE_BINS ? bin : ECE_BINS - 1;
    r->confidence[bin] += confidence;
    r->right[bin] += right;
    r->samples++;
}

double reliability_error(const struct reliability *r) {
    double gap = 0;
    for (int b = 0; b < ECE_BINS; b++)
        gap += fabs(r->confidence[b] - (double)r->right[b]);
    return gap / (double)r->samples;
}

/* ---- one sample ---- */

struct sample {
    size_t row;
    const real *z;      /* [outputs] */
    size_t best;        /* the largest of them, the first one of equals */
    double scale, mass; /* softmax: the sum of exp(beta (z - largest z)); the sum of the targets */
};

static double target(const struct calibration_set *set, const struct sample *s, size_t k) {
    const struct dataset *data = set->part->set;
    return data->cls ? data->cls[s->row] == k : (double)data->targets[s->row * set->outputs + k];
}

/* beta = 1 / T. */
static struct sample sample_at(const struct calibration_set *set, size_t i, double beta) {
    struct sample s = {.row = set->part->row ? set->part->row[i] : i, .z = set->z + i * set->outputs};
    for (size_t k = 1; k < set->outputs; k++)
        if (s.z[k] > s.z[s.best])
            s.best = k;
    for (size_t k = 0; set->exclusive && k < set->outputs; k++) {
        s.scale += dmath_exp(beta * ((double)s.z[k] - (double)s.z[s.best]));
        s.mass += target(set, &s, k);
    }
    return s;
}

static double probability(const struct calibration_set *set, const struct sample *s, size_t k, double beta) {
    if (set->exclusive)
        return dmath_exp(beta * ((double)s->z[k] - (double)s->z[s->best])) / s->scale;
    double e = dmath_exp(-beta * fabs((double)s->z[k]));
    return s->z[k] >= 0 ? 1 / (1 + e) : e / (1 + e);
}

/* From logits, so that no probability that rounds to 0 has its logarithm taken. */
static double output_nll(const struct calibration_set *set, const struct sample *s, size_t k, double beta) {
    double y = target(set, s, k), x = beta * (double)s->z[k];
    if (set->exclusive)
        return y == 0 ? 0 : y * (dmath_log(s->scale) + (beta * (double)s->z[s->best] - x));
    return (x > 0 ? x : 0) - x * y + dmath_log(1 + dmath_exp(-fabs(x)));
}

/* ---- means over the samples ---- */

static double mean_nll(const struct calibration_set *set, double beta) {
    double sum = 0;
    for (size_t i = 0; i < set->part->count; i++) {
        struct sample s = sample_at(set, i, beta);
        for (size_t k = 0; k < set->outputs; k++)
            sum += output_nll(set, &s, k, beta);
    }
    return sum / (double)set->part->count;
}

struct calibration_scores calibration_score(const struct calibration_set *set, double temperature) {
    const uint32_t *cls = set->part->set->cls;
    struct reliability reliability = {0};
    double beta = 1 / temperature, brier = 0;
    for (size_t i = 0; i < set->part->count; i++) {
        struct sample s = sample_at(set, i, beta);
        for (size_t k = 0; k < set->outputs; k++) {
            double gap = probability(set, &s, k, beta) - target(set, &s, k);
            brier += gap * gap;
        }
        if (cls)
            reliability_add(&reliability, probability(set, &s, s.best, beta), s.best == cls[s.row]);
    }
    return (struct calibration_scores){
        .nll = mean_nll(set, beta),
        .brier = brier / (double)set->part->count,
        .ece = cls ? reliability_error(&reliability) : (double)NAN,
    };
}

/* ---- the temperature ---- */

/* First and second derivative of the negative log-likelihood by beta, in which it is convex: log-sum-exp and
 * softplus are, and beta enters them linearly. Of a softmax they are mass E_p z - sum y z and mass Var_p z,
 * of sigmoids sum (p - y) z and sum p (1 - p) z^2. */
static void slope(const struct calibration_set *set, double beta, double *first, double *second) {
    double g = 0, h = 0;
    for (size_t i = 0; i < set->part->count; i++) {
        struct sample s = sample_at(set, i, beta);
        double mean = 0, square = 0;
        for (size_t k = 0; k < set->outputs; k++) {
            double p = probability(set, &s, k, beta), y = target(set, &s, k);
            if (set->exclusive) { /* z from its largest value on: the sum of (mass p - y) is 0 */
                double z = (double)s.z[k] - (double)s.z[s.best];
                mean += p * z;
                square += p * z * z;
                g += (s.mass * p - y) * z;
            } else {
                g += (p - y) * (double)s.z[k];
                h += p * (1 - p) * (double)s.z[k] * (double)s.z[k];
            }
        }
        if (set->exclusive)
            h += s.mass * (square - mean * mean);
    }
    *first = g;
    *second = h;
}

/* 1 / T for the highest and the lowest temperature. */
static const double beta_min = 1 / 100.0, beta_max = 100;

/* The root of the first derivative, which ascends, by Newton's method inside a bracket; a step that leaves it
 * is replaced by its geometric middle, since temperatures are scales. */
static double minimise(const struct calibration_set *set) {
    enum { STEPS = 200 };
    const double precision = 1e-13;
    double low = beta_min, high = beta_max, g, h;
    slope(set, low, &g, &h);
    if (g >= 0)
        return low;
    slope(set, high, &g, &h);
    if (g <= 0)
        return high;
    double beta = 1;
    for (int i = 0; i < STEPS; i++) {
        slope(set, beta, &g, &h);
        if (g > 0)
            high = beta;
        else
            low = beta;
        double next = beta - g / h;
        if (fabs(next - beta) <= precision * beta)
            break;
        beta = next > low && next < high ? next : sqrt(low * high);
    }
    return beta;
}

double calibration_fit(const struct calibration_set *set) {
    double beta = minimise(set);
    return mean_nll(set, beta) < mean_nll(set, 1) ? 1 / beta : 1;
}
