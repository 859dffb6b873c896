/* Label shift: from logits to the test and the weights of classes. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "data/weights.h"
#include "run/estimation_parts.h"
#include "shift/two_sample.h"

/* Of the intervals that the bootstrap gives. */
static const double confidence = 0.95;

void label_sample_release(struct label_sample *sample) {
    for (int s = 0; s < 2; s++)
        mem_free(sample->owned[s]);
    mem_free(sample->cls);
    *sample = (struct label_sample){0};
}

void label_estimate_release(struct label_estimate *label) {
    label_ratio_release(&label->ratio);
    mem_free(label->share);
    mem_free(label->estimated);
    mem_free(label->weight);
    mem_free(label->applied_prior);
    mem_free(label->posthoc);
    mem_free(label->true_prior);
    mem_free(label->true_weight);
    *label = (struct label_estimate){0};
}

static uint32_t class_of(const struct data_part *part, size_t i) {
    return part->set->cls[data_row(part, i)];
}

/* The shares of the classes in a part; NULL for want of memory. */
static double *shares_of(const struct data_part *part, size_t classes, struct err *err) {
    double *share = mem_alloc(classes, sizeof *share, "the shares of the classes", err);
    if (!share)
        return NULL;
    data_count_classes(part, classes, share);
    for (size_t c = 0; c < classes; c++)
        share[c] /= (double)part->count;
    return share;
}

/* ---- the test ---- */

/* p [rows][classes]: the softmax of the logits. */
static double *probabilities_of(const real *z, size_t rows, size_t classes, struct err *err) {
    double *p = mem_alloc(rows, classes * sizeof *p, "the probabilities of source and target", err);
    struct bcts as_they_are = {0};
    if (p && !bcts_init(&as_they_are, classes, err)) {
        mem_free(p);
        return NULL;
    }
    for (size_t r = 0; p && r < rows; r++)
        bcts_apply(&as_they_are, z + r * classes, classes, p + r * classes);
    bcts_release(&as_they_are);
    return p;
}

/* What the held-out samples weigh for their classes to have the shares of the training part, which the target
 * is compared with. */
static double *weights_like_training(const struct estimation_result *r, const struct logits *source,
                                     struct err *err) {
    const double *share = r->label.share, *held_out = r->label.ratio.source_prior;
    double *weight = mem_alloc(source->rows, sizeof *weight, "the weights of the held-out sample", err);
    for (size_t i = 0; weight && i < source->rows; i++)
        weight[i] = share[source->cls[i]] / held_out[source->cls[i]];
    return weight;
}

static bool test(struct estimation_result *r, const struct logits *source, const struct logits *target,
                 struct err *err) {
    size_t classes = source->classes;
    double *weight = weights_like_training(r, source, err);
    double *a = !weight ? NULL : probabilities_of(source->z, source->rows, classes, err);
    double *b = a ? probabilities_of(target->z, target->rows, classes, err) : NULL;
    const struct bbsd_sample from = {a, source->rows, weight}, to = {b, target->rows, NULL};
    bool ok = b && bbsd_test(&from, &to, classes, &r->p_bbsd, NULL, err);
    mem_free(weight);
    mem_free(a);
    mem_free(b);
    return ok;
}

/* ---- the ratios ---- */

static struct logits source_of(const struct estimation *e) {
    return (struct logits){
        .z = e->label.source, .rows = e->label.rows, .classes = e->setup->data.outputs, .cls = e->label.cls};
}

static struct logits target_of(const struct estimation *e) {
    return (struct logits){
        .z = e->label.target, .rows = e->setup->target.count, .classes = e->setup->data.outputs};
}

static bool begin_ratios(struct estimation *e, struct err *err) {
    const struct shift_spec *spec = e->result.spec;
    const struct label_problem problem = {
        .source = source_of(e),
        .target = target_of(e),
        .method = spec->method,
        .soft = spec->soft,
        .alpha = spec->alpha,
        .bootstrap = spec->bootstrap,
        .confidence = confidence,
        .seed = e->setup->config->seed,
        .team = e->setup->team,
    };
    e->ratios = label_estimation_create(&problem, err);
    return e->ratios != NULL;
}

/* And for rescaling the calibration of the logits, where the method does not need it for itself. */
static bool take_ratios(struct estimation *e, struct err *err) {
    struct label_ratio *ratio = &e->result.label.ratio;
    const struct logits source = source_of(e);
    *ratio = label_estimation_finish(e->ratios);
    label_estimation_free(e->ratios);
    e->ratios = NULL;
    return ratio->calibrated || e->result.spec->correct == CORRECT_RETRAIN ||
           bcts_fit(&ratio->calibration, &source, err);
}

static double weaken(double weight, double strength) {
    return 1 + strength * (weight - 1);
}

static bool allocate(struct label_estimate *l, size_t classes, struct err *err) {
    double **const array[] = {&l->estimated, &l->weight, &l->applied_prior, &l->posthoc};
    l->classes = classes;
    for (size_t i = 0; i < sizeof array / sizeof *array; i++)
        if (!(*array[i] = mem_alloc(classes, sizeof **array[i], "the weights of the classes", err)))
            return false;
    return true;
}

static void fill_estimates(struct label_estimate *l) {
    const struct label_ratio *ratio = &l->ratio;
    label_ratio_settle_unseen(&l->ratio, l->share);
    double known = 0; /* of the target, in classes that weights can act on */
    for (size_t c = 0; c < l->classes; c++)
        known += l->share[c] > 0 ? ratio->target_prior[c] : 0;
    for (size_t c = 0; c < l->classes; c++) {
        l->estimated[c] = l->share[c] > 0 && known > 0 ? ratio->target_prior[c] / known / l->share[c] : 0;
        l->posthoc[c] = ratio->ratio[c];
    }
}

/* Only what is applied: a class that the training part lacks weighs nothing in any case. */
static void fill_applied(struct label_estimate *l, const struct estimation_result *r) {
    double strength = r->corrected ? r->spec->strength : 0;
    for (size_t c = 0; c < l->classes; c++) {
        l->weight[c] = l->share[c] > 0 ? weaken(l->estimated[c], strength) : 0;
        l->applied_prior[c] = l->weight[c] * l->share[c];
        l->posthoc[c] = l->share[c] > 0 ? weaken(l->posthoc[c], strength) : 0;
    }
}

/* ---- figures ---- */

/* ESS and the largest weight of class weights on samples of these shares, in samples. */
static void describe(const double *weight, const double *share, size_t classes, size_t samples, double *ess,
                     double *most) {
    double sum = 0, squares = 0;
    *most = 0;
    for (size_t c = 0; c < classes; c++) {
        sum += share[c] * weight[c];
        squares += share[c] * weight[c] * weight[c];
        if (share[c] > 0 && weight[c] > *most)
            *most = weight[c];
    }
    *ess = squares > 0 ? (double)samples * sum * sum / squares : 0;
}

static bool compare_with_truth(struct estimation *e, struct err *err) {
    struct label_estimate *l = &e->result.label;
    l->squared_error = (double)NAN;
    if (!e->setup->target.set->cls)
        return true;
    l->true_prior = shares_of(&e->setup->target, l->classes, err);
    if (!l->true_prior ||
        !(l->true_weight = mem_alloc(l->classes, sizeof(double), "the true weights of the classes", err)))
        return false;
    l->squared_error = l->error_of_nothing = 0;
    for (size_t c = 0; c < l->classes; c++) {
        l->true_weight[c] = l->share[c] > 0 ? l->true_prior[c] / l->share[c] : 0;
        double off = l->estimated[c] - l->true_weight[c], moved = 1 - l->true_weight[c];
        l->squared_error += off * off;
        l->error_of_nothing += l->share[c] > 0 ? moved * moved : 0;
    }
    return true;
}

/* ---- all together ---- */

/* The classes of a part by position. */
static uint32_t *classes_of(const struct data_part *part, struct err *err) {
    uint32_t *cls = mem_alloc(part->count, sizeof *cls, "the classes of the held-out sample", err);
    for (size_t i = 0; cls && i < part->count; i++)
        cls[i] = class_of(part, i);
    return cls;
}

bool estimation_begin_label(struct estimation *e, const struct data_part *held_out, struct err *err) {
    struct label_estimate *l = &e->result.label;
    size_t classes = e->setup->data.outputs;
    e->label.rows = held_out->count;
    return (e->label.cls = classes_of(held_out, err)) && allocate(l, classes, err) &&
           (l->share = shares_of(&e->setup->data.train, classes, err)) && begin_ratios(e, err);
}

static bool settle_weights(struct estimation *e, struct err *err) {
    struct estimation_result *r = &e->result;
    struct label_estimate *l = &r->label;
    fill_estimates(l);
    describe(l->estimated, l->share, l->classes, r->samples, &r->estimated_ess, &r->estimated_max);
    estimation_decide(r, r->p_bbsd, r->estimated_max > 0);
    fill_applied(l, r);
    r->ess = (double)r->samples, r->max_weight = 1;
    if (r->corrected)
        describe(l->weight, l->share, l->classes, r->samples, &r->ess, &r->max_weight);
    return compare_with_truth(e, err) && warn_of_label(e, err);
}

bool estimation_end_label(struct estimation *e, struct err *err) {
    const struct logits source = source_of(e), target = target_of(e);
    bool ok = take_ratios(e, err) && test(&e->result, &source, &target, err) && settle_weights(e, err);
    label_sample_release(&e->label);
    return ok;
}
