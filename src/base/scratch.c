#include "base/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

char *scratch_make(struct err *err) {
    const char *wish = getenv("TMPDIR");
    char *path = file_join(wish && wish[0] ? wish : "/tmp", "dltrain-XXXXXX", err);
    if (!path || mkdtemp(path))
        return path;
    err_set(err, ERR_SYSTEM, "%s: cannot make a folder: %s", path, strerror(errno));
    mem_free(path);
    return NULL;
}

/* A folder inside is left alone, as unlink does. */
void scratch_remove(char *path) {
    DIR *dir = path ? opendir(path) : NULL;
    struct err err;
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        char *file = file_join(path, entry->d_name, &err);
        if (file)
            unlink(file);
        mem_free(file);
    }
    if (dir)
        closedir(dir);
    if (path)
        rmdir(path);
    mem_free(path);
}
