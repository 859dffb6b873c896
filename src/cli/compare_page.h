/* What compare shows: runs as rows of a table. */
#ifndef CLI_COMPARE_PAGE_H
#define CLI_COMPARE_PAGE_H

#include "base/text.h"
#include "run/comparison.h"

/* Rows for people, with what is to be said of them beneath. */
void compare_table(const struct comparison *comparison, struct text *out);
void compare_markdown(const struct comparison *comparison, struct text *out);
/* The same for programs: numbers that read back to the same double, paths of summary.json as headings. */
void compare_csv(const struct comparison *comparison, struct text *out);

#endif
