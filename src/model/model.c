#include "model/model.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/init.h"

static void label(char *buf, size_t size, const struct model_spec *spec, size_t layer) {
    if (layer == spec->layer_count)
        snprintf(buf, size, "%s", spec->output_path ? spec->output_path : "model.output");
    else
        snprintf(buf, size, "%s.layers.%zu", spec->path ? spec->path : "model", layer);
}

/* One layer: affine, the activation where it is not the identity, and dropout where it drops something. */
static bool add_layer(struct tape *tape, const struct model_spec *model, const struct layer_spec *spec,
                      size_t units, const char *name, size_t *value, struct err *err) {
    const struct op *affine = model->weight_noise > 0 ? &op_affine_noise : &op_affine;
    if (!tape_apply(tape, affine, value, units, (real)model->weight_noise, name, value, err))
        return false;
    if (spec->activation != ACTIVATION_IDENTITY &&
        !tape_apply(tape, op_activation_at((size_t)spec->activation), value, 0, (real)spec->slope, name,
                    value, err))
        return false;
    return spec->dropout == 0 ||
           tape_apply(tape, &op_dropout, value, 0, (real)(1 - spec->dropout), name, value, err);
}

static struct tape *make_tape(const struct model_spec *spec, size_t features, size_t outputs,
                              const char *loss, struct err *err) {
    struct tape *tape = tape_create(err);
    size_t value = 0;
    bool ok = tape && tape_input(tape, features, err);
    for (size_t l = 0; ok && l <= spec->layer_count; l++) {
        const struct layer_spec *layer = model_layer(spec, l);
        char name[32];
        label(name, sizeof name, spec, l);
        ok = add_layer(tape, spec, layer, l < spec->layer_count ? layer->units : outputs, name, &value, err);
    }
    ok = ok && tape_apply(tape, op_find(loss), &value, 0, 0, "loss", &value, err) && tape_finish(tape, err);
    if (ok)
        return tape;
    tape_free(tape);
    return NULL;
}

static enum parameter_kind kind_of(const char *name) {
    static const char *const names[] = {
        [PARAMETER_WEIGHT] = "weight", [PARAMETER_BIAS] = "bias", [PARAMETER_SLOPE] = "slope"};
    int kind = 0;
    while (strcmp(names[kind], name) != 0) {
        kind++;
        assert(kind < (int)(sizeof names / sizeof *names)); /* a parameter of a new kind needs a row */
    }
    return (enum parameter_kind)kind;
}

/* Names the tape's parameters as torch.nn.Sequential would: a weight begins a layer, and an activation with a
 * slope is the module behind it. */
static void name_parameters(struct model *model, const struct model_spec *spec) {
    size_t layers = 0;
    for (size_t i = 0; i < model->parameter_count; i++) {
        const struct tape_parameter *t = tape_parameter(model->tape, i);
        struct parameter *p = &model->parameter[i];
        p->kind = kind_of(t->name);
        p->layer = p->kind == PARAMETER_WEIGHT ? layers++ : layers - 1;
        const struct layer_spec *layer = model_layer(spec, p->layer);
        p->out = t->matrix.cols, p->in = t->matrix.rows;
        p->offset = t->offset, p->stride = t->matrix.stride;
        p->init = p->kind == PARAMETER_WEIGHT ? layer->init : layer->bias_init;
        if (p->kind == PARAMETER_SLOPE)
            p->init = (struct init_spec){.kind = init_find("constant"), .value = layer->slope};
        bool behind = p->kind == PARAMETER_SLOPE;
        snprintf(p->name, sizeof p->name, "%zu.%s", 2 * p->layer + behind,
                 p->kind == PARAMETER_BIAS ? "bias" : "weight");
        model->trainable += p->out * p->in;
    }
}

struct model *model_create(const struct model_spec *spec, size_t features, size_t outputs, const char *loss,
                           struct err *err) {
    struct model *model = mem_alloc(1, sizeof *model, "the model", err);
    if (!model)
        return NULL;
    model->features = features;
    model->outputs = outputs;
    model->input_keep = (real)(1 - spec->input_dropout);
    model->dropout = spec->input_dropout > 0;
    for (size_t l = 0; l < spec->layer_count; l++)
        model->dropout = model->dropout || spec->layers[l].dropout > 0;
    model->tape = make_tape(spec, features, outputs, loss, err);
    if (model->tape) {
        model->parameter_count = tape_parameters(model->tape);
        model->size = tape_theta_size(model->tape);
        model->parameter = mem_alloc(model->parameter_count, sizeof *model->parameter, "the model", err);
        if (model->parameter)
            model->theta = mem_alloc_aligned(model->size, sizeof(real), "the model's parameters", err);
    }
    if (!model->theta) {
        model_free(model);
        return NULL;
    }
    name_parameters(model, spec);
    return model;
}

void model_free(struct model *model) {
    if (!model)
        return;
    tape_free(model->tape);
    mem_free(model->parameter);
    mem_free(model->theta);
    mem_free(model);
}

void model_get(const struct model *model, size_t i, float *values) {
    const struct parameter *p = &model->parameter[i];
    for (size_t o = 0; o < p->out; o++)
        for (size_t k = 0; k < p->in; k++)
            values[o * p->in + k] = (float)model->theta[p->offset + k * p->stride + o];
}

void model_set(struct model *model, size_t i, const float *values) {
    const struct parameter *p = &model->parameter[i];
    for (size_t o = 0; o < p->out; o++)
        for (size_t k = 0; k < p->in; k++)
            model->theta[p->offset + k * p->stride + o] = (real)values[o * p->in + k];
}

bool model_init(struct model *model, uint64_t seed, struct team *team, struct err *err) {
    memset(model->theta, 0, model->size * sizeof *model->theta);
    for (size_t i = 0; i < model->parameter_count; i++) {
        const struct parameter *p = &model->parameter[i];
        const struct init_target target = {model->theta + p->offset, p->out, p->in, p->stride, (uint32_t)i};
        if (!init_draw(&p->init, &target, seed, team, err))
            return err_prefix(err, "%s", p->name);
    }
    return true;
}
