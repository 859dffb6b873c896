/* Labelled images in memory as they are stored (bytes stay bytes), the parts of a run, their scaling, and the
 * batches made of them. Knows nothing of models and losses. */
#ifndef DATA_DATASET_H
#define DATA_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/real.h"
#include "base/team.h"
#include "data/idx.h"
#include "data/spec.h"
#include "kernel/kernel.h"

/* What the labels must be fit for; decided by the loss. */
enum target_use {
    TARGETS_DISTRIBUTION, /* classes, or rows of probabilities (each in [0,1], sums 1 within 1e-4) */
    TARGETS_PROBABILITY,  /* classes (one-hot), or floats of one or two dimensions, each in [0,1] */
    TARGETS_REAL,         /* classes (one-hot), or finite floats of one or two dimensions */
};

/* What files hold: images, and labels where they have them. */
struct dataset {
    struct idx images;   /* [rows, features] */
    size_t features;     /* images.width */
    uint32_t *cls;       /* classes [rows], or NULL where targets are floats or not known; owned */
    real *targets;       /* [rows, target_width] where targets are floats, else NULL; owned */
    size_t target_width; /* 0 with classes */
    size_t class_count;  /* with classes: largest label + 1 */
    bool table;          /* one file has all of it: labels_sha256 is empty */
    char labels_sha256[SHA256_HEX];
    double *weight; /* [rows] what the samples weigh by their file; NULL: there is none; owned */
    char weights_sha256[SHA256_HEX];
};

/* Some rows of a dataset. */
struct data_part {
    const struct dataset *set; /* NULL: this part is not given */
    const uint32_t *row;       /* [count] rows of the set, ascending; NULL: all, in order */
    size_t count;
    const real *weight; /* [rows of the set] mean 1 over the part, 0 elsewhere; NULL: all weigh 1 */
};

/* The row of the set at a position of the part. */
static inline uint32_t data_row(const struct data_part *part, size_t position) {
    return part->row ? part->row[position] : (uint32_t)position;
}

/* How inputs become numbers: x' = (x - mean) / deviation per feature; statistics of the training part
 * only. */
struct scaling {
    int kind; /* enum data_scale */
    size_t features;
    real *mean,
        *deviation; /* [features], NULL for unit and none; owned. A constant feature has deviation 1 */
};

enum { DATA_PARTS = 3 };

/* What a training table says of the tables that go with it; zero: it was none. */
struct table_facts {
    bool given, labels_are_numbers; /* the latter as in struct data_spec */
    char **class_names;             /* class_count, or NULL: as the config says; owned, like what follows */
    size_t class_count;
    char **feature_names;                 /* or NULL */
    struct columns label, target, ignore; /* by name where there is a header */
};

/* The parts point into their struct data: pass it by address, never copy it. */
struct data {
    struct dataset train_set, validation_set, test_set; /* those without files are zero */
    struct dataset joined_set; /* of data_unite, where the validation part has files of its own; else zero */
    struct data_part train, validation, test;
    uint32_t *split;          /* memory of the row lists; owned */
    real *weight[DATA_PARTS]; /* memory of the parts' weights, filled by data_weigh; owned */
    struct scaling scaling;
    size_t features; /* width of the input */
    size_t outputs;  /* classes, or width of the targets */
    bool classes;    /* targets are classes */
    struct table_facts facts;
};

/* The spec with what the training data have fixed, for further files. It borrows from both. */
struct data_spec data_spec_known(const struct data *data, const struct data_spec *spec);

/* Loads all files (each a job of the team), checks them against each other (image and label counts, widths,
 * labels below the number of classes, weights, finite values), splits off the validation part (by seed,
 * stratified or not) and takes the statistics of the training part. At least one row must remain in every
 * part. The number of classes is spec->class_count, or largest training label + 1 (at least 2). ERR_DATA
 * names file, row, expected and found. On failure nothing is left to release. */
bool data_load(const struct data_spec *spec, enum target_use use, uint64_t seed, struct team *team,
               struct data *out, struct err *err) MUST_CHECK;

/* Something else to do while large files are read, by a member of the team that has none. */
struct data_beside {
    void (*run)(void *arg);
    void *arg;
};

/* The same in two parts. data_peek finds out the width of the input and the number of outputs by the header
 * of the training images and the training labels; data_load_beside reads everything, from the beginning. */
bool data_peek(const struct data_spec *spec, enum target_use use, size_t *features, size_t *outputs,
               struct err *err) MUST_CHECK;
bool data_load_beside(const struct data_spec *spec, enum target_use use, uint64_t seed, struct team *team,
                      const struct data_beside *beside, struct data *out, struct err *err) MUST_CHECK;
void data_release(struct data *data);

/* Whether training and validation part, which must be given, can be one; else ERR_CONFIG, the message without
 * a key in front. */
bool data_can_unite(const struct data *data, struct err *err) MUST_CHECK;
/* Makes all rows of both the training part, in the order of their file or first those of the training file;
 * there is no validation part then, and the statistics are those of the new training part. On failure the
 * parts are as they were. */
bool data_unite(struct data *data, struct err *err) MUST_CHECK;

/* Loads one labelled pair for evaluation against a model of known widths: `outputs` outputs, of classes or
 * not. */
bool dataset_load(const struct data_files *files, const struct data_spec *spec, enum target_use use,
                  struct team *team, struct dataset *out, struct err *err) MUST_CHECK;

/* What a further set must be like, beside a training part that has fixed it. */
struct dataset_terms {
    const char *key; /* of the files in the config, for messages: "shift.target"; NULL: those of a model */
    bool labelled;   /* labels must be given; else they may be */
    size_t features, outputs; /* width of images, number of outputs */
    bool classes;             /* labels are classes */
};

/* Loads images, with labels or without, under the rules of data.train. Without labels the set has neither
 * classes nor targets. Messages about the files begin with the key. */
bool dataset_load_on_terms(const struct data_files *files, const struct dataset_terms *terms,
                           const struct data_spec *spec, enum target_use use, struct team *team,
                           struct dataset *out, struct err *err) MUST_CHECK;

/* Checks a dataset against the features and outputs a model has; files names the images and the labels in the
 * message. */
bool dataset_fits(const struct dataset *set, const struct data_files *files, size_t features, size_t outputs,
                  bool classes, struct err *err) MUST_CHECK;
void dataset_release(struct dataset *set);

/* The rows of a and then those of b, which fit together: images of one type and width, targets alike. Without
 * checksums, as no file has these bytes. Release with dataset_release. */
bool dataset_join(const struct dataset *a, const struct dataset *b, struct dataset *out,
                  struct err *err) MUST_CHECK;

/* The whole dataset as a part. */
struct data_part dataset_all(const struct dataset *set);

bool scaling_fit(int kind, const struct data_part *train, struct scaling *out, struct err *err) MUST_CHECK;
void scaling_release(struct scaling *scaling);

/* order = a permutation of 0..n-1, a function of (seed, epoch) only (Fisher and Yates; epochs from 1). */
void sampler_shuffle(uint64_t seed, uint32_t epoch, size_t n, uint32_t *order);

/* Writes images of the given rows of part->set (not positions within the part) as a panel x
 * [features][lanes]; count <= lanes, lanes a multiple of KERNEL_LANES, lanes behind count repeat the last
 * row. */
void batch_images(const struct kernel *k, const struct dataset *set, const struct scaling *scaling,
                  const uint32_t *row, size_t count, size_t lanes, real *x);

/* Classes to cls[lanes] (0 behind count). Only for sets with classes. */
void batch_classes(const struct dataset *set, const uint32_t *row, size_t count, size_t lanes, uint32_t *cls);

/* Targets as a panel t [outputs][lanes]: one-hot for classes, else the floats; 0 behind count. */
void batch_targets(const struct dataset *set, const uint32_t *row, size_t count, size_t lanes, size_t outputs,
                   real *t);

#endif
