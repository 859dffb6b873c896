/* The parameters as the products of a kernel take them; private to fit/. */
#ifndef FIT_ROUNDED_H
#define FIT_ROUNDED_H

#include "kernel/kernel.h"
#include "model/model.h"

struct rounded {
    const struct model *model;
    const struct kernel *kernel;
    real *theta; /* [model->size]: weights rounded, all else as it is; NULL: the kernel takes all as it is */
};

/* Nothing is rounded yet. Release with rounded_release. */
bool rounded_init(struct rounded *r, const struct model *model, const struct kernel *kernel,
                  struct err *err) MUST_CHECK;
void rounded_release(struct rounded *r);
/* Bytes that rounded_init allocates. */
size_t rounded_bytes(const struct model *model, const struct kernel *kernel);

/* From theta, laid out as the model's: all of it; tile t of the tape's tiles; some columns (a multiple of
 * KERNEL_LANES) of parameter i. */
void rounded_all(const struct rounded *r, const real *theta);
void rounded_tile(const struct rounded *r, const real *theta, size_t t);
void rounded_columns(const struct rounded *r, const real *theta, size_t i, size_t first, size_t cols);

/* What a slice is to be computed with for these parameters. */
static inline const real *rounded_theta(const struct rounded *r, const real *theta) {
    return r->theta ? r->theta : theta;
}

#endif
