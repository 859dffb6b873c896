#include "cli/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void table_cell(struct table *table, const char *format, ...) {
    char cell[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(cell, sizeof cell, format, arguments);
    va_end(arguments);
    for (char *c = cell; *c; c++) /* paths can hold anything */
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            *c = '?';
    text_add_bytes(&table->cells, cell, strlen(cell) + 1);
}

/* Columns on the terminal: bytes that begin a UTF-8 character. */
static size_t width_of(const char *cell) {
    size_t width = 0;
    for (; *cell; cell++)
        width += ((unsigned char)*cell & 0xC0) != 0x80;
    return width;
}

static void measure(const struct table *table, size_t width[TABLE_COLUMNS]) {
    const char *cell = table->cells.s, *end = cell + table->cells.len;
    for (size_t i = 0; cell < end; i++, cell += strlen(cell) + 1) {
        size_t column = i % table->columns, w = width_of(cell);
        if (w > width[column])
            width[column] = w;
    }
}

void table_print(struct table *table, size_t indent, struct text *out) {
    size_t width[TABLE_COLUMNS] = {0};
    if (!table->cells.failed && table->cells.s) {
        measure(table, width);
        const char *cell = table->cells.s, *end = cell + table->cells.len;
        for (size_t i = 0; cell < end; i++, cell += strlen(cell) + 1) {
            size_t column = i % table->columns;
            int gap = (int)(width[column] - width_of(cell));
            bool last = column + 1 == table->columns, right = table->right >> column & 1;
            if (!last || *cell)
                text_addf(out, "%*s", column ? 2 : (int)indent, "");
            if (right)
                text_addf(out, "%*s%s", gap, "", cell);
            else
                text_addf(out, "%s%*s", cell, last ? 0 : gap, "");
            if (last)
                text_add(out, "\n");
        }
    }
    out->failed |= table->cells.failed;
    text_release(&table->cells);
}
