#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

/* Table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t utf8_length(const unsigned char *p, size_t left) {
    static const struct {
        unsigned char first, last, second_from, second_to, len;
    } rows[] = {
        {0x00, 0x7F, 0x00, 0x00, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; left > 0 && i < sizeof rows / sizeof rows[0]; i++) {
        if (p[0] < rows[i].first || p[0] > rows[i].last)
            continue;
        size_t len = rows[i].len;
        if (len > left || (len > 1 && (p[1] < rows[i].second_from || p[1] > rows[i].second_to)))
            return 0;
        for (size_t k = 2; k < len; k++)
            if ((p[k] & 0xC0) != 0x80)
                return 0;
        return len;
    }
    return 0;
}

bool utf8_valid(const char *s, size_t len) {
    for (size_t i = 0, step; i < len; i += step)
        if ((step = utf8_length((const unsigned char *)s + i, len - i)) == 0)
            return false;
    return true;
}

const char *utf8_quote(const char *s, size_t len, char text[UTF8_QUOTE]) {
    char *p = text;
    bool valid = utf8_valid(s, len);
    size_t shown = 0;
    *p++ = '"';
    for (size_t step; shown < len && shown < UTF8_SHOWN; shown += step) {
        unsigned char c = (unsigned char)s[shown];
        step = valid ? utf8_length((const unsigned char *)s + shown, len - shown) : 1;
        if (c < ' ' || c == 0x7F || (c >= 0x80 && step == 1))
            p += sprintf(p, "\\x%02x", (unsigned)c);
        else
            p = (char *)memcpy(p, s + shown, step) + step;
    }
    strcpy(p, shown < len ? "...\"" : "\"");
    return text;
}
