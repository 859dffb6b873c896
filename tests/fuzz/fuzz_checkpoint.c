/* A checkpoint file, as it is and with a hash that is right whatever it holds. */
#include <string.h>

#include "base/mem.h"
#include "base/snapshot.h"
#include "fuzz.h"
#include "store/checkpoint.h"
#include "store/safetensors.h"

enum { CONTRACT = 2 };

static const char *const dtypes[SNAPSHOT_TYPES] = {"U8", "U32", "U64", "F32", "F64"};

/* Every piece is looked at, in the direction that modules look. */
static void check_pieces(struct snapshot *s) {
    unsigned sum = 0;
    for (size_t i = 0; i < snapshot_count(s); i++) {
        const struct snapshot_piece *p = snapshot_at(s, i);
        const unsigned char *bytes = p->values;
        for (size_t b = 0; b < p->count * snapshot_type_size(p->type); b++)
            sum += bytes[b];
        MUST(i == 0 || strcmp(snapshot_at(s, i - 1)->name, p->name) < 0);
    }
    fuzz_sink = sum;
}

/* What of a safetensors file a checkpoint may hold. The names and values are the file's. */
static size_t take_pieces(const struct safetensors *file, struct snapshot_piece *pieces) {
    size_t count = 0;
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const struct stored_tensor *t = safetensors_at(file, i);
        for (int type = 0; t->dims == 1 && type < SNAPSHOT_TYPES; type++)
            if (strcmp(t->dtype, dtypes[type]) == 0)
                pieces[count++] = (struct snapshot_piece){.name = (char *)(uintptr_t)t->name,
                                                          .type = (enum snapshot_type)type,
                                                          .count = t->dim[0],
                                                          .values = t->bytes};
    }
    return count;
}

/* Saved as a checkpoint, they come back as they are. */
static void check_round_trip(const struct snapshot_piece *pieces, size_t count) {
    struct err err = {0};
    const char *path = fuzz_path("saved");
    struct snapshot *s = snapshot_of(pieces, count, &err);
    MUST(s);
    if (!checkpoint_save(path, s, CONTRACT, &err))
        fuzz_failed(err.text, "what checkpoint_save was given", 0);
    struct checkpoint *c = checkpoint_load(path, CONTRACT, &err);
    if (!c)
        fuzz_failed(err.text, "what checkpoint_save wrote", 0);
    struct snapshot *again = checkpoint_snapshot(c);
    MUST(snapshot_count(again) == count);
    check_pieces(again);
    for (size_t i = 0; i < count; i++) {
        const struct snapshot_piece *a = snapshot_at(s, i), *b = snapshot_at(again, i);
        MUST(strcmp(a->name, b->name) == 0 && a->type == b->type && a->count == b->count);
        MUST(a->count == 0 || memcmp(a->values, b->values, a->count * snapshot_type_size(a->type)) == 0);
    }
    checkpoint_free(c);
    snapshot_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = fuzz_file(0, data, size);
    struct err err = {0};
    struct checkpoint *c = checkpoint_load(path, CONTRACT, &err);
    if (c)
        check_pieces(checkpoint_snapshot(c));
    else
        fuzz_check_error(&err, ERR_DATA);
    struct safetensors *file = safetensors_load(path, &err);
    if (file) {
        struct snapshot_piece *pieces = mem_alloc(safetensors_count(file), sizeof *pieces, "pieces", &err);
        MUST(pieces);
        check_round_trip(pieces, take_pieces(file, pieces));
        mem_free(pieces);
    }
    MUST(!c || file);
    safetensors_free(file);
    checkpoint_free(c);
    return 0;
}
