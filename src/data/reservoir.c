#include "data/reservoir.h"

#include <string.h>

#include "base/mem.h"
#include "kernel/random.h"

bool reservoir_init(struct reservoir *reservoir, size_t capacity, const struct dataset *like, uint64_t seed,
                    struct err *err) {
    struct reservoir r = {.seed = seed, .capacity = capacity};
    size_t width = like->images.width;
    r.held = (struct dataset){
        .images = like->images,
        .features = like->features,
        .class_count = like->class_count,
    };
    r.held.images.sha256[0] = '\0';
    r.held.images.values = mem_alloc_aligned(capacity, width * idx_type_size(like->images.type),
                                             "the samples to be replayed", err);
    r.held.cls = r.held.images.values
                     ? mem_alloc(capacity, sizeof *r.held.cls, "the samples to be replayed", err)
                     : NULL;
    bool ok = r.held.cls != NULL;
    *reservoir = r;
    if (ok)
        reservoir_empty(reservoir);
    else
        reservoir_release(reservoir);
    return ok;
}

void reservoir_release(struct reservoir *reservoir) {
    dataset_release(&reservoir->held);
    *reservoir = (struct reservoir){0};
}

void reservoir_empty(struct reservoir *reservoir) {
    reservoir->seen = 0;
    reservoir->held.images.rows = reservoir->held.images.dim[0] = 0;
}

static void put(struct reservoir *r, size_t place, const struct dataset *set, size_t row) {
    size_t bytes = set->images.width * idx_type_size(set->images.type);
    memcpy((char *)r->held.images.values + place * bytes, (const char *)set->images.values + row * bytes,
           bytes);
    r->held.cls[place] = set->cls[row];
    if (set->class_count > r->held.class_count)
        r->held.class_count = set->class_count;
}

/* A place among all samples seen so far; those behind the capacity are none. */
static uint64_t draw(const struct reservoir *r) {
    struct random_block block =
        random_philox(r->seed, STREAM_RESERVOIR, (uint32_t)(r->number >> 32), (uint32_t)r->number, 0);
    return (uint64_t)(random_unit(block, 0) * (double)r->seen);
}

void reservoir_see(struct reservoir *r, const struct data_part *part) {
    for (size_t i = 0; i < part->count; i++, r->number++) {
        size_t row = data_row(part, i);
        r->seen++;
        if (r->seen <= r->capacity) {
            r->held.images.rows = r->held.images.dim[0] = (size_t)r->seen;
            put(r, (size_t)r->seen - 1, part->set, row);
            continue;
        }
        uint64_t place = draw(r);
        if (place < r->capacity)
            put(r, (size_t)place, part->set, row);
    }
}

void reservoir_snapshot(struct reservoir *r, size_t classes, struct snapshot *s) {
    struct idx *images = &r->held.images;
    size_t rows = images->rows, bytes = images->width * idx_type_size(images->type);
    snapshot_u64(s, "seen", &r->seen);
    snapshot_u64(s, "number", &r->number);
    snapshot_size(s, "class_count", &r->held.class_count, classes);
    snapshot_size(s, "rows", &rows, r->capacity);
    images->rows = images->dim[0] = rows;
    if (snapshot_restores(s) &&
        (r->seen > UINT64_MAX / 2 || rows != (r->seen < r->capacity ? r->seen : r->capacity)))
        snapshot_refuse(s, "rows", "expected as many as were seen, up to %zu, found %zu", r->capacity, rows);
    snapshot_bytes(s, "images", images->values, rows * bytes);
    snapshot_u32s(s, "classes", r->held.cls, rows, (uint32_t)classes - 1);
}
