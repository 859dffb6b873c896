#include "store/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "store/safetensors.h"

static const char format[] = "dltrain-checkpoint/1";

static const char *const dtype[SNAPSHOT_TYPES] = {"U8", "U32", "U64", "F32", "F64"};

struct checkpoint {
    struct safetensors *file;
    struct snapshot *snapshot;
};

/* Over what the tensors are called and hold, in the order given. */
static void digest(const struct stored_tensor *tensors, size_t count, char hex[SHA256_HEX]) {
    struct sha256 hash;
    sha256_init(&hash);
    for (size_t i = 0; i < count; i++) {
        const struct stored_tensor *t = &tensors[i];
        sha256_add(&hash, t->name, strlen(t->name) + 1);
        sha256_add(&hash, t->dtype, strlen(t->dtype) + 1);
        sha256_add(&hash, t->bytes, t->len);
    }
    sha256_hex(&hash, hex);
}

/* ---- writing ---- */

static int compare_names(const void *a, const void *b) {
    const struct stored_tensor *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static struct stored_tensor tensor_of(const struct snapshot_piece *piece) {
    return (struct stored_tensor){
        .name = piece->name,
        .dtype = dtype[piece->type],
        .dims = 1,
        .dim = {piece->count},
        .bytes = piece->values,
        .len = piece->count * snapshot_type_size(piece->type),
    };
}

bool checkpoint_save(const char *path, const struct snapshot *snapshot, int contract, struct err *err) {
    size_t count = snapshot_count(snapshot);
    char hash[SHA256_HEX], rules[16];
    struct stored_tensor *tensors = mem_alloc(count, sizeof *tensors, "the list of tensors", err);
    if (!tensors)
        return err_prefix(err, "%s", path);
    for (size_t i = 0; i < count; i++)
        tensors[i] = tensor_of(snapshot_at(snapshot, i));
    if (count > 1)
        qsort(tensors, count, sizeof *tensors, compare_names);
    digest(tensors, count, hash);
    snprintf(rules, sizeof rules, "%d", contract);
    const struct stored_text metadata[] = {{"format", format}, {"contract", rules}, {"sha256", hash}};
    bool ok = safetensors_save(path, tensors, count, metadata, sizeof metadata / sizeof *metadata, err);
    mem_free(tensors);
    return ok;
}

/* ---- reading ---- */

/* -1: the file has a type that no piece has. */
static int type_of(const char *name) {
    for (int i = 0; i < SNAPSHOT_TYPES; i++)
        if (strcmp(dtype[i], name) == 0)
            return i;
    return -1;
}

static bool check_metadata(const struct safetensors *file, const char *path, int contract, struct err *err) {
    const char *found = safetensors_metadata(file, "format"), *rules = safetensors_metadata(file, "contract");
    char expected[16];
    snprintf(expected, sizeof expected, "%d", contract);
    if (!found || strcmp(found, format) != 0)
        return err_set(err, ERR_DATA, "%s: expected a checkpoint, format \"%s\", found %s%.40s%s", path,
                       format, found ? "\"" : "", found ? found : "none", found ? "\"" : "");
    return (rules && strcmp(rules, expected) == 0) ||
           err_set(err, ERR_DATA,
                   "%s: its numbers were made by version %.10s of the numeric contract, this program's is %s",
                   path, rules ? rules : "?", expected);
}

static struct snapshot *snapshot_of_file(const struct safetensors *file, const char *path, struct err *err) {
    size_t count = safetensors_count(file);
    struct snapshot *s = NULL;
    char hash[SHA256_HEX];
    struct snapshot_piece *pieces = mem_alloc(count, sizeof *pieces, "the list of tensors", err);
    struct stored_tensor *tensors =
        pieces ? mem_alloc(count, sizeof *tensors, "the list of tensors", err) : NULL;
    bool ok = tensors != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        const struct stored_tensor *t = &tensors[i];
        tensors[i] = *safetensors_at(file, i);
        int type = type_of(t->dtype);
        pieces[i] = (struct snapshot_piece){
            .name = (char *)t->name, .type = (enum snapshot_type)type, .values = t->bytes};
        ok = (type >= 0 && t->dims == 1) ||
             err_set(err, ERR_DATA, "%s: tensor \"%.80s\" is none of a checkpoint", path, t->name);
        if (ok)
            pieces[i].count = t->dim[0];
    }
    if (ok) {
        const char *told = safetensors_metadata(file, "sha256");
        qsort(tensors, count, sizeof *tensors, compare_names);
        digest(tensors, count, hash);
        ok = (told && strcmp(told, hash) == 0) ||
             err_set(err, ERR_DATA, "%s: is damaged: expected SHA-256 %.64s, found %s", path,
                     told ? told : "(none)", hash);
    }
    if (ok)
        s = snapshot_of(pieces, count, err);
    mem_free(tensors);
    mem_free(pieces);
    return s;
}

struct checkpoint *checkpoint_load(const char *path, int contract, struct err *err) {
    struct checkpoint *c = mem_alloc(1, sizeof *c, "the checkpoint", err);
    if (!c)
        return NULL;
    c->file = safetensors_load(path, err);
    if (c->file && check_metadata(c->file, path, contract, err) &&
        (c->snapshot = snapshot_of_file(c->file, path, err)))
        return c;
    checkpoint_free(c);
    return NULL;
}

void checkpoint_free(struct checkpoint *c) {
    if (!c)
        return;
    snapshot_free(c->snapshot);
    safetensors_free(c->file);
    mem_free(c);
}

struct snapshot *checkpoint_snapshot(struct checkpoint *c) {
    return c->snapshot;
}
