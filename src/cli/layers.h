/* The figures of the layers as a table for people. */
#ifndef CLI_LAYERS_H
#define CLI_LAYERS_H

#include "base/text.h"
#include "run/run.h"

/* A title with the epoch, then a line a layer. */
void layers_table(const struct net_diagnostics *net, const struct epoch_record *epoch, struct text *out);

#endif
