#include "run/setup.h"

#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "base/mem.h"
#include "data/weights.h"
#include "run/demands.h"
#include "run/loss_use.h"
#include "run/model_file.h"
#include "run/window.h"

struct team *setup_team(size_t threads, struct err *err) {
    return team_create(threads ? threads : machine_processors(), err);
}

/* More threads than processors would only wait for each other; tests of their sharing want them all the same.
 */
static size_t most_threads(void) {
    const char *overcommit = getenv("DLTRAIN_OVERCOMMIT");
    return overcommit && strcmp(overcommit, "1") == 0 ? 0 : machine_processors();
}

struct fit_setup setup_of_fit(const struct setup *s) {
    return (struct fit_setup){
        .kernel = s->kernel,
        .team = s->team,
        .model = s->model,
        .train = &s->data.train,
        .scaling = &s->data.scaling,
        .optimizer = s->config->optimizer,
        .train_spec = s->config->train,
        .model_spec = &s->config->model,
        .regularization = s->config->regularization,
        .augment = &s->config->augment,
        .label_smoothing = s->config->loss.label_smoothing,
        .weight = s->data.train.weight,
        .seed = s->config->seed,
        .most_threads = most_threads(),
    };
}

static struct fit *make_fit(const struct setup *s, struct err *err) {
    const struct fit_setup fit = setup_of_fit(s);
    return fit_create(&fit, err);
}

/* ---- what samples weigh ---- */

static bool check_class_weights(const struct setup *s, struct err *err) {
    const struct loss_spec *loss = &s->config->loss;
    if (!s->data.classes)
        return err_set(err, ERR_CONFIG,
                       "loss.class_weights: needs class labels, found floating-point targets");
    return loss->balanced || loss->class_weights == s->data.outputs ||
           err_set(err, ERR_CONFIG, "loss.class_weights: expected %zu numbers, one a class, found %zu",
                   s->data.outputs, loss->class_weights);
}

/* What a class of the part weighs by the config and by an estimated shift of labels: the target's share over
 * that of the part. */
static void fill_class_weight(const struct setup *s, const struct data_part *part, const double *balance,
                              double *class_weight) {
    const double *own = s->config->loss.balanced ? balance : s->config->loss.class_weight;
    data_count_classes(part, s->data.outputs, class_weight);
    for (size_t c = 0; c < s->data.outputs; c++) {
        double share = class_weight[c] / (double)part->count;
        double ratio = !s->class_prior ? 1 : share > 0 ? s->class_prior[c] / share : 0;
        class_weight[c] = (own ? own[c] : 1) * ratio;
    }
}

static bool weigh_classes(struct setup *s, struct err *err) {
    size_t k = s->data.outputs;
    double *balance = mem_alloc(3 * k, sizeof *balance, "the class weights", err);
    if (!balance)
        return false;
    double *train = balance + k, *validation = train + k;
    data_balance(&s->data.train, k, balance);
    fill_class_weight(s, &s->data.train, balance, train);
    if (s->data.validation.set)
        fill_class_weight(s, &s->data.validation, balance, validation);
    bool ok = data_weigh(&s->data, train, validation, err);
    mem_free(balance);
    return ok;
}

static bool weighs_by_class(const struct setup *s) {
    return s->config->loss.balanced || s->config->loss.class_weight;
}

/* What was enough before weighs nothing by the estimates, which the config cannot be blamed for. */
static bool blame_shift(const struct setup *s, struct err *err) {
    if (s->shifted && err->kind != ERR_SYSTEM)
        err_set(err, ERR_DATA, "shift: all %s samples weigh 0 by the estimated weights%s",
                s->data.train.weight ? "validation" : "training",
                weighs_by_class(s) ? " times loss.class_weights" : "");
    return false;
}

static bool weigh(struct setup *s, struct err *err) {
    if (weighs_by_class(s) && !check_class_weights(s, err))
        return false;
    bool by_class = weighs_by_class(s) || s->class_prior;
    return (by_class ? weigh_classes(s, err) : data_weigh(&s->data, NULL, NULL, err)) || blame_shift(s, err);
}

/* Multiplies what the rows of a part weigh by their file. */
static bool weigh_rows(struct dataset *set, const struct data_part *part, const double *ratio,
                       struct err *err) {
    size_t rows = set->images.rows;
    if (!set->weight) {
        set->weight = mem_alloc_aligned(rows, sizeof *set->weight, "the weights of samples", err);
        if (!set->weight)
            return false;
        for (size_t r = 0; r < rows; r++)
            set->weight[r] = 1;
    }
    for (size_t i = 0; i < part->count; i++)
        set->weight[data_row(part, i)] *= ratio[i];
    return true;
}

static bool weigh_parts(struct data *data, const double *ratio, struct err *err) {
    struct dataset *held_out =
        data->validation.set == &data->train_set ? &data->train_set : &data->validation_set;
    return weigh_rows(&data->train_set, &data->train, ratio, err) &&
           (!data->validation.set || weigh_rows(held_out, &data->validation, ratio + data->train.count, err));
}

/* ---- the model beside the reading of the data ---- */

struct drawing {
    struct setup *setup;
    size_t features, outputs;
};

static bool make_model(struct setup *s, size_t features, size_t outputs, struct err *err) {
    s->model =
        model_create(&s->config->model, features, outputs, loss_name((size_t)s->config->loss.kind), err);
    return s->model != NULL;
}

/* One thread alone draws so many parameters while another inflates MNIST; more are drawn faster by all. */
enum { DRAWN_BESIDE = 1 << 20 };

/* What fails here is done again, and reported, when the data are there. */
static void draw_model(void *arg) {
    const struct drawing *d = arg;
    struct setup *s = d->setup;
    struct err ignored;
    if (make_model(s, d->features, d->outputs, &ignored) && s->model->size < DRAWN_BESIDE)
        s->drawn = model_init(s->model, s->config->seed, NULL, &ignored);
}

static bool load(struct setup *s, bool draw, struct err *err) {
    const struct config *config = s->config;
    enum target_use use = loss_targets(config->loss.kind);
    struct drawing drawing = {.setup = s};
    struct data_beside beside = {draw_model, &drawing};
    struct err ignored;
    draw = draw && team_size(s->team) > 1 &&
           data_peek(&config->data, use, &drawing.features, &drawing.outputs, &ignored);
    if (!data_load_beside(&config->data, use, config->seed, s->team, draw ? &beside : NULL, &s->data, err))
        return false;
    s->known = *config;
    s->known.data = data_spec_known(&s->data, &config->data);
    s->config = &s->known;
    if (!weigh(s, err))
        return false;
    if (s->model && s->model->features == s->data.features && s->model->outputs == s->data.outputs)
        return true;
    model_free(s->model);
    s->drawn = false;
    return make_model(s, s->data.features, s->data.outputs, err);
}

bool setup_open(const struct config *config, const char *isa, bool draw, struct setup *setup,
                struct err *err) {
    struct setup *s = setup;
    *s = (struct setup){.config = config};
    s->kernel = kernel_find(isa, (enum precision)config->precision, err);
    if (!s->kernel || !demands_of_shift(config, err) || !(s->team = setup_team(config->threads, err)) ||
        !load(s, draw, err) || !demands_check(s, err) || !(s->fit = make_fit(s, err))) {
        setup_release(s);
        return false;
    }
    return true;
}

static bool load_target(struct setup *s, struct err *err) {
    const struct config *config = s->config;
    const struct shift_spec *shift = &config->shift;
    const struct dataset_terms terms = {
        .key = "shift.target",
        .features = s->data.features,
        .outputs = s->data.outputs,
        .classes = s->data.classes,
    };
    if (!dataset_load_on_terms(&shift->target, &terms, &config->data, loss_targets(config->loss.kind),
                               s->team, &s->target_set, err))
        return false;
    s->target = dataset_all(&s->target_set);
    return true;
}

bool setup_shift(struct setup *s, struct err *err) {
    int kind = s->config->shift.kind;
    return demands_of_shift_data(s, err) && (!shift_has_target(kind) || load_target(s, err)) &&
           (kind != SHIFT_CONCEPT || windows_check(s, err));
}

static real *copy_of(const struct model *model, const char *what, struct err *err) {
    real *theta = mem_alloc_aligned(model->size, sizeof *theta, what, err);
    if (theta)
        memcpy(theta, model->theta, model->size * sizeof *theta);
    return theta;
}

bool setup_start(struct setup *setup, const char *init_from, struct err *err) {
    if (setup->drawn)
        return true;
    if (!init_from)
        return model_init(setup->model, setup->config->seed, setup->team, err);
    if (!model_file_start(init_from, setup->model, err))
        return false;
    /* The file may be gone when a refit or a weighted training begins. */
    bool again = setup->config->train.refit || shift_has_target(setup->config->shift.kind);
    return !again || (setup->start = copy_of(setup->model, "the parameters before training", err)) != NULL;
}

static bool keep_state(struct setup *s, struct setup_state *state, struct err *err) {
    state->theta = copy_of(s->model, "the model of the search", err);
    if (!state->theta)
        return false;
    state->scaling = s->data.scaling;
    s->data.scaling = (struct scaling){.kind = state->scaling.kind};
    return true;
}

void setup_go_back(struct setup *s, struct setup_state *before) {
    memcpy(s->model->theta, before->theta, s->model->size * sizeof(real));
    scaling_release(&s->data.scaling);
    s->data.scaling = before->scaling;
    before->scaling = (struct scaling){0};
}

void setup_state_release(struct setup_state *state) {
    mem_free(state->theta);
    scaling_release(&state->scaling);
    *state = (struct setup_state){0};
}

static void release_model(struct setup *s) {
    fit_free(s->fit);
    model_free(s->model);
    s->fit = NULL, s->model = NULL;
    s->drawn = false;
}

/* Weights, model and fit as they are before a training. */
static bool renew(struct setup *s, size_t features, size_t outputs, struct err *err) {
    if (!weigh(s, err) || !make_model(s, features, outputs, err) || !(s->fit = make_fit(s, err)))
        return false;
    if (!s->start)
        return setup_start(s, NULL, err);
    memcpy(s->model->theta, s->start, s->model->size * sizeof(real));
    return true;
}

bool setup_refit(struct setup *s, struct setup_state *before, struct err *err) {
    size_t features = s->model->features, outputs = s->model->outputs;
    if (!keep_state(s, before, err))
        return false;
    release_model(s);
    return data_unite(&s->data, err) && renew(s, features, outputs, err);
}

static bool copy_class_prior(struct setup *s, const double *prior, struct err *err) {
    size_t outputs = s->data.outputs;
    s->class_prior = mem_alloc(outputs, sizeof *s->class_prior, "the class weights", err);
    if (s->class_prior)
        memcpy(s->class_prior, prior, outputs * sizeof *prior);
    return s->class_prior != NULL;
}

bool setup_correct(struct setup *s, const double *class_prior, const double *row_ratio, struct err *err) {
    size_t features = s->model->features, outputs = s->model->outputs;
    release_model(s);
    s->shifted = true;
    return (!class_prior || copy_class_prior(s, class_prior, err)) &&
           (!row_ratio || weigh_parts(&s->data, row_ratio, err)) && renew(s, features, outputs, err);
}

void setup_release(struct setup *setup) {
    mem_free(setup->start);
    mem_free(setup->class_prior);
    dataset_release(&setup->target_set);
    fit_free(setup->fit);
    model_free(setup->model);
    data_release(&setup->data);
    team_free(setup->team);
    *setup = (struct setup){0};
}

/* ---- what was loaded ---- */

static void add_digests(const char *key, const struct dataset *set, struct text *out) {
    const struct {
        const char *name, *sha256;
    } file[] = {{set->table ? "file" : "images", set->images.sha256},
                {"labels", set->table ? "" : set->labels_sha256},
                {"weights", set->weights_sha256}};
    for (size_t i = 0; set->images.values && i < sizeof file / sizeof *file; i++)
        if (file[i].sha256[0])
            text_addf(out, "%s.%s %s\n", key, file[i].name, file[i].sha256);
}

void setup_digests(const struct setup *s, struct text *out) {
    add_digests("data.train", &s->data.train_set, out);
    add_digests("data.validation", &s->data.validation_set, out);
    add_digests("data.test", &s->data.test_set, out);
    add_digests("shift.target", &s->target_set, out);
}
