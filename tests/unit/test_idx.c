/* IDX files, whole and damaged. References: the format's definition, and SHA-256 sums by coreutils. */
#include "idx_files.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include "data/idx.h"

static struct bytes raw, packed;

static const uint32_t three[] = {3};

/* 2 images of 2 by 3 bytes, 1 to 12. */
static void small_images(void) {
    const uint32_t dim[] = {2, 2, 3};
    add_header(&raw, IDX_U8, 3, dim);
    for (unsigned i = 1; i <= 12; i++)
        add_word(&raw, i, 1);
    packed.len = 0;
    add_gzip(&packed, raw.at, raw.len);
}

static void assert_small_images(const struct idx *idx) {
    assert_int_equal(idx->type, IDX_U8);
    assert_int_equal(idx->dims, 3);
    assert_int_equal(idx->rows, 2);
    assert_int_equal(idx->width, 6);
    for (unsigned i = 0; i < 12; i++)
        assert_int_equal(((unsigned char *)idx->values)[i], i + 1);
}

/* Reads a file that must be refused: ERR_DATA, the message one line that starts with the path. */
static void assert_refused(const char *path, const char *part) {
    struct idx idx;
    struct err err = {0};
    assert_false(idx_read(path, &idx, &err));
    assert_int_equal(err.kind, ERR_DATA);
    assert_int_equal(strncmp(err.text, path, strlen(path)), 0);
    assert_int_equal(strncmp(err.text + strlen(path), ": ", 2), 0);
    assert_null(strchr(err.text, '\n'));
    if (!strstr(err.text, part))
        fail_msg("expected \"%s\" in: %s", part, err.text);
}

/* ---- whole files ---- */

/* The values -2, 0, 100 in every type that has them, as they stand in the file. */
static const struct {
    enum idx_type type;
    const char *name;
    size_t size;
    uint64_t word[3];
    double value[3];
} type_cases[] = {
    {IDX_U8, "u8", 1, {0xFE, 0, 100}, {254, 0, 100}},
    {IDX_I8, "i8", 1, {0xFE, 0, 100}, {-2, 0, 100}},
    {IDX_I16, "i16", 2, {0xFFFE, 0, 0x1234}, {-2, 0, 4660}},
    {IDX_I32, "i32", 4, {0xFFFFFFFE, 0, 0x12345678}, {-2, 0, 305419896}},
    {IDX_F32, "f32", 4, {0xC0000000, 0, 0x3F800001}, {-2, 0, 1 + 0x1p-23}},
    {IDX_F64, "f64", 8, {0xC000000000000000, 0, 0x3FF0000000000001}, {-2, 0, 1 + 0x1p-52}},
};

static double value_at(const struct idx *idx, size_t i) {
    switch (idx->type) {
    case IDX_U8:
        return ((uint8_t *)idx->values)[i];
    case IDX_I8:
        return ((int8_t *)idx->values)[i];
    case IDX_I16:
        return ((int16_t *)idx->values)[i];
    case IDX_I32:
        return ((int32_t *)idx->values)[i];
    case IDX_F32:
        return (double)((float *)idx->values)[i];
    default:
        return ((double *)idx->values)[i];
    }
}

static void test_types(void **state) {
    (void)state;
    for (size_t c = 0; c < sizeof type_cases / sizeof type_cases[0]; c++) {
        add_header(&raw, (int)type_cases[c].type, 1, three);
        for (size_t i = 0; i < 3; i++)
            add_word(&raw, type_cases[c].word[i], type_cases[c].size);
        packed.len = 0;
        add_gzip(&packed, raw.at, raw.len);
        assert_string_equal(idx_type_name(type_cases[c].type), type_cases[c].name);
        assert_int_equal(idx_type_size(type_cases[c].type), type_cases[c].size);
        for (int zipped = 0; zipped < 2; zipped++) {
            struct idx idx;
            struct err err;
            assert_true(idx_read(write_file("typed", zipped ? &packed : &raw), &idx, &err));
            assert_int_equal(idx.type, type_cases[c].type);
            assert_int_equal((uintptr_t)idx.values % 64, 0);
            for (size_t i = 0; i < 3; i++)
                assert_true(value_at(&idx, i) == type_cases[c].value[i]);
            idx_release(&idx);
            assert_null(idx.values);
        }
    }
}

static void test_dimensions(void **state) {
    (void)state;
    const uint32_t dim[] = {3, 2, 5, 7};
    const size_t width[] = {1, 2, 10, 70};
    for (size_t dims = 1; dims <= 4; dims++) {
        add_header(&raw, IDX_U8, dims, dim);
        for (size_t i = 0; i < 3 * width[dims - 1]; i++)
            add_word(&raw, i, 1);
        struct idx idx;
        struct err err;
        assert_true(idx_read(write_file("dims", &raw), &idx, &err));
        assert_int_equal(idx.dims, dims);
        assert_int_equal(idx.rows, 3);
        assert_int_equal(idx.width, width[dims - 1]);
        for (size_t d = 0; d < dims; d++)
            assert_int_equal(idx.dim[d], dim[d]);
        assert_int_equal(value_at(&idx, 3 * width[dims - 1] - 1), 3 * width[dims - 1] - 1);
        idx_release(&idx);
    }
}

static void test_digest(void **state) {
    (void)state;
    add_header(&raw, IDX_U8, 1, three);
    add_bytes(&raw, "\x01\x02\x03", 3);
    packed.len = 0;
    add_gzip(&packed, raw.at, raw.len);
    for (int zipped = 0; zipped < 2; zipped++) {
        struct idx idx;
        struct err err;
        assert_true(idx_read(write_file("digest", zipped ? &packed : &raw), &idx, &err));
        assert_string_equal(idx.sha256, "398a8a7fbd9531f1d9aa2ae368533e137cb53c202c3665f25affcf1ca88844ab");
        idx_release(&idx);
    }
}

/* The content in members of every pair of lengths, an empty one between them. */
static void test_members(void **state) {
    (void)state;
    small_images();
    for (size_t cut = 0; cut <= raw.len; cut++) {
        packed.len = 0;
        add_gzip(&packed, raw.at, cut);
        add_gzip(&packed, "", 0);
        add_gzip(&packed, raw.at + cut, raw.len - cut);
        struct idx idx;
        struct err err;
        assert_true(idx_read(write_file("members", &packed), &idx, &err));
        assert_small_images(&idx);
        idx_release(&idx);
    }
}

/* Larger than the read buffer, plain and gzip, so that every loop goes round. */
static void test_large(void **state) {
    (void)state;
    enum { ROWS = 1000, WIDTH = 1000, HEADER = 12 };
    unsigned char *content = malloc(HEADER + ROWS * WIDTH);
    assert_non_null(content);
    const uint32_t dim[] = {ROWS, WIDTH};
    add_header(&raw, IDX_U8, 2, dim);
    memcpy(content, raw.at, HEADER);
    for (uint32_t i = 0; i < ROWS * WIDTH; i++)
        content[HEADER + i] = (unsigned char)(i * 2654435761u >> 24);
    for (int zipped = 0; zipped < 2; zipped++) {
        const char *path = path_of("large");
        gzFile f = gzopen(path, zipped ? "wb1" : "wbT");
        assert_non_null(f);
        assert_int_equal(gzwrite(f, content, HEADER + ROWS * WIDTH), HEADER + ROWS * WIDTH);
        assert_int_equal(gzclose(f), Z_OK);
        struct idx idx;
        struct err err;
        assert_true(idx_read(path, &idx, &err));
        assert_memory_equal(idx.values, content + HEADER, ROWS * WIDTH);
        idx_release(&idx);
    }
    free(content);
}

/* ---- faults ---- */

#define BYTES(s) s, sizeof s - 1
#define HEAD     "\0\0\x08\x02\0\0\0\x02\0\0\0\x02" /* u8 [2, 2] */

static const struct {
    const char *bytes;
    size_t len;
    const char *plain, *zipped; /* part of the message; NULL where only the plain file is of interest */
} fault_cases[] = {
    {BYTES(""), "the file is empty", "expected at least 4 bytes, found 0"},
    {BYTES("\0\0\x08"), "expected at least 4 bytes, found 3", "decompressed data ends inside the IDX header"},
    {BYTES("\0\0\x08\x02\0\0\0\x02\0\0"), "expected at least 12 bytes, found 10",
     "at least 12 bytes, found 10"},
    {BYTES("<!DOCTYPE html>\n<html></html>\n"),
     "not an IDX file: starts with \"<!DOCTYPE html>\\x0a\", which looks like a web page",
     "not an IDX file: the decompressed data starts with \"<!DOCTYPE"},
    {BYTES("label\n7\n2\n"),
     "not an IDX file: starts with \"label\\x0a7\\x0a2\\x0a\", expected the bytes 00 00", "starts"},
    {BYTES("7"), "not an IDX file: starts with \"7\"", "starts with \"7\""},
    {BYTES("version https://git-lfs.github.com/spec/v1\n"), "a Git LFS pointer", "a Git LFS pointer"},
    {BYTES("PK\x03\x04zip"), "a zip archive", "a zip archive"},
    {BYTES("\x93NUMPY\x01"), "a NumPy array", "a NumPy array"},
    {BYTES("\x1F\x8B"), "expected more gzip data", "a gzip file"},
    {BYTES("\0\x01\x08\x01\0\0\0\x01z"), "not an IDX file: starts with \"\\x00\\x01\\x08", "not an IDX file"},
    {BYTES("\0\0\x0A\x01\0\0\0\x01z"), "byte 2: expected an IDX element type", "found 0a"},
    {BYTES("\0\0\x08\0"), "byte 3: expected 1 to 4 dimensions, found 0", "found 0"},
    {BYTES("\0\0\x08\x05\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01z"), "dimensions, found 5",
     "found 5"},
    {BYTES("\0\0\x08\x01\0\0\0\0"), "byte 4: holds no rows", "holds no rows"},
    {BYTES("\0\0\x08\x02\0\0\0\x01\0\0\0\0"), "byte 8: holds no values", "holds no values"},
    {BYTES(HEAD "123"), "byte 15: the file ends early: expected 16 bytes by its header, found 15",
     "byte 15: the decompressed data end early: expected 16 bytes by the header, found 15"},
    {BYTES(HEAD "12345"), "byte 16: the file ends late: expected 16 bytes by its header, found 17",
     "byte 16: the decompressed data end late: expected 16 bytes by the header, found more"},
};

static void test_faults(void **state) {
    (void)state;
    for (size_t c = 0; c < sizeof fault_cases / sizeof fault_cases[0]; c++) {
        assert_refused(write_bytes("fault", fault_cases[c].bytes, fault_cases[c].len), fault_cases[c].plain);
        packed.len = 0;
        add_gzip(&packed, fault_cases[c].bytes, fault_cases[c].len);
        assert_refused(write_file("fault.gz", &packed), fault_cases[c].zipped);
    }
}

static void test_not_a_file(void **state) {
    (void)state;
    assert_refused(path_of("missing"), "cannot open: No such file");
    assert_refused(folder, "is a folder, expected a regular file");
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    assert_refused(path_of("pipe"), "is a pipe, expected a regular file");
}

static void test_gzip_end(void **state) {
    (void)state;
    char want[128];
    small_images();
    size_t whole = packed.len;
    add_bytes(&packed, "\0", 1);
    snprintf(want, sizeof want, "byte %zu: expected the end of the file behind the gzip data, found 1 more",
             whole);
    assert_refused(write_file("tail", &packed), want);
    add_bytes(&packed, "\0\0\0", 3);
    assert_refused(write_file("tail", &packed), "found 4 more bytes");
    packed.len = whole;
    add_bytes(&packed, "\x1F", 1);
    assert_refused(write_file("tail", &packed), "found 1 more bytes");
    packed.len = whole;
    add_bytes(&packed, "\x1F\x8B\x08\0", 4);
    assert_refused(write_file("tail", &packed), "it is truncated");
    packed.len = whole;
    packed.at[whole - 8] ^= 1;
    snprintf(want, sizeof want, "byte %zu: damaged gzip data: expected CRC", whole - 8);
    assert_refused(write_file("crc", &packed), want);
    packed.at[whole - 8] ^= 1;
    packed.at[whole - 4] = 29;
    snprintf(want, sizeof want, "byte %zu: damaged gzip data: expected 29 decompressed bytes, found 28",
             whole - 4);
    assert_refused(write_file("length", &packed), want);
    packed.at[whole - 4] = 28;
    packed.len = whole - 1;
    snprintf(want, sizeof want, "byte %zu: expected more gzip data, found the end of the file", whole - 1);
    assert_refused(write_file("cut", &packed), want);
}

/* A damaged file is refused, or (a header's time stamp) still has the very content. */
static void assert_refused_or_same(const char *path) {
    struct idx idx;
    struct err err = {0};
    if (!idx_read(path, &idx, &err)) {
        assert_int_equal(err.kind, ERR_DATA);
        assert_int_equal(strncmp(err.text, path, strlen(path)), 0);
        return;
    }
    assert_small_images(&idx);
    idx_release(&idx);
}

static void test_every_bit(void **state) {
    (void)state;
    small_images();
    for (size_t bit = 0; bit < 8 * packed.len; bit++) {
        packed.at[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_refused_or_same(write_file("flipped", &packed));
        packed.at[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    for (size_t at = 0; at < packed.len; at++) {
        unsigned char held = packed.at[at];
        packed.at[at] = (unsigned char)~held;
        assert_refused_or_same(write_file("flipped", &packed));
        packed.at[at] = held;
    }
    assert_refused_or_same(write_file("whole", &packed));
}

static void test_every_length(void **state) {
    (void)state;
    small_images();
    for (size_t len = 0; len < packed.len; len++)
        assert_refused(write_bytes("short.gz", packed.at, len), "");
    for (size_t len = 0; len < raw.len; len++)
        assert_refused(write_bytes("short", raw.at, len), "");
}

/* Every type and rank, one dimension after the other (and all at once) far too large: refused before memory
 * is taken, which the address sanitizer's allocation limit would notice. */
static void test_lying_headers(void **state) {
    (void)state;
    const uint32_t lies[] = {0, 2, 1000000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
    for (size_t t = 0; t < sizeof type_cases / sizeof type_cases[0]; t++)
        for (size_t dims = 1; dims <= 4; dims++)
            for (size_t mask = 1; mask < (size_t)1 << dims; mask++)
                for (size_t l = 0; l < sizeof lies / sizeof lies[0]; l++) {
                    uint32_t dim[4];
                    for (size_t d = 0; d < dims; d++)
                        dim[d] = mask >> d & 1 ? lies[l] : 1;
                    add_header(&raw, (int)type_cases[t].type, dims, dim);
                    add_word(&raw, 0, type_cases[t].size);
                    packed.len = 0;
                    add_gzip(&packed, raw.at, raw.len);
                    assert_refused(write_file("lie", &raw), lies[l] == 0 ? "at least 1, found 0" : "");
                    assert_refused(write_file("lie.gz", &packed), lies[l] == 0 ? "at least 1, found 0" : "");
                }
    /* Products that are 0 modulo 2^64: the width, rows times width, and the bytes; the files are all
     * header. */
    const struct {
        enum idx_type type;
        size_t dims;
        uint32_t dim[4];
    } wrap[] = {
        {IDX_U8, 4, {1, 0x80000000, 0x80000000, 4}},
        {IDX_U8, 3, {0x80000000, 0x80000000, 4}},
        {IDX_F64, 2, {0x80000000, 0x40000000}},
        {IDX_F64, 4, {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}},
    };
    for (size_t w = 0; w < sizeof wrap / sizeof wrap[0]; w++) {
        add_header(&raw, (int)wrap[w].type, wrap[w].dims, wrap[w].dim);
        assert_refused(write_file("lie", &raw),
                       "expected at most 18446744073709551615 bytes, which this machine can address");
    }
    const uint32_t million[] = {1000000};
    add_header(&raw, IDX_U8, 1, million);
    packed.len = 0;
    add_gzip(&packed, raw.at, raw.len);
    assert_refused(write_file("lie.gz", &packed), "the header claims too much: expected at most");
}

/* Descriptors that have run out are no fault of the file. */
static void test_machine(void **state) {
    (void)state;
    struct idx idx;
    struct err err = {0};
    struct rlimit before, none;
    const char *path = write_idx("fine", IDX_U8, 1, 0, (const double[]){1});
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool ok = idx_read(path, &idx, &err);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_false(ok);
    assert_int_equal(err.kind, ERR_SYSTEM);
    assert_non_null(strstr(err.text, ": cannot open: "));
}

/* 16 MB of zeros in 16 KB: only as many as the header claims may come out, and one more. */
static void test_bomb(void **state) {
    (void)state;
    enum { ZEROS = 16 << 20 };
    unsigned char *zeros = calloc(1, ZEROS);
    assert_non_null(zeros);
    memcpy(zeros, HEAD, sizeof HEAD - 1);
    packed.len = 0;
    add_gzip(&packed, zeros, ZEROS);
    free(zeros);
    assert_refused(write_file("bomb", &packed), "byte 16: the decompressed data end late");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),         cmocka_unit_test(test_dimensions),
        cmocka_unit_test(test_digest),        cmocka_unit_test(test_members),
        cmocka_unit_test(test_large),         cmocka_unit_test(test_faults),
        cmocka_unit_test(test_not_a_file),    cmocka_unit_test(test_gzip_end),
        cmocka_unit_test(test_every_bit),     cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_lying_headers), cmocka_unit_test(test_bomb),
        cmocka_unit_test(test_machine),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
