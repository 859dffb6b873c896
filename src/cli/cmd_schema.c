#include "cli/command.h"
#include "cli/option_rows.h"
#include "cli/print.h"
#include "config/config.h"

static const struct option_row options[] = {
    {.name = "markdown",
     .kind = OPTION_FLAG,
     .help = "print the key reference as a Markdown table",
     AT(markdown)},
    ROW_HELP,
    ROW_VERSION,
    ROW_END,
};

static int run_command(const struct arguments *a) {
    struct text text = {0};
    struct err err = {0};
    if (a->markdown ? config_reference(&text, &err) : config_schema(&text, &err))
        return print_text(&text);
    text_release(&text);
    return print_failure(&err);
}

const struct command command_schema = {
    .name = "schema",
    .usage = "schema [--markdown]",
    .summary = "print the JSON Schema of the config, for editors",
    .example = "  dltrain schema > dltrain.schema.json\n",
    .options = options,
    .run = run_command,
};
