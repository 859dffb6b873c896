/* IDX files (MNIST's format), plain or gzip by their first bytes, never by name. The header's claim is
 * checked against the file before memory is taken; gzip members are joined, CRC and length verified, trailing
 * bytes refused. */
#ifndef DATA_IDX_H
#define DATA_IDX_H

#include <stddef.h>

#include "base/err.h"
#include "base/sha256.h"
#include "data/digest.h"

enum idx_type {
    IDX_U8 = 0x08,
    IDX_I8 = 0x09,
    IDX_I16 = 0x0B,
    IDX_I32 = 0x0C,
    IDX_F32 = 0x0D,
    IDX_F64 = 0x0E
};

enum { IDX_MAX_DIMS = 4 };

struct idx {
    enum idx_type type;
    size_t dims, dim[IDX_MAX_DIMS];
    size_t rows;  /* dim[0] */
    size_t width; /* elements of one row: the product of the other dimensions, 1 if there are none */
    void *values; /* rows * width elements in the machine's byte order, aligned to 64 bytes; owned */
    char sha256[SHA256_HEX]; /* of the whole decompressed file, header included */
};

/* Reads and verifies the file. On failure ERR_DATA (ERR_SYSTEM for what the machine lacks), the message
 * starting with the path and saying byte offset, expected and found. Safe to call from several threads at
 * once. */
bool idx_read(const char *path, struct idx *out, struct err *err) MUST_CHECK;
/* The same, and while it reads others may digest_help the zeroed digest, which the caller owns. */
bool idx_read_shared(const char *path, struct digest *digest, struct idx *out, struct err *err) MUST_CHECK;
/* The header alone: type, dimensions, rows and width, without values and digest. */
bool idx_peek(const char *path, struct idx *out, struct err *err) MUST_CHECK;
void idx_release(struct idx *idx);

/* Whether the content begins as every IDX file and no text does: with two zero bytes. */
bool idx_looks_like(const char *path, bool *idx, struct err *err) MUST_CHECK;

/* Writes type, dimensions and values as a plain IDX file, atomically (base/file.h); the digest is not looked
 * at. ERR_SYSTEM on any failure, and where a dimension is more than the format's 32 bits hold. */
bool idx_write(const char *path, const struct idx *idx, struct err *err) MUST_CHECK;

const char *idx_type_name(enum idx_type type); /* "u8", ... */
size_t idx_type_size(enum idx_type type);

#endif
