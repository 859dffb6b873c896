/* Whole files in, whole files out. Writing is atomic: a temporary file in the same folder (O_EXCL, O_CLOEXEC,
 * mode by umask), write, fsync, rename, fsync of the folder; a reader sees the old file or the new one, and a
 * failure removes the temporary file. Messages start with the path. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>

#include "base/err.h"

/* Opens a regular file for reading, without waiting for a pipe's writer or taking over a terminal. ERR_DATA
 * where it is missing, unreadable or no regular file, ERR_SYSTEM where the machine lacks something. The
 * caller closes *fd. */
bool file_open_regular(const char *path, int *fd, struct err *err) MUST_CHECK;

/* "PATH: cannot DOING: " and what errno says; ERR_SYSTEM where it is the machine that lacks something
 * (descriptors, memory, a disk that answers), ERR_DATA where it is the file. Returns false. */
bool file_cannot(const char *path, const char *doing, struct err *err);

/* Reads the whole regular file (a pipe or device is refused as ERR_DATA). *bytes is NUL-terminated behind
 * *len bytes; the caller releases it with mem_free. A file larger than max bytes is ERR_DATA, and so are
 * missing and unreadable files. */
bool file_read(const char *path, size_t max, unsigned char **bytes, size_t *len, struct err *err) MUST_CHECK;

/* Replaces path atomically by len bytes. ERR_SYSTEM on any failure, the old file untouched. A symbolic link
 * stays: the file it leads to is replaced. A device or pipe cannot be replaced and is written to. */
bool file_write(const char *path, const void *bytes, size_t len, struct err *err) MUST_CHECK;

/* The same for contents in several pieces, which need not be copied together. */
struct file_part {
    const void *bytes;
    size_t len;
};
bool file_write_parts(const char *path, const struct file_part *parts, size_t count,
                      struct err *err) MUST_CHECK;

/* Whether this is the name of a temporary file that file_write makes: one that stays behind when the process
 * is killed. */
bool file_is_temporary(const char *name);

bool file_exists(const char *path);
/* The same where much hangs on it: what cannot be looked at is ERR_SYSTEM, and not missing. */
bool file_look(const char *path, bool *exists, struct err *err) MUST_CHECK;
/* Whether both paths lead to one file that exists. */
bool file_same(const char *a, const char *b);
bool file_is_folder(const char *path);

/* Makes the folder and its parents; an existing folder is fine. ERR_SYSTEM otherwise. */
bool file_make_folders(const char *path, struct err *err) MUST_CHECK;

/* folder + "/" + name, or a copy of name where it is absolute or folder is empty, "." or NULL. Release with
 * mem_free; NULL and ERR_SYSTEM when memory is exhausted. */
char *file_join(const char *folder, const char *name, struct err *err) MUST_CHECK;

/* "a/b/" becomes "a/b", and "/" stays. */
void file_strip_slashes(char *path);

/* The folder part of path ("." where there is none). Release with mem_free. */
char *file_folder(const char *path, struct err *err) MUST_CHECK;

/* path made absolute against the working directory, "." and ".." and doubled slashes folded textually.
 * Release with mem_free. */
char *file_absolute(const char *path, struct err *err) MUST_CHECK;

#endif
