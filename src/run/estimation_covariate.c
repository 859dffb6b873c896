/* Covariate shift: from density ratios to the weights of samples. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "run/estimation_parts.h"

void covariate_sample_release(struct covariate_sample *sample) {
    mem_free(sample->source);
    mem_free(sample->target);
    *sample = (struct covariate_sample){0};
}

void covariate_estimate_release(struct covariate_estimate *covariate) {
    mem_free(covariate->weight);
    *covariate = (struct covariate_estimate){0};
}

/* ---- the images as numbers ---- */

/* Rows of a part as the model sees them, [count][features], in double. */
static bool scaled_rows(const struct setup *s, const struct data_part *part, double *to, struct err *err) {
    enum { LANES = KERNEL_LANES };
    size_t features = s->data.features;
    real *panel = mem_alloc_aligned(features, LANES * sizeof *panel, "a slice of images", err);
    for (size_t first = 0; panel && first < part->count; first += LANES) {
        uint32_t row[LANES];
        size_t count = part->count - first < LANES ? part->count - first : LANES;
        for (size_t i = 0; i < count; i++)
            row[i] = data_row(part, first + i);
        batch_images(s->kernel, part->set, &s->data.scaling, row, count, LANES, panel);
        for (size_t i = 0; i < count; i++)
            for (size_t f = 0; f < features; f++)
                to[(first + i) * features + f] = (double)panel[f * LANES + i];
    }
    mem_free(panel);
    return panel != NULL;
}

static size_t held_out_count(const struct setup *s) {
    return s->data.validation.set ? s->data.validation.count : 0;
}

static bool scaled_source(const struct setup *s, double *to, struct err *err) {
    return scaled_rows(s, &s->data.train, to, err) &&
           (!s->data.validation.set ||
            scaled_rows(s, &s->data.validation, to + s->data.train.count * s->data.features, err));
}

/* ---- ratios ---- */

static bool fill_sample(struct estimation *e, struct err *err) {
    const struct setup *s = e->setup;
    struct covariate_sample *c = &e->covariate;
    size_t bytes = s->data.features * sizeof(double);
    c->rows = e->result.samples + held_out_count(s);
    c->source = mem_alloc(c->rows, bytes, "the images of the source as numbers", err);
    c->target =
        c->source ? mem_alloc(s->target.count, bytes, "the images of the target as numbers", err) : NULL;
    return c->target && scaled_source(s, c->source, err) && scaled_rows(s, &s->target, c->target, err);
}

bool estimation_begin_density(struct estimation *e, struct err *err) {
    if (!fill_sample(e, err))
        return false;
    const struct setup *s = e->setup;
    const struct shift_spec *spec = e->result.spec;
    const struct density_problem problem = {
        .source = e->covariate.source,
        .target = e->covariate.target,
        .source_rows = e->covariate.rows,
        .target_rows = s->target.count,
        .features = s->data.features,
        .centers = spec->centers,
        .bandwidth = spec->bandwidth,
        .alpha = spec->alpha,
        .folds = spec->folds,
        .seed = s->config->seed,
        .team = s->team,
    };
    e->density = density_estimation_create(spec->method, &problem, err);
    return e->density || err_prefix(err, "shift");
}

bool estimation_end_density(struct estimation *e, struct err *err) {
    struct covariate_estimate *c = &e->result.covariate;
    struct density_ratio found = density_estimation_finish(e->density);
    density_estimation_free(e->density);
    e->density = NULL;
    covariate_sample_release(&e->covariate);
    bool ok = estimation_weigh(e, found.ratio, err);
    c->bandwidth = found.bandwidth, c->lambda = found.lambda, c->centers = found.centers;
    density_ratio_release(&found);
    return ok;
}

/* ---- weights ---- */

/* A ratio that is relative as it is needs no bound. */
static bool limit(struct estimation_result *r, double *ratio, size_t rows) {
    const struct shift_spec *spec = r->spec;
    bool relative = density_is_relative(spec->method);
    return importance_weigh(ratio, rows, r->samples, relative ? (double)NAN : spec->clip,
                            relative ? (double)NAN : spec->alpha, &r->covariate.importance);
}

bool estimation_weigh(struct estimation *e, const double *ratio, struct err *err) {
    struct estimation_result *r = &e->result;
    struct covariate_estimate *c = &r->covariate;
    size_t rows = r->samples + held_out_count(e->setup);
    c->bandwidth = c->lambda = (double)NAN;
    c->weight = mem_alloc(rows, sizeof *c->weight, "the weights of samples", err);
    if (!c->weight)
        return false;
    memcpy(c->weight, ratio, rows * sizeof *c->weight);
    bool usable = limit(r, c->weight, rows);
    r->estimated_ess = c->importance.ess, r->estimated_max = c->importance.max;
    estimation_decide(r, r->p_c2st, usable);
    r->ess = r->corrected ? r->estimated_ess : (double)r->samples;
    r->max_weight = r->corrected ? r->estimated_max : 1;
    for (size_t i = 0; !r->corrected && i < rows; i++)
        c->weight[i] = 1;
    return warn_of_covariate(e, usable, err);
}
