#include "run/clock.h"

#include <time.h>

static struct timespec start;

/* Runs before main, so that no caller can forget it. */
__attribute__((constructor)) static void remember_start(void) {
    clock_gettime(CLOCK_MONOTONIC, &start);
}

void clock_restart(void) {
    remember_start();
}

double clock_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start.tv_sec) + 1e-9 * (double)(now.tv_nsec - start.tv_nsec);
}
