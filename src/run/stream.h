/* Learning from a stream whose concept may change: every window is first predicted by the model as it is, the
 * errors watched by a drift detector, and then learned from, by a fit that begins with the parameters the
 * last one has left. An iterator like a training, behind the training whose model it goes on with. */
#ifndef RUN_STREAM_H
#define RUN_STREAM_H

#include "base/err.h"
#include "fit/fit.h"
#include "run/setup.h"
#include "run/window.h"
#include "shift/drift.h"

/* Of a model on a window; NaN: there is none, or its loss is not finite. */
struct stream_figures {
    double loss, accuracy;
};

struct window_record {
    size_t window; /* from 1 */
    size_t samples;
    struct stream_figures before; /* of the model that has learned from all windows before this one */
    struct stream_figures base;   /* of the model before the stream */
    struct stream_figures fresh;  /* of a model that knows the last window alone */
    bool warning, drift;          /* an alarm on one of its samples */
    size_t drift_at;              /* the sample of the first drift, from 0 */
    int action;                   /* what it did: enum drift_action; -1: nothing */
    bool learned;                 /* anything is learned from it */
    uint64_t steps;               /* that have learned from it */
    double lr, seconds;           /* of these steps */
};

/* A model that learns from the window. */
struct learner {
    struct fit *fit; /* NULL: none yet */
    size_t portion;  /* steps to ask for */
};

/* Zero: none. */
struct stream {
    const struct setup *setup; /* whose model learns */
    size_t windows, done;
    struct window_record *record; /* [windows], the first `done` of them, and the one in progress */
    struct drift *drift;
    struct model *base, *newest; /* before the stream; of the latest window alone (NULL: not asked for) */
    real *good;      /* the latest parameters that a window was predicted by, with a finite loss */
    bool has_newest; /* it has learned */
    struct reservoir reservoir;
    struct window window; /* in progress; zero: between two */
    bool open;            /* a window is in progress */
    struct learner learner, fresh;
};

/* Begins with the model, the training part and the fit of the setup, which is borrowed. The config's kind is
 * "concept" and its windows are checked. On failure stream_release what there is. */
bool stream_begin(struct stream *stream, const struct setup *setup, struct err *err) MUST_CHECK;
void stream_release(struct stream *stream);

bool stream_over(const struct stream *stream);
/* Goes on for a moment, at most to the end of a window; *window: that has been reached, and its record, the
 * latest, is complete. ERR_DIVERGED where the model broke: it is then as it was before it learned
 * what broke it. */
bool stream_advance(struct stream *stream, bool *window, struct err *err) MUST_CHECK;

/* Puts it aside, or takes it up in one that has just begun: between two windows, or within one, which is then
 * read again. */
void stream_snapshot(struct stream *stream, struct snapshot *s);

/* Of the fit that learns from the window in progress; NULL: it has not begun, or there is none. */
const struct fit_status *stream_status(const struct stream *stream);
/* The latest finished window. */
const struct window_record *stream_record(const struct stream *stream);
/* Finished windows with a drift. */
size_t stream_drifts(const struct stream *stream);
/* The mean of the accuracy over the samples of the finished windows, of the model or of the one before the
 * stream. */
double stream_accuracy(const struct stream *stream, bool base);

#endif
