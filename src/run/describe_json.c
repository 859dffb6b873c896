#include "base/json.h"
#include "run/describe.h"

static void print_layers(struct json_writer *w, const struct description *d) {
    json_key(w, "layers");
    json_begin_array(w);
    for (size_t l = 0; l < d->layer_count; l++) {
        const struct described_layer *layer = &d->layer[l];
        json_begin_object(w);
        json_put_uint(w, "in", layer->in);
        json_put_uint(w, "out", layer->out);
        json_put_string(w, "activation", layer->activation);
        json_put_string(w, "init", layer->init);
        json_put_uint(w, "parameters", layer->parameters);
        json_key(w, "flops");
        json_number(w, layer->flops);
        json_end_object(w);
    }
    json_end_array(w);
}

static void print_data(struct json_writer *w, const struct description *d) {
    json_key(w, "data");
    json_begin_object(w);
    json_put_uint(w, "train", d->train);
    json_put_uint(w, "validation", d->validation);
    json_put_uint(w, "test", d->test);
    json_put_uint(w, "features", d->features);
    json_put_uint(w, d->classes ? "classes" : "outputs", d->outputs);
    json_put_string(w, "scale", d->scale);
    json_key(w, "sha256");
    json_begin_object(w);
    for (size_t i = 0; i < d->file_count; i++) {
        json_key(w, d->file[i].name);
        json_begin_object(w);
        json_put_string(w, d->file[i].labels ? "images" : "file", d->file[i].images_sha256);
        if (d->file[i].labels)
            json_put_string(w, "labels", d->file[i].labels_sha256);
        if (d->file[i].weights)
            json_put_string(w, "weights", d->file[i].weights_sha256);
        json_end_object(w);
    }
    json_end_object(w);
    json_end_object(w);
}

static void print_cost(struct json_writer *w, const struct description *d) {
    json_put_uint(w, "parameters", d->parameters);
    json_put_uint(w, "batch_size", d->batch_size);
    json_put_uint(w, "steps_per_epoch", d->steps_per_epoch);
    json_put_uint(w, "epochs", d->epochs);
    json_key(w, "flops_per_step");
    json_number(w, d->flops_per_step);
    json_key(w, "bytes_per_step");
    json_number(w, d->bytes_per_step);
    json_key(w, "memory");
    json_begin_object(w);
    json_put_uint(w, "data", d->data_bytes);
    json_put_uint(w, "parameters", d->parameter_bytes);
    json_put_uint(w, "work", d->work_bytes);
    json_end_object(w);
}

static void print_methods(struct json_writer *w, const struct description *d) {
    struct text phrase = {0};
    json_key(w, "methods");
    json_begin_array(w);
    for (size_t i = 0; describe_method(d, i, &phrase); i++)
        if (phrase.len > 0)
            json_string(w, phrase.s);
    json_end_array(w);
    w->out->failed |= phrase.failed;
    text_release(&phrase);
}

bool describe_json(const struct description *d, struct text *out, struct err *err) {
    struct json_writer w = {.out = out, .indent = 2};
    json_begin_object(&w);
    json_put_string(&w, "name", d->name);
    print_data(&w, d);
    print_layers(&w, d);
    json_put_string(&w, "loss", d->loss);
    json_put_string(&w, "optimizer", d->optimizer);
    print_methods(&w, d);
    print_cost(&w, d);
    json_put_string(&w, "isa", d->kernel);
    json_put_string(&w, "precision", precision_name((size_t)d->config->precision));
    json_put_uint(&w, "threads", d->threads);
    json_key(&w, "warnings");
    warnings_print(&w, &d->warnings, false);
    json_end_object(&w);
    text_add(out, "\n");
    return text_ok(out, err);
}
