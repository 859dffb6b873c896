/* One slice of samples on its way into the tape; private to fit/. */
#ifndef FIT_SLICE_H
#define FIT_SLICE_H

#include "data/augment.h"
#include "data/dataset.h"
#include "data/sparse.h"
#include "fit/fit.h"
#include "model/model.h"

/* Samples of a slice: SLICE_WIDE are two vectors of the widest instruction set, SLICE_MOST the most that
 * products over packed factors take. */
enum { SLICE_WIDE = SPARSE_LANES, SLICE_MOST = PACKED_MOST_LANES };
_Static_assert((int)SLICE_WIDE == (int)PACKED_LANES, "evaluation has one width for all products");

/* Where samples come from and go to. */
struct slice_source {
    const struct kernel *kernel;
    const struct model *model;
    const struct dataset *set;
    const struct scaling *scaling;
    double label_smoothing; /* of the targets; 0: as they are */
    size_t lanes;
    double input_noise;          /* standard deviation of what training adds to the inputs */
    struct sparse_batch *sparse; /* NULL: images go into panels */
    struct augment *augment;     /* NULL: images as they are */
    size_t epoch;                /* of the versions that augment makes */
    bool rows_by_thread;         /* it has room for a slice a thread, else for every slice of a batch */
};

/* Targets of one slice, one for each thread. */
struct slice_targets {
    uint32_t *cls; /* [lanes] */
    real *row;     /* [outputs][lanes] */
};

bool slice_targets_init(struct slice_targets *t, const struct slice_source *source,
                        struct err *err) MUST_CHECK;
void slice_targets_release(struct slice_targets *t);

/* What the loaded images of a slice with such noise (NULL: without) are to be multiplied by: bytes stay bytes
 * where the kernel would round them to bfloat16, which holds them exactly, and their scale and that of
 * dropout come behind the product. */
real slice_input_scale(const struct slice_source *source, const struct noise *noise);

/* Loads the images of count <= lanes rows of the set into the tape's input or, in compressed form, into the
 * slice, whose index, thread and noise are set, and sets its input_scale. With noise: the input's noise is
 * added, and then the model's share of the inputs dropped. */
void slice_load_images(const struct slice_source *source, struct tape_workspace *ws, struct tape_slice *slice,
                       const uint32_t *row, size_t count);
/* The targets of these rows into t and the slice: classes, or rows of targets where the loss takes no classes
 * or the targets are smoothed. */
void slice_load_targets(const struct slice_source *source, struct tape_slice *slice, struct slice_targets *t,
                        const uint32_t *row, size_t count);

/* Whether the images of batches of this size go in compressed form: the model can take them so and it is
 * faster. */
bool slice_is_sparse(const struct slice_source *source, enum input_form form, size_t batch);

/* Samples of a slice of training for batches of this size: wide enough for whole register tiles and, where
 * factors are packed, to read the weights less often; narrow enough that every thread of the team gets one
 * and that no more than a fourth is added by padding. Does not change a bit of the result. */
size_t slice_lanes(const struct kernel *kernel, size_t batch, size_t threads);

#endif
