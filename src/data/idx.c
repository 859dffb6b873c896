#include "data/idx.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/inflate.h"
#include "data/stranger.h"

/* Deflate turns at most 258 bytes into 2 bits, about 1032 to 1; the rest is room for headers. */
enum { DEFLATE_MAX_RATIO = 1040 };

enum { MAGIC_BYTES = 4, HEADER_BYTES = MAGIC_BYTES + 4 * IDX_MAX_DIMS };

/* Values are read in pieces of this size, each hashed while it is in the cache. */
enum { PIECE_BYTES = 256 << 10 };

/* What is read of a file before its values. */
struct header {
    unsigned char bytes[HEADER_BYTES];
    size_t len;
    size_t claimed; /* the size of the whole file that it speaks of */
};

static const struct {
    enum idx_type type;
    const char *name;
    size_t size;
} types[] = {
    {IDX_U8, "u8", 1},   {IDX_I8, "i8", 1},   {IDX_I16, "i16", 2},
    {IDX_I32, "i32", 4}, {IDX_F32, "f32", 4}, {IDX_F64, "f64", 8},
};

enum { TYPE_COUNT = sizeof types / sizeof types[0] };

static size_t type_row(int type) {
    size_t i = 0;
    while (i < TYPE_COUNT && (int)types[i].type != type)
        i++;
    return i;
}

const char *idx_type_name(enum idx_type type) {
    size_t i = type_row((int)type);
    assert(i < TYPE_COUNT);
    return types[i].name;
}

size_t idx_type_size(enum idx_type type) {
    size_t i = type_row((int)type);
    assert(i < TYPE_COUNT);
    return types[i].size;
}

/* The first four bytes are not IDX: shows them and some more, and what they look like. */
static bool not_idx(struct source *source, const unsigned char magic[MAGIC_BYTES], size_t count,
                    struct err *err) {
    unsigned char start[STRANGER_BYTES];
    memcpy(start, magic, MAGIC_BYTES);
    size_t more = 0;
    struct err ignored;
    if (count == MAGIC_BYTES && source_read(source, start + count, STRANGER_BYTES - count, &more, &ignored))
        count += more;
    const char *what = stranger_kind(start, count);
    char text[STRANGER_TEXT];
    return err_set(err, ERR_DATA,
                   "%s: not an IDX file: %sstarts with %s%s%s, expected the bytes 00 00 at byte 0",
                   source->path, source->gzip ? "the decompressed data " : "",
                   stranger_show(start, count, text), what ? ", which looks like " : "", what ? what : "");
}

static bool short_header(const struct source *source, size_t expected, size_t found, struct err *err) {
    return err_set(err, ERR_DATA, "%s: %sends inside the IDX header: expected at least %zu bytes, found %zu",
                   source->path, source->gzip ? "the decompressed data " : "", expected, found);
}

static bool read_magic(struct source *source, struct idx *idx, unsigned char magic[MAGIC_BYTES],
                       struct err *err) {
    size_t got = 0;
    if (!source_read(source, magic, MAGIC_BYTES, &got, err))
        return false;
    if (magic[0] != 0 || magic[1] != 0)
        return not_idx(source, magic, got, err);
    if (got < MAGIC_BYTES)
        return short_header(source, MAGIC_BYTES, got, err);
    size_t row = type_row(magic[2]);
    if (row == TYPE_COUNT)
        return err_set(err, ERR_DATA,
                       "%s: byte 2: expected an IDX element type (08, 09, 0b, 0c, 0d or 0e), found %02x",
                       source->path, (unsigned)magic[2]);
    if (magic[3] < 1 || magic[3] > IDX_MAX_DIMS)
        return err_set(err, ERR_DATA, "%s: byte 3: expected 1 to %d dimensions, found %d", source->path,
                       (int)IDX_MAX_DIMS, (int)magic[3]);
    idx->type = types[row].type;
    idx->dims = magic[3];
    return true;
}

/* Reads the header and finds rows and width. */
static bool read_header(struct source *source, struct idx *idx, struct header *header, struct err *err) {
    if (!read_magic(source, idx, header->bytes, err))
        return false;
    unsigned char *bytes = header->bytes + MAGIC_BYTES;
    size_t len = 4 * idx->dims, got = 0;
    if (!source_read(source, bytes, len, &got, err))
        return false;
    if (got < len)
        return short_header(source, MAGIC_BYTES + len, MAGIC_BYTES + got, err);
    size_t width = 1, payload = 0;
    bool fits = true;
    for (size_t d = 0; d < idx->dims; d++) {
        const unsigned char *b = bytes + 4 * d;
        idx->dim[d] = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | (size_t)b[3];
        if (idx->dim[d] == 0)
            return err_set(err, ERR_DATA,
                           "%s: byte %zu: holds no %s: expected dimension %zu to be at least 1, found 0",
                           source->path, MAGIC_BYTES + 4 * d, d == 0 ? "rows" : "values", d);
        if (d > 0)
            fits = mem_mul(width, idx->dim[d], &width) && fits;
    }
    idx->rows = idx->dim[0];
    idx->width = width;
    fits =
        fits && mem_mul(width, idx->rows, &payload) && mem_mul(payload, idx_type_size(idx->type), &payload);
    if (!fits || payload > SIZE_MAX - MAGIC_BYTES - len)
        return err_set(
            err, ERR_DATA,
            "%s: byte 4: the header claims too much: expected at most %zu bytes, which this machine "
            "can address, found a claim of more in a file of %llu",
            source->path, (size_t)SIZE_MAX, (unsigned long long)source->size);
    header->len = MAGIC_BYTES + len;
    header->claimed = header->len + payload;
    return true;
}

/* Whether the file can hold what its header claims, before any memory is taken for it. */
static bool check_claim(const struct source *source, size_t claimed, struct err *err) {
    if (!source->gzip && claimed != source->size)
        return err_set(err, ERR_DATA,
                       "%s: byte %llu: the file ends %s: expected %zu bytes by its header, found %llu",
                       source->path, (unsigned long long)(claimed < source->size ? claimed : source->size),
                       claimed < source->size ? "late" : "early", claimed, (unsigned long long)source->size);
    if (source->gzip && claimed / DEFLATE_MAX_RATIO > source->size)
        return err_set(err, ERR_DATA,
                       "%s: byte 4: the header claims too much: expected at most %llu bytes out of %llu "
                       "compressed ones, found a claim of %zu",
                       source->path, (unsigned long long)source->size * DEFLATE_MAX_RATIO,
                       (unsigned long long)source->size, claimed);
    return true;
}

static bool read_payload(struct source *source, struct idx *idx, size_t payload, struct digest *digest,
                         size_t *got, struct err *err) {
    unsigned char *values = idx->values;
    size_t piece = 0;
    for (*got = 0; *got < payload; *got += piece) {
        size_t want = payload - *got < PIECE_BYTES ? payload - *got : PIECE_BYTES;
        if (!source_read(source, values + *got, want, &piece, err))
            return false;
        if (piece == 0)
            break;
        digest_ready(digest, *got + piece);
    }
    return true;
}

static bool read_values(struct source *source, struct idx *idx, const struct header *header,
                        struct digest *digest, struct err *err) {
    size_t claimed = header->claimed, payload = claimed - header->len, got = 0;
    idx->values = mem_alloc_aligned(payload, 1, source->path, err);
    if (!idx->values)
        return false;
    digest_begin(digest, header->bytes, header->len, idx->values);
    bool ok = read_payload(source, idx, payload, digest, &got, err);
    digest_finish(digest, idx->sha256);
    if (!ok)
        return false;
    if (got < payload)
        return err_set(
            err, ERR_DATA, "%s: byte %zu: the %s early: expected %zu bytes by the header, found %zu",
            source->path, claimed - payload + got, source->gzip ? "decompressed data end" : "file ends",
            claimed, claimed - payload + got);
    unsigned char surplus;
    if (!source_read(source, &surplus, 1, &got, err))
        return false;
    if (got > 0)
        return err_set(err, ERR_DATA,
                       "%s: byte %zu: the %s late: expected %zu bytes by the header, found more",
                       source->path, claimed, source->gzip ? "decompressed data end" : "file ends", claimed);
    return true;
}

/* Turns a word of the file, most significant byte first, into one of the machine. */
static void turn_16(unsigned char *b) {
    uint16_t word = (uint16_t)(b[0] << 8 | b[1]);
    memcpy(b, &word, sizeof word);
}

static void turn_32(unsigned char *b) {
    uint32_t word = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    memcpy(b, &word, sizeof word);
}

static void turn_64(unsigned char *b) {
    uint64_t word = 0;
    for (int i = 0; i < 8; i++)
        word = word << 8 | b[i];
    memcpy(b, &word, sizeof word);
}

static void to_host_order(struct idx *idx) {
    size_t n = idx->rows * idx->width, size = idx_type_size(idx->type);
    unsigned char *bytes = idx->values;
    for (size_t i = 0; size == 2 && i < n; i++)
        turn_16(bytes + 2 * i);
    for (size_t i = 0; size == 4 && i < n; i++)
        turn_32(bytes + 4 * i);
    for (size_t i = 0; size == 8 && i < n; i++)
        turn_64(bytes + 8 * i);
}

/* Whether the file is named as MNIST and its relatives name theirs. */
static bool is_mnist_name(const char *path) {
    static const char *const begin[] = {"train-images", "train-labels", "t10k-images", "t10k-labels"};
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    for (size_t i = 0; i < sizeof begin / sizeof begin[0]; i++)
        if (strncmp(name, begin[i], strlen(begin[i])) == 0)
            return true;
    return false;
}

/* Opens the file; a missing one of MNIST's can be had. */
static bool open_file(struct source *source, const char *path, struct err *err) {
    if (source_open(source, path, err))
        return true;
    struct err why = *err;
    if (!file_exists(path) && is_mnist_name(path))
        err_set(err, why.kind, "%s (scripts/get-data fetches MNIST, Fashion-MNIST and KMNIST)", why.text);
    return false;
}

bool idx_read_shared(const char *path, struct digest *digest, struct idx *out, struct err *err) {
    struct source source;
    if (!open_file(&source, path, err))
        return false;
    struct idx idx = {0};
    struct header header = {0};
    bool ok = read_header(&source, &idx, &header, err) && check_claim(&source, header.claimed, err) &&
              read_values(&source, &idx, &header, digest, err);
    source_close(&source);
    if (!ok) {
        idx_release(&idx);
        return false;
    }
    to_host_order(&idx);
    *out = idx;
    return true;
}

bool idx_peek(const char *path, struct idx *out, struct err *err) {
    struct source source;
    if (!open_file(&source, path, err))
        return false;
    struct idx idx = {0};
    struct header header = {0};
    bool ok = read_header(&source, &idx, &header, err);
    source_close(&source);
    if (ok)
        *out = idx;
    return ok;
}

bool idx_looks_like(const char *path, bool *idx, struct err *err) {
    struct source source;
    unsigned char start[2];
    size_t got = 0;
    if (!source_open(&source, path, err))
        return false;
    bool ok = source_read(&source, start, sizeof start, &got, err);
    source_close(&source);
    *idx = ok && got == sizeof start && start[0] == 0 && start[1] == 0;
    return ok;
}

bool idx_read(const char *path, struct idx *out, struct err *err) {
    struct digest digest = {0};
    return idx_read_shared(path, &digest, out, err);
}

void idx_release(struct idx *idx) {
    mem_free(idx->values);
    *idx = (struct idx){0};
}
