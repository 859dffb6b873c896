#include "base/json.h"
#include "run/describe.h"

static void put_uint(struct json_writer *w, const char *key, size_t value) {
    json_key(w, key);
    json_uint(w, value);
}

static void put_string(struct json_writer *w, const char *key, const char *value) {
    json_key(w, key);
    json_string(w, value);
}

static void print_layers(struct json_writer *w, const struct description *d) {
    json_key(w, "layers");
    json_begin_array(w);
    for (size_t l = 0; l < d->layer_count; l++) {
        const struct described_layer *layer = &d->layer[l];
        json_begin_object(w);
        put_uint(w, "in", layer->in);
        put_uint(w, "out", layer->out);
        put_string(w, "activation", layer->activation);
        put_string(w, "init", layer->init);
        put_uint(w, "parameters", layer->parameters);
        json_key(w, "flops");
        json_number(w, layer->flops);
        json_end_object(w);
    }
    json_end_array(w);
}

static void print_data(struct json_writer *w, const struct description *d) {
    json_key(w, "data");
    json_begin_object(w);
    put_uint(w, "train", d->train);
    put_uint(w, "validation", d->validation);
    put_uint(w, "test", d->test);
    put_uint(w, "features", d->features);
    put_uint(w, d->classes ? "classes" : "outputs", d->outputs);
    put_string(w, "scale", d->scale);
    json_key(w, "sha256");
    json_begin_object(w);
    for (size_t i = 0; i < d->file_count; i++) {
        json_key(w, d->file[i].name);
        json_begin_object(w);
        put_string(w, "images", d->file[i].images_sha256);
        put_string(w, "labels", d->file[i].labels_sha256);
        if (d->file[i].weights)
            put_string(w, "weights", d->file[i].weights_sha256);
        json_end_object(w);
    }
    json_end_object(w);
    json_end_object(w);
}

static void print_cost(struct json_writer *w, const struct description *d) {
    put_uint(w, "parameters", d->parameters);
    put_uint(w, "batch_size", d->batch_size);
    put_uint(w, "steps_per_epoch", d->steps_per_epoch);
    put_uint(w, "epochs", d->epochs);
    json_key(w, "flops_per_step");
    json_number(w, d->flops_per_step);
    json_key(w, "bytes_per_step");
    json_number(w, d->bytes_per_step);
    json_key(w, "memory");
    json_begin_object(w);
    put_uint(w, "data", d->data_bytes);
    put_uint(w, "parameters", d->parameter_bytes);
    put_uint(w, "work", d->work_bytes);
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
    put_string(&w, "name", d->name);
    print_data(&w, d);
    print_layers(&w, d);
    put_string(&w, "loss", d->loss);
    put_string(&w, "optimizer", d->optimizer);
    print_methods(&w, d);
    print_cost(&w, d);
    put_string(&w, "isa", d->kernel);
    put_uint(&w, "threads", d->threads);
    json_key(&w, "warnings");
    warnings_print(&w, &d->warnings, false);
    json_end_object(&w);
    text_add(out, "\n");
    return text_ok(out, err);
}
