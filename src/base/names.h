/* Lists of names: look-up and the nearest name for "did you mean". */
#ifndef BASE_NAMES_H
#define BASE_NAMES_H

#include <stddef.h>

/* A table seen as a list of names: the name of row i, or NULL behind the last row. */
typedef const char *name_of(size_t i);

/* The row whose name equals s, or -1. */
int names_find(name_of *name, const char *s);

/* The nearest name by optimal string alignment distance (case ignored), or NULL where none is near enough to
 * be meant (distance above a third of the longer length, at least 1 allowed). */
const char *names_nearest(name_of *name, const char *s);

/* The distance itself: insertions, deletions, substitutions, swaps of neighbours. */
size_t names_distance(const char *a, const char *b);

#endif
