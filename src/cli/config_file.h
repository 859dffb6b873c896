/* The config that the options name, and what else commands have in common. */
#ifndef CLI_CONFIG_FILE_H
#define CLI_CONFIG_FILE_H

#include "cli/options.h"
#include "config/config.h"
#include "run/setup.h"

/* Reads --config with the overrides. 0, or the exit status after every fault has been printed; on success the
 * caller releases the config. command names the command in the message of a missing --config. */
int config_file_open(const struct arguments *arguments, const char *command, struct config *config);

/* Prints the failure of a command, a fault of the config behind the name of its file; returns the exit
 * status. */
int config_file_failure(const struct arguments *arguments, struct err *err);

/* Refuses --out FILE where the config, or a file that it names, would be replaced: ERR_USAGE. */
bool config_file_spared(const struct arguments *arguments, const struct config *config,
                        struct err *err) MUST_CHECK;

/* The instruction set that --isa or DLTRAIN_ISA asks for; NULL: the best. */
const char *chosen_isa(const struct arguments *arguments);

/* Says why the best instruction set of this processor is not among those to choose from, if there was a
 * choice and it is so. */
void warn_of_obstacle(const struct arguments *arguments, const struct kernel *chosen);

#endif
