#include "run/methods.h"

#include <math.h>

typedef void say_fn(const struct config *config, struct text *out);

/* A number of layer l. */
typedef double layer_fn(const struct config *config, size_t l);

static double dropout_of(const struct config *config, size_t l) {
    return model_layer(&config->model, l)->dropout;
}

static double l1_of(const struct config *config, size_t l) {
    return layer_number(model_layer(&config->model, l)->l1, config->regularization.l1);
}

static double l2_of(const struct config *config, size_t l) {
    return layer_number(model_layer(&config->model, l)->l2, config->regularization.l2);
}

static double max_norm_of(const struct config *config, size_t l) {
    return layer_number(model_layer(&config->model, l)->max_norm, config->regularization.max_norm);
}

/* "NAME 0.5" or "NAME 0.2 to 0.5" over so many layers; nothing where no layer has a number above 0. */
static bool say_layers(const struct config *config, const char *name, layer_fn *of, size_t layers,
                       struct text *out) {
    double low = INFINITY, high = 0;
    for (size_t l = 0; l < layers; l++) {
        double value = of(config, l) > 0 ? of(config, l) : 0; /* NAN: none */
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    if (high == 0)
        return false;
    text_addf(out, "%s ", name);
    if (low < high)
        text_addf(out, "%g to ", low);
    text_addf(out, "%g", high);
    return true;
}

static void say_rule(const struct config *config, struct text *out) {
    const struct optimizer_spec *o = &config->optimizer;
    text_add(out, o->nesterov ? "Nesterov's step" : o->amsgrad ? "amsgrad" : o->centered ? "centered" : "");
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
    bool inputs = config->model.input_dropout > 0;
    if (inputs)
        text_addf(out, "dropout %g of the inputs", config->model.input_dropout);
    if (say_layers(config, inputs ? "," : "dropout", dropout_of, config->model.layer_count, out))
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
    if (say_layers(config, "l1", l1_of, config->model.layer_count + 1, out) &&
        config->regularization.l1_method == L1_SUBGRADIENT)
        text_add(out, " by its sub-gradient");
}

static void say_l2(const struct config *config, struct text *out) {
    say_layers(config, "l2", l2_of, config->model.layer_count + 1, out);
}

static void say_max_norm(const struct config *config, struct text *out) {
    say_layers(config, "max-norm", max_norm_of, config->model.layer_count + 1, out);
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
        text_addf(out, "%slimits of %zu class%s", out->len > before ? ", " : "augment: ", a->class_count,
                  a->class_count == 1 ? "" : "es");
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

static void say_stream(const struct config *config, struct text *out) {
    const struct shift_spec *s = &config->shift;
    if (s->kind != SHIFT_CONCEPT)
        return;
    text_addf(out, "a stream of %zu window%s watched by %s", s->stream_count, s->stream_count == 1 ? "" : "s",
              drift_detector_name((size_t)s->drift.detector));
    if (s->replay > 0)
        text_addf(out, ", replay %zu", s->replay);
}

static void say_shift(const struct config *config, struct text *out) {
    const struct shift_spec *s = &config->shift;
    if (!shift_has_target(s->kind))
        return;
    text_addf(out, "%s shift by %s", shift_kind_name((size_t)s->kind), shift_method_name((size_t)s->method));
    if (s->kind == SHIFT_LABEL)
        text_addf(out, ", %s",
                  s->correct == CORRECT_BOTH ? "posthoc and retrain"
                                             : label_correction_name((size_t)s->correct));
}

static say_fn *const methods[] = {
    say_rule,    say_momentum, say_schedule, say_decay,       say_clipping,     say_l1,
    say_l2,      say_max_norm, say_dropout,  say_noise,       say_augmentation, say_smoothing,
    say_weights, say_shift,    say_stopping, say_calibration, say_diagnostics,  say_stream,
};

bool methods_add(const struct config *config, size_t i, struct text *out) {
    if (i >= sizeof methods / sizeof *methods)
        return false;
    methods[i](config, out);
    return true;
}
