/* A run that is put aside and taken up again behind every portion of its steps comes to the same files,
 * whatever is switched on and on whatever threads. Portions begin with one step, so that every step is
 * reached. */
#include "idx_files.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "config/config.h"
#include "run/run.h"

enum { ROWS = 90, SIDE = 4, CLASSES = 3, WINDOW = 40 };

static struct err err;

/* ---- what is trained on ---- */

/* Images whose brightest column is that of their class, from a plain generator. */
static void write_set(const char *images, const char *labels, size_t rows, unsigned seed) {
    struct bytes x, y;
    add_header(&x, 8, 3, (const uint32_t[]){(uint32_t)rows, SIDE, SIDE});
    add_header(&y, 8, 1, (const uint32_t[]){(uint32_t)rows});
    for (size_t r = 0; r < rows; r++) {
        unsigned cls = (seed / 7 + (unsigned)r) % CLASSES;
        for (unsigned i = 0; i < SIDE * SIDE; i++) {
            seed = seed * 1103515245u + 12345u;
            add_word(&x, (seed >> 16 & 127) + (i % SIDE == cls ? 90 : 0), 1);
        }
        add_word(&y, r % 11 == 0 ? (cls + 1) % CLASSES : cls, 1);
    }
    write_file(images, &x);
    write_file(labels, &y);
}

static const char text[] =
    "{\"data\": {\"train\": {\"images\": \"xi\", \"labels\": \"xl\"}, \"test\": {\"images\": \"ti\", "
    "\"labels\": \"tl\"},"
    "\"validation\": {\"fraction\": 0.2}}, \"model\": {\"layers\": [{\"units\": 5}]},"
    "\"optimizer\": {\"lr\": 0.1, \"momentum\": 0.9}, \"train\": {\"epochs\": 3, \"batch_size\": 16}}";

static int make_data(void **state) {
    if (make_folder(state) != 0)
        return -1;
    write_set("xi", "xl", ROWS, 1);
    write_set("ti", "tl", ROWS, 2);
    write_set("wi0", "wl0", WINDOW, 3);
    write_set("wi1", "wl1", WINDOW, 4);
    write_bytes("c.json", text, sizeof text - 1);
    return 0;
}

/* ---- runs ---- */

enum { MOST_OVERRIDES = 8 };

static struct config config_of(const char *const *overrides, int threads) {
    const char *all[MOST_OVERRIDES + 1];
    char thread[32];
    size_t count = 0;
    struct config config;
    struct config_faults faults;
    for (; overrides[count]; count++)
        all[count] = overrides[count];
    snprintf(thread, sizeof thread, "threads=%d", threads);
    all[count++] = thread;
    if (!config_load(path_of("c.json"), all, count, &config, &faults, &err))
        fail_msg("%s", err.text);
    return config;
}

/* How many portions at most before the run is put aside; 0: never. */
static bool go(const char *const *overrides, const char *out, int threads, size_t portions) {
    struct config config = config_of(overrides, threads);
    struct run_options options = {.folder = path_of(out), .resume = portions > 0, .version = "test"};
    struct run *run = run_open(&config, &options, &err);
    enum run_event event = RUN_PROGRESS;
    if (!run)
        fail_msg("%s", err.text);
    for (size_t i = 0; event != RUN_DONE && (portions == 0 || i < portions); i++)
        if (!run_advance(run, &event, &err))
            fail_msg("%s", err.text);
    if (event != RUN_DONE && !run_keep(run, &err))
        fail_msg("%s", err.text);
    run_free(run);
    config_release(&config);
    return event == RUN_DONE;
}

/* Takes what a clock says out of the text, in place. */
static void strip_times(char *s) {
    static const char *const name[] = {"\"seconds\": ",    "\"samples_per_second\": ",
                                       "\"first_step\": ", "\"load\": ",
                                       "\"train\": ",      "\"total\": ",
                                       "\"threads\": ",    "\"peak_rss_bytes\": "};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        for (char *at = s; (at = strstr(at, name[i]));) {
            char *from = at + strlen(name[i]), *to = from + strspn(from, "0123456789.e-+");
            memmove(from, to, strlen(to) + 1);
            at = from;
        }
}

static size_t first_other(const unsigned char *x, const unsigned char *y) {
    size_t i = 0;
    while (x[i] && x[i] == y[i])
        i++;
    return i;
}

static void same_file(const char *a, const char *b, const char *what) {
    unsigned char *x, *y;
    size_t len;
    assert_true(file_read(path_of(a), 1 << 20, &x, &len, &err));
    if (!file_read(path_of(b), 1 << 20, &y, &len, &err))
        fail_msg("%s: %s", what, err.text);
    if (strstr(a, ".json")) {
        strip_times((char *)x);
        strip_times((char *)y);
    }
    if (strstr(a, ".json") ? strcmp((char *)x, (char *)y) != 0 : memcmp(x, y, len) != 0)
        fail_msg("%s: %s is another file from byte %zu on: %.120s\n---\n%.120s", what, a, first_other(x, y),
                 x + first_other(x, y), y + first_other(x, y));
    mem_free(x);
    mem_free(y);
}

static void clear(const char *out) {
    char pattern[1200];
    snprintf(pattern, sizeof pattern, "rm -rf '%s'", path_of(out));
    assert_int_equal(system(pattern), 0);
}

struct course {
    const char *what;
    const char *set[MOST_OVERRIDES];
};

static void follow(const struct course *course) {
    size_t times = 0;
    assert_true(go(course->set, "whole", 1, 0));
    while (!go(course->set, "cut", 1 + (int)(times % 3), 1 + times % 2 + times / 20))
        if (++times > 2000)
            fail_msg("%s: has no end", course->what);
    assert_true(times > 4);
    same_file("whole/model.safetensors", "cut/model.safetensors", course->what);
    same_file("whole/metrics.jsonl", "cut/metrics.jsonl", course->what);
    same_file("whole/summary.json", "cut/summary.json", course->what);
    clear("whole");
    clear("cut");
}

static void trainings_go_on(void **unused) {
    (void)unused;
    static const struct course courses[] = {
        {"momentum", {NULL}},
        {"adam, dropout, noise, augmentation",
         {"optimizer={\"kind\":\"adam\"}", "model.layers.0.dropout=0.3", "regularization.input_noise=0.1",
          "augment.rotate=10", NULL}},
        {"rmsprop, weight noise, clipping",
         {"optimizer={\"kind\":\"rmsprop\",\"lr\":0.01,\"centered\":true,\"clip_norm\":1}",
          "regularization.weight_noise=0.05", "regularization.weight_noise_kind=per_step",
          "regularization.max_norm=2", NULL}},
        {"adagrad, l1, diagnostics",
         {"optimizer={\"kind\":\"adagrad\",\"lr\":0.1}", "regularization.l1=0.01", "train.diagnostics=true",
          NULL}},
        {"early stopping, plateau, refit, calibration",
         {"train.early_stopping={\"patience\":2}", "optimizer.schedule={\"kind\":\"plateau\",\"patience\":0}",
          "train.refit=true", "train.calibrate=true", "train.epochs=6", NULL}},
        {"amsgrad, cosine, class weights",
         {"optimizer={\"kind\":\"adamw\",\"lr\":0.01,\"amsgrad\":true,\"schedule\":{\"kind\":\"cosine\"}}",
          "loss.class_weights=[1,2,0.5]", NULL}},
    };
    for (size_t i = 0; i < sizeof courses / sizeof *courses; i++)
        follow(&courses[i]);
}

#define STREAM                                                                                               \
    "shift.stream=[{\"images\":\"FOLDER/wi0\",\"labels\":\"FOLDER/wl0\"},"                                   \
    "{\"images\":\"FOLDER/wi1\",\"labels\":\"FOLDER/wl1\"}]"

/* Puts the test's folder into paths. */
static const char *at_home(const char *override) {
    static struct text made[MOST_OVERRIDES];
    static size_t turn;
    struct text *out = &made[turn++ % MOST_OVERRIDES];
    text_reset(out);
    for (const char *at = override, *next; *at; at = next) {
        next = strstr(at, "FOLDER");
        text_add_bytes(out, at, next ? (size_t)(next - at) : strlen(at));
        if (!next)
            break;
        text_add(out, folder);
        next += strlen("FOLDER");
    }
    return out->s;
}

static void follow_shift(const char *what, const char *shift, const char *more) {
    struct course course = {what, {at_home(shift), more, NULL}};
    follow(&course);
}

static void shifts_go_on(void **unused) {
    (void)unused;
#define TARGET                                                                                               \
    "\"target\":{\"images\":\"FOLDER/ti\",\"labels\":\"FOLDER/tl\"},\"force\":true,\"folds\":2,"             \
    "\"discriminator\":{\"epochs\":2}"
    follow_shift("label shift, by the validation part",
                 "shift={\"kind\":\"label\",\"correct\":\"both\",\"bootstrap\":20," TARGET "}", NULL);
    follow_shift(
        "label shift, cross-fitted",
        "shift={\"kind\":\"label\",\"method\":\"rlls\",\"correct\":\"retrain\",\"bootstrap\":20," TARGET "}",
        "data.validation=null");
    follow_shift(
        "label shift, rescaled, refitted",
        "shift={\"kind\":\"label\",\"method\":\"bbse\",\"correct\":\"posthoc\",\"bootstrap\":0," TARGET "}",
        "train={\"epochs\":3,\"batch_size\":16,\"refit\":true,\"early_stopping\":{\"patience\":2}}");
    follow_shift("covariate shift", "shift={\"kind\":\"covariate\"," TARGET "}", NULL);
    follow_shift("covariate shift, directly",
                 "shift={\"kind\":\"covariate\",\"method\":\"rulsif\"," TARGET "}", NULL);
    follow_shift("covariate shift, as long as it takes", "shift={\"kind\":\"covariate\"," TARGET "}",
                 "shift.discriminator.epochs=null");
}

static void streams_go_on(void **unused) {
    (void)unused;
    struct course course = {"a stream with replay",
                            {"shift.kind=concept", at_home(STREAM), "shift.replay=30", "shift.fresh=true",
                             "shift.epochs=2", NULL}};
    follow(&course);
    course = (struct course){"a stream by ADWIN",
                             {"shift.kind=concept", at_home(STREAM), "shift.detector=adwin",
                              "shift.adwin={\"clock\":1,\"delta\":0.9,\"grace\":2,\"min_window\":2}",
                              "shift.on_drift=reset", "shift.optimizer_state=reset", NULL}};
    follow(&course);
    course = (struct course){"a stream by DDM, refitted",
                             {"shift.kind=concept", at_home(STREAM), "shift.detector=ddm", "train.refit=true",
                              "train.early_stopping={\"patience\":2}", NULL}};
    follow(&course);
}

/* ---- more epochs ---- */

static void more_epochs_go_on(void **unused) {
    (void)unused;
    static const char *const three[] = {NULL}, *const five[] = {"train.epochs=5", NULL};
    assert_true(go(five, "whole", 1, 0));
    assert_true(go(three, "cut", 1, 0));
    assert_true(go(five, "cut", 2, SIZE_MAX));
    same_file("whole/model.safetensors", "cut/model.safetensors", "more epochs");
    same_file("whole/metrics.jsonl", "cut/metrics.jsonl", "more epochs");
    clear("whole");
    clear("cut");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(trainings_go_on, make_data, remove_folder),
        cmocka_unit_test_setup_teardown(shifts_go_on, make_data, remove_folder),
        cmocka_unit_test_setup_teardown(streams_go_on, make_data, remove_folder),
        cmocka_unit_test_setup_teardown(more_epochs_go_on, make_data, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
