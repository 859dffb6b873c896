/* The run directory: where it is, whether it may be written to, and that one process at a time does so. A run
 * is finished when its summary.json exists. */
#ifndef RUN_FOLDER_H
#define RUN_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* A summary has a confusion matrix and more for every class. */
enum { FOLDER_MAX_SUMMARY = 256 << 20 };

struct folder {
    char *path;      /* owned */
    char *lock_path; /* owned */
    int lock;        /* the locked file, -1: none */
    size_t made;     /* how many folders of the path this process made */
};

/* What the caller means to do with a run that the folder holds. */
enum folder_use {
    FOLDER_NEW,     /* nothing: there must be none, finished or with a checkpoint */
    FOLDER_REPLACE, /* remove it */
    FOLDER_RESUME,  /* go on with it */
};

/* The newest checkpoint, the one before it, and one that has just been written. */
#define CHECKPOINT          "checkpoint.safetensors"
#define CHECKPOINT_PREVIOUS "checkpoint.previous.safetensors"
#define CHECKPOINT_NEW      "checkpoint.new.safetensors"

/* `out`, or where it is NULL runs/NAME; ERR_CONFIG where NAME cannot name a folder. Release with mem_free. */
char *folder_path(const char *out, const char *name, struct err *err) MUST_CHECK;

/* Makes the folder `out` (NULL: runs/NAME under the working directory) where it is missing and locks it (but
 * with FOLDER_RESUME one of a finished run where nothing can be written).
 * ERR_SYSTEM where it holds a run that is not to be used, where another process works in it, and
 * where it cannot be written; ERR_CONFIG where NAME cannot name a folder. On success the caller closes it. */
bool folder_open(const char *out, const char *name, enum folder_use use, struct folder *folder,
                 struct err *err) MUST_CHECK;

/* The names of the files that a run writes, config.json aside; NULL behind the last. Whether this is one of
 * all. */
const char *folder_written(size_t i);
bool folder_owns(const char *name);

/* Whether it holds a file of that name; what cannot be looked at is ERR_SYSTEM. */
bool folder_has(const struct folder *folder, const char *name, bool *there, struct err *err) MUST_CHECK;
/* Whether it holds a finished run. */
bool folder_finished(const struct folder *folder, bool *finished, struct err *err) MUST_CHECK;

/* Unlocks. Folders that this process made are removed again if they are still empty. */
void folder_close(struct folder *folder);

/* Removes the files of an earlier run, finished or killed, so that files of two runs never stand side by
 * side, and begins metrics.jsonl, empty. */
bool folder_begin(const struct folder *folder, struct err *err) MUST_CHECK;
/* For a run that goes on: removes what it wrote at its end, if it had one, and what a killed process left.
 * by_previous: from the previous checkpoint, as the newest is damaged; that goes, too, lest it takes the
 * place of the other one. */
bool folder_go_on(const struct folder *folder, bool by_previous, struct err *err) MUST_CHECK;

/* Gives the new checkpoint the name of the newest one, and that the name of the previous one. At no moment is
 * there none. */
bool folder_rotate(const struct folder *folder, struct err *err) MUST_CHECK;
/* Removes the previous one, when a run ends. */
bool folder_drop_previous(const struct folder *folder, struct err *err) MUST_CHECK;

/* The path of a file of the folder. Release with mem_free. */
char *folder_file(const struct folder *folder, const char *name, struct err *err) MUST_CHECK;

/* Replaces a file of the folder. */
bool folder_write(const struct folder *folder, const char *name, const void *bytes, size_t len,
                  struct err *err) MUST_CHECK;

#endif
