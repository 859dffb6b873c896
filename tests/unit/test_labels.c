/* What label files mean: classes or targets, and every way in which they can be wrong. */
#include "idx_files.h"

#include <math.h>

#include "data/dataset.h"

enum { ROWS = 3 };

static char images[] = "images", labels[] = "labels";

/* Loads three images beside a label file. */
static bool load(const struct data_spec *wanted, enum target_use use, struct dataset *set, struct err *err) {
    const double pixels[2 * ROWS] = {0};
    write_idx(images, IDX_U8, ROWS, 2, pixels);
    struct data_spec spec = *wanted;
    spec.root = folder;
    const struct data_files files = {.images = images, .labels = labels};
    return dataset_load(&files, &spec, use, NULL, set, err);
}

static const struct {
    int type;
    uint32_t columns; /* 0: one dimension */
    double value[6];
    long column;
    size_t class_count;
    uint32_t cls[ROWS];
} class_cases[] = {
    {IDX_U8, 0, {1, 0, 9}, -1, 0, {1, 0, 9}},
    {IDX_U8, 0, {0, 0, 0}, -1, 0, {0, 0, 0}},
    {IDX_U8, 0, {255, 0, 9}, -1, 256, {255, 0, 9}},
    {IDX_I8, 0, {127, 0, 9}, -1, 0, {127, 0, 9}},
    {IDX_I16, 0, {300, 0, 9}, -1, 0, {300, 0, 9}},
    {IDX_I32, 0, {65535, 0, 9}, -1, 0, {65535, 0, 9}},
    {IDX_I32, 0, {65536, 0, 9}, -1, 65537, {65536, 0, 9}},
    {IDX_I32, 2, {1, -7, 2, -8, 3, -9}, 0, 0, {1, 2, 3}},
    {IDX_U8, 2, {1, 7, 2, 8, 3, 9}, 1, 10, {7, 8, 9}},
    {IDX_U8, 0, {1, 2, 3}, 0, 0, {1, 2, 3}},
};

static void test_classes(void **state) {
    (void)state;
    for (size_t c = 0; c < sizeof class_cases / sizeof class_cases[0]; c++)
        for (enum target_use use = TARGETS_DISTRIBUTION; use <= TARGETS_REAL; use++) {
            write_idx(labels, class_cases[c].type, ROWS, class_cases[c].columns, class_cases[c].value);
            struct data_spec spec = {.label_column = class_cases[c].column,
                                     .class_count = class_cases[c].class_count};
            struct dataset set;
            struct err err;
            assert_true(load(&spec, use, &set, &err));
            assert_memory_equal(set.cls, class_cases[c].cls, sizeof class_cases[c].cls);
            assert_null(set.targets);
            assert_int_equal(set.target_width, 0);
            uint32_t largest = 0;
            for (size_t r = 0; r < ROWS; r++)
                largest = set.cls[r] > largest ? set.cls[r] : largest;
            assert_int_equal(set.class_count, largest + 1);
            assert_int_equal(set.features, 2);
            assert_int_equal(strlen(set.labels_sha256), 64);
            dataset_release(&set);
        }
}

static const struct {
    int type;
    uint32_t columns;
    double value[6];
    enum target_use use;
} target_cases[] = {
    {IDX_F32, 2, {0.25, 0.75, 1, 0, 0.5, 0.5}, TARGETS_DISTRIBUTION},
    {IDX_F64, 2, {0.25, 0.75, 1, 0, 0.5, 0.50009}, TARGETS_DISTRIBUTION},
    {IDX_F32, 2, {0.25, 1, 1, 1, 0, 0}, TARGETS_PROBABILITY},
    {IDX_F32, 0, {0.25, 1, 0}, TARGETS_PROBABILITY},
    {IDX_F32, 1, {0.25, 1, 0}, TARGETS_PROBABILITY},
    {IDX_F64, 2, {-3, 1e30, 7, 0.1, 0, 0}, TARGETS_REAL},
    {IDX_F32, 0, {-3, 1e30, 7}, TARGETS_REAL},
};

static void test_targets(void **state) {
    (void)state;
    for (size_t c = 0; c < sizeof target_cases / sizeof target_cases[0]; c++) {
        size_t width = target_cases[c].columns ? target_cases[c].columns : 1;
        write_idx(labels, target_cases[c].type, ROWS, target_cases[c].columns, target_cases[c].value);
        struct data_spec spec = {.label_column = -1};
        struct dataset set;
        struct err err;
        assert_true(load(&spec, target_cases[c].use, &set, &err));
        assert_null(set.cls);
        assert_int_equal(set.class_count, 0);
        assert_int_equal(set.target_width, width);
        for (size_t i = 0; i < ROWS * width; i++) {
            double stored = target_cases[c].value[i];
            if (target_cases[c].type == IDX_F32)
                stored = (double)(float)stored;
            assert_true(set.targets[i] == (real)stored);
        }
        dataset_release(&set);
    }
}

static const struct {
    int type;
    uint32_t rows, columns;
    double value[8];
    enum target_use use;
    long column;
    size_t class_count;
    enum err_kind kind;
    const char *text;
} fault_cases[] = {
    {IDX_I8,
     3,
     0,
     {1, -1, 0},
     0,
     -1,
     0,
     ERR_DATA,
     "labels: row 1: expected a label from 0 to 65535 (at most 65536 classes), found -1"},
    {IDX_I32, 3, 0, {0, 0, -2147483648.0}, 0, -1, 0, ERR_DATA, "row 2: expected a label from 0 to 65535"},
    {IDX_I32, 3, 0, {2147483647, 0, 1}, 0, -1, 0, ERR_DATA, "row 0: expected a label from 0 to 65535 (at"},
    {IDX_I32, 3, 0, {65536, 0, 1}, 0, -1, 0, ERR_DATA, "found 65536"},
    {IDX_U8, 3, 0, {9, 10, 1}, 0, -1, 10, ERR_DATA, "labels: row 1: expected a label from 0 to 9, found 10"},
    {IDX_I32,
     3,
     2,
     {1, 7, 2, 8, 3, 9},
     0,
     -1,
     0,
     ERR_DATA,
     "found 2 (2 columns): choose a column with data.label_column"},
    {IDX_I32, 3, 1, {1, 7, 2}, 0, -1, 0, ERR_DATA, "data.label_column"},
    {IDX_I32,
     3,
     2,
     {1, 7, 2, 8, 3, 9},
     0,
     2,
     0,
     ERR_CONFIG,
     "data.label_column: must be below 2, the columns of"},
    {IDX_U8, 3, 0, {1, 7, 2}, 0, 1, 0, ERR_CONFIG, "data.label_column: must be below 1"},
    {IDX_F32,
     3,
     2,
     {1, 0, 1, 0, 1, 0},
     0,
     0,
     0,
     ERR_CONFIG,
     "data.label_column: picks a column of integer labels"},
    {IDX_F32, 3, 0, {1, 0, 1}, TARGETS_DISTRIBUTION, -1, 0, ERR_DATA, "for regression set loss.kind to mse"},
    {IDX_F32, 3, 1, {1, 1, 1}, TARGETS_DISTRIBUTION, -1, 0, ERR_DATA, "at least 2 probabilities, found 1"},
    {IDX_F32,
     3,
     2,
     {1, 0, 0.5, 0.4, 1, 0},
     TARGETS_DISTRIBUTION,
     -1,
     0,
     ERR_DATA,
     "row 1: expected probabilities that sum"},
    {IDX_F64,
     3,
     2,
     {1, 0, 1, 0, 1, 0.00011},
     TARGETS_DISTRIBUTION,
     -1,
     0,
     ERR_DATA,
     "row 2: expected probabilities that"},
    {IDX_F32,
     3,
     2,
     {1, 0, 1.5, -0.5, 1, 0},
     TARGETS_DISTRIBUTION,
     -1,
     0,
     ERR_DATA,
     "row 1, column 0: expected a probability between 0 and 1, found 1.5"},
    {IDX_F32,
     3,
     0,
     {1, 0, -0.5},
     TARGETS_PROBABILITY,
     -1,
     0,
     ERR_DATA,
     "row 2, column 0: expected a probability"},
    {IDX_F32,
     3,
     2,
     {1, 0, 1, NAN, 1, 0},
     TARGETS_REAL,
     -1,
     0,
     ERR_DATA,
     "row 1, column 1: expected a finite number, found NaN"},
    {IDX_F64,
     3,
     0,
     {1, 0, -INFINITY},
     TARGETS_REAL,
     -1,
     0,
     ERR_DATA,
     "row 2, column 0: expected a finite number of at most"},
    {IDX_F64, 3, 0, {1, 0, 1e39}, TARGETS_REAL, -1, 0, ERR_DATA, "found 1e+39"},
    {IDX_F32,
     3,
     2,
     {0},
     TARGETS_REAL,
     -1,
     5,
     ERR_DATA,
     "expected 5 targets in a row, as many as the config has classes"},
    {IDX_U8,
     4,
     0,
     {0, 1, 0, 1},
     0,
     -1,
     0,
     ERR_DATA,
     "labels: expected as many labels as images, found 4 labels for the 3 images of"},
};

static void test_faults(void **state) {
    (void)state;
    for (size_t c = 0; c < sizeof fault_cases / sizeof fault_cases[0]; c++) {
        write_idx(labels, fault_cases[c].type, fault_cases[c].rows, fault_cases[c].columns,
                  fault_cases[c].value);
        struct data_spec spec = {.label_column = fault_cases[c].column,
                                 .class_count = fault_cases[c].class_count};
        struct dataset set;
        struct err err = {0};
        assert_false(load(&spec, fault_cases[c].use, &set, &err));
        assert_int_equal(err.kind, fault_cases[c].kind);
        if (!strstr(err.text, fault_cases[c].text))
            fail_msg("case %zu: %s", c, err.text);
    }
}

/* Images where labels belong, and the other way round. */
static void test_swapped(void **state) {
    (void)state;
    static struct bytes b;
    add_header(&b, IDX_U8, 3, (const uint32_t[]){3, 1, 2});
    add_bytes(&b, "\0\0\0\0\0\0", 6);
    write_file(labels, &b);
    struct data_spec spec = {.label_column = -1};
    struct dataset set;
    struct err err = {0};
    assert_false(load(&spec, TARGETS_REAL, &set, &err));
    assert_non_null(strstr(
        err.text, "/labels: expected labels of 1 or 2 dimensions, found 3: it looks like an image file"));

    spec.root = folder;
    write_idx(labels, IDX_U8, 3, 0, (const double[]){0, 1, 2});
    const struct data_files swapped = {.images = labels, .labels = labels};
    assert_false(dataset_load(&swapped, &spec, TARGETS_REAL, NULL, &set, &err));
    assert_non_null(
        strstr(err.text, "/labels: expected images of 2 to 4 dimensions, found 1: it looks like a label file "
                         "(1 dimension)"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_swapped),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
