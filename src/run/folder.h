/* The run directory: where it is, whether it may be written to, and that one process at a time does so. A run
 * is finished when its summary.json exists. */
#ifndef RUN_FOLDER_H
#define RUN_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct folder {
    char *path;      /* owned */
    char *lock_path; /* owned */
    int lock;        /* the locked file, -1: none */
    size_t made;     /* how many folders of the path this process made */
};

/* Makes the folder `out` (NULL: runs/NAME under the working directory) where it is missing and locks it.
 * ERR_SYSTEM where it holds a finished run and force is not set, where another process works in it, and where
 * it cannot be written; ERR_CONFIG where NAME cannot name a folder. On success the caller closes it. */
bool folder_open(const char *out, const char *name, bool force, struct folder *folder,
                 struct err *err) MUST_CHECK;

/* Unlocks. Folders that this process made are removed again if they are still empty. */
void folder_close(struct folder *folder);

/* Removes the files of an earlier run, finished or killed, so that files of two runs never stand side by
 * side, and begins metrics.jsonl, empty. */
bool folder_begin(const struct folder *folder, struct err *err) MUST_CHECK;

/* The path of a file of the folder. Release with mem_free. */
char *folder_file(const struct folder *folder, const char *name, struct err *err) MUST_CHECK;

/* Replaces a file of the folder. */
bool folder_write(const struct folder *folder, const char *name, const void *bytes, size_t len,
                  struct err *err) MUST_CHECK;

#endif
