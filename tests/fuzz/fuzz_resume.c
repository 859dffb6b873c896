/* A run that goes on from a checkpoint whose hash is right and whose contents are hostile: it is refused, or
 * it goes on and ends. The first byte chooses what is being trained, the second where it was stopped; then
 * come edits of what the checkpoint holds, of EDIT_BYTES each. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/snapshot.h"
#include "fuzz.h"
#include "kernel/kernel.h"
#include "run/run.h"
#include "store/checkpoint.h"

/* ---- what is trained ---- */

enum { ROWS = 40, SIDE = 3, PIXELS = SIDE * SIDE, CLASSES = 3, MOST_OVERRIDES = 6 };

#define TARGET                                                                                               \
    "\"target\":{\"images\":\"ti\",\"labels\":\"tl\"},\"force\":true,\"folds\":2,\"discriminator\":{"        \
    "\"epochs\":1}}"
#define STREAM "\"stream\":[{\"images\":\"xi\",\"labels\":\"xl\"},{\"images\":\"ti\",\"labels\":\"tl\"}]"

static const char *const courses[][MOST_OVERRIDES] = {
    {NULL},
    {"optimizer={\"kind\":\"adam\",\"amsgrad\":true}", "model.layers.0.dropout=0.3", "train.diagnostics=true",
     "train.early_stopping={\"patience\":1}", "train.calibrate=true"},
    {"train.refit=true", "train.early_stopping={\"patience\":2}",
     "optimizer.schedule={\"kind\":\"plateau\",\"patience\":0}"},
    {"shift={\"kind\":\"label\",\"correct\":\"both\",\"bootstrap\":2," TARGET},
    {"shift={\"kind\":\"label\",\"method\":\"rlls\",\"correct\":\"retrain\",\"bootstrap\":2," TARGET,
     "data.validation=null"},
    {"shift={\"kind\":\"label\",\"method\":\"bbse\",\"correct\":\"posthoc\",\"bootstrap\":0," TARGET},
    {"shift={\"kind\":\"covariate\"," TARGET},
    {"shift={\"kind\":\"covariate\",\"method\":\"rulsif\"," TARGET},
    {"shift={\"kind\":\"concept\",\"replay\":20,\"fresh\":true," STREAM "}"},
    {"shift={\"kind\":\"concept\",\"detector\":\"adwin\",\"adwin\":{\"clock\":1,\"delta\":0.9,\"grace\":2,"
     "\"min_window\":2},\"on_drift\":\"reset\",\"optimizer_state\":\"reset\"," STREAM "}"},
    {"shift={\"kind\":\"concept\",\"detector\":\"ddm\"," STREAM "}", "train.refit=true",
     "train.early_stopping={\"patience\":2}"},
    {"loss.kind=mse", "optimizer={\"kind\":\"rmsprop\",\"lr\":0.01,\"clip_norm\":1}",
     "regularization.weight_noise=0.1"},
};

enum { COURSES = sizeof courses / sizeof courses[0] };

static const char config_text[] =
    "{\"data\": {\"train\": {\"images\": \"xi\", \"labels\": \"xl\"}, \"test\": {\"images\": \"ti\", "
    "\"labels\": "
    "\"tl\"}, \"validation\": {\"fraction\": 0.3}}, \"model\": {\"layers\": [{\"units\": 3}]}, "
    "\"optimizer\": "
    "{\"lr\": 0.1, \"momentum\": 0.9}, \"train\": {\"epochs\": 3, \"batch_size\": 16}, \"threads\": 1}";

static void write_file(const char *name, const void *bytes, size_t len) {
    struct err err = {0};
    if (!file_write(fuzz_path(name), bytes, len, &err))
        fuzz_failed(err.text, "the scene", 0);
}

/* Images whose brightest column is that of their class. */
static void write_set(const char *images, const char *labels, unsigned seed) {
    unsigned char x[16 + ROWS * PIXELS] = {0, 0, 8, 3, 0, 0, 0, ROWS, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
    unsigned char y[8 + ROWS] = {0, 0, 8, 1, 0, 0, 0, ROWS};
    for (unsigned r = 0; r < ROWS; r++) {
        y[8 + r] = (unsigned char)((seed + r) % CLASSES);
        for (unsigned i = 0; i < PIXELS; i++) {
            seed = seed * 1103515245u + 12345u;
            x[16 + r * PIXELS + i] = (unsigned char)((seed >> 16 & 127) + (i % SIDE == y[8 + r] ? 90 : 0));
        }
        seed -= seed % CLASSES; /* the classes stay in turn */
    }
    write_file(images, x, sizeof x);
    write_file(labels, y, sizeof y);
}

static void make_scene(void) {
    static bool made;
    if (made)
        return;
    write_file("c.json", config_text, sizeof config_text - 1);
    write_set("xi", "xl", 1);
    write_set("ti", "tl", 2);
    made = true;
}

static void load_config(size_t course, struct config *config) {
    const char *override[MOST_OVERRIDES + 1];
    char root[600];
    struct config_faults faults;
    struct err err = {0};
    size_t count = 0;
    for (; count < MOST_OVERRIDES && courses[course][count]; count++)
        override[count] = courses[course][count];
    snprintf(root, sizeof root, "data.root=%s", fuzz_path(""));
    override[count++] = root;
    if (!config_load(fuzz_path("c.json"), override, count, config, &faults, &err))
        fuzz_failed(err.text, "a course", (int)course);
}

/* ---- checkpoints that are sound ---- */

enum { STOPS = 32, MOST_PORTIONS = 1000 };

/* The scene is the run's folder, too. */
static const char checkpoint[] = "checkpoint.safetensors";

static void clear_folder(void) {
    static const char *const written[] = {checkpoint, "checkpoint.previous.safetensors", "summary.json"};
    for (size_t i = 0; i < sizeof written / sizeof *written; i++)
        unlink(fuzz_path(written[i]));
}

static struct run *open_run(const struct config *config, bool resume, struct err *err) {
    const struct run_options options = {
        .folder = fuzz_path(""), .resume = resume, .force = !resume, .isa = "scalar", .version = "fuzz"};
    return run_open(config, &options, err);
}

/* Advances so often, or to the end; false: it has failed. */
static bool advance(struct run *run, size_t most, size_t *portions, struct err *err) {
    enum run_event event = RUN_PROGRESS;
    for (*portions = 0; *portions < most && event != RUN_DONE; ++*portions)
        if (!run_advance(run, &event, err))
            return false;
    return true;
}

static size_t count_portions(const struct config *config) {
    struct err err = {0};
    size_t portions;
    clear_folder();
    struct run *run = open_run(config, false, &err);
    MUST(run && advance(run, MOST_PORTIONS, &portions, &err) && portions < MOST_PORTIONS);
    run_free(run);
    return portions;
}

/* The stops of a course are spread over its length. */
static struct checkpoint *make_checkpoint(const struct config *config, size_t stop) {
    struct err err = {0};
    size_t portions = count_portions(config), most = stop * (portions - 1) / (STOPS - 1);
    clear_folder();
    struct run *run = open_run(config, false, &err);
    MUST(run && advance(run, most, &portions, &err) && run_keep(run, &err));
    run_free(run);
    struct checkpoint *c = checkpoint_load(fuzz_path(checkpoint), NUMERIC_CONTRACT, &err);
    MUST(c);
    return c;
}

static struct snapshot *sound(const struct config *config, size_t course, size_t stop) {
    static struct checkpoint *made[COURSES][STOPS];
    if (!made[course][stop])
        made[course][stop] = make_checkpoint(config, stop);
    return checkpoint_snapshot(made[course][stop]);
}

/* ---- edits ---- */

enum { EDIT_BYTES = 14, MOST_PIECES = 512 };

/* Which piece, what is done to it, from which element on, with what. */
struct edit {
    unsigned piece, at;
    unsigned char what, which;
    unsigned char value[8];
};

static struct edit edit_of(const uint8_t *b) {
    struct edit e = {
        .piece = b[0] | (unsigned)b[1] << 8, .what = b[2], .which = b[3], .at = b[4] | (unsigned)b[5] << 8};
    memcpy(e.value, b + 6, sizeof e.value);
    return e;
}

/* The number that an edit is for, in the bytes of a type: its own, or one on the edge of things. */
static void put_number(const struct edit *e, enum snapshot_type type, unsigned char *out) {
    static const uint64_t edges[] = {0,         1,          2,         3,          255,
                                     INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX, SIZE_MAX / 8};
    static const double reals[] = {0, -1, (double)NAN, (double)INFINITY, 1e300, -1e-310};
    uint64_t whole = 0;
    memcpy(&whole, e->value, sizeof whole);
    if (e->which < 0x80)
        whole = edges[e->which % (sizeof edges / sizeof *edges)];
    double broken = reals[e->which % (sizeof reals / sizeof *reals)];
    if (e->which >= 0x80)
        memcpy(&broken, &whole, sizeof broken);
    float single = (float)broken;
    uint32_t narrow = (uint32_t)whole;
    const void *const as[SNAPSHOT_TYPES] = {&narrow, &narrow, &whole, &single, &broken};
    memcpy(out, as[type], snapshot_type_size(type));
}

enum { SET_ONE, SET_ALL, RESIZE, RETYPE, REMOVE, EDITS };

static void resize(struct snapshot_piece *p, size_t count) {
    size_t size = snapshot_type_size(p->type), held = p->count * size;
    unsigned char *values = calloc(count ? count : 1, size);
    MUST(values);
    if (held)
        memcpy(values, p->values, held < count * size ? held : count * size);
    free(p->owned);
    p->owned = values;
    p->values = values;
    p->count = count;
}

static void apply(const struct edit *e, struct snapshot_piece *pieces, size_t *count) {
    struct snapshot_piece *p = &pieces[e->piece % *count];
    size_t size = snapshot_type_size(p->type), what = e->what % EDITS;
    if (what == RESIZE)
        resize(p, e->at % 4096);
    if (what == RETYPE &&
        p->count * size % snapshot_type_size((enum snapshot_type)(e->which % SNAPSHOT_TYPES)) == 0) {
        p->type = (enum snapshot_type)(e->which % SNAPSHOT_TYPES);
        p->count = p->count * size / snapshot_type_size(p->type);
    }
    if (what == REMOVE) {
        free(p->owned);
        *p = pieces[--*count];
    }
    if (what > SET_ALL || p->count == 0)
        return;
    if (!p->owned)
        resize(p, p->count);
    size_t from = what == SET_ALL ? 0 : e->at % p->count, end = what == SET_ALL ? p->count : from + 1;
    for (size_t i = from; i < end; i++)
        put_number(e, p->type, (unsigned char *)p->owned + i * size);
}

static void save_edited(const struct snapshot *s, const uint8_t *data, size_t size) {
    struct snapshot_piece pieces[MOST_PIECES];
    struct err err = {0};
    size_t count = snapshot_count(s);
    MUST(count <= MOST_PIECES);
    for (size_t i = 0; i < count; i++) {
        pieces[i] = *snapshot_at(s, i);
        pieces[i].owned = NULL;
    }
    for (; size >= EDIT_BYTES && count > 1; data += EDIT_BYTES, size -= EDIT_BYTES) {
        struct edit e = edit_of(data);
        apply(&e, pieces, &count);
    }
    struct snapshot *edited = snapshot_of(pieces, count, &err);
    MUST(edited && checkpoint_save(fuzz_path(checkpoint), edited, NUMERIC_CONTRACT, &err));
    snapshot_free(edited);
    for (size_t i = 0; i < count; i++)
        free(pieces[i].owned);
}

/* ---- going on ---- */

static void check_refusal(const struct err *err) {
    MUST(err->kind == ERR_CONFIG || err->kind == ERR_DIVERGED || err->kind == ERR_DATA ||
         err->kind == ERR_SYSTEM);
    fuzz_check_error(err, err->kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct config config;
    struct err err = {0};
    if (size < 2)
        return 0;
    make_scene();
    size_t course = data[0] % COURSES, portions;
    load_config(course, &config);
    const struct snapshot *s = sound(&config, course, data[1] % STOPS);
    clear_folder();
    save_edited(s, data + 2, size - 2);
    struct run *run = open_run(&config, true, &err);
    if (!run || !advance(run, MOST_PORTIONS, &portions, &err)) {
        MUST(size >= 2 + EDIT_BYTES);
        check_refusal(&err);
    } else
        MUST(portions < MOST_PORTIONS && run_summary(run));
    run_free(run);
    config_release(&config);
    return 0;
}
