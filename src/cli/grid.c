#include "cli/grid.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* ---- filling ---- */

void grid_column(struct grid *grid, bool right, const char *heading) {
    text_add(&grid->right, right ? "r" : "l");
    grid_cell(grid, heading);
    grid->columns++;
}

void grid_cell(struct grid *grid, const char *cell) {
    text_add_bytes(&grid->cells, cell, strlen(cell) + 1);
}

void grid_cellf(struct grid *grid, const char *format, ...) {
    char cell[128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(cell, sizeof cell, format, arguments);
    va_end(arguments);
    grid_cell(grid, cell);
}

void grid_release(struct grid *grid) {
    text_release(&grid->right);
    text_release(&grid->cells);
    grid->columns = 0;
}

/* ---- all cells in turn ---- */

struct cursor {
    const char *cell, *end; /* cell: NULL where there is none left */
    size_t column;
};

static struct cursor begin(const struct grid *grid) {
    bool usable = !grid->cells.failed && !grid->right.failed && grid->cells.s;
    return (struct cursor){usable ? grid->cells.s : NULL, usable ? grid->cells.s + grid->cells.len : NULL, 0};
}

static void step(const struct grid *grid, struct cursor *c) {
    c->cell += strlen(c->cell) + 1;
    c->column = (c->column + 1) % grid->columns;
    if (c->cell == c->end)
        c->cell = NULL;
}

static bool is_right(const struct grid *grid, size_t column) {
    return grid->right.s[column] == 'r';
}

/* What has been appended says whether memory was enough. */
static void fail(struct text *out) {
    out->failed = true;
}

static bool is_control(char c) {
    return (unsigned char)c < ' ' || c == 0x7F;
}

/* ---- the terminal ---- */

/* Columns on the terminal: bytes that begin a UTF-8 character. */
static size_t width_of(const char *cell) {
    size_t width = 0;
    for (; *cell; cell++)
        width += ((unsigned char)*cell & 0xC0) != 0x80;
    return width;
}

static void add_plain(const char *cell, struct text *out) {
    for (; *cell; cell++)
        text_add_bytes(out, is_control(*cell) ? "?" : cell, 1);
}

static void table_with(const struct grid *grid, size_t *width, struct text *out) {
    for (struct cursor c = begin(grid); c.cell; step(grid, &c)) {
        size_t w = width_of(c.cell);
        width[c.column] = w > width[c.column] ? w : width[c.column];
    }
    for (struct cursor c = begin(grid); c.cell; step(grid, &c)) {
        int gap = (int)(width[c.column] - width_of(c.cell));
        bool last = c.column + 1 == grid->columns, right = is_right(grid, c.column);
        text_addf(out, "%*s", (c.column ? 2 : 0) + (right ? gap : 0), "");
        add_plain(c.cell, out);
        text_addf(out, "%*s%s", right || last ? 0 : gap, "", last ? "\n" : "");
    }
}

void grid_table(const struct grid *grid, struct text *out) {
    struct err err;
    size_t *width = mem_alloc(grid->columns, sizeof *width, "a table", &err);
    if (width && !grid->cells.failed && !grid->right.failed)
        table_with(grid, width, out);
    else
        fail(out);
    mem_free(width);
}

/* ---- Markdown ---- */

void grid_add_escaped(const char *s, struct text *out) {
    for (; *s; s++) {
        if (strchr("\\|`*_<>[]~&", *s))
            text_add(out, "\\");
        text_add_bytes(out, is_control(*s) ? " " : s, 1);
    }
}

void grid_markdown(const struct grid *grid, struct text *out) {
    size_t row = 0;
    struct cursor c = begin(grid);
    if (!c.cell)
        fail(out);
    for (; c.cell; step(grid, &c)) {
        bool last = c.column + 1 == grid->columns;
        text_add(out, c.column ? " | " : "| ");
        grid_add_escaped(c.cell, out);
        if (!last)
            continue;
        text_add(out, " |\n");
        if (row++ > 0)
            continue;
        for (size_t i = 0; i < grid->columns; i++)
            text_add(out, is_right(grid, i) ? "|---:" : "|---");
        text_add(out, "|\n");
    }
}

/* ---- CSV ---- */

static void add_field(const char *cell, struct text *out) {
    bool quoted = cell[strcspn(cell, ",\"\r\n")] != '\0';
    text_add(out, quoted ? "\"" : "");
    for (; *cell; cell++) {
        text_add(out, *cell == '"' ? "\"" : "");
        text_add_bytes(out, cell, 1);
    }
    text_add(out, quoted ? "\"" : "");
}

void grid_csv(const struct grid *grid, struct text *out) {
    struct cursor c = begin(grid);
    if (!c.cell)
        fail(out);
    for (; c.cell; step(grid, &c)) {
        text_add(out, c.column ? "," : "");
        add_field(c.cell, out);
        text_add(out, c.column + 1 == grid->columns ? "\n" : "");
    }
}
