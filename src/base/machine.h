/* What this process may use of the machine: the processor's affinity and, in a container, the limits of its
 * control group (version 2). A limit of a nested group outside of a container is not seen. */
#ifndef BASE_MACHINE_H
#define BASE_MACHINE_H

#include <stddef.h>

/* Processors, at least 1. */
size_t machine_processors(void);

/* Bytes of memory, SIZE_MAX where nothing is known. */
size_t machine_memory(void);

#endif
