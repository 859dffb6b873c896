/* Every byte of a data file, IDX and table, and of a model file damaged in turn, and every length cut: such a
 * file is refused, or it says exactly what the sound one says. */
#include "idx_files.h"

#include <fcntl.h>
#include <math.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/idx.h"
#include "data/table.h"
#include "run/model_file.h"

/* Each bit by itself, and all of them. */
static const unsigned char flips[] = {1, 2, 4, 8, 16, 32, 64, 128, 255};

enum { FLIPS = sizeof flips / sizeof flips[0] };

/* A sound file and what is read from it. */
struct subject {
    const char *name;
    unsigned char *bytes;
    size_t len;
    /* Whether the file was read, and then held against the sound one. */
    bool (*reads)(const struct subject *s, struct err *err);
    const void *sound;
    size_t accepted, last; /* how many flips were, and where the last of them is */
};

static void try(struct subject *s, size_t at, const char *how) {
    struct err err = {0};
    if (s->reads(s, &err)) {
        s->accepted++;
        s->last = at;
    } else if (err.kind != ERR_DATA || !err.text[0])
        fail_msg("%s, byte %zu %s: kind %d, %s", s->name, at, how, (int)err.kind, err.text);
}

static void write_byte(int fd, size_t at, unsigned char byte) {
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
}

static void open_subject(struct subject *s, int *fd) {
    struct err err;
    assert_true(file_read(path_of(s->name), 1 << 20, &s->bytes, &s->len, &err));
    *fd = open(path_of(s->name), O_WRONLY | O_CLOEXEC);
    assert_true(*fd >= 0);
    assert_true(s->reads(s, &err));
    s->accepted = 0;
}

/* may: whether a flip of this byte may go unseen. */
static void flip_all(struct subject *s, bool (*may)(const struct subject *s, size_t at)) {
    int fd;
    open_subject(s, &fd);
    for (size_t at = 0; at < s->len; at++) {
        size_t before = s->accepted;
        for (size_t i = 0; i < FLIPS; i++) {
            write_byte(fd, at, s->bytes[at] ^ flips[i]);
            try(s, at, "flipped");
        }
        write_byte(fd, at, s->bytes[at]);
        if (s->accepted > before && !may(s, at))
            fail_msg("%s: a flip of byte %zu of %zu goes unseen", s->name, at, s->len);
    }
    close(fd);
    mem_free(s->bytes);
}

static void cut_all(struct subject *s) {
    int fd;
    open_subject(s, &fd);
    for (size_t len = s->len; len-- > 0;) {
        assert_int_equal(ftruncate(fd, (off_t)len), 0);
        try(s, len, "is where it ends");
    }
    assert_int_equal(s->accepted, 0);
    close(fd);
    mem_free(s->bytes);
}

/* ---- a gzip IDX file ---- */

enum { ROWS = 12, SIDE = 6, PIXELS = SIDE * SIDE };

static bool reads_idx(const struct subject *s, struct err *err) {
    const struct idx *sound = s->sound;
    struct idx found = {0};
    if (!idx_read(path_of(s->name), &found, err))
        return false;
    assert_int_equal(found.type, sound->type);
    assert_int_equal(found.dims, sound->dims);
    assert_memory_equal(found.dim, sound->dim, found.dims * sizeof found.dim[0]);
    assert_memory_equal(found.values, sound->values, sound->rows * sound->width);
    idx_release(&found);
    return true;
}

/* Strokes on nothing, as written digits are, and nothing twice: one deflated form may else be another. */
static void write_images(const char *name) {
    static struct bytes plain, packed;
    packed.len = 0;
    add_header(&plain, IDX_U8, 3, (const uint32_t[]){ROWS, SIDE, SIDE});
    for (size_t i = 0; i < (size_t)ROWS * PIXELS; i++)
        add_word(&plain, i * i % 11 < 4 ? 40 + i * i * 31 % 211 : 0, 1);
    add_gzip(&packed, plain.at, plain.len);
    write_file(name, &packed);
}

static void write_labels(const char *name) {
    static struct bytes plain, packed;
    packed.len = 0;
    add_header(&plain, IDX_U8, 1, (const uint32_t[]){ROWS});
    for (size_t i = 0; i < ROWS; i++)
        add_word(&plain, i * 7 % 10, 1);
    add_gzip(&packed, plain.at, plain.len);
    write_file(name, &packed);
}

/* Text flag, time, level and system of a gzip header say nothing about the contents, and no sum is kept of
 * them (RFC 1952); nor do the bits between the end of the deflated data and the trailer of 8 bytes. */
static bool gzip_says_nothing(const struct subject *s, size_t at) {
    return (at >= 3 && at <= 9) || at == s->len - 9;
}

static void gzip_idx(const char *name) {
    struct err err;
    struct idx sound = {0};
    assert_true(idx_read(path_of(name), &sound, &err));
    struct subject s = {.name = name, .reads = reads_idx, .sound = &sound};
    flip_all(&s, gzip_says_nothing);
    cut_all(&s);
    idx_release(&sound);
}

static void images(void **state) {
    (void)state;
    write_images("images");
    gzip_idx("images");
}

static void labels(void **state) {
    (void)state;
    write_labels("labels");
    gzip_idx("labels");
}

/* ---- a gzip table ---- */

static bool read_table(const char *name, struct table *out, struct err *err) {
    static struct column kind = {.number = -1};
    static const struct data_files files = {.label = {&kind, 1}, .header = HEADER_AUTO};
    static const struct data_spec none;
    const struct table_wish wish = {.files = &files, .key = "data.train", .labelled = true, .spec = &none};
    return table_read(path_of(name), &wish, out, err);
}

static bool reads_table(const struct subject *s, struct err *err) {
    const struct table *sound = s->sound;
    struct table found = {0};
    if (!read_table(s->name, &found, err))
        return false;
    assert_int_equal(found.features.rows, sound->features.rows);
    assert_int_equal(found.features.width, sound->features.width);
    assert_memory_equal(found.features.values, sound->features.values,
                        sound->features.rows * sound->features.width * sizeof(float));
    assert_memory_equal(found.label, sound->label, sound->features.rows * sizeof *sound->label);
    assert_int_equal(found.label_count, sound->label_count);
    for (size_t i = 0; i < sound->label_count; i++)
        assert_string_equal(found.labels[i].text, sound->labels[i].text);
    table_release(&found);
    return true;
}

static void write_table(const char *name) {
    static const char *const kinds[] = {"flat", "round", "\"long, thin\""};
    static struct bytes packed;
    char text[1024] = "width,height,kind\n";
    packed.len = 0;
    for (unsigned i = 0; i < 12; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%u.%u,-%ue-1,%s\n", i * 7 % 10, i * 31 % 97, i * i % 53,
                 kinds[i * i % 3]);
    }
    add_gzip(&packed, text, strlen(text));
    write_file(name, &packed);
}

static void table(void **state) {
    (void)state;
    struct err err;
    struct table sound = {0};
    write_table("table");
    assert_true(read_table("table", &sound, &err));
    struct subject s = {.name = "table", .reads = reads_table, .sound = &sound};
    flip_all(&s, gzip_says_nothing);
    cut_all(&s);
    table_release(&sound);
}

/* ---- a model file ---- */

static const char config_text[] = "{\"data\": {\"scale\": \"standardize\", \"classes\": [\"one\", \"two\"]}, "
                                  "\"model\": {\"layers\": [{\"units\": 2, "
                                  "\"activation\": \"tanh\"}]}}";

struct sound_model {
    struct saved_model saved;
    struct text config;
};

static void describe(const struct config *config, struct text *out) {
    struct err err;
    assert_true(config_print_model(config, out, &err));
}

static bool reads_model(const struct subject *s, struct err *err) {
    const struct sound_model *sound = s->sound;
    const struct saved_model *a = &sound->saved;
    struct saved_model b;
    struct text config = {0};
    if (!model_file_load(path_of(s->name), &b, err))
        return false;
    describe(&b.config, &config);
    assert_string_equal(config.s, sound->config.s);
    assert_true(a->classes == b.classes && a->temperature == b.temperature);
    assert_int_equal(a->model->size, b.model->size);
    assert_memory_equal(a->model->theta, b.model->theta, a->model->size * sizeof *a->model->theta);
    assert_int_equal(a->scaling.kind, b.scaling.kind);
    assert_true(a->scaling.mean[0] == b.scaling.mean[0] && a->scaling.deviation[0] == b.scaling.deviation[0]);
    text_release(&config);
    saved_model_release(&b);
    return true;
}

/* As --init-from does: of such a file only the tensors count. */
static bool starts_model(const struct subject *s, struct err *err) {
    const struct sound_model *sound = s->sound;
    const struct model *a = sound->saved.model;
    struct model *b = model_create(&sound->saved.config.model, a->features, a->outputs, "cross_entropy", err);
    assert_non_null(b);
    bool ok = model_file_start(path_of(s->name), b, err);
    if (ok)
        assert_memory_equal(a->theta, b->theta, a->size * sizeof *a->theta);
    model_free(b);
    return ok;
}

static void save_model(const char *name) {
    struct config config;
    struct err err;
    char digest[SHA256_HEX];
    float values[8];
    /* Of the model's own number type, whichever that is. */
    __typeof__(((struct scaling *)0)->mean[0]) mean = (__typeof__(mean))0.125,
                                               deviation = (__typeof__(mean))0.5;
    struct scaling scaling = {SCALE_STANDARDIZE, 3, &mean, &deviation};
    assert_true(config_load_model(config_text, strlen(config_text), &config, &err));
    struct model *model = model_create(&config.model, 3, 2, "cross_entropy", &err);
    assert_non_null(model);
    for (size_t i = 0; i < model->parameter_count; i++) {
        for (size_t k = 0; k < 8; k++)
            values[k] = (float)i - (float)k / 3;
        model_set(model, i, values);
    }
    assert_true(model_file_save(path_of(name), &config, model, &scaling, true, 1.5, digest, &err));
    model_free(model);
    config_release(&config);
}

/* A damaged name of the digest is none, and all that it would speak of is sound. */
static bool names_the_seal(const struct subject *s, size_t at) {
    static const char key[] = "\"metadata_digest\"";
    const unsigned char *found = memmem(s->bytes, s->len, key, sizeof key - 1);
    assert_non_null(found);
    size_t begin = (size_t)(found - s->bytes);
    return at > begin && at < begin + sizeof key - 2;
}

/* All of the metadata that stands before the tensors' descriptions. */
static bool is_metadata(const struct subject *s, size_t at) {
    const unsigned char *end = memmem(s->bytes, s->len, "\"0.bias\"", 8);
    assert_non_null(end);
    return at > 8 && at < (size_t)(end - s->bytes);
}

static void model(void **state) {
    (void)state;
    struct err err;
    struct sound_model sound = {0};
    save_model("model");
    assert_true(model_file_load(path_of("model"), &sound.saved, &err));
    describe(&sound.saved.config, &sound.config);
    struct subject s = {.name = "model", .reads = reads_model, .sound = &sound};
    flip_all(&s, names_the_seal);
    s.reads = starts_model;
    flip_all(&s, is_metadata);
    cut_all(&s);
    save_model("model");
    s.reads = reads_model;
    cut_all(&s);
    text_release(&sound.config);
    saved_model_release(&sound.saved);
}

/* What is said of damage that no other rule sees. */
static void refused(size_t from_end, const char *text, const char *why) {
    struct saved_model saved;
    struct err err;
    unsigned char *bytes;
    size_t len, at;
    save_model("model");
    assert_true(file_read(path_of("model"), 1 << 20, &bytes, &len, &err));
    const unsigned char *found = text ? memmem(bytes, len, text, strlen(text)) : NULL;
    at = found ? (size_t)(found - bytes) + strlen(text) - 1 : len - from_end;
    bytes[at] ^= 1;
    write_bytes("model", bytes, len);
    assert_false(model_file_load(path_of("model"), &saved, &err));
    assert_int_equal(err.kind, ERR_DATA);
    if (!strstr(err.text, why))
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
    mem_free(bytes);
}

static void the_digests_are_named(void **state) {
    (void)state;
    refused(2, NULL, "the tensors do not match \"model_digest\" in the metadata: expected ");
    refused(0, "\"temperature\": \"1.5",
            "the metadata do not match \"metadata_digest\" in the metadata: expected ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(images, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(labels, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(table, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(model, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(the_digests_are_named, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
