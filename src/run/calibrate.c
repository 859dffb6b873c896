#include "run/calibrate.h"

#include <math.h>

#include "base/mem.h"
#include "fit/fit.h"
#include "run/loss_use.h"

/* The outputs on the part, to be released with mem_free; NULL on failure. */
static real *outputs_of(const struct calibrated *m, const struct data_part *part, struct err *err) {
    size_t outputs = m->model->outputs;
    real *z = mem_alloc(part->count, outputs * sizeof *z, "the outputs to calibrate", err);
    bool ok = z && fit_outputs(m->kernel, m->team, m->model, part, m->scaling, z, err);
    if (ok && !m->kernel->all_finite(part->count * outputs, z))
        ok = err_set(err, ERR_DIVERGED, "the outputs of the model on these %zu samples are not all finite",
                     part->count);
    if (ok)
        return z;
    mem_free(z);
    return NULL;
}

static struct calibration_set set_of(const struct calibrated *m, const struct data_part *part,
                                     const real *z) {
    return (struct calibration_set){part, m->model->outputs, z, loss_is_exclusive(m->loss_kind)};
}

static struct calibration_effect effect_of(const struct calibration_set *set, double temperature) {
    return (struct calibration_effect){true, calibration_score(set, 1), calibration_score(set, temperature)};
}

bool calibrate_fit(const struct calibrated *model, const struct data_part *part, double *temperature,
                   struct calibration_effect *effect, struct err *err) {
    real *z = outputs_of(model, part, err);
    if (!z)
        return false;
    struct calibration_set set = set_of(model, part, z);
    *temperature = calibration_fit(&set);
    *effect = effect_of(&set, *temperature);
    mem_free(z);
    return true;
}

bool calibrate_measure(const struct calibrated *model, const struct data_part *part, double temperature,
                       struct calibration_effect *effect, struct err *err) {
    real *z = outputs_of(model, part, err);
    if (!z)
        return false;
    struct calibration_set set = set_of(model, part, z);
    *effect = effect_of(&set, temperature);
    mem_free(z);
    return true;
}

/* ---- printing ---- */

static void print_scores(struct json_writer *w, const char *key, const struct calibration_scores *scores) {
    json_key(w, key);
    json_begin_object(w);
    json_put_number(w, "nll", scores->nll);
    json_put_number(w, "brier", scores->brier);
    if (!isnan(scores->ece))
        json_put_number(w, "ece", scores->ece);
    json_end_object(w);
}

static void print_effect(struct json_writer *w, const char *key, const struct calibration_effect *effect) {
    if (!effect->measured)
        return;
    json_key(w, key);
    json_begin_object(w);
    print_scores(w, "before", &effect->before);
    print_scores(w, "after", &effect->after);
    json_end_object(w);
}

void calibrate_print(const struct calibration *c, struct json_writer *w) {
    json_key(w, "calibration");
    if (isnan(c->temperature)) {
        json_null(w);
        return;
    }
    json_begin_object(w);
    json_put_number(w, "temperature", c->temperature);
    print_effect(w, "validation", &c->validation);
    print_effect(w, "test", &c->test);
    json_end_object(w);
}
