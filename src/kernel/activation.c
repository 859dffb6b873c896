#include "kernel/activation.h"

enum { GAIN_XAVIER, GAIN_HE };

enum slope_use { SLOPE_NONE, SLOPE_FIXED, SLOPE_LEARNED };

static const struct activation_info rows[ACTIVATION_COUNT] = {
#define X(id, label, kept, gain, use, start, bend, text, value, slope_of_xy, slope_text)                     \
    [ACTIVATION_##id] = {.name = label,                                                                      \
                         .formula = text,                                                                    \
                         .slope = slope_text,                                                                \
                         .he = GAIN_##gain,                                                                  \
                         .takes_slope = SLOPE_##use != SLOPE_NONE,                                           \
                         .learns_slope = SLOPE_##use == SLOPE_LEARNED,                                       \
                         .slope_default = start},
    ACTIVATION_LIST(X)
#undef X
};

const struct activation_info *activation_info(enum activation a) {
    return &rows[a];
}

const char *activation_name(size_t i) {
    return i < ACTIVATION_COUNT ? rows[i].name : NULL;
}
