#include "run/warnings.h"

#include <stdio.h>

#include "base/mem.h"
#include "model/init.h"

/* ---- the list ---- */

void warnings_release(struct warnings *warnings) {
    for (size_t i = 0; i < warnings->count; i++)
        text_release(&warnings->list[i].text);
    mem_free(warnings->list);
    *warnings = (struct warnings){0};
}

static bool is_known(const struct warnings *w, enum warning_kind kind, size_t layer) {
    for (size_t i = 0; i < w->count; i++)
        if (w->list[i].kind == kind && w->list[i].layer == layer)
            return true;
    return false;
}

static bool make_room(struct warnings *w, struct err *err) {
    if (w->count < w->room)
        return true;
    size_t room = w->room ? 2 * w->room : 8;
    struct warning *list = mem_alloc(room, sizeof *list, "the warnings", err);
    if (!list)
        return false;
    for (size_t i = 0; i < w->count; i++)
        list[i] = w->list[i];
    mem_free(w->list);
    w->list = list, w->room = room;
    return true;
}

bool warnings_add(struct warnings *w, enum warning_kind kind, size_t layer, size_t epoch, struct text *text,
                  struct err *err) {
    bool known = is_known(w, kind, layer), ok = known || (text_ok(text, err) && make_room(w, err));
    if (known || !ok)
        text_release(text);
    else
        w->list[w->count++] = (struct warning){kind, layer, epoch, false, *text};
    return ok;
}

static void snapshot_warning(struct warning *w, size_t i, struct snapshot *s) {
    char name[32];
    int kind = (int)w->kind;
    snprintf(name, sizeof name, "%zu", i);
    snapshot_enter(s, name);
    snapshot_int(s, "kind", &kind, 0, WARNING_SHIFT);
    snapshot_size(s, "layer", &w->layer, SIZE_MAX);
    snapshot_size(s, "epoch", &w->epoch, SIZE_MAX);
    snapshot_bool(s, "refit", &w->refit);
    snapshot_text(s, "text", &w->text);
    snapshot_leave(s);
    w->kind = (enum warning_kind)kind;
}

void warnings_snapshot(struct warnings *w, struct snapshot *s) {
    size_t count = w->count;
    struct err err = {0};
    snapshot_enter(s, "warnings");
    snapshot_size(s, "count", &count, SIZE_MAX);
    if (snapshot_restores(s))
        warnings_release(w);
    for (size_t i = 0; i < count && (snapshot_restores(s) || i < w->count); i++) {
        if (i == w->count && !make_room(w, &err)) {
            snapshot_fail(s, &err);
            break;
        }
        w->count += i == w->count;
        snapshot_warning(&w->list[i], i, s);
    }
    snapshot_leave(s);
}

const char *warnings_init(const struct layer_spec *layer) {
    return init_name((size_t)init_default(layer->activation));
}

void warnings_print(struct json_writer *w, const struct warnings *warnings, bool with_epochs) {
    json_begin_array(w);
    for (size_t i = 0; i < warnings->count; i++) {
        const struct warning *warning = &warnings->list[i];
        if (!with_epochs) {
            json_string(w, warning->text.s);
            continue;
        }
        json_begin_object(w);
        if (warning->refit) {
            json_key(w, "phase");
            json_string(w, "refit");
        }
        json_key(w, "epoch");
        json_uint(w, warning->epoch);
        json_key(w, "text");
        json_string(w, warning->text.s);
        json_end_object(w);
    }
    json_end_array(w);
}

/* ---- rules of an epoch ---- */

/* He's and Xavier's weights keep the gradient of all layers within a factor of about 10 of each other, even
 * twenty layers deep; a factor of 1000 is none of chance or of the layers' widths. */
static const double vanishing = 1e-3, exploding = 1e3;

/* A step usually changes weights by about a thousandth of their size. One by more than their size forgets
 * what was learned; at a millionth, a few thousand steps change nothing, and single precision (6e-8) begins
 * to round the change away. */
static const double large_update = 1, small_update = 1e-6;

/* More than half of the units do nothing: the layer is not as wide as it was meant to be. */
static const double useless = 0.5;

struct judged {
    size_t epoch, l;
    const struct net_diagnostics *net;
    const struct layer_diagnostics *layer;
    const struct layer_spec *spec;
};

static bool starts_equal(const struct judged *j) {
    return j->layer->symmetric;
}
static void say_equal(const struct judged *j, struct text *t) {
    text_addf(t,
              "all %zu units have the same weights and bias, so they learn the same and do the work of one; "
              "start the weights at random (init %s)",
              j->layer->units, warnings_init(j->spec));
}

static bool vanishes(const struct judged *j) {
    return j->l == 0 && j->net->gradient_ratio < vanishing;
}
static void say_vanishing(const struct judged *j, struct text *t) {
    text_addf(t,
              "its gradient vanishes: the norm is %.2g of the output layer's, so that it hardly learns; take "
              "relu or gelu with init he_normal, or fewer layers",
              j->net->gradient_ratio);
}

static bool explodes(const struct judged *j) {
    return j->l == 0 && j->net->gradient_ratio > exploding;
}
static void say_exploding(const struct judged *j, struct text *t) {
    text_addf(t,
              "its gradient explodes: the norm is %.2g times the output layer's; start with smaller weights "
              "(init %s), take fewer layers, or set optimizer.clip_norm",
              j->net->gradient_ratio, warnings_init(j->spec));
}

static bool moves_much(const struct judged *j) {
    return j->layer->update_ratio > large_update;
}
static void say_much(const struct judged *j, struct text *t) {
    text_addf(t,
              "a step changes its weights by %.2g times their size, so that nothing learned stays; lower "
              "optimizer.lr or set optimizer.clip_norm",
              j->layer->update_ratio);
}

/* Later a small change is what convergence and a falling rate look like. */
static bool moves_little(const struct judged *j) {
    return j->epoch == 1 && j->layer->update_ratio < small_update;
}
static void say_little(const struct judged *j, struct text *t) {
    if (j->layer->gradient_norm == 0)
        text_add(
            t,
            "no gradient reaches its weights, so that it does not learn; look for dead units in it or next "
            "to it, and for weights that start at 0");
    else
        text_addf(t,
                  "a step changes its weights by only %.2g of their size, so that it hardly learns; raise "
                  "optimizer.lr, or let more gradient reach it (relu with init he_normal, fewer layers)",
                  j->layer->update_ratio);
}

static bool is_dead(const struct judged *j) {
    return j->layer->dead > useless;
}
static void say_dead(const struct judged *j, struct text *t) {
    text_addf(
        t,
        "%.0f %% of its %zu units are dead: above 0 for none of the samples looked at; lower optimizer.lr, "
        "or start the biases at 0 (bias_init zeros)%s",
        100 * j->layer->dead, j->layer->units,
        j->spec->activation == ACTIVATION_RELU ? ", or take leaky_relu" : "");
}

static bool is_saturated(const struct judged *j) {
    return j->layer->saturated_units > useless;
}
static void say_saturated(const struct judged *j, struct text *t) {
    text_addf(
        t,
        "%.0f %% of its %zu units are saturated: nearly always at an end of %s, where it is flat and hardly "
        "any gradient passes; start with smaller weights (init %s), scale the inputs (data.scale), or "
        "lower optimizer.lr",
        100 * j->layer->saturated_units, j->layer->units, activation_name((size_t)j->spec->activation),
        warnings_init(j->spec));
}

/* Comparisons with a figure that a layer does not have (NaN) do not hold. */
static const struct rule {
    bool (*holds)(const struct judged *j);
    void (*say)(const struct judged *j, struct text *t);
} rules[WARNING_KINDS] = {
    [WARNING_START] = {starts_equal, say_equal},         [WARNING_VANISHING] = {vanishes, say_vanishing},
    [WARNING_EXPLODING] = {explodes, say_exploding},     [WARNING_LARGE_UPDATE] = {moves_much, say_much},
    [WARNING_SMALL_UPDATE] = {moves_little, say_little}, [WARNING_DEAD] = {is_dead, say_dead},
    [WARNING_SATURATED] = {is_saturated, say_saturated},
};

static bool judge(struct warnings *w, const struct judged *j, struct err *err) {
    for (size_t k = 0; k < WARNING_KINDS; k++) {
        struct text text = {0};
        if (!rules[k].holds(j) || is_known(w, (enum warning_kind)k, j->l))
            continue;
        text_addf(&text, "%s: ", j->layer->name);
        rules[k].say(j, &text);
        if (!warnings_add(w, (enum warning_kind)k, j->l, j->epoch, &text, err))
            return false;
    }
    return true;
}

bool warnings_of_epoch(struct warnings *w, const struct config *config, size_t epoch,
                       const struct net_diagnostics *net, struct err *err) {
    const struct model_spec *spec = &config->model;
    for (size_t l = 0; l < net->layers; l++) {
        const struct judged j = {epoch, l, net, &net->layer[l], model_layer(spec, l)};
        if (!judge(w, &j, err))
            return false;
    }
    return true;
}
