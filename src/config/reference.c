/* The table of keys for people: Markdown for the README, plain text for the terminal. */
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/keys.h"

enum { HELP_WIDTH = 92, HELP_INDENT = 28 };

/* in: the length of the path's part that is the nearest object around the key that may be left out; 0:
 * none. */
typedef void row_writer(const char *path, size_t in, const struct key *key, struct text *out);

/* Every key but plain objects, by its path; list elements are "[]". */
static void each_key(const struct key *rows, struct text *path, size_t in, row_writer *write,
                     struct text *out) {
    size_t len = path->len;
    for (const struct key *key = rows; key->name != NULL && !path->failed; key++) {
        text_addf(path, "%s%s", len > 0 ? "." : "", key->name);
        if (!path->failed && (key->type != &key_object || (key->flags & KEY_NULL)))
            write(path->s, in, key, out);
        if (key->type == &key_list)
            text_add(path, "[]");
        if (key->rows != NULL)
            each_key(key->rows, path, key->type == &key_object && key->flags & KEY_NULL ? path->len : in,
                     write, out);
        if (!path->failed)
            path->s[path->len = len] = '\0';
    }
}

static bool write_all(row_writer *write, struct text *out, struct err *err) {
    struct text path = {0};
    each_key(key_root.rows, &path, 0, write, out);
    out->failed |= path.failed;
    text_release(&path);
    return text_ok(out, err);
}

/* A key without a default. */
static void add_need(const char *path, size_t in, const struct key *key, const char *optional,
                     struct text *out) {
    bool needed = key->flags & KEY_REQUIRED || key->either != NULL;
    text_add(out, needed ? "required" : optional);
    if (in > 0 && needed)
        text_addf(out, " with `%.*s`", (int)in, path);
    if (key->either != NULL)
        text_addf(out, "%s unless `%s` is given", in > 0 ? "," : "", key->either);
}

static void write_markdown(const char *path, size_t in, const struct key *key, struct text *out) {
    text_addf(out, "| `%s` | ", path);
    key_allowed(key, out);
    text_addf(out, "%s%s | ", key->unit != NULL ? ", in " : "", key->unit != NULL ? key->unit : "");
    if (!key_default(key, out))
        add_need(path, in, key, "none", out);
    text_addf(out, " | %s |\n", key->help);
}

bool config_reference(struct text *out, struct err *err) {
    text_add(out, "| key | values | default | meaning |\n|---|---|---|---|\n");
    return write_all(write_markdown, out, err);
}

/* Words of s in lines up to HELP_WIDTH, all but the first indented. Back-quotes are for Markdown and left
 * out. */
static void wrap(struct text *out, const char *s) {
    size_t column = HELP_INDENT;
    while (*s != '\0') {
        size_t len = strcspn(s, " ");
        if (column > HELP_INDENT && column + 1 + len > HELP_WIDTH) {
            text_addf(out, "\n%*s", HELP_INDENT, "");
            column = HELP_INDENT;
        } else if (column > HELP_INDENT) {
            text_add(out, " ");
            column++;
        }
        for (size_t i = 0; i < len; i++)
            if (s[i] != '`')
                text_add_bytes(out, s + i, 1);
        column += len;
        s += len;
        s += strspn(s, " ");
    }
    text_add(out, "\n");
}

static void write_plain(const char *path, size_t in, const struct key *key, struct text *out) {
    struct text values = {0};
    if (strlen(path) + 2 > HELP_INDENT)
        text_addf(out, "%s\n%*s", path, HELP_INDENT, "");
    else
        text_addf(out, "%-*s", HELP_INDENT, path);
    wrap(out, key->help);
    key_allowed(key, &values);
    text_addf(&values, "%s%s", key->unit != NULL ? ", in " : "", key->unit != NULL ? key->unit : "");
    size_t len = values.len;
    text_add(&values, "; default: ");
    if (!key_default(key, &values) && !values.failed) {
        values.s[values.len = len] = '\0';
        text_add(&values, "; ");
        add_need(path, in, key, "optional", &values);
    }
    out->failed |= values.failed;
    text_addf(out, "%*s", HELP_INDENT, "");
    wrap(out, values.s != NULL ? values.s : "");
    text_release(&values);
}

bool config_help(struct text *out, struct err *err) {
    return write_all(write_plain, out, err);
}
