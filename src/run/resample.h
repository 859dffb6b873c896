/* Shifted sets with known truth, made of a part of a config's data and written as IDX files: images, labels,
 * the true importance weights both ways, and a record of what was done. */
#ifndef RUN_RESAMPLE_H
#define RUN_RESAMPLE_H

#include "base/err.h"
#include "base/text.h"
#include "config/config.h"
#include "shift/resample.h"

/* What is resampled: whole files; a validation part is one of files. */
enum resample_part { PART_TRAIN, PART_VALIDATION, PART_TEST, RESAMPLE_PARTS };
const char *resample_part_name(size_t i);

struct resample_wish {
    struct resample_spec spec; /* its seed and part are set by resample_write */
    enum resample_part part;
    const char *out; /* folder, made where it is missing */
    bool force;      /* replace files of these names */
};

/* What weights of mean 1 are worth; 0 where none were written. */
struct resample_weights {
    double ess; /* (sum w)^2 / sum w^2, in rows */
    double max;
};

/* Lists are [classes] and owned. */
struct resample_report {
    struct resample_wish wish; /* borrowed what it points to */
    uint64_t seed;
    size_t original_rows, rows; /* of the part; of the set, or of each window */
    size_t classes;
    bool replaced; /* drawn with replacement */
    bool changed;  /* images are not those of the part */
    size_t *original_count, *count;
    double *original_prior, *prior;    /* shares of the part, and of the distribution that was drawn from */
    struct resample_weights weights;   /* of the rows of the set: part over set */
    struct resample_weights originals; /* of the rows of the part: set over part */
    double kept;                       /* selection: mean probability to stay */
    size_t *window_count;              /* [windows][classes], or NULL */
};

/* Draws and writes. ERR_USAGE where the data have no such class, part or so many rows, ERR_CONFIG where
 * labels are no classes or images cannot be changed, ERR_SYSTEM where a file is there already and force is
 * not set. isa as in setup_open. Release the report with resample_report_release. */
bool resample_write(const struct config *config, const char *isa, const struct resample_wish *wish,
                    struct resample_report *report, struct err *err) MUST_CHECK;
void resample_report_release(struct resample_report *report);

/* The record, as it is in truth.json. */
bool resample_print(const struct resample_report *report, struct text *out, struct err *err) MUST_CHECK;

/* The name of a file of window `window`, from 0; buf of at least 64 characters. */
const char *resample_window_file(size_t window, const char *name, char *buf);

#endif
