#include "data/sparse.h"

#include <assert.h>

#include "base/mem.h"
#include "kernel/random.h"

/* Columns that one job compresses: their lists stand behind each other. */
enum { BLOCK = 16 };

/* Rows of about so many bytes, spread over the set, are looked at to find how many bytes are 0. */
enum { SAMPLE_BYTES = 1 << 20 };

/* Lists are the faster up to this share of bytes that are not 0. A product over lists does about half the
 * work a cycle that one over panels does: measured on MNIST (19 %: lists are 2.9 times as fast) and
 * Fashion-MNIST (50 %: as fast, and making them costs a little). A panel of few samples is mostly padding,
 * which lists do not have: at batch 1 they are 1.8 times as fast on Fashion-MNIST. */
static double share_that_suits(size_t batch) {
    return batch < KERNEL_LANES ? 0.8 : 0.4;
}

struct sparse_batch {
    size_t features, lanes;
    bool drops; /* inputs, by */
    struct dropout dropout;
    size_t slices, segments; /* that there is memory for */
    real value[256];
    size_t row_room;          /* entries of one slice */
    uint32_t *row_entry;      /* [slices][row_room] */
    uint32_t *row_start;      /* [slices][lanes] */
    struct sparse_rows *rows; /* [slices] */
    uint8_t *blank;           /* [features] 0: a sample that adds nothing to a gradient */
    uint8_t *bytes;           /* [slices][features][lanes] */
    size_t block_room;        /* entries of one block of columns in one segment */
    uint32_t *column_entry;   /* [segments][blocks][block_room] */
    size_t *column_start;     /* [segments][features] */
    struct sparse_columns columns;
};

static size_t blocks_of(size_t features) {
    return (features + BLOCK - 1) / BLOCK;
}

static size_t segments_of(size_t samples) {
    return (samples + SPARSE_SEGMENT - 1) / SPARSE_SEGMENT;
}

bool sparse_suits(const struct dataset *set, const struct scaling *scaling, size_t batch) {
    if (set->images.type != IDX_U8 || set->features > SPARSE_POSITIONS ||
        (scaling->kind != SCALE_UNIT && scaling->kind != SCALE_NONE))
        return false;
    size_t all = set->images.rows, rows = SAMPLE_BYTES / set->features + 1, some = 0;
    rows = all < rows ? all : rows;
    for (size_t r = 0; r < rows; r++) {
        const uint8_t *row = (const uint8_t *)set->images.values + all * r / rows * set->features;
        for (size_t f = 0; f < set->features; f++)
            some += row[f] != 0;
    }
    return (double)some <= share_that_suits(batch) * (double)(rows * set->features);
}

static size_t room_of_rows(size_t features, size_t lanes) {
    return lanes * (features + 1);
}

/* A column of a segment is no longer than the batch. */
static size_t room_of_block(size_t samples) {
    return BLOCK * ((samples < SPARSE_SEGMENT ? samples : SPARSE_SEGMENT) + 1);
}

size_t sparse_batch_bytes(const struct dataset *set, size_t slices, size_t lanes) {
    size_t segments = segments_of(slices * lanes);
    return slices * room_of_rows(set->features, lanes) * sizeof(uint32_t) + slices * lanes * set->features +
           segments * blocks_of(set->features) * room_of_block(slices * lanes) * sizeof(uint32_t) +
           segments * set->features * sizeof(size_t);
}

static bool allocate_columns(struct sparse_batch *b, const char *what, struct err *err) {
    b->column_entry =
        mem_alloc(b->segments * blocks_of(b->features), b->block_room * sizeof *b->column_entry, what, err);
    if (b->column_entry)
        b->column_start = mem_alloc(b->segments * b->features, sizeof *b->column_start, what, err);
    b->columns = (struct sparse_columns){b->column_entry, b->column_start, b->value, b->features};
    return b->column_start != NULL;
}

struct sparse_batch *sparse_batch_create(const struct dataset *set, const struct scaling *scaling, real keep,
                                         size_t slices, size_t lanes, bool columns, struct err *err) {
    static const char what[] = "the compressed images of a batch";
    assert(set->images.type == IDX_U8 && !scaling->mean && set->features <= SPARSE_POSITIONS);
    struct sparse_batch *b = mem_alloc(1, sizeof *b, what, err);
    if (!b)
        return NULL;
    b->drops = keep < 1;
    b->dropout = dropout_keeping(keep);
    b->features = set->features;
    b->lanes = lanes, b->slices = slices;
    b->segments = segments_of(slices * lanes);
    b->row_room = room_of_rows(b->features, lanes);
    b->block_room = room_of_block(slices * lanes);
    for (size_t i = 0; i < 256; i++)
        b->value[i] = (scaling->kind == SCALE_UNIT ? (real)i / (real)255 : (real)i) * b->dropout.scale;
    b->row_entry = mem_alloc(slices * b->row_room, sizeof *b->row_entry, what, err);
    if (b->row_entry)
        b->row_start = mem_alloc(slices * lanes, sizeof *b->row_start, what, err);
    if (b->row_start)
        b->rows = mem_alloc(slices, sizeof *b->rows, what, err);
    if (b->rows)
        b->blank = mem_alloc(b->features, 1, what, err);
    if (b->blank && (columns || b->drops))
        b->bytes = mem_alloc_aligned(slices * lanes, b->features, what, err);
    if (!b->blank || ((columns || b->drops) && !b->bytes) || (columns && !allocate_columns(b, what, err))) {
        sparse_batch_free(b);
        return NULL;
    }
    for (size_t i = 0; i < slices; i++)
        b->rows[i] = (struct sparse_rows){b->row_entry + i * b->row_room, b->row_start + i * lanes, b->value,
                                          b->features};
    return b;
}

void sparse_batch_free(struct sparse_batch *batch) {
    if (!batch)
        return;
    mem_free(batch->row_entry);
    mem_free(batch->row_start);
    mem_free(batch->rows);
    mem_free(batch->blank);
    mem_free(batch->bytes);
    mem_free(batch->column_entry);
    mem_free(batch->column_start);
    mem_free(batch);
}

/* Shuffled rows are anywhere in memory: they are asked for before they are needed. */
enum { AHEAD = 4, CACHE_LINE = 64, FETCH_BYTES = 2048 };

static void fetch(const uint8_t *row, size_t bytes) {
    for (size_t i = 0; i < bytes && i < FETCH_BYTES; i += CACHE_LINE)
        __builtin_prefetch(row + i);
}

/* Takes out of a list what stands as 0 in the sample's column of the turned bytes. */
static size_t take_out(uint32_t *entry, const uint8_t *column, size_t lanes) {
    uint32_t *at = entry;
    for (const uint32_t *from = entry; *from != SPARSE_END; from++) {
        *at = *from;
        at += column[(*from >> 8) * lanes] != 0;
    }
    *at = SPARSE_END;
    return (size_t)(at - entry) + 1;
}

static void turn(struct sparse_batch *b, const struct kernel *k, const uint8_t *const *row,
                 const struct noise *noise, uint8_t *bytes) {
    k->turn_bytes(b->features, b->lanes, row, bytes);
    if (b->drops)
        k->drop_bytes(b->features, b->lanes, noise, STREAM_INPUT_DROPOUT, b->dropout, bytes);
}

void sparse_batch_load(struct sparse_batch *b, const struct kernel *k, const uint8_t *const *row,
                       size_t count, const struct noise *noise, size_t index) {
    const uint8_t *at[SPARSE_LANES];
    uint32_t *entry = b->row_entry + index * b->row_room, *start = b->row_start + index * b->lanes;
    uint8_t *bytes = b->bytes ? b->bytes + index * b->lanes * b->features : NULL;
    size_t used = 0;
    assert(count > 0 && count <= b->lanes && b->lanes <= SPARSE_LANES);
    for (size_t s = 0; s < b->lanes; s++)
        at[s] = s < count ? row[s] : b->blank;
    if (b->drops)
        turn(b, k, at, noise, bytes);
    for (size_t s = 0; s < b->lanes; s++) {
        if (s + AHEAD < count)
            fetch(at[s + AHEAD], b->features);
        start[s] = (uint32_t)used;
        if (s >= count) {
            entry[used++] = SPARSE_END;
            continue;
        }
        size_t some = k->sparse_list(b->features, at[s], entry + used);
        used += b->drops ? take_out(entry + used, bytes + s, b->lanes) : some;
    }
    if (bytes && !b->drops)
        turn(b, k, at, noise, bytes);
}

const struct sparse_rows *sparse_batch_rows(const struct sparse_batch *b, size_t index) {
    return &b->rows[index];
}

size_t sparse_batch_blocks(const struct sparse_batch *b, size_t samples) {
    return segments_of(samples) * blocks_of(b->features);
}

void sparse_batch_list(struct sparse_batch *b, const struct kernel *k, size_t samples, size_t block) {
    size_t blocks = blocks_of(b->features), segment = block / blocks, first = block % blocks * BLOCK;
    size_t features = b->features - first < BLOCK ? b->features - first : BLOCK;
    size_t per_segment = SPARSE_SEGMENT / b->lanes, slices = (samples + b->lanes - 1) / b->lanes;
    size_t here = slices - segment * per_segment < per_segment ? slices - segment * per_segment : per_segment;
    size_t base = block * b->block_room;
    k->sparse_list_columns(features, here, b->lanes,
                           b->bytes + (segment * per_segment * b->features + first) * b->lanes,
                           b->features * b->lanes, b->column_entry + base, base,
                           b->column_start + segment * b->features + first);
}

const struct sparse_columns *sparse_batch_columns(const struct sparse_batch *b) {
    return &b->columns;
}
