/* The weights of a model as the products of a kernel take them (kernel/products.h); private to fit/. */
#ifndef FIT_PACKED_H
#define FIT_PACKED_H

#include "base/team.h"
#include "kernel/kernel.h"
#include "model/model.h"

struct packed {
    const struct model *model;
    const struct products
        *products; /* NULL: they take the weights as they are, and nothing here does a thing */
    unsigned char *memory;
    void **weight; /* [parameters] in memory; NULL for what is no weight */
};

/* Nothing is packed yet. Release with packed_release. */
bool packed_init(struct packed *p, const struct model *model, const struct kernel *kernel,
                 struct err *err) MUST_CHECK;
void packed_release(struct packed *p);
/* Bytes that packed_init allocates. */
size_t packed_bytes(const struct model *model, const struct kernel *kernel);

/* From theta, laid out as the model's: all weights, by the whole team (NULL: the caller alone); those of tile
 * t of the tape's tiles; some columns of parameter i, as wide as a tile or the last ones. */
void packed_all(const struct packed *p, struct team *team, const real *theta);
void packed_tile(const struct packed *p, const real *theta, size_t t);
void packed_columns(const struct packed *p, const real *theta, size_t i, size_t first, size_t cols);

/* For a slice (tape_slice.packed). */
static inline const void *const *packed_weights(const struct packed *p) {
    return (const void *const *)p->weight;
}

#endif
