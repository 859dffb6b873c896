#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

void fuzz_check_error(const struct err *err, enum err_kind kind) {
    MUST(err->kind == kind || err->kind == ERR_SYSTEM);
    MUST(err->text[0] != '\0' && strlen(err->text) < sizeof err->text);
    for (const char *c = err->text; *c; c++)
        MUST((unsigned char)*c >= ' ' && *c != 0x7F);
}
