#include "base/json_scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

/* Makes room for one more element. */
static bool grow(void **array, size_t count, size_t *room, size_t size, struct err *err) {
    if (count < *room)
        return true;
    size_t more = *room == 0 ? 32 : *room * 2;
    void *larger = mem_alloc(more, size, "a JSON text", err);
    if (larger == NULL)
        return false;
    if (count > 0)
        memcpy(larger, *array, count * size);
    mem_free(*array);
    *array = larger;
    *room = more;
    return true;
}

static int peek(const struct json_scan *s) {
    return s->at < s->len ? s->text[s->at] : -1;
}

/* ---- space and comments ---- */

static bool scan_comment(struct json_scan *s) {
    size_t start = s->at;
    bool block = s->text[start + 1] == '*';
    if (!s->comments)
        return json_fail(s, start, "comments are not allowed here");
    s->at += 2;
    for (;;) {
        bool over = s->at >= s->len;
        if (over && block)
            return json_fail(s, start, "the comment has no end");
        if (over || (!block && s->text[s->at] == '\n'))
            break;
        if (block && s->len - s->at >= 2 && memcmp(s->text + s->at, "*/", 2) == 0) {
            s->at += 2;
            break;
        }
        size_t len = utf8_length(s->text + s->at, s->len - s->at);
        if (len == 0)
            return json_fail(s, s->at, "invalid UTF-8: the byte 0x%02x", s->text[s->at]);
        s->at += len;
    }
    memset(s->copy + start, ' ', s->at - start);
    return true;
}

static bool skip_space(struct json_scan *s) {
    for (;; s->at++) {
        int c = peek(s);
        while (c == '/' && s->at + 1 < s->len && (s->text[s->at + 1] == '/' || s->text[s->at + 1] == '*')) {
            if (!scan_comment(s))
                return false;
            c = peek(s);
        }
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return true;
    }
}

/* ---- entries ---- */

/* Adds the value at s->at, whose position is byte `shown`: its key or itself. Positions only move forward, so
 * all of them together cost one pass over the text. */
static struct json_entry *add_entry(struct json_scan *s, size_t shown) {
    void *entries = s->entries;
    if (!grow(&entries, s->count, &s->room, sizeof *s->entries, s->err))
        return NULL;
    s->entries = entries;
    for (; s->counted < shown; s->counted++)
        if (s->text[s->counted] == '\n') {
            s->line++;
            s->column = 1;
        } else if ((s->text[s->counted] & 0xC0) != 0x80)
            s->column++;
    struct json_entry *entry = &s->entries[s->count++];
    *entry = (struct json_entry){NULL, (uint32_t)s->line, (uint32_t)s->column, (uint32_t)s->at, 0};
    return entry;
}

/* ---- objects and arrays ---- */

static bool scan_value(struct json_scan *s, size_t shown);

/* Behind an element: a comma and the next element's begin, or the closing bracket (*done). */
static bool scan_separator(struct json_scan *s, size_t open, char close, bool *done) {
    if (!skip_space(s))
        return false;
    size_t comma = s->at, line, column;
    const char *kind = close == '}' ? "object" : "array";
    char buf[JSON_FOUND];
    *done = peek(s) == close;
    if (peek(s) == -1) {
        json_place(s, open, &line, &column);
        return json_fail(s, s->at, "the text ends inside the %s that begins at %zu:%zu", kind, line, column);
    }
    if (!*done && peek(s) != ',')
        return json_fail(s, s->at, "',' or '%c' is expected, found %s", close, json_found(s, buf));
    s->at++;
    if (*done)
        return true;
    if (!skip_space(s))
        return false;
    if (peek(s) == close)
        return json_fail(s, comma, "trailing comma in front of '%c'", close);
    return true;
}

static bool fail_key(struct json_scan *s) {
    char buf[JSON_FOUND];
    size_t word = json_word_length(s, s->at);
    if (peek(s) == '\'' || (word > 0 && (peek(s) < '0' || peek(s) > '9')))
        return json_fail(s, s->at, "keys are written in double quotes, found %s", json_found(s, buf));
    return json_fail(s, s->at, "a key in double quotes is expected, found %s", json_found(s, buf));
}

static bool scan_member(struct json_scan *s) {
    size_t start = s->at;
    char buf[JSON_FOUND];
    if (peek(s) != '"')
        return fail_key(s);
    void *keys = s->keys;
    if (!grow(&keys, s->key_count, &s->key_room, sizeof *s->keys, s->err))
        return false;
    s->keys = keys;
    s->keys[s->key_count++] = s->text + start + 1;
    if (!json_scan_string(s) || !skip_space(s))
        return false;
    if (peek(s) != ':')
        return json_fail(s, s->at, "':' is expected behind the key, found %s", json_found(s, buf));
    s->at++;
    return skip_space(s) && scan_value(s, start);
}

/* Orders keys by their characters, escapes undone; equal ones by their place in the text. */
static int compare_characters(const unsigned char *a, const unsigned char *b) {
    for (;;) {
        int32_t x = json_next_character(&a), y = json_next_character(&b);
        if (x != y)
            return x < y ? -1 : 1;
        if (x == -1)
            return 0;
    }
}

static int compare_keys(const void *a, const void *b) {
    const unsigned char *x = *(const unsigned char *const *)a, *y = *(const unsigned char *const *)b;
    int order = compare_characters(x, y);
    return order != 0 ? order : x < y ? -1 : x > y;
}

/* The keys of an object from keys[first] on; complains of the first key in the text that stood there
 * before. */
static bool check_duplicates(struct json_scan *s, size_t first) {
    size_t count = s->key_count - first;
    if (count < 2)
        return true;
    const unsigned char **keys = s->keys + first, *again = NULL, *before = NULL;
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < count; i++)
        if ((again == NULL || keys[i] < again) && compare_characters(keys[i - 1], keys[i]) == 0) {
            before = keys[i - 1];
            again = keys[i];
        }
    if (again == NULL)
        return true;
    size_t line, column, at = (size_t)(again - s->text), len = 0;
    while (at + len < s->len && again[len] != '"' && len < 60)
        len += utf8_length(again + len, 4);
    json_place(s, (size_t)(before - s->text) - 1, &line, &column);
    return json_fail(s, at - 1, "duplicate key \"%.*s\": the first one is at %zu:%zu", (int)len,
                     (const char *)again, line, column);
}

static bool scan_elements(struct json_scan *s, char close) {
    size_t open = s->at++, first_key = s->key_count;
    if (!skip_space(s))
        return false;
    bool done = peek(s) == close;
    if (done)
        s->at++;
    while (!done) {
        bool is_end = peek(s) == -1; /* told by the separator's message, which names the opening bracket */
        if (!is_end && !(close == '}' ? scan_member(s) : scan_value(s, s->at)))
            return false;
        if (!scan_separator(s, open, close, &done))
            return false;
    }
    if (close == '}' && !check_duplicates(s, first_key))
        return false;
    s->key_count = first_key;
    return true;
}

static bool scan_container(struct json_scan *s, char close) {
    if (s->depth == JSON_MAX_DEPTH)
        return json_fail(s, s->at, "nested deeper than %d levels", JSON_MAX_DEPTH);
    s->depth++;
    bool ok = scan_elements(s, close);
    s->depth--;
    return ok;
}

/* ---- values ---- */

static bool scan_word(struct json_scan *s) {
    static const char *const words[] = {"true", "false", "null"};
    size_t len = json_word_length(s, s->at);
    for (size_t i = 0; i < 3; i++)
        if (len == strlen(words[i]) && memcmp(s->text + s->at, words[i], len) == 0) {
            s->at += len;
            return true;
        }
    return json_fail_word(s, s->at, len);
}

static bool fail_value(struct json_scan *s) {
    char buf[JSON_FOUND];
    int c = peek(s);
    if (c == '\'')
        return json_fail(s, s->at, "strings are written in double quotes, found a single quote");
    if (c == '+' || c == '.')
        return json_fail(s, s->at, "a number does not begin with '%c'", c);
    return json_fail(s, s->at, "a value is expected, found %s", json_found(s, buf));
}

static bool scan_value(struct json_scan *s, size_t shown) {
    struct json_entry *entry = add_entry(s, shown);
    if (entry == NULL)
        return false;
    size_t start = s->at;
    int c = peek(s);
    if (c == '{' || c == '[')
        return scan_container(s, c == '{' ? '}' : ']');
    if (c == '"')
        return json_scan_string(s);
    if (c == '-' || (c >= '0' && c <= '9')) {
        if (!json_scan_number(s))
            return false;
        entry->number_len = (uint32_t)(s->at - start);
        return true;
    }
    return json_word_length(s, s->at) > 0 ? scan_word(s) : fail_value(s);
}

static bool scan_text(struct json_scan *s) {
    char buf[JSON_FOUND];
    s->line = s->column = 1;
    if (s->len == 0)
        return json_fail(s, 0, "the file is empty");
    if (s->len >= 3 && memcmp(s->text, "\xEF\xBB\xBF", 3) == 0)
        return json_fail(s, 0, "the text begins with a byte order mark: save it as UTF-8 without one");
    if (!skip_space(s))
        return false;
    if (peek(s) == -1)
        return json_fail(s, s->at, "the file holds no value");
    if (!scan_value(s, s->at) || !skip_space(s))
        return false;
    if (peek(s) != -1)
        return json_fail(s, s->at, "the value is complete, but more text follows: %s", json_found(s, buf));
    return true;
}

bool json_scan(struct json_scan *s) {
    bool ok = scan_text(s);
    mem_free(s->keys);
    s->keys = NULL;
    return ok;
}
