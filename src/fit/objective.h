/* What training minimises, on some samples, as a function of the parameters: the mean of weight times loss
 * (targets smoothed as the setup says, images not augmented; masks and noise of every sample as in the first
 * epoch, always the same; weight noise of a step left out, as it only moves the place), and the penalties.
 * With its gradient in reverse mode, its directional derivatives in forward mode and its differences, to be
 * held against each other. Parameters are laid out as the model's theta; the model's own are not touched. */
#ifndef FIT_OBJECTIVE_H
#define FIT_OBJECTIVE_H

#include "fit/fit.h"

struct objective;

/* On the first samples of the first epoch (all of the training part where it has fewer). The setup is
 * borrowed. Release with objective_free. */
struct objective *objective_create(const struct fit_setup *setup, size_t samples, struct err *err) MUST_CHECK;
void objective_free(struct objective *objective);
size_t objective_samples(const struct objective *objective);

double objective_value(struct objective *objective, const real *theta);

/* One forward and one reverse sweep. gradient: laid out as theta, padding 0. The sub-gradient of l1 at 0
 * is 0. Value and gradient are made of the kernel's products, packed factors where it has them; what follows
 * is not for such a kernel, whose objective is a function of steps. */
void objective_gradient(struct objective *objective, const real *theta, real *gradient);

/* The derivative along `direction` (laid out as theta, padding 0) by one sweep in forward mode. */
double objective_jvp(struct objective *objective, const real *theta, const real *direction);

/* *difference = objective at `up` - objective at `down`, two sets of parameters near each other, with less
 * rounding than the difference of two values: sample by sample, and only the penalties that differ. False
 * where there is a kink between the two: an input of an activation that is not smooth, or a parameter under
 * l1, changes sign. May be called by several members of the setup's team, each with its rank. */
bool objective_difference(struct objective *objective, size_t rank, const real *up, const real *down,
                          double *difference);

#endif
