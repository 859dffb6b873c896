#include <math.h>

#include "base/mem.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/option_rows.h"
#include "cli/print.h"
#include "cli/table.h"
#include "run/gradcheck.h"

static const struct option_row options[] = {
    ROW_CONFIG,
    ROW_SET,
    ROW_INIT_FROM,
    ROW_SEED,
    {.name = "samples",
     .kind = OPTION_NUMBER,
     .value = "N",
     .help = "the first N training samples of the first epoch; default 16",
     AT(samples),
     .min = 1,
     .max = 1 << 20,
     .fallback = 16},
    {.name = "coordinates",
     .kind = OPTION_NUMBER,
     .value = "N",
     .help = "central differences of each tensor, 0: of all its elements; default 64",
     AT(coordinates),
     .max = 1 << 30,
     .fallback = 64},
    {.name = "tolerance",
     .kind = OPTION_REAL,
     .value = "X",
     .help = "largest relative error of a difference; default 1e-6",
     AT(tolerance)},
    {.name = "jvp",
     .kind = OPTION_FLAG,
     .help = "a derivative along a random direction as well, by forward mode",
     AT(jvp)},
    ROW_THREADS,
    ROW_ISA,
    ROW_JSON("the report"),
    ROW_HELP,
    ROW_VERSION,
    ROW_END,
};

static const double default_tolerance = 1e-6;

/* Where a training's gradient is compared: what it is off, and what the rounding of factors does. */
static void add_titles(struct table *table, bool in_training) {
    static const char *const titles[] = {"tensor",     "shape",   "gradient", "adjoint",
                                         "difference", "checked", "skipped"};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        table_cell(table, "%s", titles[i]);
    if (in_training)
        table_cell(table, "training"), table_cell(table, "rounding");
    table_cell(table, "result");
}

static void add_row(struct table *table, const struct checked_tensor *t, bool in_training) {
    table_cell(table, "%s", t->name);
    if (t->dims == 2)
        table_cell(table, "%zu x %zu", t->shape[0], t->shape[1]);
    else
        table_cell(table, "%zu", t->shape[0]);
    table_cell(table, "%.3g", t->norm);
    table_cell(table, "%.1e", t->adjoint_error);
    if (t->checked)
        table_cell(table, "%.1e", t->difference_error);
    else
        table_cell(table, "-");
    table_cell(table, "%zu", t->checked);
    table_cell(table, "%zu", t->skipped);
    if (in_training)
        table_cell(table, "%.1e", t->training_error), table_cell(table, "%.1e", t->rounding);
    table_cell(table, "%s", t->ok ? "ok" : "FAIL");
}

static void add_tensors(const struct gradient_report *r, struct text *out) {
    struct table table = {.columns = r->in_training ? 10 : 8, .right = r->in_training ? 0x1fe : 0x7e};
    add_titles(&table, r->in_training);
    for (size_t i = 0; i < r->tensors; i++)
        add_row(&table, &r->tensor[i], r->in_training);
    table_print(&table, 0, out);
}

static void add_direction(const struct checked_direction *d, struct text *out) {
    text_addf(out,
              "\nderivative along a random direction\n"
              "  forward mode, one sweep    %.17g\n"
              "  <gradient, direction>      %.17g  adjoint error %.1e\n",
              d->forward, d->reverse, d->adjoint_error);
    if (d->kink)
        text_add(out, "  central difference         none: a kink lies between\n");
    else
        text_addf(out, "  central difference         %.17g  difference error %.1e\n", d->difference,
                  d->difference_error);
}

static void add_cost(const struct gradient_cost *c, struct text *out) {
    text_addf(out,
              "\nmultiplications a sample\n"
              "  forward pass               %.0f\n"
              "  reverse sweep              %.0f; forward and reverse are %.4f forward passes\n"
              "  derivative in a direction  %.0f, one sweep in forward mode beside the pass\n"
              "  whole gradient             %.0f by one reverse sweep, %.4g by %zu sweeps in forward mode\n"
              "numbers a sample keeps       %.0f for the reverse sweep\n",
              c->forward, c->reverse, (c->forward + c->reverse) / c->forward, c->jvp, c->reverse,
              (double)c->elements * c->jvp, c->elements, c->kept);
}

/* Where the largest errors of the tensors that fail are, and which tensors could not be checked. */
static void add_remarks(const struct gradient_report *r, struct text *out) {
    for (size_t i = 0; i < r->tensors; i++) {
        const struct checked_tensor *t = &r->tensor[i];
        if (!t->checked)
            text_addf(out, "%s: no difference was taken: a kink lies in the way of every element tried\n",
                      t->name);
        else if (t->adjoint_error > GRADIENT_ADJOINT_TOLERANCE)
            text_addf(out, "%s: forward and reverse mode disagree\n", t->name);
        else if (r->in_training && !isfinite(t->training_error))
            text_addf(out, "%s: the gradient of a training in bfloat16 is not finite\n", t->name);
        else if (r->in_training && t->training_error > r->training_tolerance)
            text_addf(out, "%s: the gradient of a training in bfloat16 is off by %.2g of its norm\n", t->name,
                      t->training_error);
        else if (!t->ok)
            text_addf(out, "%s: at [%zu, %zu] the gradient is %.10g, the difference %.10g\n", t->name,
                      t->worst.out, t->worst.in, t->worst.gradient, t->worst.difference);
    }
}

static void add_verdict(const struct gradient_report *r, struct text *out) {
    if (gradient_report_ok(r))
        text_addf(out, "ok: %zu tensors, adjoint errors within %.0e, differences within %.0e", r->tensors,
                  GRADIENT_ADJOINT_TOLERANCE, r->tolerance);
    else
        text_addf(out, "FAIL: %zu of %zu tensors%s beyond adjoint errors of %.0e or differences of %.0e",
                  r->failed, r->tensors,
                  r->has_direction && !r->direction.ok ? " and the random direction" : "",
                  GRADIENT_ADJOINT_TOLERANCE, r->tolerance);
    if (r->in_training)
        text_addf(out, "%s a training's within %.1g", gradient_report_ok(r) ? "," : " or",
                  r->training_tolerance);
    text_add(out, "\n");
}

static void add_report(const struct gradient_report *r, struct text *out) {
    text_addf(out, "objective %.10g on %zu samples; double precision, %s\n\n", r->objective, r->samples,
              r->kernel);
    add_tensors(r, out);
    if (r->has_direction)
        add_direction(&r->direction, out);
    add_cost(&r->cost, out);
    text_add(out, "\n");
    add_remarks(r, out);
    add_verdict(r, out);
}

static int print_report(const struct gradient_report *report, bool json) {
    struct text text = {0};
    struct err err = {0};
    if (!json)
        add_report(report, &text);
    else if (!gradient_report_json(report, &text, &err)) {
        text_release(&text);
        return print_failure(&err);
    }
    int status = print_text(&text);
    return status || gradient_report_ok(report) ? status : EXPECTATION_FAILED;
}

static int run_command(const struct arguments *a) {
    struct config config;
    struct gradient_report report;
    struct err err = {0};
    struct gradient_options wish = {
        .isa = chosen_isa(a),
        .init_from = a->init_from,
        .samples = (size_t)a->samples,
        .coordinates = (size_t)a->coordinates,
        .tolerance = a->tolerance > 0 ? a->tolerance : default_tolerance,
        .direction = a->jvp,
    };
    int status = config_file_open(a, "gradcheck", &config);
    if (status)
        return status;
    double *in_training = NULL;
    bool half = config.precision == PRECISION_BF16;
    bool ok = kernel_find(wish.isa, (enum precision)config.precision, &err) != NULL;
    ok = ok && (!half || gradient_in_training(&config, &wish, &in_training, &err));
    wish.in_training = in_training;
    if (ok && gradient_check_double(&config, &wish, &report, &err)) {
        status = print_report(&report, a->json);
        gradient_report_release(&report);
    } else {
        status = config_file_failure(a, &err);
    }
    mem_free(in_training);
    config_release(&config);
    return status;
}

const struct command command_gradcheck = {
    .name = "gradcheck",
    .usage = "gradcheck --config FILE [options]",
    .summary = "compare reverse mode, forward mode and finite differences, tensor by tensor",
    .example = "  dltrain gradcheck --config mlp.json\n",
    .options = options,
    .run = run_command,
};
