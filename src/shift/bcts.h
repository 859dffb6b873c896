/* Calibration by bias-corrected temperature scaling (Alexandari, Kundaje and Shrikumar, "Maximum likelihood
 * with bias-corrected calibration is hard-to-beat at label shift adaptation", ICML 2020): logits z become the
 * probabilities softmax(a z + b). With two classes it is Platt's (1999) scaling. All in double, with the bits
 * of every machine. */
#ifndef SHIFT_BCTS_H
#define SHIFT_BCTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/real.h"

/* Logits of a sample of known classes. */
struct logits {
    const real *z; /* [rows][classes] */
    size_t rows, classes;
    const uint32_t *cls; /* [rows]; NULL: unknown */
    const double *count; /* [rows] how often a row counts, as a bootstrap draws it; NULL: once */
};

struct bcts {
    double a;  /* 1 / temperature, above 0 */
    double *b; /* [classes], sum 0; owned */
};

/* a = 1 and b = 0. Release with bcts_release. */
bool bcts_init(struct bcts *bcts, size_t classes, struct err *err) MUST_CHECK;
void bcts_release(struct bcts *bcts);

/* Minimises the mean negative log-likelihood of the classes, which is convex, by Newton's method from the
 * values that bcts has. A class without a row keeps b where a small ridge towards 0 puts it, and a sample
 * that is all classified rightly would ask for infinite a: the same ridge keeps it finite. False: ERR_SYSTEM
 * for want of memory. */
bool bcts_fit(struct bcts *bcts, const struct logits *sample, struct err *err) MUST_CHECK;

/* The same for a resample, from the values of the whole sample, to well below the sampling error. */
bool bcts_refit(struct bcts *bcts, const struct logits *sample, struct err *err) MUST_CHECK;

/* p [classes] = softmax(a z + b). */
void bcts_apply(const struct bcts *bcts, const real *z, size_t classes, double *p);

#endif
