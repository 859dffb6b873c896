#include "autodiff/op.h"

#include <string.h>

const struct op *op_at(size_t i) {
    if (i == 0)
        return &op_affine;
    i--;
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
