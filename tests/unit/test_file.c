/* Whole files in and out, paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

static char folder[4096];

/* folder + "/" + name; four at a time. */
static const char *in_folder(const char *name) {
    static char paths[4][4500];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state) {
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/test_file.XXXXXX", tmp != NULL && tmp[0] != '\0' ? tmp : "/tmp");
    return mkdtemp(folder) == NULL;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static int remove_folder(void **state) {
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static size_t entries(void) {
    size_t count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count - 2;
}

static void holds(const char *path, const void *bytes, size_t len) {
    unsigned char *found;
    size_t found_len;
    struct err err = {0};
    assert_true(file_read(path, 1 << 20, &found, &found_len, &err));
    assert_int_equal(found_len, len);
    assert_memory_equal(found, bytes, len);
    assert_int_equal(found[len], 0);
    mem_free(found);
}

static void refused_read(const char *path, size_t max, const char *why) {
    unsigned char *bytes = NULL;
    size_t len = 99;
    struct err err = {0};
    assert_false(file_read(path, max, &bytes, &len, &err));
    assert_int_equal(err.kind, ERR_DATA);
    assert_memory_equal(err.text, path, strlen(path));
    assert_string_equal(err.text + strlen(path), why);
    assert_null(bytes);
    assert_int_equal(len, 99);
}

static void write_then_read(void **state) {
    (void)state;
    struct err err = {0};
    static const size_t sizes[] = {0, 1, 4096, 100003};
    char *bytes = mem_alloc(100003, 1, "a test", &err);
    for (size_t i = 0; i < 100003; i++)
        bytes[i] = (char)(i * 7);
    for (size_t i = 0; i < 4; i++) {
        assert_true(file_write(in_folder("a"), bytes, sizes[i], &err));
        holds(in_folder("a"), bytes, sizes[i]);
    }
    mem_free(bytes);
    assert_int_equal(entries(), 1);
    assert_int_equal(err.kind, ERR_NONE);
}

static void parts_are_joined(void **state) {
    (void)state;
    struct err err = {0};
    const struct file_part parts[] = {{"ab", 2}, {NULL, 0}, {"cde", 3}};
    assert_true(file_write_parts(in_folder("parts"), parts, 3, &err));
    holds(in_folder("parts"), "abcde", 5);
}

static void modes_follow_the_umask(void **state) {
    (void)state;
    struct err err = {0};
    struct stat st;
    mode_t before = umask(027);
    assert_true(file_write(in_folder("mode"), "x", 1, &err));
    umask(before);
    assert_int_equal(stat(in_folder("mode"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

static void reading_refuses(void **state) {
    (void)state;
    struct err err = {0};
    refused_read(in_folder("missing"), 10, ": cannot open: No such file or directory");
    refused_read(folder, 10, ": is a folder, expected a regular file");
    refused_read("/dev/zero", 10, ": is a device, expected a regular file");
    assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
    refused_read(in_folder("fifo"), 10, ": is a pipe, expected a regular file");
    assert_true(file_write(in_folder("eleven"), "12345678901", 11, &err));
    refused_read(in_folder("eleven"), 10, ": expected at most 10 bytes, found 11");
    holds(in_folder("eleven"), "12345678901", 11);
}

/* Files under /proc say that they hold 0 bytes. */
static void reading_does_not_trust_the_size(void **state) {
    (void)state;
    unsigned char *bytes;
    size_t len;
    struct err err = {0};
    if (!file_exists("/proc/self/status"))
        skip();
    assert_true(file_read("/proc/self/status", 1 << 20, &bytes, &len, &err));
    assert_true(len > 100);
    assert_int_equal(strlen((char *)bytes), len);
    mem_free(bytes);
    refused_read("/proc/self/status", 50, ": expected at most 50 bytes, found more");
}

static void symbolic_links_stay(void **state) {
    (void)state;
    struct err err = {0};
    struct stat st;
    assert_int_equal(mkdir(in_folder("sub"), 0777), 0);
    assert_int_equal(symlink("sub/target", in_folder("link")), 0);
    assert_int_equal(symlink("link", in_folder("link2")), 0);
    for (int i = 0; i < 2; i++) { /* first the target is missing, then it exists */
        assert_true(file_write(in_folder("link2"), "new", 3, &err));
        assert_int_equal(lstat(in_folder("link2"), &st), 0);
        assert_true(S_ISLNK(st.st_mode));
        holds(in_folder("sub/target"), "new", 3);
    }
    assert_int_equal(symlink("loop", in_folder("loop")), 0);
    assert_false(file_write(in_folder("loop"), "x", 1, &err));
    assert_non_null(strstr(err.text, strerror(ELOOP)));
}

static void refused_write(const char *path, const char *why) {
    struct err err = {0};
    assert_false(file_write(path, "new contents", 12, &err));
    assert_int_equal(err.kind, ERR_SYSTEM);
    assert_memory_equal(err.text, path, strlen(path));
    assert_string_equal(err.text + strlen(path), why);
}

static void writing_refuses(void **state) {
    (void)state;
    refused_write(in_folder("none/x"), ": cannot make a temporary file beside it: No such file or directory");
    refused_write(folder, ": is a folder, cannot be replaced by a file");
    if (file_exists("/dev/full"))
        refused_write("/dev/full", ": cannot write 12 bytes: No space left on device");
}

/* A file that may not grow beyond four bytes: the write stops half-way, the old file stays, nothing is
 * left. */
static void a_failed_write_leaves_the_old_file(void **state) {
    (void)state;
    struct err err = {0};
    struct rlimit before, small;
    assert_true(file_write(in_folder("old"), "old contents", 12, &err));
    size_t count = entries();
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool written = file_write(in_folder("old"), "new contents", 12, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    assert_false(written);
    assert_int_equal(err.kind, ERR_SYSTEM);
    assert_non_null(strstr(err.text, "cannot write 12 bytes: File too large"));
    holds(in_folder("old"), "old contents", 12);
    assert_int_equal(entries(), count);
}

/* A temporary file that a killed process of the same number has left is not touched. */
static void a_left_temporary_file_is_passed_over(void **state) {
    (void)state;
    struct err err = {0};
    char name[64];
    snprintf(name, sizeof name, ".dltrain-%ld-0.tmp", (long)getpid());
    FILE *f = fopen(in_folder(name), "w");
    assert_non_null(f);
    fclose(f);
    assert_true(file_write(in_folder("a"), "second", 6, &err));
    holds(in_folder("a"), "second", 6);
    holds(in_folder(name), "", 0);
}

static void the_longest_name_can_be_written(void **state) {
    (void)state;
    struct err err = {0};
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    assert_true(file_write(in_folder(name), "x", 1, &err));
    holds(in_folder(name), "x", 1);
}

static void folders_are_made(void **state) {
    (void)state;
    struct err err = {0};
    assert_true(file_make_folders(in_folder("x//y/z/"), &err));
    assert_true(file_is_folder(in_folder("x/y/z")));
    assert_true(file_make_folders(in_folder("x/y/z"), &err));
    assert_true(file_write(in_folder("x/file"), "x", 1, &err));
    assert_false(file_is_folder(in_folder("x/file")));
    assert_true(file_exists(in_folder("x/file")));
    assert_false(file_exists(in_folder("x/none")));
    assert_false(file_make_folders(in_folder("x/file"), &err));
    assert_non_null(strstr(err.text, "x/file: exists and is not a folder"));
    assert_int_equal(err.kind, ERR_SYSTEM);
    assert_false(file_make_folders(in_folder("x/file/deeper"), &err));
}

static void paths_are_joined(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"},   {".", "b", "b"},
        {"a", "/b", "/b"}, {NULL, "b", "b"},   {"/", "b", "/b"}, {"../a", "b/c", "../a/b/c"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = {0};
        char *joined = file_join(cases[i][0], cases[i][1], &err);
        assert_string_equal(joined, cases[i][2]);
        mem_free(joined);
    }
}

/* As dirname of POSIX. */
static void folder_parts(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"a/b", "a"}, {"b", "."},    {"", "."},     {"/", "/"},         {"//", "/"},
        {"/a", "/"},  {"a/b/", "a"}, {"a//b", "a"}, {"/a/b/c", "/a/b"}, {"a/", "."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = {0};
        char *part = file_folder(cases[i][0], &err);
        assert_string_equal(part, cases[i][1]);
        mem_free(part);
    }
}

static void absolute_paths(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"/a/b", "/a/b"},     {"/a/./b//c/", "/a/b/c"}, {"/a/../b", "/b"},
        {"/..", "/"},         {"/a/b/../../..", "/"},   {"/", "/"},
        {"/a/...", "/a/..."}, {"/a/..b", "/a/..b"},
    };
    struct err err = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = file_absolute(cases[i][0], &err);
        assert_string_equal(path, cases[i][1]);
        mem_free(path);
    }
    char cwd[4096], expected[4200];
    assert_non_null(getcwd(cwd, sizeof cwd));
    snprintf(expected, sizeof expected, "%s/y", strcmp(cwd, "/") == 0 ? "" : cwd);
    char *path = file_absolute("x/../y/.", &err);
    assert_string_equal(path, expected);
    mem_free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_then_read),
        cmocka_unit_test(parts_are_joined),
        cmocka_unit_test(modes_follow_the_umask),
        cmocka_unit_test(reading_refuses),
        cmocka_unit_test(reading_does_not_trust_the_size),
        cmocka_unit_test(symbolic_links_stay),
        cmocka_unit_test(writing_refuses),
        cmocka_unit_test(a_failed_write_leaves_the_old_file),
        cmocka_unit_test(a_left_temporary_file_is_passed_over),
        cmocka_unit_test(the_longest_name_can_be_written),
        cmocka_unit_test(folders_are_made),
        cmocka_unit_test(paths_are_joined),
        cmocka_unit_test(folder_parts),
        cmocka_unit_test(absolute_paths),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
