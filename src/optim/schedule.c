#include "optim/spec.h"

static const char *const names[SCHEDULE_COUNT] = {
    [SCHEDULE_CONSTANT] = "constant",   [SCHEDULE_STEP] = "step",     [SCHEDULE_EXPONENTIAL] = "exponential",
    [SCHEDULE_PLATEAU] = "plateau",     [SCHEDULE_LINEAR] = "linear", [SCHEDULE_COSINE] = "cosine",
    [SCHEDULE_ONE_CYCLE] = "one_cycle",
};

const char *schedule_name(size_t i) {
    return i < SCHEDULE_COUNT ? names[i] : NULL;
}
