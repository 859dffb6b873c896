#include "data/csv.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "data/spec.h"
#include "data/stranger.h"

enum { FIRST_ROOM = 256 << 10, FIRST_FIELDS = 64 };

bool csv_refuse(const struct csv *csv, size_t column, struct err *err, const char *format, ...) {
    char sentence[512], where[UTF8_QUOTE + 16] = "", quoted[UTF8_QUOTE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (column < csv->names)
        snprintf(where, sizeof where, ", column %s",
                 utf8_quote(csv->name[column], strlen(csv->name[column]), quoted));
    else if (column != SIZE_MAX)
        snprintf(where, sizeof where, ", column %zu", column);
    return err_set(err, ERR_DATA, "%s: row %zu%s: %s (line %zu)", csv->path, csv->row, where, sentence,
                   csv->line);
}

/* Over what ends the field and is known by now. */
char *csv_text(struct csv_field *field) {
    field->s[field->len] = '\0';
    return field->s;
}

/* ---- bytes ---- */

/* Room for at least one more byte behind the unread ones, which move to the front. */
static bool make_room(struct csv *csv, struct err *err) {
    size_t rest = csv->end - csv->begin;
    if (rest == CSV_ROW_MAX)
        return csv_refuse(csv, SIZE_MAX, err,
                          "expected a row of at most %d MiB, found more: a closing quote may be missing",
                          CSV_ROW_MAX >> 20);
    if (rest < csv->room) {
        memmove(csv->buffer, csv->buffer + csv->begin, rest);
    } else {
        size_t room = csv->room ? 2 * csv->room : FIRST_ROOM;
        char *buffer = mem_alloc(room + 1, 1, "a row", err);
        if (!buffer)
            return false;
        if (rest > 0)
            memcpy(buffer, csv->buffer + csv->begin, rest);
        mem_free(csv->buffer);
        csv->buffer = buffer;
        csv->room = room;
    }
    csv->begin = 0;
    csv->end = rest;
    return true;
}

/* More bytes behind the unread ones, which were not enough. */
static bool fill(struct csv *csv, struct err *err) {
    size_t got = 0;
    if (!make_room(csv, err))
        return false;
    size_t want = csv->room - csv->end;
    if (!source_read(&csv->source, csv->buffer + csv->end, want, &got, err))
        return false;
    sha256_add(&csv->sha, csv->buffer + csv->end, got);
    csv->end += got;
    csv->buffer[csv->end] = '\0';
    csv->complete = got < want;
    return true;
}

void csv_digest(struct csv *csv, char hex[SHA256_HEX]) {
    sha256_hex(&csv->sha, hex);
}

/* ---- the beginning ---- */

static const char *const byte_orders[] = {"\xFF\xFE", "\xFE\xFF"};

/* Refuses what is no text; skips a byte order mark. */
static bool check_start(struct csv *csv, struct err *err) {
    const unsigned char *start = (const unsigned char *)csv->buffer;
    const char *what = stranger_kind(start, csv->end);
    char shown[STRANGER_TEXT];
    if (start[0] == '<' && !strchr("!?hH", start[1])) /* "<=50K" is no web page */
        what = NULL;
    for (size_t i = 0; i < 2; i++)
        if (csv->end >= 2 && memcmp(start, byte_orders[i], 2) == 0)
            what = "text in UTF-16: expected UTF-8";
    if (csv->end >= 2 && start[0] == 0 && start[1] == 0)
        what = "an IDX file, which is given by images and labels";
    if (what)
        return err_set(err, ERR_DATA, "%s: not a CSV or TSV file: starts with %s, which looks like %s",
                       csv->path, stranger_show(start, csv->end, shown), what);
    if (csv->end >= 3 && memcmp(start, "\xEF\xBB\xBF", 3) == 0)
        csv->begin = 3;
    return true;
}

/* By the first line, quoted fields left out. */
static char find_delimiter(const struct csv *csv) {
    size_t tabs = 0, commas = 0, semicolons = 0;
    bool quoted = false;
    for (const char *p = csv->buffer + csv->begin; *p && (quoted || (*p != '\n' && *p != '\r')); p++) {
        quoted ^= *p == '"';
        tabs += !quoted && *p == '\t';
        commas += !quoted && *p == ',';
        semicolons += !quoted && *p == ';';
    }
    if (tabs > commas)
        return '\t';
    return semicolons > 0 && commas == 0 ? ';' : ',';
}

bool data_may_delimit(char c) {
    return c == '\t' || (c && strchr("!#$%&*,/:;<=>?@^_|~", c));
}

bool csv_open(struct csv *csv, const char *path, char delimiter, struct err *err) {
    assert(!delimiter || data_may_delimit(delimiter));
    *csv = (struct csv){.path = path, .next_line = 1, .line = 1};
    if (!source_open(&csv->source, path, err))
        return false;
    sha256_init(&csv->sha);
    if (!fill(csv, err) || !check_start(csv, err)) {
        csv_close(csv);
        return false;
    }
    csv->delimiter = delimiter ? delimiter : find_delimiter(csv);
    csv->stop[0] = csv->stop['\n'] = csv->stop['\r'] = csv->stop['"'] = true;
    csv->stop[(unsigned char)csv->delimiter] = true;
    return true;
}

void csv_close(struct csv *csv) {
    source_close(&csv->source);
    mem_free(csv->buffer);
    mem_free(csv->field);
    *csv = (struct csv){0};
}

/* ---- a row ---- */

enum scan { SCAN_DONE, SCAN_SHORT /* the row goes on behind the buffer */, SCAN_REFUSED };

static bool grow_fields(struct csv *csv, struct err *err) {
    size_t room = csv->field_room ? 2 * csv->field_room : FIRST_FIELDS;
    if (csv->field_room == CSV_FIELDS_MAX)
        return csv_refuse(csv, SIZE_MAX, err, "expected at most %d fields, found more", CSV_FIELDS_MAX);
    struct csv_field *field = mem_alloc(room, sizeof *field, "the fields of a row", err);
    if (!field)
        return false;
    if (csv->fields > 0)
        memcpy(field, csv->field, csv->fields * sizeof *field);
    mem_free(csv->field);
    csv->field = field;
    csv->field_room = room;
    return true;
}

static bool is_blank(const struct csv *csv, char c) {
    return (c == ' ' || c == '\t') && c != csv->delimiter;
}

static char *skip_blanks(const struct csv *csv, char *p) {
    while (is_blank(csv, *p))
        p++;
    return p;
}

/* A NUL at p: that behind the buffer, or one of the file. */
static enum scan at_nul(const struct csv *csv, const char *p, struct err *err) {
    if (p == csv->buffer + csv->end)
        return csv->complete ? SCAN_DONE : SCAN_SHORT;
    csv_refuse(csv, csv->fields, err, "expected text, found a NUL byte");
    return SCAN_REFUSED;
}

/* A field that begins with the quote at *at, which then is behind it. */
static enum scan scan_quoted(struct csv *csv, char **at, struct csv_field *field, struct err *err) {
    char *p = *at + 1;
    *field = (struct csv_field){.s = p, .quoted = true};
    for (;; p++) {
        if (*p == '"' && p[1] == '"') {
            field->doubled = csv->doubled = true;
            p++;
        } else if (*p == '"') {
            break;
        } else if (*p == '\n') {
            csv->next_line++;
        } else if (*p == '\0') {
            enum scan end = at_nul(csv, p, err);
            if (end != SCAN_DONE)
                return end;
            csv_refuse(csv, csv->fields, err,
                       "expected a closing quote, found the end of the file on line %zu", csv->next_line);
            return SCAN_REFUSED;
        }
    }
    field->len = (size_t)(p - field->s);
    *at = skip_blanks(csv, p + 1);
    if (csv->stop[(unsigned char)**at] && **at != '"')
        return SCAN_DONE;
    csv_refuse(csv, csv->fields, err, "expected a delimiter behind the closing quote, found \"%.1s\"",
               (unsigned char)**at < 0x80 ? *at : "?");
    return SCAN_REFUSED;
}

static enum scan scan_plain(struct csv *csv, char **at, struct csv_field *field, struct err *err) {
    char *p = *at, *s = p;
    uint32_t integer = 0;
    for (; (unsigned char)(*p - '0') < 10; p++)
        integer = 10 * integer + (uint32_t)(*p - '0');
    char *digits = p;
    while (!csv->stop[(unsigned char)*p])
        p++;
    *at = p;
    while (p > digits && is_blank(csv, p[-1]))
        p--;
    *field = (struct csv_field){.s = s, .len = (size_t)(p - s), .integer = integer};
    field->is_integer = p == digits && field->len - 1 < CSV_DIGITS;
    if (**at != '"')
        return SCAN_DONE;
    csv_refuse(csv, csv->fields, err, "expected a field in quotes as a whole, found a quote inside");
    return SCAN_REFUSED;
}

/* What stands behind a field: *last tells whether the row ends there. */
static enum scan scan_end(struct csv *csv, char **at, bool *last, struct err *err) {
    char *p = *at;
    *last = *p != csv->delimiter;
    if (*p == '\r' && p[1] != '\0' && p[1] != '\n') {
        csv_refuse(csv, SIZE_MAX, err, "expected a line feed behind the carriage return, found none");
        return SCAN_REFUSED;
    }
    *at = p += *p == '\r';
    if (*p == '\0')
        return at_nul(csv, p, err);
    csv->next_line += *p == '\n';
    *at = p + 1;
    return SCAN_DONE;
}

/* All fields of the row that begins at `begin`, which then is behind it. */
static enum scan scan_row(struct csv *csv, struct err *err) {
    char *p = csv->buffer + csv->begin;
    bool last = false;
    csv->next_line = csv->line;
    csv->doubled = false;
    for (csv->fields = 0; !last; csv->fields++) {
        if (csv->fields == csv->field_room && !grow_fields(csv, err))
            return SCAN_REFUSED;
        struct csv_field *field = &csv->field[csv->fields];
        p = skip_blanks(csv, p);
        enum scan scan = *p == '"' ? scan_quoted(csv, &p, field, err) : scan_plain(csv, &p, field, err);
        if (scan == SCAN_DONE)
            scan = scan_end(csv, &p, &last, err);
        if (scan != SCAN_DONE)
            return scan;
    }
    csv->begin = (size_t)(p - csv->buffer);
    return SCAN_DONE;
}

/* Doubled quotes stand for one; only once the row is whole, as a short one is scanned again. */
static void undouble(struct csv_field *field) {
    char *to = field->s;
    for (const char *p = field->s, *end = p + field->len; p < end; p++) {
        *to++ = *p;
        p += *p == '"';
    }
    field->len = (size_t)(to - field->s);
}

static bool next_row(struct csv *csv, struct err *err) {
    enum scan scan = SCAN_SHORT;
    csv->line = csv->next_line;
    csv->row = csv->records - csv->header;
    while ((scan = scan_row(csv, err)) == SCAN_SHORT)
        if (!fill(csv, err))
            return false;
    for (size_t i = 0; scan == SCAN_DONE && csv->doubled && i < csv->fields; i++)
        if (csv->field[i].doubled)
            undouble(&csv->field[i]);
    return scan == SCAN_DONE;
}

/* Whether the file has no more bytes. */
static bool at_end(struct csv *csv, bool *end, struct err *err) {
    *end = csv->begin == csv->end;
    if (*end && !csv->complete) {
        if (!fill(csv, err))
            return false;
        *end = csv->begin == csv->end;
    }
    return true;
}

bool csv_next(struct csv *csv, bool *more, struct err *err) {
    size_t empty = 0;
    for (bool end;;) {
        if (!at_end(csv, &end, err))
            return false;
        *more = !end;
        if (end)
            return true;
        if (!next_row(csv, err))
            return false;
        bool blank = csv->fields == 1 && csv->field[0].len == 0 && !csv->field[0].quoted;
        if (!blank)
            break;
        empty = empty ? empty : csv->line;
    }
    if (empty) {
        csv->line = empty;
        return csv_refuse(csv, SIZE_MAX, err, "expected values, found an empty line before others");
    }
    csv->records++;
    return true;
}
