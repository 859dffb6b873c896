/* What --expect and --junit ask of a command that yields figures: expectations printed with the result, a
 * JUnit report of them, and the exit status. */
#ifndef CLI_GATE_H
#define CLI_GATE_H

#include "base/text.h"
#include "cli/options.h"
#include "config/config.h"
#include "run/junit.h"

struct gate {
    const char *junit;            /* where the report goes; NULL: nowhere */
    char name[256];               /* of the report */
    struct expect_spec options;   /* of --expect; owned */
    struct expectations expected; /* all that are known, not judged; owned */
    bool begun;                   /* the report's file is there */
};

/* Reads --expect; until gate_begin the report has the name of that file, without folder and extension. 0, or
 * the status of an error that is printed: then, too, the gate is to be closed. */
int gate_open(const struct arguments *arguments, const char *file, struct gate *gate);

/* Takes the config's expectations in, where there are some (expect may be NULL), and names the report. Writes
 * it as one of a run that has not ended, so that a file that cannot be written is found now, and a process
 * that is killed leaves the truth. A report in the folder that the command will make, or in one above it, is
 * first written by gate_ready; made is that folder or NULL. 0, or the status of an error that is printed. */
int gate_begin(struct gate *gate, const char *name, const struct expect_spec *expect, const char *made);
int gate_ready(struct gate *gate);

/* The expectations, a line each. */
void gate_lines(const struct expectations *judged, struct text *out);

/* How the command has ended. */
struct gate_end {
    int status;                        /* so far */
    double seconds;                    /* that it took */
    const struct expectations *judged; /* NULL, or not judged: the run broke */
    const struct junit_properties *properties;
};

/* Says on stderr which expectations failed, writes the report and releases everything. The status of the
 * command. */
int gate_close(struct gate *gate, const struct gate_end *end);

#endif
