#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/option_rows.h"
#include "cli/print.h"
#include "run/infer.h"

static const struct option_row options[] = {
    ROW_MODEL,
    ROW_CONFIG,
    ROW_SET,
    {.name = "out",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "write the model with its temperature; default: print only",
     AT(out)},
    ROW_THREADS,
    ROW_ISA,
    ROW_JSON("the figures"),
    ROW_QUIET,
    ROW_HELP,
    ROW_VERSION,
    ROW_END,
};

static bool add_report(const struct inference *inference, const struct calibration *calibration,
                       const struct arguments *a, struct text *out, struct err *err) {
    if (a->json)
        return inference_print_calibration(inference, calibration, out, err);
    add_calibration(out, calibration);
    return text_ok(out, err);
}

static bool calibrate(const struct config *config, const struct arguments *a, struct text *out,
                      struct err *err) {
    struct inference inference;
    struct calibration calibration;
    if (!inference_open(a->model, config->threads, chosen_isa(a), NULL, &inference, err))
        return false;
    bool ok = inference_calibrate(&inference, config, &calibration, err);
    ok = ok && add_report(&inference, &calibration, a, out, err) &&
         (!a->out || inference_save(&inference, calibration.temperature, a->out, err));
    inference_release(&inference);
    return ok;
}

static int run_command(const struct arguments *a) {
    struct config config;
    struct text text = {0};
    struct err err = {0};
    if (!a->model) {
        err_set(&err, ERR_USAGE, "calibrate needs --model FILE");
        return print_failure(&err);
    }
    int status = config_file_open(a, "calibrate", &config);
    if (status)
        return status;
    bool ok = config_file_spared(a, &config, &err) && calibrate(&config, a, &text, &err);
    config_release(&config);
    if (ok)
        return print_text(&text);
    text_release(&text);
    return config_file_failure(a, &err);
}

const struct command command_calibrate = {
    .name = "calibrate",
    .usage = "calibrate --model FILE --config FILE [options]",
    .summary = "fit a temperature to a saved model on the validation part of a config",
    .example = "  dltrain calibrate --model runs/mnist/model.safetensors --config mlp.json --out "
               "calibrated.safetensors\n",
    .options = options,
    .run = run_command,
};
