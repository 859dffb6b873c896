#include "run/model_file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "data/columns.h"
#include "data/stranger.h"
#include "run/columns_text.h"
#include "run/loss_use.h"
#include "run/scaling_text.h"
#include "run/tensors.h"
#include "store/safetensors.h"

static const char format[] = "dltrain/1";

static const char model_digest_key[] = "model_digest", metadata_digest_key[] = "metadata_digest";

static const char *targets_name(bool classes) {
    return classes ? "classes" : "values";
}

/* ---- writing ---- */

/* The class names as a JSON list, for other readers of the file; ours takes them from the config. */
static void print_class_names(const struct data_spec *data, struct text *out) {
    struct json_writer w = {.out = out};
    json_begin_flat_array(&w);
    for (size_t i = 0; data->class_names && i < data->class_count; i++)
        json_string(&w, data->class_names[i]);
    json_end_array(&w);
}

/* What the digest of the metadata speaks of, in its order; "metadata_digest" stands behind them. */
static const char *const sealed[] = {"format",  "config",  "scaling",     "classes",
                                     "targets", "columns", "temperature", "model_digest"};

enum { SEALED = sizeof sealed / sizeof sealed[0] };

/* SHA-256 over key, NUL, value, NUL of all that are there; values in the order of sealed, NULL: not there. */
static void seal(const char *const value[SEALED], char digest[SHA256_HEX]) {
    struct sha256 hash;
    sha256_init(&hash);
    for (size_t i = 0; i < SEALED; i++)
        if (value[i]) {
            sha256_add(&hash, sealed[i], strlen(sealed[i]) + 1);
            sha256_add(&hash, value[i], strlen(value[i]) + 1);
        }
    sha256_hex(&hash, digest);
}

/* The values as metadata, with their own digest. */
static bool save_sealed(const char *path, const struct tensors *tensors, const char *const value[SEALED],
                        struct err *err) {
    struct stored_text metadata[SEALED + 1];
    char digest[SHA256_HEX];
    size_t count = 0;
    for (size_t i = 0; i < SEALED; i++)
        if (value[i])
            metadata[count++] = (struct stored_text){sealed[i], value[i]};
    seal(value, digest);
    metadata[count++] = (struct stored_text){metadata_digest_key, digest};
    return safetensors_save(path, tensors->tensor, tensors->count, metadata, count, err);
}

bool model_file_save(const char *path, const struct config *config, const struct model *model,
                     const struct scaling *scaling, bool classes, double temperature, char digest[SHA256_HEX],
                     struct err *err) {
    char number[32];
    struct text config_text = {0}, scaling_text = {0}, class_names = {0}, columns_text = {0};
    struct tensors tensors = {0};
    print_class_names(&config->data, &class_names);
    bool ok = text_ok(&class_names, err) && config_print_model(config, &config_text, err) &&
              scaling_print(scaling, &scaling_text, err) &&
              columns_print(&config->data, &columns_text, err) && tensors_of(model, &tensors, err);
    if (ok && safetensors_digest(tensors.tensor, tensors.count, digest, err)) {
        const char *const value[SEALED] = {
            format,
            config_text.s,
            scaling_text.s,
            class_names.s,
            targets_name(classes),
            columns_text.len > 0 ? columns_text.s : NULL,
            isnan(temperature) ? NULL : json_format_number(temperature, number),
            digest,
        };
        ok = save_sealed(path, &tensors, value, err);
    } else
        ok = false;
    tensors_release(&tensors);
    text_release(&columns_text);
    text_release(&class_names);
    text_release(&scaling_text);
    text_release(&config_text);
    return ok;
}

bool model_digest(const struct model *model, char digest[SHA256_HEX], struct err *err) {
    struct tensors tensors;
    if (!tensors_of(model, &tensors, err))
        return false;
    bool ok = safetensors_digest(tensors.tensor, tensors.count, digest, err);
    tensors_release(&tensors);
    return ok;
}

/* ---- files of others ---- */

/* The header of a safetensors file begins with a brace, behind its length. */
enum { BRACE_AT = 8 };

/* The first bytes of a regular file or of nothing; how many. */
static size_t first_bytes(const char *path, unsigned char bytes[STRANGER_BYTES]) {
    struct err ignored; /* what reading the whole file said stays */
    int fd;
    if (!file_open_regular(path, &fd, &ignored))
        return 0;
    ssize_t got;
    do
        got = read(fd, bytes, STRANGER_BYTES);
    while (got < 0 && errno == EINTR);
    close(fd);
    return got > 0 ? (size_t)got : 0;
}

/* As safetensors_load, but a file of another well-known kind is told by its name. */
static struct safetensors *load_tensors(const char *path, struct err *err) {
    unsigned char start[STRANGER_BYTES];
    char text[STRANGER_TEXT];
    struct safetensors *file = safetensors_load(path, err);
    if (file || err->kind != ERR_DATA)
        return file;
    size_t count = first_bytes(path, start);
    const char *what = count > BRACE_AT && start[BRACE_AT] == '{' ? NULL : stranger_kind(start, count);
    if (what)
        err_set(
            err, ERR_DATA,
            "%s: is not a safetensors file: starts with %s, which looks like %s; expected what dltrain or "
            "safetensors.torch.save_file writes",
            path, stranger_show(start, count, text), what);
    return NULL;
}

/* ---- damage ---- */

/* expected: what the metadata say, NULL where they say nothing. */
static bool same_digest(const char *what, const char *key, const char *expected, const char found[SHA256_HEX],
                        struct err *err) {
    return !expected || strcmp(expected, found) == 0 ||
           err_set(
               err, ERR_DATA,
               "%s do not match \"%s\" in the metadata: expected %.64s, found %s (the file is damaged, or "
               "was changed without it)",
               what, key, expected, found);
}

/* A file of others has no digest, nor has one of an early version: there is nothing to hold its tensors
 * against. */
static bool check_tensors(const struct safetensors *file, struct err *err) {
    const char *expected = safetensors_metadata(file, model_digest_key);
    char found[SHA256_HEX];
    if (!expected)
        return true;
    size_t count = safetensors_count(file);
    struct stored_tensor *tensors = mem_alloc(count, sizeof *tensors, "the list of tensors", err);
    if (!tensors)
        return false;
    for (size_t i = 0; i < count; i++)
        tensors[i] = *safetensors_at(file, i);
    bool ok = safetensors_digest(tensors, count, found, err);
    mem_free(tensors);
    return ok && same_digest("the tensors", model_digest_key, expected, found, err);
}

static bool check_metadata(const struct safetensors *file, struct err *err) {
    const char *value[SEALED];
    char found[SHA256_HEX];
    for (size_t i = 0; i < SEALED; i++)
        value[i] = safetensors_metadata(file, sealed[i]);
    seal(value, found);
    return same_digest("the metadata", metadata_digest_key, safetensors_metadata(file, metadata_digest_key),
                       found, err);
}

/* ---- reading ---- */

static bool metadata_get(const struct safetensors *file, const char *key, const char **value,
                         struct err *err) {
    *value = safetensors_metadata(file, key);
    if (!*value)
        return err_set(err, ERR_DATA, "no \"%s\" in the metadata: not a model that dltrain wrote", key);
    return true;
}

/* The widths of input and output, which no config holds, from the first and the last weight. */
static bool find_widths(const struct safetensors *file, size_t layers, size_t *features, size_t *outputs,
                        struct err *err) {
    char last_name[32];
    snprintf(last_name, sizeof last_name, "%zu.weight", 2 * layers);
    const struct stored_tensor *first = safetensors_find(file, "0.weight"),
                               *last = safetensors_find(file, last_name);
    if (!first || !last)
        return err_set(err, ERR_DATA, "tensor \"%s\" is missing", first ? last_name : "0.weight");
    if (first->dims != 2 || last->dims != 2 || first->dim[1] == 0 || last->dim[0] == 0)
        return err_set(err, ERR_DATA, "tensor \"%s\": expected a matrix that is not empty",
                       first->dims != 2 || first->dim[1] == 0 ? "0.weight" : last_name);
    *features = first->dim[1];
    *outputs = last->dim[0];
    return true;
}

/* The size of a model follows the file's config; a config that asks for more than the file holds is refused
 * before memory is taken for it. */
static bool check_widths(const struct safetensors *file, const struct model_spec *spec, struct err *err) {
    for (size_t i = 0; i < spec->layer_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "%zu.weight", 2 * i);
        const struct stored_tensor *t = safetensors_find(file, name);
        if (!t || t->dims != 2 || t->dim[0] != spec->layers[i].units)
            return err_set(err, ERR_DATA, "tensor \"%s\": expected %zu rows, found %zu", name,
                           spec->layers[i].units, t && t->dims ? t->dim[0] : 0);
    }
    return true;
}

static bool check_format(const struct safetensors *file, struct err *err) {
    const char *found;
    if (!metadata_get(file, "format", &found, err))
        return false;
    return strcmp(found, format) == 0 ||
           err_set(err, ERR_DATA, "metadata \"format\": expected %s, found %.40s", format, found);
}

/* "classes" and "targets" say what the config and the tensors say: names are looked up by output. */
static bool check_classes(const struct safetensors *file, size_t outputs, struct saved_model *s,
                          struct err *err) {
    const char *names, *targets;
    const struct data_spec *data = &s->config.data;
    if (!metadata_get(file, "classes", &names, err) || !metadata_get(file, "targets", &targets, err))
        return false;
    s->classes = strcmp(targets, targets_name(true)) == 0;
    if (strcmp(targets, targets_name(s->classes)) != 0)
        return err_set(err, ERR_DATA, "metadata \"targets\": expected %s or %s, found %.40s",
                       targets_name(true), targets_name(false), targets);
    if (s->classes && outputs < 2)
        return err_set(err, ERR_DATA, "metadata \"targets\": classes need at least 2 outputs, found %zu",
                       outputs);
    if (data->class_count > 0 && data->class_count != outputs)
        return err_set(err, ERR_DATA,
                       "metadata \"config\": data.classes: expected %zu classes, as many as the model has "
                       "outputs, found %zu",
                       outputs, data->class_count);
    struct text expected = {0};
    print_class_names(data, &expected);
    bool ok = text_ok(&expected, err) && (strcmp(names, expected.s) == 0 ||
                                          err_set(err, ERR_DATA,
                                                  "metadata \"classes\": expected %.100s, as the config has, "
                                                  "found %.100s",
                                                  expected.s, names));
    text_release(&expected);
    return ok;
}

static bool read_scaling(const struct safetensors *file, size_t features, struct saved_model *s,
                         struct err *err) {
    const char *text;
    if (!metadata_get(file, "scaling", &text, err))
        return false;
    if (!scaling_parse(text, features, &s->scaling, err))
        return err_prefix(err, "metadata \"scaling\"");
    int expected = s->config.data.scale;
    return s->scaling.kind == expected ||
           err_set(err, ERR_DATA, "metadata \"scaling\": expected the kind %s, as the config has, found %s",
                   data_scale_name((size_t)expected), data_scale_name((size_t)s->scaling.kind));
}

/* Of a model that was trained on a table. */
static bool read_columns(const struct safetensors *file, size_t features, struct saved_model *s,
                         struct err *err) {
    const char *text = safetensors_metadata(file, "columns");
    s->config.data.feature_count = features;
    return !text || columns_parse(text, &s->config.data, err) || err_prefix(err, "metadata \"columns\"");
}

/* A number above 0 as JSON writes it, else 0. */
static bool parse_temperature(const char *text, double *value, struct err *err) {
    struct err why = {0};
    struct json *doc = json_parse(text, strlen(text), (struct json_options){0}, ERR_DATA, &why);
    const cJSON *number = doc ? json_root(doc) : NULL;
    *value = cJSON_IsNumber(number) && number->valuedouble > 0 ? number->valuedouble : 0;
    json_free(doc);
    if (why.kind == ERR_SYSTEM)
        *err = why;
    return why.kind != ERR_SYSTEM;
}

static bool read_temperature(const struct safetensors *file, struct saved_model *s, struct err *err) {
    const char *text = safetensors_metadata(file, "temperature");
    s->temperature = (double)NAN;
    if (!text)
        return true;
    if (!loss_predicts_probabilities(s->config.loss.kind))
        return err_set(err, ERR_DATA,
                       "metadata \"temperature\": a model with the loss %s predicts no probabilities",
                       loss_name((size_t)s->config.loss.kind));
    if (!parse_temperature(text, &s->temperature, err))
        return false;
    return s->temperature != 0 ||
           err_set(err, ERR_DATA, "metadata \"temperature\": expected a number above 0, found %.40s", text);
}

static bool read_model(const struct safetensors *file, struct saved_model *s, struct err *err) {
    const char *config;
    size_t features = 0, outputs = 0;
    if (!check_format(file, err) || !metadata_get(file, "config", &config, err))
        return false;
    if (!config_load_model(config, strlen(config), &s->config, err))
        return err_prefix(err, "metadata \"config\"");
    if (!find_widths(file, s->config.model.layer_count, &features, &outputs, err) ||
        !check_widths(file, &s->config.model, err) || !check_classes(file, outputs, s, err) ||
        !read_scaling(file, features, s, err) || !read_columns(file, features, s, err) ||
        !read_temperature(file, s, err))
        return false;
    s->model = model_create(&s->config.model, features, outputs, loss_name((size_t)s->config.loss.kind), err);
    /* What can be said of a fault is said first: a digest only tells that there is one. */
    return s->model && tensors_fill(file, s->model, err) && check_metadata(file, err) &&
           check_tensors(file, err);
}

bool model_file_load(const char *path, struct saved_model *out, struct err *err) {
    struct safetensors *file = load_tensors(path, err);
    if (!file)
        return false;
    struct saved_model saved = {0};
    bool ok = read_model(file, &saved, err);
    safetensors_free(file);
    if (!ok) {
        saved_model_release(&saved);
        if (err->kind == ERR_CONFIG) /* the fault is the file's, not that of the user's config */
            err->kind = ERR_DATA;
        return err_prefix(err, "%s", path);
    }
    *out = saved;
    return true;
}

void saved_model_release(struct saved_model *saved) {
    model_free(saved->model);
    scaling_release(&saved->scaling);
    strings_free(saved->config.data.feature_names, saved->config.data.feature_count);
    config_release(&saved->config);
    *saved = (struct saved_model){0};
}

bool model_file_start(const char *path, struct model *model, struct err *err) {
    struct safetensors *file = load_tensors(path, err);
    if (!file)
        return false;
    bool ok = tensors_fill(file, model, err) && check_tensors(file, err);
    safetensors_free(file);
    return ok || err_prefix(err, "%s", path);
}
