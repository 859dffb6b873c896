#include "store/picture.h"

#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/text.h"
#include "store/png.h"

static bool pgm_print(const struct picture *p, struct text *out, struct err *err) {
    text_addf(out, "P5\n%zu %zu\n255\n", p->width, p->height);
    text_add_bytes(out, p->pixels, p->width * p->height);
    return text_ok(out, err);
}

static const struct {
    const char *extension;
    bool (*print)(const struct picture *picture, struct text *out, struct err *err);
} formats[] = {{".png", png_print}, {".pgm", pgm_print}};

enum { FORMATS = sizeof formats / sizeof *formats };

/* The row of formats that the name asks for, FORMATS if none. */
static size_t format_of(const char *path) {
    const char *dot = strrchr(path, '.');
    size_t i = 0;
    while (i < FORMATS && !(dot && strcasecmp(dot, formats[i].extension) == 0))
        i++;
    return i;
}

bool picture_named(const char *path, struct err *err) {
    return format_of(path) < FORMATS ||
           err_set(err, ERR_USAGE, "%s: expected a name that ends in .png or .pgm", path);
}

bool picture_write(const char *path, const struct picture *picture, struct err *err) {
    struct text text = {0};
    bool ok = picture_named(path, err) && formats[format_of(path)].print(picture, &text, err) &&
              file_write(path, text.s, text.len, err);
    text_release(&text);
    return ok;
}
