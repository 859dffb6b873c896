/* The names of what shift/spec.h lists. */
#include "shift/spec.h"

#define NAME_OF(names, i) ((i) < sizeof(names) / sizeof *(names) ? (names)[i] : NULL)

static const char *const kinds[] = {"none", "covariate", "label", "concept"};

const char *shift_kind_name(size_t i) {
    return NAME_OF(kinds, i);
}

bool shift_has_target(int kind) {
    return kind == SHIFT_COVARIATE || kind == SHIFT_LABEL;
}

static const struct {
    const char *name;
    int kind;
} methods[SHIFT_METHODS] = {
    [SHIFT_CLASSIFIER] = {"classifier", SHIFT_COVARIATE},
    [SHIFT_KLIEP] = {"kliep", SHIFT_COVARIATE},
    [SHIFT_RULSIF] = {"rulsif", SHIFT_COVARIATE},
    [SHIFT_MLLS] = {"mlls", SHIFT_LABEL},
    [SHIFT_BBSE] = {"bbse", SHIFT_LABEL},
    [SHIFT_RLLS] = {"rlls", SHIFT_LABEL},
};

const char *shift_method_name(size_t i) {
    return i < SHIFT_METHODS ? methods[i].name : NULL;
}

int shift_method_kind(int method) {
    return method >= 0 && method < SHIFT_METHODS ? methods[method].kind : SHIFT_NONE;
}

static const char *const corrections[] = {"posthoc", "retrain", "both"};

const char *label_correction_name(size_t i) {
    return NAME_OF(corrections, i);
}

static const char *const states[] = {"keep", "reset"};

const char *optimizer_state_name(size_t i) {
    return NAME_OF(states, i);
}

static const char *const actions[] = {"adapt", "reset", "report"};

const char *drift_action_name(size_t i) {
    return NAME_OF(actions, i);
}

static const char *const detectors[] = {"page_hinkley", "ddm", "adwin"};

const char *drift_detector_name(size_t i) {
    return NAME_OF(detectors, i);
}
