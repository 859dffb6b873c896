/* Kills a training again and again (SIGKILL), at random moments and within the calls that put it on disk,
 * goes on with
 * --resume on other threads and instructions, and holds what comes out in the end against the run that nobody
 * interrupted: the same model, records and summary, bit for bit but for times.
 *
 *   crash --program FILE --shim FILE --data DIR [--kills N] [--seed N] [--keep]
 *
 * DIR has the four files of MNIST's names, gzip, of which a part is taken. The last line is "crash: N kills
 * (N within a write), N findings"; the exit status is 1 where there are findings. */
#include "case.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

static struct {
    const char *program, *shim, *data;
    unsigned long kills;
    uint64_t seed;
    bool keep;
} options = {.kills = 200, .seed = 1};

static unsigned long kills, within, findings;

/* ---- chance ---- */

/* splitmix64 (Steele, Lea and Flood 2014). */
static uint64_t chance(uint64_t below) {
    uint64_t z = options.seed += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (z ^ z >> 31) % below;
}

/* ---- what is trained: everything that a checkpoint must hold ---- */

static const char config[] =
    "{\"data\": {\"root\": \"small\",\n"
    "  \"train\": {\"images\": \"train-images-idx3-ubyte\", \"labels\": \"train-labels-idx1-ubyte\"},\n"
    "  \"test\": {\"images\": \"t10k-images-idx3-ubyte\", \"labels\": \"t10k-labels-idx1-ubyte\"},\n"
    "  \"validation\": {\"fraction\": 0.25}, \"scale\": \"standardize\"},\n"
    " \"model\": {\"input_dropout\": 0.1, \"layers\": [{\"units\": 24, \"dropout\": 0.2}, {\"units\": "
    "12}]},\n"
    " \"optimizer\": {\"kind\": \"adam\", \"lr\": 0.003, \"schedule\": {\"kind\": \"plateau\", \"patience\": "
    "1}},\n"
    " \"augment\": {\"rotate\": 10, \"translate\": 1},\n"
    " \"train\": {\"epochs\": 8, \"batch_size\": 32, \"calibrate\": true, \"early_stopping\": {\"patience\": "
    "2}},\n"
    " \"shift\": {\"kind\": \"label\", \"correct\": \"retrain\", \"force\": true, \"bootstrap\": 20, "
    "\"folds\": 2,\n"
    "  \"discriminator\": {\"epochs\": 2},\n"
    "  \"target\": {\"images\": \"t10k-images-idx3-ubyte\", \"labels\": \"t10k-labels-idx1-ubyte\"}}}\n";

/* The first rows of an IDX file, whose number stands behind the magic. */
static void cut_file(const char *name, size_t head, size_t row, uint32_t rows) {
    size_t len = head + row * rows;
    unsigned char *bytes = malloc(len);
    gzFile from = gzopen(textf("%s/%s.gz", options.data, name), "rb");
    if (!bytes || !from || gzread(from, bytes, (unsigned)len) != (int)len)
        give_up("%s/%s.gz: cannot read %zu bytes", options.data, name, len);
    gzclose(from);
    for (int i = 0; i < 4; i++)
        bytes[4 + i] = (unsigned char)(rows >> (24 - 8 * i));
    FILE *to = fopen(textf("small/%s", name), "wb");
    if (!to || fwrite(bytes, 1, len, to) != len || fclose(to) != 0)
        give_up("small/%s: cannot write: %s", name, strerror(errno));
    free(bytes);
}

static void make_data(void) {
    enum { TRAIN = 800, TEST = 200, IMAGE = 784 };
    mkdir("small", 0777);
    cut_file("train-images-idx3-ubyte", 16, IMAGE, TRAIN);
    cut_file("train-labels-idx1-ubyte", 8, 1, TRAIN);
    cut_file("t10k-images-idx3-ubyte", 16, IMAGE, TEST);
    cut_file("t10k-labels-idx1-ubyte", 8, 1, TEST);
    FILE *file = fopen("crash.json", "wb");
    if (!file || fputs(config, file) < 0 || fclose(file) != 0)
        give_up("crash.json: cannot write: %s", strerror(errno));
}

/* ---- the machine ---- */

enum { MAX_ISAS = 8 };

static char isas[MAX_ISAS][16];
static size_t isa_count;

/* --version has a line of them, the plain one first. */
static void find_isas(void) {
    FILE *from = popen(textf("'%s' --version", options.program), "r");
    char line[256];
    const char *name = "instruction sets";
    while (from && fgets(line, sizeof line, from)) {
        char *at = strstr(line, name);
        for (char *word = at ? strtok(at + strlen(name), " \n") : NULL; word && isa_count < MAX_ISAS;
             word = strtok(NULL, " \n"))
            snprintf(isas[isa_count++], sizeof isas[0], "%s", word);
    }
    if (!from || pclose(from) != 0 || isa_count == 0)
        give_up("%s --version: names no instruction sets", options.program);
}

/* The plain one is slow. */
static const char *some_isa(void) {
    return isa_count == 1 || chance(10) == 0 ? isas[0] : isas[1 + chance(isa_count - 1)];
}

/* ---- a process ---- */

/* How it is to die: at a call of the shim's, or after so many microseconds; neither: not at all. */
struct fate {
    char fault[64];
    uint64_t delay;
};

static void redirect(const char *path, int fd) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file < 0 || dup2(file, fd) < 0)
        _exit(125);
    close(file);
}

static pid_t begin(const char *folder, const struct fate *fate, bool plain) {
    char threads[8], often[64], out[64];
    const char *isa = plain ? "auto" : some_isa();
    snprintf(threads, sizeof threads, "%d", plain ? 1 : 1 + (int)chance(3));
    /* Checkpoints as fast as they can be written, or as they come. */
    snprintf(often, sizeof often, "train.checkpoint_minutes=%s", !plain && chance(2) ? "0.00001" : "15");
    snprintf(out, sizeof out, "%s/run", folder);
    const char *const argv[] = {options.program, "--config",  "crash.json", "--out", out,
                                "--resume",      "--threads", threads,      "--isa", isa,
                                "--set",         often,       NULL};
    unlink(textf("%s/err", folder));
    pid_t pid = fork();
    if (pid < 0)
        give_up("cannot fork: %s", strerror(errno));
    if (pid > 0)
        return pid;
    redirect(textf("%s/out", folder), STDOUT_FILENO);
    redirect(textf("%s/err", folder), STDERR_FILENO);
    setenv("DLTRAIN_OVERCOMMIT", "1", 1);
    if (fate->fault[0]) {
        setenv("LD_PRELOAD", options.shim, 1);
        setenv("DLTRAIN_FAULT", fate->fault, 1);
    }
    execv(options.program, (char *const *)(uintptr_t)argv);
    _exit(126);
}

static void wait_microseconds(uint64_t delay) {
    struct timespec time = {.tv_sec = (time_t)(delay / 1000000), .tv_nsec = (long)(delay % 1000000 * 1000)};
    while (nanosleep(&time, &time) != 0 && errno == EINTR)
        continue;
}

static int live(const char *folder, const struct fate *fate, bool plain) {
    int how;
    pid_t pid = begin(folder, fate, plain);
    if (fate->delay > 0) {
        wait_microseconds(fate->delay);
        kill(pid, SIGKILL);
    }
    if (waitpid(pid, &how, 0) != pid)
        give_up("cannot wait: %s", strerror(errno));
    return how;
}

/* span: microseconds of a whole run. Calls near the beginning come first as a run makes the fewer the further
 * it has come. */
static struct fate some_fate(uint64_t span) {
    static const char *const classes[] = {"write", "sync", "rename", "open", "close", "folder"};
    struct fate fate = {0};
    if (chance(2))
        fate.delay = 1 + chance(span);
    else
        snprintf(fate.fault, sizeof fate.fault, "%s:%d:KILL",
                 classes[chance(sizeof classes / sizeof *classes)],
                 1 + (int)chance((uint64_t)4 << chance(5)));
    return fate;
}

/* ---- what must hold ---- */

static void finding(const char *what, const struct fate *fate) {
    struct content err = file_content("case/err");
    printf("behind %lu kills, %s: %s: %s\n", kills, fate->fault[0] ? fate->fault : "a delay", what,
           err.bytes ? err.bytes : "");
    content_release(&err);
    findings++;
}

static bool exists(const char *path) {
    return access(path, F_OK) == 0;
}

static bool has_checkpoint(void) {
    return exists("case/run/checkpoint.safetensors") || exists("case/run/checkpoint.previous.safetensors");
}

/* Whether the process was killed while it put something on disk: its parts lie there. */
static bool was_writing(void) {
    struct listing l = folder_list("case/run");
    bool part = listing_has(&l, "checkpoint.new.safetensors");
    for (size_t i = 0; i < l.count; i++)
        part = part || strncmp(l.name[i], ".dltrain-", 9) == 0;
    listing_release(&l);
    return part;
}

/* All that a run leaves but its config, which names threads and times, and its checkpoint, which holds times.
 */
static void check_result(const struct outcome *whole, const struct fate *fate) {
    struct outcome o = outcome_of("case");
    bool same = o.names.count == whole->names.count;
    for (size_t i = 0; same && i < o.names.count; i++) {
        const char *name = o.names.name[i];
        same = strcmp(name, whole->names.name[i]) == 0 &&
               (strcmp(name, "config.json") == 0 || strcmp(name, "checkpoint.safetensors") == 0 ||
                content_same(&o.file[i], &whole->file[i]));
        if (!same)
            printf("%s: is not that of the whole run\n", name);
    }
    if (!same)
        finding("the run comes to other files", fate);
    outcome_release(&o);
}

/* One process of the run in case/; false: that is finished, or broken. */
static bool go_on(const struct outcome *whole, const struct fate *fate) {
    bool had = has_checkpoint();
    int how = live("case", fate, false);
    struct content err = file_content("case/err"); /* none where it was killed before it had begun */
    bool anew = had && err.bytes && strstr(err.bytes, "holds no checkpoint"),
         warned = err.bytes && strstr(err.bytes, "damaged");
    content_release(&err);
    if (anew)
        finding("it has begun again", fate);
    if (warned)
        finding("a checkpoint was damaged", fate);
    if (WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL) {
        kills++;
        within += was_writing();
        if (had && !has_checkpoint())
            finding("no checkpoint is left", fate);
        return true;
    }
    if (!WIFEXITED(how) || WEXITSTATUS(how) != 0)
        finding("it has failed", fate);
    else
        check_result(whole, fate);
    return false;
}

/* A run that is killed again and again, until it is finished, at last in peace. */
static void run_case(const struct outcome *whole, uint64_t span) {
    enum { PATIENCE = 12 };
    static const struct fate none;
    folder_remove("case");
    mkdir("case", 0777);
    for (int lives = 0; lives < PATIENCE && kills < options.kills; lives++) {
        struct fate fate = some_fate(span);
        if (!go_on(whole, &fate))
            return;
    }
    if (go_on(whole, &none))
        finding("it was killed by another", &none);
}

/* The run that nobody interrupts; microseconds that it takes. */
static struct outcome run_whole(uint64_t *span) {
    static const struct fate none;
    struct timespec a, b;
    mkdir("whole", 0777);
    clock_gettime(CLOCK_MONOTONIC, &a);
    int how = live("whole", &none, true);
    clock_gettime(CLOCK_MONOTONIC, &b);
    if (how != 0)
        give_up("the run fails without a kill: %s", file_content("whole/err").bytes);
    *span = 1 + (uint64_t)((b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000);
    return outcome_of("whole");
}

/* ---- the command line ---- */

static void read_options(int argc, char **argv) {
    static const struct option rows[] = {
        {"program", required_argument, NULL, 'p'},
        {"shim", required_argument, NULL, 's'},
        {"data", required_argument, NULL, 'd'},
        {"kills", required_argument, NULL, 'n'},
        {"seed", required_argument, NULL, 'r'},
        {"keep", no_argument, NULL, 'k'},
        {NULL, 0, NULL, 0},
    };
    const char *usage =
        "usage: crash --program FILE --shim FILE --data DIR [--kills N] [--seed N] [--keep]\n";
    for (int row; (row = getopt_long(argc, argv, "", rows, NULL)) >= 0;) {
        const char **const path = row == 'p' ? &options.program : row == 's' ? &options.shim : &options.data;
        if (row == 'p' || row == 's' || row == 'd')
            *path = absolute_path(optarg);
        else if (row == 'n')
            options.kills = strtoul(optarg, NULL, 10);
        else if (row == 'r')
            options.seed = strtoull(optarg, NULL, 10);
        else if (row == 'k')
            options.keep = true;
        else
            exit(2);
    }
    if (!options.program || !options.shim || !options.data || optind < argc) {
        fputs(usage, stderr);
        exit(2);
    }
}

int main(int argc, char **argv) {
    uint64_t span;
    read_options(argc, argv);
    const char *scene = scene_make();
    make_data();
    find_isas();
    struct outcome whole = run_whole(&span);
    while (kills < options.kills && findings < 10)
        run_case(&whole, span);
    outcome_release(&whole);
    if (options.keep)
        printf("kept: %s\n", scene);
    else
        scene_remove();
    printf("crash: %lu kills (%lu within a write), %lu findings\n", kills, within, findings);
    return findings ? 1 : 0;
}
