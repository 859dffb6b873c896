/* Greyscale pictures of 8 bits a pixel, in files that image viewers open. */
#ifndef STORE_PICTURE_H
#define STORE_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* No picture has more pixels. */
enum { PICTURE_MOST_PIXELS = 1 << 28 };

struct picture {
    size_t width, height;  /* neither is 0 */
    const uint8_t *pixels; /* [height][width], 0 black, 255 white; borrowed */
};

/* Whether the name ends in what picture_write takes: .png (PNG, ISO/IEC 15948) or .pgm (Netpbm's portable
 * graymap, binary), in either case. ERR_USAGE if not. */
bool picture_named(const char *path, struct err *err) MUST_CHECK;

/* Replaces path atomically by the picture in the format that its name ends in. ERR_SYSTEM where that fails.
 */
bool picture_write(const char *path, const struct picture *picture, struct err *err) MUST_CHECK;

#endif
