/* Makes every call that can fail do so, in turn, once and for ever, in every command (shim.c), and holds what
 * is left against what must be: an exit status that says so, one line, nothing leaked, every file the old one
 * or the new one.
 *
 *   torture --program FILE --shim FILE [--sample N] [--jobs N] [--only CAMPAIGN] [--keep]
 *
 * --sample N tries at most N calls of each kind, evenly spread. The last line is "torture: N cases, N
 * findings"; the exit status is 1 where there are findings. */
#include "case.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what is tried ---- */

#define TRAIN "--config ../tiny.json --out run -q --threads 1"
#define LABEL                                                                                                \
    TRAIN " --set shift.kind=label --set shift.correct=retrain --set "                                       \
          "shift.target.images=t10k-images-idx3-ubyte "                                                      \
          "--set shift.folds=2 --set shift.bootstrap=1 --set shift.force=true"
#define OFTEN " --set train.checkpoint_minutes=0.0000001"

/* Runs whose folders cases begin with, and whose models they use: of another seed, so that their files differ
 * from the new ones; finished; shorter; stopped. */
static const struct campaign befores[] = {
    {.name = "old", .command = TRAIN " --seed 7"},
    {.name = "done", .command = TRAIN},
    {.name = "short", .command = TRAIN " --set train.epochs=1"},
    {.name = "cut", .command = TRAIN OFTEN, .cut = true},
    {.name = "label-cut", .command = LABEL OFTEN, .cut = true},
    {.name = "table", .command = "--config ../table.json --out run -q --threads 1"},
};

enum { BEFORES = sizeof befores / sizeof befores[0] };

static const struct campaign campaigns[] = {
    {.name = "train", .command = TRAIN, .trains = true},
    {.name = "force", .command = TRAIN " --force", .before = "old", .replaces = true, .trains = true},
    {.name = "finished", .command = TRAIN, .before = "old", .status = FAILED},
    {.name = "threads", .command = "--config ../tiny.json --out run -q --threads 3", .trains = true},
    {.name = "often", .command = TRAIN OFTEN, .trains = true},
    {.name = "init-from",
     .command = TRAIN " --json --init-from ../old/model.safetensors --set train.epochs=0",
     .trains = true},
    {.name = "shift",
     .command = TRAIN " --set shift.kind=covariate --set shift.target.images=t10k-images-idx3-ubyte "
                      "--set shift.folds=2 --set shift.discriminator.epochs=1",
     .trains = true},
    {.name = "label", .command = LABEL, .trains = true},
    {.name = "table", .command = "--config ../table.json --out run -q --threads 1", .trains = true},
    {.name = "resume",
     .command = TRAIN " --resume",
     .before = "cut",
     .replaces = true,
     .resumes = true,
     .same = "train"},
    {.name = "resume-label",
     .command = LABEL " --resume",
     .before = "label-cut",
     .replaces = true,
     .resumes = true,
     .same = "label"},
    {.name = "resume-more",
     .command = TRAIN " --resume",
     .before = "short",
     .replaces = true,
     .resumes = true,
     .same = "train"},
    {.name = "resume-none", .command = TRAIN " --resume", .resumes = true, .same = "train"},
    {.name = "resume-done", .command = TRAIN " --resume", .before = "done", .resumes = true, .same = "train"},
    {.name = "expect",
     .command = TRAIN " --expect test.accuracy>=0 --expect epochs_run==3 --junit junit.xml",
     .trains = true,
     .status = MISSED,
     .lines = 2},
    {.name = "eval", .command = "eval --model ../old/model.safetensors --data ../data"},
    {.name = "eval-config",
     .command = "eval --model ../old/model.safetensors --config ../tiny.json --threads 1 --json"},
    {.name = "eval-table", .command = "eval --model ../table/model.safetensors --data ../data/table.csv.gz"},
    {.name = "predict",
     .command = "predict --model ../old/model.safetensors --images ../data/train-images-idx3-ubyte.gz -q "
                "--threads 1"},
    {.name = "predict-out",
     .command = "predict --model ../old/model.safetensors --images ../data/t10k-images-idx3-ubyte -q "
                "--threads 1 --out run/config.json",
     .before = "old"},
    {.name = "calibrate",
     .command = "calibrate --model ../old/model.safetensors --config ../tiny.json -q --threads 1 "
                "--out run/model.safetensors",
     .before = "old"},
    {.name = "check", .command = "check --config ../tiny.json --threads 1"},
    {.name = "compare", .command = "compare ../old ../done --baseline ../old --tolerance test.loss=9"},
    {.name = "verify", .command = "verify ../old -q --threads 1"},
};

enum { CAMPAIGNS = sizeof campaigns / sizeof campaigns[0] };

static const struct failure failures[] = {
    {.class = "alloc", .how = "ENOMEM"},
    {.class = "open", .how = "EMFILE"},
    {.class = "read", .how = "EIO"},
    {.class = "read", .how = "short"},
    {.class = "read", .how = "EINTR", .once = true},
    {.class = "write", .how = "ENOSPC"},
    {.class = "write", .how = "short"},
    {.class = "write", .how = "EINTR", .once = true},
    {.class = "sync", .how = "EIO"},
    {.class = "sync", .how = "EINTR", .once = true},
    {.class = "rename", .how = "EIO"},
    {.class = "close", .how = "EIO"},
    {.class = "thread", .how = "EAGAIN"},
    {.class = "folder", .how = "EACCES", .litter = true},
    {.class = "stat", .how = "EIO", .litter = true, .data = true},
    {.class = "lock", .how = "ENOLCK", .litter = true},
    {.class = "lock", .how = "EINTR", .once = true},
    {.class = "size", .how = "ENOSPC"},
};

enum { FAILURES = sizeof failures / sizeof failures[0] };

static struct {
    const char *program, *shim, *only;
    unsigned long sample, jobs;
    bool keep;
} options = {.jobs = 2};

static struct outcome before[BEFORES];
static unsigned long cases, findings;

/* ---- the sweep ---- */

/* What such a folder holds; nothing where there is none. */
static const struct outcome *outcome_before(const char *name) {
    static const struct outcome none;
    for (size_t i = 0; name && i < BEFORES; i++)
        if (strcmp(befores[i].name, name) == 0)
            return &before[i];
    return &none;
}

enum { MAX_JOBS = 64 };

static struct fault_case slots[MAX_JOBS];

/* Waits for a case to end, and checks it; false where none is running. */
static bool await(void) {
    int how;
    pid_t pid = wait(&how);
    for (size_t i = 0; pid > 0 && i < options.jobs; i++)
        if (slots[i].pid == pid) {
            cases++;
            findings += case_check(&slots[i], how);
            slots[i].pid = 0;
            return true;
        }
    return false;
}

static struct fault_case *free_slot(size_t *i) {
    for (;;) {
        for (*i = 0; *i < options.jobs; ++*i)
            if (slots[*i].pid == 0)
                return &slots[*i];
        if (!await())
            give_up("cannot wait: %s", strerror(errno));
    }
}

static void try(const struct campaign *c, const struct failure *f, const struct outcome *sound,
                unsigned long n, bool ever) {
    size_t i;
    struct fault_case *s = free_slot(&i);
    *s = (struct fault_case){.program = options.program,
                             .shim = options.shim,
                             .campaign = c,
                             .failure = f,
                             .before = outcome_before(c->before),
                             .sound = sound};
    snprintf(s->fault, sizeof s->fault, "%s:%lu%s:%s", f->class, n, ever ? "+" : "", f->how);
    snprintf(s->folder, sizeof s->folder, "case-%zu", i);
    case_begin(s);
}

/* How many calls of the class the campaign makes. */
static unsigned long count_calls(const struct content *report, const char *class) {
    const char *line = strstr(report->bytes, textf("calls %s ", class));
    return line ? strtoul(line + strlen("calls ") + strlen(class) + 1, NULL, 10) : 0;
}

static void sweep(const struct campaign *c, const struct failure *f, const struct outcome *sound,
                  unsigned long calls) {
    unsigned long tries = options.sample && options.sample < calls ? options.sample : calls;
    for (unsigned long i = 0; i < tries; i++) {
        unsigned long n = tries > 1 ? 1 + i * (calls - 1) / (tries - 1) : 1;
        try(c, f, sound, n, false);
        if (!f->once)
            try(c, f, sound, n, true);
    }
}

/* Runs a campaign to its end; how it ended. */
static int play_case(const struct campaign *c, const char *fault) {
    struct fault_case s = {
        .program = options.program, .shim = options.shim, .campaign = c, .folder = "sound"};
    int how;
    snprintf(s.fault, sizeof s.fault, "%s", fault);
    case_begin(&s);
    if (waitpid(s.pid, &how, 0) != s.pid)
        give_up("%s: cannot wait: %s", c->name, strerror(errno));
    return how;
}

/* Runs a campaign in which nothing fails. */
static struct outcome play(const struct campaign *c, struct content *report) {
    const char *folder = "sound";
    int how = play_case(c, "none");
    if (!WIFEXITED(how))
        give_up("%s: the program does not run under the shim (a sanitizer's cannot)", c->name);
    *report = file_content(textf("%s/report", folder));
    if (!report->bytes)
        give_up("%s: no report of a run in which nothing fails (a sanitizer's program makes none)", c->name);
    struct content err = file_content(textf("%s/err", folder));
    if (WEXITSTATUS(how) != c->status)
        give_up("%s: status %d without a fault: %s", c->name, WEXITSTATUS(how), err.bytes);
    content_release(&err);
    return outcome_of(folder);
}

/* Holds what a campaign comes to against what another one does. */
static void check_same(const struct campaign *c, const struct outcome *sound) {
    struct content report;
    for (size_t i = 0; c->same && i < CAMPAIGNS; i++) {
        if (strcmp(campaigns[i].name, c->same) != 0)
            continue;
        struct outcome other = play(&campaigns[i], &report);
        if (!outcome_same_files(sound, &other)) {
            printf("%s: comes to other files than %s\n", c->name, c->same);
            findings++;
        }
        outcome_release(&other);
        content_release(&report);
    }
}

static void run_campaign(const struct campaign *c) {
    struct content report;
    unsigned long cases_before = cases, findings_before = findings;
    struct outcome sound = play(c, &report);
    check_same(c, &sound);
    for (size_t i = 0; i < FAILURES; i++)
        sweep(c, &failures[i], &sound, count_calls(&report, failures[i].class));
    while (await())
        continue;
    printf("%-12s %lu cases, %lu findings\n", c->name, cases - cases_before, findings - findings_before);
    fflush(stdout);
    outcome_release(&sound);
    content_release(&report);
}

/* Stops a run by a signal, as late as it can be stopped in its training: its allocations are a clock. On a
 * busy machine its thread may not come to write a second checkpoint in time, so there are some rounds. */
static void cut_before(const struct campaign *c) {
    struct content report;
    struct outcome o = play(c, &report);
    unsigned long calls = count_calls(&report, "alloc"), parts = 40, rounds = 10, round = 0;
    bool cut = false;
    while (!cut && ++round < rounds * parts) {
        unsigned long part = parts - round % parts;
        int how = play_case(c, textf("alloc:%lu:TERM", calls * part / parts));
        struct listing l = folder_list("sound/run");
        cut = WIFSIGNALED(how) && WTERMSIG(how) == SIGTERM && !listing_has(&l, "summary.json") &&
              listing_has(&l, "checkpoint.previous.safetensors");
        listing_release(&l);
    }
    if (!cut)
        give_up("%s: cannot be stopped on its way", c->name);
    outcome_release(&o);
    content_release(&report);
}

static void make_before(size_t i) {
    const struct campaign *c = &befores[i];
    if (c->cut)
        cut_before(c);
    else if (play_case(c, "none") != 0)
        give_up("%s: cannot make: %s", c->name, file_content("sound/err").bytes);
    if (rename("sound/run", c->name) != 0)
        give_up("%s: cannot make: %s", c->name, strerror(errno));
    folder_copy(c->name, "sound/run");
    before[i] = outcome_of("sound");
}

/* ---- the command line ---- */

static void read_options(int argc, char **argv) {
    static const struct option rows[] = {
        {"program", required_argument, NULL, 'p'},
        {"shim", required_argument, NULL, 's'},
        {"sample", required_argument, NULL, 'n'},
        {"jobs", required_argument, NULL, 'j'},
        {"only", required_argument, NULL, 'o'},
        {"keep", no_argument, NULL, 'k'},
        {NULL, 0, NULL, 0},
    };
    for (int row; (row = getopt_long(argc, argv, "", rows, NULL)) >= 0;) {
        switch (row) {
        case 'p':
            options.program = absolute_path(optarg);
            break;
        case 's':
            options.shim = absolute_path(optarg);
            break;
        case 'n':
            options.sample = strtoul(optarg, NULL, 10);
            break;
        case 'j':
            options.jobs = strtoul(optarg, NULL, 10);
            break;
        case 'o':
            options.only = optarg;
            break;
        case 'k':
            options.keep = true;
            break;
        default:
            exit(2);
        }
    }
    if (!options.program || !options.shim || optind < argc || options.jobs < 1 || options.jobs > MAX_JOBS) {
        fputs(
            "usage: torture --program FILE --shim FILE [--sample N] [--jobs N] [--only CAMPAIGN] [--keep]\n",
            stderr);
        exit(2);
    }
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    const char *scene = scene_make();
    for (size_t i = 0; i < BEFORES; i++)
        make_before(i);
    for (size_t i = 0; i < CAMPAIGNS; i++)
        if (!options.only || strcmp(options.only, campaigns[i].name) == 0)
            run_campaign(&campaigns[i]);
    for (size_t i = 0; i < BEFORES; i++)
        outcome_release(&before[i]);
    if (options.keep)
        printf("kept: %s\n", scene);
    else
        scene_remove();
    printf("torture: %lu cases, %lu findings\n", cases, findings);
    return findings ? 1 : 0;
}
