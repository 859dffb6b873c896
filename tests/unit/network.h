/* Networks and data sets made in memory, for tests of model and fit. */
#ifndef TESTS_NETWORK_H
#define TESTS_NETWORK_H

#include "support.h"

#include "base/sha256.h"
#include "fit/fit.h"
#include "model/init.h"

/* A set of float images in memory; the caller owns values and cls. */
static inline UNUSED struct dataset memory_set(float *values, size_t rows, size_t features, uint32_t *cls,
                                               size_t classes) {
    return (struct dataset){
        .images = {.type = IDX_F32,
                   .dims = 2,
                   .dim = {rows, features},
                   .rows = rows,
                   .width = features,
                   .values = values},
        .features = features,
        .cls = cls,
        .class_count = classes,
    };
}

static inline UNUSED struct layer_spec layer(size_t units, int activation, double slope) {
    return (struct layer_spec){.units = units,
                               .activation = activation,
                               .slope = slope,
                               .init = {.kind = init_default(activation)},
                               .bias_init = {.kind = init_find("zeros")}};
}

static inline UNUSED void model_hex(const struct model *model, char hex[SHA256_HEX]) {
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, model->theta, model->size * sizeof(real));
    sha256_hex(&h, hex);
}

#endif
