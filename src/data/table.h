/* A CSV or TSV file as features, and labels or targets: what its columns are, and the checks of every field.
 * Messages name file, row, column and line. */
#ifndef DATA_TABLE_H
#define DATA_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "data/idx.h"
#include "data/spec.h"

/* A label and where it first stands. */
struct table_label {
    char *text;
    size_t row, line;
};

/* Zero: none. Release with table_release. */
struct table {
    struct idx features;        /* f32 [rows, features], with the SHA-256 of the file's decompressed bytes */
    char **feature;             /* names [features.width]; NULL without a header */
    struct idx targets;         /* f32 [rows] or [rows, targets]; without values where none are asked for */
    uint32_t *label;            /* [rows] the number of each row's label among these, or NULL */
    struct table_label *labels; /* distinct, in the order of the file */
    size_t label_count;
    struct {
        struct columns label, target, ignore; /* of the wish, by name where there is a header */
    } columns;
};

/* How a table is read. */
struct table_wish {
    const struct data_files *files; /* columns, delimiter, header */
    const char *key;                /* of the files in the config, for messages: "data.train" */
    bool labelled;                  /* label or targets must be there; else they may be */
    bool inherited;                 /* they are those of other files: one that lacks is this file's fault */
    bool inherited_ignore;          /* so are the columns to ignore, which need not be there */
    const struct data_spec *spec;   /* features that are known already */
};

/* Reads and checks the whole file. Memory: at most three times its decompressed size, and what csv.h says.
 * ERR_CONFIG, naming a key, where a column of the wish does not exist. */
bool table_read(const char *path, const struct table_wish *wish, struct table *out,
                struct err *err) MUST_CHECK;
void table_release(struct table *table);

/* Brings the features into the order of the names that spec knows, where both have names; ERR_DATA names
 * those that are missing or unknown, or says how many there are. */
bool table_arrange(struct table *table, const char *path, const struct data_spec *spec,
                   struct err *err) MUST_CHECK;

/* ---- labels (table_labels.c) ---- */

/* What the labels of a training table mean, into spec, which has what the config says of classes. Integers
 * that are all of 0 to C - 1 (or, where the config has classes, that are below their number) stay numbers;
 * other labels are names, first those that are integers, by value, then the others bytewise: new names in
 * spec belong to the caller (strings_free). Without labels nothing changes. regression: the loss is one for
 * numbers, so that labels with decimals are refused. */
bool table_name_classes(const struct table *table, const char *path, bool regression, struct data_spec *spec,
                        struct err *err) MUST_CHECK;

/* The labels as numbers of classes, i32 [rows], by what spec says. ERR_DATA for one that is none of them. */
bool table_classes(const struct table *table, const char *path, const struct data_spec *spec, struct idx *out,
                   struct err *err) MUST_CHECK;

#endif
