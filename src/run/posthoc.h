/* Label shift corrected without training: the probabilities of a model are calibrated and rescaled to the
 * shares of the target, p_t(y|x) ~ w_y p_s(y|x). It becomes part of the model: other biases of the last
 * layer, and a temperature. */
#ifndef RUN_POSTHOC_H
#define RUN_POSTHOC_H

#include "model/model.h"
#include "run/estimation.h"

/* Changes the biases so that softmax(z' / *temperature) = softmax(a z + b + log w) for the model's outputs z
 * before and z' after, with the calibration a, b and the weights w of the estimate. */
void posthoc_apply(const struct label_estimate *label, struct model *model, double *temperature);

#endif
