/* A model's parameters as the tensors of a file, and back: float32, [out, in] whatever the layout in
 * memory. */
#ifndef RUN_TENSORS_H
#define RUN_TENSORS_H

#include <stddef.h>

#include "base/err.h"
#include "model/model.h"
#include "store/safetensors.h"

/* One tensor per parameter of the model; the bytes are a copy. Release with tensors_release. */
struct tensors {
    struct stored_tensor *tensor; /* the names are the model's */
    size_t count;
    float *values; /* owned */
};

bool tensors_of(const struct model *model, struct tensors *out, struct err *err) MUST_CHECK;
void tensors_release(struct tensors *tensors);

/* Fills the model from the file. ERR_DATA where a tensor is missing or too many, or its type, shape or a
 * value is not as it must be; the message names it but not the file, and the model is then partly filled. */
bool tensors_fill(const struct safetensors *file, struct model *model, struct err *err) MUST_CHECK;

#endif
