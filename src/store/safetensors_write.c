#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/safetensors_dtype.h"

static int compare_names(const void *a, const void *b) {
    const struct stored_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name); /* compares as unsigned char: bytewise */
}

/* The tensors in the bytewise order of their names. Release with mem_free. */
static const struct stored_tensor **sorted(const struct stored_tensor *tensors, size_t count,
                                           struct err *err) {
    const struct stored_tensor **order = mem_alloc(count, sizeof(void *), "the list of tensors", err);
    for (size_t i = 0; order != NULL && i < count; i++)
        order[i] = &tensors[i];
    if (order != NULL && count > 1)
        qsort(order, count, sizeof *order, compare_names);
    return order;
}

/* What the caller hands over must be a file that safetensors_load would take. */
static void assert_sound(const struct stored_tensor *const *order, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct safetensors_dtype *dtype = safetensors_dtype(order[i]->dtype);
        size_t len = 0;
        assert(i == 0 || strcmp(order[i - 1]->name, order[i]->name) != 0);
        assert(strcmp(order[i]->name, "__metadata__") != 0);
        assert(dtype != NULL && order[i]->dims <= SAFETENSORS_MAX_DIMS);
        assert(safetensors_length(dtype, order[i]->dim, order[i]->dims, &len) && len == order[i]->len);
        (void)dtype, (void)len;
    }
}

static void write_metadata(struct json_writer *w, const struct stored_text *metadata, size_t count) {
    if (count == 0)
        return;
    json_key(w, "__metadata__");
    json_begin_object(w);
    for (size_t i = 0; i < count; i++) {
        json_key(w, metadata[i].key);
        json_string(w, metadata[i].value);
    }
    json_end_object(w);
}

static void write_tensor(struct json_writer *w, const struct stored_tensor *tensor, size_t *offset) {
    json_key(w, tensor->name);
    json_begin_object(w);
    json_key(w, "dtype");
    json_string(w, tensor->dtype);
    json_key(w, "shape");
    json_begin_array(w);
    for (size_t i = 0; i < tensor->dims; i++)
        json_uint(w, tensor->dim[i]);
    json_end_array(w);
    json_key(w, "data_offsets");
    json_begin_array(w);
    json_uint(w, *offset);
    json_uint(w, *offset += tensor->len);
    json_end_array(w);
    json_end_object(w);
}

/* The header's length, the header, and spaces up to a multiple of 8, so that the data are aligned. */
static bool write_header(struct text *out, const struct stored_tensor *const *order, size_t count,
                         const struct stored_text *metadata, size_t metadata_count, struct err *err) {
    struct json_writer w = {.out = out};
    size_t offset = 0;
    text_add_bytes(out, "\0\0\0\0\0\0\0", 8);
    json_begin_object(&w);
    write_metadata(&w, metadata, metadata_count);
    for (size_t i = 0; i < count; i++)
        write_tensor(&w, order[i], &offset);
    json_end_object(&w);
    while (!out->failed && out->len % 8 != 0)
        text_add(out, " ");
    if (!text_ok(out, err))
        return false;
    uint64_t len = out->len - 8;
    if (len > SAFETENSORS_MAX_HEADER)
        return err_set(err, ERR_SYSTEM, "the header would be %zu bytes long, at most %d are allowed",
                       (size_t)len, SAFETENSORS_MAX_HEADER);
    for (int i = 0; i < 8; i++)
        out->s[i] = (char)(len >> (8 * i) & 0xFF);
    return true;
}

static bool write_all(const char *path, const struct text *header, const struct stored_tensor *const *order,
                      size_t count, struct err *err) {
    struct file_part *parts = mem_alloc(count + 1, sizeof *parts, "the list of tensors", err);
    if (parts == NULL)
        return err_prefix(err, "%s", path);
    parts[0] = (struct file_part){header->s, header->len};
    for (size_t i = 0; i < count; i++)
        parts[i + 1] = (struct file_part){order[i]->bytes, order[i]->len};
    bool ok = file_write_parts(path, parts, count + 1, err);
    mem_free(parts);
    return ok;
}

bool safetensors_save(const char *path, const struct stored_tensor *tensors, size_t count,
                      const struct stored_text *metadata, size_t metadata_count, struct err *err) {
    struct text header = {0};
    const struct stored_tensor **order = sorted(tensors, count, err);
    if (order == NULL)
        return err_prefix(err, "%s", path);
    assert_sound(order, count);
    bool ok = write_header(&header, order, count, metadata, metadata_count, err);
    if (!ok)
        err_prefix(err, "%s", path);
    else
        ok = write_all(path, &header, order, count, err);
    text_release(&header);
    mem_free(order);
    return ok;
}

bool safetensors_digest(const struct stored_tensor *tensors, size_t count, char hex[SHA256_HEX],
                        struct err *err) {
    const struct stored_tensor **order = sorted(tensors, count, err);
    if (order == NULL)
        return false;
    struct sha256 hash;
    sha256_init(&hash);
    for (size_t i = 0; i < count; i++)
        sha256_add(&hash, order[i]->bytes, order[i]->len);
    sha256_hex(&hash, hex);
    mem_free(order);
    return true;
}
