/* A saved model put to use: evaluated on labelled data, or asked for predictions. Nothing is trained or
 * written. */
#ifndef RUN_INFER_H
#define RUN_INFER_H

#include <stddef.h>

#include "base/err.h"
#include "base/team.h"
#include "base/text.h"
#include "data/dataset.h"
#include "data/spec.h"
#include "fit/fit.h"
#include "kernel/kernel.h"
#include "run/calibrate.h"
#include "run/model_file.h"

struct inference {
    const char *path; /* of the model, borrowed */
    struct saved_model saved;
    const struct kernel *kernel;
    struct team *team;
};

/* threads 0: as many as the process may use. isa as in run_options. precision: one of precision_name, NULL:
 * the one that the model was trained in. model_path is borrowed. On success the caller releases it. */
bool inference_open(const char *model_path, size_t threads, const char *isa, const char *precision,
                    struct inference *out, struct err *err) MUST_CHECK;
void inference_release(struct inference *inference);

/* The model as what is calibrated. */
struct calibrated inference_calibrated(const struct inference *inference);

/* The test files in a folder of MNIST's layout, plain or gzip. ERR_DATA names what was looked for. The caller
 * releases the two paths with mem_free. */
bool inference_find_files(const char *folder, struct data_files *out, struct err *err) MUST_CHECK;

struct inference_report {
    struct evaluation evaluation;   /* plain, whether the model is calibrated or not */
    struct calibration calibration; /* its effect on these data as that on a test part */
    bool table;                     /* images_sha256 is that of a table, which has no other labels */
    char images_sha256[SHA256_HEX], labels_sha256[SHA256_HEX];
    char weights_sha256[SHA256_HEX]; /* empty: all samples weigh the same */
};

void inference_report_release(struct inference_report *report);

/* Evaluates the model, scaled as its own training data were, on labelled files. label_column as in data_spec;
 * -1: the one the model was trained with. ERR_DATA, naming model and data, where the loss is not finite.
 * Release the report. */
bool inference_evaluate(const struct inference *inference, const struct data_files *files, long label_column,
                        struct inference_report *out, struct err *err) MUST_CHECK;

/* The report as the JSON object that `eval --json` prints. */
bool inference_print(const struct inference *inference, const struct inference_report *report,
                     const char *model_path, struct text *out, struct err *err) MUST_CHECK;

/* ---- calibration (infer_calibrate.c) ---- */

/* Fits a temperature on the validation part of the config's data, of which the model must not have been
 * trained on, and measures it there and on the test part, if there is one. ERR_CONFIG, without the file in
 * front, where there is no validation part; ERR_DATA for a model without probabilities. */
bool inference_calibrate(const struct inference *inference, const struct config *config,
                         struct calibration *out, struct err *err) MUST_CHECK;

/* Writes the model with this temperature to path. */
bool inference_save(const struct inference *inference, double temperature, const char *path,
                    struct err *err) MUST_CHECK;

/* The JSON object that `calibrate --json` prints. */
bool inference_print_calibration(const struct inference *inference, const struct calibration *calibration,
                                 struct text *out, struct err *err) MUST_CHECK;

/* ---- predictions ---- */

/* Images without labels, of an IDX file or of a table. */
struct predictions {
    const struct inference *inference;
    struct dataset images; /* without labels; owned */
    const char *path;
    size_t rows, outputs;
    bool names_class;        /* the largest output is the class */
    bool probabilities;      /* the outputs are probabilities, else values */
    char *const *class_name; /* [outputs], or NULL */
    struct mc_dropout mc;    /* passes that they are the mean of; none: one without dropout */
};

/* Reads the images; columns of a table that are labels or ignored in training are left out, where they are.
 * inference and path are borrowed. Release with predictions_release. */
bool predictions_open(const struct inference *inference, const char *path, struct predictions *out,
                      struct err *err) MUST_CHECK;
void predictions_release(struct predictions *predictions);

/* Makes predictions means over that many passes with dropout. ERR_USAGE where the model has none. */
bool predictions_average(struct predictions *predictions, size_t passes, uint64_t seed,
                         struct err *err) MUST_CHECK;

/* The outputs for count rows from `first` on, [count][outputs], probabilities by the model's temperature if
 * it has one; where they are means, the standard deviations about them, else deviation is not touched and may
 * be NULL; and the largest of each row, cls [count]. ERR_DATA names the model and a row whose outputs are not
 * finite. */
bool predictions_get(const struct predictions *predictions, size_t first, size_t count, uint32_t *cls,
                     real *out, real *deviation, struct err *err) MUST_CHECK;

#endif
