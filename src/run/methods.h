/* The methods that a config switches on beyond loss and update rule, a phrase each: "dropout 0.2 of the
 * inputs, 0.5 of the layers", "l1 3e-05", "cosine schedule". */
#ifndef RUN_METHODS_H
#define RUN_METHODS_H

#include "base/text.h"
#include "config/config.h"

/* Appends the phrase of method i, or nothing where the config does not switch it on. False behind the last.
 */
bool methods_add(const struct config *config, size_t i, struct text *out);

#endif
