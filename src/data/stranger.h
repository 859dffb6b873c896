/* Files that people hand over instead of what is expected, known by their first bytes. */
#ifndef DATA_STRANGER_H
#define DATA_STRANGER_H

#include <stddef.h>

/* So many first bytes are looked at and shown. */
enum { STRANGER_BYTES = 16, STRANGER_TEXT = 4 * STRANGER_BYTES + 3 };

/* What a file that starts with these bytes looks like ("a zip archive"), or NULL. */
const char *stranger_kind(const unsigned char *start, size_t count);

/* The first bytes, at most STRANGER_BYTES, as text in quotes, those that are not printable as \xNN. Returns
 * text. */
const char *stranger_show(const unsigned char *start, size_t count, char text[STRANGER_TEXT]);

#endif
