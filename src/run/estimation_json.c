#include "run/estimation_json.h"

#include <math.h>

static void number_or_null(struct json_writer *w, double value) {
    if (!isfinite(value))
        json_null(w);
    else
        json_number(w, value);
}

static void put_number_or_null(struct json_writer *w, const char *key, double value) {
    json_key(w, key);
    number_or_null(w, value);
}

static double loss_of(const struct target_figures *figures) {
    return figures->loss;
}

static double accuracy_of(const struct target_figures *figures) {
    return figures->accuracy;
}

/* The loss of the models, or their accuracy, as far as there are any. */
static void print_figure(struct json_writer *w, const char *key, const struct target_worth *worth, bool label,
                         double (*figure)(const struct target_figures *)) {
    bool any = false;
    for (size_t i = 0; i < TARGET_MODELS; i++)
        any = any || !isnan(figure(&worth->of[i]));
    if (!any)
        return;
    json_key(w, key);
    json_begin_object(w);
    for (size_t i = 0; i < TARGET_MODELS; i++)
        if (!isnan(figure(&worth->of[i])))
            json_put_number(w, label ? target_models[i].label : target_models[i].covariate,
                            figure(&worth->of[i]));
    json_end_object(w);
}

static void print_worth(struct json_writer *w, const struct target_worth *worth, bool label) {
    print_figure(w, "loss", worth, label, loss_of);
    print_figure(w, "accuracy", worth, label, accuracy_of);
}

static void print_target(struct json_writer *w, const struct estimation_result *r,
                         const struct target_worth *worth) {
    json_key(w, "target");
    json_begin_object(w);
    json_put_uint(w, "samples", r->target_samples);
    json_key(w, "most_unlike");
    json_begin_flat_array(w);
    for (size_t i = 0; i < r->unlike_count; i++)
        json_uint(w, r->unlike[i]);
    json_end_array(w);
    if (worth)
        print_worth(w, worth, r->spec->kind == SHIFT_LABEL);
    json_end_object(w);
}

/* ---- label shift ---- */

/* Lists of [low, high], one a class; over, or NULL: what the intervals of the classes are divided by. */
static void print_intervals(struct json_writer *w, const char *key, const struct label_estimate *l,
                            const double *over) {
    json_key(w, key);
    if (!l->ratio.interval) {
        json_null(w);
        return;
    }
    json_begin_array(w);
    for (size_t c = 0; c < l->classes; c++) {
        double unit = !over ? 1 : over[c] > 0 ? over[c] : INFINITY;
        json_begin_flat_array(w);
        for (int end = 0; end < 2; end++)
            number_or_null(w, l->ratio.interval[c][end] / unit);
        json_end_array(w);
    }
    json_end_array(w);
}

static void print_confusion(struct json_writer *w, const struct label_ratio *ratio) {
    json_key(w, "confusion");
    json_begin_array(w);
    for (size_t i = 0; i < ratio->classes; i++) {
        json_begin_flat_array(w);
        for (size_t j = 0; j < ratio->classes; j++)
            json_number(w, ratio->confusion[i * ratio->classes + j]);
        json_end_array(w);
    }
    json_end_array(w);
}

static void print_label(struct json_writer *w, const struct estimation_result *r) {
    const struct label_estimate *l = &r->label;
    size_t n = l->classes;
    json_put_numbers(w, "weights", l->weight, n);
    json_put_numbers(w, "target_priors", l->applied_prior, n);
    json_put_numbers(w, "estimated_weights", l->estimated, n);
    json_put_numbers(w, "estimated_target_priors", l->ratio.target_prior, n);
    json_put_numbers(w, "source_priors", l->share, n);
    print_intervals(w, "interval", l, NULL);
    print_intervals(w, "weight_interval", l, l->share);
    json_put_number(w, "sigma_min", l->ratio.sigma_min);
    put_number_or_null(w, "condition", l->ratio.condition);
    print_confusion(w, &l->ratio);
    json_put_uint(w, "negative", l->ratio.negative);
    json_put_uint(w, "truncated", l->ratio.truncated);
    if (!l->true_prior)
        return;
    json_put_numbers(w, "true_priors", l->true_prior, n);
    json_put_numbers(w, "true_weights", l->true_weight, n);
    json_put_number(w, "squared_error", l->squared_error);
}

/* ---- covariate shift ---- */

static void print_histogram(struct json_writer *w, const struct importance *importance) {
    json_key(w, "histogram");
    json_begin_object(w);
    json_put_numbers(w, "edges", importance->edge, IMPORTANCE_BINS + 1);
    json_key(w, "counts");
    json_begin_flat_array(w);
    for (size_t i = 0; i < IMPORTANCE_BINS; i++)
        json_uint(w, importance->histogram[i]);
    json_end_array(w);
    json_end_object(w);
}

static void print_covariate(struct json_writer *w, const struct estimation_result *r) {
    const struct covariate_estimate *c = &r->covariate;
    put_number_or_null(w, "clip", r->spec->clip);
    put_number_or_null(w, "alpha", r->spec->alpha);
    put_number_or_null(w, "share_clipped", c->importance.clipped);
    json_put_number(w, "mean_ratio", c->importance.mean_ratio);
    if (!isnan(c->bandwidth))
        json_put_number(w, "bandwidth", c->bandwidth);
    if (!isnan(c->lambda))
        json_put_number(w, "lambda", c->lambda);
    print_histogram(w, &c->importance);
}

/* ---- all together ---- */

static void print_tests(struct json_writer *w, const struct estimation_result *r) {
    json_put_bool(w, "detected", r->detected);
    json_put_bool(w, "corrected", r->corrected);
    json_put_number(w, "level", r->spec->level);
    json_key(w, "p_value");
    json_begin_object(w);
    put_number_or_null(w, "bbsd", r->p_bbsd);
    put_number_or_null(w, "c2st", r->p_c2st);
    json_end_object(w);
    json_put_number(w, "auc", r->auc);
    json_put_number(w, "discriminator_accuracy", r->accuracy);
}

void estimation_print(struct json_writer *w, const struct estimation_result *r,
                      const struct target_worth *worth) {
    json_key(w, "shift");
    json_begin_object(w);
    json_put_string(w, "kind", shift_kind_name((size_t)r->spec->kind));
    json_put_string(w, "method", shift_method_name((size_t)r->spec->method));
    if (r->spec->kind == SHIFT_LABEL)
        json_put_string(w, "correct", label_correction_name((size_t)r->spec->correct));
    print_tests(w, r);
    json_put_number(w, "ess", r->ess);
    json_put_number(w, "max_weight", r->max_weight);
    json_put_number(w, "estimated_ess", r->estimated_ess);
    json_put_number(w, "estimated_max_weight", r->estimated_max);
    json_put_uint(w, "samples", r->samples);
    print_target(w, r, worth);
    if (r->spec->kind == SHIFT_LABEL)
        print_label(w, r);
    else
        print_covariate(w, r);
    json_end_object(w);
}

bool estimation_report(const struct estimation_result *result, const struct setup *setup,
                       const struct warnings *warnings, struct text *out, struct err *err) {
    struct json_writer w = {.out = out, .indent = 2};
    json_begin_object(&w);
    json_put_string(&w, "name", setup->config->name);
    estimation_print(&w, result, NULL);
    json_key(&w, "warnings");
    warnings_print(&w, warnings, false);
    json_put_uint(&w, "seed", setup->config->seed);
    json_put_uint(&w, "threads", team_size(setup->team));
    json_put_string(&w, "isa", setup->kernel->name);
    json_end_object(&w);
    text_add(out, "\n");
    return text_ok(out, err);
}
