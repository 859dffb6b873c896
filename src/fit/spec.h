/* How training goes, as plain data. */
#ifndef FIT_SPEC_H
#define FIT_SPEC_H

#include <stdbool.h>
#include <stddef.h>

enum loss_kind { LOSS_CROSS_ENTROPY, LOSS_MSE, LOSS_BINARY_CROSS_ENTROPY, LOSS_COUNT };

/* "cross_entropy", ...; NULL from LOSS_COUNT on. */
const char *loss_name(size_t i);

struct loss_spec {
    int kind;
};

struct train_spec {
    size_t epochs, batch_size;
    bool shuffle;
};

#endif
