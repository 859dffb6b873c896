#include "fit/penalty.h"

#include <math.h>

static bool penalised(const struct fit_setup *setup, const struct parameter *p) {
    const struct model *model = setup->model;
    size_t output = model->parameter[model->parameter_count - 1].layer;
    int biases = setup->regularization.penalize_bias;
    return p->kind == PARAMETER_WEIGHT ||
           (p->kind == PARAMETER_BIAS &&
            (biases == PENALIZE_ALL || (biases == PENALIZE_HIDDEN && p->layer < output)));
}

struct penalty penalty_of(const struct fit_setup *setup, size_t i) {
    const struct parameter *p = &setup->model->parameter[i];
    const struct model_spec *spec = setup->model_spec;
    struct penalty penalty = {.decays = penalised(setup, p)};
    if (!spec || !penalty.decays)
        return penalty;
    const struct layer_spec *layer = model_layer(spec, p->layer);
    const struct regularization_spec *all = &setup->regularization;
    double limit = layer_number(layer->max_norm, all->max_norm);
    penalty.l1 = layer_number(layer->l1, all->l1);
    penalty.l2 = layer_number(layer->l2, all->l2);
    if (p->kind == PARAMETER_WEIGHT && limit > 0) /* NAN: none */
        penalty.max_norm = limit;
    return penalty;
}

double penalty_value(const struct penalty *penalty, const struct model *model, const real *theta, size_t i) {
    const struct parameter *p = &model->parameter[i];
    double magnitudes = 0, squares = 0;
    if (penalty->l1 == 0 && penalty->l2 == 0)
        return 0;
    for (size_t k = 0; k < p->in; k++)
        for (size_t o = 0; o < p->out; o++) {
            double w = (double)theta[p->offset + k * p->stride + o];
            magnitudes += fabs(w);
            squares += w * w;
        }
    return penalty->l1 * magnitudes + penalty->l2 / 2 * squares;
}
