#include "store/png.h"

#include <string.h>
#include <zlib.h>

#include "base/mem.h"

enum { GREYSCALE = 0, BITS = 8, NO_FILTER = 0 };

static void put_word(uint32_t word, uint8_t to[4]) {
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(word >> (24 - 8 * i));
}

/* Length, type, data, and the CRC of type and data. */
static void add_chunk(struct text *out, const char type[4], const uint8_t *data, size_t len) {
    uint8_t word[4];
    uLong crc = crc32(crc32(0, NULL, 0), (const Bytef *)type, 4);
    if (len)
        crc = crc32(crc, data, (uInt)len);
    put_word((uint32_t)len, word);
    text_add_bytes(out, word, 4);
    text_add_bytes(out, type, 4);
    text_add_bytes(out, data, len);
    put_word((uint32_t)crc, word);
    text_add_bytes(out, word, 4);
}

static void add_header(struct text *out, const struct picture *p) {
    uint8_t header[13] = {[8] = BITS, [9] = GREYSCALE}; /* deflate, the only filter method, not interlaced */
    put_word((uint32_t)p->width, header);
    put_word((uint32_t)p->height, header + 4);
    text_add_bytes(out, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(out, "IHDR", header, sizeof header);
}

bool png_print(const struct picture *p, struct text *out, struct err *err) {
    size_t stride = p->width + 1, len = stride * p->height;
    uLongf packed = compressBound(len);
    uint8_t *lines = mem_alloc(len, 1, "a picture", err);
    uint8_t *data = lines ? mem_alloc(packed, 1, "a picture", err) : NULL;
    bool ok = data != NULL;
    for (size_t y = 0; ok && y < p->height; y++) {
        lines[y * stride] = NO_FILTER;
        memcpy(lines + y * stride + 1, p->pixels + y * p->width, p->width);
    }
    if (ok && compress2(data, &packed, lines, len, Z_BEST_COMPRESSION) != Z_OK)
        ok = err_set(err, ERR_SYSTEM, "out of memory: cannot compress a picture of %zu bytes", len);
    if (ok) {
        add_header(out, p);
        add_chunk(out, "IDAT", data, packed);
        add_chunk(out, "IEND", NULL, 0);
    }
    mem_free(lines);
    mem_free(data);
    return ok && text_ok(out, err);
}
