#include "cli/help.h"

#include <ctype.h>
#include <string.h>

#include "base/names.h"
#include "cli/command.h"
#include "cli/option_rows.h"
#include "cli/print.h"
#include "cli/version.h"
#include "config/config.h"
#include "run/describe.h"

#ifdef __clang__
static const char compiler[] = __VERSION__;
#else
static const char compiler[] = "gcc " __VERSION__;
#endif

static void add_program(struct text *t) {
    text_add(t, "usage: dltrain [train] --config FILE [options]\n       dltrain COMMAND [options]\n\n"
                "Trains multilayer perceptrons; the same config gives the same bits on every "
                "machine.\n\nCommands:\n");
    for (size_t i = 0; command_at(i); i++)
        text_addf(t, "  %-10s %s\n", command_at(i)->name, command_at(i)->summary);
    text_add(t, "\ndltrain help COMMAND lists its options, dltrain help config the keys of a config.\n"
                "\nExit status:\n"
                "  0          done\n"
                "  1          done, but an expectation does not hold\n"
                "  2          the command line is wrong\n"
                "  3          the config is wrong, keys and values of --set included\n"
                "  4          a data or model file is wrong or missing\n"
                "  5          training diverged; the last good model is kept\n"
                "  6          the machine failed: cannot write, disk full, out of memory\n"
                "Stopped by SIGINT or SIGTERM it dies by that signal (a shell shows 130 or 143).\n");
}

static void add_command(struct text *t, const struct command *c) {
    text_addf(t, "usage: dltrain %s\n\n%c%s.\n", c->usage, toupper((unsigned char)c->summary[0]),
              c->summary + 1);
    if (c->example[0])
        text_addf(t, "\nExamples:\n%s", c->example);
    text_add(t, "\nOptions:\n");
    options_help(c->options, t);
}

/* The commands, and behind them the topic that is none. */
static const char *topic_name(size_t i) {
    const struct command *c = command_at(i);
    return c ? c->name : i > 0 && command_at(i - 1) ? "config" : NULL;
}

int help_print(const char *topic) {
    struct text text = {0};
    struct err err = {0};
    int found = topic ? names_find(topic_name, topic) : -1;
    if (topic && found < 0) {
        const char *near = names_nearest(topic_name, topic);
        err_set(&err, ERR_USAGE, "no help on \"%s\"%s%s%s", topic,
                near ? "; did you mean \"" : "; see dltrain help", near ? near : "", near ? "\"?" : "");
        return print_failure(&err);
    }
    if (!topic)
        add_program(&text);
    else if (command_at((size_t)found))
        add_command(&text, command_at((size_t)found));
    else if (!config_help(&text, &err)) {
        text_release(&text);
        return print_failure(&err);
    }
    return print_text(&text);
}

int help_version(void) {
    struct text text = {0};
    text_addf(&text, "dltrain %s (numeric contract %d)\nbuilt with %s; instruction sets", DLTRAIN_VERSION,
              describe_contract(), compiler);
    for (size_t i = 0; describe_kernel(i); i++)
        text_addf(&text, " %s", describe_kernel(i));
    text_add(&text, describe_products(0) ? "\nproducts in bf16 by" : "");
    for (size_t i = 0; describe_products(i); i++)
        text_addf(&text, " %s", describe_products(i));
    text_add(&text, "\n");
    return print_text(&text);
}

int help_usage(void) {
    struct text text = {0};
    text_add(&text,
             "usage: dltrain [train] --config FILE [options]\n       dltrain COMMAND [options]\ncommands:");
    for (size_t i = 0; command_at(i); i++)
        text_addf(&text, " %s", command_at(i)->name);
    text_add(&text, "; see dltrain help COMMAND\n");
    print_log(&text);
    text_release(&text);
    return ERR_USAGE;
}

static const struct option_row options[] = {ROW_HELP, ROW_VERSION, ROW_END};

static int run(const struct arguments *arguments) {
    return help_print(arguments->operand);
}

const struct command command_help = {
    .name = "help",
    .usage = "help [COMMAND|config]",
    .summary = "what a command does, its options, the keys of a config",
    .example = "",
    .options = options,
    .max_operands = 1,
    .run = run,
};
