/* Signals while a training runs: SIGINT and SIGTERM are noted, so that it can end between two steps, SIGUSR1
 * asks for a checkpoint, and a lost terminal is no reason to end. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on SIGUSR1 is noted and SIGHUP ignored: for a command that is going to train, from its start, so
 * that who sends them need not wait for that. */
void interrupt_listen(void);

/* From now on the first SIGINT or SIGTERM is noted instead of killing; a second one kills, unless it comes so
 * soon that it is the same wish told twice; and interrupt_listen. A signal that was ignored at the start
 * stays ignored. */
void interrupt_catch(void);

/* Whether SIGUSR1 has come since the last call. */
bool interrupt_asked(void);

/* "SIGINT" or "SIGTERM" once it has come, else NULL. */
const char *interrupt_name(void);

/* Dies by the signal that has come, so that whoever started the program sees what ended it; returns where
 * none has. Not after a failure: death by a signal says that what was done is kept. */
void interrupt_die(void);

#endif
