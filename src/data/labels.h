/* What a label file means: integers are classes, floats are targets. Every rule about labels is here. */
#ifndef DATA_LABELS_H
#define DATA_LABELS_H

#include "data/dataset.h"

/* Without a number of classes in the config, a label from here on is a damaged file rather than a class. */
enum { LABELS_MAX_CLASSES = 65536 };

/* Turns the labels read from path into out->cls and class_count, or out->targets and target_width. On failure
 * out is untouched. */
bool labels_convert(const struct idx *labels, const char *path, const struct data_spec *spec,
                    enum target_use use, struct dataset *out, struct err *err) MUST_CHECK;

/* Whether the labels of the set, read from path, are of the kind and width that is expected. */
bool labels_fit(const struct dataset *set, const char *path, size_t outputs, bool classes,
                struct err *err) MUST_CHECK;

#endif
