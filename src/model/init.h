/* Initialisers: a table of rows (name, law, scale). Weights [out, in], fan_in = in, fan_out = out. */
#ifndef MODEL_INIT_H
#define MODEL_INIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/real.h"
#include "base/team.h"
#include "model/spec.h"

/* Names of the rows, NULL behind the last. */
const char *init_name(size_t i);      /* all, the choices of `init` */
const char *init_bias_name(size_t i); /* those of bias_init, in an order of their own */
int init_bias_kind(size_t i);         /* the row in the whole table of choice i of bias_init */

/* The row by its name; -1 if none. */
int init_find(const char *name);

/* Whether all elements start with the same number, which is then *value. */
bool init_is_constant(const struct init_spec *spec, double *value);

/* A parameter to fill: element (o, i) of [out, in] at values[i * stride + o]. */
struct init_target {
    real *values;
    size_t out, in, stride;
    uint32_t number; /* of the parameter in the model: keeps the draws apart */
};

/* Draws the target: a function of spec, seed, number, row and column only. */
bool init_draw(const struct init_spec *spec, const struct init_target *target, uint64_t seed,
               struct team *team, struct err *err) MUST_CHECK;

/* He normal for the ReLU family, Xavier normal otherwise (He et al. 2015; Glorot and Bengio 2010). */
int init_default(int activation);

#endif
