/* What the options of resample ask for. */
#ifndef CLI_RESAMPLE_OPTIONS_H
#define CLI_RESAMPLE_OPTIONS_H

#include "cli/options.h"
#include "run/resample.h"

enum { RESAMPLE_MOST_WINDOWS = 1000 };

/* ERR_USAGE names the option. Release with resample_options_release, also after a failure. */
bool resample_options(const struct arguments *a, struct resample_wish *out, struct err *err) MUST_CHECK;
void resample_options_release(struct resample_wish *wish);

#endif
