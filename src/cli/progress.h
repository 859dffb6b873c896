/* Progress of a training on stderr: on a terminal one live line and a kept line an epoch or window, elsewhere
 * the kept lines only. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stddef.h>

#include "base/text.h"
#include "run/run.h"

/* What a live line shows. */
struct progress_state {
    const struct fit_status *status;
    size_t epochs;
    size_t window, windows;                  /* of a stream; 0: none */
    double samples_per_second, seconds_left; /* below 0: not known yet */
};

/* The line for a terminal of that width: shorter than it, the bar and then the less important figures left
 * out where there is no room. */
void progress_line(const struct progress_state *state, size_t width, bool color, struct text *out);

/* The live line of an estimation. */
void progress_estimation_line(const struct estimation_status *status, size_t width, struct text *out);

/* The kept line of an epoch, with its newline. */
void progress_epoch_line(const struct epoch_record *record, size_t epochs, struct text *out);

/* The kept line of a window of a stream, with its newline. */
void progress_window_line(const struct window_record *record, size_t windows, struct text *out);

struct progress {
    bool quiet, live, color;
    bool drawn;                          /* a live line stands on the terminal */
    size_t epochs, warned;               /* warned: warnings that have been shown */
    size_t window, windows;              /* in progress, of a stream; 0: none */
    double start, epoch_start, drawn_at; /* by clock_seconds */
};

/* quiet: nothing is ever shown. Looks at stderr, TERM and NO_COLOR. */
void progress_init(struct progress *p, bool quiet, size_t epochs);
/* Draws the live line, at most ten times a second. */
void progress_update(struct progress *p, const struct fit_status *status);
void progress_epoch(struct progress *p, const struct epoch_record *record);
/* Shows the warnings that have come since the last call. */
void progress_warnings(struct progress *p, const struct warnings *warnings);
/* A refit begins: says so, and counts its epochs from now on. */
void progress_refit(struct progress *p, const struct training *refit);
/* A training begins of which `what` is to be said, and its epochs count from now on. */
void progress_restart(struct progress *p, const char *what, size_t epochs);
/* Draws the live line of an estimation, at most ten times a second. */
void progress_estimation(struct progress *p, const struct estimation *estimation);
/* Says what was found out about a shift. */
void progress_shift(struct progress *p, const struct estimation_result *result);
/* A stream is at work: counts its windows, and the epochs of each, from now on. */
void progress_stream(struct progress *p, const struct stream *stream);
void progress_window(struct progress *p, const struct window_record *record);
/* Removes the live line, before anything else is printed. */
void progress_clear(struct progress *p);

#endif
