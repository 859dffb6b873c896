/* What the files of data/table.h share. */
#ifndef DATA_TABLE_PARTS_H
#define DATA_TABLE_PARTS_H

#include "data/csv.h"
#include "data/table.h"

enum role { ROLE_FEATURE, ROLE_LABEL, ROLE_TARGET, ROLE_IGNORED };

/* What each column is. */
struct layout {
    size_t columns, features, targets;
    bool labels;         /* there is a column of them */
    unsigned char *role; /* [columns] enum role */
    uint32_t *place;     /* [columns] of a target: which output it is */
    char **name;         /* [columns], NULL without a header */
};

/* From the first row, which csv has taken: whether it is a header (set in csv, with the names), and what the
 * columns are by the wish. Release with layout_release, behind the last use of csv. */
bool layout_make(struct csv *csv, const struct table_wish *wish, struct layout *out,
                 struct err *err) MUST_CHECK;
void layout_release(struct layout *layout);

/* Whether a list of columns has names, and where the layout of the table has a column: SIZE_MAX where it has
 * not. */
bool columns_by_name(const struct columns *columns);
size_t layout_find(const struct layout *layout, const struct column *column);

/* Whether a field stands for a value that is not known: it is empty, or NA, N/A, NaN, null or ?, in capitals
 * or not. */
bool field_is_missing(struct csv_field *field);

#endif
