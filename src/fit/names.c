/* The names of what fit/spec.h lists. */
#include "fit/spec.h"

#define NAME_OF(names) (i < sizeof(names) / sizeof *(names) ? (names)[i] : NULL)

static const struct metric_row {
    const char *name;
    bool higher_is_better;
} metrics[METRIC_COUNT] = {
    [METRIC_TRAIN_LOSS] = {"train.loss", false},
    [METRIC_TRAIN_ACCURACY] = {"train.accuracy", true},
    [METRIC_TRAIN_PENALTY] = {"train.penalty", false},
    [METRIC_VALIDATION_LOSS] = {"validation.loss", false},
    [METRIC_VALIDATION_ACCURACY] = {"validation.accuracy", true},
    [METRIC_VALIDATION_WEIGHTED_LOSS] = {"validation.weighted_loss", false},
    [METRIC_VALIDATION_BRIER] = {"validation.brier", false},
    [METRIC_VALIDATION_ECE] = {"validation.ece", false},
    [METRIC_VALIDATION_R2] = {"validation.r2", true},
};

const char *metric_name(size_t i) {
    return i < METRIC_COUNT ? metrics[i].name : NULL;
}

bool metric_higher_is_better(int metric) {
    return metrics[metric].higher_is_better;
}

const char *l1_method_name(size_t i) {
    static const char *const names[] = {[L1_PROXIMAL] = "proximal", [L1_SUBGRADIENT] = "subgradient"};
    return NAME_OF(names);
}

const char *penalize_bias_name(size_t i) {
    static const char *const names[] = {
        [PENALIZE_NONE] = "none", [PENALIZE_HIDDEN] = "hidden", [PENALIZE_ALL] = "all"};
    return NAME_OF(names);
}

const char *weight_noise_kind_name(size_t i) {
    static const char *const names[] = {
        [WEIGHT_NOISE_PER_SAMPLE] = "per_sample", [WEIGHT_NOISE_PER_STEP] = "per_step"};
    return NAME_OF(names);
}
