/* Small files for the tests of data: a folder of the test's own, IDX headers, gzip members. */
#ifndef IDX_FILES_H
#define IDX_FILES_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define HELPER static inline __attribute__((unused))

enum { FILE_MAX = 1 << 16 };

struct bytes {
    size_t len;
    unsigned char at[FILE_MAX];
};

static char folder[512];

HELPER int make_folder(void **state) {
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/dltrain-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

HELPER const char *path_of(const char *name) {
    static char path[8][1024];
    static size_t turn;
    char *p = path[turn++ % 8];
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

HELPER int remove_folder(void **state) {
    (void)state;
    DIR *dir = opendir(folder);
    if (!dir)
        return -1;
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            remove(path_of(e->d_name));
    closedir(dir);
    return rmdir(folder);
}

HELPER const char *write_bytes(const char *name, const void *bytes, size_t len) {
    const char *path = path_of(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    return path;
}

HELPER const char *write_file(const char *name, const struct bytes *b) {
    return write_bytes(name, b->at, b->len);
}

HELPER void add_bytes(struct bytes *b, const void *bytes, size_t len) {
    assert_true(b->len + len <= FILE_MAX);
    memcpy(b->at + b->len, bytes, len);
    b->len += len;
}

/* The low `size` bytes of a word, most significant first. */
HELPER void add_word(struct bytes *b, uint64_t word, size_t size) {
    for (size_t i = size; i-- > 0;) {
        unsigned char byte = (unsigned char)(word >> 8 * i);
        add_bytes(b, &byte, 1);
    }
}

HELPER void add_float(struct bytes *b, float x) {
    uint32_t word;
    memcpy(&word, &x, sizeof word);
    add_word(b, word, 4);
}

HELPER void add_double(struct bytes *b, double x) {
    uint64_t word;
    memcpy(&word, &x, sizeof word);
    add_word(b, word, 8);
}

HELPER void add_header(struct bytes *b, int type, size_t dims, const uint32_t *dim) {
    b->len = 0;
    add_word(b, (uint64_t)type << 8 | dims, 4);
    for (size_t d = 0; d < dims; d++)
        add_word(b, dim[d], 4);
}

/* A value in any of the element types, by its IDX code. */
HELPER void add_value(struct bytes *b, int type, double x) {
    if (type == 0x0D)
        add_float(b, (float)x);
    else if (type == 0x0E)
        add_double(b, x);
    else
        add_word(b, (uint64_t)(int64_t)x, type == 0x0C ? 4 : type == 0x0B ? 2 : 1);
}

/* Writes an IDX file of d1 columns (0: one dimension only) and these values. */
HELPER const char *write_idx(const char *name, int type, uint32_t d0, uint32_t d1, const double *values) {
    static struct bytes b;
    add_header(&b, type, d1 ? 2 : 1, (const uint32_t[]){d0, d1});
    for (size_t i = 0; i < (size_t)d0 * (d1 ? d1 : 1); i++)
        add_value(&b, type, values[i]);
    return write_file(name, &b);
}

/* Appends one gzip member that holds the bytes. */
HELPER void add_gzip(struct bytes *out, const void *bytes, size_t len) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)bytes;
    z.avail_in = (uInt)len;
    z.next_out = out->at + out->len;
    z.avail_out = (uInt)(FILE_MAX - out->len);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += z.total_out;
    assert_int_equal(deflateEnd(&z), Z_OK);
}

#endif
