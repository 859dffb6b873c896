/* What augmentation does, to look at: a picture with a training image a row, first as it is and then as it is
 * trained on in epoch 1, 2, ... */
#ifndef RUN_CONTACT_SHEET_H
#define RUN_CONTACT_SHEET_H

#include <stddef.h>

#include "base/err.h"
#include "config/config.h"

enum { CONTACT_SHEET_EPOCHS = 9, CONTACT_SHEET_MOST_CLASSES = 20 };

struct contact_sheet {
    size_t images, epochs; /* rows of the sheet, and columns behind the first one */
    size_t width, height;  /* of the picture */
};

/* Writes the sheet of wish->images images (0: one of every class, of at most CONTACT_SHEET_MOST_CLASSES;
 * never more than there are), taken from the classes in turn in the order of the training part, and
 * wish->epochs epochs to path, atomically; *out is what it has become. isa as in setup_open. ERR_USAGE where
 * the name does not end in a picture's or the sheet is too large, ERR_CONFIG where the config asks for no
 * augmentation or the images cannot be augmented. */
bool contact_sheet_write(const struct config *config, const char *isa, const struct contact_sheet *wish,
                         const char *path, struct contact_sheet *out, struct err *err) MUST_CHECK;

#endif
