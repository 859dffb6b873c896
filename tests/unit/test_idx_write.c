/* IDX files as they are written. Reference: the format's definition, byte by byte. */
#include "idx_files.h"

#include <sys/stat.h>

#include "base/file.h"
#include "data/idx.h"

/* The values -2 (254), 0 and 100 or a word of different bytes, as the machine has them and as the file does.
 */
static const uint8_t u8[] = {254, 0, 100};
static const int8_t i8[] = {-2, 0, 100};
static const int16_t i16[] = {-2, 0, 0x1234};
static const int32_t i32[] = {-2, 0, 0x12345678};
static const float f32[] = {-2, 0, 1 + 0x1p-23f};
static const double f64[] = {-2, 0, 1 + 0x1p-52};

static const struct {
    enum idx_type type;
    const void *values;
    size_t size;
    uint64_t word[3];
} cases[] = {
    {IDX_U8, u8, 1, {0xFE, 0, 100}},
    {IDX_I8, i8, 1, {0xFE, 0, 100}},
    {IDX_I16, i16, 2, {0xFFFE, 0, 0x1234}},
    {IDX_I32, i32, 4, {0xFFFFFFFE, 0, 0x12345678}},
    {IDX_F32, f32, 4, {0xC0000000, 0, 0x3F800001}},
    {IDX_F64, f64, 8, {0xC000000000000000, 0, 0x3FF0000000000001}},
};

static void assert_file_is(const char *path, const struct bytes *expected) {
    unsigned char *found;
    size_t len;
    struct err err = {0};
    assert_true(file_read(path, FILE_MAX, &found, &len, &err));
    assert_int_equal(len, expected->len);
    assert_memory_equal(found, expected->at, len);
    free(found);
}

static void every_type_has_its_bytes(void **state) {
    (void)state;
    static struct bytes expected;
    const uint32_t dim[] = {3};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        struct idx idx = {.type = cases[i].type,
                          .dims = 1,
                          .dim = {3},
                          .rows = 3,
                          .width = 1,
                          .values = (void *)(uintptr_t)cases[i].values};
        assert_true(idx_write(path_of("x"), &idx, &err));
        add_header(&expected, cases[i].type, 1, dim);
        for (size_t v = 0; v < 3; v++)
            add_word(&expected, cases[i].word[v], cases[i].size);
        assert_file_is(path_of("x"), &expected);
    }
}

static void dimensions_are_kept_and_read_again(void **state) {
    (void)state;
    static uint8_t values[258 * 6];
    struct err err = {0};
    struct idx read,
        idx = {.type = IDX_U8, .dims = 3, .dim = {258, 2, 3}, .rows = 258, .width = 6, .values = values};
    for (size_t i = 0; i < sizeof values; i++)
        values[i] = (uint8_t)(i * 7);
    assert_true(idx_write(path_of("x"), &idx, &err));
    assert_true(idx_read(path_of("x"), &read, &err));
    assert_int_equal(read.dims, 3);
    assert_memory_equal(read.dim, idx.dim, 3 * sizeof *idx.dim);
    assert_memory_equal(read.values, values, sizeof values);
    idx_release(&read);
}

static void what_cannot_be_written_is_said(void **state) {
    (void)state;
    struct err err = {0};
    struct idx idx = {
        .type = IDX_U8, .dims = 1, .dim = {3}, .rows = 3, .width = 1, .values = (void *)(uintptr_t)u8};
    assert_false(idx_write(path_of("nowhere/x"), &idx, &err));
    assert_int_equal(err.kind, ERR_SYSTEM);
    idx.dim[0] = (size_t)UINT32_MAX + 1;
    err = (struct err){0};
    assert_false(idx_write(path_of("large"), &idx, &err));
    assert_int_equal(err.kind, ERR_SYSTEM);
    assert_false(file_exists(path_of("large")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_its_bytes),
        cmocka_unit_test(dimensions_are_kept_and_read_again),
        cmocka_unit_test(what_cannot_be_written_is_said),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
