#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The size of err->text. */
enum { ROOM = sizeof(((struct err *)0)->text) };

/* Removes a UTF-8 character that the cut at the end of s has split. */
static void trim_split_character(char *s, size_t len) {
    size_t start = len;
    while (start > 0 && len - start < 3 && ((unsigned char)s[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)s[start - 1];
    size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (len - (start - 1) < wanted)
        s[start - 1] = '\0';
}

/* File names and config strings may hold newlines and terminal escapes; a message is one harmless line. */
static void blank_controls(char *s) {
    for (; *s != '\0'; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7F)
            *s = '?';
}

static void PRINTF_LIKE(2, 0) format_text(char buf[ROOM], const char *format, va_list args) {
    int wanted = vsnprintf(buf, ROOM, format, args);
    if (wanted < 0)
        snprintf(buf, ROOM, "an error whose message could not be formatted");
    else if (wanted >= ROOM)
        trim_split_character(buf, ROOM - 1);
    blank_controls(buf);
}

bool err_set(struct err *err, enum err_kind kind, const char *format, ...) {
    char buf[ROOM]; /* the arguments may point into err->text */
    va_list args;
    va_start(args, format);
    format_text(buf, format, args);
    va_end(args);
    memcpy(err->text, buf, sizeof buf);
    err->kind = kind;
    return false;
}

bool err_prefix(struct err *err, const char *format, ...) {
    char context[ROOM];
    va_list args;
    va_start(args, format);
    format_text(context, format, args);
    va_end(args);
    return err_set(err, err->kind, "%s: %s", context, err->text);
}
