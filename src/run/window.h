/* A window of a stream: its samples as they come, and what is learned from it. */
#ifndef RUN_WINDOW_H
#define RUN_WINDOW_H

#include "base/err.h"
#include "data/dataset.h"
#include "data/reservoir.h"
#include "run/setup.h"

/* Zero: none. The parts point into it: never copied. */
struct window {
    struct dataset set, joined; /* joined: with the samples that are replayed; zero: none are */
    struct data_part all;       /* of set */
    struct data_part learned;   /* of joined, or of set */
    bool blank;                 /* by the config all its classes weigh 0: there is nothing to learn from it */
    real *weight[2];            /* memory of the parts' weights, where classes weigh; owned */
};

/* Looks at the headers of all windows of the config's stream: the setup's width, and as many labels as
 * images. The message names shift.stream.N. */
bool windows_check(const struct setup *setup, struct err *err) MUST_CHECK;
/* The samples in all of them, behind that check. */
size_t windows_samples(const struct setup *setup);

/* Reads window i of the stream and checks it against the data that the setup has. */
bool window_load(struct window *window, const struct setup *setup, size_t i, struct err *err) MUST_CHECK;
/* What is learned from it, unless it is blank: its samples and those of the reservoir, or NULL, together
 * weighed by class as the config says. */
bool window_join(struct window *window, const struct setup *setup, const struct reservoir *reservoir,
                 struct err *err) MUST_CHECK;
void window_release(struct window *window);

#endif
