/* Help made of the command and option tables. All return the exit status. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

/* topic: a command, "config", or NULL for the program. */
int help_print(const char *topic);
int help_version(void);
/* The short usage for a command line without arguments, to stderr. */
int help_usage(void);

#endif
