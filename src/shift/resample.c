#include "shift/resample.h"

#include <assert.h>
#include <math.h>

#include "base/mem.h"
#include "kernel/dmath.h"
#include "kernel/random.h"

/* What a random number is for; further ones of the same use are PURPOSES elements behind. */
enum purpose { FOR_PRIOR, FOR_DRAW, FOR_CHANGE, FOR_STAY, FOR_DROP, FOR_THIN, FOR_WINDOW, PURPOSES };

static const char what_rows[] = "the rows to draw from";

static const char *const schemes[RESAMPLE_SCHEMES] = {"plain",     "priors", "dirichlet", "tweak-one",
                                                      "knock-out", "select", "windows"};

const char *resample_scheme_name(size_t i) {
    return i < RESAMPLE_SCHEMES ? schemes[i] : NULL;
}

static const char *const scores[RESAMPLE_SCORES] = {"ink", "brightness", "rotation"};

const char *resample_score_name(size_t i) {
    return i < RESAMPLE_SCORES ? scores[i] : NULL;
}

/* ---- class shares ---- */

static struct random_block prior_block(uint64_t seed, size_t cls, uint32_t attempt, uint32_t which) {
    return random_philox(seed, STREAM_RESAMPLE, 0, (uint32_t)cls,
                         FOR_PRIOR + PURPOSES * (2 * attempt + which));
}

/* The logarithm of a draw from the Gamma distribution of this shape: Marsaglia and Tsang, "A simple method
 * for generating gamma variables", 2000, for shape + 1, which U^(1/shape) takes to a shape below 1. As a
 * logarithm, because with a small shape the draw itself is below every double. */
static double gamma_log(uint64_t seed, size_t cls, double shape) {
    double below = shape < 1 ? shape : 0, d = (below > 0 ? shape + 1 : shape) - 1. / 3, c = 1 / sqrt(9 * d);
    for (uint32_t attempt = 0;; attempt++) {
        struct random_block uniform = prior_block(seed, cls, attempt, 1);
        double x[2];
        random_normal_pair(prior_block(seed, cls, attempt, 0), x);
        double v = 1 + c * x[0], u = 1 - random_unit(uniform, 0); /* in (0, 1] */
        v = v * v * v;
        if (v <= 0 || dmath_log(u) >= 0.5 * x[0] * x[0] + d - d * v + d * dmath_log(v))
            continue;
        double boost = below > 0 ? dmath_log(1 - random_unit(uniform, 1)) / below : 0;
        return dmath_log(d * v) + boost;
    }
}

void dirichlet_draw(uint64_t seed, double alpha, const size_t *count, size_t classes, double *prior) {
    double largest = -INFINITY, sum = 0;
    for (size_t c = 0; c < classes; c++) {
        prior[c] = count[c] > 0 ? gamma_log(seed, c, alpha) : -INFINITY;
        largest = fmax(largest, prior[c]);
    }
    for (size_t c = 0; c < classes; c++) {
        prior[c] = count[c] > 0 ? dmath_exp(prior[c] - largest) : 0;
        sum += prior[c];
    }
    for (size_t c = 0; c < classes; c++)
        prior[c] /= sum;
}

static bool take_list(const struct resample_spec *spec, const size_t *count, size_t classes, double *prior,
                      struct err *err) {
    double sum = 0;
    if (spec->prior_count != classes)
        return err_set(err, ERR_USAGE, "option --priors: expected %zu numbers, one a class, got %zu", classes,
                       spec->prior_count);
    for (size_t c = 0; c < classes; c++)
        sum += spec->priors[c];
    if (!(fabs(sum - 1) <= 1e-6))
        return err_set(err, ERR_USAGE, "option --priors: must sum to 1, got a sum of %g", sum);
    for (size_t c = 0; c < classes; c++) {
        if (spec->priors[c] > 0 && count[c] == 0)
            return err_set(err, ERR_USAGE, "option --priors: class %zu has no rows, so its share must be 0",
                           c);
        prior[c] = spec->priors[c] / sum;
    }
    return true;
}

static bool tweak_one(const struct resample_spec *spec, const size_t *count, size_t classes, double *prior,
                      struct err *err) {
    size_t others = 0;
    for (size_t c = 0; c < classes; c++)
        others += c != spec->cls && count[c] > 0;
    if (others == 0 && spec->share < 1)
        return err_set(err, ERR_USAGE, "option --tweak-one: there is no class beside %zu", spec->cls);
    for (size_t c = 0; c < classes; c++)
        prior[c] = c == spec->cls ? spec->share : count[c] > 0 ? (1 - spec->share) / (double)others : 0;
    return true;
}

size_t resample_dropped(const struct resample_spec *spec, const size_t *count) {
    return spec->scheme == RESAMPLE_KNOCK_OUT ? (size_t)floor(spec->share * (double)count[spec->cls] + 0.5)
                                              : 0;
}

static bool shares_left(const struct resample_spec *spec, const size_t *count, size_t classes, double *prior,
                        struct err *err) {
    size_t dropped = resample_dropped(spec, count), left = 0;
    for (size_t c = 0; c < classes; c++)
        left += count[c];
    left -= dropped;
    if (left == 0)
        return err_set(err, ERR_USAGE, "option --knock-out: leaves no row");
    for (size_t c = 0; c < classes; c++) {
        bool reduced = spec->scheme == RESAMPLE_KNOCK_OUT && c == spec->cls;
        prior[c] = (double)(count[c] - (reduced ? dropped : 0)) / (double)left;
    }
    return true;
}

/* Whether the class of a scheme that is about one is there. */
static bool check_class(const struct resample_spec *spec, const size_t *count, size_t classes,
                        struct err *err) {
    if (spec->scheme != RESAMPLE_TWEAK_ONE && spec->scheme != RESAMPLE_KNOCK_OUT)
        return true;
    const char *name = schemes[spec->scheme];
    if (spec->cls >= classes)
        return err_set(err, ERR_USAGE,
                       "option --%s: the class must be below the number of classes, %zu, got %zu", name,
                       classes, spec->cls);
    return count[spec->cls] > 0 ||
           err_set(err, ERR_USAGE, "option --%s: class %zu has no rows", name, spec->cls);
}

bool resample_priors(const struct resample_spec *spec, const size_t *count, size_t classes, double *prior,
                     struct err *err) {
    if (!check_class(spec, count, classes, err))
        return false;
    switch (spec->scheme) {
    case RESAMPLE_PRIORS:
        return take_list(spec, count, classes, prior, err);
    case RESAMPLE_DIRICHLET:
        dirichlet_draw(spec->seed, spec->alpha, count, classes, prior);
        return true;
    case RESAMPLE_TWEAK_ONE:
        return tweak_one(spec, count, classes, prior, err);
    default:
        return shares_left(spec, count, classes, prior, err);
    }
}

/* ---- rows ---- */

static struct random_block block_of(const struct resample_spec *spec, enum purpose purpose, size_t number) {
    return random_philox(spec->seed, STREAM_RESAMPLE, spec->part, (uint32_t)number, purpose);
}

/* A number below n; the bias of 53 bits over n is far below any sampling error. */
static size_t below(struct random_block block, int half, size_t n) {
    return (size_t)(random_unit(block, half) * (double)n);
}

/* Moves a random `wanted` of the list to its front (Fisher and Yates). */
static void draw_front(const struct resample_spec *spec, enum purpose purpose, uint32_t *list, size_t count,
                       size_t wanted) {
    for (size_t i = 0; i < wanted; i++) {
        size_t j = i + below(block_of(spec, purpose, i), 0, count - i);
        uint32_t row = list[i];
        list[i] = list[j];
        list[j] = row;
    }
}

/* Rows by class: list [rows], of class c from first[c] to first[c + 1]. */
static void sort_by_class(const uint32_t *cls, size_t rows, size_t classes, size_t *first, uint32_t *list) {
    for (size_t r = 0; r < rows; r++)
        first[cls[r] + 1]++;
    for (size_t c = 0; c < classes; c++)
        first[c + 1] += first[c];
    for (size_t r = 0; r < rows; r++)
        list[first[cls[r]]++] = (uint32_t)r;
    for (size_t c = classes; c > 0; c--)
        first[c] = first[c - 1];
    first[0] = 0;
}

/* The class at u in [0, 1) of the cumulated priors; rounding never leads to a class whose prior is 0. */
static size_t class_at(const double *prior, size_t classes, double u) {
    size_t found = 0;
    for (size_t c = 0; c < classes; c++) {
        if (prior[c] <= 0)
            continue;
        found = c;
        if (u < prior[c])
            break;
        u -= prior[c];
    }
    return found;
}

bool resample_by_class(const struct resample_spec *spec, const uint32_t *cls, size_t rows,
                       const double *prior, size_t classes, size_t draws, uint32_t *row, struct err *err) {
    size_t *first = mem_alloc(classes + 1, sizeof *first, what_rows, err);
    uint32_t *list = first ? mem_alloc(rows, sizeof *list, what_rows, err) : NULL;
    if (list)
        sort_by_class(cls, rows, classes, first, list);
    for (size_t i = 0; list && i < draws; i++) {
        struct random_block block = block_of(spec, FOR_DRAW, i);
        size_t c = class_at(prior, classes, random_unit(block, 0));
        row[i] = list[first[c] + below(block, 1, first[c + 1] - first[c])];
    }
    bool ok = list != NULL;
    mem_free(first);
    mem_free(list);
    return ok;
}

bool resample_knock_out(const struct resample_spec *spec, const uint32_t *cls, size_t rows, size_t dropped,
                        uint8_t *keep, struct err *err) {
    uint32_t *list = mem_alloc(rows, sizeof *list, what_rows, err);
    size_t count = 0;
    if (!list)
        return false;
    for (size_t r = 0; r < rows; r++) {
        keep[r] = 1;
        if (cls[r] == spec->cls)
            list[count++] = (uint32_t)r;
    }
    assert(dropped <= count);
    draw_front(spec, FOR_DROP, list, count, dropped);
    for (size_t i = 0; i < dropped; i++)
        keep[list[i]] = 0;
    mem_free(list);
    return true;
}

double resample_change(const struct resample_spec *spec, uint32_t row) {
    return 2 * random_unit(block_of(spec, FOR_CHANGE, row), 0) - 1;
}

void resample_standardise(double *score, size_t rows) {
    double mean = 0, square = 0;
    for (size_t r = 0; r < rows; r++)
        mean += score[r];
    mean /= (double)rows;
    for (size_t r = 0; r < rows; r++)
        square += (score[r] - mean) * (score[r] - mean);
    double deviation = sqrt(square / (double)rows);
    for (size_t r = 0; r < rows; r++)
        score[r] = deviation > 0 ? (score[r] - mean) / deviation : 0;
}

void resample_select(const struct resample_spec *spec, const double *score, size_t rows, double *probability,
                     uint8_t *keep) {
    for (size_t r = 0; r < rows; r++) {
        probability[r] = 1 / (1 + dmath_exp(-(spec->intercept + spec->slope * score[r])));
        keep[r] = random_unit(block_of(spec, FOR_STAY, r), 0) < probability[r];
    }
}

bool resample_thin(const struct resample_spec *spec, uint8_t *keep, size_t rows, size_t wanted,
                   struct err *err) {
    uint32_t *list = mem_alloc(rows, sizeof *list, what_rows, err);
    size_t count = 0;
    if (!list)
        return false;
    for (size_t r = 0; r < rows; r++)
        if (keep[r]) {
            keep[r] = 0;
            list[count++] = (uint32_t)r;
        }
    assert(wanted <= count);
    draw_front(spec, FOR_THIN, list, count, wanted);
    for (size_t i = 0; i < wanted; i++)
        keep[list[i]] = 1;
    mem_free(list);
    return true;
}

bool resample_windows(const struct resample_spec *spec, size_t rows, size_t samples, uint32_t *row,
                      bool *replaced, struct err *err) {
    size_t total = spec->windows * samples;
    *replaced = total > rows;
    if (*replaced) {
        for (size_t i = 0; i < total; i++)
            row[i] = (uint32_t)below(block_of(spec, FOR_WINDOW, i), 0, rows);
        return true;
    }
    uint32_t *list = mem_alloc(rows, sizeof *list, what_rows, err);
    if (!list)
        return false;
    for (size_t r = 0; r < rows; r++)
        list[r] = (uint32_t)r;
    draw_front(spec, FOR_WINDOW, list, rows, total);
    for (size_t i = 0; i < total; i++)
        row[i] = list[i];
    mem_free(list);
    return true;
}

/* Windows from 1: rotation begins with the second one, labels change places in the middle. */
double resample_turn(const struct resample_spec *spec, size_t window) {
    size_t first = spec->drift_at ? spec->drift_at : 2;
    return window + 1 < first ? 0 : (double)(window + 2 - first) * spec->degrees;
}

bool resample_swaps(const struct resample_spec *spec, size_t window) {
    size_t first = spec->drift_at ? spec->drift_at : spec->windows / 2 + 1;
    return spec->swaps && window + 1 >= first;
}

/* ---- weights ---- */

double resample_normalise(double *weight, size_t count) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += weight[i];
    if (!(sum > 0))
        return 0;
    for (size_t i = 0; i < count; i++) {
        weight[i] *= (double)count / sum;
        squares += weight[i] * weight[i];
    }
    return (double)count * (double)count / squares;
}
