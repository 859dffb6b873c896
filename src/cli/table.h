/* Text in columns, as wide as their widest cell. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

enum { TABLE_COLUMNS = 16 };

struct table {
    size_t columns;    /* at most TABLE_COLUMNS */
    unsigned right;    /* a bit for each column that is set flush right */
    struct text cells; /* each ended by a NUL, row by row */
};

/* Control characters become '?'. */
void table_cell(struct table *table, const char *format, ...) PRINTF_LIKE(2, 3);
/* Appends the table, every line behind `indent` spaces; releases the cells. */
void table_print(struct table *table, size_t indent, struct text *out);

#endif
