/* The answers of a model, predictions.idx: what it took every row of the test part for, so that runs can be
 * compared row by row without their data. IDX of two dimensions, [rows][2]: the predicted class and the true
 * one. */
#ifndef RUN_ANSWERS_H
#define RUN_ANSWERS_H

#include <stddef.h>

#include "base/err.h"
#include "data/dataset.h"
#include "data/idx.h"
#include "fit/fit.h"
#include "run/folder.h"

/* Writes those of an evaluation of the part: u8 where the classes fit it, else i32. Nothing where the targets
 * are not classes. */
bool answers_write(const struct folder *folder, const struct data_part *part, const struct evaluation *e,
                   struct err *err) MUST_CHECK;

/* As read back; zero: none. */
struct answers {
    size_t rows;
    struct idx file; /* owned */
};

/* ERR_DATA, with the path in front, where the file does not hold such a table of that many rows, or a class
 * below 0. */
bool answers_read(const char *path, size_t rows, struct answers *out, struct err *err) MUST_CHECK;
void answers_release(struct answers *answers);

/* How many rows are classified rightly. */
size_t answers_right(const struct answers *answers);

/* Whether both are of rows with the same true classes in the same order. */
bool answers_comparable(const struct answers *a, const struct answers *b);

/* The rows that only one of two comparable ones has right. */
struct discordance {
    size_t first, second;
};
struct discordance answers_discordance(const struct answers *first, const struct answers *second);

#endif
