#include "run/posthoc.h"

#include "kernel/dmath.h"

/* The logarithm of the weight 0: no logits bring such a class back. */
static const double least_weight = 1e-30;

void posthoc_apply(const struct label_estimate *label, struct model *model, double *temperature) {
    const struct bcts *calibration = &label->ratio.calibration;
    const struct parameter *bias = &model->parameter[model->parameter_count - 1];
    double t = 1 / calibration->a;
    real *b = model->theta + bias->offset;
    for (size_t c = 0; c < label->classes; c++) {
        double weight = label->posthoc[c] > least_weight ? label->posthoc[c] : least_weight;
        b[c] = (real)((double)b[c] + t * (calibration->b[c] + dmath_log(weight)));
    }
    *temperature = t;
}
