#include "run/loss_use.h"

#include "fit/spec.h"

struct loss_row {
    enum target_use targets;
    bool probabilities, exclusive;
};

static const struct loss_row rows[LOSS_COUNT] = {
    [LOSS_CROSS_ENTROPY] = {TARGETS_DISTRIBUTION, true, true},
    [LOSS_MSE] = {TARGETS_REAL, false, false},
    [LOSS_BINARY_CROSS_ENTROPY] = {TARGETS_PROBABILITY, true, false},
};

enum target_use loss_targets(int loss_kind) {
    return rows[loss_kind].targets;
}

bool loss_predicts_probabilities(int loss_kind) {
    return rows[loss_kind].probabilities;
}

bool loss_is_exclusive(int loss_kind) {
    return rows[loss_kind].exclusive;
}
