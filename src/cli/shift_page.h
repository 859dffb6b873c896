/* What was found out about a shift, for people. */
#ifndef CLI_SHIFT_PAGE_H
#define CLI_SHIFT_PAGE_H

#include "base/text.h"
#include "run/estimation.h"

/* One line: "shift  label: detected (BBSD p = 1e-12), ...". */
void shift_line(const struct estimation_result *result, struct text *out);

/* The whole page. class_name: NULL for numbers. */
void shift_page(const struct estimation_result *result, char *const *class_name, struct text *out);

/* The accuracies on the target, a line each, or the losses where its labels are no classes; nothing without
 * labels. */
void shift_worth(const struct target_worth *worth, struct text *out);

#endif
