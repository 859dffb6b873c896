/* A library to be preloaded (LD_PRELOAD) under the program as it is shipped: it stands between program and
 * libc, for libcjson and libz as much as for our own code, and lets chosen calls fail. Why not the linker's
 * --wrap: that sees only the objects of one link, and so neither cJSON's nor zlib's calls, and it tests
 * another binary.
 *
 *   DLTRAIN_FAULT=CLASS:N:HOW     the N-th call of the class fails, counted from 1
 *   DLTRAIN_FAULT=CLASS:N+:HOW    that one and every one after it
 *   DLTRAIN_FAULT_REPORT=FILE     written when main returns
 *
 * HOW is an error by its name, "short": half of the bytes, or a signal: KILL, TERM or USR1 comes in front of
 * the call, within a write behind half of its bytes. Calls count from main on; those of the dynamic loader,
 * which makes its tables for a new thread, never fail: class thread stands for them. Descriptor 2 is left
 * alone, as what fails is told there. fsync tells success and does nothing: the sweep makes thousands of
 * runs.
 *
 * The report has a line for each class, "calls CLASS COUNT", and one for each thing that a clean end would
 * not leave: "left block BYTES FILE+OFFSET", "left descriptor NUMBER", "bad close NUMBER". */
#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* glibc's own names: the loader allocates before anything can be looked up. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *p);

/* ---- what is to fail ---- */

enum class { ALLOC, OPEN, READ, WRITE, SYNC, RENAME, CLOSE, THREAD, FOLDER, STAT, LOCK, SIZE, CLASSES };

static const char *const class_name[CLASSES] = {"alloc", "open",   "read",   "write", "sync", "rename",
                                                "close", "thread", "folder", "stat",  "lock", "size"};

static const struct {
    const char *name;
    int number;
} errors[] = {
    {"short", 0},       {"ENOMEM", ENOMEM}, {"EMFILE", EMFILE}, {"EIO", EIO},       {"EINTR", EINTR},
    {"ENOSPC", ENOSPC}, {"EAGAIN", EAGAIN}, {"EACCES", EACCES}, {"ENOLCK", ENOLCK}, {"EDQUOT", EDQUOT},
    {"KILL", -SIGKILL}, {"TERM", -SIGTERM}, {"USR1", -SIGUSR1},
};

static atomic_bool armed; /* main is running */
static atomic_ulong calls[CLASSES];

static struct {
    enum class class;
    unsigned long at; /* 0: nothing fails */
    bool ever;
    int error; /* 0: short; below: a signal */
} fault;

/* Whether this call is to fail; counts it. What a signal is to come in front of does not. */
static bool fails(enum class class) {
    if (!armed)
        return false;
    unsigned long n = atomic_fetch_add(&calls[class], 1) + 1;
    bool hit = fault.at && fault.class == class && (fault.ever ? n >= fault.at : n == fault.at);
    if (hit && fault.error < 0 && class != WRITE) {
        kill(getpid(), -fault.error);
        return false;
    }
    return hit;
}

static void read_fault(const char *text) {
    char class[16] = "", how[16] = "", plus[2] = "";
    unsigned long at = 0;
    if (!text || (sscanf(text, "%15[a-z]:%lu%1[+]:%15s", class, &at, plus, how) != 4 &&
                  sscanf(text, "%15[a-z]:%lu:%15s", class, &at, how) != 3))
        return;
    for (int i = 0; i < CLASSES; i++)
        if (strcmp(class, class_name[i]) == 0)
            fault.class = (enum class)i;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (strcmp(how, errors[i].name) == 0)
            fault.error = errors[i].number;
    fault.ever = plus[0] != '\0';
    fault.at = at;
}

/* ---- what is left ---- */

/* A table of the blocks that are in use: open addressing, and what follows moves up where one is removed. */
enum { ROOM = 1 << 16 };

static struct block {
    void *p;
    size_t size;
    const void *site; /* where it was asked for */
} blocks[ROOM];

static atomic_flag busy = ATOMIC_FLAG_INIT;

static void lock(void) {
    while (atomic_flag_test_and_set(&busy))
        continue;
}

static void unlock(void) {
    atomic_flag_clear(&busy);
}

static size_t home(const void *p) {
    return (size_t)((uintptr_t)p / 16 * 0x9E3779B97F4A7C15u >> 48) % ROOM;
}

static void note_block(void *p, size_t size, const void *site) {
    if (!p || !armed)
        return;
    lock();
    size_t i = home(p);
    while (blocks[i].p)
        i = (i + 1) % ROOM;
    blocks[i] = (struct block){p, size, site};
    unlock();
}

static void forget_block(void *p) {
    if (!p)
        return;
    lock();
    size_t i = home(p);
    while (blocks[i].p && blocks[i].p != p)
        i = (i + 1) % ROOM;
    for (size_t j = i; blocks[i].p;) {
        blocks[i].p = NULL;
        do
            j = (j + 1) % ROOM;
        while (blocks[j].p && (j - home(blocks[j].p)) % ROOM < (j - i) % ROOM);
        if (!blocks[j].p)
            break;
        blocks[i] = blocks[j];
        i = j;
    }
    unlock();
}

enum { DESCRIPTORS = 1024 };

static atomic_bool is_open[DESCRIPTORS];
static atomic_int bad_close = -1;

static int note_descriptor(int fd) {
    if (armed && fd > STDERR_FILENO && fd < DESCRIPTORS)
        is_open[fd] = true;
    return fd;
}

/* ---- memory ---- */

static uintptr_t loader_begin, loader_end;

static void find_loader(void) {
    loader_begin = getauxval(AT_BASE);
    const Elf64_Ehdr *head = (const Elf64_Ehdr *)loader_begin; // NOLINT
    if (!head)
        return;
    const Elf64_Phdr *part = (const Elf64_Phdr *)(loader_begin + head->e_phoff); // NOLINT
    for (size_t i = 0; i < head->e_phnum; i++)
        if (part[i].p_type == PT_LOAD)
            loader_end = loader_begin + part[i].p_vaddr + part[i].p_memsz;
}

/* Whether the loader asks, whose blocks are none of ours. */
static bool is_loader(const void *site) {
    return (uintptr_t)site >= loader_begin && (uintptr_t)site < loader_end;
}

static bool alloc_fails(const void *site) {
    if (is_loader(site) || !fails(ALLOC))
        return false;
    errno = ENOMEM;
    return true;
}

/* A block of the program's; the loader's own are not looked after. */
static void *given(void *p, size_t size, const void *site) {
    if (!is_loader(site))
        note_block(p, size, site);
    return p;
}

#define SITE __builtin_return_address(0)

void *malloc(size_t size) {
    return alloc_fails(SITE) ? NULL : given(__libc_malloc(size), size, SITE);
}

void *calloc(size_t count, size_t size) {
    return alloc_fails(SITE) ? NULL : given(__libc_calloc(count, size), count * size, SITE);
}

void *realloc(void *p, size_t size) {
    if (alloc_fails(SITE))
        return NULL;
    void *q = __libc_realloc(p, size);
    if (q || size == 0)
        forget_block(p);
    return given(q, size, SITE);
}

void *aligned_alloc(size_t align, size_t size) {
    return alloc_fails(SITE) ? NULL : given(__libc_memalign(align, size), size, SITE);
}

int posix_memalign(void **p, size_t align, size_t size) {
    void *q = alloc_fails(SITE) ? NULL : given(__libc_memalign(align, size), size, SITE);
    if (q)
        *p = q;
    return q ? 0 : ENOMEM;
}

void free(void *p) {
    forget_block(p);
    __libc_free(p);
}

/* ---- files ---- */

/* What stands behind us; looked up every time, which is fast enough and needs no care with threads. */
#define REAL(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

/* -1 with errno, as a failing call returns it. */
static int failed(void) {
    errno = fault.error;
    return -1;
}

static mode_t mode_of(int flags, va_list args) {
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return fails(OPEN) ? failed() : note_descriptor(REAL(open)(path, flags, mode));
}

int openat(int folder, const char *path, int flags, ...) {
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return fails(OPEN) ? failed() : note_descriptor(REAL(openat)(folder, path, flags, mode));
}

FILE *fopen(const char *path, const char *mode) {
    return fails(OPEN) ? (failed(), NULL) : REAL(fopen)(path, mode);
}

int close(int fd) {
    bool bad = fails(CLOSE);
    if (armed && fd >= 0 && fd < DESCRIPTORS)
        is_open[fd] = false;
    int rc = REAL(close)(fd); /* Linux closes it whatever it says */
    if (rc != 0 && armed)
        bad_close = fd;
    return bad ? failed() : rc;
}

/* How many of count bytes a call takes that is to fail, or -1 with errno. */
static ssize_t taken(size_t count) {
    return fault.error > 0 || count == 0 ? failed() : (ssize_t)((count + 1) / 2);
}

ssize_t read(int fd, void *bytes, size_t count) {
    ssize_t n = fails(READ) ? taken(count) : (ssize_t)count;
    return n < 0 ? n : REAL(read)(fd, bytes, (size_t)n);
}

ssize_t pread(int fd, void *bytes, size_t count, off_t at) {
    ssize_t n = fails(READ) ? taken(count) : (ssize_t)count;
    return n < 0 ? n : REAL(pread)(fd, bytes, (size_t)n, at);
}

/* Behind a call that took half of its bytes. */
static ssize_t struck(bool bad, ssize_t n) {
    if (bad && fault.error < 0)
        kill(getpid(), -fault.error);
    return n;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    bool bad = fd != STDERR_FILENO && fails(WRITE);
    ssize_t n = bad ? taken(count) : (ssize_t)count;
    return n < 0 ? n : struck(bad, REAL(write)(fd, bytes, (size_t)n));
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    bool bad = fails(WRITE);
    ssize_t n = bad ? taken(count) : (ssize_t)count;
    return n < 0 ? n : struck(bad, REAL(pwrite)(fd, bytes, (size_t)n, at));
}

int fsync(int fd) {
    (void)fd;
    return fails(SYNC) ? failed() : 0;
}

int fdatasync(int fd) {
    return fsync(fd);
}

int rename(const char *from, const char *to) {
    return fails(RENAME) ? failed() : REAL(rename)(from, to);
}

int mkdir(const char *path, mode_t mode) {
    return fails(FOLDER) ? failed() : REAL(mkdir)(path, mode);
}

int rmdir(const char *path) {
    return fails(FOLDER) ? failed() : REAL(rmdir)(path);
}

int unlink(const char *path) {
    return fails(FOLDER) ? failed() : REAL(unlink)(path);
}

DIR *opendir(const char *path) {
    return fails(FOLDER) ? (failed(), NULL) : REAL(opendir)(path);
}

int stat(const char *restrict path, struct stat *restrict st) {
    return fails(STAT) ? failed() : REAL(stat)(path, st);
}

int lstat(const char *restrict path, struct stat *restrict st) {
    return fails(STAT) ? failed() : REAL(lstat)(path, st);
}

int fstat(int fd, struct stat *st) {
    return fails(STAT) ? failed() : REAL(fstat)(fd, st);
}

int flock(int fd, int operation) {
    return fails(LOCK) ? failed() : REAL(flock)(fd, operation);
}

int ftruncate(int fd, off_t size) {
    return fails(SIZE) ? failed() : REAL(ftruncate)(fd, size);
}

/* Returns the error. */
int posix_fallocate(int fd, off_t at, off_t len) {
    return fails(SIZE) ? fault.error : REAL(posix_fallocate)(fd, at, len);
}

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
                   void *(*start)(void *), void *restrict arg) {
    return fails(THREAD) ? fault.error : REAL(pthread_create)(thread, attributes, start, arg);
}

/* ---- the run ---- */

static void report_blocks(int out) {
    for (size_t i = 0; i < ROOM; i++) {
        Dl_info info;
        if (!blocks[i].p)
            continue;
        bool known = dladdr(blocks[i].site, &info) != 0;
        dprintf(out, "left block %zu %s+%#tx\n", blocks[i].size, known ? info.dli_fname : "?",
                (const char *)blocks[i].site - (const char *)(known ? info.dli_fbase : NULL));
    }
}

static void report(void) {
    const char *path = getenv("DLTRAIN_FAULT_REPORT");
    int out = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
    if (out < 0)
        return;
    for (int i = 0; i < CLASSES; i++)
        dprintf(out, "calls %s %lu\n", class_name[i], (unsigned long)calls[i]);
    report_blocks(out);
    for (int i = 0; i < DESCRIPTORS; i++)
        if (is_open[i])
            dprintf(out, "left descriptor %d\n", i);
    if (bad_close >= 0)
        dprintf(out, "bad close %d\n", (int)bad_close);
    close(out);
}

static int (*main_of_program)(int, char **, char **);

static int main_with_faults(int argc, char **argv, char **environment) {
    find_loader();
    read_fault(getenv("DLTRAIN_FAULT"));
    armed = true;
    int status = main_of_program(argc, argv, environment);
    armed = false;
    report();
    return status;
}

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end);
int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end) {
    main_of_program = main;
    return REAL(__libc_start_main)(main_with_faults, argc, argv, init, fini, rtld_fini, stack_end);
}
