/* What a multilayer perceptron is, as plain data. */
#ifndef MODEL_SPEC_H
#define MODEL_SPEC_H

#include <math.h>
#include <stddef.h>

#include "kernel/activation.h"

/* How a tensor starts: kind is a row of the initialiser table (model/init.h). */
struct init_spec {
    int kind;
    double std, limit, value; /* of normal, uniform, constant */
};

struct layer_spec {
    size_t units;
    int activation; /* enum activation */
    double slope;   /* leaky_relu; starting value of prelu */
    struct init_spec init, bias_init;
    double dropout;  /* share of the outputs that training sets to 0 */
    double l1, l2;   /* penalties on the weights; NAN: those of all layers */
    double max_norm; /* of the incoming weights of every unit; NAN: that of all layers, 0: none */
};

struct model_spec {
    struct layer_spec *layers; /* the hidden layers, owned by whoever made the spec */
    size_t layer_count;
    struct layer_spec output; /* units: from the data; activation identity */
    double input_dropout;     /* share of the inputs that training sets to 0 */
    double weight_noise; /* standard deviation of noise on every weight, drawn for each sample; 0: none */
    /* Where the config has its layers, and what there is to its output layer, for messages; NULL: "model",
     * "model.output". */
    const char *path, *output_path;
};

/* Layer l, the output layer behind the hidden ones. */
static inline const struct layer_spec *model_layer(const struct model_spec *spec, size_t l) {
    return l < spec->layer_count ? &spec->layers[l] : &spec->output;
}

/* A number of a layer that has one of its own, else that of all. */
static inline double layer_number(double own, double of_all) {
    return isnan(own) ? of_all : own;
}

enum { MODEL_MAX_LAYERS = 1024, MODEL_MAX_UNITS = 1048576 };

#endif
