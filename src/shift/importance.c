#include "shift/importance.h"

#include <float.h>
#include <math.h>

/* The relative ratio; rounding must not carry it over its limit. */
static double relative(double r, double alpha) {
    return fmin(r / (alpha * r + (1 - alpha)), 1 / alpha);
}

static double largest_finite(const double *r, size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = isfinite(r[i]) && r[i] > largest ? r[i] : largest;
    return largest;
}

/* In place, every ratio as what it is used as. Returns the share of the first `normalised` that were cut to
 * the limit. */
static double limit(double *r, size_t count, size_t normalised, double clip, double alpha) {
    bool bend = alpha > 0, cut = isnan(alpha) && clip > 0;
    double most = bend ? 1 / alpha : cut ? clip : largest_finite(r, count);
    size_t clipped = 0;
    for (size_t i = 0; i < count; i++) {
        bool over = !isfinite(r[i]) || (cut && r[i] > most);
        clipped += over && i < normalised;
        r[i] = over ? most : bend ? relative(r[i], alpha) : r[i];
    }
    return cut ? (double)clipped / (double)normalised : (double)NAN;
}

static double mean_of(const double *r, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += r[i];
    return sum / (double)count;
}

/* A mean that is no normal number tells nothing of its ratios any more; 2^-64 makes room for a sum that
 * overflows. */
static bool normalise(double *r, size_t count, size_t normalised, double *mean) {
    *mean = mean_of(r, normalised);
    double by = *mean;
    if (isinf(by)) {
        for (size_t i = 0; i < count; i++)
            r[i] *= 0x1p-64;
        by = mean_of(r, normalised);
    }
    bool ok = by >= DBL_MIN;
    for (size_t i = 0; i < count; i++)
        r[i] = ok ? r[i] / by : 1;
    return ok;
}

bool importance_weigh(double *r, size_t count, size_t normalised, double clip, double alpha,
                      struct importance *out) {
    double mean, clipped = limit(r, count, normalised, clip, alpha);
    bool ok = normalise(r, count, normalised, &mean);
    importance_describe(r, normalised, out);
    out->clipped = clipped;
    out->mean_ratio = mean;
    return ok;
}

static void count_bins(const double *w, size_t count, struct importance *out) {
    for (int bin = 1; bin < IMPORTANCE_BINS; bin++)
        out->edge[bin] = bin == 1 ? 1. / 32 : 2 * out->edge[bin - 1];
    out->edge[IMPORTANCE_BINS] = (double)INFINITY;
    for (size_t i = 0; i < count; i++) {
        int bin = 0;
        while (bin < IMPORTANCE_BINS - 1 && w[i] >= out->edge[bin + 1])
            bin++;
        out->histogram[bin]++;
    }
}

void importance_describe(const double *w, size_t count, struct importance *out) {
    *out = (struct importance){.clipped = (double)NAN, .mean_ratio = mean_of(w, count)};
    double sum = 0, square = 0;
    for (size_t i = 0; i < count; i++) {
        sum += w[i];
        square += w[i] * w[i];
        out->max = w[i] > out->max ? w[i] : out->max;
        out->counted += w[i] > 0;
    }
    out->ess = square > 0 ? sum * sum / square : 0;
    count_bins(w, count, out);
}
