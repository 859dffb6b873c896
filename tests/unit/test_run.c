/* The run directory and the figures of a run. */
#include "idx_files.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>

#include "base/file.h"
#include "base/mem.h"
#include "run/figures.h"
#include "run/folder.h"
#include "run/metrics.h"
#include "run/run.h"

static struct err err;

/* ---- figures ---- */

/* Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998),
 * table I, method 3 (score, without continuity correction). */
static void wilson_as_published(void **state) {
    (void)state;
    static const struct {
        size_t k, n;
        double low, high;
    } row[] = {{81, 263, .2553, .3662}, {15, 148, .0624, .1605}, {0, 20, 0, .1611}, {1, 29, .0061, .1718}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        double low, high;
        figures_wilson(row[i].k, row[i].n, &low, &high);
        assert_true(fabs(low - row[i].low) < 5.1e-5);
        assert_true(fabs(high - row[i].high) < 5.1e-5);
        /* The other outcome has the mirrored interval. */
        double low2, high2;
        figures_wilson(row[i].n - row[i].k, row[i].n, &low2, &high2);
        assert_true(fabs(low2 - (1 - high)) < 1e-15 && fabs(high2 - (1 - low)) < 1e-15);
    }
}

static void wilson_at_the_ends(void **state) {
    (void)state;
    double low, high;
    figures_wilson(0, 0, &low, &high);
    assert_true(low == 0 && high == 1);
    for (size_t n = 1; n < 1000; n++) {
        figures_wilson(n, n, &low, &high);
        assert_true(low > 0 && low < 1 && high == 1);
        figures_wilson(0, n, &low, &high);
        assert_true(low == 0 && high > 0 && high < 1);
    }
}

/* scipy.stats.binomtest(b, b + c).pvalue. */
static void mcnemar_is_exact(void **state) {
    (void)state;
    static const struct {
        size_t b, c;
        double p;
    } row[] = {{0, 0, 1},
               {0, 1, 1},
               {3, 4, 1},
               {1, 5, .21875},
               {0, 6, .03125},
               {10, 20, .09873714670538905},
               {59, 6, 4.964650327128616e-12},
               {101, 59, .0011229051962340457},
               {500, 600, .002819544991436429},
               {0, 1000, 1.8665272370064378e-301},
               {100000, 101000, .025862392439732925},
               {499500, 500500, .31779469136333}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        double p = figures_mcnemar(row[i].b, row[i].c);
        if (!(fabs(p - row[i].p) <= 1e-8 * row[i].p))
            fail_msg("%zu, %zu: %.17g, expected %.17g", row[i].b, row[i].c, p, row[i].p);
        assert_true(figures_mcnemar(row[i].c, row[i].b) == p);
    }
}

/* Three classes by hand; nobody ever predicts the last one. */
static void figures_of_a_class(void **state) {
    (void)state;
    uint64_t confusion[] = {5, 1, 0, 2, 6, 0, 1, 1, 0};
    struct evaluation e = {.samples = 16, .classes = 3, .correct = 11, .confusion = confusion};
    struct class_figures f = figures_of_class(&e, 0);
    assert_int_equal(f.support, 6);
    assert_true(f.precision == 5.0 / 8 && f.recall == 5.0 / 6 && f.f1 == 10.0 / 14);
    f = figures_of_class(&e, 2);
    assert_int_equal(f.support, 2);
    assert_true(f.precision == 0 && f.recall == 0 && f.f1 == 0);
}

/* ---- the directory ---- */

static void a_folder_is_made_and_left_clean(void **state) {
    (void)state;
    struct folder f;
    const char *out = path_of("run");
    assert_true(folder_open(out, "n", FOLDER_NEW, &f, &err));
    assert_true(file_is_folder(out));
    folder_close(&f);
    assert_false(file_is_folder(out));

    assert_true(folder_open(out, "n", FOLDER_NEW, &f, &err));
    assert_true(folder_write(&f, "config.json", "{}\n", 3, &err));
    folder_close(&f);
    assert_true(file_exists(path_of("run/config.json")));
    assert_false(file_exists(path_of("run/.lock")));
    assert_int_equal(remove(path_of("run/config.json")), 0);
    assert_int_equal(remove(path_of("run")), 0);

    static const char *const nested[] = {"new/a", "new/a/", "new//a//", "new/a/."};
    for (size_t i = 0; i < sizeof nested / sizeof *nested; i++) {
        assert_true(folder_open(path_of(nested[i]), "n", FOLDER_NEW, &f, &err));
        assert_true(file_is_folder(path_of("new/a")));
        assert_true(f.path[strlen(f.path) - 1] != '/');
        folder_close(&f);
        assert_false(file_is_folder(path_of("new")));
    }
}

static void a_finished_run_is_refused(void **state) {
    (void)state;
    struct folder f;
    assert_true(folder_open(path_of("."), "n", FOLDER_NEW, &f, &err));
    assert_true(folder_write(&f, "summary.json", "{}\n", 3, &err));
    folder_close(&f);

    err = (struct err){0};
    assert_false(folder_open(path_of("."), "n", FOLDER_NEW, &f, &err));
    assert_int_equal(err.kind, ERR_SYSTEM);
    assert_non_null(strstr(err.text, "--force"));
    assert_non_null(strstr(err.text, "--resume"));
    assert_int_equal(strncmp(err.text, folder, strlen(folder)), 0);
    assert_true(file_exists(path_of("summary.json")));

    assert_true(folder_open(path_of("."), "n", FOLDER_REPLACE, &f, &err));
    assert_true(file_exists(path_of("summary.json")));
    assert_true(folder_begin(&f, &err));
    assert_false(file_exists(path_of("summary.json")));
    assert_true(folder_begin(&f, &err));
    folder_close(&f);
}

static void a_second_user_is_refused(void **state) {
    (void)state;
    struct folder first, second;
    char pid[32];
    assert_true(folder_open(path_of("."), "n", FOLDER_NEW, &first, &err));
    assert_false(folder_open(path_of("."), "n", FOLDER_REPLACE, &second, &err));
    assert_int_equal(err.kind, ERR_SYSTEM);
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(err.text, pid));
    assert_true(file_exists(path_of(".lock")));
    folder_close(&first);
    assert_true(folder_open(path_of("."), "n", FOLDER_REPLACE, &second, &err));
    folder_close(&second);
}

/* A file left by a killed process is held by nobody. */
static void a_stale_lock_is_taken(void **state) {
    (void)state;
    struct folder f;
    write_bytes(".lock", "123456789\n", 10);
    assert_true(folder_open(path_of("."), "n", FOLDER_NEW, &f, &err));
    folder_close(&f);
    assert_false(file_exists(path_of(".lock")));
}

/* A lock file that may not grow beyond two bytes takes a part of the number, and errno says nothing then. */
static void a_short_write_is_told(void **state) {
    (void)state;
    struct folder f;
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool opened = folder_open(path_of("."), "n", FOLDER_NEW, &f, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    assert_false(opened);
    assert_int_equal(err.kind, ERR_SYSTEM);
    assert_non_null(strstr(err.text, ".lock: cannot write: only 1 of "));
    assert_false(file_exists(path_of(".lock")));
}

/* Whoever can write to the lock file must not bend the message. */
static void a_strange_lock_is_no_text(void **state) {
    (void)state;
    struct folder f;
    write_bytes(".lock", "evil\ntext", 9);
    int fd = open(path_of(".lock"), O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_false(folder_open(path_of("."), "n", FOLDER_NEW, &f, &err));
    assert_non_null(strstr(err.text, "another process"));
    assert_null(strstr(err.text, "evil"));
    close(fd);
    assert_int_equal(symlink("nowhere", path_of("link")), 0);
    assert_int_equal(remove(path_of(".lock")), 0);
    assert_int_equal(rename(path_of("link"), path_of(".lock")), 0);
    assert_false(folder_open(path_of("."), "n", FOLDER_NEW, &f, &err));
    assert_false(file_exists(path_of("nowhere")));
}

static void names_that_are_no_folders(void **state) {
    (void)state;
    static const char *const name[] = {"", ".", "..", "a/b", "/etc"};
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        struct folder f;
        assert_false(folder_open(NULL, name[i], false, &f, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_int_equal(strncmp(err.text, "name: ", 6), 0);
    }
}

/* ---- the setup ---- */

/* Only a training needs parameters: describing a model draws none. */
static void a_setup_starts_when_asked(void **state) {
    (void)state;
    struct config config;
    struct config_faults faults;
    struct setup setup;
    assert_true(config_load("configs/digits.json", NULL, 0, &config, &faults, &err));
    assert_true(setup_open(&config, NULL, false, &setup, &err));
    for (size_t i = 0; i < setup.model->size; i++)
        assert_true(setup.model->theta[i] == 0);
    assert_true(setup_start(&setup, NULL, &err));
    assert_true(setup.model->theta[0] != 0);
    setup_release(&setup);
    config_release(&config);
}

/* Drawn while the data are read, by one thread, the parameters are those that the whole team draws
 * afterwards; a model that is too large for that waits. */
static void drawing_beside_the_reading_is_the_same(void **state) {
    (void)state;
    static const char *const layers[] = {("model.layers=[{\"units\": 60, \"activation\": \"prelu\"}, "
                                          "{\"units\": 20, \"init\": \"orthogonal\"}]"),
                                         "model.layers=[{\"units\": 1400}]", "model.layers=[]"};
    for (size_t l = 0; l < sizeof layers / sizeof *layers; l++) {
        const char *const set[] = {layers[l], "threads=2"};
        struct config config;
        struct config_faults faults;
        struct setup beside, after;
        assert_true(config_load("configs/digits.json", set, 2, &config, &faults, &err));
        assert_true(setup_open(&config, NULL, true, &beside, &err));
        assert_int_equal(beside.drawn, team_size(beside.team) > 1 && l != 1);
        assert_true(setup_start(&beside, NULL, &err));
        assert_true(setup_open(&config, NULL, false, &after, &err));
        assert_false(after.drawn);
        assert_true(setup_start(&after, NULL, &err));
        assert_int_equal(beside.model->size, after.model->size);
        assert_memory_equal(beside.model->theta, after.model->theta, after.model->size * sizeof(real));
        setup_release(&beside);
        setup_release(&after);
        config_release(&config);
    }
}

/* ---- metrics.jsonl ---- */

static void metrics_are_whole_lines(void **state) {
    (void)state;
    struct metrics metrics = {0};
    struct folder f;
    struct epoch_record r = {.epoch = 1, .step = 7, .lr = .1, .seconds = .5, .samples_per_second = 64};
    unsigned char *bytes;
    size_t len;
    for (size_t i = 0; i < METRIC_COUNT; i++)
        r.metric[i] = NAN;
    r.metric[METRIC_TRAIN_LOSS] = 2;
    r.metric[METRIC_TRAIN_ACCURACY] = .25;
    r.metric[METRIC_VALIDATION_LOSS] = 3;
    r.metric[METRIC_VALIDATION_WEIGHTED_LOSS] = 2.5;
    r.metric[METRIC_VALIDATION_ECE] = .5;
    assert_true(folder_open(path_of("."), "n", FOLDER_NEW, &f, &err));
    assert_true(metrics_flush(&metrics, &f, &err));
    assert_false(file_exists(path_of("metrics.jsonl")));
    assert_true(metrics_add(&metrics, &r, NULL, &err));
    assert_false(file_exists(path_of("metrics.jsonl")));
    assert_true(metrics_flush(&metrics, &f, &err));
    assert_true(file_read(path_of("metrics.jsonl"), 4096, &bytes, &len, &err));
    assert_int_equal(len, metrics.lines.len);
    mem_free(bytes);
    r.epoch = 2;
    r.refit = true;
    for (size_t i = 0; i < METRIC_COUNT; i++)
        if (i != METRIC_TRAIN_LOSS)
            r.metric[i] = NAN;
    assert_true(metrics_add(&metrics, &r, NULL, &err));
    assert_true(metrics_flush(&metrics, &f, &err));
    assert_true(file_read(path_of("metrics.jsonl"), 4096, &bytes, &len, &err));
    assert_string_equal(
        (char *)bytes,
        "{\"epoch\": 1, \"step\": 7, \"lr\": 0.1, \"seconds\": 0.5, \"samples_per_second\": 64, "
        "\"train\": {\"loss\": 2, \"accuracy\": 0.25}, \"validation\": {\"loss\": 3, "
        "\"weighted_loss\": 2.5, \"ece\": 0.5}}\n"
        "{\"phase\": \"refit\", \"epoch\": 2, \"step\": 7, \"lr\": 0.1, \"seconds\": 0.5, "
        "\"samples_per_second\": 64, "
        "\"train\": {\"loss\": 2}}\n");
    mem_free(bytes);
    metrics_release(&metrics);
    folder_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wilson_as_published),
        cmocka_unit_test(wilson_at_the_ends),
        cmocka_unit_test(mcnemar_is_exact),
        cmocka_unit_test(figures_of_a_class),
        cmocka_unit_test_setup_teardown(a_folder_is_made_and_left_clean, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_finished_run_is_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_second_user_is_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_stale_lock_is_taken, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_short_write_is_told, make_folder, remove_folder),
        cmocka_unit_test(a_setup_starts_when_asked),
        cmocka_unit_test(drawing_beside_the_reading_is_the_same),
        cmocka_unit_test_setup_teardown(a_strange_lock_is_no_text, make_folder, remove_folder),
        cmocka_unit_test(names_that_are_no_folders),
        cmocka_unit_test_setup_teardown(metrics_are_whole_lines, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
