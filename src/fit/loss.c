#include "autodiff/op.h"
#include "fit/spec.h"

/* The choices are the loss rows of the op table, in the order of enum loss_kind. */
const char *loss_name(size_t i) {
    const struct op *op = op_loss_at(i);
    return op ? op->name : NULL;
}
