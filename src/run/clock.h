/* The time since the process began, by the monotonic clock: changes of the wall clock do not touch it. */
#ifndef RUN_CLOCK_H
#define RUN_CLOCK_H

/* Seconds since the program was loaded (a few hundred microseconds after the process was made). */
double clock_seconds(void);

/* Counts from now on, for a process that runs one thing after the other. */
void clock_restart(void);

#endif
