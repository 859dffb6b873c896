/* Labelled pairs on their way from files to datasets: the reading, a file a job of the team, and the checks
 * of images and labels against each other. */
#ifndef DATA_PAIR_H
#define DATA_PAIR_H

#include "data/dataset.h"
#include "data/table.h"

enum pair_file { PAIR_IMAGES, PAIR_LABELS, PAIR_WEIGHTS, PAIR_FILES };

/* Zero: a pair that is not given. Release with pair_release. A table stands for both. */
struct pair {
    char *path[PAIR_FILES]; /* those of labels and weights NULL where there are none; images: or the table */
    struct idx file[PAIR_FILES];
    bool is_table;
    struct data_files files; /* of a table; borrowed */
    struct table_wish wish;  /* but for its files */
    struct table table;
};

/* Joins the paths with the root folder of the spec. An empty `files` leaves the pair not given; labels or
 * weights without images, and where they are wanted images without labels, are ERR_CONFIG, naming the key
 * ("data.train"), which is borrowed. Columns that the files of a table do not name are those of the spec's
 * training files. Spec and files must outlive the pair. */
bool pair_init(struct pair *pair, const struct data_spec *spec, const struct data_files *files,
               const char *key, bool labelled, struct err *err) MUST_CHECK;
bool pair_given(const struct pair *pair);
void pair_release(struct pair *pair);

/* Reads the files of all given pairs. Every file is tried; of several faults the one of the first file is
 * reported (images before labels before weights, then in the order of the pairs), so the message does not
 * depend on the threads. beside, or NULL: called once, by a member that has no file left. */
bool pair_read_all(struct pair *pair, size_t count, struct team *team, const struct data_beside *beside,
                   struct err *err) MUST_CHECK;

/* Makes the dataset, taking the images out of the pair; without labels it has neither classes nor targets. Of
 * a table spec must know what its training table has fixed. */
bool pair_to_dataset(struct pair *pair, const struct data_spec *spec, enum target_use use,
                     struct dataset *out, struct err *err) MUST_CHECK;

/* Whether the set made of the pair has that many features and, if it is labelled, such labels. */
bool pair_fits(const struct pair *pair, const struct dataset *set, size_t features, size_t outputs,
               bool classes, struct err *err) MUST_CHECK;

/* Whether the images of the set, read from path, have the width that is expected. */
bool images_fit(const struct dataset *set, const char *path, size_t features, struct err *err) MUST_CHECK;

#endif
