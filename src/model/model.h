/* A multilayer perceptron: its spec laid out as a tape and a flat vector of named parameters.
 *
 * Weights are stored transposed, [in, out] with rows padded to `stride`, because the kernels then only ever
 * broadcast them; files hold the field's usual [out, in]. Padding is 0 and stays 0. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "autodiff/tape.h"
#include "base/err.h"
#include "base/real.h"
#include "base/team.h"
#include "model/spec.h"

enum parameter_kind { PARAMETER_WEIGHT, PARAMETER_BIAS, PARAMETER_SLOPE };

struct parameter {
    char name[32]; /* as torch.nn.Sequential names it: "0.weight", "0.bias", "1.weight" (a prelu's slope) */
    enum parameter_kind kind;
    size_t layer;          /* 0: the first hidden layer; the output layer last */
    size_t out, in;        /* weight [out, in]; bias [out], in 1; slope [1] */
    size_t offset, stride; /* where it stands in theta: element (o, i) at offset + i * stride + o */
    struct init_spec init;
};

struct model {
    struct tape *tape;
    struct parameter *parameter;
    size_t parameter_count;
    size_t size;      /* reals in theta, padding included */
    size_t trainable; /* parameters, padding not included */
    real *theta;      /* [size], aligned */
    size_t features, outputs;
    real input_keep; /* share of the inputs that dropout keeps; 1: all */
    bool dropout;    /* of the inputs or of a layer */
};

/* loss is the name of a loss op of the op table (autodiff/op.h). theta starts at 0. ERR_CONFIG where sizes
 * overflow, ERR_SYSTEM where memory is exhausted. Release with model_free. */
struct model *model_create(const struct model_spec *spec, size_t features, size_t outputs, const char *loss,
                           struct err *err) MUST_CHECK;
void model_free(struct model *model);

/* Draws every parameter by its initialiser: a function of seed, parameter number, row and column only. */
bool model_init(struct model *model, uint64_t seed, struct team *team, struct err *err) MUST_CHECK;

/* Parameter i in the order of files, float32 [out, in] (bias [out], slope [1]); values holds out * in
 * numbers. */
void model_get(const struct model *model, size_t i, float *values);
void model_set(struct model *model, size_t i, const float *values);

#endif
