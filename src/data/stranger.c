#include "data/stranger.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *start;
    const char *what;
} strangers[] = {
    {"<", "a web page"},
    {"version https://", "a Git LFS pointer"},
    {"PK\003\004", "a zip archive"},
    {"\x1F\x8B", "a gzip file"},
    {"BZh", "a bzip2 file"},
    {"\xFD"
     "7zXZ",
     "an xz file"},
    {"\x28\xB5\x2F\xFD", "a zstd file"},
    {"\x93NUMPY", "a NumPy array"},
    {"\x80\002", "a Python pickle"},
    {"\x80\003", "a Python pickle"},
    {"\x80\004", "a Python pickle"},
    {"\x80\005", "a Python pickle"},
    {"\x89HDF", "an HDF5 file"},
    {"\x89PNG", "a PNG image"},
};

const char *stranger_kind(const unsigned char *start, size_t count) {
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        size_t len = strlen(strangers[i].start);
        if (count >= len && memcmp(start, strangers[i].start, len) == 0)
            return strangers[i].what;
    }
    return NULL;
}

const char *stranger_show(const unsigned char *start, size_t count, char text[STRANGER_TEXT]) {
    char *p = text;
    *p++ = '"';
    for (size_t i = 0; i < count && i < STRANGER_BYTES; i++) {
        bool plain = start[i] >= ' ' && start[i] < 0x7F && start[i] != '"' && start[i] != '\\';
        p += plain ? sprintf(p, "%c", start[i]) : sprintf(p, "\\x%02x", (unsigned)start[i]);
    }
    *p++ = '"';
    *p = '\0';
    return text;
}
