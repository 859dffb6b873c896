/* The images and labels of a resampled set: rows of a part, as they are or changed in a known way. */
#ifndef RUN_RESAMPLE_IMAGES_H
#define RUN_RESAMPLE_IMAGES_H

#include "data/augment.h"
#include "data/dataset.h"

/* How images change; the set is borrowed. */
struct changer {
    const struct dataset *set;
    bool turns;              /* may turn images */
    struct augment *augment; /* NULL: does not turn; owned */
    struct augment_spec spec;
};

/* ERR_CONFIG where images are to be turned that have not two dimensions. */
bool changer_open(const struct dataset *set, const struct kernel *kernel, bool turns, struct changer *out,
                  struct err *err) MUST_CHECK;
void changer_release(struct changer *changer);

/* What is done to an image: pixels times a factor, or turned by degrees. */
struct image_change {
    double factor, degrees; /* 1 and 0: nothing */
};

/* Rows of the set, row i changed by change[i] (NULL: none), as a set of images that the caller releases with
 * idx_release. Changed bytes stay bytes (rounded half up, at most 255), other types become reals. */
bool images_of_rows(struct changer *changer, const uint32_t *row, size_t count,
                    const struct image_change *change, struct idx *out, struct err *err) MUST_CHECK;

/* The classes of rows, in the smallest type that has room for `classes` of them; swap: two that change
 * places, or NULL. */
bool labels_of_rows(const struct dataset *set, const uint32_t *row, size_t count, size_t classes,
                    const size_t *swap, struct idx *out, struct err *err) MUST_CHECK;

/* Weights as f32 of one dimension. */
bool weights_as_idx(const double *weight, size_t count, struct idx *out, struct err *err) MUST_CHECK;

#endif
