#include "cli/shift_page.h"

#include <math.h>
#include <stdio.h>

#include "cli/table.h"

static bool is_label(const struct estimation_result *r) {
    return r->spec->kind == SHIFT_LABEL;
}

static bool has_enough(const struct estimation_result *r) {
    return r->target_samples >= SHIFT_FEWEST_TARGETS;
}

static double p_of(const struct estimation_result *r) {
    return is_label(r) ? r->p_bbsd : r->p_c2st;
}

void shift_line(const struct estimation_result *r, struct text *out) {
    text_addf(out, "shift  %s, %s: %s (p = %.2g)", shift_kind_name((size_t)r->spec->kind),
              shift_method_name((size_t)r->spec->method), r->detected ? "detected" : "not detected", p_of(r));
    if (r->corrected)
        text_addf(out, ", ESS %.0f of %zu, largest weight %.3g\n", r->ess, r->samples, r->max_weight);
    else
        text_add(out, ", weights 1\n");
}

/* ---- tests and verdict ---- */

static void add_test(const char *name, const char *what, double p, const struct estimation_result *r,
                     struct text *out) {
    text_addf(out, "  %-5s p = %-8.3g %-6s level %g   %s\n", name, p, p < r->spec->level ? "below" : "above",
              r->spec->level, what);
}

static void add_tests(const struct estimation_result *r, struct text *out) {
    text_addf(out, "shift of kind %s by %s: %zu training samples, %zu of the target\n\ntests\n",
              shift_kind_name((size_t)r->spec->kind), shift_method_name((size_t)r->spec->method), r->samples,
              r->target_samples);
    if (is_label(r))
        add_test("BBSD", "Kolmogorov-Smirnov on the softmax outputs, Bonferroni", r->p_bbsd, r, out);
    add_test("C2ST", "classifier two-sample test, out of fold", r->p_c2st, r, out);
    text_addf(out, "  discriminator: balanced accuracy %.4f, AUC %.4f\n", r->accuracy, r->auc);
    text_add(out, "  most unlike the source: target samples");
    for (size_t i = 0; i < r->unlike_count; i++)
        text_addf(out, "%s %zu", i ? "," : "", r->unlike[i]);
    text_add(out, "\n\n");
}

static void add_verdict(const struct estimation_result *r, struct text *out) {
    const char *test = is_label(r) ? "BBSD" : "C2ST";
    if (r->detected)
        text_addf(out, "verdict: shift detected (%s)\n\n", test);
    else if (has_enough(r))
        text_addf(out, "verdict: no shift detected (%s)%s\n\n", test,
                  r->corrected ? "; corrected all the same (force)" : "; weights stay 1");
    else
        text_addf(out, "verdict: too few samples of the target to tell%s\n\n",
                  r->corrected ? "; corrected all the same (force)" : "; weights stay 1");
}

/* ---- label shift ---- */

static void add_interval(struct table *table, const struct label_estimate *l, size_t c) {
    if (!l->ratio.interval)
        return;
    table_cell(table, "%.4f", l->ratio.interval[c][0]);
    table_cell(table, "%.4f", l->ratio.interval[c][1]);
}

static void add_titles(struct table *table, const struct label_estimate *l) {
    table_cell(table, "class");
    table_cell(table, "source");
    table_cell(table, "target");
    if (l->ratio.interval) {
        table_cell(table, "from");
        table_cell(table, "to");
    }
    table_cell(table, "weight");
    if (l->true_weight)
        table_cell(table, "true");
}

static void add_classes(const struct label_estimate *l, char *const *class_name, struct text *out) {
    struct table table = {.columns = 4, .right = 0x7e};
    table.columns += (l->ratio.interval ? 2 : 0) + (l->true_weight ? 1 : 0);
    add_titles(&table, l);
    for (size_t c = 0; c < l->classes; c++) {
        if (class_name)
            table_cell(&table, "%s", class_name[c]);
        else
            table_cell(&table, "%zu", c);
        table_cell(&table, "%.4f", l->share[c]);
        table_cell(&table, "%.4f", l->ratio.target_prior[c]);
        add_interval(&table, l, c);
        table_cell(&table, "%.3f", l->estimated[c]);
        if (l->true_weight)
            table_cell(&table, "%.3f", l->true_weight[c]);
    }
    table_print(&table, 2, out);
}

static void add_label(const struct estimation_result *r, char *const *class_name, struct text *out) {
    const struct label_estimate *l = &r->label;
    text_add(out, "estimated shares of the classes\n");
    add_classes(l, class_name, out);
    text_addf(out, "\nsmallest singular value  %.4g, condition number %.3g\n", l->ratio.sigma_min,
              l->ratio.condition);
    if (l->ratio.negative)
        text_addf(out, "negative estimates       %zu, set to 0\n", l->ratio.negative);
    if (l->ratio.truncated)
        text_addf(out, "directions not told      %zu, left as in the source\n", l->ratio.truncated);
    if (l->true_weight)
        text_addf(out, "squared error            %.4g, of doing nothing %.4g\n", l->squared_error,
                  l->error_of_nothing);
}

/* ---- covariate shift ---- */

enum { BAR = 40 };

static void add_bar(struct text *out, size_t count, size_t most) {
    size_t length = most ? (count * BAR + most - 1) / most : 0;
    for (size_t i = 0; i < length; i++)
        text_add(out, "#");
}

static void add_histogram(const struct importance *importance, struct text *out) {
    size_t most = 0;
    for (size_t i = 0; i < IMPORTANCE_BINS; i++)
        most = importance->histogram[i] > most ? importance->histogram[i] : most;
    text_add(out, "estimated weights of the training samples, mean 1\n");
    for (size_t i = 0; i < IMPORTANCE_BINS; i++) {
        char to[16] = "";
        if (!isinf(importance->edge[i + 1]))
            snprintf(to, sizeof to, "%-7.4g", importance->edge[i + 1]);
        text_addf(out, "  %7.4g %s %-7s %7zu ", importance->edge[i], to[0] ? "to" : "up", to,
                  importance->histogram[i]);
        add_bar(out, importance->histogram[i], most);
        text_add(out, "\n");
    }
}

static void add_covariate(const struct estimation_result *r, struct text *out) {
    const struct covariate_estimate *c = &r->covariate;
    add_histogram(&c->importance, out);
    text_add(out, "\n");
    if (!isnan(c->importance.clipped))
        text_addf(out, "clipped                  %.2f %% of the samples, at a ratio of %g\n",
                  100 * c->importance.clipped, r->spec->clip);
    if (!isnan(r->spec->alpha))
        text_addf(out, "relative ratio           alpha %g: no ratio above %g\n", r->spec->alpha,
                  1 / r->spec->alpha);
    if (!isnan(c->bandwidth))
        text_addf(out, "basis functions          %zu of bandwidth %.4g\n", c->centers, c->bandwidth);
}

/* ---- all together ---- */

static void add_advice(const struct estimation_result *r, struct text *out) {
    if (!r->corrected)
        text_add(out, "next: train as ever; force corrects in spite of the test\n");
    else if (!is_label(r))
        text_add(out, "next: train this config: samples are then weighted; compare on a labelled target\n");
    else
        text_addf(out, "next: train this config: it %s; compare on a labelled target\n",
                  r->spec->correct == CORRECT_POSTHOC   ? "rescales the probabilities (posthoc)"
                  : r->spec->correct == CORRECT_RETRAIN ? "trains by these weights (retrain)"
                                                        : "does both, rescaling and training by weights");
    text_addf(out, "      nothing here can tell label from covariate shift: that %s is assumed\n",
              is_label(r) ? "p(x|y) stays" : "p(y|x) stays");
}

void shift_page(const struct estimation_result *r, char *const *class_name, struct text *out) {
    add_tests(r, out);
    add_verdict(r, out);
    if (is_label(r))
        add_label(r, class_name, out);
    else
        add_covariate(r, out);
    text_addf(out, "effective sample size    %.0f of %zu (%.1f %%)\nlargest weight           %.4g\n\n",
              r->estimated_ess, r->samples, 100 * r->estimated_ess / (double)r->samples, r->estimated_max);
    add_advice(r, out);
}

void shift_worth(const struct target_worth *worth, struct text *out) {
    for (size_t i = 0; i < TARGET_MODELS; i++) {
        const struct target_figures *figures = &worth->of[i];
        if (!isnan(figures->accuracy))
            text_addf(out, "target accuracy       %.2f %% %s\n", 100 * figures->accuracy,
                      target_models[i].page);
        else if (!isnan(figures->loss))
            text_addf(out, "target loss           %.6g %s\n", figures->loss, target_models[i].page);
    }
}
