/* From a file and its overrides to a complete config. */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "config/reader.h"

void config_faults_release(struct config_faults *faults) {
    text_release(&faults->lines);
    faults->count = 0;
}

void config_release(struct config *config) {
    key_release(key_root.rows, config);
}

/* The name a run has unless it is given: that of the file without folder and extension. */
static bool default_name(struct reader *r, const struct place *root, const char *file, char **name) {
    struct err err;
    const char *slash = strrchr(file, '/');
    char *s = mem_string(slash != NULL ? slash + 1 : file, &err);
    if (s == NULL)
        return reader_fail(r, &err);
    char *dot = strrchr(s, '.');
    if (dot != NULL && dot != s)
        *dot = '\0';
    *name = s;
    return key_name_fits(s) || fault_at(r, root, "name: must be given, because the file's name makes none");
}

/* Reads the tree into *config, which is complete or, after a fault, to be released. */
static void read_tree(struct reader *r, cJSON *tree, struct config *config) {
    struct place root = {.item = tree};
    key_reset(key_root.rows, config);
    reader_object(r, &root, &key_root, config);
    if (!r->model_only && config->name == NULL && cJSON_IsObject(tree) &&
        cJSON_GetObjectItemCaseSensitive(tree, "name") == NULL)
        default_name(r, &root, r->file, &config->name);
}

/* The common end: faults and err filled, or the config handed over. */
static bool finish(struct reader *r, enum err_kind kind, struct config *made, struct config *config,
                   struct config_faults *faults, struct err *err) {
    bool ok = r->fault_count == 0 && !r->failed;
    if (ok)
        *config = *made;
    else {
        faults_finish(r, kind, faults, err);
        config_release(made);
    }
    reader_release(r);
    return ok;
}

/* An unreadable file is a fault of the config; only the machine's failures stay what they are. */
static void fault_file(struct reader *r, const struct err *err, const char *prefix) {
    struct text line = {0};
    if (err->kind == ERR_SYSTEM) {
        reader_fail(r, err);
        return;
    }
    text_addf(&line, "%s%s", prefix, err->text);
    fault_plain(r, reader_text(r, &line));
    text_release(&line);
}

/* The document of the file, or NULL with the fault filed. */
static struct json *open_document(struct reader *r, const char *file) {
    struct err err;
    unsigned char *bytes = NULL;
    size_t len = 0;
    if (!file_read(file, JSON_MAX_BYTES, &bytes, &len, &err)) {
        fault_file(r, &err, "");
        return NULL;
    }
    struct json *doc =
        json_parse((const char *)bytes, len, (struct json_options){.comments = true}, ERR_CONFIG, &err);
    mem_free(bytes);
    struct text prefix = {0};
    text_addf(&prefix, "%s:", file);
    if (doc == NULL)
        fault_file(r, &err, reader_text(r, &prefix));
    text_release(&prefix);
    return doc;
}

bool config_load(const char *file, const char *const *overrides, size_t override_count, struct config *config,
                 struct config_faults *faults, struct err *err) {
    struct reader r = {.file = file};
    struct config made = {0};
    struct err folder_err;
    *faults = (struct config_faults){0};
    char *folder = file_folder(file, &folder_err);
    r.folder = folder;
    struct json *doc = folder != NULL ? open_document(&r, file) : NULL;
    if (folder == NULL)
        reader_fail(&r, &folder_err);
    r.doc = doc;
    if (doc != NULL) {
        overrides_apply(&r, json_root(doc), overrides, override_count);
        read_tree(&r, json_root(doc), &made);
    }
    bool ok = finish(&r, ERR_CONFIG, &made, config, faults, err);
    json_free(doc);
    mem_free(folder);
    return ok;
}

static bool load_text(const char *json, size_t len, struct reader *r, struct config *config,
                      struct err *err) {
    struct config made = {0};
    struct config_faults faults = {0};
    struct err syntax;
    struct text prefix = {0};
    struct json *doc = json_parse(json, len, (struct json_options){0}, ERR_DATA, &syntax);
    r->doc = doc;
    text_addf(&prefix, "%s:", r->file);
    if (doc == NULL)
        fault_file(r, &syntax, reader_text(r, &prefix));
    else
        read_tree(r, json_root(doc), &made);
    bool ok = finish(r, ERR_DATA, &made, config, &faults, err);
    text_release(&prefix);
    config_faults_release(&faults);
    json_free(doc);
    return ok;
}

bool config_load_model(const char *json, size_t len, struct config *config, struct err *err) {
    struct reader r = {.file = "model config", .folder = ".", .model_only = true};
    return load_text(json, len, &r, config, err);
}

bool config_load_text(const char *json, size_t len, struct config *config, struct err *err) {
    struct reader r = {.file = "config", .folder = "."};
    return load_text(json, len, &r, config, err);
}
