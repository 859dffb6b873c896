#include "run/diagnostics_json.h"

#include <math.h>

static void put_figure(struct json_writer *w, const char *key, double value) {
    if (isnan(value))
        return;
    json_key(w, key);
    json_number(w, value);
}

static void print_layer(struct json_writer *w, const struct layer_diagnostics *l) {
    json_begin_object(w);
    json_key(w, "name");
    json_string(w, l->name);
    put_figure(w, "weight_norm", l->weight_norm);
    put_figure(w, "gradient_norm", l->gradient_norm);
    put_figure(w, "update_ratio", l->update_ratio);
    put_figure(w, "activation_mean", l->activation_mean);
    put_figure(w, "activation_deviation", l->activation_deviation);
    put_figure(w, "dead", l->dead);
    put_figure(w, "saturated", l->saturated);
    put_figure(w, "saturated_units", l->saturated_units);
    json_end_object(w);
}

void diagnostics_print(struct json_writer *w, const struct net_diagnostics *net) {
    json_begin_object(w);
    put_figure(w, "gradient_ratio", net->gradient_ratio);
    json_key(w, "layers");
    json_begin_array(w);
    for (size_t l = 0; l < net->layers; l++)
        print_layer(w, &net->layer[l]);
    json_end_array(w);
    json_end_object(w);
}
