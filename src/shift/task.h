/* What an iterator is at, for who watches it. */
#ifndef SHIFT_TASK_H
#define SHIFT_TASK_H

#include <stddef.h>

struct task_status {
    const char *what;   /* "bootstrap" */
    size_t done, total; /* of its parts; total 0: it has none */
};

#endif
