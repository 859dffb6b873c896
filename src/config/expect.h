/* What a run is expected to reach: figures of its summary and their bounds, from the config's `expect` or
 * from the command line. Plain data; whether a figure exists and a bound holds is judged elsewhere. */
#ifndef CONFIG_EXPECT_H
#define CONFIG_EXPECT_H

#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

enum expect_op {
    EXPECT_AT_LEAST,
    EXPECT_AT_MOST,
    EXPECT_ABOVE,
    EXPECT_BELOW,
    EXPECT_EQUAL,
    EXPECT_UNEQUAL,
    EXPECT_OPS
};

/* ">=", "<=", ">", "<", "==", "!="; NULL from EXPECT_OPS on. */
const char *expect_op_name(size_t i);
/* Whether it compares by size, which only numbers have. */
bool expect_op_orders(int op);

struct expectation {
    char *metric; /* path of a figure in summary.json: letters, digits, "_", "-" and "."; owned */
    int op;
    char *bound;   /* as it was written, a string without quotes; owned */
    double number; /* its value; NaN where it is no number */
};

enum { EXPECT_MAX = 1000 }; /* expectations of one list */

/* Zero-initialise; release with expect_release. */
struct expect_spec {
    struct expectation *list; /* owned */
    size_t count;
};

void expect_release(struct expect_spec *spec);

/* Whether text may be the path of a figure. */
bool expect_path_fits(const char *text);

/* Appends one; texts are copied. false and ERR_SYSTEM where memory is exhausted, the list untouched. */
bool expect_add(struct expect_spec *spec, const struct expectation *expectation, struct err *err) MUST_CHECK;

/* Appends "METRIC OP BOUND": BOUND is a number as JSON writes it, with == and != also a string, bare or in
 * quotes. ERR_USAGE says what is wrong, without the text. */
bool expect_parse(const char *text, struct expect_spec *spec, struct err *err) MUST_CHECK;

/* "test.accuracy >= 0.97". */
void expect_text(const struct expectation *expectation, struct text *out);

#endif
