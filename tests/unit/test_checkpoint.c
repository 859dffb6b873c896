/* Snapshots and their files: what is put aside comes back, and nothing else is taken for it. */
#include "idx_files.h"

#include <math.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/snapshot.h"
#include "store/checkpoint.h"

enum { CONTRACT = 7 };

static struct err err;

struct state {
    double loss, *given, *absent;
    real theta[5];
    size_t sizes[3], epoch;
    uint64_t steps;
    uint32_t classes[2];
    bool done;
    int kind;
    struct text text;
};

static void exchange(struct state *x, struct snapshot *s) {
    snapshot_double(s, "loss", &x->loss);
    snapshot_enter(s, "a.b");
    snapshot_reals(s, "theta", x->theta, 5);
    snapshot_enter(s, "c");
    snapshot_sizes(s, "sizes", x->sizes, 3, 100);
    snapshot_leave(s);
    snapshot_size(s, "epoch", &x->epoch, 9);
    snapshot_leave(s);
    snapshot_u64(s, "steps", &x->steps);
    snapshot_u32s(s, "classes", x->classes, 2, 9);
    snapshot_bool(s, "done", &x->done);
    snapshot_int(s, "kind", &x->kind, -1, 3);
    snapshot_text(s, "text", &x->text);
    snapshot_optional_doubles(s, "given", &x->given, 2);
    snapshot_optional_doubles(s, "absent", &x->absent, 2);
}

static double two[] = {1.5, NAN};

static struct state sample(void) {
    struct state x = {.loss = -0.0,
                      .given = two,
                      .theta = {1, (real)-2.5, 0, (real)1e-30, 4},
                      .sizes = {0, 100, 7},
                      .epoch = 9,
                      .steps = UINT64_MAX,
                      .classes = {9, 0},
                      .done = true,
                      .kind = -1};
    text_add(&x.text, "line\nand \xC3\xA4");
    return x;
}

static const char *saved(void) {
    struct state x = sample();
    struct snapshot *s = snapshot_create(&err);
    exchange(&x, s);
    assert_true(snapshot_ok(s, &err));
    assert_false(snapshot_restores(s));
    assert_true(checkpoint_save(path_of("c"), s, CONTRACT, &err));
    snapshot_free(s);
    text_release(&x.text);
    return path_of("c");
}

static void all_comes_back(void **unused) {
    (void)unused;
    struct state x = {0}, was = sample();
    struct checkpoint *c = checkpoint_load(saved(), CONTRACT, &err);
    assert_non_null(c);
    exchange(&x, checkpoint_snapshot(c));
    assert_true(snapshot_ok(checkpoint_snapshot(c), &err));
    checkpoint_free(c);
    assert_true(x.loss == 0 && signbit(x.loss));
    assert_true(x.given[0] == 1.5 && isnan(x.given[1]) && x.absent == NULL);
    assert_memory_equal(x.theta, was.theta, sizeof x.theta);
    assert_memory_equal(x.sizes, was.sizes, sizeof x.sizes);
    assert_memory_equal(x.classes, was.classes, sizeof x.classes);
    assert_int_equal(x.epoch, 9);
    assert_true(x.steps == UINT64_MAX && x.done && x.kind == -1);
    assert_string_equal(x.text.s, was.text.s);
    mem_free(x.given);
    text_release(&x.text);
    text_release(&was.text);
}

/* ---- what is not as it must be ---- */

typedef void read_fn(struct snapshot *s);

static void too_long(struct snapshot *s) {
    real theta[4];
    snapshot_reals(s, "a.b.theta", theta, 4);
}
static void of_another_type(struct snapshot *s) {
    uint64_t loss;
    snapshot_u64(s, "loss", &loss);
}
static void not_there(struct snapshot *s) {
    double x;
    snapshot_double(s, "nothing", &x);
}
static void above_the_limit(struct snapshot *s) {
    size_t sizes[3];
    snapshot_enter(s, "a.b.c");
    snapshot_sizes(s, "sizes", sizes, 3, 99);
}
static void above_a_class(struct snapshot *s) {
    uint32_t classes[2];
    snapshot_u32s(s, "classes", classes, 2, 8);
}
static void no_choice(struct snapshot *s) {
    int kind;
    snapshot_int(s, "classes", &kind, 0, 3);
}

static void the_piece_is_named(void **unused) {
    (void)unused;
    static const struct {
        read_fn *read;
        const char *text;
    } row[] = {
        {too_long, "a.b.theta: expected 4 numbers, found 5"},
        {of_another_type, "loss: expected U64, found F64"},
        {not_there, "nothing: is missing"},
        {above_the_limit, "a.b.c.sizes: expected at most 99, found 100"},
        {above_a_class, "classes: expected at most 8, found 9"},
        {no_choice, "classes: expected 1 numbers, found 2"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct checkpoint *c = checkpoint_load(saved(), CONTRACT, &err);
        struct snapshot *s = checkpoint_snapshot(c);
        double loss = 3;
        row[i].read(s);
        assert_false(snapshot_restores(s));
        snapshot_double(s, "loss", &loss); /* nothing is done behind a failure */
        assert_true(loss == 3);
        assert_false(snapshot_ok(s, &err));
        assert_int_equal(err.kind, ERR_DATA);
        assert_string_equal(err.text, row[i].text);
        checkpoint_free(c);
    }
}

/* Arrays that the owner does not have yet are made as long as they are to be, or not at all. */
static void absent_arrays_are_made(void **unused) {
    (void)unused;
    struct checkpoint *c = checkpoint_load(saved(), CONTRACT, &err);
    struct snapshot *s = checkpoint_snapshot(c);
    double *values = NULL;
    snapshot_made_doubles(s, "given", &values, 2);
    assert_true(snapshot_ok(s, &err));
    assert_true(values[0] == 1.5);
    snapshot_made_doubles(s, "given", &values, SIZE_MAX / 4);
    assert_null(values);
    assert_false(snapshot_ok(s, &err));
    assert_int_equal(err.kind, ERR_DATA);
    assert_non_null(strstr(err.text, "given: expected "));
    checkpoint_free(c);
    c = checkpoint_load(saved(), CONTRACT, &err);
    s = checkpoint_snapshot(c);
    snapshot_made_doubles(s, "absent", &values, 2);
    assert_null(values);
    assert_false(snapshot_ok(s, &err));
    assert_string_equal(err.text, "absent: is missing");
    checkpoint_free(c);
}

/* Whether the file is refused, as data. */
static bool refused(const char *path) {
    err = (struct err){0};
    struct checkpoint *c = checkpoint_load(path, CONTRACT, &err);
    if (!c) {
        assert_int_equal(err.kind, ERR_DATA);
        assert_memory_equal(err.text, path, strlen(path));
        return true;
    }
    checkpoint_free(c);
    return false;
}

/* The spaces behind the header are all that may be something else. */
static void every_cut_and_every_flip_is_found(void **unused) {
    (void)unused;
    unsigned char *bytes;
    size_t len, taken = 0;
    assert_true(file_read(saved(), FILE_MAX, &bytes, &len, &err));
    for (size_t cut = 0; cut < len; cut++)
        assert_true(refused(write_bytes("cut", bytes, cut)));
    for (size_t i = 0; i < len; i++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (unsigned char)(1 << bit);
            bool found = refused(write_bytes("flipped", bytes, len));
            bytes[i] ^= (unsigned char)(1 << bit);
            taken += !found;
            if (!found && bytes[i] != ' ')
                fail_msg("byte %zu, bit %d", i, bit);
        }
    assert_true(taken <= 8 * 8);
    mem_free(bytes);
}

static void other_files_are_told(void **unused) {
    (void)unused;
    assert_true(refused(path_of("nothing")));
    assert_true(refused(write_bytes("model", "\x02\0\0\0\0\0\0\0{}", 10)));
    assert_non_null(strstr(err.text, "expected a checkpoint"));
    assert_null(checkpoint_load(saved(), CONTRACT + 1, &err));
    assert_non_null(strstr(err.text, "version 7 of the numeric contract, this program's is 8"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_comes_back, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(the_piece_is_named, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(absent_arrays_are_made, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(every_cut_and_every_flip_is_found, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(other_files_are_told, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
