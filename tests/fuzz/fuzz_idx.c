/* An IDX file, plain or gzip, and what it says as labels. */
#include <math.h>
#include <string.h>

#include "data/idx.h"
#include "data/labels.h"
#include "fuzz.h"

/* Every value is looked at, so that a sanitizer sees memory that is not there or was not written. */
static void check_values(const struct idx *idx) {
    const unsigned char *bytes = idx->values;
    size_t len = idx->rows * idx->width * idx_type_size(idx->type);
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += bytes[i];
    fuzz_sink = sum;
}

static void check_peek(const char *path, const struct idx *whole) {
    struct idx header;
    struct err err = {0};
    MUST(idx_peek(path, &header, &err));
    MUST(header.type == whole->type && header.dims == whole->dims);
    MUST(header.rows == whole->rows && header.width == whole->width);
    MUST(memcmp(header.dim, whole->dim, whole->dims * sizeof whole->dim[0]) == 0);
}

static void check_labels(const struct idx *idx, const char *path, enum target_use use) {
    struct dataset set = {0};
    struct data_spec spec = {.label_column = idx->dims == 2 ? 0 : -1};
    struct err err = {0};
    if (!labels_convert(idx, path, &spec, use, &set, &err)) {
        MUST(err.kind == ERR_DATA || err.kind == ERR_CONFIG || err.kind == ERR_SYSTEM);
        return;
    }
    for (size_t i = 0; set.cls && i < idx->rows; i++)
        MUST((size_t)set.cls[i] < set.class_count);
    for (size_t i = 0; set.targets && i < idx->rows * set.target_width; i++)
        MUST(isfinite(set.targets[i]));
    dataset_release(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = fuzz_file(0, data, size);
    struct idx idx;
    struct err err = {0};
    if (!idx_read(path, &idx, &err)) {
        fuzz_check_error(&err, ERR_DATA);
        return 0;
    }
    check_values(&idx);
    check_peek(path, &idx);
    for (int use = TARGETS_DISTRIBUTION; use <= TARGETS_REAL; use++)
        check_labels(&idx, path, (enum target_use)use);
    idx_release(&idx);
    return 0;
}
