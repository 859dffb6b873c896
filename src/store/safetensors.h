/* safetensors files: u64 little-endian header length, JSON header, tensor bytes
 * (github.com/huggingface/safetensors). Reading trusts nothing: every length is checked before use, offsets
 * must tile the buffer without hole or overlap. Equal tensors and metadata give equal files. */
#ifndef STORE_SAFETENSORS_H
#define STORE_SAFETENSORS_H

#include <stddef.h>

#include "base/err.h"
#include "base/sha256.h"

enum { SAFETENSORS_MAX_DIMS = 8 };

/* A tensor of a file, or one to be written. */
struct stored_tensor {
    const char *name;
    const char *dtype; /* "F32", "F64", ... */
    size_t dims, dim[SAFETENSORS_MAX_DIMS];
    const unsigned char *bytes; /* little-endian, C order; not necessarily aligned */
    size_t len;
};

struct stored_text {
    const char *key, *value;
};

/* A file in memory; the tensors point into it. */
struct safetensors;

/* ERR_DATA with path, offset, expected and found for anything that is not a sound file. Release with
 * safetensors_free. */
struct safetensors *safetensors_load(const char *path, struct err *err) MUST_CHECK;
void safetensors_free(struct safetensors *file);
size_t safetensors_count(const struct safetensors *file);
const struct stored_tensor *safetensors_at(const struct safetensors *file,
                                           size_t i); /* in the file's order */
const struct stored_tensor *safetensors_find(const struct safetensors *file, const char *name); /* or NULL */
const char *safetensors_metadata(const struct safetensors *file, const char *key);              /* or NULL */

/* Writes atomically; tensors stand in the bytewise order of their names, metadata in the order given. */
bool safetensors_save(const char *path, const struct stored_tensor *tensors, size_t count,
                      const struct stored_text *metadata, size_t metadata_count, struct err *err) MUST_CHECK;

/* SHA-256 over the tensors' bytes in the bytewise order of their names. */
bool safetensors_digest(const struct stored_tensor *tensors, size_t count, char hex[SHA256_HEX],
                        struct err *err) MUST_CHECK;

#endif
