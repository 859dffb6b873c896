#include "base/scratch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

bool scratch_make(struct scratch *scratch, struct err *err) {
    const char *wish = getenv("TMPDIR");
    struct scratch s = {.path = file_join(wish && wish[0] ? wish : "/tmp", "dltrain-XXXXXX", err)};
    if (!s.path)
        return false;
    bool made = mkdtemp(s.path) != NULL;
    if (made && (s.open = opendir(s.path))) {
        *scratch = s;
        return true;
    }
    err_set(err, ERR_SYSTEM, "%s: cannot %s: %s", s.path, made ? "open the folder" : "make a folder",
            strerror(errno));
    if (made)
        rmdir(s.path);
    mem_free(s.path);
    return false;
}

/* A folder inside is left alone, as unlinkat does. */
void scratch_remove(struct scratch *s) {
    if (!s->path)
        return;
    rewinddir(s->open);
    for (const struct dirent *entry; (entry = readdir(s->open));)
        unlinkat(dirfd(s->open), entry->d_name, 0);
    closedir(s->open);
    rmdir(s->path);
    mem_free(s->path);
    *s = (struct scratch){0};
}
