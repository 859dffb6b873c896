#include "autodiff/op.h"

#include <string.h>

static const struct op *const single[] = {&op_affine, &op_affine_noise, &op_dropout};

const struct op *op_at(size_t i) {
    enum { SINGLE = sizeof single / sizeof single[0] };
    if (i < SINGLE)
        return single[i];
    i -= SINGLE;
    if (i < ACTIVATION_COUNT)
        return op_activation_at(i);
    return op_loss_at(i - ACTIVATION_COUNT);
}

const struct op *op_find(const char *name) {
    const struct op *op;
    for (size_t i = 0; (op = op_at(i)); i++)
        if (strcmp(op->name, name) == 0)
            return op;
    return NULL;
}
