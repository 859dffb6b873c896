/* A config that was read is written out, and reads back to the same. */
#ifndef TESTS_FUZZ_RESOLVED_H
#define TESTS_FUZZ_RESOLVED_H

#include "config/config.h"

/* Prints the config, loads what it printed and prints that: no difference. Releases it. */
void resolved_check(struct config *config);

/* A config that was refused has said why. Releases the faults. */
void refused_check(const struct err *err, struct config_faults *faults);

#endif
