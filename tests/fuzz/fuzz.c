#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/scratch.h"

volatile unsigned fuzz_sink;

void fuzz_failed(const char *condition, const char *file, int line) {
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

const char *fuzz_file(int slot, const void *bytes, size_t len) {
    static struct {
        int fd; /* 0: none yet */
        char path[64];
    } slots[FUZZ_SLOTS];
    if (slots[slot].fd == 0) {
        slots[slot].fd = memfd_create("fuzz", MFD_CLOEXEC);
        MUST(slots[slot].fd > 0);
        snprintf(slots[slot].path, sizeof slots[slot].path, "/proc/self/fd/%d", slots[slot].fd);
    }
    MUST(ftruncate(slots[slot].fd, (off_t)len) == 0);
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(slots[slot].fd, (const char *)bytes + done, len - done, (off_t)done);
        MUST(n > 0);
        done += (size_t)n;
    }
    return slots[slot].path;
}

static struct scratch own_folder;

static void remove_folder(void) {
    scratch_remove(&own_folder);
}

const char *fuzz_path(const char *name) {
    static char path[4][512];
    static size_t turn;
    struct err err = {0};
    if (!own_folder.path) {
        MUST(scratch_make(&own_folder, &err));
        MUST(atexit(remove_folder) == 0);
    }
    char *p = path[turn++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", own_folder.path, name);
    return p;
}

void fuzz_check_error(const struct err *err, enum err_kind kind) {
    MUST(err->kind == kind || err->kind == ERR_SYSTEM);
    MUST(err->text[0] != '\0' && strlen(err->text) < sizeof err->text);
    for (const char *c = err->text; *c; c++)
        MUST((unsigned char)*c >= ' ' && *c != 0x7F);
}
