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
    const struct layer_spec *layer = p->layer < spec->layer_count ? &spec->layers[p->layer] : &spec->output;
    penalty.l1 = layer->l1;
    penalty.l2 = layer->l2;
    if (p->kind == PARAMETER_WEIGHT && layer->max_norm > 0)
        penalty.max_norm = layer->max_norm;
    return penalty;
}

double penalty_value(const struct penalty *penalty, const struct model *model, size_t i) {
    const struct parameter *p = &model->parameter[i];
    double magnitudes = 0, squares = 0;
    if (penalty->l1 == 0 && penalty->l2 == 0)
        return 0;
    for (size_t k = 0; k < p->in; k++)
        for (size_t o = 0; o < p->out; o++) {
            double w = (double)model->theta[p->offset + k * p->stride + o];
            magnitudes += fabs(w);
            squares += w * w;
        }
    return penalty->l1 * magnitudes + penalty->l2 / 2 * squares;
}
