/* Keys whose values are texts: names and paths. */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "config/reader.h"

static void release_string(void *field) {
    char **s = field;
    mem_free(*s);
    *s = NULL;
}

static bool string_given(const struct key *key, const void *field) {
    (void)key;
    return *(char *const *)field != NULL;
}

static void print_string(const struct key *key, const void *field, struct json_writer *w) {
    (void)key;
    json_string(w, *(char *const *)field);
}

static void ignored_allowed(const struct key *key, struct text *out) {
    (void)key;
    text_add(out, "a string");
}

static bool read_ignored(struct reader *r, const struct place *at, const struct key *key, void *field) {
    (void)field;
    return cJSON_IsString(at->item) || fault_value(r, at, key);
}

static void ignored_schema(const struct key *key, struct json_writer *w) {
    key_schema_type(key, w, "string");
}

const struct key_type key_ignored = {
    .string = true, .allowed = ignored_allowed, .read = read_ignored, .schema = ignored_schema};

static void name_allowed(const struct key *key, struct text *out) {
    (void)key;
    text_add(out, "a plain file name of at most 255 bytes without control characters");
}

/* The two ranges of control characters, U+0000 to U+001F and U+007F to U+009F, in UTF-8. */
static bool has_control(const char *s) {
    for (const unsigned char *p = (const unsigned char *)s; *p != '\0'; p++)
        if (*p < ' ' || *p == 0x7F || (p[0] == 0xC2 && p[1] >= 0x80 && p[1] <= 0x9F))
            return true;
    return false;
}

bool key_name_fits(const char *s) {
    size_t len = strlen(s);
    return len > 0 && len <= 255 && strchr(s, '/') == NULL && strcmp(s, ".") != 0 && strcmp(s, "..") != 0 &&
           !has_control(s);
}

static bool read_name(struct reader *r, const struct place *at, const struct key *key, void *field) {
    if (!cJSON_IsString(at->item) || !key_name_fits(at->item->valuestring))
        return fault_value(r, at, key);
    struct err err;
    char *copy = mem_string(at->item->valuestring, &err);
    if (copy == NULL)
        return reader_fail(r, &err);
    *(char **)field = copy;
    return true;
}

static void name_schema(const struct key *key, struct json_writer *w) {
    key_schema_type(key, w, "string");
    json_key(w, "pattern");
    json_string(w, "^(?!\\.{1,2}$)[^/\\u0000-\\u001f\\u007f-\\u009f]+$");
    json_key(w, "maxLength");
    json_uint(w, 255);
}

const struct key_type key_name = {.string = true,
                                  .allowed = name_allowed,
                                  .read = read_name,
                                  .given = string_given,
                                  .print = print_string,
                                  .schema = name_schema,
                                  .release = release_string};

static void path_allowed(const struct key *key, struct text *out) {
    (void)key;
    text_add(out, "a path");
}

/* Relative to data.root, else to the folder of what says it: the config file's, or the working directory. */
static bool read_path(struct reader *r, const struct place *at, const struct key *key, void *field) {
    if (!cJSON_IsString(at->item) || at->item->valuestring[0] == '\0')
        return fault_value(r, at, key);
    struct err err;
    const char *folder = r->root != NULL ? r->root : at->origin != NULL ? "." : r->folder;
    char *joined = file_join(folder, at->item->valuestring, &err);
    char *absolute = joined != NULL ? file_absolute(joined, &err) : NULL;
    mem_free(joined);
    if (absolute == NULL)
        return reader_fail(r, &err);
    *(char **)field = absolute;
    if (key->flags & KEY_ROOT)
        r->root = absolute;
    return true;
}

static void path_schema(const struct key *key, struct json_writer *w) {
    key_schema_type(key, w, "string");
    json_key(w, "minLength");
    json_uint(w, 1);
}

const struct key_type key_path = {.string = true,
                                  .allowed = path_allowed,
                                  .read = read_path,
                                  .given = string_given,
                                  .print = print_string,
                                  .schema = path_schema,
                                  .release = release_string};
