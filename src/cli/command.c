#include "cli/command.h"

#include "cli/help.h"
#include "cli/print.h"

static const struct command *const commands[] = {
    &command_train,     &command_check,   &command_eval,     &command_predict, &command_calibrate,
    &command_gradcheck, &command_augment, &command_resample, &command_shift,   &command_compare,
    &command_verify,    &command_schema,  &command_help,
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

const struct command *command_at(size_t i) {
    return i < COMMANDS ? commands[i] : NULL;
}

static const char *command_name(size_t i) {
    return i < COMMANDS ? commands[i]->name : NULL;
}

/* topic: what --help is about, NULL: the program. */
static int run(const struct command *command, const char *topic, int argc, char **argv) {
    struct arguments arguments;
    struct err err = {0};
    int status;
    if (!options_parse(command->options, argc, argv, command->max_operands, &arguments, &err))
        status = print_failure(&err);
    else if (arguments.help)
        status = help_print(topic);
    else if (arguments.version)
        status = help_version();
    else
        status = command->run(&arguments);
    arguments_release(&arguments);
    return status;
}

int command_run(int argc, char **argv) {
    if (argc < 2)
        return help_usage();
    if (argv[1][0] == '-')
        return run(&command_train, NULL, argc, argv);
    int found = names_find(command_name, argv[1]);
    if (found >= 0)
        return run(commands[found], argv[1], argc - 1, argv + 1);
    struct err err;
    const char *near = names_nearest(command_name, argv[1]);
    err_set(&err, ERR_USAGE, "unknown command \"%s\"%s%s%s", argv[1],
            near ? "; did you mean \"" : "; see dltrain help", near ? near : "", near ? "\"?" : "");
    return print_failure(&err);
}
