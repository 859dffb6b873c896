/* Faults of a config: worded, placed, collected, put in order. */
#include "config/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { QUOTE_MAX = 60, SENTENCE_MAX = 900 };

/* Cuts t to len bytes and an ellipsis, at the start of a character. */
static void cut(struct text *t, size_t len) {
    if (t->failed || t->len <= len)
        return;
    while (len > 0 && ((unsigned char)t->s[len] & 0xC0) == 0x80)
        len--;
    t->s[t->len = len] = '\0';
    text_add(t, "...");
}

void fault_quote(struct text *out, const char *s) {
    struct text quoted = {0};
    json_string(&(struct json_writer){.out = &quoted}, s);
    bool whole = quoted.failed || quoted.len <= QUOTE_MAX;
    cut(&quoted, QUOTE_MAX);
    out->failed |= quoted.failed;
    if (!quoted.failed)
        text_addf(out, "%s%s", quoted.s, whole ? "" : "\"");
    text_release(&quoted);
}

/* The same without the quotes, for keys, which may hold anything; nothing keeps them, to be seen. */
static void add_plain(struct text *out, const char *s) {
    struct text quoted = {0};
    fault_quote(&quoted, s);
    out->failed |= quoted.failed;
    if (!quoted.failed && s[0] == '\0')
        text_add(out, quoted.s);
    else if (!quoted.failed)
        text_add_bytes(out, quoted.s + 1, quoted.len - 2);
    text_release(&quoted);
}

/* "model.layers.1.units"; nothing for the root. */
static void add_path(struct text *out, const struct place *at) {
    if (at->up == NULL)
        return;
    size_t before = out->len;
    add_path(out, at->up);
    if (out->len > before)
        text_add(out, ".");
    if (at->name != NULL)
        add_plain(out, at->name);
    else
        text_addf(out, "%zu", at->index);
}

/* What stands at the place, as a message says it. */
static void add_found(struct reader *r, struct text *out, const struct place *at, bool want_string) {
    const cJSON *item = at->item;
    if (cJSON_IsString(item)) {
        text_add(out, want_string ? "" : "the string ");
        fault_quote(out, item->valuestring);
    } else if (cJSON_IsNumber(item)) {
        char number[32];
        const char *literal = place_number(r, at);
        add_plain(out, literal != NULL ? literal : json_format_number(item->valuedouble, number));
    } else if (cJSON_IsArray(item)) {
        text_addf(out, "a list of length %d", cJSON_GetArraySize(item));
    } else {
        text_add(out, cJSON_IsObject(item) ? "an object"
                      : cJSON_IsNull(item) ? "null"
                      : cJSON_IsTrue(item) ? "true"
                                           : "false");
    }
}

/* Room for one more fault; NULL and a failure remembered where there is none. */
static struct fault *new_fault(struct reader *r) {
    if (r->fault_count == r->fault_room) {
        struct err err;
        size_t room = r->fault_room == 0 ? 16 : 2 * r->fault_room;
        struct fault *faults = mem_alloc(room, sizeof *faults, "the list of faults", &err);
        if (faults == NULL) {
            reader_fail(r, &err);
            return NULL;
        }
        if (r->fault_count > 0)
            memcpy(faults, r->faults, r->fault_count * sizeof *faults);
        mem_free(r->faults);
        r->faults = faults;
        r->fault_room = room;
    }
    struct fault *fault = &r->faults[r->fault_count];
    *fault = (struct fault){.number = r->fault_count++};
    return fault;
}

/* Files the line under its source and position; takes the text over. */
static bool file_fault(struct reader *r, struct text *line, size_t source, size_t row, size_t column) {
    struct err err;
    struct fault *fault = new_fault(r);
    if (!text_ok(line, &err))
        reader_fail(r, &err);
    if (fault == NULL || line->failed) {
        text_release(line);
        return false;
    }
    for (char *p = line->s; *p != '\0'; p++) /* one line, whatever a file is named */
        if ((unsigned char)*p < ' ' || *p == 0x7F)
            *p = '?';
    fault->source = source;
    fault->line = row;
    fault->column = column;
    fault->text = line->s;
    *line = (struct text){0};
    return false;
}

static void add_override(struct text *out, const struct override *o) {
    text_add(out, "--set ");
    add_plain(out, o->text);
    text_add(out, ": ");
}

bool fault_at(struct reader *r, const struct place *at, const char *format, ...) {
    char sentence[SENTENCE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);

    struct text line = {0}, path = {0};
    size_t row = 0, column = 0;
    add_path(&path, at);
    if (at->origin != NULL) {
        add_override(&line, at->origin);
    } else {
        const struct place *known = at;
        while (known->up != NULL &&
               (known->item == NULL || !json_position(r->doc, known->item, &row, &column)))
            known = known->up;
        if (known->up == NULL && !json_position(r->doc, known->item, &row, &column))
            row = column = 1;
        text_addf(&line, "%s:%zu:%zu: ", r->file, row, column);
    }
    const char *where = reader_text(r, &path);
    if (where[0] != '\0' && (at->origin == NULL || strcmp(at->origin->path, where) != 0))
        text_addf(&line, "%s: ", where);
    text_add(&line, sentence);
    text_release(&path);
    return file_fault(r, &line, at->origin == NULL ? 0 : (size_t)(at->origin - r->overrides) + 1, row,
                      column);
}

bool fault_value(struct reader *r, const struct place *at, const struct key *key) {
    struct text allowed = {0}, found = {0}, fallback = {0};
    key_allowed(key, &allowed);
    add_found(r, &found, at, key->type->string);
    const char *nearest = key->choices != NULL && cJSON_IsString(at->item)
                              ? names_nearest(key->choices, at->item->valuestring)
                              : NULL;
    bool has = key_default(key, &fallback);
    fault_at(r, at, "must be %s, got %s%s%s%s%s%s%s", reader_text(r, &allowed), reader_text(r, &found),
             has ? " (default " : "", reader_text(r, &fallback), has ? ")" : "",
             nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
             nearest != NULL ? "\"?" : "");
    text_release(&allowed);
    text_release(&found);
    text_release(&fallback);
    return false;
}

bool fault_override(struct reader *r, const struct override *o, const char *format, ...) {
    char sentence[SENTENCE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);

    struct text line = {0};
    add_override(&line, o);
    text_add(&line, sentence);
    return file_fault(r, &line, (size_t)(o - r->overrides) + 1, 0, 0);
}

bool fault_plain(struct reader *r, const char *sentence) {
    struct text line = {0};
    text_add(&line, sentence);
    return file_fault(r, &line, 0, 0, 0);
}

static int compare(size_t a, size_t b) {
    return (a > b) - (a < b);
}

static int by_place(const void *a, const void *b) {
    const struct fault *x = a, *y = b;
    int order = compare(x->source, y->source);
    order = order != 0 ? order : compare(x->line, y->line);
    order = order != 0 ? order : compare(x->column, y->column);
    return order != 0 ? order : compare(x->number, y->number);
}

void faults_finish(struct reader *r, enum err_kind kind, struct config_faults *out, struct err *err) {
    if (r->fault_count > 0)
        qsort(r->faults, r->fault_count, sizeof *r->faults, by_place);
    for (size_t i = 0; i < r->fault_count && !r->failed; i++) {
        text_addf(&out->lines, "%s%s", i == 0 ? "" : "\n", r->faults[i].text);
        out->count++;
    }
    if (!text_ok(&out->lines, &r->system))
        r->failed = true;
    if (r->failed) {
        config_faults_release(out);
        *err = r->system;
    } else if (r->fault_count > 0) {
        err_set(err, kind, "%s", r->faults[0].text);
    }
}

void reader_release(struct reader *r) {
    for (size_t i = 0; i < r->fault_count; i++)
        mem_free(r->faults[i].text);
    mem_free(r->faults);
    for (size_t i = 0; i < r->override_count; i++)
        mem_free(r->overrides[i].path);
    mem_free(r->overrides);
    cJSON_Delete(r->dropped);
}
