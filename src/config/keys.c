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

static bool has_momentum(int kind) {
    return kind == OPTIMIZER_SGD || kind == OPTIMIZER_RMSPROP;
}

static bool is_sgd(int kind) {
    return kind == OPTIMIZER_SGD;
}

static bool is_adam(int kind) {
    return kind == OPTIMIZER_ADAM || kind == OPTIMIZER_ADAMW;
}

static bool is_rmsprop(int kind) {
    return kind == OPTIMIZER_RMSPROP;
}

static bool is_adagrad(int kind) {
    return kind == OPTIMIZER_ADAGRAD;
}

static bool is_adaptive(int kind) {
    return kind != OPTIMIZER_SGD;
}

/* PyTorch's defaults, which differ from optimiser to optimiser (sgd has none for lr). */
enum { MOST_LR = 1000 };

static void complete_optimizer(void *spec) {
    struct optimizer_spec *o = spec;
    if (isnan(o->lr))
        o->lr = is_adam(o->kind) ? 0.001 : 0.01;
    if (isnan(o->eps))
        o->eps = o->kind == OPTIMIZER_ADAGRAD ? 1e-10 : 1e-8;
    if (isnan(o->weight_decay))
        o->weight_decay = o->kind == OPTIMIZER_ADAMW ? 0.01 : 0;
    if (isnan(o->schedule.peak))
        o->schedule.peak = 10 * o->lr < MOST_LR ? 10 * o->lr : MOST_LR;
}

static const char *check_optimizer(const void *spec, const char **name) {
    const struct optimizer_spec *o = spec;
    *name = "momentum_ramp";
    if (o->momentum_ramp.on && o->momentum != 0)
        return "takes the place of \"momentum\": give one or the other";
    if (o->momentum_ramp.on && !has_momentum(o->kind))
        return "is only for kind \"sgd\" or \"rmsprop\"";
    *name = "nesterov";
    bool moves = o->momentum != 0 || o->momentum_ramp.on;
    if (o->nesterov && !moves)
        return "needs a \"momentum\" above 0";
    if (o->nesterov && o->dampening != 0)
        return "needs a \"dampening\" of 0";
    *name = "dampening";
    return o->dampening != 0 && !moves ? "needs a \"momentum\" above 0" : NULL;
}

static bool by_epochs(int kind) {
    return kind == SCHEDULE_STEP;
}

static bool by_factor(int kind) {
    return kind == SCHEDULE_STEP || kind == SCHEDULE_EXPONENTIAL || kind == SCHEDULE_PLATEAU;
}

static bool by_metric(int kind) {
    return kind == SCHEDULE_PLATEAU;
}

static bool by_cycle(int kind) {
    return kind == SCHEDULE_ONE_CYCLE;
}

static void complete_schedule(void *spec) {
    struct schedule_spec *schedule = spec;
    if (isnan(schedule->factor))
        schedule->factor = schedule->kind == SCHEDULE_EXPONENTIAL ? 0.95 : 0.1;
}

static const char *check_loss(const void *spec, const char **name) {
    const struct loss_spec *loss = spec;
    *name = "label_smoothing";
    return loss->label_smoothing > 0 && loss->kind == LOSS_MSE
               ? "is only for kind \"cross_entropy\" or \"binary_cross_entropy\""
               : NULL;
}

static const char *check_train(const void *spec, const char **name) {
    const struct train_spec *train = spec;
    *name = "refit";
    return train->refit && !train->early_stopping.on ? "needs \"early_stopping\", which finds the epochs"
                                                     : NULL;
}

static void complete_config(void *spec) {
    struct config *config = spec;
    const struct regularization_spec *all = &config->regularization;
    config->model.weight_noise = all->weight_noise_kind == WEIGHT_NOISE_PER_SAMPLE ? all->weight_noise : 0;
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

/* clang-format off */
#define PENALTY_KEYS                                                                                         \
    {"l1", &key_real, AT(struct layer_spec, l1), .flags = KEY_NULL, .min = 0, .max = 1e6, .fallback = NAN,   \
     .help = "The layer's own `regularization.l1`; null: that of all layers."},                              \
    {"l2", &key_real, AT(struct layer_spec, l2), .flags = KEY_NULL, .min = 0, .max = 1e6, .fallback = NAN,   \
     .help = "The layer's own `regularization.l2`; null: that of all layers."},                              \
    {"max_norm", &key_real, AT(struct layer_spec, max_norm), .flags = KEY_NULL, .min = 0, .max = 1e6,        \
     .fallback = NAN,                                                                                        \
     .help = "The layer's own `regularization.max_norm`; null: that of all layers, 0: none."}
/* clang-format on */

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
    {"dropout", &key_real, AT(struct layer_spec, dropout), .flags = KEY_BELOW, .min = 0, .max = 1,
     .help = "Share of the layer's outputs that training sets to 0, drawn for every sample; the others grow "
             "by 1 / (1 - dropout)."},
    PENALTY_KEYS,
    {0},
};

/* It has no activation, which decides the initialiser of the others. */
static const struct key output_keys[] = {
    INIT_KEYS("", init, "weights", .choices = init_name, .choice = "xavier_normal"),
    BIAS_KEYS,
    PENALTY_KEYS,
    {0},
};

static const struct key model_keys[] = {
    {"input_dropout", &key_real, AT(struct model_spec, input_dropout), .flags = KEY_BELOW, .min = 0, .max = 1,
     .help = "Share of the inputs that training sets to 0, drawn for every sample."},
    {"layers", &key_list, AT(struct model_spec, layers),
     .count_offset = offsetof(struct model_spec, layer_count), .bytes = sizeof(struct layer_spec),
     .rows = layer_keys, .max = MODEL_MAX_LAYERS, .complete = complete_layer,
     .help = "The hidden layers, from the input on; none is softmax (or linear) regression."},
    {"output", &key_object, AT(struct model_spec, output), .rows = output_keys,
     .help = "The output layer, which the program adds and sizes from the labels."},
    {0},
};

/* A table, the other way to give data. `own`: what stands for columns that are not given. */
/* clang-format off */
#define TABLE_KEYS(type, member, own)                                                                        \
    {"label", &key_column, AT(type, member label),     .flags = KEY_NULL, .together = "file",                \
     .apart = "target", .help = "Column of the classes, words or numbers" own "."},                          \
    {"target", &key_columns, AT(type, member target),     .flags = KEY_NULL, .together = "file",             \
     .help = "Instead the column of numbers to be predicted, or several" own "."},                           \
    {"ignore", &key_columns, AT(type, member ignore),     .flags = KEY_NULL, .together = "file",             \
     .help = "Columns that are neither features nor labels" own "."},                                        \
    {"delimiter", &key_delimiter, AT(type, member delimiter), .flags = KEY_NULL, .together = "file",         \
     .help = "What is between two fields; null: a tab, comma or semicolon by the first line" own "."},       \
    {"header", &key_switch, AT(type, member header), .flags = KEY_NULL, .together = "file",                  \
     .help = "Whether the first row names the columns; null: where it has a text above features" own "."}

#define IMAGES_KEY(...)                                                                                      \
    {"images", &key_path, AT(struct data_files, images), .flags = KEY_OPTIONAL, .either = "file",            \
     __VA_ARGS__, .help = "IDX file, plain or gzip."}

#define LABELS_KEY(more)                                                                                     \
    {"labels", &key_path, AT(struct data_files, labels), .flags = KEY_OPTIONAL, .together = "images",        \
     .help = "IDX file, plain or gzip" more "."}

#define FILE_KEYS(own)                                                                                       \
    {"file", &key_path, AT(struct data_files, file), .flags = KEY_OPTIONAL, .either = "images",              \
     .apart = "images", .help = "Table: CSV or TSV, plain or gzip."},                                        \
    TABLE_KEYS(struct data_files, , own)

#define WEIGHTS_KEY                                                                                          \
    {"weights", &key_path, AT(struct data_files, weights), .flags = KEY_OPTIONAL,                            \
     .help = "A weight for every sample: IDX of one dimension, or text with one number a line."}
/* clang-format on */

#define AS_IN_TRAIN "; left out: as in `data.train`"

static const struct key train_file_keys[] = {
    IMAGES_KEY(.together = "labels"), LABELS_KEY(""), FILE_KEYS(""), WEIGHTS_KEY, {0},
};

static const struct key file_keys[] = {
    IMAGES_KEY(.together = "labels"), LABELS_KEY(""), FILE_KEYS(AS_IN_TRAIN), WEIGHTS_KEY, {0},
};

static const char *check_train_files(const void *spec, const char **name) {
    const struct data_files *files = spec;
    *name = "label";
    return files->file && !files->label.count && !files->target.count
               ? "is missing: must be the column of the classes, or give \"target\" for numbers"
               : NULL;
}

static const char *check_validation(const void *spec, const char **name) {
    const struct data_spec *data = spec;
    const struct data_files *files = &data->validation;
    *name = "file";
    if (files->file && data->validation_fraction > 0)
        return "cannot stand beside \"fraction\": give one or the other";
    *name = "weights";
    return files->weights && !files->file && !files->images ? "needs \"images\" or \"file\" beside it" : NULL;
}

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
    {"file", &key_path, AT(struct data_spec, validation.file), .flags = KEY_OPTIONAL, .apart = "images",
     .help = "Table, CSV or TSV, plain or gzip, instead of a fraction."},
    TABLE_KEYS(struct data_spec, validation., AS_IN_TRAIN),
    {"weights", &key_path, AT(struct data_spec, validation.weights), .flags = KEY_OPTIONAL,
     .apart = "fraction",
     .help = "Weights of the samples of these files; those of a fraction are in `data.train.weights`."},
    {0},
};

static const struct key data_keys[] = {
    {"root", &key_path, AT(struct data_spec, root), .flags = KEY_NULL | KEY_ROOT,
     .help = "Folder of the other data paths, in `--set` too; null: that of the config file, in `--set` the "
             "working directory."},
    {"train", &key_object, AT(struct data_spec, train), .rows = train_file_keys, .flags = KEY_REQUIRED,
     .check = check_train_files, .help = "What is trained on."},
    {"test", &key_object, AT(struct data_spec, test), .rows = file_keys, .flags = KEY_NULL,
     .help = "What the finished model is tested on; null: nothing."},
    {"validation", &key_object, .offset = 0, .rows = validation_keys, .flags = KEY_NULL | KEY_NONEMPTY,
     .check = check_validation,
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
    {"kind", &key_choice, AT(struct loss_spec, kind), .flags = KEY_MODEL, .choices = loss_name,
     .choice = "cross_entropy", .help = "What is minimised: the mean of this loss over the batch."},
    {"label_smoothing", &key_real, AT(struct loss_spec, label_smoothing), .flags = KEY_BELOW, .min = 0,
     .max = 1,
     .help =
         "Share of every target that is spread evenly over all classes (with `binary_cross_entropy`: over "
         "yes and no); not for `mse`."},
    {"class_weights", &key_class_weights, .offset = 0, .flags = KEY_NULL, .min = 0, .max = 1e6,
     .help = "What the samples of each class weigh: a number for each, or `balanced`: the inverse of their "
             "share."},
    {0},
};

static const struct key ramp_keys[] = {
    {"start", &key_real, AT(struct momentum_ramp, start), .flags = KEY_BELOW, .min = 0, .max = 1,
     .fallback = 0.5, .help = "Momentum at the beginning."},
    {"end", &key_real, AT(struct momentum_ramp, end), .flags = KEY_BELOW, .min = 0, .max = 1,
     .fallback = 0.99, .help = "Momentum from the end of the ramp on."},
    {"epochs", &key_real, AT(struct momentum_ramp, epochs), .flags = KEY_ABOVE, .min = 0, .max = 1000000,
     .fallback = 10, .help = "Length of the ramp."},
    {0},
};

static const struct key schedule_keys[] = {
    {"kind", &key_choice, AT(struct schedule_spec, kind), .choices = schedule_name, .choice = "constant",
     .help = "How the learning rate changes: by epoch (`step`, `exponential`, `plateau`) or by step over the "
             "whole run (`linear`, `cosine`, `one_cycle`)."},
    {"every", &key_size, AT(struct schedule_spec, every), .min = 1, .max = 1000000, .fallback = 10,
     .unit = "epochs", .with = "kind", .applies = by_epochs, .help = "Time from one `step` to the next."},
    {"factor", &key_real, AT(struct schedule_spec, factor), .flags = KEY_ABOVE, .min = 0, .max = 1,
     .fallback = NAN, .computed = "0.1; 0.95 for \"exponential\"", .with = "kind", .applies = by_factor,
     .help = "What the rate is multiplied by: every so many epochs (`step`), every epoch (`exponential`), "
             "when the metric stalls (`plateau`)."},
    {"metric", &key_choice, AT(struct schedule_spec, metric), .choices = metric_name,
     .choice = "validation.loss", .with = "kind", .applies = by_metric, .help = "What `plateau` watches."},
    {"patience", &key_size, AT(struct schedule_spec, patience), .min = 0, .max = 1000000, .fallback = 10,
     .unit = "epochs", .with = "kind", .applies = by_metric,
     .help = "Epochs without improvement that `plateau` bears."},
    {"final", &key_real, AT(struct schedule_spec, final), .min = 0, .max = 1, .with = "kind",
     .applies = schedule_spans_run, .help = "Share of `lr` that is left at the end of the run."},
    {"peak", &key_real, AT(struct schedule_spec, peak), .flags = KEY_ABOVE, .min = 0, .max = MOST_LR,
     .fallback = NAN, .computed = "10 times `lr`, at most 1000", .with = "kind", .applies = by_cycle,
     .help = "Highest rate of `one_cycle`, which rises to it from `lr`."},
    {"rise", &key_real, AT(struct schedule_spec, rise), .flags = KEY_ABOVE | KEY_BELOW, .min = 0, .max = 1,
     .fallback = 0.3, .with = "kind", .applies = by_cycle,
     .help = "Share of the run at which `one_cycle` reaches its peak."},
    {"warmup_epochs", &key_real, AT(struct schedule_spec, warmup_epochs), .min = 0, .max = 1000000,
     .help = "Epochs in which the rate first rises linearly from 0; the schedule begins behind them."},
    {0},
};

static const struct key optimizer_keys[] = {
    {"kind", &key_choice, AT(struct optimizer_spec, kind), .choices = optimizer_name, .choice = "sgd",
     .help = "The rule of the update, as in PyTorch."},
    {"lr", &key_real, AT(struct optimizer_spec, lr), .flags = KEY_ABOVE, .min = 0, .max = MOST_LR,
     .fallback = NAN, .computed = "0.01; 0.001 for \"adam\" and \"adamw\"", .help = "Learning rate."},
    {"momentum", &key_real, AT(struct optimizer_spec, momentum), .flags = KEY_BELOW, .min = 0, .max = 1,
     .with = "kind", .applies = has_momentum, .help = "Share of the previous update that is kept."},
    {"momentum_ramp", &key_object, AT(struct optimizer_spec, momentum_ramp), .rows = ramp_keys,
     .flags = KEY_NULL | KEY_SWITCH,
     .help = "Momentum that changes linearly over the first epochs, instead of `momentum`; null: it does "
             "not."},
    {"nesterov", &key_bool, AT(struct optimizer_spec, nesterov), .with = "kind", .applies = is_sgd,
     .help = "Nesterov's momentum; needs momentum and no `dampening`."},
    {"dampening", &key_real, AT(struct optimizer_spec, dampening), .min = 0, .max = 1, .with = "kind",
     .applies = is_sgd, .help = "Share of the gradient that does not enter the momentum."},
    {"betas", &key_betas, AT(struct optimizer_spec, betas), .flags = KEY_BELOW, .min = 0, .max = 1,
     .with = "kind", .applies = is_adam, .help = "Decay of the averages of the gradient and of its square."},
    {"eps", &key_real, AT(struct optimizer_spec, eps), .flags = KEY_ABOVE, .min = 0, .max = 1,
     .fallback = NAN, .computed = "1e-8; 1e-10 for \"adagrad\"", .with = "kind", .applies = is_adaptive,
     .help = "Added to the root that the step is divided by."},
    {"amsgrad", &key_bool, AT(struct optimizer_spec, amsgrad), .with = "kind", .applies = is_adam,
     .help = "Divide by the largest average so far."},
    {"alpha", &key_real, AT(struct optimizer_spec, alpha), .flags = KEY_BELOW, .min = 0, .max = 1,
     .fallback = 0.99, .with = "kind", .applies = is_rmsprop,
     .help = "Decay of the average of the squared gradient."},
    {"centered", &key_bool, AT(struct optimizer_spec, centered), .with = "kind", .applies = is_rmsprop,
     .help = "Divide by the deviation of the gradient instead of its root mean square."},
    {"lr_decay", &key_real, AT(struct optimizer_spec, lr_decay), .min = 0, .max = 1, .with = "kind",
     .applies = is_adagrad, .help = "The rate of step t is lr / (1 + (t - 1) lr_decay)."},
    {"initial_accumulator", &key_real, AT(struct optimizer_spec, initial_accumulator), .min = 0, .max = 1e6,
     .with = "kind", .applies = is_adagrad, .help = "Where the sum of squared gradients starts."},
    {"weight_decay", &key_real, AT(struct optimizer_spec, weight_decay), .min = 0, .max = 1000,
     .fallback = NAN, .computed = "0; 0.01 for \"adamw\"",
     .help = "Decoupled decay: before every step parameters are multiplied by 1 - rate * weight_decay; over "
             "what `l2` covers."},
    {"clip_norm", &key_real, AT(struct optimizer_spec, clip_norm), .flags = KEY_NULL | KEY_ABOVE, .min = 0,
     .max = 1e9, .fallback = NAN,
     .help = "Largest norm of the whole gradient of the objective; a longer one is scaled to it. null: any."},
    {"clip_value", &key_real, AT(struct optimizer_spec, clip_value), .flags = KEY_NULL | KEY_ABOVE, .min = 0,
     .max = 1e9, .fallback = NAN,
     .help = "Largest magnitude of one number of the gradient, before `clip_norm`; null: any."},
    {"schedule", &key_object, AT(struct optimizer_spec, schedule), .rows = schedule_keys,
     .complete = complete_schedule, .help = "How the learning rate changes."},
    {0},
};

static const struct key regularization_keys[] = {
    {"l1", &key_real, AT(struct regularization_spec, l1), .min = 0, .max = 1e6,
     .help = "Adds l1 times the sum of magnitudes to the objective, over weights and what `penalize_bias` "
             "names."},
    {"l2", &key_real, AT(struct regularization_spec, l2), .min = 0, .max = 1e6,
     .help = "Adds l2 / 2 times the sum of squares to the objective, over weights and what `penalize_bias` "
             "names."},
    {"l1_method", &key_choice, AT(struct regularization_spec, l1_method), .choices = l1_method_name,
     .choice = "proximal",
     .help = "Soft threshold behind the step, which makes exact zeros, or the sub-gradient."},
    {"penalize_bias", &key_choice, AT(struct regularization_spec, penalize_bias),
     .choices = penalize_bias_name, .choice = "none",
     .help = "Which biases `l1`, `l2` and `weight_decay` act on as well."},
    {"input_noise", &key_real, AT(struct regularization_spec, input_noise), .min = 0, .max = 1000,
     .help = "Standard deviation of Gaussian noise on the scaled inputs, drawn for every sample."},
    {"weight_noise", &key_real, AT(struct regularization_spec, weight_noise), .min = 0, .max = 1000,
     .help = "Standard deviation of Gaussian noise on the weights."},
    {"weight_noise_kind", &key_choice, AT(struct regularization_spec, weight_noise_kind),
     .choices = weight_noise_kind_name, .choice = "per_sample",
     .help = "Weight noise is drawn for every sample, through the sums that it changes, or once a step."},
    {"max_norm", &key_real, AT(struct regularization_spec, max_norm), .flags = KEY_NULL | KEY_ABOVE, .min = 0,
     .max = 1e6, .fallback = NAN,
     .help = "Largest norm of the incoming weights of a unit; longer ones are scaled to it behind every "
             "step. null: any."},
    {0},
};

/* clang-format off */
#define RANDOM_CHANGES(type, null, start, whose)                                                             \
    {"rotate", &key_real, AT(type, rotate), .flags = null, .min = 0, .max = 180, .fallback = start,          \
     .unit = "degrees", .help = "Largest rotation of " whose "."},                                           \
    {"translate", &key_real, AT(type, translate), .flags = null, .min = 0, .max = 1000, .fallback = start,   \
     .unit = "pixels", .help = "Largest shift of " whose ", along and across."},                             \
    {"scale", &key_real, AT(type, scale), .flags = null | KEY_BELOW, .min = 0, .max = 1, .fallback = start,  \
     .help = "Largest relative change of size of " whose ", along and across."},                             \
    {"shear", &key_real, AT(type, shear), .flags = null, .min = 0, .max = 10, .fallback = start,             \
     .help = "Largest shift of " whose " by row, relative to the distance from the centre."}
/* clang-format on */

static const struct key augment_class_keys[] = {
    {"class", &key_size, AT(struct augment_class, cls), .flags = KEY_REQUIRED, .min = 0, .max = 65535,
     .help = "Number of the class."},
    RANDOM_CHANGES(struct augment_class, KEY_NULL, NAN, "the class's images"),
    {"flip", &key_switch, AT(struct augment_class, flip), .flags = KEY_NULL,
     .help = "Whether the class's images are mirrored."},
    {0},
};

static const struct key elastic_keys[] = {
    {"alpha", &key_real, AT(struct elastic_spec, alpha), .min = 0, .max = 1000, .fallback = 1,
     .unit = "pixels",
     .help = "Standard deviation of a pixel's displacement, after smoothing (Simard's alpha is before "
             "it)."},
    {"sigma", &key_real, AT(struct elastic_spec, sigma), .flags = KEY_ABOVE, .min = 0, .max = 1000,
     .fallback = 4, .unit = "pixels", .help = "Width of the Gaussian that smooths the displacements."},
    {0},
};

static const struct key augment_keys[] = {
    RANDOM_CHANGES(struct augment_spec, 0, 0, "training images"),
    {"flip", &key_bool, AT(struct augment_spec, flip),
     .help = "Mirror every other training image, left to right."},
    {"elastic", &key_object, AT(struct augment_spec, elastic), .rows = elastic_keys,
     .flags = KEY_NULL | KEY_SWITCH, .help = "Smooth random displacements of the pixels; null: none."},
    {"classes", &key_list, AT(struct augment_spec, classes),
     .count_offset = offsetof(struct augment_spec, class_count), .bytes = sizeof(struct augment_class),
     .rows = augment_class_keys, .max = 65536,
     .help = "Other limits for some classes, so that a 6 is not turned into a 9."},
    {0},
};

static const struct key early_stopping_keys[] = {
    {"metric", &key_choice, AT(struct early_stopping_spec, metric), .choices = metric_name,
     .choice = "validation.loss", .help = "What decides which epoch is best."},
    {"patience", &key_size, AT(struct early_stopping_spec, patience), .min = 1, .max = 1000000, .fallback = 5,
     .unit = "epochs", .help = "Training ends after so many epochs without improvement."},
    {"min_delta", &key_real, AT(struct early_stopping_spec, min_delta), .min = 0, .max = 1e9,
     .help = "What counts as an improvement is better by more than this."},
    {"restore_best", &key_bool, AT(struct early_stopping_spec, restore_best), .fallback = true,
     .help = "Keep the state of the best epoch; else that of the last one."},
    {0},
};

static const struct key train_keys[] = {
    {"epochs", &key_size, AT(struct train_spec, epochs), .flags = KEY_MAY_GROW, .min = 0, .max = 1000000,
     .fallback = 10, .help = "Passes over the training part; 0 evaluates the initial model."},
    {"batch_size", &key_size, AT(struct train_spec, batch_size), .min = 1, .max = 16777216, .fallback = 128,
     .unit = "samples", .help = "Samples of one step."},
    {"shuffle", &key_bool, AT(struct train_spec, shuffle), .fallback = true,
     .help = "Whether every epoch has an order of its own."},
    {"early_stopping", &key_object, AT(struct train_spec, early_stopping), .rows = early_stopping_keys,
     .flags = KEY_NULL | KEY_SWITCH, .help = "End training when a metric no longer improves; null: never."},
    {"refit", &key_bool, AT(struct train_spec, refit),
     .help = "Train again on training and validation part, for as many epochs as `early_stopping` found "
             "best."},
    {"checkpoint_minutes", &key_real, AT(struct train_spec, checkpoint_minutes), .flags = KEY_MAY_CHANGE,
     .min = 0, .max = 1e6, .fallback = 10, .unit = "minutes",
     .help =
         "Most time between two checkpoints, for epochs that take longer; 0: at the end of epochs alone."},
    {"diagnostics", &key_bool, AT(struct train_spec, diagnostics),
     .help = "Record norms, updates, activations, dead and saturated units of every layer, and warn."},
    {"calibrate", &key_bool, AT(struct train_spec, calibrate),
     .help = "Fit a temperature on the validation part, by which predictions of probabilities are "
             "softened."},
    {0},
};

/* ---- distribution shift ---- */

static bool has_method(int kind) {
    return kind == SHIFT_COVARIATE || kind == SHIFT_LABEL;
}

static bool is_label_shift(int kind) {
    return kind == SHIFT_LABEL;
}

static bool is_concept_shift(int kind) {
    return kind == SHIFT_CONCEPT;
}

static bool takes_alpha(int method) {
    return method == SHIFT_CLASSIFIER || method == SHIFT_RULSIF || method == SHIFT_RLLS;
}

/* rulsif's ratio has a limit of its own. */
static bool takes_clip(int method) {
    return method == SHIFT_CLASSIFIER || method == SHIFT_KLIEP;
}

static bool takes_centers(int method) {
    return method == SHIFT_KLIEP || method == SHIFT_RULSIF;
}

static bool takes_soft(int method) {
    return method == SHIFT_BBSE || method == SHIFT_RLLS;
}

static bool is_page_hinkley(int detector) {
    return detector == DRIFT_PAGE_HINKLEY;
}

static bool is_ddm(int detector) {
    return detector == DRIFT_DDM;
}

static bool is_adwin(int detector) {
    return detector == DRIFT_ADWIN;
}

static bool adapts(int on_drift) {
    return on_drift == DRIFT_ADAPT;
}

static int default_method(int kind) {
    return kind == SHIFT_LABEL ? SHIFT_MLLS : SHIFT_CLASSIFIER;
}

/* The numbers that the papers' authors use. */
static void complete_shift(void *spec) {
    struct shift_spec *shift = spec;
    if (shift->method < 0 && has_method(shift->kind))
        shift->method = default_method(shift->kind);
    if (isnan(shift->alpha) && shift->method == SHIFT_RULSIF)
        shift->alpha = 0.1;
    if (isnan(shift->alpha) && shift->method == SHIFT_RLLS)
        shift->alpha = 0.01;
    bool told = !(shift->clip < 0);
    if (!told)
        shift->clip = takes_clip(shift->method) && isnan(shift->alpha) ? 10 : (double)NAN;
}

static const char *check_shift(const void *spec, const char **name) {
    const struct shift_spec *shift = spec;
    *name = "method";
    if (has_method(shift->kind) && shift_method_kind(shift->method) != shift->kind)
        return shift->kind == SHIFT_LABEL
                   ? "is of kind \"covariate\": kind \"label\" has \"mlls\", \"bbse\" and \"rlls\""
                   : "is of kind \"label\": kind \"covariate\" has \"classifier\", \"kliep\" and \"rulsif\"";
    return NULL;
}

static const struct key target_keys[] = {
    IMAGES_KEY(.together = NULL),
    {"labels", &key_path, AT(struct data_files, labels), .flags = KEY_NULL, .together = "images",
     .help = "IDX file, plain or gzip, only to tell how good the estimates are."},
    FILE_KEYS(AS_IN_TRAIN ", as far as the file has them"),
    {0},
};

static const struct key window_keys[] = {
    IMAGES_KEY(.together = "labels"),
    LABELS_KEY(""),
    FILE_KEYS(AS_IN_TRAIN),
    {0},
};

static const struct key discriminator_keys[] = {
    {"epochs", &key_index, AT(struct discriminator_spec, epochs), .flags = KEY_NULL, .min = 1, .max = 1000000,
     .fallback = -1,
     .help = "Passes over source and target; null: 20, and more where that is less than 2000 steps."},
    {"batch_size", &key_size, AT(struct discriminator_spec, batch_size), .min = 1, .max = 16777216,
     .fallback = 128, .unit = "samples", .help = "Samples of one step."},
    {"lr", &key_real, AT(struct discriminator_spec, lr), .flags = KEY_ABOVE, .min = 0, .max = MOST_LR,
     .fallback = 0.003, .help = "Learning rate of Adam."},
    {"l2", &key_real, AT(struct discriminator_spec, l2), .flags = KEY_NULL, .min = 0, .max = 1e6,
     .fallback = NAN,
     .help = "L2 penalty on its weights; null: 10 inputs / samples (of source and target the harmonic mean, "
             "twice), with `layers` 0.0001."},
    {0},
};

static const struct key page_hinkley_keys[] = {
    {"min_samples", &key_size, AT(struct page_hinkley_spec, min_samples), .min = 1, .max = 1e9,
     .fallback = 30, .unit = "samples", .help = "Samples before the first alarm."},
    {"delta", &key_real, AT(struct page_hinkley_spec, delta), .min = 0, .max = 1, .fallback = 0.005,
     .help = "Rise of the error rate that is borne."},
    {"threshold", &key_real, AT(struct page_hinkley_spec, threshold), .flags = KEY_ABOVE, .min = 0,
     .max = 1e9, .fallback = 50, .help = "Sum of the excess errors that is a drift."},
    {"alpha", &key_real, AT(struct page_hinkley_spec, alpha), .flags = KEY_ABOVE, .min = 0, .max = 1,
     .fallback = 0.9999, .help = "What the sum keeps from sample to sample."},
    {"warning", &key_real, AT(struct page_hinkley_spec, warning), .flags = KEY_ABOVE, .min = 0, .max = 1,
     .fallback = 0.5, .help = "Share of the threshold that is a warning."},
    {0},
};

static const struct key ddm_keys[] = {
    {"warm_start", &key_size, AT(struct ddm_spec, warm_start), .min = 1, .max = 1e9, .fallback = 30,
     .unit = "samples", .help = "Samples before the first alarm."},
    {"warning", &key_real, AT(struct ddm_spec, warning), .flags = KEY_ABOVE, .min = 0, .max = 100,
     .fallback = 2, .help = "Deviations above the lowest error rate that are a warning."},
    {"drift", &key_real, AT(struct ddm_spec, drift), .flags = KEY_ABOVE, .min = 0, .max = 100, .fallback = 3,
     .help = "Deviations above it that are a drift."},
    {0},
};

static const struct key adwin_keys[] = {
    {"delta", &key_real, AT(struct adwin_spec, delta), .flags = KEY_ABOVE | KEY_BELOW, .min = 0, .max = 1,
     .fallback = 0.002, .help = "Confidence of a cut: smaller finds less and errs less."},
    {"warning", &key_real, AT(struct adwin_spec, warning), .flags = KEY_ABOVE | KEY_BELOW, .min = 0, .max = 1,
     .fallback = 0.02, .help = "The same for a warning."},
    {"clock", &key_size, AT(struct adwin_spec, clock), .min = 1, .max = 1e9, .fallback = 32,
     .unit = "samples", .help = "From one test to the next."},
    {"max_buckets", &key_size, AT(struct adwin_spec, max_buckets), .min = 2, .max = 1000, .fallback = 5,
     .help = "Buckets of one size."},
    {"min_window", &key_size, AT(struct adwin_spec, min_window), .min = 1, .max = 1e9, .fallback = 5,
     .unit = "samples", .help = "Smallest part that is compared."},
    {"grace", &key_size, AT(struct adwin_spec, grace), .min = 1, .max = 1e9, .fallback = 10,
     .unit = "samples", .help = "Samples before the first test."},
    {0},
};

static const struct key shift_keys[] = {
    {"kind", &key_choice, AT(struct shift_spec, kind), .choices = shift_kind_name, .choice = "none",
     .help = "What differs between training and use: the inputs (`covariate`), the shares of the classes "
             "(`label`), or over time what inputs mean (`concept`)."},
    {"method", &key_choice, AT(struct shift_spec, method), .choices = shift_method_name, .fallback = -1,
     .computed = "\"classifier\" for \"covariate\", \"mlls\" for \"label\"", .computes = default_method,
     .with = "kind", .applies = has_method,
     .help = "How it is estimated: `classifier`, `kliep`, `rulsif`; `mlls`, `bbse`, `rlls`."},
    {"target", &key_object, AT(struct shift_spec, target), .rows = target_keys, .flags = KEY_NULL,
     .with = "kind", .applies = has_method, .help = "Samples of what the model will be used on."},
    {"level", &key_real, AT(struct shift_spec, level), .flags = KEY_ABOVE | KEY_BELOW, .min = 0, .max = 1,
     .fallback = 0.05, .with = "kind", .applies = has_method,
     .help = "Level of the tests: nothing is corrected where they find no shift."},
    {"force", &key_bool, AT(struct shift_spec, force), .with = "kind", .applies = has_method,
     .help = "Correct even where the tests find no shift."},
    {"folds", &key_size, AT(struct shift_spec, folds), .min = 2, .max = 1000, .fallback = 5, .with = "kind",
     .applies = has_method,
     .help = "Parts of cross-fitting, in which a sample is judged by a model that has not seen it."},
    {"layers", &key_list, AT(struct shift_spec, layers),
     .count_offset = offsetof(struct shift_spec, layer_count), .bytes = sizeof(struct layer_spec),
     .rows = layer_keys, .max = MODEL_MAX_LAYERS, .complete = complete_layer, .with = "kind",
     .applies = has_method,
     .help = "Hidden layers of the discriminator between source and target; none is logistic regression."},
    {"discriminator", &key_object, AT(struct shift_spec, discriminator), .rows = discriminator_keys,
     .with = "kind", .applies = has_method, .help = "How the discriminator is trained."},
    {"clip", &key_real, AT(struct shift_spec, clip), .flags = KEY_NULL, .min = 0, .max = 1e9, .fallback = -1,
     .computed = "10; null with `alpha`", .with = "method", .applies = takes_clip,
     .help = "Largest density ratio, before it is normalised; null or 0: no limit."},
    {"alpha", &key_real, AT(struct shift_spec, alpha), .flags = KEY_NULL | KEY_ABOVE | KEY_BELOW, .min = 0,
     .max = 1, .fallback = NAN, .computed = "null; 0.1 for \"rulsif\", 0.01 for \"rlls\"", .with = "method",
     .applies = takes_alpha, .apart = "clip",
     .help = "Of the relative density ratio, which is at most 1 / alpha; for `rlls` the weight of its "
             "penalty."},
    {"centers", &key_size, AT(struct shift_spec, centers), .min = 1, .max = 10000, .fallback = 100,
     .with = "method", .applies = takes_centers, .help = "Most basis functions of the ratio."},
    {"bandwidth", &key_real, AT(struct shift_spec, bandwidth), .flags = KEY_NULL | KEY_ABOVE, .min = 0,
     .max = 1e9, .fallback = NAN, .with = "method", .applies = takes_centers,
     .help = "Width of the basis functions; null: by cross-validation."},
    {"soft", &key_bool, AT(struct shift_spec, soft), .with = "method", .applies = takes_soft,
     .help = "Compare mean probabilities instead of counts of predicted classes."},
    {"correct", &key_choice, AT(struct shift_spec, correct), .choices = label_correction_name,
     .choice = "posthoc", .with = "kind", .applies = is_label_shift,
     .help = "Rescale the probabilities of the trained model (`posthoc`), train by weights (`retrain`), or "
             "both."},
    {"strength", &key_real, AT(struct shift_spec, strength), .min = 0, .max = 1, .fallback = 1,
     .with = "kind", .applies = is_label_shift,
     .help = "How far weights go from 1 to what is estimated; less for a small target."},
    {"bootstrap", &key_size, AT(struct shift_spec, bootstrap), .min = 0, .max = 100000, .fallback = 200,
     .with = "kind", .applies = is_label_shift,
     .help = "Resamples for the intervals of the estimates; 0: no intervals."},
    {"stream", &key_list, AT(struct shift_spec, stream),
     .count_offset = offsetof(struct shift_spec, stream_count), .bytes = sizeof(struct data_files),
     .rows = window_keys, .max = 65536, .with = "kind", .applies = is_concept_shift,
     .help = "Windows in the order of time; each is first predicted, then learned from."},
    {"epochs", &key_size, AT(struct shift_spec, epochs), .min = 0, .max = 1000000, .fallback = 5,
     .with = "kind", .applies = is_concept_shift, .help = "Passes over a window that learn from it."},
    {"optimizer_state", &key_choice, AT(struct shift_spec, optimizer_state), .choices = optimizer_state_name,
     .choice = "keep", .with = "kind", .applies = is_concept_shift,
     .help = "Whether a window goes on with the optimizer's state of the last one."},
    {"replay", &key_size, AT(struct shift_spec, replay), .min = 0, .max = 16777216, .with = "kind",
     .applies = is_concept_shift, .unit = "samples",
     .help = "Old samples, a random choice of all, that every window is learned together with."},
    {"fresh", &key_bool, AT(struct shift_spec, fresh), .with = "kind", .applies = is_concept_shift,
     .help = "For comparison, also train a new model on every window alone."},
    {"detector", &key_choice, AT(struct shift_spec, drift.detector), .choices = drift_detector_name,
     .choice = "adwin", .with = "kind", .applies = is_concept_shift,
     .help = "What watches the stream of errors."},
    {"page_hinkley", &key_object, AT(struct shift_spec, drift.page_hinkley), .rows = page_hinkley_keys,
     .with = "detector", .applies = is_page_hinkley, .help = "The test of Page and Hinkley."},
    {"ddm", &key_object, AT(struct shift_spec, drift.ddm), .rows = ddm_keys, .with = "detector",
     .applies = is_ddm, .help = "The drift detection method of Gama et al."},
    {"adwin", &key_object, AT(struct shift_spec, drift.adwin), .rows = adwin_keys, .with = "detector",
     .applies = is_adwin, .help = "Adaptive windowing of Bifet and Gavalda."},
    {"on_drift", &key_choice, AT(struct shift_spec, on_drift), .choices = drift_action_name,
     .choice = "adapt", .with = "kind", .applies = is_concept_shift,
     .help = "What a drift does: a higher rate for its window (`adapt`), a new model (`reset`), nothing "
             "(`report`)."},
    {"adapt_factor", &key_real, AT(struct shift_spec, adapt_factor), .flags = KEY_ABOVE, .min = 0,
     .max = 1000, .fallback = 3, .with = "on_drift", .applies = adapts,
     .help = "What `adapt` multiplies the learning rate by."},
    {0},
};

static const struct key config_keys[] = {
    {"$schema", &key_ignored, .flags = KEY_OPTIONAL, .help = "For editors; not read."},
    {"name", &key_name, AT(struct config, name), .flags = KEY_MAY_CHANGE,
     .computed = "the config file's name without its extension",
     .help = "Name of the run and of its folder."},
    {"seed", &key_seed, AT(struct config, seed), .fallback = 1,
     .help = "Decides every random choice; write it as a string where tools round large numbers."},
    {"threads", &key_size, AT(struct config, threads), .flags = KEY_MAY_CHANGE, .min = 0, .max = 1024,
     .fallback = 0,
     .help = "Threads; 0: as many as the process may use. A training step uses no more than there are "
             "processors and work for. "
             "Results do not depend on it."},
    {"precision", &key_choice, AT(struct config, precision), .flags = KEY_MODEL, .choices = precision_name,
     .choice = "f32",
     .help =
         "Of the factors of a layer's three products: as they are, or rounded to bfloat16 and summed up in "
         "the order of Intel's matrix unit. Parameters, optimizer, activations and loss are float in any "
         "case."},
    {"data", &key_object, AT(struct config, data), .rows = data_keys, .flags = KEY_REQUIRED,
     .help = "Where the data are and how they are read."},
    {"model", &key_object, AT(struct config, model), .rows = model_keys, .flags = KEY_MODEL,
     .help = "The multilayer perceptron."},
    {"loss", &key_object, AT(struct config, loss), .rows = loss_keys, .check = check_loss,
     .help = "The loss."},
    {"optimizer", &key_object, AT(struct config, optimizer), .rows = optimizer_keys,
     .complete = complete_optimizer, .check = check_optimizer, .help = "How the parameters are updated."},
    {"regularization", &key_object, AT(struct config, regularization), .rows = regularization_keys,
     .help = "Penalties, noise and limits on the weights."},
    {"augment", &key_object, AT(struct config, augment), .rows = augment_keys,
     .help = "Random changes of the training images, drawn anew in every epoch."},
    {"train", &key_object, AT(struct config, train), .rows = train_keys, .check = check_train,
     .help = "How training goes."},
    {"shift", &key_object, AT(struct config, shift), .rows = shift_keys, .complete = complete_shift,
     .check = check_shift, .help = "A shift of the distribution between training and use."},
    {"expect", &key_expect, AT(struct config, expect), .flags = KEY_NULL | KEY_MAY_CHANGE,
     .help = "What figures of `summary.json` must reach: exit status 1 where one does not."},
    {0},
};

const struct key key_root = {"", &key_object, .rows = config_keys, .complete = complete_config,
                             .help = "A run of dltrain."};
