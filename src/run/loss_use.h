/* What the choice of a loss means for data and predictions: one row per loss. */
#ifndef RUN_LOSS_USE_H
#define RUN_LOSS_USE_H

#include <stdbool.h>

#include "data/dataset.h"

/* What its labels must be fit for. */
enum target_use loss_targets(int loss_kind);

/* Whether a prediction is a probability; else it is a value. */
bool loss_predicts_probabilities(int loss_kind);

/* Whether the outputs of a row exclude each other, so that the largest one names a class even where the model
 * was not trained on class numbers. */
bool loss_is_exclusive(int loss_kind);

#endif
