#include "run/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

/* The default parent of run directories. */
static const char runs[] = "runs";

static char *default_path(const char *name, struct err *err) {
    if (name[0] == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        err_set(err, ERR_CONFIG, "name: must be fit for a folder name without --out, got \"%s\"", name);
        return NULL;
    }
    return file_join(runs, name, err);
}

char *folder_path(const char *out, const char *name, struct err *err) {
    return out ? mem_string(out, err) : default_path(name, err);
}

bool folder_has(const struct folder *folder, const char *name, bool *there, struct err *err) {
    char *path = folder_file(folder, name, err);
    bool ok = path && file_look(path, there, err);
    mem_free(path);
    return ok;
}

bool folder_finished(const struct folder *folder, bool *finished, struct err *err) {
    return folder_has(folder, "summary.json", finished, err);
}

/* What --resume could go on with is lost only to who says so. */
static bool refuse_used(const struct folder *folder, enum folder_use use, struct err *err) {
    bool finished, newest, previous;
    if (use != FOLDER_NEW)
        return true;
    if (!folder_finished(folder, &finished, err) || !folder_has(folder, CHECKPOINT, &newest, err) ||
        !folder_has(folder, CHECKPOINT_PREVIOUS, &previous, err))
        return false;
    if (finished)
        return err_set(err, ERR_SYSTEM,
                       "%s: holds a finished run: --force replaces it, --out DIR keeps it and writes "
                       "elsewhere, --resume goes on with it for more epochs",
                       folder->path);
    if (newest || previous)
        return err_set(err, ERR_SYSTEM,
                       "%s: holds a run that was interrupted: --resume goes on with it, --force replaces it, "
                       "--out DIR keeps it and writes elsewhere",
                       folder->path);
    return true;
}

/* *current: whether path still names the open file. Its holder may have removed it between our open and our
 * lock. */
static bool find_current(int fd, const char *path, bool *current, struct err *err) {
    struct stat open_file, named_file;
    bool gone = false;
    if (fstat(fd, &open_file) != 0 || (lstat(path, &named_file) != 0 && !(gone = errno == ENOENT)))
        return err_set(err, ERR_SYSTEM, "%s: cannot look at it: %s", path, strerror(errno));
    *current = !gone && open_file.st_dev == named_file.st_dev && open_file.st_ino == named_file.st_ino;
    return true;
}

/* The lock says "PID HOST". */
static bool refuse_locked(int fd, const char *folder, struct err *err) {
    char holder[128];
    ssize_t len = pread(fd, holder, sizeof holder - 1, 0);
    holder[len > 0 ? len : 0] = '\0';
    size_t digits = strspn(holder, "0123456789");
    char *host = holder + digits + (holder[digits] == ' ');
    host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")] = '\0';
    if (digits == 0)
        return err_set(err, ERR_SYSTEM, "%s: is in use by another process", folder);
    return err_set(err, ERR_SYSTEM, "%s: is in use by process %.*s%s%s", folder, (int)digits, holder,
                   *host ? " on " : "", host);
}

static bool lock_file(int fd, const struct folder *folder, struct err *err) {
    int locked;
    do
        locked = flock(fd, LOCK_EX | LOCK_NB);
    while (locked != 0 && errno == EINTR);
    if (locked != 0 && errno == EWOULDBLOCK)
        return refuse_locked(fd, folder->path, err);
    /* The file stays: who cannot lock cannot tell whether it is another's. */
    return locked == 0 || err_set(err, ERR_SYSTEM, "%s: cannot lock: %s", folder->lock_path, strerror(errno));
}

/* The lock file opened and locked, or -1. The kernel drops the lock when the process ends, however it ends,
 * so a file left behind locks nobody out. */
static int take_lock(const struct folder *folder, struct err *err) {
    for (;;) {
        int fd = open(folder->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        bool current = false;
        if (fd < 0) {
            err_set(err, ERR_SYSTEM, "%s: cannot write: %s", folder->lock_path, strerror(errno));
            return -1;
        }
        bool ok = lock_file(fd, folder, err) && find_current(fd, folder->lock_path, &current, err);
        if (ok && current)
            return fd;
        close(fd);
        if (!ok)
            return -1;
    }
}

/* Who holds the lock, for the message of the second process. */
static bool write_pid(const struct folder *folder, struct err *err) {
    struct text pid = {0};
    char host[65] = "";
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    text_addf(&pid, "%ld %s\n", (long)getpid(), host);
    bool ok = text_ok(&pid, err);
    ssize_t done = ok && ftruncate(folder->lock, 0) == 0 ? pwrite(folder->lock, pid.s, pid.len, 0) : -1;
    if (ok && done < 0)
        ok = err_set(err, ERR_SYSTEM, "%s: cannot write: %s", folder->lock_path, strerror(errno));
    else if (ok && (size_t)done < pid.len)
        ok = err_set(err, ERR_SYSTEM, "%s: cannot write: only %zd of %zu bytes were taken", folder->lock_path,
                     done, pid.len);
    text_release(&pid);
    return ok;
}

/* How many of the folders that path names are missing. */
static bool count_missing(const char *path, size_t *missing, struct err *err) {
    char *copy = mem_string(path, err);
    if (!copy)
        return false;
    *missing = 0;
    for (char *slash = copy; slash && *copy && !file_is_folder(copy); ++*missing)
        if ((slash = strrchr(copy, '/')))
            *slash = '\0';
    mem_free(copy);
    return true;
}

/* A finished run can be looked at where nothing can be written, and so nobody writes. */
static bool lock(struct folder *folder, enum folder_use use, struct err *err) {
    bool finished = false;
    if (use == FOLDER_RESUME && !folder_finished(folder, &finished, err))
        return false;
    if (finished && access(folder->path, W_OK) != 0)
        return true;
    return (folder->lock = take_lock(folder, err)) >= 0 && write_pid(folder, err);
}

bool folder_open(const char *out, const char *name, enum folder_use use, struct folder *folder,
                 struct err *err) {
    struct folder f = {.lock = -1};
    f.path = folder_path(out, name, err);
    if (f.path)
        file_strip_slashes(f.path);
    if (!f.path || !(f.lock_path = folder_file(&f, ".lock", err)))
        goto fail;
    if (!refuse_used(&f, use, err))
        goto fail;
    if (!count_missing(f.path, &f.made, err) || !file_make_folders(f.path, err) || !lock(&f, use, err))
        goto fail;
    /* Again, for a run that ended while we came here. */
    if (!refuse_used(&f, use, err))
        goto fail;
    *folder = f;
    return true;
fail:
    folder_close(&f);
    return false;
}

/* Removes the folders that this process made, the innermost first, as far as they are empty. One that stays
 * stops nothing: "a/." cannot be removed, "a" can. */
static void remove_made(const struct folder *folder) {
    char *path = folder->path;
    for (size_t i = 0; i < folder->made; i++) {
        rmdir(path);
        char *slash = strrchr(path, '/');
        if (slash)
            *slash = '\0';
    }
}

void folder_close(struct folder *folder) {
    if (folder->lock >= 0) {
        unlink(folder->lock_path);
        close(folder->lock);
    }
    if (folder->made)
        remove_made(folder);
    mem_free(folder->path);
    mem_free(folder->lock_path);
    *folder = (struct folder){.lock = -1};
}

static bool remove_file(const struct folder *folder, const char *name, struct err *err) {
    char *path = folder_file(folder, name, err);
    if (!path)
        return false;
    bool ok = unlink(path) == 0 || errno == ENOENT || (file_is_temporary(name) && file_is_folder(path));
    if (!ok)
        err_set(err, ERR_SYSTEM, "%s: cannot remove: %s", path, strerror(errno));
    mem_free(path);
    return ok;
}

static bool remove_files(const struct folder *folder, const char *const *name, struct err *err) {
    for (; *name; name++)
        if (!remove_file(folder, *name, err))
            return false;
    return true;
}

/* What a process that was killed while it wrote has left; nobody else writes here, as we hold the lock. */
static bool remove_temporary(const struct folder *folder, struct err *err) {
    DIR *dir = opendir(folder->path);
    if (!dir)
        return err_set(err, ERR_SYSTEM, "%s: cannot open: %s", folder->path, strerror(errno));
    bool ok = true;
    for (const struct dirent *entry; ok && (entry = readdir(dir));)
        if (file_is_temporary(entry->d_name))
            ok = remove_file(folder, entry->d_name, err);
    closedir(dir);
    return ok;
}

/* The summary first: without it no reader takes the rest for a finished run, and without its checkpoints
 * nobody goes on with it. */
static const char *const written[] = {
    "summary.json",  CHECKPOINT,        CHECKPOINT_PREVIOUS, CHECKPOINT_NEW,        "model.safetensors",
    "metrics.jsonl", "predictions.idx", "weights.idx",       "posthoc.safetensors", NULL};

const char *folder_written(size_t i) {
    return written[i];
}

bool folder_owns(const char *name) {
    for (size_t i = 0; written[i]; i++)
        if (strcmp(written[i], name) == 0)
            return true;
    return strcmp(name, "config.json") == 0;
}

/* What cannot be removed is found before anything is. */
static bool look_before(const struct folder *folder, struct err *err) {
    bool ok = true;
    for (size_t i = 0; written[i] && ok; i++) {
        char *path = folder_file(folder, written[i], err);
        ok = path &&
             (!file_is_folder(path) || err_set(err, ERR_SYSTEM, "%s: cannot remove: it is a folder", path));
        mem_free(path);
    }
    return ok;
}

bool folder_begin(const struct folder *folder, struct err *err) {
    return look_before(folder, err) && remove_temporary(folder, err) && remove_files(folder, written, err) &&
           folder_write(folder, "metrics.jsonl", "", 0, err);
}

bool folder_go_on(const struct folder *folder, bool by_previous, struct err *err) {
    static const char *const ended[] = {"summary.json", "model.safetensors", "predictions.idx",
                                        CHECKPOINT_NEW, NULL};
    return remove_files(folder, ended, err) && remove_temporary(folder, err) &&
           (!by_previous || remove_file(folder, CHECKPOINT, err));
}

bool folder_drop_previous(const struct folder *folder, struct err *err) {
    static const char *const previous[] = {CHECKPOINT_PREVIOUS, NULL};
    return remove_files(folder, previous, err);
}

static bool rename_file(const struct folder *folder, const char *from, const char *to, struct err *err) {
    char *old = folder_file(folder, from, err), *new = old ? folder_file(folder, to, err) : NULL;
    bool ok = new && (rename(old, new) == 0 || errno == ENOENT);
    if (new && !ok)
        err_set(err, ERR_SYSTEM, "%s: cannot rename to %s: %s", old, to, strerror(errno));
    mem_free(old);
    mem_free(new);
    return ok;
}

bool folder_rotate(const struct folder *folder, struct err *err) {
    return rename_file(folder, CHECKPOINT, CHECKPOINT_PREVIOUS, err) &&
           rename_file(folder, CHECKPOINT_NEW, CHECKPOINT, err);
}

char *folder_file(const struct folder *folder, const char *name, struct err *err) {
    return file_join(folder->path, name, err);
}

bool folder_write(const struct folder *folder, const char *name, const void *bytes, size_t len,
                  struct err *err) {
    char *path = folder_file(folder, name, err);
    bool ok = path && file_write(path, bytes, len, err);
    mem_free(path);
    return ok;
}
