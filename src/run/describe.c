#include "run/describe.h"

#include <string.h>

#include "autodiff/tape.h"
#include "base/mem.h"
#include "data/idx.h"
#include "kernel/activation.h"
#include "model/init.h"
#include "optim/optimizer.h"
#include "run/methods.h"

static void describe_layers(const struct setup *s, struct description *d) {
    const struct model_spec *spec = &s->config->model;
    for (size_t i = 0; i < s->model->parameter_count; i++) {
        const struct parameter *p = &s->model->parameter[i];
        struct described_layer *layer = &d->layer[p->layer];
        layer->parameters += p->out * p->in;
        if (p->kind == PARAMETER_WEIGHT) {
            layer->in = p->in;
            layer->out = p->out;
            layer->flops = 2.0 * (double)p->in * (double)p->out;
            layer->init = init_name((size_t)p->init.kind);
        }
    }
    for (size_t l = 0; l < d->layer_count; l++) {
        const struct layer_spec *layer = model_layer(spec, l);
        d->layer[l].activation = activation_name((size_t)layer->activation);
    }
}

/* Bytes: the weights are read by both passes and by the update, which writes them, and the optimizer's
 * state is read and written where there is one; outputs and their gradients are written once and read twice;
 * the inputs are read as stored, written as numbers and read by the forward pass and the weight gradient. */
static void describe_step(const struct setup *s, struct description *d) {
    double forward, reverse, gradient, batch = (double)d->batch_size, input = (double)d->features,
                                       outputs = 0;
    tape_cost(s->model->tape, &forward, &reverse, &gradient);
    for (size_t l = 0; l < d->layer_count; l++)
        outputs += (double)d->layer[l].out;
    double weights = (double)d->parameters * (4 + 2 * (double)optimizer_states(&s->config->optimizer));
    d->flops_per_step = 2 * batch * (forward + reverse + gradient);
    d->bytes_per_step = sizeof(real) * (weights + batch * (6 * outputs + 3 * input)) +
                        batch * input * (double)idx_type_size(s->data.train_set.images.type);
}

static size_t dataset_bytes(const struct dataset *set) {
    const struct idx *images = &set->images;
    size_t labels = set->cls ? sizeof *set->cls : set->target_width * sizeof *set->targets;
    size_t weights = set->weight ? sizeof *set->weight + sizeof(real) : 0;
    return images->values ? images->rows * (images->width * idx_type_size(images->type) + labels + weights)
                          : 0;
}

static void describe_files(struct description *d, const char *name, const struct data_files *files,
                           const struct dataset *set) {
    d->data_bytes += dataset_bytes(set);
    if (set->images.values)
        d->file[d->file_count++] = (struct described_files){name,
                                                            files->file ? files->file : files->images,
                                                            files->labels,
                                                            files->weights,
                                                            set->images.sha256,
                                                            set->labels_sha256,
                                                            set->weights_sha256};
}

static void describe_data(const struct setup *s, struct description *d) {
    const struct data_spec *spec = &s->config->data;
    d->train = s->data.train.count;
    d->validation = s->data.validation.set ? s->data.validation.count : 0;
    d->test = s->data.test.set ? s->data.test.count : 0;
    d->features = s->data.features;
    d->outputs = s->data.outputs;
    d->classes = s->data.classes;
    d->class_name = spec->class_names;
    d->scale = data_scale_name((size_t)spec->scale);
    describe_files(d, "train", &spec->train, &s->data.train_set);
    describe_files(d, "validation", &spec->validation, &s->data.validation_set);
    describe_files(d, "test", &spec->test, &s->data.test_set);
}

bool describe(const struct setup *setup, struct description *out, struct err *err) {
    const struct config *config = setup->config;
    struct description d = {
        .name = config->name,
        .config = config,
        .loss = loss_name((size_t)config->loss.kind),
        .optimizer = optimizer_name((size_t)config->optimizer.kind),
        .kernel = setup->kernel->name,
        .threads = team_size(setup->team),
        .layer_count = config->model.layer_count + 1,
        .parameters = setup->model->trainable,
        .batch_size = config->train.batch_size,
        .epochs = config->train.epochs,
        .parameter_bytes = setup->model->size * sizeof(real),
        .work_bytes = fit_memory(setup->fit),
    };
    d.layer = mem_alloc(d.layer_count, sizeof *d.layer, "the description of the layers", err);
    if (!d.layer || !warnings_of_schedule(&d.warnings, config, err) ||
        !warnings_of_config(&d.warnings, config, err)) {
        description_release(&d);
        return false;
    }
    describe_layers(setup, &d);
    describe_data(setup, &d);
    if (d.batch_size > d.train)
        d.batch_size = d.train;
    d.steps_per_epoch = (d.train + d.batch_size - 1) / d.batch_size;
    describe_step(setup, &d);
    *out = d;
    return true;
}

void description_release(struct description *description) {
    mem_free(description->layer);
    warnings_release(&description->warnings);
    *description = (struct description){0};
}

bool describe_trace(const struct setup *setup, struct text *out, struct err *err) {
    size_t rows = setup->data.train.count, batch = setup->config->train.batch_size;
    return tape_trace(setup->model->tape, fit_mode(setup->fit), setup->kernel->products,
                      batch < rows ? batch : rows, fit_lanes(setup->fit), out, err);
}

const char *describe_kernel(size_t i) {
    for (size_t k = 0; kernel_at(k); k++)
        if (kernel_at(k)->supported() && i-- == 0)
            return kernel_at(k)->name;
    return NULL;
}

const char *describe_products(size_t i) {
    for (size_t k = 0; kernel_of(PRECISION_BF16, k); k++) {
        const struct kernel *table = kernel_of(PRECISION_BF16, k);
        bool floats = false;
        for (size_t f = 0; kernel_at(f); f++)
            floats = floats || strcmp(kernel_at(f)->name, table->name) == 0;
        if (!floats && table->supported() && i-- == 0)
            return table->name;
    }
    return NULL;
}

bool describe_method(const struct description *d, size_t i, struct text *out) {
    text_reset(out);
    return methods_add(d->config, i, out);
}

int describe_contract(void) {
    return NUMERIC_CONTRACT;
}
