/* safetensors files: what is written, what is read, and that nothing unsound is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/safetensors.h"

static char path[4096];

static int make_path(void **state) {
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/test_safetensors.XXXXXX", tmp != NULL && tmp[0] != '\0' ? tmp : "/tmp");
    int fd = mkstemp(path);
    return fd < 0 ? 1 : close(fd);
}

static int remove_path(void **state) {
    (void)state;
    return unlink(path);
}

static const unsigned char data[] = "0123456789abcdefghijklmnopqrstuvwxyz";

static const struct stored_tensor sample[] = {
    {.name = "2.weight", .dtype = "F32", .dims = 2, .dim = {1, 3}, .bytes = data, .len = 12},
    {.name = "10.bias", .dtype = "U8", .dims = 1, .dim = {5}, .bytes = data + 12, .len = 5},
    {.name = "empty", .dtype = "F64", .dims = 3, .dim = {4, 0, 2}, .bytes = NULL, .len = 0},
    {.name = "B", .dtype = "I64", .dims = 0, .bytes = data + 20, .len = 8},
};
static const struct stored_text notes[] = {{"format", "dltrain/1"}, {"classes", "[\"a\\n\", \"\xC3\xA9\"]"}};
enum { SAMPLE_COUNT = 4 };

static void save_sample(void) {
    struct err err = {0};
    assert_true(safetensors_save(path, sample, SAMPLE_COUNT, notes, 2, &err));
}

/* The bytes by hand, from the format's description: names in order, offsets without a gap, spaces to 8
 * bytes. */
static void the_bytes_are_as_described(void **state) {
    (void)state;
    static const char header[] =
        "{\"__metadata__\": {\"format\": \"dltrain/1\", \"classes\": \"[\\\"a\\\\n\\\", "
        "\\\"\xC3\xA9\\\"]\"}, "
        "\"10.bias\": {\"dtype\": \"U8\", \"shape\": [5], \"data_offsets\": [0, 5]}, "
        "\"2.weight\": {\"dtype\": \"F32\", \"shape\": [1, 3], \"data_offsets\": [5, 17]}, "
        "\"B\": {\"dtype\": \"I64\", \"shape\": [], \"data_offsets\": [17, 25]}, "
        "\"empty\": {\"dtype\": \"F64\", \"shape\": [4, 0, 2], \"data_offsets\": [25, 25]}}";
    struct text expected = {0};
    unsigned char *bytes;
    size_t len, header_len = (sizeof header - 1 + 7) / 8 * 8;
    struct err err = {0};
    for (int i = 0; i < 8; i++)
        text_add_bytes(&expected, &(unsigned char){(unsigned char)(header_len >> (8 * i))}, 1);
    text_addf(&expected, "%-*s", (int)header_len, header);
    text_add(&expected, "cdefg0123456789abklmnopqr");
    save_sample();
    assert_true(file_read(path, 1 << 20, &bytes, &len, &err));
    assert_int_equal(len, expected.len);
    assert_memory_equal(bytes, expected.s, len);
    mem_free(bytes);
    text_release(&expected);
}

static void what_was_saved_is_loaded(void **state) {
    (void)state;
    struct err err = {0};
    save_sample();
    struct safetensors *file = safetensors_load(path, &err);
    assert_non_null(file);
    assert_int_equal(safetensors_count(file), SAMPLE_COUNT);
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        const struct stored_tensor *t = safetensors_find(file, sample[i].name);
        assert_non_null(t);
        assert_string_equal(t->name, sample[i].name);
        assert_string_equal(t->dtype, sample[i].dtype);
        assert_int_equal(t->dims, sample[i].dims);
        assert_memory_equal(t->dim, sample[i].dim, sizeof t->dim);
        assert_int_equal(t->len, sample[i].len);
        if (t->len > 0)
            assert_memory_equal(t->bytes, sample[i].bytes, t->len);
    }
    assert_string_equal(safetensors_at(file, 0)->name, "10.bias");
    assert_null(safetensors_find(file, "b"));
    assert_string_equal(safetensors_metadata(file, "format"), "dltrain/1");
    assert_string_equal(safetensors_metadata(file, "classes"), notes[1].value);
    assert_null(safetensors_metadata(file, "Format"));
    safetensors_free(file);
    safetensors_free(NULL);
}

static void the_order_of_the_tensors_does_not_matter(void **state) {
    (void)state;
    struct err err = {0};
    struct stored_tensor turned[SAMPLE_COUNT];
    unsigned char *a, *b;
    size_t a_len, b_len;
    char hex[2][SHA256_HEX];
    for (size_t i = 0; i < SAMPLE_COUNT; i++)
        turned[i] = sample[SAMPLE_COUNT - 1 - i];
    save_sample();
    assert_true(file_read(path, 1 << 20, &a, &a_len, &err));
    assert_true(safetensors_save(path, turned, SAMPLE_COUNT, notes, 2, &err));
    assert_true(file_read(path, 1 << 20, &b, &b_len, &err));
    assert_int_equal(a_len, b_len);
    assert_memory_equal(a, b, a_len);
    mem_free(a);
    mem_free(b);
    assert_true(safetensors_digest(sample, SAMPLE_COUNT, hex[0], &err));
    assert_true(safetensors_digest(turned, SAMPLE_COUNT, hex[1], &err));
    assert_string_equal(hex[0], hex[1]);
}

/* The tensors' bytes in the order of the names, "cdefg0123456789abklmnopqr", by sha256sum of coreutils. */
static void the_digest_is_over_the_bytes(void **state) {
    (void)state;
    struct err err = {0};
    char hex[SHA256_HEX];
    assert_true(safetensors_digest(sample, SAMPLE_COUNT, hex, &err));
    assert_string_equal(hex, "9124bab3f099494006be652980b2506070355a66bea8e3c8dfd6782c5cb331ad");
    assert_true(safetensors_digest(NULL, 0, hex, &err));
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void an_empty_file_of_tensors(void **state) {
    (void)state;
    struct err err = {0};
    assert_true(safetensors_save(path, NULL, 0, NULL, 0, &err));
    struct safetensors *file = safetensors_load(path, &err);
    assert_non_null(file);
    assert_int_equal(safetensors_count(file), 0);
    assert_null(safetensors_metadata(file, "format"));
    safetensors_free(file);
}

/* ---- hostile files ---- */

static void write_raw(const void *bytes, size_t len) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void refused(const char *why) {
    struct err err = {0};
    struct safetensors *file = safetensors_load(path, &err);
    assert_null(file);
    assert_int_equal(err.kind, ERR_DATA);
    assert_memory_equal(err.text, path, strlen(path));
    assert_string_equal(err.text + strlen(path), why);
}

/* A file of that header and data_len bytes of data. */
static void write_header(const char *header, size_t data_len) {
    struct text t = {0};
    size_t len = strlen(header);
    for (int i = 0; i < 8; i++)
        text_add_bytes(&t, &(unsigned char){(unsigned char)(len >> (8 * i))}, 1);
    text_add(&t, header);
    for (size_t i = 0; i < data_len; i++)
        text_add(&t, "d");
    write_raw(t.s, t.len);
    text_release(&t);
}

#define ENTRY(dtype, shape, offsets)                                                                         \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define ONE(dtype, shape, offsets) "{\"a\":" ENTRY(dtype, shape, offsets) "}"

static void hostile_headers_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t data_len;
        const char *why;
    } cases[] = {
        {"[]", 0, ": expected '{' at offset 8, found no header (no safetensors file)"},
        {" {}", 0, ": expected '{' at offset 8, found no header (no safetensors file)"},
        {"", 0, ": expected '{' at offset 8, found no header (no safetensors file)"},
        {"{}", 1, ": expected the end of the file at offset 10, found 1 more bytes"},
        {"{}x", 0, ": header: 1:3: the value is complete, but more text follows: 'x'"},
        {"{/**/}", 0, ": header: 1:2: comments are not allowed here"},
        {"{\"a\":1,\"a\":2}", 0, ": header: 1:8: duplicate key \"a\": the first one is at 1:2"},
        {"{\"a\":[]}", 0, ": header 1:2: \"a\": expected an object that describes a tensor"},
        {"{\"a\":{}}", 0, ": header 1:2: \"a\": expected \"dtype\", a string"},
        {"{\"a\":{\"x\":1}}", 0, ": header 1:2: \"a\": expected dtype, shape and data_offsets, found \"x\""},
        {"{\"a\":{\"dtype\":5}}", 0, ": header 1:2: \"a\": expected \"dtype\", a string"},
        {ONE("f32", "[1]", "[0,4]"), 4, ": header 1:2: \"a\": expected a known dtype, found \"f32\""},
        {"{\"a\":{\"dtype\":\"U8\"}}", 0, ": header 1:2: \"a\": expected \"shape\", an array of sizes"},
        {ONE("U8", "4", "[0,4]"), 4, ": header 1:2: \"a\": expected \"shape\", an array of sizes"},
        {ONE("U8", "[-1]", "[0,4]"), 4,
         ": header 1:2: \"a\": expected a whole number as size of dimension 0"},
        {ONE("U8", "[1,4.0]", "[0,4]"), 4,
         ": header 1:2: \"a\": expected a whole number as size of dimension 1"},
        {ONE("U8", "[4e0]", "[0,4]"), 4,
         ": header 1:2: \"a\": expected a whole number as size of dimension 0"},
        {ONE("U8", "[\"4\"]", "[0,4]"), 4,
         ": header 1:2: \"a\": expected a whole number as size of dimension 0"},
        {ONE("U8", "[18446744073709551616]", "[0,4]"), 4,
         ": header 1:2: \"a\": expected a whole number as size of dimension 0"},
        {ONE("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1,
         ": header 1:2: \"a\": expected at most 8 dimensions, found more"},
        {ONE("U8", "[4294967296,4294967296]", "[0,0]"), 0,
         ": header 1:2: \"a\": the shape's product does not fit into memory"},
        {ONE("F32", "[4611686018427387905]", "[0,4]"), 4,
         ": header 1:2: \"a\": the shape's product does not fit into memory"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[]}}", 0,
         ": header 1:2: \"a\": expected \"data_offsets\", an array of two whole numbers"},
        {ONE("U8", "[4]", "[0]"), 4,
         ": header 1:2: \"a\": expected \"data_offsets\", an array of two whole numbers"},
        {ONE("U8", "[4]", "[0,4,4]"), 4,
         ": header 1:2: \"a\": expected \"data_offsets\", an array of two whole numbers"},
        {ONE("U8", "[4]", "[0,\"4\"]"), 4,
         ": header 1:2: \"a\": expected \"data_offsets\", an array of two whole numbers"},
        {ONE("U8", "[4]", "{\"b\":0,\"e\":4}"), 4,
         ": header 1:2: \"a\": expected \"data_offsets\", an array of two whole numbers"},
        {ONE("U8", "[4]", "[4,0]"), 4, ": header 1:2: \"a\": expected data_offsets in order, found [4, 0]"},
        {ONE("U8", "[4]", "[0,5]"), 4,
         ": header 1:2: \"a\": expected data_offsets within the 4 bytes of data, found [0, 5]"},
        {ONE("U8", "[4]", "[18446744073709551612,18446744073709551615]"), 4,
         ": header 1:2: \"a\": expected data_offsets within the 4 bytes of data, found "
         "[18446744073709551612, "
         "18446744073709551615]"},
        {ONE("U8", "[3]", "[0,4]"), 4,
         ": header 1:2: \"a\": expected 3 bytes for its shape and dtype U8, found 4"},
        {ONE("F32", "[]", "[0,1]"), 1,
         ": header 1:2: \"a\": expected 4 bytes for its shape and dtype F32, found 1"},
        {ONE("U8", "[3]", "[1,4]"), 4, ": tensor \"a\": expected its data at offset 61, found 62"},
        {ONE("U8", "[3]", "[0,3]"), 4, ": expected the end of the file at offset 64, found 1 more bytes"},
        {"{\"a\":" ENTRY("U8", "[3]", "[0,3]") ",\"b\":" ENTRY("U8", "[2]", "[2,4]") "}", 4,
         ": tensor \"b\": expected its data at offset 116, found 115"},
        {"{\"a\":" ENTRY("U8", "[2]", "[0,2]") ",\"b\":" ENTRY("U8", "[2]", "[0,2]") "}", 2,
         ": tensor \"b\": expected its data at offset 115, found 113"},
        {"{\"a\":" ENTRY("U8", "[4]", "[0,4]") ",\"b\":" ENTRY("U8", "[0]", "[2,2]") "}", 4,
         ": tensor \"b\": expected its data at offset 117, found 115"},
        {"{\"__metadata__\":[]}", 0, ": header 1:2: \"__metadata__\": expected an object of strings"},
        {"{\"__metadata__\":{\"a\":\"b\",\"c\":1}}", 0, ": header 1:26: \"c\": expected a string"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_header(cases[i].header, cases[i].data_len);
        refused(cases[i].why);
    }
}

static void lying_lengths_are_refused(void **state) {
    (void)state;
    write_raw("", 0);
    refused(": expected a header length of 8 bytes at offset 0, found a file of 0 bytes");
    write_raw("\2\0\0\0\0\0\0", 7);
    refused(": expected a header length of 8 bytes at offset 0, found a file of 7 bytes");
    write_raw("\3\0\0\0\0\0\0\0{}", 10);
    refused(": expected a header of 3 bytes at offset 8, found 2 bytes");
    write_raw("\x01\xE1\xF5\x05\0\0\0\0{}", 10);
    refused(
        ": expected a header length of at most 100000000 at offset 0, found 100000001 (no safetensors file)");
    write_raw("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}", 10);
    refused(": expected a header length of at most 100000000 at offset 0, found 18446744073709551615 "
            "(no safetensors file)");
    unlink(path);
    refused(": cannot open: No such file or directory");
    write_raw("", 0); /* for the end of the tests */
}

/* Legal oddities: tensors out of order, padding, white space, empty tensors between others. */
static void odd_files_are_taken(void **state) {
    (void)state;
    struct err err = {0};
    write_header("{ \"b\" : " ENTRY("U8", "[2]", "[1,3]") ",\"e\":" ENTRY(
                     "F32", "[0]", "[1,1]") ",\"a\":" ENTRY("BOOL", "[]", "[0,1]") "}  \n ",
                 3);
    struct safetensors *file = safetensors_load(path, &err);
    assert_string_equal(err.text, "");
    static const char *const order[] = {"a", "e", "b"};
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(safetensors_at(file, i)->name, order[i]);
    safetensors_free(file);
}

/* Reads all that a loaded file offers; sanitizers see any access outside. */
static bool load_and_touch(void) {
    struct err err = {0};
    struct safetensors *file = safetensors_load(path, &err);
    if (file == NULL) {
        assert_int_equal(err.kind, ERR_DATA);
        assert_memory_equal(err.text, path, strlen(path));
        return false;
    }
    unsigned sum = 0;
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const struct stored_tensor *t = safetensors_at(file, i);
        size_t elements = 1;
        for (size_t k = 0; k < t->dims; k++)
            elements *= t->dim[k];
        assert_true(elements == 0 ? t->len == 0 : t->len % elements == 0 && t->len / elements <= 8);
        for (size_t k = 0; k < t->len; k++)
            sum += t->bytes[k];
        assert_non_null(safetensors_find(file, t->name));
    }
    safetensors_free(file);
    return sum < UINT32_MAX;
}

static void every_truncation_is_refused(void **state) {
    (void)state;
    struct err err = {0};
    unsigned char *bytes;
    size_t len;
    save_sample();
    assert_true(file_read(path, 1 << 20, &bytes, &len, &err));
    for (size_t cut = 0; cut < len; cut++) {
        write_raw(bytes, cut);
        assert_false(load_and_touch());
    }
    write_raw(bytes, len);
    assert_true(load_and_touch());
    mem_free(bytes);
}

static void no_flipped_byte_does_harm(void **state) {
    (void)state;
    static const unsigned char flips[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF};
    struct err err = {0};
    unsigned char *bytes;
    size_t len, taken = 0;
    save_sample();
    assert_true(file_read(path, 1 << 20, &bytes, &len, &err));
    for (size_t i = 0; i < len; i++)
        for (size_t k = 0; k < sizeof flips; k++) {
            bytes[i] ^= flips[k];
            write_raw(bytes, len);
            taken += load_and_touch();
            bytes[i] ^= flips[k];
        }
    assert_true(taken >= 25 * sizeof flips); /* at least those that only change the data */
    mem_free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_as_described),
        cmocka_unit_test(what_was_saved_is_loaded),
        cmocka_unit_test(the_order_of_the_tensors_does_not_matter),
        cmocka_unit_test(the_digest_is_over_the_bytes),
        cmocka_unit_test(an_empty_file_of_tensors),
        cmocka_unit_test(hostile_headers_are_refused),
        cmocka_unit_test(lying_lengths_are_refused),
        cmocka_unit_test(odd_files_are_taken),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(no_flipped_byte_does_harm),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
