#include "fit/r_squared.h"

#include <math.h>

static double target_at(const struct data_part *part, size_t i, size_t output) {
    return (double)part->set->targets[data_row(part, i) * part->set->target_width + output];
}

static double of_output(const struct data_part *part, const real *predicted, size_t output) {
    double sum = 0, spread = 0, missed = 0;
    for (size_t i = 0; i < part->count; i++)
        sum += target_at(part, i, output);
    double mean = sum / (double)part->count, first = target_at(part, 0, output);
    bool constant = true; /* the mean of equal numbers may be rounded */
    for (size_t i = 0; i < part->count; i++) {
        double t = target_at(part, i, output);
        double gap = t - (double)predicted[i * part->set->target_width + output];
        constant = constant && t == first;
        spread += (t - mean) * (t - mean);
        missed += gap * gap;
    }
    return constant ? missed == 0 : 1 - missed / spread;
}

double r_squared(const struct data_part *part, const real *predicted, double *output_r2) {
    size_t outputs = part->set->target_width;
    double sum = 0;
    for (size_t o = 0; o < outputs; o++) {
        output_r2[o] = part->count > 1 ? of_output(part, predicted, o) : (double)NAN;
        sum += output_r2[o];
    }
    return sum / (double)outputs;
}
