/* predictions.idx: written, read back, and counted. */
#include "idx_files.h"

#include "run/answers.h"

static struct err err;

enum { ROWS = 6 };

static struct folder run_folder(void) {
    return (struct folder){.path = folder, .lock = -1};
}

/* Writes answers on rows of a set of ten; the part has the odd ones. */
static void write_answers(const uint32_t predicted[ROWS], const uint32_t cls[2 * ROWS], size_t classes) {
    struct dataset set = {.cls = (uint32_t *)cls, .class_count = classes};
    uint32_t row[ROWS], copy[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        row[i] = (uint32_t)(2 * i + 1);
        copy[i] = predicted[i];
    }
    struct data_part part = {.set = &set, .row = row, .count = ROWS};
    struct evaluation e = {.samples = ROWS, .classes = classes, .predicted = copy};
    struct folder f = run_folder();
    assert_true(answers_write(&f, &part, &e, &err));
}

static const uint32_t truth[2 * ROWS] = {9, 0, 9, 1, 9, 2, 9, 0, 9, 1, 9, 2};
static const uint32_t first[ROWS] = {0, 1, 2, 1, 2, 0}, second[ROWS] = {0, 0, 0, 0, 2, 0};

static void rows_that_one_alone_has_right(void **state) {
    (void)state;
    struct answers a, b;
    write_answers(first, truth, 10);
    const char *path = path_of("predictions.idx");
    assert_true(answers_read(path, ROWS, &a, &err));
    assert_int_equal(a.file.type, IDX_U8);
    write_answers(second, truth, 10);
    assert_true(answers_read(path, ROWS, &b, &err));
    assert_int_equal(answers_right(&a), 3);
    assert_int_equal(answers_right(&b), 2);
    assert_true(answers_comparable(&a, &b));
    struct discordance d = answers_discordance(&a, &b);
    assert_int_equal(d.first, 2);
    assert_int_equal(d.second, 1);
    answers_release(&b);

    uint32_t other[2 * ROWS];
    memcpy(other, truth, sizeof other);
    other[11] = 1;
    write_answers(second, other, 10);
    assert_true(answers_read(path, ROWS, &b, &err));
    assert_false(answers_comparable(&a, &b));
    answers_release(&b);
    answers_release(&a);
}

/* As the format says, by hand: magic, dimensions, the predicted and the true class of each row. */
static void the_bytes(void **state) {
    (void)state;
    static const unsigned char expected[] = {0, 0, 8, 2, 0, 0, 0, 6, 0, 0, 0, 2,
                                             0, 0, 1, 1, 2, 2, 1, 0, 2, 1, 0, 2};
    unsigned char found[sizeof expected + 1];
    write_answers(first, truth, 256);
    FILE *f = fopen(path_of("predictions.idx"), "rb");
    assert_non_null(f);
    assert_int_equal(fread(found, 1, sizeof found, f), sizeof expected);
    fclose(f);
    assert_memory_equal(found, expected, sizeof expected);
}

static void many_classes(void **state) {
    (void)state;
    uint32_t predicted[ROWS] = {65535, 1, 2, 0, 1, 2}, cls[2 * ROWS];
    memcpy(cls, truth, sizeof cls);
    cls[1] = 65535;
    struct answers a;
    write_answers(predicted, cls, 65536);
    assert_true(answers_read(path_of("predictions.idx"), ROWS, &a, &err));
    assert_int_equal(a.file.type, IDX_I32);
    assert_int_equal(answers_right(&a), ROWS);
    answers_release(&a);
}

static void no_classes_no_file(void **state) {
    (void)state;
    struct evaluation e = {.samples = ROWS};
    struct data_part part = {.count = ROWS};
    struct folder f = run_folder();
    unlink(path_of("predictions.idx"));
    assert_true(answers_write(&f, &part, &e, &err));
    assert_int_not_equal(access(path_of("predictions.idx"), F_OK), 0);
}

static void refused(void **state) {
    (void)state;
    struct answers a;
    struct bytes b = {0};
    write_answers(first, truth, 10);
    const char *path = path_of("predictions.idx");
    assert_false(answers_read(path, ROWS + 1, &a, &err));
    assert_int_equal(err.kind, ERR_DATA);
    assert_non_null(strstr(err.text, "expected 7 rows, as summary.json has test samples, found 6"));

    add_word(&b, 0x0C02, 4);
    add_word(&b, 1, 4);
    add_word(&b, 2, 4);
    add_word(&b, 1, 4);
    add_word(&b, 0xFFFFFFFF, 4);
    path = write_file("wrong.idx", &b);
    assert_false(answers_read(path, 1, &a, &err));
    assert_non_null(strstr(err.text, "row 0: expected a class, found -1"));

    b.len = 0;
    add_word(&b, 0x0801, 4);
    add_word(&b, 2, 4);
    add_word(&b, 0x0101, 2);
    path = write_file("wrong.idx", &b);
    assert_false(answers_read(path, 2, &a, &err));
    assert_non_null(strstr(err.text, "expected two columns of u8 or i32, found 1 of u8"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_one_alone_has_right),
        cmocka_unit_test(the_bytes),
        cmocka_unit_test(many_classes),
        cmocka_unit_test(no_classes_no_file),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
