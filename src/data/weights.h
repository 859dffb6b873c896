/* What samples weigh: the files that say it, the weights of classes, and both together on the parts of a run.
 * Whoever finds other weights (an estimator of a distribution shift) sets `weight` of the dataset and calls
 * data_weigh again. */
#ifndef DATA_WEIGHTS_H
#define DATA_WEIGHTS_H

#include "data/dataset.h"

/* Reads a file of weights, plain or gzip: IDX, or text with one number a line (blank lines at its end and
 * CRLF are fine), which becomes f64 of one dimension with the digest of the text. While it reads IDX others
 * may digest_help the zeroed digest. ERR_DATA names path, line and row. Release with idx_release. */
bool weights_read(const char *path, struct digest *digest, struct idx *out, struct err *err) MUST_CHECK;

/* Turns what was read from path into out->weight: one dimension, as many numbers as `images` has rows, each
 * finite and at least 0, one of them above 0. On failure out is untouched. */
bool weights_convert(const struct idx *weights, const char *path, size_t images, struct dataset *out,
                     struct err *err) MUST_CHECK;

/* How many samples of the part are of each class: count [classes]. Needs labels that are classes, as does
 * what follows. */
void data_count_classes(const struct data_part *part, size_t classes, double *count);

/* Class weights under which all classes of the part weigh the same: class_weight [classes] becomes n / (k
 * n_c) for the n_c > 0 of its n samples that are of class c, one of the k classes that it has (scikit-learn's
 * "balanced"), and 0 for a class that it lacks. */
void data_balance(const struct data_part *part, size_t classes, double *class_weight);

/* What the rows of a part weigh, [rows of its set]: by their file times by their class, over the mean in the
 * part; 0 outside of it. class_weight [outputs], or NULL: 1. NULL where every sample would weigh 0:
 * ERR_CONFIG with class_weight, ERR_DATA without; name is that of the part in the message. Release with
 * mem_free. */
real *weights_of_part(const struct data_part *part, const double *class_weight, const char *name,
                      struct err *err) MUST_CHECK;

/* Gives the parts their weights: those of the samples, in the training and the validation part times those of
 * their classes (each [outputs], or NULL: 1; needs data->classes). A part without either has none. May be
 * called again: what it gave before is gone then. */
bool data_weigh(struct data *data, const double *train_class, const double *validation_class,
                struct err *err) MUST_CHECK;

#endif
