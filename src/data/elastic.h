/* Elastic distortion: smooth random displacements of an image's pixels. Simard, Steinkraus and Platt, "Best
 * practices for convolutional neural networks applied to visual document analysis", ICDAR 2003: a field of
 * random numbers smoothed by a Gaussian and scaled by alpha.
 *
 * Here alpha is the standard deviation of a displacement after smoothing, the same for every pixel, at the
 * border too. Elsewhere (Simard; Ciresan) it scales the numbers before or with another normalisation of the
 * Gaussian, so alphas are not to be compared. */
#ifndef DATA_ELASTIC_H
#define DATA_ELASTIC_H

#include "base/err.h"
#include "data/spec.h"
#include "kernel/kernel.h"

/* Elements of the random stream from here on; those before are the affine map's. */
enum { ELASTIC_FIRST_ELEMENT = 16 };

struct elastic {
    size_t height, width, padded; /* padded: width to whole vectors */
    real *down;                   /* [height][height] weights of the rows for each row */
    real *across;                 /* [width][padded] weights, times alpha, of each column for the columns */
};

/* Release with elastic_release. */
bool elastic_init(struct elastic *e, const struct elastic_spec *spec, size_t height, size_t width,
                  struct err *err) MUST_CHECK;
void elastic_release(struct elastic *e); /* zero is fine */

/* Reals of a field, and of the spare room that drawing one needs. */
size_t elastic_room(const struct elastic *e);

/* Draws the displacements of this sample in this epoch in pixels: field [height][2][padded], a row of those
 * along x, then one of those along y. */
void elastic_draw(const struct elastic *e, const struct kernel *k, uint64_t seed, uint32_t epoch,
                  uint32_t row, real *spare, real *field);

#endif
