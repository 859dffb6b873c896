/* Where the time of a training step goes: 784-512-256-10 with momentum, batches of 128, on one thread. */
#include <stdio.h>

#include "bench.h"
#include "config/config.h"
#include "fit/fit.h"
#include "run/setup.h"
#include "timed.h"

enum { EPOCHS = 2 };

/* Seconds of EPOCHS epochs of a new fit with these kernels, the model going on from what it is. */
static bool train(const struct setup *s, const struct kernel *k, double *taken, size_t *steps,
                  struct err *err) {
    struct fit_setup setup = setup_of_fit(s);
    setup.kernel = k;
    struct fit *fit = fit_create(&setup, err);
    if (!fit)
        return false;
    double start = bench_now();
    bool ok = true;
    for (int epoch = 0; ok && epoch < EPOCHS; epoch++)
        ok = fit_steps(fit, SIZE_MAX, err);
    *taken = bench_now() - start;
    *steps = (size_t)fit_status(fit)->total_steps;
    fit_free(fit);
    return ok;
}

static void write_phase(struct json_writer *w, const char *name, double seconds, double all) {
    json_begin_object(w);
    json_key(w, "phase"), json_string(w, name);
    json_key(w, "seconds"), json_number(w, seconds);
    json_key(w, "share"), json_number(w, seconds / all);
    json_end_object(w);
}

/* What the kernels do not account for is the loops around them, and the reading of the clock. */
static void write_phases(struct json_writer *w, double all) {
    double rest = all;
    json_key(w, "phases");
    json_begin_array(w);
    for (int phase = 0; phase < PHASE_COUNT; phase++) {
        double seconds = timed_seconds((enum phase)phase);
        rest -= seconds;
        write_phase(w, phase_name((enum phase)phase), seconds, all);
    }
    write_phase(w, "rest", rest, all);
    json_end_array(w);
}

static bool measure(const struct setup *s, struct json_writer *w, struct err *err) {
    double plain, timed;
    size_t steps;
    if (!train(s, s->kernel, &plain, &steps, err) || !train(s, timed_kernel(s->kernel), &timed, &steps, err))
        return false;
    json_key(w, "profile");
    json_begin_object(w);
    json_key(w, "model"), json_string(w, "784-512-256-10, batch 128, momentum 0.9, 1 thread");
    json_key(w, "steps"), json_uint(w, steps);
    json_key(w, "seconds"), json_number(w, timed);
    json_key(w, "seconds_without_clock"), json_number(w, plain);
    write_phases(w, timed);
    json_end_object(w);
    return true;
}

static bool load(const char *data, enum precision precision, struct config *config, struct err *err) {
    struct text root = {0};
    char of[32];
    snprintf(of, sizeof of, "precision=%s", precision_name(precision));
    text_addf(&root, "data.root=%s", data);
    if (!text_ok(&root, err))
        return false;
    const char *const set[] = {
        root.s,
        of,
        "data.scale=unit",
        "model.layers=[{\"units\": 512}, {\"units\": 256}]",
        "optimizer.lr=0.05",
        "optimizer.momentum=0.9",
        "train.batch_size=128",
        "threads=1",
    };
    struct config_faults faults = {0};
    bool ok = config_load("configs/mnist.json", set, sizeof set / sizeof *set, config, &faults, err);
    config_faults_release(&faults);
    text_release(&root);
    return ok;
}

bool bench_profile(const char *data, const char *isa, enum precision precision, struct json_writer *w,
                   struct err *err) {
    struct config config;
    struct setup setup;
    if (!load(data, precision, &config, err))
        return false;
    bool ok = setup_open(&config, isa, false, &setup, err);
    if (ok) {
        ok = setup_start(&setup, NULL, err) && measure(&setup, w, err);
        setup_release(&setup);
    }
    config_release(&config);
    return ok;
}
