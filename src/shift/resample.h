/* Shifted samples whose truth is known: which rows of a sample to take so that class shares, inputs or, over
 * time, labels change in a known way, and what a row weighs then. In double, with the bits of every machine;
 * what is drawn is a function of seed, part and row or draw. */
#ifndef SHIFT_RESAMPLE_H
#define SHIFT_RESAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum resample_scheme {
    RESAMPLE_PLAIN,     /* no shift: a random subset */
    RESAMPLE_PRIORS,    /* class shares as given, with replacement */
    RESAMPLE_DIRICHLET, /* class shares of a symmetric Dirichlet distribution, with replacement */
    RESAMPLE_TWEAK_ONE, /* one class has the share, the others divide the rest evenly; with replacement */
    RESAMPLE_KNOCK_OUT, /* without this share of one class's rows */
    RESAMPLE_SELECT,    /* a row stays with a probability that depends on its image */
    RESAMPLE_WINDOWS,   /* windows in the order of time */
    RESAMPLE_SCHEMES
};
const char *resample_scheme_name(size_t i);

/* What the probability to stay depends on, a number s: the mean ink of the image, standardised over the part;
 * or a change of the image drawn uniformly, in -1 to 1 of its range. */
enum resample_score { SCORE_INK, SCORE_BRIGHTNESS, SCORE_ROTATION, RESAMPLE_SCORES };
const char *resample_score_name(size_t i);

struct resample_spec {
    int scheme;     /* enum resample_scheme */
    size_t samples; /* rows to write, in each window; 0: as the scheme gives them */
    uint64_t seed;
    uint32_t part; /* number of the part: other parts draw other rows */

    double *priors; /* RESAMPLE_PRIORS: [prior_count]; owned by whoever made the spec */
    size_t prior_count;
    double alpha; /* RESAMPLE_DIRICHLET */
    size_t cls;   /* tweak-one, knock-out */
    double share; /* of that class */

    int score;               /* enum resample_score */
    double intercept, slope; /* a row stays with probability 1 / (1 + exp(-(intercept + slope s))) */
    double range; /* brightness: the factor is 1 + range s; rotation: the angle is range s degrees */

    size_t windows, drift_at; /* drift_at: the first window that differs, from 1; 0: the default */
    bool swaps;
    size_t swap[2]; /* labels that change places */
    double degrees; /* each window is turned by so much more than the one before; 0: not */
};

/* ---- class shares ---- */

/* A draw from the symmetric Dirichlet distribution over the classes whose count is above 0; 0 for the others.
 * Depends on the seed alone, so that parts can have the same shares. */
void dirichlet_draw(uint64_t seed, double alpha, const size_t *count, size_t classes, double *prior);

/* The shares [classes] that a scheme up to RESAMPLE_KNOCK_OUT is about; count [classes] are the rows of each
 * class. Those of knock-out are what is left. ERR_USAGE where the list has another length, does not sum to 1
 * within 1e-6 or asks for a class without rows; where the class is none, or would be the only one. */
bool resample_priors(const struct resample_spec *spec, const size_t *count, size_t classes, double *prior,
                     struct err *err) MUST_CHECK;

/* How many of the rows knock-out drops: the share, rounded half up. */
size_t resample_dropped(const struct resample_spec *spec, const size_t *count);

/* ---- rows ---- */

/* Draws rows [draws] with replacement: first a class by its prior, then one of its rows. ERR_SYSTEM for want
 * of memory. */
bool resample_by_class(const struct resample_spec *spec, const uint32_t *cls, size_t rows,
                       const double *prior, size_t classes, size_t draws, uint32_t *row,
                       struct err *err) MUST_CHECK;

/* Marks with 0 in keep [rows] a random `dropped` of the rows of class spec->cls, with 1 all others. */
bool resample_knock_out(const struct resample_spec *spec, const uint32_t *cls, size_t rows, size_t dropped,
                        uint8_t *keep, struct err *err) MUST_CHECK;

/* The change drawn for a row, uniform in -1 to 1. */
double resample_change(const struct resample_spec *spec, uint32_t row);

/* To mean 0 and standard deviation 1; a constant to 0. */
void resample_standardise(double *score, size_t rows);

/* The probability to stay of every row, and whether it does. */
void resample_select(const struct resample_spec *spec, const double *score, size_t rows, double *probability,
                     uint8_t *keep);

/* Leaves a random `wanted` of the rows marked in keep [rows]; wanted is at most their number. */
bool resample_thin(const struct resample_spec *spec, uint8_t *keep, size_t rows, size_t wanted,
                   struct err *err) MUST_CHECK;

/* row [windows * samples], window after window: without replacement where there are enough rows, which it
 * says, else with. */
bool resample_windows(const struct resample_spec *spec, size_t rows, size_t samples, uint32_t *row,
                      bool *replaced, struct err *err) MUST_CHECK;

/* The rotation of window t from 0 in degrees, and whether its labels change places. */
double resample_turn(const struct resample_spec *spec, size_t window);
bool resample_swaps(const struct resample_spec *spec, size_t window);

/* ---- weights ---- */

/* To mean 1; all 0 stays. Returns the effective sample size (sum w)^2 / sum w^2 (Kish 1965), 0 for none. */
double resample_normalise(double *weight, size_t count);

#endif
