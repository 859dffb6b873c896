/* What this process may use of the machine: the processor's affinity and, in a container, the control group's
 * limits. */
#ifndef BASE_MACHINE_H
#define BASE_MACHINE_H

#include <stddef.h>

/* Processors, at least 1. */
size_t machine_processors(void);

/* Bytes of memory, SIZE_MAX where nothing is known. */
size_t machine_memory(void);

#endif
