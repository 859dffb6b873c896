/* Random versions of training images, drawn anew in every epoch: rotation, shift, change of size, shear and
 * mirroring in one affine map, and elastic displacements, all in one bilinear resampling with zeros outside.
 * What is drawn is a function of (seed, epoch, row of the training file) only. */
#ifndef DATA_AUGMENT_H
#define DATA_AUGMENT_H

#include "data/dataset.h"

struct augment;

/* What it works with; everything is borrowed. */
struct augment_setup {
    const struct kernel *kernel;
    const struct augment_spec *spec;
    const struct dataset *set; /* the training set */
    size_t class_count;        /* classes that the model tells apart; 0: targets are not classes */
    uint64_t seed;
    size_t threads, lanes; /* versions of at most `lanes` rows at a time are kept for each thread */
};

/* Whether the spec asks for anything. */
bool augment_is_on(const struct augment_spec *spec);

/* NULL and ERR_CONFIG, naming the key, where the set's images have not two dimensions or a class is not among
 * the model's or is listed twice; ERR_SYSTEM where memory is exhausted. Release with augment_free. */
struct augment *augment_create(const struct augment_setup *setup, struct err *err) MUST_CHECK;
void augment_free(struct augment *augment);
/* Bytes of one, about. */
size_t augment_bytes(const struct augment_setup *setup);

/* This epoch's versions of count <= lanes rows of the set, as rows 0 to count - 1 of a set without labels:
 * bytes (rounded half up) where the set has bytes, else reals. It is the thread's own and holds until the
 * thread's next call. Makes no system call. */
const struct dataset *augment_rows(struct augment *augment, size_t thread, size_t epoch, const uint32_t *row,
                                   size_t count);

/* ---- what augment_rows does with one image ---- */

/* An affine change of an image about its centre: mirrored, then changed in size, sheared (x += shear y),
 * rotated, shifted. y goes down. */
struct augment_draw {
    double rotate;   /* degrees, from x towards y */
    double shift[2]; /* pixels, x and y */
    double scale[2]; /* of x and y; 1: none */
    double shear;
    bool flip;
};

/* The change of a row in an epoch, within the limits of its class. */
struct augment_draw augment_draw(const struct augment *augment, size_t epoch, uint32_t row);

/* The place in the original image that a pixel (x, y) of the changed one shows: (map[0] x + map[1] y +
 * map[2], map[3] x + map[4] y + map[5]). */
void augment_map(const struct augment_draw *draw, size_t height, size_t width, double map[6]);

/* The row of the set as this very change makes it, without elastic displacements, as row 0 of a set as that
 * of augment_rows. */
const struct dataset *augment_row(struct augment *augment, size_t thread, const struct augment_draw *draw,
                                  uint32_t row);

#endif
