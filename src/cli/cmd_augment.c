#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/option_rows.h"
#include "cli/print.h"
#include "run/contact_sheet.h"

/* More do not fit a picture. */
enum { MAX_COUNT = 1 << 24 };

static const struct option_row options[] = {
    ROW_CONFIG,
    {.name = "out",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "the picture: a name that ends in .png or .pgm",
     AT(out)},
    {.name = "rows",
     .kind = OPTION_NUMBER,
     .value = "N",
     .help = "images, of the classes in turn; default one of every class",
     AT(rows),
     .min = 1,
     .max = MAX_COUNT},
    {.name = "columns",
     .kind = OPTION_NUMBER,
     .value = "N",
     .help = "epochs beside the original; default 9",
     AT(columns),
     .min = 1,
     .max = MAX_COUNT},
    ROW_SEED,
    ROW_SET,
    ROW_THREADS,
    ROW_ISA,
    ROW_HELP,
    ROW_VERSION,
    ROW_END,
};

static bool draw(const struct config *config, const struct arguments *a, struct text *out, struct err *err) {
    const struct contact_sheet wish = {.images = a->rows,
                                       .epochs = a->columns ? a->columns : CONTACT_SHEET_EPOCHS};
    struct contact_sheet sheet;
    if (!contact_sheet_write(config, chosen_isa(a), &wish, a->out, &sheet, err))
        return false;
    add_printable(out, a->out);
    text_addf(out, ": %zu image%s in %zu epoch%s, %zu x %zu pixels\n", sheet.images,
              sheet.images == 1 ? "" : "s", sheet.epochs, sheet.epochs == 1 ? "" : "s", sheet.width,
              sheet.height);
    return true;
}

static int run_command(const struct arguments *a) {
    struct config config;
    struct text text = {0};
    struct err err = {0};
    if (!a->out) {
        err_set(&err, ERR_USAGE, "augment needs --out FILE");
        return print_failure(&err);
    }
    int status = config_file_open(a, "augment", &config);
    if (status)
        return status;
    bool ok = config_file_spared(a, &config, &err) && draw(&config, a, &text, &err);
    config_release(&config);
    return ok ? print_text(&text) : config_file_failure(a, &err);
}

const struct command command_augment = {
    .name = "augment",
    .usage = "augment --config FILE --out FILE.png [options]",
    .summary = "draw training images and what augmentation makes of them, epoch by epoch",
    .example = "  dltrain augment --config mlp.json --set augment.rotate=15 --out sheet.png\n",
    .options = options,
    .run = run_command,
};
