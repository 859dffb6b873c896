/* Where the data are and how they are read, as plain data. */
#ifndef DATA_SPEC_H
#define DATA_SPEC_H

#include <stdbool.h>
#include <stddef.h>

/* A column of a table, by name or by number. */
struct column {
    char *name;  /* NULL: by number */
    long number; /* from 0; below: from the end, -1 is the last */
};

struct columns {
    struct column *items;
    size_t count; /* 0: not given */
};

/* Whether a byte may be a delimiter: a printable one or a tab that is no part of a number, quote or word. */
bool data_may_delimit(char c);

enum table_header {
    HEADER_AUTO = -1 /* where the first row has a text above features */,
    HEADER_NO,
    HEADER_YES
};

/* IDX files, images and labels, or a table (CSV or TSV). */
struct data_files {
    char *images, *labels; /* both NULL, and so is file: this part is not given */
    char *weights;         /* one number a sample; NULL: all count the same */
    char *file;            /* the table; all that follows is for it */
    struct columns label;  /* at most one: the class */
    struct columns target; /* numbers instead */
    struct columns ignore; /* neither these nor features */
    int delimiter;         /* 0: found out */
    int header;            /* enum table_header */
};

enum data_scale { SCALE_UNIT, SCALE_STANDARDIZE, SCALE_STANDARDIZE_FEATURES, SCALE_NONE, SCALE_COUNT };

/* "unit", ...; NULL from SCALE_COUNT on. */
const char *data_scale_name(size_t i);

/* Whether every class gives the same share of its rows to the validation part. */
enum stratify { STRATIFY_AUTO = -1 /* where the labels are classes */, STRATIFY_NO, STRATIFY_YES };

/* Smooth random displacements (Simard, Steinkraus and Platt 2003). */
struct elastic_spec {
    bool on;
    double alpha; /* standard deviation of a displacement, after smoothing, in pixels */
    double sigma; /* of the Gaussian that smooths the field, in pixels */
};

/* What may be done to images of one class; NAN: as to the others. */
struct augment_class {
    size_t cls;
    double rotate, translate, scale, shear;
    int flip; /* -1: as the others */
};

/* Random changes of training images: each number is the half-width of a uniform draw. */
struct augment_spec {
    double rotate;       /* degrees */
    double translate;    /* pixels */
    double scale, shear; /* relative */
    bool flip;           /* left to right, every other image */
    struct elastic_spec elastic;
    struct augment_class *classes; /* owned by whoever made the spec */
    size_t class_count;
};

struct data_spec {
    char *root; /* folder of the other paths, NULL: none */
    struct data_files train, validation, test;
    double validation_fraction; /* 0: none; excludes validation files */
    int validation_stratify;    /* enum stratify */
    int scale;                  /* enum data_scale */
    long label_column;          /* column of two-dimensional integer labels; -1: not given */
    size_t class_count;         /* 0: from the labels of the training file */
    char **class_names;         /* class_count names, or NULL */
    /* Of a training table or a model of one, not of a config: */
    bool labels_are_numbers; /* labels of tables are numbers of classes, even where these have names */
    char **feature_names;    /* feature_count names, or NULL */
    size_t feature_count;    /* 0: not known */
};

#endif
