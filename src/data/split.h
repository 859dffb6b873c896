/* Which rows of the training file are held out for validation. */
#ifndef DATA_SPLIT_H
#define DATA_SPLIT_H

#include "data/dataset.h"

/* Holds out `fraction` of the rows, rounded half up: those with the smallest random keys, over all rows or
 * within each class. Stratified, a class gives its share rounded down or up: those with the largest
 * remainders one row more, ties by class number, so that the total is the same. A row's key depends on seed
 * and row alone. *rows: first the *train_count rows that stay, then the others, both ascending; release with
 * mem_free. ERR_CONFIG, naming the key, where a part would be empty or float targets are to be stratified. */
bool split_rows(const struct dataset *set, double fraction, bool stratify, uint64_t seed, uint32_t **rows,
                size_t *train_count, struct err *err) MUST_CHECK;

#endif
