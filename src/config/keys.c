/* The keys. */
#include "config/keys.h"

#include <math.h>
#include <string.h>

#include "config/config.h"
#include "model/init.h"

#define AT(type, member) .offset = offsetof(type, member)

static bool takes_slope(int activation) {
    return activation_info((enum activation)activation)->takes_slope;
}

static bool takes_std(int init) {
    return strcmp(init_name((size_t)init), "normal") == 0;
}

static bool takes_limit(int init) {
    return strcmp(init_name((size_t)init), "uniform") == 0;
}

static bool takes_value(int init) {
    return strcmp(init_name((size_t)init), "constant") == 0;
}

/* Defaults that hang on the activation; the marks that stand for "not given" are the rows' fallbacks. */
static void complete_layer(void *spec) {
    struct layer_spec *layer = spec;
    if (layer->init.kind < 0)
        layer->init.kind = init_default(layer->activation);
    if (isnan(layer->slope))
        layer->slope = activation_info((enum activation)layer->activation)->slope_default;
}

static const char *check_optimizer(const void *spec, const char **name) {
    const struct optimizer_spec *optimizer = spec;
    *name = "nesterov";
    return optimizer->nesterov && optimizer->momentum == 0 ? "needs a \"momentum\" above 0" : NULL;
}

/* `what` starts by an initialiser, whose numbers are taken only by the kinds that use them. */
/* clang-format off */
#define INIT_KEYS(prefix, member, what, ...)                                                                 \
    {prefix "init", &key_choice, AT(struct layer_spec, member.kind), __VA_ARGS__,                            \
     .help = "How the " what " start."},                                                                     \
    {prefix "std", &key_real, AT(struct layer_spec, member.std), .flags = KEY_ABOVE, .min = 0, .max = 1e6,   \
     .fallback = 0.01, .with = prefix "init", .applies = takes_std,                                          \
     .help = "Standard deviation of " what " that start `normal`."},                                         \
    {prefix "limit", &key_real, AT(struct layer_spec, member.limit), .flags = KEY_ABOVE, .min = 0,           \
     .max = 1e6, .fallback = 0.05, .with = prefix "init", .applies = takes_limit,                            \
     .help = "Largest magnitude of " what " that start `uniform`."},                                         \
    {prefix "value", &key_real, AT(struct layer_spec, member.value), .min = -1e6, .max = 1e6,                \
     .with = prefix "init", .applies = takes_value, .help = "Value of " what " that start `constant`."}
/* clang-format on */

#define BIAS_KEYS                                                                                            \
    INIT_KEYS("bias_", bias_init, "biases", .choices = init_bias_name, .kind_of = init_bias_kind,            \
              .choice = "zeros")

static const struct key layer_keys[] = {
    {"units", &key_size, AT(struct layer_spec, units), .flags = KEY_REQUIRED, .min = 1,
     .max = MODEL_MAX_UNITS, .help = "Width of the hidden layer."},
    {"activation", &key_choice, AT(struct layer_spec, activation), .choices = activation_name,
     .choice = "relu", .help = "What is applied to the layer's sums."},
    {"slope", &key_real, AT(struct layer_spec, slope), .min = -10, .max = 10, .fallback = NAN,
     .computed = "0.01 for \"leaky_relu\", 0.25 for \"prelu\"", .with = "activation", .applies = takes_slope,
     .help = "Slope below 0; where `prelu` starts to learn it."},
    INIT_KEYS("", init, "weights", .choices = init_name, .fallback = -1,
              .computed = "\"he_normal\" for the ReLU family, else \"xavier_normal\""),
    BIAS_KEYS,
    {0},
};

/* It has no activation, which decides the initialiser of the others. */
static const struct key output_keys[] = {
    INIT_KEYS("", init, "weights", .choices = init_name, .choice = "xavier_normal"),
    BIAS_KEYS,
    {0},
};

static const struct key model_keys[] = {
    {"layers", &key_list, AT(struct model_spec, layers),
     .count_offset = offsetof(struct model_spec, layer_count), .bytes = sizeof(struct layer_spec),
     .rows = layer_keys, .max = MODEL_MAX_LAYERS, .complete = complete_layer,
     .help = "The hidden layers, from the input on; none is softmax (or linear) regression."},
    {"output", &key_object, AT(struct model_spec, output), .rows = output_keys,
     .help = "The output layer, which the program adds and sizes from the labels."},
    {0},
};

static const struct key file_keys[] = {
    {"images", &key_path, AT(struct data_files, images), .flags = KEY_REQUIRED,
     .help = "IDX file, plain or gzip."},
    {"labels", &key_path, AT(struct data_files, labels), .flags = KEY_REQUIRED,
     .help = "IDX file, plain or gzip."},
    {0},
};

static const struct key validation_keys[] = {
    {"fraction", &key_real, AT(struct data_spec, validation_fraction),
     .flags = KEY_OPTIONAL | KEY_ABOVE | KEY_BELOW, .min = 0, .max = 1,
     .help = "Share of the training rows that is held out."},
    {"stratify", &key_switch, AT(struct data_spec, validation_stratify), .flags = KEY_NULL,
     .together = "fraction",
     .help = "Whether every class gives the same share; null: where the labels are classes."},
    {"images", &key_path, AT(struct data_spec, validation.images), .flags = KEY_OPTIONAL,
     .together = "labels", .apart = "fraction", .help = "IDX file, plain or gzip, instead of a fraction."},
    {"labels", &key_path, AT(struct data_spec, validation.labels), .flags = KEY_OPTIONAL,
     .together = "images", .apart = "fraction", .help = "IDX file, plain or gzip, instead of a fraction."},
    {0},
};

static const struct key data_keys[] = {
    {"root", &key_path, AT(struct data_spec, root), .flags = KEY_NULL | KEY_ROOT,
     .help = "Folder of the other data paths, in `--set` too; null: that of the config file, in `--set` the "
             "working directory."},
    {"train", &key_object, AT(struct data_spec, train), .rows = file_keys, .flags = KEY_REQUIRED,
     .help = "What is trained on."},
    {"test", &key_object, AT(struct data_spec, test), .rows = file_keys, .flags = KEY_NULL,
     .help = "What the finished model is tested on; null: nothing."},
    {"validation", &key_object, .offset = 0, .rows = validation_keys, .flags = KEY_NULL | KEY_NONEMPTY,
     .help = "What every epoch is evaluated on: a `fraction` of the training rows or files; null: nothing."},
    {"scale", &key_choice, AT(struct data_spec, scale), .flags = KEY_MODEL, .choices = data_scale_name,
     .choice = "unit",
     .help = "Inputs: bytes by 1/255 (`unit`), to mean 0 and deviation 1 of the training part "
             "(`standardize`: of all "
             "inputs at once, `standardize_features`: of each), or as stored (`none`)."},
    {"label_column", &key_index, AT(struct data_spec, label_column), .flags = KEY_NULL | KEY_MODEL, .min = 0,
     .max = 2147483647, .fallback = -1,
     .help = "Column of two-dimensional integer labels that is the class."},
    {"classes", &key_classes, .offset = 0, .flags = KEY_NULL | KEY_MODEL, .min = 2, .max = 65536,
     .help = "Number of classes, or their names; null: one more than the largest training label."},
    {0},
};

static const struct key loss_keys[] = {
    {"kind", &key_choice, AT(struct loss_spec, kind), .choices = loss_name, .choice = "cross_entropy",
     .help = "What is minimised: the mean of this loss over the batch."},
    {0},
};

static const struct key optimizer_keys[] = {
    {"kind", &key_choice, AT(struct optimizer_spec, kind), .choices = optimizer_name, .choice = "sgd",
     .help = "The rule of the update, as in PyTorch."},
    {"lr", &key_real, AT(struct optimizer_spec, lr), .flags = KEY_ABOVE, .min = 0, .max = 1000,
     .fallback = 0.01, .help = "Learning rate."},
    {"momentum", &key_real, AT(struct optimizer_spec, momentum), .flags = KEY_BELOW, .min = 0, .max = 1,
     .help = "Share of the previous update that is kept."},
    {"nesterov", &key_bool, AT(struct optimizer_spec, nesterov),
     .help = "Nesterov's momentum; needs a `momentum` above 0."},
    {0},
};

static const struct key train_keys[] = {
    {"epochs", &key_size, AT(struct train_spec, epochs), .min = 0, .max = 1000000, .fallback = 10,
     .help = "Passes over the training part; 0 evaluates the initial model."},
    {"batch_size", &key_size, AT(struct train_spec, batch_size), .min = 1, .max = 16777216, .fallback = 128,
     .unit = "samples", .help = "Samples of one step."},
    {"shuffle", &key_bool, AT(struct train_spec, shuffle), .fallback = true,
     .help = "Whether every epoch has an order of its own."},
    {0},
};

static const struct key config_keys[] = {
    {"$schema", &key_ignored, .flags = KEY_OPTIONAL, .help = "For editors; not read."},
    {"name", &key_name, AT(struct config, name), .computed = "the config file's name without its extension",
     .help = "Name of the run and of its folder."},
    {"seed", &key_seed, AT(struct config, seed), .fallback = 1,
     .help = "Decides every random choice; write it as a string where tools round large numbers."},
    {"threads", &key_size, AT(struct config, threads), .min = 0, .max = 1024, .fallback = 0,
     .help = "Threads; 0: as many as the process may use. A training step uses no more than there are "
             "processors and work for. "
             "Results do not depend on it."},
    {"data", &key_object, AT(struct config, data), .rows = data_keys, .flags = KEY_REQUIRED,
     .help = "Where the data are and how they are read."},
    {"model", &key_object, AT(struct config, model), .rows = model_keys, .flags = KEY_MODEL,
     .help = "The multilayer perceptron."},
    {"loss", &key_object, AT(struct config, loss), .rows = loss_keys, .flags = KEY_MODEL,
     .help = "The loss."},
    {"optimizer", &key_object, AT(struct config, optimizer), .rows = optimizer_keys, .check = check_optimizer,
     .help = "How the parameters are updated."},
    {"train", &key_object, AT(struct config, train), .rows = train_keys, .help = "How training goes."},
    {0},
};

const struct key key_root = {"", &key_object, .rows = config_keys, .help = "A run of dltrain."};
