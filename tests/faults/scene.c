#include "scene.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

void give_up(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("torture: error: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(6);
}

const char *textf(const char *format, ...) {
    static char text[8][4096];
    static size_t turn;
    char *t = text[turn++ % 8];
    va_list args;
    va_start(args, format);
    vsnprintf(t, sizeof text[0], format, args);
    va_end(args);
    return t;
}

/* ---- files ---- */

struct content file_content(const char *path) {
    struct content c = {0};
    FILE *file = fopen(path, "rb");
    if (!file)
        return c;
    size_t room = 1 << 16, got;
    c.bytes = malloc(room + 1);
    while (c.bytes && (got = fread(c.bytes + c.len, 1, room - c.len, file)) > 0)
        if ((c.len += got) == room)
            c.bytes = realloc(c.bytes, (room *= 2) + 1);
    fclose(file);
    if (!c.bytes)
        give_up("%s: no memory for it", path);
    c.bytes[c.len] = '\0';
    return c;
}

void content_release(struct content *content) {
    free(content->bytes);
    *content = (struct content){0};
}

bool content_same(const struct content *a, const struct content *b) {
    return a->len == b->len && content_begins(a, b);
}

bool content_begins(const struct content *a, const struct content *b) {
    return !a->bytes == !b->bytes && a->len <= b->len &&
           (a->len == 0 || memcmp(a->bytes, b->bytes, a->len) == 0);
}

static void write_content(const char *path, const void *bytes, size_t len) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, len, file) != len || fclose(file) != 0)
        give_up("%s: cannot write: %s", path, strerror(errno));
}

/* What begins a value that differs, and what ends it. */
static const struct {
    const char *begin, *end;
} volatiles[] = {
    {"\"seconds\": {", "}"},          {"\"seconds\": ", ",\n}"}, {"\"samples_per_second\": ", ",\n}"},
    {"\"peak_rss_bytes\": ", ",\n}"}, {"\nseconds ", "\n"},      {"time=\"", "\""},
    {"\"threads\": ", ",\n}"},        {"\"isa\": ", ",\n}"},
};

static void settle_one(struct content *c, const char *begin, const char *end) {
    size_t len = strlen(begin);
    for (char *at = c->bytes; (at = memmem(at, c->len - (size_t)(at - c->bytes), begin, len));) {
        at += len;
        size_t width = strcspn(at, end);
        memmove(at, at + width, c->len - (size_t)(at + width - c->bytes) + 1);
        c->len -= width;
    }
}

void content_settle(struct content *content) {
    for (size_t i = 0; content->bytes && i < sizeof volatiles / sizeof volatiles[0]; i++)
        settle_one(content, volatiles[i].begin, volatiles[i].end);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *absolute_path(const char *path) {
    char *whole = realpath(path, NULL);
    if (!whole)
        give_up("%s: %s", path, strerror(errno));
    return whole;
}

struct listing folder_list(const char *path) {
    struct listing l = {0};
    DIR *dir = opendir(path);
    if (!dir)
        return l;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        l.name = realloc(l.name, (l.count + 1) * sizeof *l.name);
        if (!l.name || !(l.name[l.count++] = strdup(entry->d_name)))
            give_up("%s: no memory for its names", path);
    }
    closedir(dir);
    if (l.count)
        qsort(l.name, l.count, sizeof *l.name, compare_names);
    return l;
}

bool listing_has(const struct listing *listing, const char *name) {
    for (size_t i = 0; i < listing->count; i++)
        if (strcmp(listing->name[i], name) == 0)
            return true;
    return false;
}

void listing_release(struct listing *listing) {
    for (size_t i = 0; i < listing->count; i++)
        free(listing->name[i]);
    free(listing->name);
    *listing = (struct listing){0};
}

void folder_remove(const char *path) {
    struct listing l = folder_list(path);
    for (size_t i = 0; i < l.count; i++) {
        char inside[4096];
        snprintf(inside, sizeof inside, "%s/%s", path, l.name[i]);
        if (unlink(inside) != 0 && (errno == EISDIR || errno == EPERM))
            folder_remove(inside);
    }
    listing_release(&l);
    rmdir(path);
}

void folder_copy(const char *from, const char *to) {
    struct listing l = folder_list(from);
    mkdir(to, 0777);
    for (size_t i = 0; i < l.count; i++) {
        char old[4096], copy[4096];
        snprintf(old, sizeof old, "%s/%s", from, l.name[i]);
        snprintf(copy, sizeof copy, "%s/%s", to, l.name[i]);
        struct content c = file_content(old);
        write_content(copy, c.bytes, c.len);
        content_release(&c);
    }
    listing_release(&l);
}

/* ---- the scene ---- */

enum { SIDE = 6, PIXELS = SIDE * SIDE, CLASSES = 3 };

static void put_word(gzFile file, uint32_t word) {
    const unsigned char bytes[4] = {(unsigned char)(word >> 24), (unsigned char)(word >> 16),
                                    (unsigned char)(word >> 8), (unsigned char)word};
    gzwrite(file, bytes, sizeof bytes);
}

/* Images of one bright block a class and some noise. mode: gzip's, "wT" for none. */
static void write_pair(const char *part, uint32_t rows, const char *mode, const char *suffix) {
    gzFile images = gzopen(textf("data/%s-images-idx3-ubyte%s", part, suffix), mode);
    gzFile labels = gzopen(textf("data/%s-labels-idx1-ubyte%s", part, suffix), mode);
    if (!images || !labels)
        give_up("data: cannot write: %s", strerror(errno));
    put_word(images, 0x803), put_word(images, rows), put_word(images, SIDE), put_word(images, SIDE);
    put_word(labels, 0x801), put_word(labels, rows);
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t class = i * 7 % CLASSES;
        gzputc(labels, (int)class);
        for (uint32_t p = 0; p < PIXELS; p++)
            gzputc(images, (int)((p / SIDE / 2 == class ? 150 : 0) + (i * 31 + p * 17 + i * p) % 90));
    }
    if (gzclose(images) != Z_OK || gzclose(labels) != Z_OK)
        give_up("data: cannot write");
}

static const char config[] =
    "{ // as small as can be\n"
    "  \"data\": {\"root\": \"data\",\n"
    "    \"train\": {\"images\": \"train-images-idx3-ubyte.gz\", \"labels\": "
    "\"train-labels-idx1-ubyte.gz\"},\n"
    "    \"test\": {\"images\": \"t10k-images-idx3-ubyte\", \"labels\": \"t10k-labels-idx1-ubyte\"},\n"
    "    \"validation\": {\"fraction\": 0.25}, \"scale\": \"standardize\"},\n"
    "  \"model\": {\"layers\": [{\"units\": 4, \"dropout\": 0.1}]},\n"
    "  \"optimizer\": {\"kind\": \"adam\", \"lr\": 0.01},\n"
    "  \"train\": {\"epochs\": 2, \"batch_size\": 16, \"calibrate\": true, \"early_stopping\": "
    "{\"patience\": 3}}\n"
    "}\n";

static const char table_config[] =
    "{\"data\": {\"root\": \"data\", \"train\": {\"file\": \"table.csv.gz\", \"label\": \"kind\", "
    "\"ignore\": \"id\"},\n"
    "    \"test\": {\"file\": \"table.csv\"}, \"validation\": {\"fraction\": 0.25}, \"scale\": "
    "\"standardize_features\"},\n"
    "  \"model\": {\"layers\": [{\"units\": 4}]}, \"train\": {\"epochs\": 2, \"batch_size\": 16}}\n";

static void write_table(const char *path, const char *mode) {
    static const char *const kinds[] = {"round", "\"long, thin\"", "flat"};
    gzFile file = gzopen(path, mode);
    if (!file)
        give_up("%s: cannot write: %s", path, strerror(errno));
    gzprintf(file, "id,width,height,kind\n");
    for (unsigned i = 0; i < 40; i++)
        gzprintf(file, "F%u,%u.%u,%u,%s\n", i, i % CLASSES * 3 + 1, i * 7 % 10, i % 5, kinds[i % CLASSES]);
    if (gzclose(file) != Z_OK)
        give_up("%s: cannot write", path);
}

static char scene[4096];

const char *scene_make(void) {
    const char *tmp = getenv("TMPDIR");
    const char *parents[] = {tmp && *tmp ? tmp : "/dev/shm", "/tmp"};
    for (size_t i = 0; i < 2 && !scene[0]; i++) {
        snprintf(scene, sizeof scene, "%s/dltrain-torture-XXXXXX", parents[i]);
        if (!mkdtemp(scene))
            scene[0] = '\0';
    }
    if (!scene[0] || chdir(scene) != 0 || mkdir("data", 0777) != 0)
        give_up("cannot make a folder to work in: %s", strerror(errno));
    write_pair("train", 48, "wb", ".gz");
    write_pair("t10k", 15, "wT", "");
    write_table("data/table.csv.gz", "wb");
    write_table("data/table.csv", "wT");
    write_content("tiny.json", config, sizeof config - 1);
    write_content("table.json", table_config, sizeof table_config - 1);
    return scene;
}

void scene_remove(void) {
    if (chdir("/") == 0)
        folder_remove(scene);
}
