/* Paths as text, and the folders of the file system. */
#include "base/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

bool file_same(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool file_exists(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}

bool file_look(const char *path, bool *exists, struct err *err) {
    struct stat st;
    *exists = stat(path, &st) == 0;
    return *exists || errno == ENOENT || errno == ENOTDIR ||
           err_set(err, ERR_SYSTEM, "%s: cannot look at it: %s", path, strerror(errno));
}

bool file_is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

void file_strip_slashes(char *path) {
    for (size_t len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
        path[len - 1] = '\0';
}

/* One folder whose parent exists. */
static bool make_folder(const char *path, struct err *err) {
    if (mkdir(path, 0777) == 0)
        return true;
    int cause = errno;
    if (file_is_folder(path))
        return true;
    if (cause == EEXIST)
        return err_set(err, ERR_SYSTEM, "%s: exists and is not a folder", path);
    return err_set(err, ERR_SYSTEM, "%s: cannot make the folder: %s", path, strerror(cause));
}

bool file_make_folders(const char *path, struct err *err) {
    char *part = mem_string(path, err);
    if (part == NULL)
        return false;
    bool ok = true;
    for (char *p = part; ok && *p != '\0'; p++) {
        if (*p != '/' || p == part)
            continue;
        *p = '\0';
        ok = make_folder(part, err);
        *p = '/';
    }
    ok = ok && make_folder(part, err);
    mem_free(part);
    return ok;
}

/* Hands over the text's memory, or NULL with err where some of it is missing. */
static char *take(struct text *t, struct err *err) {
    if (text_ok(t, err))
        return t->s;
    text_release(t);
    return NULL;
}

char *file_join(const char *folder, const char *name, struct err *err) {
    struct text path = {0};
    if (folder != NULL && folder[0] != '\0' && strcmp(folder, ".") != 0 && name[0] != '/') {
        text_add(&path, folder);
        if (folder[strlen(folder) - 1] != '/')
            text_add(&path, "/");
    }
    text_add(&path, name);
    return take(&path, err);
}

char *file_folder(const char *path, struct err *err) {
    size_t len = strlen(path);
    while (len > 0 && path[len - 1] == '/')
        len--;
    while (len > 0 && path[len - 1] != '/')
        len--;
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len == 0)
        return mem_string(path[0] == '/' ? "/" : ".", err);
    struct text folder = {0};
    text_add_bytes(&folder, path, len);
    return take(&folder, err);
}

/* Adds the parts of path to an absolute path without a slash at its end ("" is the root). */
static void add_folded(struct text *out, const char *path) {
    while (*path != '\0') {
        size_t len = strcspn(path, "/");
        bool up = len == 2 && memcmp(path, "..", 2) == 0, here = len == 1 && path[0] == '.';
        if (up) {
            while (out->len > 0 && out->s[--out->len] != '/')
                continue;
        } else if (len > 0 && !here) {
            text_add(out, "/");
            text_add_bytes(out, path, len);
        }
        path += len;
        path += strspn(path, "/");
    }
}

char *file_absolute(const char *path, struct err *err) {
    struct text out = {0};
    if (path[0] != '/') {
        char *cwd = getcwd(NULL, 0);
        if (cwd == NULL) {
            err_set(err, ERR_SYSTEM, "%s: cannot tell the working directory: %s", path, strerror(errno));
            return NULL;
        }
        add_folded(&out, cwd);
        free(cwd);
    }
    add_folded(&out, path);
    if (out.len == 0)
        text_add(&out, "/");
    text_add(&out, ""); /* ends it where ".." has shortened it */
    return take(&out, err);
}
