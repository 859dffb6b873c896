/* Whether the tiles of Intel AMX can be used for products in bfloat16. */
#ifndef KERNEL_AMX_H
#define KERNEL_AMX_H

#include <stdbool.h>

/* The processor has them, and the operating system lets this process use them, which it is asked for by the
 * first call. */
bool amx_usable(void);

/* The processor has them, and the operating system does not let this process use them. */
bool amx_refused(void);

#endif
