#include "data/inflate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

/* zlib counts in unsigned int: larger requests are met in pieces. */
enum { BUFFER_BYTES = 256 * 1024, PIECE_BYTES = 256 * 1024 };

/* 15 bits of window, + 16: gzip wrapping only, CRC and length verified by zlib. */
enum { GZIP_WINDOW_BITS = 15 + 16 };

static void *take_memory(void *opaque, unsigned count, unsigned size) {
    (void)opaque;
    struct err ignored; /* zlib turns the NULL into Z_MEM_ERROR */
    return mem_alloc(count, size, "inflate", &ignored);
}

static void give_memory(void *opaque, void *p) {
    (void)opaque;
    mem_free(p);
}

/* The byte of the file that is decoded next. */
static uint64_t file_offset(const struct source *s) {
    return s->taken - s->z.avail_in;
}

/* read(2) of up to max bytes, short only at the end of the file. */
static bool read_file(struct source *s, void *out, size_t max, size_t *got, struct err *err) {
    size_t done = 0;
    while (done < max) {
        ssize_t n = read(s->fd, (unsigned char *)out + done, max - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int cause = errno;
            char doing[48];
            snprintf(doing, sizeof doing, "read at byte %llu", (unsigned long long)(s->taken + done));
            errno = cause;
            return file_cannot(s->path, doing, err);
        }
        if (n == 0)
            break;
        done += (size_t)n;
    }
    s->taken += done;
    *got = done;
    return true;
}

static bool fill(struct source *s, struct err *err) {
    size_t got = 0;
    if (!read_file(s, s->buffer, BUFFER_BYTES, &got, err))
        return false;
    s->z.next_in = s->buffer;
    s->z.avail_in = (uInt)got;
    return true;
}

static bool open_file(struct source *s, struct err *err) {
    struct stat st;
    if (!file_open_regular(s->path, &s->fd, err))
        return false;
    if (fstat(s->fd, &st) != 0)
        return file_cannot(s->path, "read", err);
    if (st.st_size == 0)
        return err_set(err, ERR_DATA, "%s: the file is empty", s->path);
    s->size = (uint64_t)st.st_size;
    return true;
}

static bool begin_inflate(struct source *s, struct err *err) {
    s->z.zalloc = take_memory;
    s->z.zfree = give_memory;
    if (inflateInit2(&s->z, GZIP_WINDOW_BITS) != Z_OK)
        return err_set(err, ERR_SYSTEM, "%s: not enough memory to decompress", s->path);
    s->member = 1;
    s->gzip = true;
    return true;
}

bool source_open(struct source *source, const char *path, struct err *err) {
    *source = (struct source){.path = path, .fd = -1};
    if (!open_file(source, err))
        goto fail;
    source->buffer = mem_alloc(BUFFER_BYTES, 1, "a read buffer", err);
    if (!source->buffer || !fill(source, err))
        goto fail;
    const unsigned char *b = source->buffer;
    if (source->z.avail_in >= 2 && b[0] == 0x1F && b[1] == 0x8B && !begin_inflate(source, err))
        goto fail;
    return true;
fail:
    source_close(source);
    return false;
}

void source_close(struct source *source) {
    if (source->gzip)
        inflateEnd(&source->z);
    if (source->fd >= 0)
        close(source->fd);
    mem_free(source->buffer);
    *source = (struct source){.fd = -1};
}

/* A 32-bit little-endian field of the file, for messages only: 0 where it cannot be read. */
static unsigned long field_at(const struct source *s, uint64_t offset) {
    unsigned char b[4] = {0};
    ssize_t n = pread(s->fd, b, sizeof b, (off_t)offset);
    return n == 4 ? b[0] | (unsigned long)b[1] << 8 | (unsigned long)b[2] << 16 | (unsigned long)b[3] << 24
                  : 0;
}

static bool trailing(const struct source *s, struct err *err) {
    uint64_t end = file_offset(s) - s->z.total_in;
    return err_set(err, ERR_DATA,
                   "%s: byte %llu: expected the end of the file behind the gzip data, found %llu more bytes",
                   s->path, (unsigned long long)end, (unsigned long long)(s->size - end));
}

static bool truncated(const struct source *s, struct err *err) {
    if (s->member > 1 && s->z.total_in < 2) /* too short to be the magic of one more member */
        return trailing(s, err);
    return err_set(err, ERR_DATA,
                   "%s: byte %llu: expected more gzip data, found the end of the file (it is truncated)",
                   s->path, (unsigned long long)file_offset(s));
}

/* What inflate complains about. The trailer is the CRC, then the length, and zlib stops right behind the
 * wrong one. */
static bool damaged(const struct source *s, int status, struct err *err) {
    if (status == Z_MEM_ERROR)
        return err_set(err, ERR_SYSTEM, "%s: not enough memory to decompress", s->path);
    const char *why = s->z.msg ? s->z.msg : "invalid data";
    uint64_t at = file_offset(s), field = at < 4 ? 0 : at - 4;
    if (s->member > 1 && strcmp(why, "incorrect header check") == 0)
        return trailing(s, err);
    if (strcmp(why, "incorrect data check") == 0)
        return err_set(err, ERR_DATA, "%s: byte %llu: damaged gzip data: expected CRC %08lx, found %08lx",
                       s->path, (unsigned long long)field, field_at(s, field), s->z.adler);
    if (strcmp(why, "incorrect length check") == 0)
        return err_set(err, ERR_DATA,
                       "%s: byte %llu: damaged gzip data: expected %lu decompressed bytes, found %lu",
                       s->path, (unsigned long long)field, field_at(s, field), s->z.total_out & 0xFFFFFFFFul);
    return err_set(err, ERR_DATA, "%s: byte %llu: expected valid gzip data, found damage: %s", s->path,
                   (unsigned long long)at, why);
}

/* Makes compressed bytes available, beginning the next member where one follows; sets ended at the verified
 * end. */
static bool next_input(struct source *s, struct err *err) {
    if (s->z.avail_in == 0 && !fill(s, err))
        return false;
    if (s->z.avail_in == 0) {
        s->ended = s->between;
        return s->ended || truncated(s, err);
    }
    if (s->between) {
        inflateReset(&s->z); /* cannot fail on a stream that inflateInit2 accepted */
        s->member++;
        s->between = false;
    }
    return true;
}

static bool read_gzip(struct source *s, unsigned char *out, size_t want, size_t *got, struct err *err) {
    size_t done = 0;
    while (done < want && !s->ended) {
        if (!next_input(s, err))
            return false;
        if (s->ended)
            break;
        size_t piece = want - done < PIECE_BYTES ? want - done : PIECE_BYTES;
        s->z.next_out = out + done;
        s->z.avail_out = (uInt)piece;
        int status = inflate(&s->z, Z_NO_FLUSH);
        size_t made = piece - s->z.avail_out;
        done += made;
        if (status == Z_STREAM_END)
            s->between = true;
        else if (status != Z_OK && status != Z_BUF_ERROR)
            return damaged(s, status, err);
    }
    *got = done;
    return true;
}

static bool read_plain(struct source *s, unsigned char *out, size_t want, size_t *got, struct err *err) {
    size_t done = 0;
    while (done < want && !s->ended) {
        size_t piece = want - done < PIECE_BYTES ? want - done : PIECE_BYTES, n = 0;
        if (s->z.avail_in > 0) {
            n = piece < s->z.avail_in ? piece : s->z.avail_in;
            memcpy(out + done, s->z.next_in, n);
            s->z.next_in += n;
            s->z.avail_in -= (uInt)n;
        } else {
            if (!read_file(s, out + done, piece, &n, err))
                return false;
            s->ended = n < piece;
        }
        done += n;
    }
    *got = done;
    return true;
}

bool source_read(struct source *source, void *out, size_t want, size_t *got, struct err *err) {
    return source->gzip ? read_gzip(source, out, want, got, err) : read_plain(source, out, want, got, err);
}
