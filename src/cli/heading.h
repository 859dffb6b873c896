/* What a run is about, in words: the short heading of a training and the full summary of `check`. */
#ifndef CLI_HEADING_H
#define CLI_HEADING_H

#include "base/text.h"
#include "run/describe.h"

/* Three lines: data, model, machine. folder: the run directory. */
void heading_short(const struct description *d, const char *folder, struct text *out);

/* Checksums, memory and the kernel tables of this machine: what --verbose adds. */
void heading_details(const struct description *d, struct text *out);

/* Everything, as tables. */
void heading_full(const struct description *d, struct text *out);

#endif
