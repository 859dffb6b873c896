/* Options of the command line: one table a command drives the parser, the help and "did you mean". */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/names.h"
#include "base/text.h"

/* No table of options has more rows. */
enum { MAX_OPTIONS = 32 };

/* What the options of all commands fill in; zero, or its row's fallback, where an option is not given. */
struct arguments {
    const char *config, *model, *data, *images, *out, *init_from, *isa, *precision, *format, *baseline,
        *junit;
    const char *part, *priors, *tweak_one, *knock_out, *select, *swap, *rotate;
    uint64_t threads, seed, seeds, mc_dropout, rows, columns, samples, coordinates, windows, at;
    double tolerance, dirichlet, range;
    bool force, resume, json, quiet, verbose, print_config, trace, jvp, fail_on_shift, markdown, help,
        version;
    const char *operand;   /* the first one, NULL: none */
    const char **operands; /* in the order given; the list is owned */
    size_t operand_count;
    char **overrides; /* "PATH=VALUE" in the order given; owned */
    size_t override_count;
    const char **expect; /* "METRIC OP BOUND" in the order given; the list is owned */
    size_t expect_count;
};

enum option_kind {
    OPTION_FLAG,     /* a bool of arguments becomes true */
    OPTION_TEXT,     /* a const char * of arguments; not empty */
    OPTION_NUMBER,   /* a uint64_t of arguments, from min to max */
    OPTION_REAL,     /* a double of arguments, above 0 */
    OPTION_OVERRIDE, /* the value is a "PATH=VALUE", of which there may be several */
    OPTION_EXPECT,   /* the value is a "METRIC OP BOUND" */
};

struct option_row {
    const char *name; /* NULL behind the last row */
    char letter;      /* short form, or 0; flags only */
    enum option_kind kind;
    const char *value; /* what the value is called in the help; NULL for flags */
    const char *help;
    size_t offset;               /* in struct arguments */
    uint64_t min, max, fallback; /* of numbers */
    const char *key;             /* config key that the value sets as well, or NULL */
    name_of *choices;            /* the allowed texts, or NULL: any */
};

/* Parses argv[1..argc-1] (argv[0] is skipped). Words that are no options are operands, as is everything
 * behind
 * "--"; there may be at most max_operands. ERR_USAGE in one sentence. Of an option given twice the last value
 * holds, and only that one is looked at. Stops at --help and --version. Release with arguments_release, also
 * after a failure. */
bool options_parse(const struct option_row *table, int argc, char **argv, int max_operands,
                   struct arguments *out, struct err *err) MUST_CHECK;
void arguments_release(struct arguments *arguments);

/* One line an option, in the order of the table. */
void options_help(const struct option_row *table, struct text *out);

#endif
