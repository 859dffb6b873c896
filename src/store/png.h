/* PNG, as much of it as a greyscale picture needs. */
#ifndef STORE_PNG_H
#define STORE_PNG_H

#include "base/text.h"
#include "store/picture.h"

/* Appends the picture as a PNG file. ERR_SYSTEM where memory is exhausted. */
bool png_print(const struct picture *picture, struct text *out, struct err *err) MUST_CHECK;

#endif
