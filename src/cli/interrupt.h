/* SIGINT and SIGTERM: noted while a training runs, so that it can end between two steps. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

/* From now on the first of the two signals is noted instead of killing; a second one kills. A signal that was
 * ignored at the start stays ignored. */
void interrupt_catch(void);

/* "SIGINT" or "SIGTERM" once it has come, else NULL. */
const char *interrupt_name(void);

/* Dies by the signal that has come, so that whoever started the program sees what ended it; returns where
 * none has. */
void interrupt_die(void);

#endif
