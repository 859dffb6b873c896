/* One config trained from several seeds: the figures of all runs, their means and deviations. */
#ifndef RUN_SEEDS_H
#define RUN_SEEDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "run/expectation.h"

struct seed_run {
    uint64_t seed;
    char digest[80];
};

/* A figure of the summaries that every run has. */
struct seed_figure {
    char *path;    /* owned */
    double *value; /* [room of the seeds], a run each; owned; NULL: a text */
    char *text;    /* the text that all runs have in common; owned; NULL: a number */
};

/* Zero-initialise; release with seeds_release. */
struct seeds {
    struct seed_figure *figure; /* in the order of the summary */
    size_t figures, room;       /* room: for runs */
    struct seed_run *run;
    size_t runs;
};

void seeds_release(struct seeds *seeds);

/* DIR/seed-S. Release with mem_free. */
char *seeds_folder(const char *folder, uint64_t seed, struct err *err) MUST_CHECK;

/* Whether the folder may be used for count seeds from the first on: ERR_SYSTEM where it holds a run of one of
 * them, finished or with a checkpoint, or the record of all, and again is not set. */
bool seeds_begin(const char *folder, uint64_t first, size_t count, bool again, struct err *err) MUST_CHECK;
/* Removes the record of all, which is to be made again. */
bool seeds_replace(const char *folder, struct err *err) MUST_CHECK;

/* Takes in the summary of a run. Figures that not all runs have are left out, and so are lists of lists. */
bool seeds_add(struct seeds *seeds, uint64_t seed, const char *summary, struct err *err) MUST_CHECK;

struct seed_statistics {
    double mean, deviation, min, max; /* deviation: of a sample, by n - 1; NaN where there is one run */
};

/* The figure's index, -1: there is none. */
long seeds_find(const struct seeds *seeds, const char *path);
struct seed_statistics seeds_statistics(const struct seeds *seeds, size_t figure);

/* A mean, or a text that all have in common: for expectations; the source is the seeds. */
struct figure figure_of_seeds(const void *source, const char *path);

/* seeds.json: runs, figures, expectations. */
bool seeds_print(const struct seeds *seeds, const char *name, const struct expectations *expectations,
                 struct text *out, struct err *err) MUST_CHECK;
/* Writes it into the folder. */
bool seeds_write(const char *folder, const struct text *text, struct err *err) MUST_CHECK;

#endif
