#include "fit/rounded.h"

#include <string.h>

#include "base/mem.h"

size_t rounded_bytes(const struct model *model, const struct kernel *kernel) {
    return kernel->round ? model->size * sizeof(real) : 0;
}

bool rounded_init(struct rounded *r, const struct model *model, const struct kernel *kernel,
                  struct err *err) {
    *r = (struct rounded){.model = model, .kernel = kernel};
    if (kernel->round)
        r->theta = mem_alloc_aligned(model->size, sizeof *r->theta, "the rounded parameters", err);
    return r->theta || !kernel->round;
}

void rounded_release(struct rounded *r) {
    mem_free(r->theta);
    *r = (struct rounded){0};
}

/* Rows of a parameter from an offset on. */
static void round_rows(const struct rounded *r, const struct parameter *p, const real *theta, size_t offset,
                       size_t rows, size_t cols) {
    for (size_t row = 0; row < rows; row++, offset += p->stride) {
        if (p->kind == PARAMETER_WEIGHT)
            r->kernel->round(cols, theta + offset, r->theta + offset);
        else
            memcpy(r->theta + offset, theta + offset, cols * sizeof *theta);
    }
}

void rounded_columns(const struct rounded *r, const real *theta, size_t i, size_t first, size_t cols) {
    if (!r->theta)
        return;
    const struct parameter *p = &r->model->parameter[i];
    round_rows(r, p, theta, p->offset + first, p->in, cols);
}

void rounded_all(const struct rounded *r, const real *theta) {
    for (size_t i = 0; r->theta && i < r->model->parameter_count; i++)
        rounded_columns(r, theta, i, 0, r->model->parameter[i].stride);
}

void rounded_tile(const struct rounded *r, const real *theta, size_t t) {
    struct tape_tile tile = tape_tile(r->model->tape, t);
    if (r->theta)
        round_rows(r, &r->model->parameter[tile.parameter], theta, tile.offset, tile.rows, tile.cols);
}
