/* The element types of safetensors files. Private to safetensors*.c. */
#ifndef STORE_SAFETENSORS_DTYPE_H
#define STORE_SAFETENSORS_DTYPE_H

#include <stddef.h>

#include "store/safetensors.h"

struct safetensors_dtype {
    const char *name;
    size_t size; /* bytes of an element */
};

/* NULL where the format knows no such type. */
const struct safetensors_dtype *safetensors_dtype(const char *name);

/* *len = the bytes of a tensor of that type and shape; false where they do not fit into size_t. */
bool safetensors_length(const struct safetensors_dtype *dtype, const size_t *dim, size_t dims,
                        size_t *len) MUST_CHECK;

/* The reference implementation's limit of the header's length. */
enum { SAFETENSORS_MAX_HEADER = 100000000 };

#endif
