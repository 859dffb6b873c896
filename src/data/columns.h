/* Columns of tables as a config names them, and lists of strings such as the names of features. */
#ifndef DATA_COLUMNS_H
#define DATA_COLUMNS_H

#include <stddef.h>

#include "base/err.h"
#include "data/spec.h"

/* A copy that owns its names. Release with columns_release. */
bool columns_copy(const struct columns *columns, struct columns *out, struct err *err) MUST_CHECK;
void columns_release(struct columns *columns);

/* Copies of the strings, NULL where memory is exhausted. Release with strings_free, which takes NULL too. */
char **strings_copy(char *const *s, size_t count, struct err *err) MUST_CHECK;
void strings_free(char **s, size_t count);

/* The first of them for a message: "a", "b", "c" and 4 more. Returns text. */
enum { STRINGS_TEXT = 640 };
const char *strings_quote(char *const *s, size_t count, char text[STRINGS_TEXT]);

/* The one that was probably meant by `wrong` (base/names.h), or NULL. */
const char *strings_nearest(char *const *s, size_t count, const char *wrong);

/* Strings in bytewise order, equal ones as they come. */
struct sorted_string {
    const char *s; /* borrowed */
    size_t at;     /* its place in the list */
};
struct sorted_string *strings_sort(char *const *s, size_t count, struct err *err) MUST_CHECK; /* mem_free */
/* The place in the list of the first one that equals s, SIZE_MAX where there is none. */
size_t strings_search(const struct sorted_string *sorted, size_t count, const char *s);

#endif
