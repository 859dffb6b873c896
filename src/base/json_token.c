/* Strings, numbers and words of JSON, and what is wrong with them. */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/json_scan.h"
#include "base/utf8.h"

/* ---- messages ---- */

/* Columns count characters: bytes that continue one are passed over. */
void json_place(const struct json_scan *s, size_t at, size_t *line, size_t *column) {
    *line = *column = 1;
    for (size_t i = 0; i < at; i++)
        if (s->text[i] == '\n') {
            *line += 1;
            *column = 1;
        } else if ((s->text[i] & 0xC0) != 0x80)
            *column += 1;
}

bool json_fail(struct json_scan *s, size_t at, const char *format, ...) {
    char what[512];
    size_t line, column;
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    json_place(s, at, &line, &column);
    return err_set(s->err, s->kind, "%zu:%zu: %s", line, column, what);
}

size_t json_word_length(const struct json_scan *s, size_t at) {
    size_t end = at;
    while (end < s->len && (isalnum(s->text[end]) || s->text[end] == '_' || s->text[end] == '$'))
        end++;
    return end - at;
}

const char *json_found(const struct json_scan *s, char buf[JSON_FOUND]) {
    const unsigned char *p = s->text + s->at;
    size_t left = s->len - s->at, len = utf8_length(p, left), word = json_word_length(s, s->at);
    if (left == 0)
        return "the end of the text";
    if (*p == '"')
        return "a string";
    if (*p == '\n')
        return "a line break";
    if (len == 0 || *p < 0x20 || *p == 0x7F)
        snprintf(buf, JSON_FOUND, "the byte 0x%02x", *p);
    else
        snprintf(buf, JSON_FOUND, "'%.*s'", (int)(word == 0 ? len : word < 40 ? word : 40), (const char *)p);
    return buf;
}

static bool word_is(const char *word, size_t len, const char *name) {
    return strlen(name) == len && strncasecmp(word, name, len) == 0;
}

bool json_fail_word(struct json_scan *s, size_t at, size_t len) {
    static const struct {
        const char *word, *meant; /* NULL: a number that JSON cannot hold */
    } known[] = {
        {"nan", NULL},    {"inf", NULL},   {"infinity", NULL}, {"true", "true"}, {"false", "false"},
        {"yes", "true"},  {"no", "false"}, {"on", "true"},     {"off", "false"}, {"null", "null"},
        {"none", "null"}, {"nil", "null"}, {"nul", "null"},    {"tru", "true"},  {"undefined", "null"},
    };
    const char *word = (const char *)s->text + at;
    int shown = (int)(len < 40 ? len : 40);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!word_is(word, len, known[i].word))
            continue;
        if (known[i].meant == NULL)
            return json_fail(s, at, "%.*s is not a JSON number: numbers are finite", shown, word);
        return json_fail(s, at, "%.*s is not JSON: write %s", shown, word, known[i].meant);
    }
    return json_fail(s, at, "strings are written in double quotes, found %.*s", shown, word);
}

/* ---- strings ---- */

static int hex_digit(unsigned char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The four digits behind \u, or -1. */
static int32_t hex4(const unsigned char *p, size_t left) {
    int32_t value = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = i < left ? hex_digit(p[i]) : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static bool is_high_surrogate(int32_t c) {
    return c >= 0xD800 && c < 0xDC00;
}

static bool is_low_surrogate(int32_t c) {
    return c >= 0xDC00 && c < 0xE000;
}

/* At the u of \u. cJSON would cut a string at \u0000, and turns half pairs into anything. */
static bool scan_unicode_escape(struct json_scan *s) {
    size_t start = s->at - 1;
    int32_t c = hex4(s->text + s->at + 1, s->len - s->at - 1);
    if (c < 0)
        return json_fail(s, start, "\\u is followed by four hexadecimal digits");
    if (c == 0)
        return json_fail(s, start, "\\u0000 is not allowed in a string");
    s->at += 5;
    if (is_high_surrogate(c) && s->len - s->at >= 2 && memcmp(s->text + s->at, "\\u", 2) == 0 &&
        is_low_surrogate(hex4(s->text + s->at + 2, s->len - s->at - 2)))
        s->at += 6;
    else if (is_high_surrogate(c) || is_low_surrogate(c))
        return json_fail(s, start, "\\u%04x is half of a surrogate pair", (unsigned)c);
    return true;
}

static bool scan_escape(struct json_scan *s) {
    s->at++;
    char buf[JSON_FOUND];
    if (s->at < s->len && s->text[s->at] == 'u')
        return scan_unicode_escape(s);
    if (s->at < s->len && s->text[s->at] != '\0' && strchr("\"\\/bfnrt", s->text[s->at]) != NULL) {
        s->at++;
        return true;
    }
    return json_fail(s, s->at - 1,
                     "a backslash in a string is followed by one of \" \\ / b f n r t u, found %s",
                     json_found(s, buf));
}

bool json_scan_string(struct json_scan *s) {
    size_t start = s->at++;
    while (s->at < s->len && s->text[s->at] != '"') {
        unsigned char c = s->text[s->at];
        size_t len = utf8_length(s->text + s->at, s->len - s->at);
        if (c == '\n' || c == '\r')
            return json_fail(s, s->at,
                             "a line break inside a string: the closing quote is missing, or write \\n");
        if (c < 0x20)
            return json_fail(s, s->at, "a control character inside a string: write \\u%04x", c);
        if (len == 0)
            return json_fail(s, s->at, "invalid UTF-8: the byte 0x%02x", c);
        if (c != '\\')
            s->at += len;
        else if (!scan_escape(s))
            return false;
    }
    if (s->at == s->len)
        return json_fail(s, start, "the string has no closing quote");
    s->at++;
    return true;
}

static int32_t unescaped(unsigned char c) {
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

int32_t json_next_character(const unsigned char **p) {
    const unsigned char *at = *p;
    if (*at == '"')
        return -1;
    if (*at != '\\') {
        size_t len = utf8_length(at, 4);
        int32_t c = len == 1 ? *at : *at & (0x7F >> len);
        for (size_t i = 1; i < len; i++)
            c = c << 6 | (at[i] & 0x3F);
        *p += len;
        return c;
    }
    if (at[1] != 'u') {
        *p += 2;
        return unescaped(at[1]);
    }
    int32_t c = hex4(at + 2, 4);
    *p += 6;
    if (!is_high_surrogate(c))
        return c;
    *p += 6;
    return 0x10000 + ((c - 0xD800) << 10) + (hex4(at + 8, 4) - 0xDC00);
}

/* ---- numbers ---- */

static bool at_digit(const struct json_scan *s) {
    return s->at < s->len && s->text[s->at] >= '0' && s->text[s->at] <= '9';
}

/* One digit or more. */
static bool scan_digits(struct json_scan *s, const char *behind) {
    char buf[JSON_FOUND];
    if (!at_digit(s))
        return json_fail(s, s->at, "a digit is expected behind the number's %s, found %s", behind,
                         json_found(s, buf));
    while (at_digit(s))
        s->at++;
    return true;
}

/* cJSON takes 1e999 for infinity, and older versions cut numbers at 63 characters (CVE-2023-26819). strtod is
 * correctly rounded and sees the program's locale, which stays "C". */
static bool check_value(struct json_scan *s, size_t start) {
    enum { CJSON_DIGITS = 63 };
    char *literal = s->copy + start, shorter[32];
    size_t len = s->at - start;
    char behind = literal[len];
    literal[len] = '\0';
    double value = strtod(literal, NULL);
    literal[len] = behind;
    if (!isfinite(value))
        return json_fail(s, start, "%.*s is too large for a number in double precision",
                         (int)(len < 40 ? len : 40), literal);
    if (len > CJSON_DIGITS) {
        json_format_number(value, shorter);
        memset(literal, ' ', len);
        memcpy(literal, shorter, strlen(shorter));
    }
    return true;
}

bool json_scan_number(struct json_scan *s) {
    size_t start = s->at;
    if (s->text[s->at] == '-')
        s->at++;
    size_t word = at_digit(s) ? 0 : json_word_length(s, s->at);
    if (word > 0)
        return json_fail_word(s, s->at, word);
    bool zero = s->at < s->len && s->text[s->at] == '0';
    if (!scan_digits(s, "sign"))
        return false;
    if (zero && s->at - start > (s->text[start] == '-' ? 2 : 1))
        return json_fail(s, start, "a number does not begin with needless zeros");
    if (s->at < s->len && s->text[s->at] == '.') {
        s->at++;
        if (!scan_digits(s, "point"))
            return false;
    }
    if (s->at < s->len && (s->text[s->at] | 0x20) == 'e') {
        s->at++;
        if (s->at < s->len && (s->text[s->at] == '+' || s->text[s->at] == '-'))
            s->at++;
        if (!scan_digits(s, "exponent"))
            return false;
    }
    return check_value(s, start);
}
