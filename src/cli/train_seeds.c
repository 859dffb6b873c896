#include "cli/train_seeds.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "cli/config_file.h"
#include "cli/interrupt.h"
#include "cli/place.h"
#include "cli/print.h"
#include "cli/table.h"
#include "cli/version.h"
#include "run/clock.h"
#include "run/folder.h"
#include "run/seeds.h"

/* All that the runs have in common. */
struct series {
    const struct config *config;
    const struct arguments *a;
    struct gate *gate;
    carry_through *train;
    char *folder; /* owned */
    struct seeds seeds;
    struct expectations judged;
    struct junit_properties properties;
    double seconds; /* of the runs so far */
    bool trained;   /* one of them, now */
    bool replaced;  /* the record of all: it is gone */
};

/* ---- one run ---- */

/* The status; a signal leaves the run out. */
static int finish_run(struct series *s, struct run *run, const struct config *config, struct err *err) {
    const struct setup *setup = run_setup(run);
    if (run_resumed(run)->finished)
        return seeds_add(&s->seeds, config->seed, run_summary(run), err) ? 0 : print_failure(err);
    if (!s->train(run, config, s->a, err)) {
        err_prefix(err, "seed %" PRIu64, config->seed);
        return print_failure(err);
    }
    if (!run_result(run))
        return run_stop(run, err) ? 0 : print_failure(err);
    if (!s->trained) {
        junit_property(&s->properties, "isa", "%s", setup->kernel->name);
        junit_property(&s->properties, "threads", "%zu", team_size(setup->team));
    }
    s->trained = true;
    return seeds_add(&s->seeds, config->seed, run_summary(run), err) ? 0 : print_failure(err);
}

static int train_one(struct series *s, uint64_t seed) {
    struct err err = {0};
    struct config config = *s->config; /* what it owns stays the other's */
    struct run_options wish = {
        .force = s->a->force,
        .resume = s->a->resume,
        .init_from = s->a->init_from,
        .isa = chosen_isa(s->a),
        .version = DLTRAIN_VERSION,
        .expect = &s->gate->options,
        .seeds = (size_t)s->a->seeds,
    };
    config.seed = seed;
    clock_restart();
    char *folder = seeds_folder(s->folder, seed, &err);
    wish.folder = folder;
    struct run *run = folder ? run_open(&config, &wish, &err) : NULL;
    int status = run ? gate_ready(s->gate) : config_file_failure(s->a, &err);
    if (run && s->a->resume && !s->a->quiet)
        place_resumed(run);
    /* Not before the first one is ready: what is refused changes nothing. */
    if (run && status == 0 && !s->replaced) {
        warn_of_obstacle(s->a, run_setup(run)->kernel);
        status = (s->replaced = seeds_replace(s->folder, &err)) ? 0 : print_failure(&err);
    }
    if (run && status == 0)
        status = finish_run(s, run, &config, &err);
    run_free(run);
    mem_free(folder);
    s->seconds += clock_seconds();
    return status;
}

/* ---- the table ---- */

static const struct seeds_column {
    const char *path, *title;
    double scale;
    const char *format;
} columns[] = {
    {"test.accuracy", "test accuracy %", 100, "%.2f"},
    {"test.loss", "test loss", 1, "%.6g"},
    {"validation.accuracy", "validation accuracy %", 100, "%.2f"},
    {"validation.loss", "validation loss", 1, "%.6g"},
    {"train.loss", "train loss", 1, "%.6g"},
    {"epochs_run", "epochs", 1, "%.6g"},
};

enum { COLUMNS = sizeof columns / sizeof *columns };

static void add_number(struct table *t, const struct seeds_column *c, double value) {
    char text[32];
    snprintf(text, sizeof text, c->format, c->scale * value);
    table_cell(t, "%s", isnan(value) ? "-" : text);
}

static void add_head(const long figure[COLUMNS], struct table *t) {
    *t = (struct table){.columns = 2}; /* the seed in front, the digest behind */
    for (size_t c = 0; c < COLUMNS; c++)
        if (figure[c] >= 0)
            t->right |= 1U << (t->columns++ - 1);
    table_cell(t, "seed");
    for (size_t c = 0; c < COLUMNS; c++)
        if (figure[c] >= 0)
            table_cell(t, "%s", columns[c].title);
    table_cell(t, "model digest");
}

static void add_runs(const struct seeds *s, const long figure[COLUMNS], struct table *t) {
    for (size_t i = 0; i < s->runs; i++) {
        table_cell(t, "%" PRIu64, s->run[i].seed);
        for (size_t c = 0; c < COLUMNS; c++)
            if (figure[c] >= 0)
                add_number(t, &columns[c], s->figure[figure[c]].value[i]);
        table_cell(t, "%.16s", s->run[i].digest);
    }
}

static void add_statistics(const struct seeds *s, const long figure[COLUMNS], struct table *t) {
    static const char *const names[] = {"mean", "sd", "min", "max"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        table_cell(t, "%s", names[k]);
        for (size_t c = 0; c < COLUMNS; c++) {
            if (figure[c] < 0)
                continue;
            const struct seed_statistics st = seeds_statistics(s, (size_t)figure[c]);
            const double value[] = {st.mean, st.deviation, st.min, st.max};
            add_number(t, &columns[c], value[k]);
        }
        table_cell(t, "%s", "");
    }
}

static void add_table(const struct seeds *s, struct text *out) {
    long figure[COLUMNS];
    struct table table;
    for (size_t c = 0; c < COLUMNS; c++)
        figure[c] = seeds_find(s, columns[c].path);
    add_head(figure, &table);
    add_runs(s, figure, &table);
    add_statistics(s, figure, &table);
    table_print(&table, 0, out);
}

/* ---- all of them ---- */

static int print_all(struct series *s) {
    struct text json = {0}, page = {0};
    struct err err = {0};
    bool ok = expectations_gather(&s->config->expect, &s->gate->options, &s->judged, &err) &&
              expectations_judge(&s->judged, figure_of_seeds, &s->seeds, &err) &&
              seeds_print(&s->seeds, s->config->name, &s->judged, &json, &err) &&
              seeds_write(s->folder, &json, &err);
    if (!ok || s->a->json) {
        int status = ok ? print_text(&json) : print_failure(&err);
        text_release(&json);
        return status;
    }
    text_release(&json);
    add_table(&s->seeds, &page);
    gate_lines(&s->judged, &page);
    text_addf(&page, "seconds               %.2f in all\nrun directories       ", s->seconds);
    add_printable(&page, s->folder);
    text_addf(&page, "/seed-%" PRIu64 " to seed-%" PRIu64 "\n", s->config->seed,
              s->config->seed + s->a->seeds - 1);
    return print_text(&page);
}

static void log_interrupt(const struct series *s) {
    struct text text = {0};
    text_addf(&text,
              "dltrain: stopped by %s after %zu of %zu seeds; the same command with --resume goes on\n",
              interrupt_name(), s->seeds.runs, (size_t)s->a->seeds);
    if (!s->a->quiet)
        print_log(&text);
    text_release(&text);
}

static int train_all(struct series *s) {
    int status = 0;
    for (size_t i = 0; i < s->a->seeds && status == 0 && !interrupt_name(); i++)
        status = train_one(s, s->config->seed + i);
    if (status == 0 && s->seeds.runs == s->a->seeds)
        return print_all(s);
    if (status == 0)
        log_interrupt(s);
    return status;
}

static bool begin(struct series *s, struct err *err) {
    uint64_t first = s->config->seed, count = s->a->seeds;
    if (first > UINT64_MAX - (count - 1))
        return err_set(err, ERR_USAGE,
                       "--seeds %" PRIu64 " from seed %" PRIu64 " on: there is none above %" PRIu64, count,
                       first, UINT64_MAX);
    s->folder = folder_path(s->a->out, s->config->name, err);
    return s->folder && seeds_begin(s->folder, first, (size_t)count, s->a->force || s->a->resume, err);
}

int train_seeds(const struct config *config, const struct arguments *a, struct gate *gate,
                carry_through *train) {
    struct err err = {0};
    struct series s = {.config = config, .a = a, .gate = gate, .train = train};
    interrupt_catch();
    junit_property(&s.properties, "seeds", "%" PRIu64 " to %" PRIu64, config->seed,
                   config->seed + a->seeds - 1);
    junit_property(&s.properties, "version", "%s", DLTRAIN_VERSION);
    struct gate_end end = {.status = begin(&s, &err) ? train_all(&s) : print_failure(&err)};
    end.seconds = s.seconds;
    end.judged = s.judged.judged ? &s.judged : NULL;
    end.properties = &s.properties;
    int status = gate_close(gate, &end);
    expectations_release(&s.judged);
    seeds_release(&s.seeds);
    mem_free(s.folder);
    return status;
}
