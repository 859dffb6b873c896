/* The thread that puts checkpoints on disk: what it leaves, and that its failures are told at once. */
#include "idx_files.h"

#include <sys/stat.h>

#include "base/file.h"
#include "kernel/kernel.h"
#include "run/keeper.h"
#include "store/checkpoint.h"

static struct err err;

static struct folder here(void) {
    return (struct folder){.path = folder, .lock = -1};
}

static struct snapshot *snapshot_with(double value) {
    struct snapshot *s = snapshot_create(&err);
    assert_non_null(s);
    snapshot_double(s, "value", &value);
    return s;
}

static bool hand(struct keeper *k, double value) {
    struct text lines = {0};
    text_addf(&lines, "{\"value\": %g}\n", value);
    bool ok = keeper_hand(k, snapshot_with(value), &lines, &err);
    text_release(&lines);
    return ok;
}

static double value_of(const char *name) {
    double value = -1;
    struct checkpoint *c = checkpoint_load(path_of(name), NUMERIC_CONTRACT, &err);
    assert_non_null(c);
    snapshot_double(checkpoint_snapshot(c), "value", &value);
    checkpoint_free(c);
    return value;
}

static void the_newest_and_the_one_before_it_stay(void **unused) {
    (void)unused;
    struct folder f = here();
    struct keeper *k = keeper_create(&f, &err);
    bool idle = false;
    for (double value = 1; value < 4; value++) {
        assert_true(hand(k, value));
        assert_true(keeper_wait(k, &err));
    }
    assert_true(keeper_idle(k, &idle, &err));
    assert_true(idle);
    keeper_free(k);
    assert_true(value_of(CHECKPOINT) == 3);
    assert_true(value_of(CHECKPOINT_PREVIOUS) == 2);
    assert_false(file_exists(path_of(CHECKPOINT_NEW)));
}

/* Told where nothing is handed over, too, and by every call from then on. */
static void assert_told(struct keeper *k, const char *text) {
    bool idle;
    assert_false(keeper_wait(k, &err));
    for (int i = 0; i < 2; i++) {
        err = (struct err){0};
        assert_false(keeper_idle(k, &idle, &err));
        assert_int_equal(err.kind, ERR_SYSTEM);
        assert_non_null(strstr(err.text, text));
    }
    assert_false(hand(k, 9));
    keeper_free(k);
}

static void what_cannot_be_renamed_is_removed(void **unused) {
    (void)unused;
    struct folder f = here();
    struct keeper *k = keeper_create(&f, &err);
    assert_true(hand(k, 1));
    assert_true(keeper_wait(k, &err));
    assert_int_equal(mkdir(path_of(CHECKPOINT_PREVIOUS), 0777), 0);
    (void)hand(k, 2);
    assert_told(k, "cannot rename to ");
    assert_true(value_of(CHECKPOINT) == 1);
    assert_false(file_exists(path_of(CHECKPOINT_NEW)));
    assert_int_equal(rmdir(path_of(CHECKPOINT_PREVIOUS)), 0);
}

static void a_vanished_folder_is_told(void **unused) {
    (void)unused;
    char path[] = "/nowhere/at/all";
    struct folder f = {.path = path, .lock = -1};
    struct keeper *k = keeper_create(&f, &err);
    (void)hand(k, 1);
    assert_told(k, "/nowhere/at/all/checkpoint.new.safetensors: cannot ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_newest_and_the_one_before_it_stay, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_cannot_be_renamed_is_removed, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_vanished_folder_is_told, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
