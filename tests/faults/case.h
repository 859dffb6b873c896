/* One case: a command with one fault, in a folder of its own, and what must hold when it has ended. */
#ifndef TESTS_FAULTS_CASE_H
#define TESTS_FAULTS_CASE_H

#include "scene.h"

#include <sys/types.h>

enum { MAX_FILES = 16, MISSED = 1, NO_DATA = 4, FAILED = 6 };

/* A command. What it writes lies in run/. */
struct campaign {
    const char *name, *command; /* the words of the command line */
    const char *before; /* the folder whose files are in run/ when a case begins; NULL: none is there */
    bool replaces;      /* these may be gone after a failure */
    bool trains;        /* the same command with --resume comes to what would have come out */
    bool resumes;       /* it has that already */
    const char *same;   /* the campaign whose files come out of this one, too; or NULL */
    bool cut;           /* of a folder's: it is stopped on its way */
    int status;         /* where nothing fails */
    size_t lines;       /* of error at most, where a report tells of the failure and may fail, too; 0: one */
};

/* How a class of calls fails. How often a run makes them hangs on its threads: of the one that puts
 * checkpoints on disk, which drops those that are too many. */
struct failure {
    const char *class, *how;
    bool once;   /* nobody is interrupted for ever */
    bool litter; /* a temporary file, or a lock that may be another's, stays */
    bool data;   /* a path that cannot be looked at counts as one that is missing */
};

/* What a campaign leaves, settled. */
struct outcome {
    struct content out;
    struct listing names;
    struct content file[MAX_FILES];
};

struct outcome outcome_of(const char *folder);
void outcome_release(struct outcome *o);

struct fault_case {
    const char *program, *shim;
    const struct campaign *campaign;
    const struct failure *failure;
    const struct outcome *before, *sound; /* what was there, and what there is where nothing fails */
    char fault[64];                       /* as the shim takes it */
    char folder[32];
    pid_t pid; /* 0: none */
};

/* Starts the command; pid is set. */
void case_begin(struct fault_case *c);

/* Whether the files are the same, but for checkpoints, which hold times. */
bool outcome_same_files(const struct outcome *a, const struct outcome *b);

/* Holds what the ended command left against what must be; prints the findings, a line each, and says how
 * many. how: the status of wait. */
unsigned long case_check(const struct fault_case *c, int how);

#endif
