/* Where the data are and how they are read, as plain data. */
#ifndef DATA_SPEC_H
#define DATA_SPEC_H

#include <stdbool.h>
#include <stddef.h>

struct data_files {
    char *images, *labels; /* both NULL: this part is not given */
};

enum data_scale { SCALE_UNIT, SCALE_STANDARDIZE, SCALE_STANDARDIZE_FEATURES, SCALE_NONE, SCALE_COUNT };

/* "unit", ...; NULL from SCALE_COUNT on. */
const char *data_scale_name(size_t i);

/* Whether every class gives the same share of its rows to the validation part. */
enum stratify { STRATIFY_AUTO = -1 /* where the labels are classes */, STRATIFY_NO, STRATIFY_YES };

struct data_spec {
    char *root; /* folder of the other paths, NULL: none */
    struct data_files train, validation, test;
    double validation_fraction; /* 0: none; excludes validation files */
    int validation_stratify;    /* enum stratify */
    int scale;                  /* enum data_scale */
    long label_column;          /* column of two-dimensional integer labels; -1: not given */
    size_t class_count;         /* 0: from the labels of the training file */
    char **class_names;         /* class_count names, or NULL */
};

#endif
