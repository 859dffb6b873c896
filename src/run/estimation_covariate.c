/* Covariate shift: from density ratios to the weights of samples. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "run/estimation_parts.h"
#include "shift/density_ratio.h"

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

static bool direct_ratio(struct estimation *e, const double *source, const double *target, size_t rows,
                         double *ratio, struct err *err) {
    const struct setup *s = e->setup;
    const struct shift_spec *spec = e->result.spec;
    struct covariate_estimate *c = &e->result.covariate;
    const struct density_problem problem = {
        .source = source,
        .target = target,
        .source_rows = rows,
        .target_rows = s->target.count,
        .features = s->data.features,
        .centers = spec->centers,
        .bandwidth = spec->bandwidth,
        .alpha = spec->alpha,
        .folds = spec->folds,
        .seed = s->config->seed,
        .team = s->team,
    };
    struct density_ratio found;
    if (!(spec->method == SHIFT_KLIEP ? kliep_estimate(&problem, &found, err)
                                      : rulsif_estimate(&problem, &found, err)))
        return err_prefix(err, "shift");
    memcpy(ratio, found.ratio, rows * sizeof *ratio);
    c->bandwidth = found.bandwidth, c->lambda = found.lambda, c->centers = found.centers;
    density_ratio_release(&found);
    return true;
}

static bool estimate_directly(struct estimation *e, size_t rows, double *ratio, struct err *err) {
    const struct setup *s = e->setup;
    size_t bytes = s->data.features * sizeof(double);
    double *source = mem_alloc(rows, bytes, "the images of the source as numbers", err);
    double *target =
        source ? mem_alloc(s->target.count, bytes, "the images of the target as numbers", err) : NULL;
    bool ok = target && scaled_source(s, source, err) && scaled_rows(s, &s->target, target, err) &&
              direct_ratio(e, source, target, rows, ratio, err);
    mem_free(source);
    mem_free(target);
    return ok;
}

/* ---- all together ---- */

/* rulsif's ratio is relative as it is. */
static bool weigh(struct estimation_result *r, double *ratio, size_t rows) {
    const struct shift_spec *spec = r->spec;
    bool relative = spec->method == SHIFT_RULSIF;
    return importance_weigh(ratio, rows, r->samples, relative ? (double)NAN : spec->clip,
                            relative ? (double)NAN : spec->alpha, &r->covariate.importance);
}

bool estimate_covariate(struct estimation *e, const struct discriminator_result *odds, struct err *err) {
    struct estimation_result *r = &e->result;
    struct covariate_estimate *c = &r->covariate;
    size_t rows = r->samples + held_out_count(e->setup);
    c->bandwidth = c->lambda = (double)NAN;
    c->weight = mem_alloc(rows, sizeof *c->weight, "the weights of samples", err);
    if (!c->weight)
        return false;
    if (r->spec->method == SHIFT_CLASSIFIER)
        memcpy(c->weight, odds->ratio, rows * sizeof *c->weight);
    else if (!estimate_directly(e, rows, c->weight, err))
        return false;
    bool usable = weigh(r, c->weight, rows);
    r->estimated_ess = c->importance.ess, r->estimated_max = c->importance.max;
    estimation_decide(r, r->p_c2st, usable);
    r->ess = r->corrected ? r->estimated_ess : (double)r->samples;
    r->max_weight = r->corrected ? r->estimated_max : 1;
    for (size_t i = 0; !r->corrected && i < rows; i++)
        c->weight[i] = 1;
    return warn_of_covariate(e, usable, err);
}
