#include <stdint.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/idx.h"

enum { WORD_BYTES = 4, HEADER_MOST = WORD_BYTES * (1 + IDX_MAX_DIMS) };

static void put_word(uint32_t word, unsigned char *to) {
    for (int i = 0; i < WORD_BYTES; i++)
        to[i] = (unsigned char)(word >> (24 - 8 * i));
}

/* Returns how long it is; 0 where a dimension does not fit. */
static size_t put_header(const struct idx *idx, unsigned char *to) {
    put_word((uint32_t)idx->type << 8 | (uint32_t)idx->dims, to);
    for (size_t d = 0; d < idx->dims; d++) {
        if (idx->dim[d] > UINT32_MAX)
            return 0;
        put_word((uint32_t)idx->dim[d], to + WORD_BYTES * (1 + d));
    }
    return WORD_BYTES * (1 + idx->dims);
}

/* The values as the file has them, the most significant byte first, whatever the machine's order; to be
 * released with mem_free. */
static unsigned char *in_file_order(const struct idx *idx, size_t size, const char *path, struct err *err) {
    static const uint16_t probe = 1;
    const unsigned char *from = idx->values;
    size_t count = idx->rows * idx->width, low = *(const unsigned char *)&probe;
    unsigned char *to = mem_alloc(count, size, path, err);
    for (size_t i = 0; to && i < count; i++)
        for (size_t b = 0; b < size; b++)
            to[i * size + b] = from[i * size + (low ? size - 1 - b : b)];
    return to;
}

bool idx_write(const char *path, const struct idx *idx, struct err *err) {
    unsigned char header[HEADER_MOST], *turned = NULL;
    size_t size = idx_type_size(idx->type), len = put_header(idx, header);
    if (!len)
        return err_set(err, ERR_SYSTEM, "%s: cannot write: IDX holds no more than %u rows", path,
                       (unsigned)UINT32_MAX);
    if (size > 1 && !(turned = in_file_order(idx, size, path, err)))
        return false;
    const struct file_part parts[] = {{header, len},
                                      {turned ? turned : idx->values, idx->rows * idx->width * size}};
    bool ok = file_write_parts(path, parts, 2, err);
    mem_free(turned);
    return ok;
}
