/* The config keys in which runs differ, as columns of a table. */
#ifndef RUN_CONFIG_TABLE_H
#define RUN_CONFIG_TABLE_H

#include <stddef.h>

#include "base/err.h"
#include "base/json.h"

/* A list of objects, such as model.layers, is a column as a whole. */
struct config_column {
    char *path;         /* "optimizer.lr"; owned */
    const cJSON **item; /* [runs] what a run has there; NULL: nothing, or null; owned */
    char **text;        /* [runs] the same for people, short: of a list of objects the first member of each,
                         * and others where runs differ in them; "" for nothing; owned */
};

struct config_table {
    size_t runs, columns;
    struct config_column *column;
};

/* Of the configs of `runs` runs; NULL: not known, and then it says nothing about differences. `name` is no
 * column. The documents are borrowed. On failure nothing is left to release. */
bool config_table_make(struct json *const *config, size_t runs, struct config_table *out,
                       struct err *err) MUST_CHECK;
void config_table_release(struct config_table *table);

#endif
