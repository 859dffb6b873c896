#include "kernel/activation.h"

enum { KEPT_Y = 0, KEPT_X = 1, GAIN_XAVIER = 0, GAIN_HE = 1 };

static const struct activation_info rows[ACTIVATION_COUNT] = {
#define X(id, label, kept, gain, text, value, slope_expression, slope_text)                                  \
    [ACTIVATION_##id] = {.name = label,                                                                      \
                         .formula = text,                                                                    \
                         .slope = slope_text,                                                                \
                         .keeps_input = KEPT_##kept,                                                         \
                         .he = GAIN_##gain,                                                                  \
                         .takes_slope = ACTIVATION_##id == ACTIVATION_LEAKY_RELU ||                          \
                                        ACTIVATION_##id == ACTIVATION_PRELU,                                 \
                         .learns_slope = ACTIVATION_##id == ACTIVATION_PRELU},
    ACTIVATION_LIST(X)
#undef X
};

const struct activation_info *activation_info(enum activation a) {
    return &rows[a];
}

const char *activation_name(size_t i) {
    return i < ACTIVATION_COUNT ? rows[i].name : NULL;
}
