/* Runs a fuzz target over files: replay FILE... (a folder stands for its files). Says how many there were. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* The bytes in a block of just their size, so that a sanitizer sees what reads past them. */
static bool run_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    fseek(file, 0, SEEK_END);
    size_t len = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(len ? len : 1);
    bool ok = bytes && fread(bytes, 1, len, file) == len;
    fclose(file);
    if (ok) {
        printf("%s\n", path); /* the last line names the one that ends the process */
        fflush(stdout);
        LLVMFuzzerTestOneInput(bytes, len);
    }
    free(bytes);
    return ok;
}

/* Whether all that is there could be run; counts. */
static bool run_path(const char *path, size_t *count) {
    DIR *dir = opendir(path);
    bool ok = true;
    if (!dir) {
        ++*count;
        return run_file(path);
    }
    for (const struct dirent *entry; ok && (entry = readdir(dir));) {
        char inside[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        ok = run_path(inside, count);
    }
    closedir(dir);
    return ok;
}

int main(int argc, char **argv) {
    size_t count = 0;
    for (int i = 1; i < argc; i++)
        if (!run_path(argv[i], &count)) {
            fprintf(stderr, "%s: cannot be read\n", argv[i]);
            return 2;
        }
    printf("%zu cases\n", count);
    return count ? 0 : 2;
}
