/* Rows of text under headings, for terminals, Markdown pages and spreadsheets. */
#ifndef CLI_GRID_H
#define CLI_GRID_H

#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

/* Zero-initialise; first all columns, then the cells, row by row. */
struct grid {
    size_t columns;
    struct text right; /* a byte for each column: whether it is set flush right */
    struct text cells; /* each ended by a NUL; the headings are the first row */
};

void grid_column(struct grid *grid, bool right, const char *heading);
void grid_cell(struct grid *grid, const char *cell);
/* For short cells. */
void grid_cellf(struct grid *grid, const char *format, ...) PRINTF_LIKE(2, 3);
void grid_release(struct grid *grid);

/* Columns as wide as their widest cell; control characters become '?'. */
void grid_table(const struct grid *grid, struct text *out);
/* A table of GitHub's Markdown; what is markup there stands as it is. */
void grid_markdown(const struct grid *grid, struct text *out);
/* Quoted as RFC 4180 says. */
void grid_csv(const struct grid *grid, struct text *out);

/* Appends s such that it is no markup in Markdown and stays on its line. */
void grid_add_escaped(const char *s, struct text *out);

#endif
