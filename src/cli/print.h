/* The only way out to the terminal: results to stdout, errors and log to stderr. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include "base/err.h"
#include "base/text.h"
#include "config/config.h"
#include "run/run.h"

/* Makes the three standard streams usable: a closed one becomes /dev/null, so that no file opened later is
 * taken for it, and a reader that goes away is an error of the write instead of a signal. */
void print_prepare(void);

/* "dltrain: error: TEXT" on stderr; returns the exit status of its kind. */
int print_failure(const struct err *err);
/* The same for every fault of a config; ERR_CONFIG's status. */
int print_faults(const struct config_faults *faults, const struct err *err);

/* The same line of a text, whose status is the caller's business. */
void print_error_text(const struct text *text);
/* The first failure that print_failure or print_faults was given; NULL: none yet. */
const struct err *print_failed(void);

/* "dltrain: warning: TEXT" on stderr, for the warnings from number `first` on. */
void print_warnings(const struct warnings *warnings, size_t first);

/* Writes a result to stdout. A closed pipe is no failure: nothing more is written then. ERR_SYSTEM where
 * stdout cannot be written to. */
bool print_result(const char *bytes, size_t len, struct err *err) MUST_CHECK;
/* Whether the reader of stdout has gone. */
bool print_closed(void);
/* Writes the text and releases it; the exit status of the command, which prints its own error. */
int print_text(struct text *text);

/* Log text to stderr; failures are nobody's business. */
void print_log(const struct text *text);

/* ---- pieces of text ---- */

/* s with every control character replaced by '?', so that a path stays one line and moves no cursor. */
void add_printable(struct text *text, const char *s);

/* "12.3 MB": decimal prefixes, three digits. A unit that is a word begins with a space: "98 k samples/s". */
void format_scaled(char *out, size_t size, double value, const char *unit);
void add_scaled(struct text *text, double value, const char *unit);
/* "test loss 0.1234" and so on, a line a figure. */
void add_evaluation(struct text *text, const char *part, const struct evaluation *e);
/* The temperature and the figures without and with it, a line a figure; nothing where there is no
 * temperature. */
void add_calibration(struct text *text, const struct calibration *calibration);

#endif
