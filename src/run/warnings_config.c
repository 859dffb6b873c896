/* What the initialisers alone tell. */
#include "base/mem.h"
#include "model/init.h"
#include "run/warnings.h"

/* What is certain of a layer, whatever the data: in the beginning, and at last for ever. */
struct certain {
    const struct layer_spec *spec;
    double weight, bias;                  /* where constant */
    bool constant_weights, constant_bias; /* at the start */
    bool zero, still;                     /* the weights are 0, the bias is what it was at the start */
    bool silent;                          /* its output is 0 for every sample */
    bool flat;                            /* its activation passes no gradient for any sample */
    bool reached;                         /* a gradient may come down to its sums */
};

/* The activation and its slope at a number, as the engine computes them. */
static void activation_at(const struct layer_spec *layer, double at, real *value, real *slope) {
    _Alignas(MEM_ALIGN) real x[KERNEL_LANES], y[KERNEL_LANES], one[KERNEL_LANES], dx[KERNEL_LANES];
    const struct kernel *k = kernel_at(0);
    for (size_t i = 0; i < KERNEL_LANES; i++)
        x[i] = (real)at, one[i] = 1;
    k->activation[layer->activation].value(KERNEL_LANES, x, y, (real)layer->slope);
    k->activation[layer->activation].slope(KERNEL_LANES, x, y, one, dx, (real)layer->slope, false);
    *value = y[0], *slope = dx[0];
}

/* Sums that are the bias alone, for every sample, give one output and one slope. */
static void look_forward(struct certain *c, bool below_silent) {
    real value = 1, slope = 1;
    if ((c->zero || below_silent) && c->still)
        activation_at(c->spec, c->bias, &value, &slope);
    c->silent = value == 0;
    c->flat = slope == 0;
}

/* One round: what may move given what is certain, and is then certain no more. Returns whether there was
 * any. */
static bool move(struct certain *c, size_t layers) {
    bool moved = false;
    for (size_t l = 0; l < layers; l++)
        look_forward(&c[l], l > 0 && c[l - 1].silent);
    for (size_t l = layers; l-- > 0;) {
        bool from_above = l + 1 == layers || (c[l + 1].reached && !c[l + 1].zero);
        c[l].reached = from_above && !c[l].flat;
        bool weights = c[l].zero && c[l].reached && (l == 0 || !c[l - 1].silent);
        bool bias = c[l].still && c[l].reached;
        moved = moved || weights || bias;
        c[l].zero = c[l].zero && !weights;
        c[l].still = c[l].still && !bias;
    }
    return moved;
}

static void begin(const struct model_spec *spec, struct certain *c, size_t layers) {
    for (size_t l = 0; l < layers; l++) {
        const struct layer_spec *layer = model_layer(spec, l);
        c[l] = (struct certain){.spec = layer};
        c[l].constant_weights = init_is_constant(&layer->init, &c[l].weight);
        c[l].constant_bias = init_is_constant(&layer->bias_init, &c[l].bias);
        c[l].zero = c[l].constant_weights && c[l].weight == 0;
        c[l].still = c[l].constant_bias;
    }
}

static void add_name(struct text *t, size_t l, size_t layers) {
    if (l + 1 == layers)
        text_add(t, "model.output: ");
    else
        text_addf(t, "model.layers.%zu: ", l);
}

static bool warn_stuck(struct warnings *w, const struct certain *c, size_t l, size_t layers,
                       struct err *err) {
    struct text t = {0};
    add_name(&t, l, layers);
    text_add(&t, "its weights can never learn: they start at 0, and ");
    if (c[l].flat)
        text_addf(&t, "%s passes no gradient where its sums then are",
                  activation_name((size_t)c[l].spec->activation));
    else
        text_add(&t, c[l].reached ? "its inputs are always 0" : "no gradient reaches them");
    text_addf(&t, "; start them at random (init %s)", warnings_init(c[l].spec));
    return warnings_add(w, WARNING_START, l, 0, &t, err);
}

/* Equal units with equal outgoing weights get equal gradients: only dropout, which treats them differently,
 * or noise on the weights can part them. */
static bool stay_equal(const struct certain *c, size_t l) {
    return c[l].spec->units > 1 && c[l].constant_weights && c[l].constant_bias && c[l + 1].constant_weights &&
           c[l].spec->dropout == 0;
}

static bool warn_equal(struct warnings *w, const struct certain *c, size_t l, size_t layers,
                       struct err *err) {
    struct text t = {0};
    add_name(&t, l, layers);
    text_addf(
        &t,
        "its %zu units start equal and stay equal for ever, so that they do the work of one: its weights, "
        "its biases and the weights of the next layer are constants; start its weights at random (init "
        "%s)",
        c[l].spec->units, warnings_init(c[l].spec));
    return warnings_add(w, WARNING_START, l, 0, &t, err);
}

bool warnings_of_schedule(struct warnings *w, const struct config *config, struct err *err) {
    const struct optimizer_spec *o = &config->optimizer;
    double epochs = (double)config->train.epochs;
    struct text t = {0};
    if (epochs > 0 && o->schedule.warmup_epochs >= epochs)
        text_addf(
            &t,
            "optimizer.schedule.warmup_epochs: a warm-up of %g epochs is as long as the run of %zu, so that "
            "the %s schedule never begins",
            o->schedule.warmup_epochs, config->train.epochs, schedule_name((size_t)o->schedule.kind));
    else if (epochs > 0 && o->momentum_ramp.on && o->momentum_ramp.epochs > epochs)
        text_addf(&t,
                  "optimizer.momentum_ramp.epochs: the ramp of %g epochs is longer than the run of %zu, so "
                  "that the momentum never comes to its end",
                  o->momentum_ramp.epochs, config->train.epochs);
    else
        return true;
    return warnings_add(w, WARNING_SCHEDULE, 0, 0, &t, err);
}

bool warnings_of_config(struct warnings *w, const struct config *config, struct err *err) {
    size_t layers = config->model.layer_count + 1;
    if (config->model.weight_noise > 0 || config->regularization.weight_noise > 0)
        return true;
    struct certain *c = mem_alloc(layers, sizeof *c, "the warnings", err);
    if (!c)
        return false;
    begin(&config->model, c, layers);
    while (move(c, layers))
        ;
    bool ok = true;
    for (size_t l = 0; ok && l < layers; l++)
        if (c[l].zero)
            ok = warn_stuck(w, c, l, layers, err);
        else if (l + 1 < layers && stay_equal(c, l))
            ok = warn_equal(w, c, l, layers, err);
    mem_free(c);
    return ok;
}
