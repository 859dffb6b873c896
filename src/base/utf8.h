/* UTF-8, for texts of others. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Length of the well-formed character at p, 0 where there is none. */
size_t utf8_length(const unsigned char *p, size_t left);

bool utf8_valid(const char *s, size_t len);

/* The text in quotes for a message, what is behind UTF8_SHOWN bytes left out; control characters, and all
 * bytes above 7F of a text that is no UTF-8, as \xNN. Returns text. */
enum { UTF8_SHOWN = 48, UTF8_QUOTE = 4 * UTF8_SHOWN + 16 };
const char *utf8_quote(const char *s, size_t len, char text[UTF8_QUOTE]);

#endif
