/* What the estimates of a shift alone tell about how far to trust them. */
#include "run/estimation_parts.h"

enum shift_warning {
    FEW_TARGETS,
    LACKING_CLASS,
    UNSEEN_CLASS,
    SINGULAR,
    UNCONVERGED,
    POSITIVITY,
    UNUSABLE,
    FEW_EFFECTIVE,
    MANY_FEATURES
};

/* Smallest singular value of a joint matrix of k classes times k, below which its estimates are noise: that
 * of a perfect classifier on equal shares is 1 / k. */
static const double smallest_singular = 0.01;
/* A discriminator that tells nearly all apart: the source hardly has samples where the target is. */
static const double telling_auc = 0.99;
/* The squared distance of two points of d independent features varies by sqrt(2 / d) of its mean: from here
 * on by less than a tenth, so that basis functions of distances hardly tell near from far. */
enum { MOST_FEATURES = 200 };
/* Share of the source that its weights leave effective, below which a weighted mean hangs on few samples. */
static const double effective_share = 0.05;

static bool add(struct estimation *e, enum shift_warning which, struct text *text, struct err *err) {
    return warnings_add(e->warnings, WARNING_SHIFT, which, 0, text, err);
}

static bool warn_of_few(struct estimation *e, struct err *err) {
    const struct estimation_result *r = &e->result;
    struct text text = {0};
    if (r->target_samples >= SHIFT_FEWEST_TARGETS)
        return true;
    text_addf(&text, "shift: only %zu samples of the target, fewer than %d: %s", r->target_samples,
              (int)SHIFT_FEWEST_TARGETS,
              r->spec->force ? "the correction that force asks for hangs on chance" : "nothing is corrected");
    return add(e, FEW_TARGETS, &text, err);
}

static bool warn_of_few_effective(struct estimation *e, struct err *err) {
    const struct estimation_result *r = &e->result;
    struct text text = {0};
    if (!(r->estimated_ess < effective_share * (double)r->samples))
        return true;
    text_addf(&text,
              "shift: the weights leave an effective sample of %.0f of %zu: what is learned by them hangs on "
              "few samples; %s",
              r->estimated_ess, r->samples,
              r->spec->kind == SHIFT_LABEL ? "a smaller strength tames them"
                                           : "a smaller clip or a larger alpha bounds them");
    return add(e, FEW_EFFECTIVE, &text, err);
}

/* ---- label shift ---- */

/* "3, 5": the classes with no share; returns how many. */
static size_t name_lacking(const double *share, const double *known, size_t classes, struct text *out) {
    size_t found = 0;
    for (size_t c = 0; c < classes; c++)
        if (share[c] == 0 && (!known || known[c] > 0))
            text_addf(out, "%s%zu", found++ ? ", " : "", c);
    return found;
}

static bool warn_of_lacking(struct estimation *e, struct err *err) {
    const struct label_estimate *l = &e->result.label;
    struct text list = {0}, text = {0};
    size_t lacking = name_lacking(l->share, NULL, l->classes, &list);
    if (lacking)
        text_addf(&text,
                  "shift: the training part has no sample of class%s %s: no weight can make up for that, and "
                  "what share "
                  "of the target %s counts as 0",
                  lacking > 1 ? "es" : "", list.s, lacking > 1 ? "they have" : "it has");
    bool ok = text_ok(&list, err) && (!lacking || add(e, LACKING_CLASS, &text, err));
    text_release(&list);
    return ok;
}

static bool warn_of_unseen(struct estimation *e, struct err *err) {
    const struct label_estimate *l = &e->result.label;
    struct text list = {0}, text = {0};
    size_t unseen = name_lacking(l->ratio.source_prior, l->share, l->classes, &list);
    if (unseen)
        text_addf(&text,
                  "shift: the validation part has no sample of class%s %s, of which nothing can be told: "
                  "the weight stays 1",
                  unseen > 1 ? "es" : "", list.s);
    bool ok = text_ok(&list, err) && (!unseen || add(e, UNSEEN_CLASS, &text, err));
    text_release(&list);
    return ok;
}

static bool warn_of_singular(struct estimation *e, struct err *err) {
    const struct label_estimate *l = &e->result.label;
    size_t present = l->classes - l->ratio.missing;
    struct text text = {0};
    bool small = l->ratio.sigma_min * (double)present < smallest_singular;
    if (!l->ratio.truncated && !small)
        return true;
    text_addf(
        &text,
        "shift: the confusion matrix is nearly singular (smallest singular value %.2g, condition %.2g): "
        "the model does not tell all classes apart, and neither do the weights",
        l->ratio.sigma_min, l->ratio.condition);
    if (l->ratio.truncated)
        text_addf(&text, "; in %zu direction%s they stay as in the source", l->ratio.truncated,
                  l->ratio.truncated > 1 ? "s" : "");
    return add(e, SINGULAR, &text, err);
}

static bool warn_of_unconverged(struct estimation *e, struct err *err) {
    const struct estimation_result *r = &e->result;
    struct text text = {0};
    if (r->label.ratio.converged)
        return true;
    text_addf(&text,
              "shift: the likelihood was still rising after %zu steps: take method \"bbse\" as a check",
              r->label.ratio.iterations);
    return add(e, UNCONVERGED, &text, err);
}

bool warn_of_label(struct estimation *e, struct err *err) {
    return warn_of_few(e, err) && warn_of_lacking(e, err) && warn_of_unseen(e, err) &&
           warn_of_singular(e, err) && warn_of_unconverged(e, err) && warn_of_few_effective(e, err);
}

/* ---- covariate shift ---- */

static bool warn_of_positivity(struct estimation *e, struct err *err) {
    const struct estimation_result *r = &e->result;
    struct text text = {0};
    if (!(r->auc > telling_auc))
        return true;
    text_addf(&text,
              "shift: source and target are told apart almost always (AUC %.4f): where the target is the "
              "source has hardly a sample, and no weights can make up for that",
              r->auc);
    return add(e, POSITIVITY, &text, err);
}

static bool warn_of_features(struct estimation *e, struct err *err) {
    const char *method = shift_method_name((size_t)e->result.spec->method);
    size_t features = e->setup->data.features;
    struct text text = {0};
    if (!density_is_direct(e->result.spec->method) || features <= MOST_FEATURES)
        return true;
    text_addf(
        &text,
        "shift: method \"%s\" goes by distances, and of %zu features, more than %d, all are about alike: "
        "take method \"classifier\" for inputs of so many",
        method, features, (int)MOST_FEATURES);
    return add(e, MANY_FEATURES, &text, err);
}

bool warn_of_covariate(struct estimation *e, bool usable, struct err *err) {
    struct text text = {0};
    if (!warn_of_few(e, err) || !warn_of_features(e, err) || !warn_of_positivity(e, err))
        return false;
    if (usable)
        return warn_of_few_effective(e, err);
    text_add(&text, "shift: the density ratios of all training samples are 0: the weights are 1");
    return add(e, UNUSABLE, &text, err);
}
