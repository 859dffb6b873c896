/* Expectations of a run, judged: figures of its summary held against the bounds that the config and the
 * command line give them. What is judged is the summary as it is printed, so that a verdict and a file never
 * differ. */
#ifndef RUN_EXPECTATION_H
#define RUN_EXPECTATION_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "config/config.h"
#include "run/figure_paths.h"

/* A figure that was looked up. */
enum figure_kind { FIGURE_ABSENT, FIGURE_NUMBER, FIGURE_TEXT };

struct figure {
    enum figure_kind kind; /* null is absent, true and false are texts */
    double number;
    const char *text; /* borrowed */
};

/* The figure of that path in a source. */
typedef struct figure figure_of(const void *source, const char *path);

/* In a parsed summary, whose root is the source; "NaN" and the infinities are numbers. */
struct figure figure_of_summary(const void *root, const char *path);

struct judgement {
    const struct expectation *expected; /* borrowed */
    bool option;                        /* from the command line, else from the config */
    bool holds;
    enum figure_kind kind;
    double number;
    char *value; /* as the summary has it, or "absent"; NULL: not judged; owned */
};

/* Zero-initialise; release with expectations_release. */
struct expectations {
    struct judgement *list; /* those of the config, then those of the command line */
    size_t count;
    bool judged;
    size_t failed;
};

/* Both may be NULL; they are borrowed. */
bool expectations_gather(const struct expect_spec *config, const struct expect_spec *options,
                         struct expectations *out, struct err *err) MUST_CHECK;
void expectations_release(struct expectations *expectations);

/* Whether the figures can exist in that scope. A fault of the config is ERR_CONFIG, "expect: PATH: ...", one
 * of the command line ERR_USAGE, "--expect 'TEXT': ...". */
bool expectations_check(const struct expectations *expectations, const struct figure_scope *scope,
                        struct err *err) MUST_CHECK;

/* The same of the config of a loaded setup alone. */
bool expectations_check_setup(const struct setup *setup, struct err *err) MUST_CHECK;

/* A figure that is absent or not a number meets no bound. */
bool expectations_judge(struct expectations *expectations, figure_of *find, const void *source,
                        struct err *err) MUST_CHECK;
/* The same by the text of a summary, to whose end the member `expect` is added: a list of objects with
 * metric, op, bound, value and holds, in place of one that it has. Nothing is done where there is no
 * expectation. */
bool expectations_judge_summary(struct expectations *expectations, struct text *summary,
                                struct err *err) MUST_CHECK;

/* The member `expect` of an open object. */
void expectations_print(struct json_writer *w, const struct expectations *expectations);

/* "test.accuracy is 0.95, expected >= 0.97", of one that failed. */
void expectation_failure(const struct judgement *judgement, struct text *out);

#endif
