#include "run/demands.h"

#include "run/loss_use.h"

enum need {
    NEEDS_VALIDATION = 1,
    NEEDS_CLASSES = 2,
    NEEDS_PROBABILITIES = 4,
    NEEDS_WEIGHTS = 8,
    NEEDS_PENALTY = 16,
    NEEDS_VALUES = 32,
};

static bool has_validation(const struct setup *s) {
    return s->data.validation.set != NULL;
}

static bool has_classes(const struct setup *s) {
    return s->data.classes;
}

static bool has_probabilities(const struct setup *s) {
    return loss_predicts_probabilities(s->config->loss.kind);
}

/* Whether samples may come to weigh what an estimated shift makes of them. */
static bool weighs_by_shift(const struct shift_spec *shift) {
    return shift->kind == SHIFT_COVARIATE ||
           (shift->kind == SHIFT_LABEL && shift->correct != CORRECT_POSTHOC);
}

static bool has_weights(const struct setup *s) {
    return s->data.validation.weight != NULL || weighs_by_shift(&s->config->shift);
}

static bool has_penalty(const struct setup *s) {
    const struct model_spec *spec = &s->config->model;
    const struct regularization_spec *all = &s->config->regularization;
    bool found = false;
    for (size_t l = 0; l <= spec->layer_count && !found; l++)
        found = layer_number(model_layer(spec, l)->l1, all->l1) > 0 ||
                layer_number(model_layer(spec, l)->l2, all->l2) > 0;
    return found;
}

/* One sample has no variance. */
static bool has_values(const struct setup *s) {
    return !has_classes(s) && !has_probabilities(s) && s->data.validation.count > 1;
}

static const struct {
    enum need need;
    bool (*met)(const struct setup *setup);
    const char *what;
} rows[] = {
    {NEEDS_VALIDATION, has_validation, "data.validation"},
    {NEEDS_PROBABILITIES, has_probabilities, "a loss.kind that predicts probabilities"},
    {NEEDS_CLASSES, has_classes, "labels that are classes"},
    {NEEDS_WEIGHTS, has_weights,
     "weights of the validation samples, by a file, loss.class_weights or a shift"},
    {NEEDS_PENALTY, has_penalty, "l1 or l2 above 0"},
    {NEEDS_VALUES, has_values, "targets that are numbers, loss.kind mse and two validation samples"},
};

static const unsigned metric_needs[METRIC_COUNT] = {
    [METRIC_TRAIN_ACCURACY] = NEEDS_CLASSES,
    [METRIC_TRAIN_PENALTY] = NEEDS_PENALTY,
    [METRIC_VALIDATION_LOSS] = NEEDS_VALIDATION,
    [METRIC_VALIDATION_ACCURACY] = NEEDS_VALIDATION | NEEDS_CLASSES,
    [METRIC_VALIDATION_WEIGHTED_LOSS] = NEEDS_VALIDATION | NEEDS_WEIGHTS,
    [METRIC_VALIDATION_BRIER] = NEEDS_VALIDATION | NEEDS_PROBABILITIES,
    [METRIC_VALIDATION_ECE] = NEEDS_VALIDATION | NEEDS_PROBABILITIES | NEEDS_CLASSES,
    [METRIC_VALIDATION_R2] = NEEDS_VALIDATION | NEEDS_VALUES,
};

/* The first of the needs that is not met, in words; NULL: all are. */
static const char *unmet(const struct setup *setup, unsigned needs) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (needs & rows[i].need && !rows[i].met(setup))
            return rows[i].what;
    return NULL;
}

bool demands_has_metric(const struct setup *setup, int metric) {
    return !unmet(setup, metric_needs[metric]);
}

static bool check_metric(const struct setup *setup, const char *key, int metric, struct err *err) {
    const char *what = unmet(setup, metric_needs[metric]);
    return !what || err_set(err, ERR_CONFIG, "%s: %s needs %s", key, metric_name((size_t)metric), what);
}

static bool check_switch(const struct setup *setup, const char *key, unsigned needs, struct err *err) {
    const char *what = unmet(setup, needs);
    return !what || err_set(err, ERR_CONFIG, "%s: needs %s", key, what);
}

bool demands_check(const struct setup *s, struct err *err) {
    const struct train_spec *train = &s->config->train;
    const struct schedule_spec *schedule = &s->config->optimizer.schedule;
    if (schedule->kind == SCHEDULE_PLATEAU &&
        !check_metric(s, "optimizer.schedule.metric", schedule->metric, err))
        return false;
    if (train->early_stopping.on &&
        !check_metric(s, "train.early_stopping.metric", train->early_stopping.metric, err))
        return false;
    if (train->refit && !check_switch(s, "train.refit", NEEDS_VALIDATION, err))
        return false;
    if (train->refit && !data_can_unite(&s->data, err))
        return err_prefix(err, "train.refit");
    return !train->calibrate ||
           check_switch(s, "train.calibrate", NEEDS_VALIDATION | NEEDS_PROBABILITIES, err);
}

/* ---- distribution shift ---- */

static bool check_label_shift(const struct config *config, struct err *err) {
    if (config->loss.kind != LOSS_CROSS_ENTROPY)
        return err_set(err, ERR_CONFIG, "shift.kind: \"label\" needs loss.kind \"cross_entropy\", got \"%s\"",
                       loss_name((size_t)config->loss.kind));
    return !config->train.calibrate || config->shift.correct == CORRECT_RETRAIN ||
           err_set(
               err, ERR_CONFIG,
               "train.calibrate: does not go with shift.correct \"%s\", which calibrates the model itself",
               label_correction_name((size_t)config->shift.correct));
}

/* Estimators and tests take every sample for one. */
static bool check_unweighted(const struct config *config, struct err *err) {
    const struct data_spec *data = &config->data;
    const char *part = data->train.weights ? "train" : data->validation.weights ? "validation" : NULL;
    return !part || err_set(err, ERR_CONFIG,
                            "data.%s.weights: does not go with shift.kind \"%s\", whose estimates are of "
                            "samples that all count the same",
                            part, shift_kind_name((size_t)config->shift.kind));
}

bool demands_of_shift(const struct config *config, struct err *err) {
    const struct shift_spec *shift = &config->shift;
    if (shift_has_target(shift->kind) && !shift->target.images && !shift->target.file)
        return err_set(err, ERR_CONFIG, "shift.target: is missing: kind \"%s\" needs samples of the target",
                       shift_kind_name((size_t)shift->kind));
    if (shift->kind == SHIFT_CONCEPT && shift->stream_count == 0)
        return err_set(err, ERR_CONFIG,
                       "shift.stream: is missing: kind \"concept\" needs at least one window");
    if (shift->kind == SHIFT_CONCEPT && shift->replay > 0 && config->data.train.weights)
        return err_set(err, ERR_CONFIG,
                       "shift.replay: does not go with data.train.weights: a replayed sample counts as one");
    return (!shift_has_target(shift->kind) || check_unweighted(config, err)) &&
           (shift->kind != SHIFT_LABEL || check_label_shift(config, err));
}

bool demands_of_shift_data(const struct setup *s, struct err *err) {
    const struct shift_spec *shift = &s->config->shift;
    bool needs_classes = shift->kind == SHIFT_LABEL || shift->kind == SHIFT_CONCEPT;
    if (shift_has_target(shift->kind) && shift->folds > s->data.train.count)
        return err_set(err, ERR_CONFIG, "shift.folds: expected at most %zu, a training sample each, got %zu",
                       s->data.train.count, shift->folds);
    if (needs_classes && !s->data.classes)
        return err_set(err, ERR_CONFIG, "shift.kind: \"%s\" needs class labels, found floating-point targets",
                       shift_kind_name((size_t)shift->kind));
    return shift->kind != SHIFT_LABEL || s->data.outputs <= SHIFT_CLASSES ||
           err_set(err, ERR_CONFIG, "shift.kind: \"label\" expected at most %d classes, found %zu",
                   (int)SHIFT_CLASSES, s->data.outputs);
}
