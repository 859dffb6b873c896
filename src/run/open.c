/* How a run begins, or is taken up again, and ends being one. */
#include <math.h>

#include "base/file.h"
#include "base/mem.h"
#include "run/clock.h"
#include "run/run_parts.h"

/* Where it ran, and on what: the one for config.json, both for the checkpoints. */
static bool note_identity(struct run *run, struct err *err) {
    setup_digests(&run->setup, &run->data_text);
    return config_print(run->config, &run->config_text, err) && text_ok(&run->data_text, err);
}

static bool write_config(const struct run *run, struct err *err) {
    return folder_write(&run->folder, "config.json", run->config_text.s, run->config_text.len, err);
}

/* Before the data are loaded what needs none, afterwards the rest. */
static bool check_expectations(const struct run *run, const struct setup *setup, struct err *err) {
    const struct figure_scope scope = {.config = run->config, .setup = setup, .seeds = run->seeds};
    return expectations_check(&run->expectations, &scope, err);
}

static struct run *create(const struct config *config, const struct run_options *options, struct err *err) {
    struct run *run = mem_alloc(1, sizeof *run, "the run", err);
    if (!run)
        return NULL;
    run->config = config;
    run->folder.lock = -1;
    run->training = &run->search;
    run->phase = shift_has_target(config->shift.kind) ? PHASE_ESTIMATION : PHASE_SEARCH;
    run->calibration.temperature = (double)NAN;
    run->result.version = options->version;
    run->seeds = options->seeds;
    return run;
}

/* As the paths of the config: it leads to the file from any working directory. */
static bool note_start(struct run *run, const char *init_from, struct err *err) {
    char *absolute = init_from ? file_absolute(init_from, err) : NULL;
    if (init_from && !absolute)
        return false;
    text_add(&run->init_from, absolute ? absolute : "");
    mem_free(absolute);
    return text_ok(&run->init_from, err);
}

/* A new run. */
static bool begin(struct run *run, const char *init_from, struct err *err) {
    return note_start(run, init_from, err) && folder_begin(&run->folder, err) && write_config(run, err) &&
           warnings_of_schedule(&run->warnings, run->config, err) &&
           (init_from || warnings_of_config(&run->warnings, run->config, err));
}

/* One that goes on, from the checkpoint. */
static bool go_on(struct run *run, struct checkpoint *checkpoint, struct err *err) {
    return resume_from(run, checkpoint, err) && folder_go_on(&run->folder, run->resumed.by_previous, err) &&
           write_config(run, err);
}

/* One that is finished: nothing is done, but for looking whether it is still that of config and data. */
static bool look_back(struct run *run, const struct run_options *options, struct err *err) {
    struct setup *s = &run->setup;
    return setup_open(run->config, options->isa, false, s, err) && setup_shift(s, err) &&
           check_expectations(run, s, err) && resume_check_data(run, err) && run_judge(run, err);
}

/* With everything loaded, as it is before the first step. */
static bool make_ready(struct run *run, const struct run_options *options, struct checkpoint *checkpoint,
                       struct err *err) {
    struct setup *s = &run->setup;
    const char *init_from = checkpoint ? NULL : options->init_from;
    if (!setup_open(run->config, options->isa, !checkpoint && !init_from, s, err) ||
        !check_expectations(run, s, err) || (!checkpoint && !setup_start(s, init_from, err)) ||
        !training_begin(&run->search, s, NULL, err) ||
        !correction_begin(&run->correction, s, &run->warnings, err) || !note_identity(run, err) ||
        !(run->keeper = keeper_create(&run->folder, err)))
        return false;
    return checkpoint ? go_on(run, checkpoint, err) : begin(run, init_from, err);
}

/* What the run is going to replace must not be among its data: they are read again when it goes on. (A model
 * that it begins from may be: it is read once, and --force was said.) */
static bool spare_data(const struct run *run, struct err *err) {
    bool ok = true;
    for (size_t i = 0; ok && folder_written(i); i++) {
        char *path = folder_file(&run->folder, folder_written(i), err);
        ok = path && (!config_reads(run->config, path) ||
                      err_set(err, ERR_USAGE,
                              "%s: the run would replace it, and reads it: give another --out", path));
        mem_free(path);
    }
    return ok;
}

static bool open_run(struct run *run, const struct run_options *options, struct err *err) {
    enum folder_use use = options->resume ? FOLDER_RESUME : options->force ? FOLDER_REPLACE : FOLDER_NEW;
    struct checkpoint *checkpoint = NULL;
    /* First what costs nothing and makes nothing. */
    bool ok =
        expectations_gather(&run->config->expect, options->expect, &run->expectations, err) &&
        check_expectations(run, NULL, err) &&
        kernel_find(options->isa, (enum precision)run->config->precision, err) &&
        folder_open(options->folder, run->config->name, use, &run->folder, err) &&
        (!options->resume || resume_find(run, options->init_from, &checkpoint, err)) &&
        (run->resumed.on || spare_data(run, err)) &&
        (run->resumed.finished ? look_back(run, options, err) : make_ready(run, options, checkpoint, err));
    checkpoint_free(checkpoint);
    if (!ok || run->resumed.finished)
        return ok;
    run->result.init_from = run->init_from.len ? run->init_from.s : NULL;
    run->result.load_seconds = run->kept_at = clock_seconds();
    return true;
}

struct run *run_open(const struct config *config, const struct run_options *options, struct err *err) {
    struct run *run = create(config, options, err);
    if (run && open_run(run, options, err))
        return run;
    run_free(run);
    return NULL;
}

void run_free(struct run *run) {
    if (!run)
        return;
    keeper_free(run->keeper);
    text_release(&run->notice);
    text_release(&run->init_from);
    text_release(&run->data_text);
    text_release(&run->config_text);
    expectations_release(&run->expectations);
    warnings_release(&run->warnings);
    text_release(&run->summary);
    text_release(&run->message);
    correction_release(&run->correction);
    measurement_release(&run->test);
    stream_release(&run->stream);
    training_release(&run->refit);
    training_release(&run->search);
    setup_state_release(&run->found);
    metrics_release(&run->metrics);
    setup_release(&run->setup);
    folder_close(&run->folder);
    mem_free(run);
}
