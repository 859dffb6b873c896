#include "run/methods.h"

#include <math.h>

typedef void say_fn(const struct config *config, struct text *out);

/* The layers' number where they have one in common, else how far theirs reach. */
static void add_range(const struct config *config, size_t offset, bool with_output, struct text *out) {
    double low = INFINITY, high = 0;
    size_t layers = config->model.layer_count + with_output;
    for (size_t l = 0; l < layers; l++) {
        const struct layer_spec *layer =
            l < config->model.layer_count ? &config->model.layers[l] : &config->model.output;
        double value = *(const double *)((const char *)layer + offset);
        value = value > 0 ? value : 0; /* none may be NaN */
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    if (layers && low < high)
        text_addf(out, "%g to %g", low, high);
    else
        text_addf(out, "%g", high);
}

static bool any_layer(const struct config *config, size_t offset, bool with_output) {
    for (size_t l = 0; l < config->model.layer_count + with_output; l++) {
        const struct layer_spec *layer =
            l < config->model.layer_count ? &config->model.layers[l] : &config->model.output;
        if (*(const double *)((const char *)layer + offset) > 0)
            return true;
    }
    return false;
}

static void say_layers(const struct config *config, const char *name, size_t offset, struct text *out) {
    if (!any_layer(config, offset, true))
        return;
    text_addf(out, "%s ", name);
    add_range(config, offset, true, out);
}

static void say_schedule(const struct config *config, struct text *out) {
    const struct schedule_spec *s = &config->optimizer.schedule;
    if (s->kind != SCHEDULE_CONSTANT)
        text_addf(out, "%s schedule", schedule_name((size_t)s->kind));
    if (s->warmup_epochs > 0)
        text_addf(out, "%swarm-up of %g epochs", s->kind != SCHEDULE_CONSTANT ? " with " : "",
                  s->warmup_epochs);
}

static void say_momentum(const struct config *config, struct text *out) {
    const struct momentum_ramp *ramp = &config->optimizer.momentum_ramp;
    if (ramp->on)
        text_addf(out, "momentum %g to %g over %g epochs", ramp->start, ramp->end, ramp->epochs);
    else if (config->optimizer.momentum > 0)
        text_addf(out, "momentum %g", config->optimizer.momentum);
}

static void say_decay(const struct config *config, struct text *out) {
    if (config->optimizer.weight_decay > 0)
        text_addf(out, "weight decay %g", config->optimizer.weight_decay);
}

static void say_clipping(const struct config *config, struct text *out) {
    const struct optimizer_spec *o = &config->optimizer;
    if (o->clip_value > 0)
        text_addf(out, "gradient values clipped at %g", o->clip_value);
    if (o->clip_norm > 0)
        text_addf(out, "%s norm clipped at %g", o->clip_value > 0 ? ", their" : "gradient", o->clip_norm);
}

static void say_dropout(const struct config *config, struct text *out) {
    size_t offset = offsetof(struct layer_spec, dropout);
    bool inputs = config->model.input_dropout > 0, layers = any_layer(config, offset, false);
    if (inputs)
        text_addf(out, "dropout %g of the inputs", config->model.input_dropout);
    if (!layers)
        return;
    text_add(out, inputs ? ", " : "dropout ");
    add_range(config, offset, false, out);
    text_add(out, " of the layers");
}

static void say_noise(const struct config *config, struct text *out) {
    const struct regularization_spec *r = &config->regularization;
    if (r->input_noise > 0)
        text_addf(out, "input noise %g", r->input_noise);
    if (r->weight_noise > 0)
        text_addf(out, "%sweight noise %g %s", r->input_noise > 0 ? ", " : "", r->weight_noise,
                  r->weight_noise_kind == WEIGHT_NOISE_PER_STEP ? "per step" : "per sample");
}

static void say_l1(const struct config *config, struct text *out) {
    say_layers(config, "l1", offsetof(struct layer_spec, l1), out);
}

static void say_l2(const struct config *config, struct text *out) {
    say_layers(config, "l2", offsetof(struct layer_spec, l2), out);
}

static void say_max_norm(const struct config *config, struct text *out) {
    say_layers(config, "max-norm", offsetof(struct layer_spec, max_norm), out);
}

static void say_augmentation(const struct config *config, struct text *out) {
    const struct augment_spec *a = &config->augment;
    const struct {
        const char *name;
        double value;
    } changes[] = {
        {"rotate", a->rotate}, {"translate", a->translate}, {"scale", a->scale}, {"shear", a->shear}};
    size_t before = out->len;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        if (changes[i].value > 0)
            text_addf(out, "%s%s %g", out->len > before ? ", " : "augment: ", changes[i].name,
                      changes[i].value);
    if (a->flip)
        text_addf(out, "%sflip", out->len > before ? ", " : "augment: ");
    if (a->elastic.on)
        text_addf(out, "%selastic %g over %g", out->len > before ? ", " : "augment: ", a->elastic.alpha,
                  a->elastic.sigma);
    if (a->class_count)
        text_addf(out, "%slimits of %zu classes", out->len > before ? ", " : "augment: ", a->class_count);
}

static void say_smoothing(const struct config *config, struct text *out) {
    if (config->loss.label_smoothing > 0)
        text_addf(out, "label smoothing %g", config->loss.label_smoothing);
}

static void say_weights(const struct config *config, struct text *out) {
    bool classes = config->loss.balanced || config->loss.class_weights;
    if (config->data.train.weights)
        text_add(out, "sample weights");
    if (classes)
        text_addf(out, "%s%s", config->data.train.weights ? ", " : "",
                  config->loss.balanced ? "balanced classes" : "class weights");
}

static void say_stopping(const struct config *config, struct text *out) {
    const struct early_stopping_spec *e = &config->train.early_stopping;
    if (e->on)
        text_addf(out, "early stopping by %s, patience %zu%s", metric_name((size_t)e->metric), e->patience,
                  config->train.refit ? ", then refit" : "");
}

static void say_calibration(const struct config *config, struct text *out) {
    if (config->train.calibrate)
        text_add(out, "calibration");
}

static void say_diagnostics(const struct config *config, struct text *out) {
    if (config->train.diagnostics)
        text_add(out, "diagnostics");
}

static say_fn *const methods[] = {
    say_momentum,  say_schedule, say_decay,    say_clipping,    say_l1,
    say_l2,        say_max_norm, say_dropout,  say_noise,       say_augmentation,
    say_smoothing, say_weights,  say_stopping, say_calibration, say_diagnostics,
};

bool methods_add(const struct config *config, size_t i, struct text *out) {
    if (i >= sizeof methods / sizeof *methods)
        return false;
    methods[i](config, out);
    return true;
}
