/* Calibration of predicted probabilities: how far confidence is from accuracy, and the temperature that mends
 * it (Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", 2017): the outputs z of a
 * trained model become softmax(z / T), or sigmoid(z / T), with the one number T fitted on samples held out.
 * The order of the outputs, and so every class, stays as it was. All in double and with the bits of every
 * machine. */
#ifndef FIT_CALIBRATION_H
#define FIT_CALIBRATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"
#include "data/dataset.h"

/* ---- expected calibration error ---- */

enum { ECE_BINS = 15 };

/* Samples by confidence, the largest probability of a sample, in bins of equal width; zero-initialise. */
struct reliability {
    double confidence[ECE_BINS]; /* sum over the samples of a bin */
    size_t right[ECE_BINS];      /* how many of them are of the class that was predicted */
    size_t samples;
};

void reliability_add(struct reliability *r, double confidence, bool right);

/* The mean over the samples of the gap between confidence and accuracy of their bin. At least one sample. */
double reliability_error(const struct reliability *r);

/* ---- temperature ---- */

/* The outputs of a model on a part, whose targets are classes, one-hot otherwise, or probabilities. */
struct calibration_set {
    const struct data_part *part;
    size_t outputs;
    const real *z;  /* [part->count][outputs] */
    bool exclusive; /* softmax over the outputs of a sample; else a sigmoid for each */
};

/* Means over the samples. */
struct calibration_scores {
    double nll;   /* negative log-likelihood of the targets, over the outputs where they are not exclusive */
    double brier; /* sum over the outputs of (p - y)^2 (Brier 1950) */
    double ece;   /* NaN where the targets are not classes */
};

struct calibration_scores calibration_score(const struct calibration_set *set, double temperature);

/* The temperature from 0.01 to 100 (samples that are all predicted rightly ask for 0) of the smallest
 * negative log-likelihood; 1 where none is better. */
double calibration_fit(const struct calibration_set *set);

#endif
