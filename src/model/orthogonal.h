/* A random orthogonal matrix (Haar): Gram-Schmidt on a matrix of independent normal deviates (Stewart
 * 1980). */
#ifndef MODEL_ORTHOGONAL_H
#define MODEL_ORTHOGONAL_H

#include "model/init.h"

/* Fills the target [out, in] with orthonormal rows (out <= in) or columns. */
bool orthogonal_draw(const struct init_target *target, uint64_t seed, struct team *team,
                     struct err *err) MUST_CHECK;

#endif
