#include "store/safetensors_dtype.h"

#include <string.h>

#include "base/mem.h"

static const struct safetensors_dtype dtypes[] = {
    {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2},
    {"BF16", 2}, {"I32", 4}, {"U32", 4}, {"F32", 4},     {"I64", 8},     {"U64", 8}, {"F64", 8},
};

const struct safetensors_dtype *safetensors_dtype(const char *name) {
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++)
        if (strcmp(dtypes[i].name, name) == 0)
            return &dtypes[i];
    return NULL;
}

bool safetensors_length(const struct safetensors_dtype *dtype, const size_t *dim, size_t dims, size_t *len) {
    size_t product = dtype->size;
    for (size_t i = 0; i < dims; i++)
        if (!mem_mul(product, dim[i], &product))
            return false;
    *len = product;
    return true;
}
