#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/safetensors_dtype.h"

struct safetensors {
    unsigned char *bytes; /* the whole file */
    size_t len, header_len;
    struct json *header; /* owns the names and the metadata */
    struct stored_tensor *tensors;
    size_t count;
    const cJSON *metadata; /* an object of strings, or NULL */
};

enum { LENGTH_BYTES = 8 };

/* Puts in front where a fault of the header lies: header 1:17: "0.weight": ... */
static bool fail_item(const struct safetensors *file, const cJSON *item, struct err *err) {
    size_t line = 1, column = 1;
    if (item->string != NULL)
        err_prefix(err, "\"%.200s\"", item->string);
    if (json_position(file->header, item, &line, &column))
        err_prefix(err, "header %zu:%zu", line, column);
    return false;
}

/* ---- one tensor ---- */

static bool read_size(const struct safetensors *file, const cJSON *item, size_t *value) {
    const char *digits = json_number_text(file->header, item);
    uint64_t number;
    if (digits == NULL || !json_uint64(digits, &number) || number > SIZE_MAX)
        return false;
    *value = (size_t)number;
    return true;
}

static bool read_shape(const struct safetensors *file, const cJSON *shape, struct stored_tensor *tensor,
                       struct err *err) {
    if (!cJSON_IsArray(shape))
        return err_set(err, ERR_DATA, "expected \"shape\", an array of sizes");
    size_t dims = 0;
    for (const cJSON *size = shape->child; size != NULL; size = size->next, dims++) {
        if (dims == SAFETENSORS_MAX_DIMS)
            return err_set(err, ERR_DATA, "expected at most %d dimensions, found more", SAFETENSORS_MAX_DIMS);
        if (!read_size(file, size, &tensor->dim[dims]))
            return err_set(err, ERR_DATA, "expected a whole number as size of dimension %zu", dims);
    }
    tensor->dims = dims;
    return true;
}

static bool read_offsets(const struct safetensors *file, const cJSON *offsets, struct stored_tensor *tensor,
                         struct err *err) {
    size_t begin, end, room = file->len - LENGTH_BYTES - file->header_len;
    if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 ||
        !read_size(file, offsets->child, &begin) || !read_size(file, offsets->child->next, &end))
        return err_set(err, ERR_DATA, "expected \"data_offsets\", an array of two whole numbers");
    if (begin > end)
        return err_set(err, ERR_DATA, "expected data_offsets in order, found [%zu, %zu]", begin, end);
    if (end > room)
        return err_set(err, ERR_DATA, "expected data_offsets within the %zu bytes of data, found [%zu, %zu]",
                       room, begin, end);
    tensor->bytes = file->bytes + LENGTH_BYTES + file->header_len + begin;
    tensor->len = end - begin;
    return true;
}

static bool known_keys(const cJSON *item, struct err *err) {
    for (const cJSON *key = item->child; key != NULL; key = key->next)
        if (strcmp(key->string, "dtype") != 0 && strcmp(key->string, "shape") != 0 &&
            strcmp(key->string, "data_offsets") != 0)
            return err_set(err, ERR_DATA, "expected dtype, shape and data_offsets, found \"%.200s\"",
                           key->string);
    return true;
}

static bool read_tensor(const struct safetensors *file, const cJSON *item, struct stored_tensor *tensor,
                        struct err *err) {
    size_t wanted;
    tensor->name = item->string;
    if (!cJSON_IsObject(item))
        return err_set(err, ERR_DATA, "expected an object that describes a tensor");
    if (!known_keys(item, err))
        return false;
    const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(item, "dtype");
    if (!cJSON_IsString(dtype))
        return err_set(err, ERR_DATA, "expected \"dtype\", a string");
    const struct safetensors_dtype *row = safetensors_dtype(dtype->valuestring);
    if (row == NULL)
        return err_set(err, ERR_DATA, "expected a known dtype, found \"%.40s\"", dtype->valuestring);
    tensor->dtype = row->name;
    if (!read_shape(file, cJSON_GetObjectItemCaseSensitive(item, "shape"), tensor, err) ||
        !read_offsets(file, cJSON_GetObjectItemCaseSensitive(item, "data_offsets"), tensor, err))
        return false;
    if (!safetensors_length(row, tensor->dim, tensor->dims, &wanted))
        return err_set(err, ERR_DATA, "the shape's product does not fit into memory");
    if (wanted != tensor->len)
        return err_set(err, ERR_DATA, "expected %zu bytes for its shape and dtype %s, found %zu", wanted,
                       row->name, tensor->len);
    return true;
}

/* ---- all tensors ---- */

/* Empty tensors stand in front of the one that begins at the same place. */
static int compare_places(const void *a, const void *b) {
    const struct stored_tensor *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Holes could hide anything, overlaps make one tensor change with another. */
static bool check_tiling(const struct safetensors *file, struct err *err) {
    const unsigned char *start = file->bytes + LENGTH_BYTES + file->header_len, *end = start;
    for (size_t i = 0; i < file->count; i++) {
        const struct stored_tensor *t = &file->tensors[i];
        if (t->bytes != end)
            return err_set(err, ERR_DATA, "tensor \"%.200s\": expected its data at offset %zu, found %zu",
                           t->name, (size_t)(end - file->bytes), (size_t)(t->bytes - file->bytes));
        end += t->len;
    }
    if (end != file->bytes + file->len)
        return err_set(err, ERR_DATA, "expected the end of the file at offset %zu, found %zu more bytes",
                       (size_t)(end - file->bytes), (size_t)(file->bytes + file->len - end));
    return true;
}

static bool read_metadata(struct safetensors *file, const cJSON *metadata, struct err *err) {
    if (!cJSON_IsObject(metadata)) {
        err_set(err, ERR_DATA, "expected an object of strings");
        return fail_item(file, metadata, err);
    }
    for (const cJSON *item = metadata->child; item != NULL; item = item->next)
        if (!cJSON_IsString(item)) {
            err_set(err, ERR_DATA, "expected a string");
            return fail_item(file, item, err);
        }
    file->metadata = metadata;
    return true;
}

static bool read_entries(struct safetensors *file, struct err *err) {
    const cJSON *root = json_root(file->header);
    size_t room = (size_t)cJSON_GetArraySize(root);
    file->tensors = mem_alloc(room, sizeof *file->tensors, "the list of tensors", err);
    if (file->tensors == NULL)
        return false;
    for (const cJSON *item = root->child; item != NULL; item = item->next) {
        if (strcmp(item->string, "__metadata__") == 0) {
            if (!read_metadata(file, item, err))
                return false;
        } else if (!read_tensor(file, item, &file->tensors[file->count++], err))
            return fail_item(file, item, err);
    }
    qsort(file->tensors, file->count, sizeof *file->tensors, compare_places);
    return check_tiling(file, err);
}

/* ---- the file ---- */

static bool read_length(struct safetensors *file, struct err *err) {
    uint64_t wanted = 0;
    if (file->len < LENGTH_BYTES)
        return err_set(err, ERR_DATA,
                       "expected a header length of 8 bytes at offset 0, found a file of %zu bytes",
                       file->len);
    for (int i = LENGTH_BYTES - 1; i >= 0; i--)
        wanted = wanted << 8 | file->bytes[i];
    size_t left = file->len - LENGTH_BYTES;
    if (wanted > SAFETENSORS_MAX_HEADER)
        return err_set(err, ERR_DATA,
                       "expected a header length of at most %d at offset 0, found %llu (no safetensors file)",
                       SAFETENSORS_MAX_HEADER, (unsigned long long)wanted);
    if (wanted > left)
        return err_set(err, ERR_DATA, "expected a header of %llu bytes at offset 8, found %zu bytes",
                       (unsigned long long)wanted, left);
    if (wanted == 0 || file->bytes[LENGTH_BYTES] != '{')
        return err_set(err, ERR_DATA, "expected '{' at offset 8, found no header (no safetensors file)");
    file->header_len = (size_t)wanted;
    return true;
}

static bool load(struct safetensors *file, const char *path, struct err *err) {
    if (!file_read(path, SIZE_MAX, &file->bytes, &file->len, err))
        return false;
    struct json_options options = {.max_bytes = SAFETENSORS_MAX_HEADER};
    if (!read_length(file, err))
        return err_prefix(err, "%s", path);
    const char *text = (const char *)file->bytes + LENGTH_BYTES;
    file->header = json_parse(text, file->header_len, options, ERR_DATA, err);
    if (file->header == NULL)
        return err_prefix(err, "%s: header", path);
    return read_entries(file, err) || err_prefix(err, "%s", path);
}

struct safetensors *safetensors_load(const char *path, struct err *err) {
    struct safetensors *file = mem_alloc(1, sizeof *file, "a model file", err);
    if (file == NULL || load(file, path, err))
        return file;
    safetensors_free(file);
    return NULL;
}

void safetensors_free(struct safetensors *file) {
    if (file == NULL)
        return;
    mem_free(file->tensors);
    json_free(file->header);
    mem_free(file->bytes);
    mem_free(file);
}

size_t safetensors_count(const struct safetensors *file) {
    return file->count;
}

const struct stored_tensor *safetensors_at(const struct safetensors *file, size_t i) {
    return &file->tensors[i];
}

const struct stored_tensor *safetensors_find(const struct safetensors *file, const char *name) {
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

const char *safetensors_metadata(const struct safetensors *file, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(file->metadata, key);
    return item != NULL ? item->valuestring : NULL;
}
