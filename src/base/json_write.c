#include <assert.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

/* ---- numbers ---- */

/* printf writes the locale's decimal point; JSON's is a dot. */
static void put_dot(char *buf) {
    const char *point = localeconv()->decimal_point;
    char *found = strcmp(point, ".") == 0 ? NULL : strstr(buf, point);
    if (found == NULL)
        return;
    size_t len = strlen(point);
    *found = '.';
    memmove(found + 1, found + len, strlen(found + len) + 1);
}

static const char *special_number(double value) {
    return isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

/* 17 significant digits tell any two doubles apart, 9 any two floats. */
const char *json_format_number(double value, char *buf) {
    enum { BUF = 32 };
    if (!isfinite(value))
        return strcpy(buf, special_number(value));
    for (int digits = 15; digits <= 17; digits++) {
        if (snprintf(buf, BUF, "%.*g", digits, value) < BUF && strtod(buf, NULL) == value)
            break;
    }
    put_dot(buf);
    return buf;
}

static const char *format_float(float value, char *buf) {
    enum { BUF = 32 };
    if (!isfinite(value))
        return strcpy(buf, special_number((double)value));
    for (int digits = 6; digits <= 9; digits++) {
        if (snprintf(buf, BUF, "%.*g", digits, (double)value) < BUF && strtof(buf, NULL) == value)
            break;
    }
    put_dot(buf);
    return buf;
}

/* ---- structure ---- */

static void new_line(struct json_writer *w) {
    if (w->indent > 0 && w->flat == 0)
        text_addf(w->out, "\n%*s", w->indent * w->depth, "");
}

/* Stands in front of every key and every value. */
static void separate(struct json_writer *w) {
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->need_comma)
        text_add(w->out, w->indent > 0 && w->flat == 0 ? "," : ", ");
    if (w->depth > 0)
        new_line(w);
}

static void add_plain(struct json_writer *w, const char *s) {
    separate(w);
    text_add(w->out, s);
    w->need_comma = true;
}

static void begin(struct json_writer *w, const char *bracket) {
    separate(w);
    text_add(w->out, bracket);
    w->depth++;
    w->need_comma = false;
}

static void end(struct json_writer *w, const char *bracket) {
    assert(w->depth > 0);
    w->depth--;
    if (w->need_comma)
        new_line(w);
    text_add(w->out, bracket);
    if (w->depth < 64)
        w->flat &= ~(1ULL << w->depth);
    w->need_comma = true;
}

void json_begin_object(struct json_writer *w) {
    begin(w, "{");
}

void json_end_object(struct json_writer *w) {
    end(w, "}");
}

void json_begin_array(struct json_writer *w) {
    begin(w, "[");
}

void json_begin_flat_array(struct json_writer *w) {
    begin(w, "[");
    assert(w->depth <= 64);
    w->flat |= 1ULL << (w->depth - 1);
}

void json_end_array(struct json_writer *w) {
    end(w, "]");
}

/* ---- strings ---- */

/* The letter of the short escape of c, or 0. */
static char short_escape(unsigned char c) {
    static const char letters[0x20] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    return c == '"' || c == '\\' ? (char)c : c < 0x20 ? letters[c] : '\0';
}

/* Text that is no UTF-8 (a file name can be anything) would make the whole JSON text invalid. */
static size_t add_character(struct text *out, const unsigned char *p, size_t left) {
    size_t len = utf8_length(p, left);
    if (len == 0) {
        text_add(out, "\xEF\xBF\xBD"); /* U+FFFD */
        return 1;
    }
    if (short_escape(*p) != '\0')
        text_addf(out, "\\%c", short_escape(*p));
    else if (*p < 0x20)
        text_addf(out, "\\u%04x", *p);
    else
        text_add_bytes(out, p, len);
    return len;
}

static void add_quoted(struct text *out, const char *s) {
    size_t left = strlen(s);
    text_add(out, "\"");
    while (left > 0) {
        size_t len = add_character(out, (const unsigned char *)s, left);
        s += len;
        left -= len;
    }
    text_add(out, "\"");
}

void json_key(struct json_writer *w, const char *key) {
    separate(w);
    add_quoted(w->out, key);
    text_add(w->out, ": ");
    w->after_key = true;
}

/* ---- values ---- */

void json_string(struct json_writer *w, const char *s) {
    separate(w);
    add_quoted(w->out, s);
    w->need_comma = true;
}

void json_number(struct json_writer *w, double value) {
    char buf[32];
    json_format_number(value, buf);
    if (isfinite(value))
        add_plain(w, buf);
    else
        json_string(w, buf);
}

void json_float(struct json_writer *w, float value) {
    char buf[32];
    format_float(value, buf);
    if (isfinite(value))
        add_plain(w, buf);
    else
        json_string(w, buf);
}

void json_uint(struct json_writer *w, uint64_t value) {
    separate(w);
    text_addf(w->out, "%llu", (unsigned long long)value);
    w->need_comma = true;
}

void json_bool(struct json_writer *w, bool value) {
    add_plain(w, value ? "true" : "false");
}

void json_null(struct json_writer *w) {
    add_plain(w, "null");
}

void json_put_string(struct json_writer *w, const char *key, const char *value) {
    json_key(w, key);
    json_string(w, value);
}

void json_put_number(struct json_writer *w, const char *key, double value) {
    json_key(w, key);
    json_number(w, value);
}

void json_put_uint(struct json_writer *w, const char *key, uint64_t value) {
    json_key(w, key);
    json_uint(w, value);
}

void json_put_bool(struct json_writer *w, const char *key, bool value) {
    json_key(w, key);
    json_bool(w, value);
}

static void write_children(struct json_writer *w, const cJSON *item) {
    for (const cJSON *child = item->child; child != NULL; child = child->next) {
        if (cJSON_IsObject(item))
            json_key(w, child->string);
        json_tree(w, child);
    }
}

void json_tree(struct json_writer *w, const cJSON *item) {
    if (cJSON_IsObject(item)) {
        json_begin_object(w);
        write_children(w, item);
        json_end_object(w);
    } else if (cJSON_IsArray(item)) {
        json_begin_array(w);
        write_children(w, item);
        json_end_array(w);
    } else if (cJSON_IsString(item))
        json_string(w, item->valuestring);
    else if (cJSON_IsNumber(item))
        json_number(w, item->valuedouble);
    else if (cJSON_IsBool(item))
        json_bool(w, cJSON_IsTrue(item));
    else
        json_null(w);
}

void json_put_numbers(struct json_writer *w, const char *key, const double *values, size_t count) {
    json_key(w, key);
    json_begin_flat_array(w);
    for (size_t i = 0; i < count; i++)
        json_number(w, values[i]);
    json_end_array(w);
}
