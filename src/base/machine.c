#include "base/machine.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

/* The first one or two numbers of a control group's file (version 2, mounted as in every container); false
 * where there is none or it says "max". */
static bool group_limit(const char *path, unsigned long long *first, unsigned long long *second) {
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool found = fscanf(file, "%llu", first) == 1 && (!second || fscanf(file, "%llu", second) == 1);
    fclose(file);
    return found;
}

static size_t affinity(void) {
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (size_t)CPU_COUNT(&set);
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (size_t)n : 1;
}

size_t machine_processors(void) {
    size_t n = affinity();
    unsigned long long quota, period;
    if (group_limit("/sys/fs/cgroup/cpu.max", &quota, &period) && period > 0) {
        size_t share = (size_t)((quota + period - 1) / period);
        n = share >= 1 && share < n ? share : n;
    }
    return n;
}

size_t machine_memory(void) {
    size_t bytes = SIZE_MAX;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0)
        bytes = (size_t)pages * (size_t)page;
    unsigned long long limit;
    if (group_limit("/sys/fs/cgroup/memory.max", &limit, NULL) && limit < bytes)
        bytes = (size_t)limit;
    return bytes;
}
