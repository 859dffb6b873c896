#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* ---- reading ---- */

static const char *kind_of_file(mode_t mode) {
    return S_ISDIR(mode) ? "a folder" : S_ISFIFO(mode) ? "a pipe" : S_ISSOCK(mode) ? "a socket" : "a device";
}

bool file_cannot(const char *path, const char *doing, struct err *err) {
    bool machine = errno == ENOMEM || errno == EMFILE || errno == ENFILE || errno == EIO;
    return err_set(err, machine ? ERR_SYSTEM : ERR_DATA, "%s: cannot %s: %s", path, doing, strerror(errno));
}

bool file_open_regular(const char *path, int *fd, struct err *err) {
    /* O_NONBLOCK: a pipe without a writer is refused below, not waited for; O_NOCTTY: no terminal is taken.
     */
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (opened < 0)
        return file_cannot(path, "open", err);
    struct stat st;
    if (fstat(opened, &st) != 0)
        file_cannot(path, "read", err);
    else if (!S_ISREG(st.st_mode))
        err_set(err, ERR_DATA, "%s: is %s, expected a regular file", path, kind_of_file(st.st_mode));
    else {
        *fd = opened;
        return true;
    }
    close(opened);
    return false;
}

/* The size that the file system tells, refused above max. */
static bool told_size(int fd, const char *path, size_t max, size_t *size, struct err *err) {
    struct stat st;
    if (fstat(fd, &st) != 0)
        return file_cannot(path, "read", err);
    if ((uintmax_t)st.st_size > max)
        return err_set(err, ERR_DATA, "%s: expected at most %zu bytes, found %ju", path, max,
                       (uintmax_t)st.st_size);
    *size = (size_t)st.st_size;
    return true;
}

/* Twice the room for a file that is longer than it said. */
static unsigned char *grown(unsigned char *bytes, size_t len, size_t *room, struct err *err) {
    unsigned char *more = mem_alloc(*room, 2, "the contents", err);
    if (more != NULL) {
        memcpy(more, bytes, len);
        *room *= 2;
    }
    mem_free(bytes);
    return more;
}

/* Reads to the end whatever length fstat told: the file may grow or shrink meanwhile, and /proc tells 0. */
static unsigned char *read_all(int fd, const char *path, size_t size, size_t max, size_t *len,
                               struct err *err) {
    size_t room = size + 2, got = 0; /* one to see the end, one for the NUL */
    unsigned char *bytes = mem_alloc(room, 1, "the contents", err);
    while (bytes != NULL) {
        ssize_t n = read(fd, bytes + got, room - 1 - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            file_cannot(path, "read", err);
            break;
        }
        got += (size_t)n;
        if (got > max) {
            err_set(err, ERR_DATA, "%s: expected at most %zu bytes, found more", path, max);
            break;
        }
        if (n == 0) {
            bytes[got] = '\0';
            *len = got;
            return bytes;
        }
        if (got == room - 1 && (bytes = grown(bytes, got, &room, err)) == NULL)
            break;
    }
    if (bytes == NULL)
        err_prefix(err, "%s", path);
    mem_free(bytes);
    return NULL;
}

bool file_read(const char *path, size_t max, unsigned char **bytes, size_t *len, struct err *err) {
    size_t size = 0, got = 0;
    int fd;
    if (!file_open_regular(path, &fd, err))
        return false;
    unsigned char *all =
        told_size(fd, path, max, &size, err) ? read_all(fd, path, size, max, &got, err) : NULL;
    close(fd);
    if (all == NULL)
        return false;
    *bytes = all;
    *len = got;
    return true;
}

/* ---- writing ---- */

static bool cannot_write(const char *path, const char *doing, int cause, struct err *err) {
    return err_set(err, ERR_SYSTEM, "%s: cannot %s: %s", path, doing, strerror(cause));
}

/* Some file systems know no fsync for folders, or none at all; that is no fault of the data. */
static bool synced(int fd) {
    int rc;
    do
        rc = fsync(fd);
    while (rc != 0 && errno == EINTR);
    return rc == 0 || errno == EINVAL || errno == ENOTSUP || errno == ENOSYS;
}

static bool write_part(int fd, const struct file_part *part) {
    const unsigned char *p = part->bytes;
    size_t left = part->len;
    while (left > 0) {
        ssize_t n = write(fd, p, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO; /* no progress, no reason */
        if (n <= 0)
            return false;
        p += n;
        left -= (size_t)n;
    }
    return true;
}

static bool write_parts(int fd, const char *path, const struct file_part *parts, size_t count,
                        struct err *err) {
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += parts[i].len;
    for (size_t i = 0; i < count; i++)
        if (!write_part(fd, &parts[i]))
            return err_set(err, ERR_SYSTEM, "%s: cannot write %zu bytes: %s", path, total, strerror(errno));
    return true;
}

static const char temporary_prefix[] = ".dltrain-", temporary_suffix[] = ".tmp";

bool file_is_temporary(const char *name) {
    size_t len = strlen(name), suffix = sizeof temporary_suffix - 1, prefix = sizeof temporary_prefix - 1;
    return len > prefix + suffix && strncmp(name, temporary_prefix, prefix) == 0 &&
           strcmp(name + len - suffix, temporary_suffix) == 0;
}

/* A new file beside path, its name in *temp. The name says nothing of path's, which may be as long as names
 * get. */
static int open_temporary(const char *path, char **temp, struct err *err) {
    enum { TRIES = 100 };
    char *folder = file_folder(path, err);
    int fd = -1;
    for (int i = 0; folder != NULL && fd < 0 && i < TRIES; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s%ld-%d%s", temporary_prefix, (long)getpid(), i, temporary_suffix);
        mem_free(*temp);
        *temp = file_join(folder, name, err);
        if (*temp == NULL)
            break;
        fd = open(*temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd < 0 && (errno != EEXIST || i == TRIES - 1)) {
            cannot_write(path, "make a temporary file beside it", errno, err);
            break;
        }
    }
    mem_free(folder);
    return fd;
}

/* Makes the renaming last. A folder that may be written but not read cannot be synced. */
static bool sync_folder(const char *path, struct err *err) {
    char *folder = file_folder(path, err);
    if (folder == NULL)
        return false;
    bool ok = true;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 ? errno != EACCES : !synced(fd))
        ok = cannot_write(path, "sync its folder", errno, err);
    if (fd >= 0)
        close(fd);
    mem_free(folder);
    return ok;
}

static bool replace(const char *path, const struct file_part *parts, size_t count, struct err *err) {
    char *temp = NULL;
    int fd = open_temporary(path, &temp, err);
    bool ok = fd >= 0 && write_parts(fd, path, parts, count, err);
    if (ok && !synced(fd))
        ok = cannot_write(path, "sync", errno, err);
    if (fd >= 0 && close(fd) != 0 && ok)
        ok = cannot_write(path, "close", errno, err);
    if (ok && rename(temp, path) != 0)
        ok = cannot_write(path, "replace it", errno, err);
    if (fd >= 0 && !ok)
        unlink(temp);
    mem_free(temp);
    return ok && sync_folder(path, err);
}

/* A device or pipe (/dev/stdout, /dev/null) is no file to be replaced: it takes the bytes. */
static bool write_through(const char *path, const struct file_part *parts, size_t count, struct err *err) {
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return cannot_write(path, "open", errno, err);
    bool ok = write_parts(fd, path, parts, count, err);
    if (close(fd) != 0 && ok)
        ok = cannot_write(path, "close", errno, err);
    return ok;
}

/* The link's text as a path, seen from the link's folder. */
static char *link_target(const char *path, struct err *err) {
    char target[4096];
    ssize_t len = readlink(path, target, sizeof target - 1);
    if (len < 0) {
        cannot_write(path, "follow the symbolic link", errno, err);
        return NULL;
    }
    target[len] = '\0';
    char *folder = file_folder(path, err);
    char *whole = folder != NULL ? file_join(folder, target, err) : NULL;
    mem_free(folder);
    return whole;
}

/* The file that path names once symbolic links at its end are followed, whether it exists or not. */
static char *followed(const char *path, struct err *err) {
    enum { LINKS = 40 };
    char *at = mem_string(path, err);
    for (int i = 0; at != NULL; i++) {
        struct stat st;
        if (lstat(at, &st) != 0 || !S_ISLNK(st.st_mode))
            return at;
        char *next = NULL;
        if (i < LINKS)
            next = link_target(at, err);
        else
            cannot_write(path, "follow the symbolic link", ELOOP, err);
        mem_free(at);
        at = next;
    }
    return NULL;
}

bool file_write_parts(const char *path, const struct file_part *parts, size_t count, struct err *err) {
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return err_set(err, ERR_SYSTEM, "%s: is a folder, cannot be replaced by a file", path);
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return write_through(path, parts, count, err);
    char *target = followed(path, err);
    bool ok = target != NULL && replace(target, parts, count, err);
    mem_free(target);
    return ok;
}

bool file_write(const char *path, const void *bytes, size_t len, struct err *err) {
    struct file_part part = {bytes, len};
    return file_write_parts(path, &part, 1, err);
}
