/* The estimation of a shift, put aside. */
#include "run/estimation_parts.h"

static void snapshot_tests(struct estimation_result *r, struct snapshot *s) {
    snapshot_double(s, "p_bbsd", &r->p_bbsd);
    snapshot_double(s, "p_c2st", &r->p_c2st);
    snapshot_double(s, "auc", &r->auc);
    snapshot_double(s, "accuracy", &r->accuracy);
    snapshot_size(s, "unlike.count", &r->unlike_count, SHIFT_UNLIKE);
    snapshot_sizes(s, "unlike", r->unlike, r->unlike_count, r->target_samples - 1);
    snapshot_bool(s, "detected", &r->detected);
    snapshot_bool(s, "corrected", &r->corrected);
    snapshot_double(s, "ess", &r->ess);
    snapshot_double(s, "max_weight", &r->max_weight);
    snapshot_double(s, "estimated_ess", &r->estimated_ess);
    snapshot_double(s, "estimated_max", &r->estimated_max);
}

static void snapshot_ratio(struct label_ratio *r, struct snapshot *s) {
    size_t n = r->classes;
    double *interval = r->interval ? &r->interval[0][0] : NULL;
    snapshot_made_doubles(s, "ratio", &r->ratio, (3 + n) * n);
    if (r->ratio)
        label_ratio_lay_out(r);
    snapshot_optional_doubles(s, "interval", &interval, 2 * n);
    r->interval = (double(*)[2])interval;
    snapshot_double(s, "sigma_min", &r->sigma_min);
    snapshot_double(s, "condition", &r->condition);
    snapshot_size(s, "truncated", &r->truncated, SIZE_MAX);
    snapshot_size(s, "negative", &r->negative, SIZE_MAX);
    snapshot_size(s, "missing", &r->missing, SIZE_MAX);
    snapshot_size(s, "iterations", &r->iterations, SIZE_MAX);
    snapshot_bool(s, "converged", &r->converged);
    snapshot_bool(s, "calibrated", &r->calibrated);
    snapshot_double(s, "calibration.a", &r->calibration.a);
    snapshot_made_doubles(s, "calibration.b", &r->calibration.b, n);
}

/* The numbers of a class come with as many classes as the model has outputs. */
static void snapshot_label(struct label_estimate *label, size_t classes, struct snapshot *s) {
    snapshot_enter(s, "label");
    if (snapshot_restores(s))
        label->classes = label->ratio.classes = classes;
    snapshot_made_doubles(s, "share", &label->share, classes);
    snapshot_made_doubles(s, "estimated", &label->estimated, classes);
    snapshot_made_doubles(s, "weight", &label->weight, classes);
    snapshot_made_doubles(s, "applied_prior", &label->applied_prior, classes);
    snapshot_made_doubles(s, "posthoc", &label->posthoc, classes);
    snapshot_optional_doubles(s, "true_prior", &label->true_prior, classes);
    snapshot_optional_doubles(s, "true_weight", &label->true_weight, classes);
    if (snapshot_restores(s) && !label->true_prior != !label->true_weight)
        snapshot_refuse(s, "true_weight", "does not go with the true shares");
    snapshot_double(s, "squared_error", &label->squared_error);
    snapshot_double(s, "error_of_nothing", &label->error_of_nothing);
    snapshot_ratio(&label->ratio, s);
    snapshot_leave(s);
}

static void snapshot_covariate(struct covariate_estimate *c, size_t samples, struct snapshot *s) {
    struct importance *i = &c->importance;
    snapshot_enter(s, "covariate");
    snapshot_made_doubles(s, "weight", &c->weight, samples);
    snapshot_double(s, "ess", &i->ess);
    snapshot_double(s, "max", &i->max);
    snapshot_double(s, "clipped", &i->clipped);
    snapshot_double(s, "mean_ratio", &i->mean_ratio);
    snapshot_size(s, "counted", &i->counted, SIZE_MAX);
    snapshot_sizes(s, "histogram", i->histogram, IMPORTANCE_BINS, SIZE_MAX);
    snapshot_doubles(s, "edge", i->edge, IMPORTANCE_BINS + 1);
    snapshot_double(s, "bandwidth", &c->bandwidth);
    snapshot_double(s, "lambda", &c->lambda);
    snapshot_size(s, "centers", &c->centers, SIZE_MAX);
    snapshot_leave(s);
}

/* ---- the stages ---- */

/* Models that are being trained go on from their step; what takes but seconds begins anew. */

static void snapshot_crossfit(struct estimation *e, struct snapshot *s) {
    struct err err = {0};
    if (snapshot_restores(s) && !estimation_begin_crossfit(e, &err))
        snapshot_fail(s, &err);
    if (e->crossfit)
        crossfit_snapshot(e->crossfit, s);
}

static void snapshot_density(struct estimation *e, struct snapshot *s) {
    struct err err = {0};
    if (snapshot_restores(s) && !estimation_begin_density(e, &err))
        snapshot_fail(s, &err);
}

static void snapshot_result(struct estimation *e, struct snapshot *s) {
    const struct data *data = &e->setup->data;
    if (e->result.spec->kind == SHIFT_LABEL)
        snapshot_label(&e->result.label, data->outputs, s);
    else
        snapshot_covariate(&e->result.covariate, data->train.count + data->validation.count, s);
}

/* Where the resamples of an estimate are being drawn, it is taken up where they had begun: behind the
 * cross-fitting, or waiting for the model. */
static enum estimation_stage resumed_stage(const struct estimation *e) {
    if (e->stage != ESTIMATION_LABEL)
        return e->stage;
    return e->crossfit ? ESTIMATION_CROSSFIT : ESTIMATION_MODEL;
}

/* Whether an estimation of this kind, by these data, is put aside there. */
static bool has_stage(const struct estimation *e, int stage) {
    const struct shift_spec *spec = e->result.spec;
    bool label = spec->kind == SHIFT_LABEL, held_out = e->setup->data.validation.set;
    const bool has[] = {
        [ESTIMATION_DISCRIMINATOR] = true,
        [ESTIMATION_DENSITY] = !label && density_is_direct(spec->method),
        [ESTIMATION_CROSSFIT] = label && !held_out,
        [ESTIMATION_MODEL] = label && held_out,
        [ESTIMATION_LABEL] = false,
        [ESTIMATION_OVER] = true,
    };
    return has[stage];
}

void estimation_snapshot(struct estimation *e, struct snapshot *s) {
    int stage = (int)resumed_stage(e);
    snapshot_enter(s, "estimation");
    snapshot_int(s, "stage", &stage, ESTIMATION_DISCRIMINATOR, ESTIMATION_OVER);
    if (snapshot_restores(s) && !has_stage(e, stage))
        snapshot_refuse(s, "stage", "this estimation does not come to stage %d", stage);
    if (stage == ESTIMATION_DISCRIMINATOR) {
        discriminator_snapshot(e->discriminator, s);
    } else {
        snapshot_tests(&e->result, s);
        if (snapshot_restores(s)) {
            discriminator_free(e->discriminator);
            e->discriminator = NULL;
            e->stage = (enum estimation_stage)stage;
        }
    }
    if (stage == ESTIMATION_CROSSFIT)
        snapshot_crossfit(e, s);
    if (stage == ESTIMATION_DENSITY)
        snapshot_density(e, s);
    if (stage == ESTIMATION_OVER)
        snapshot_result(e, s);
    snapshot_leave(s);
}
