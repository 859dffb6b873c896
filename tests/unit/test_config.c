/* Configs that are right: defaults, paths, overrides, and what is printed reads back. */
#include "config_files.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/init.h"

/* Everything that a config can say at once. */
static const char full[] =
    "// a comment\n"
    "{\n"
    "  \"$schema\": \"x.json\", \"name\": \"full\", \"seed\": 18446744073709551615, \"threads\": 3, "
    "\"precision\": \"bf16\",\n"
    "  \"data\": {\"root\": \"../set\", \"train\": {\"images\": \"a\", \"labels\": \"/b\", \"weights\": "
    "\"w\"},\n"
    "    \"test\": {\"images\": \"sub/../c\", \"labels\": \"d\"},\n"
    "    \"validation\": {\"images\": \"e\", \"labels\": \"f\"},\n"
    "    \"scale\": \"standardize_features\", \"label_column\": 2, \"classes\": [\"cat\", \"d\\u00f6g\", "
    "\"\\\"\"]},\n"
    "  \"model\": {\"input_dropout\": 0.2, \"layers\": [\n"
    "      {\"units\": 1048576, \"activation\": \"leaky_relu\", \"slope\": -10, \"init\": \"normal\", "
    "\"std\": 1e-3, \"dropout\": 0.5, \"l1\": 1e-5, \"max_norm\": 2},\n"
    "      {\"units\": 1, \"activation\": \"tanh\", \"init\": \"uniform\", \"limit\": 0.1,\n"
    "       \"bias_init\": \"constant\", \"bias_value\": -0.30000000000000004},\n"
    "      {\"units\": 3, \"activation\": \"prelu\", /* .25 */ \"bias_init\": \"normal\", \"bias_std\": "
    "2}],\n"
    "    \"output\": {\"init\": \"constant\", \"value\": 7, \"bias_init\": \"uniform\", \"bias_limit\": "
    "1e6, \"l2\": 0.25}},\n"
    "  \"loss\": {\"kind\": \"mse\", \"class_weights\": [1, 0, 2.5]},\n"
    "  \"optimizer\": {\"kind\": \"sgd\", \"lr\": 1000, \"momentum\": 0.9, \"nesterov\": true,\n"
    "    \"weight_decay\": 1e-4, \"clip_norm\": 1, \"clip_value\": 0.5,\n"
    "    \"schedule\": {\"kind\": \"one_cycle\", \"peak\": 2, \"rise\": 0.25, \"final\": 0.01, "
    "\"warmup_epochs\": 1.5}},\n"
    "  \"regularization\": {\"l1\": 1, \"l2\": 2, \"l1_method\": \"subgradient\", \"penalize_bias\": "
    "\"hidden\",\n"
    "    \"input_noise\": 0.1, \"weight_noise\": 0.01, \"weight_noise_kind\": \"per_step\", \"max_norm\": "
    "3},\n"
    "  \"augment\": {\"rotate\": 15, \"translate\": 2, \"scale\": 0.1, \"shear\": 0.2, \"flip\": true,\n"
    "    \"elastic\": {\"alpha\": 2}, \"classes\": [{\"class\": 2, \"rotate\": 5, \"flip\": false}]},\n"
    "  \"train\": {\"epochs\": 0, \"batch_size\": 16777216, \"shuffle\": false, \"refit\": true, "
    "\"diagnostics\": true,\n"
    "    \"calibrate\": true, \"early_stopping\": {\"metric\": \"validation.accuracy\", \"restore_best\": "
    "false}},\n"
    "  \"shift\": {\"kind\": \"covariate\", \"method\": \"rulsif\", \"target\": {\"images\": \"t\", "
    "\"labels\": \"u\"},\n"
    "    \"level\": 0.01, \"force\": true, \"folds\": 3, \"layers\": [{\"units\": 4}],\n"
    "    \"discriminator\": {\"epochs\": 2}, \"alpha\": 0.5, \"centers\": 7, \"bandwidth\": 2},\n"
    "  \"expect\": {\"test.accuracy\": {\"min\": 0.97, \"max\": 1}, \"isa\": {\"equals\": \"avx2\"}}\n"
    "}\n";

static struct text printed(const struct config *config) {
    struct text out = {0};
    assert_true(config_print(config, &out, &err));
    return out;
}

/* What holds for a config that says nothing. */
static void test_defaults(void **state) {
    (void)state;
    struct config c = accepted("{" DATA "}", NO_OVERRIDES);
    assert_string_equal(c.name, "some");
    assert_int_equal(c.seed, 1);
    assert_int_equal(c.threads, 0);
    assert_int_equal(c.precision, PRECISION_F32);
    assert_null(c.data.root);
    assert_null(c.data.test.images);
    assert_null(c.data.test.labels);
    assert_null(c.data.validation.images);
    assert_true(c.data.validation_fraction == 0);
    assert_int_equal(c.data.scale, SCALE_UNIT);
    assert_int_equal(c.data.label_column, -1);
    assert_int_equal(c.data.class_count, 0);
    assert_null(c.data.class_names);
    assert_int_equal(c.model.layer_count, 0);
    assert_int_equal(c.model.output.activation, ACTIVATION_IDENTITY);
    assert_string_equal(init_name((size_t)c.model.output.init.kind), "xavier_normal");
    assert_string_equal(init_name((size_t)c.model.output.bias_init.kind), "zeros");
    assert_int_equal(c.loss.kind, LOSS_CROSS_ENTROPY);
    assert_string_equal(optimizer_name((size_t)c.optimizer.kind), "sgd");
    assert_true(c.optimizer.lr == .01);
    assert_true(c.optimizer.momentum == 0);
    assert_false(c.optimizer.nesterov);
    assert_int_equal(c.train.epochs, 10);
    assert_int_equal(c.train.batch_size, 128);
    assert_true(c.train.shuffle);
    config_release(&c);
    assert_null(c.name);
}

static void test_layer_defaults(void **state) {
    (void)state;
    static const struct {
        const char *activation, *init;
        double slope;
    } rows[] = {{"identity", "xavier_normal", 0}, {"relu", "he_normal", 0},
                {"leaky_relu", "he_normal", .01}, {"prelu", "he_normal", .25},
                {"elu", "he_normal", 0},          {"gelu", "he_normal", 0},
                {"silu", "he_normal", 0},         {"sigmoid", "xavier_normal", 0},
                {"tanh", "xavier_normal", 0},     {"softplus", "he_normal", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char activation[64];
        snprintf(activation, sizeof activation, "model.layers.0.activation=%s", rows[i].activation);
        struct config c = accepted("{" DATA "}", OVERRIDES("model.layers=[{\"units\": 4}]", activation));
        const struct layer_spec *layer = c.model.layers;
        assert_string_equal(activation_name((size_t)layer->activation), rows[i].activation);
        assert_string_equal(init_name((size_t)layer->init.kind), rows[i].init);
        assert_string_equal(init_name((size_t)layer->bias_init.kind), "zeros");
        assert_true(layer->slope == rows[i].slope);
        config_release(&c);
    }
    struct config c = accepted(
        "{" DATA
        ", \"model\": {\"layers\": [{\"units\": 1, \"init\": \"normal\", \"bias_init\": \"uniform\"}],"
        " \"output\": {\"init\": \"uniform\", \"bias_init\": \"constant\"}}}",
        NO_OVERRIDES);
    assert_int_equal(c.model.layers[0].activation, ACTIVATION_RELU);
    assert_true(c.model.layers[0].init.std == .01);
    assert_true(c.model.layers[0].bias_init.limit == .05);
    assert_true(c.model.output.init.limit == .05);
    assert_true(c.model.output.bias_init.value == 0);
    config_release(&c);
}

static void check_full(const struct config *c) {
    char path[400];
    assert_string_equal(c->name, "full");
    assert_true(c->seed == UINT64_MAX);
    assert_int_equal(c->threads, 3);
    assert_int_equal(c->precision, PRECISION_BF16);
    assert_string_equal(c->data.train.labels, "/b");
    snprintf(path, sizeof path, "%s", folder);
    snprintf(strrchr(path, '/'), 20, "/set");
    assert_string_equal(c->data.root, path);
    strcat(path, "/c");
    assert_string_equal(c->data.test.images, path);
    path[strlen(path) - 1] = 'f';
    assert_string_equal(c->data.validation.labels, path);
    assert_int_equal(c->data.scale, SCALE_STANDARDIZE_FEATURES);
    assert_int_equal(c->data.label_column, 2);
    assert_int_equal(c->data.class_count, 3);
    assert_string_equal(c->data.class_names[1], "d\xc3\xb6g");
    assert_int_equal(c->model.layer_count, 3);
    assert_int_equal(c->model.layers[0].units, 1048576);
    assert_true(c->model.layers[0].slope == -10);
    assert_true(c->model.layers[0].init.std == 1e-3);
    assert_true(c->model.layers[1].init.limit == .1);
    assert_true(c->model.layers[1].bias_init.value == -0.30000000000000004);
    assert_true(c->model.layers[2].slope == .25);
    assert_true(c->model.layers[2].bias_init.std == 2);
    assert_true(c->model.output.init.value == 7);
    assert_true(c->model.output.bias_init.limit == 1e6);
    assert_int_equal(c->loss.kind, LOSS_MSE);
    assert_true(c->optimizer.lr == 1000 && c->optimizer.momentum == .9 && c->optimizer.nesterov);
    assert_int_equal(c->train.epochs, 0);
    assert_int_equal(c->train.batch_size, 16777216);
    assert_false(c->train.shuffle);
}

/* What is printed reads back to the same config, from another folder too. */
static void round_trip(const char *text) {
    struct config first = accepted(text, NO_OVERRIDES);
    struct text once = printed(&first);
    struct config second = accepted(once.s, NO_OVERRIDES);
    struct text twice = printed(&second);
    assert_string_equal(once.s, twice.s);
    if (text == full) {
        check_full(&first);
        check_full(&second);
    }
    config_release(&first);
    config_release(&second);
    text_release(&once);
    text_release(&twice);
}

static void test_round_trip(void **state) {
    (void)state;
    round_trip(full);
    round_trip("{" DATA "}");
    round_trip("{\"data\": {\"train\": {\"images\": \"i\", \"labels\": \"l\"}, \"classes\": 65536,"
               " \"validation\": {\"fraction\": 0.1, \"stratify\": false}}, \"seed\": \"9007199254740993\"}");
    round_trip("{" DATA ", \"shift\": {\"kind\": \"label\", \"target\": {\"images\": \"u\"}}}");
    round_trip("{" DATA ", \"shift\": {\"kind\": \"covariate\", \"target\": {\"images\": \"u\"}}}");
}

/* What is left to the program is null, and not there where files leave nothing to share out. */
static void test_printed_stratify(void **state) {
    (void)state;
    static const struct {
        const char *validation, *found;
    } row[] = {
        {"data.validation={\"fraction\": 0.5}", "\"stratify\": null\n"},
        {"data.validation={\"fraction\": 0.5, \"stratify\": null}", "\"stratify\": null\n"},
        {"data.validation={\"fraction\": 0.5, \"stratify\": true}", "\"stratify\": true\n"},
        {"data.validation={\"fraction\": 0.5, \"stratify\": false}", "\"stratify\": false\n"},
        {"data.validation={\"images\": \"i\", \"labels\": \"l\"}", NULL},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct config c = accepted("{" DATA "}", OVERRIDES(row[i].validation));
        struct text out = printed(&c);
        const char *found = strstr(out.s, "\"stratify\"");
        assert_true((found == NULL) == (row[i].found == NULL));
        if (found != NULL)
            assert_int_equal(strncmp(found, row[i].found, strlen(row[i].found)), 0);
        text_release(&out);
        config_release(&c);
    }
}

/* The printed form of a minimal config, literally. */
static void test_printed(void **state) {
    (void)state;
    struct config c = accepted("{\"data\": {\"train\": {\"images\": \"/i\", \"labels\": \"/l\"}},"
                               " \"model\": {\"layers\": [{\"units\": 2, \"activation\": \"prelu\"}]}}",
                               NO_OVERRIDES);
    struct text out = printed(&c);
    assert_string_equal(out.s, "{\n"
                               "  \"name\": \"some\",\n"
                               "  \"seed\": 1,\n"
                               "  \"threads\": 0,\n"
                               "  \"precision\": \"f32\",\n"
                               "  \"data\": {\n"
                               "    \"root\": null,\n"
                               "    \"train\": {\n"
                               "      \"images\": \"/i\",\n"
                               "      \"labels\": \"/l\"\n"
                               "    },\n"
                               "    \"test\": null,\n"
                               "    \"validation\": null,\n"
                               "    \"scale\": \"unit\",\n"
                               "    \"label_column\": null,\n"
                               "    \"classes\": null\n"
                               "  },\n"
                               "  \"model\": {\n"
                               "    \"input_dropout\": 0,\n"
                               "    \"layers\": [\n"
                               "      {\n"
                               "        \"units\": 2,\n"
                               "        \"activation\": \"prelu\",\n"
                               "        \"slope\": 0.25,\n"
                               "        \"init\": \"he_normal\",\n"
                               "        \"bias_init\": \"zeros\",\n"
                               "        \"dropout\": 0,\n"
                               "        \"l1\": null,\n"
                               "        \"l2\": null,\n"
                               "        \"max_norm\": null\n"
                               "      }\n"
                               "    ],\n"
                               "    \"output\": {\n"
                               "      \"init\": \"xavier_normal\",\n"
                               "      \"bias_init\": \"zeros\",\n"
                               "      \"l1\": null,\n"
                               "      \"l2\": null,\n"
                               "      \"max_norm\": null\n"
                               "    }\n"
                               "  },\n"
                               "  \"loss\": {\n"
                               "    \"kind\": \"cross_entropy\",\n"
                               "    \"label_smoothing\": 0,\n"
                               "    \"class_weights\": null\n"
                               "  },\n"
                               "  \"optimizer\": {\n"
                               "    \"kind\": \"sgd\",\n"
                               "    \"lr\": 0.01,\n"
                               "    \"momentum\": 0,\n"
                               "    \"momentum_ramp\": null,\n"
                               "    \"nesterov\": false,\n"
                               "    \"dampening\": 0,\n"
                               "    \"weight_decay\": 0,\n"
                               "    \"clip_norm\": null,\n"
                               "    \"clip_value\": null,\n"
                               "    \"schedule\": {\n"
                               "      \"kind\": \"constant\",\n"
                               "      \"warmup_epochs\": 0\n"
                               "    }\n"
                               "  },\n"
                               "  \"regularization\": {\n"
                               "    \"l1\": 0,\n"
                               "    \"l2\": 0,\n"
                               "    \"l1_method\": \"proximal\",\n"
                               "    \"penalize_bias\": \"none\",\n"
                               "    \"input_noise\": 0,\n"
                               "    \"weight_noise\": 0,\n"
                               "    \"weight_noise_kind\": \"per_sample\",\n"
                               "    \"max_norm\": null\n"
                               "  },\n"
                               "  \"augment\": {\n"
                               "    \"rotate\": 0,\n"
                               "    \"translate\": 0,\n"
                               "    \"scale\": 0,\n"
                               "    \"shear\": 0,\n"
                               "    \"flip\": false,\n"
                               "    \"elastic\": null,\n"
                               "    \"classes\": []\n"
                               "  },\n"
                               "  \"train\": {\n"
                               "    \"epochs\": 10,\n"
                               "    \"batch_size\": 128,\n"
                               "    \"shuffle\": true,\n"
                               "    \"early_stopping\": null,\n"
                               "    \"refit\": false,\n"
                               "    \"checkpoint_minutes\": 10,\n"
                               "    \"diagnostics\": false,\n"
                               "    \"calibrate\": false\n"
                               "  },\n"
                               "  \"shift\": {\n"
                               "    \"kind\": \"none\"\n"
                               "  },\n"
                               "  \"expect\": null\n"
                               "}\n");
    text_release(&out);
    config_release(&c);
}

/* What a kind and a method of shift stand for when nothing else is said. */
static void test_shift_completed(void **state) {
    (void)state;
    static const struct {
        const char *shift;
        int method;
        double clip, alpha;
    } row[] = {
        {"{\"kind\": \"none\"}", -1, NAN, NAN},
        {"{\"kind\": \"concept\"}", -1, NAN, NAN},
        {"{\"kind\": \"covariate\"}", SHIFT_CLASSIFIER, 10, NAN},
        {"{\"kind\": \"covariate\", \"alpha\": 0.25}", SHIFT_CLASSIFIER, NAN, 0.25},
        {"{\"kind\": \"covariate\", \"clip\": 0}", SHIFT_CLASSIFIER, 0, NAN},
        {"{\"kind\": \"covariate\", \"clip\": null}", SHIFT_CLASSIFIER, NAN, NAN},
        {"{\"kind\": \"covariate\", \"clip\": null, \"alpha\": 0.25}", SHIFT_CLASSIFIER, NAN, 0.25},
        {"{\"kind\": \"covariate\", \"method\": \"kliep\"}", SHIFT_KLIEP, 10, NAN},
        {"{\"kind\": \"covariate\", \"method\": \"rulsif\"}", SHIFT_RULSIF, NAN, 0.1},
        {"{\"kind\": \"label\"}", SHIFT_MLLS, NAN, NAN},
        {"{\"kind\": \"label\", \"method\": \"bbse\"}", SHIFT_BBSE, NAN, NAN},
        {"{\"kind\": \"label\", \"method\": \"rlls\"}", SHIFT_RLLS, NAN, 0.01},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char set[128];
        snprintf(set, sizeof set, "shift=%s", row[i].shift);
        struct config c = accepted("{" DATA "}", OVERRIDES(set));
        assert_int_equal(c.shift.method, row[i].method);
        assert_true(c.shift.clip == row[i].clip || (isnan(c.shift.clip) && isnan(row[i].clip)));
        assert_true(c.shift.alpha == row[i].alpha || (isnan(c.shift.alpha) && isnan(row[i].alpha)));
        config_release(&c);
    }
}

/* Defaults that hang on other keys, and layers that have numbers of their own or those of all. */
static void test_completed(void **state) {
    (void)state;
    static const struct {
        const char *kind;
        double lr, eps, weight_decay;
    } rows[] = {{"sgd", 0.01, 1e-8, 0},
                {"adam", 0.001, 1e-8, 0},
                {"adamw", 0.001, 1e-8, 0.01},
                {"rmsprop", 0.01, 1e-8, 0},
                {"adagrad", 0.01, 1e-10, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "{" DATA ", \"optimizer\": {\"kind\": \"%s\", \"schedule\": {\"kind\": \"one_cycle\"}}}",
                 rows[i].kind);
        struct config c = accepted(text, NO_OVERRIDES);
        assert_true(c.optimizer.lr == rows[i].lr && c.optimizer.eps == rows[i].eps);
        assert_true(c.optimizer.weight_decay == rows[i].weight_decay);
        assert_true(c.optimizer.schedule.peak == 10 * rows[i].lr);
        config_release(&c);
    }
    struct config c = accepted("{" DATA ", \"model\": {\"layers\": [{\"units\": 1}, {\"units\": 1, \"l1\": 0,"
                               " \"l2\": 3, \"max_norm\": 5}]}, \"regularization\": {\"l1\": 1, \"l2\": 2,"
                               " \"max_norm\": 4, \"weight_noise\": 0.5}}",
                               NO_OVERRIDES);
    const struct layer_spec *layer = c.model.layers, *output = &c.model.output;
    assert_true(isnan(layer[0].l1) && isnan(layer[0].l2) && isnan(layer[0].max_norm) && isnan(output->l1));
    assert_true(layer[1].l1 == 0 && layer[1].l2 == 3 && layer[1].max_norm == 5);
    assert_true(model_layer(&c.model, 1) == &layer[1] && model_layer(&c.model, 2) == output);
    assert_true(layer_number(layer[0].l1, c.regularization.l1) == 1 && layer_number(layer[1].l1, 1) == 0);
    assert_true(c.model.weight_noise == 0.5);
    config_release(&c);
    c = accepted("{" DATA ", \"regularization\": {\"weight_noise\": 1, \"weight_noise_kind\": \"per_step\"},"
                 " \"optimizer\": {\"schedule\": {\"kind\": \"exponential\"}, \"momentum_ramp\": {}},"
                 " \"train\": {\"early_stopping\": {}}}",
                 NO_OVERRIDES);
    assert_true(c.model.weight_noise == 0 && c.optimizer.schedule.factor == 0.95);
    assert_true(c.optimizer.momentum_ramp.on && c.optimizer.momentum_ramp.end == 0.99);
    assert_true(c.train.early_stopping.on && c.train.early_stopping.patience == 5);
    config_release(&c);
}

static void test_model_part(void **state) {
    (void)state;
    struct config c = accepted(full, NO_OVERRIDES), back = {0};
    struct text once = {0}, twice = {0};
    assert_true(config_print_model(&c, &once, &err));
    assert_null(strchr(once.s, '\n'));
    assert_true(config_load_model(once.s, once.len, &back, &err));
    assert_true(config_print_model(&back, &twice, &err));
    assert_string_equal(once.s, twice.s);
    assert_null(strstr(once.s, "root"));
    assert_null(strstr(once.s, "epochs"));
    assert_null(back.name);
    assert_null(back.data.train.images);
    assert_int_equal(back.model.layer_count, 3);
    assert_int_equal(back.data.class_count, 3);
    assert_int_equal(back.data.label_column, 2);
    assert_int_equal(back.data.scale, SCALE_STANDARDIZE_FEATURES);
    assert_int_equal(back.loss.kind, LOSS_MSE);
    assert_int_equal(back.train.batch_size, 128);
    text_release(&once);
    text_release(&twice);
    config_release(&c);
    config_release(&back);
}

static void same_path(const char *got, const char *base, const char *name) {
    struct text path = {0};
    text_addf(&path, "%s%s%s", base, base[0] != '\0' ? "/" : "", name);
    assert_string_equal(got, path.s);
    text_release(&path);
}

static void test_paths(void **state) {
    (void)state;
    char cwd[4096];
    assert_non_null(getcwd(cwd, sizeof cwd));

    /* without a root: the config's folder; overrides: the working directory */
    struct config c = accepted(
        "{" DATA "}", OVERRIDES("data.train.labels=x/y.gz", "data.test.images=/a", "data.test.labels=./b"));
    same_path(c.data.train.images, folder, "i.gz");
    same_path(c.data.train.labels, cwd, "x/y.gz");
    same_path(c.data.test.images, "", "/a");
    same_path(c.data.test.labels, cwd, "b");
    config_release(&c);

    /* with one, it holds for all, wherever it stands and whoever gives it */
    c = accepted("{\"data\": {\"train\": {\"images\": \"i\", \"labels\": \"l\"}, \"root\": \"r\"}}",
                 OVERRIDES("data.train.labels=x", "data.test={\"images\": \"t\", \"labels\": \"/u\"}"));
    same_path(c.data.root, folder, "r");
    same_path(c.data.train.images, folder, "r/i");
    same_path(c.data.train.labels, folder, "r/x");
    same_path(c.data.test.images, folder, "r/t");
    same_path(c.data.test.labels, "", "/u");
    config_release(&c);

    c = accepted("{" DATA "}", OVERRIDES("data.root=sub"));
    same_path(c.data.root, cwd, "sub");
    same_path(c.data.train.images, cwd, "sub/i.gz");
    config_release(&c);

    c = accepted("{" DATA "}", OVERRIDES("data.train.labels=x", "data.root=sub"));
    same_path(c.data.train.images, cwd, "sub/i.gz");
    same_path(c.data.train.labels, cwd, "sub/x");
    config_release(&c);

    c = accepted("{\"data\": {\"root\": \"r\", \"train\": {\"images\": \"i\", \"labels\": \"l\"}}}",
                 OVERRIDES("data.root=null"));
    assert_null(c.data.root);
    same_path(c.data.train.images, folder, "i");
    config_release(&c);
}

static void test_names(void **state) {
    (void)state;
    char other[400];
    struct config c = {0};
    snprintf(other, sizeof other, "%s/.a.b.json", folder);
    assert_true(file_write(other, "{" DATA "}", strlen("{" DATA "}"), &err));
    assert_true(config_load(other, NULL, 0, &c, &faults, &err));
    assert_string_equal(c.name, ".a.b");
    config_release(&c);
    unlink(other);
    snprintf(other, sizeof other, "%s/.json", folder);
    assert_true(file_write(other, "{" DATA "}", strlen("{" DATA "}"), &err));
    assert_true(config_load(other, NULL, 0, &c, &faults, &err));
    assert_string_equal(c.name, ".json");
    config_release(&c);
    unlink(other);
    snprintf(other, sizeof other, "%s/...json", folder);
    assert_true(file_write(other, "{" DATA "}", strlen("{" DATA "}"), &err));
    assert_false(config_load(other, NULL, 0, &c, &faults, &err));
    assert_non_null(strstr(err.text, "1:1: name: must be given"));
    unlink(other);
}

static void test_overrides(void **state) {
    (void)state;
    /* in their order, into what is there, what is not, and what an earlier one has made */
    struct config c =
        accepted(full, OVERRIDES("name=bare word", "seed=18446744073709551614", "model.layers.1.units=7",
                                 "model.layers.3.units=9", "model.layers.3.activation=sigmoid",
                                 "data.validation={}", "data.validation.fraction=.5", "data.validation=null",
                                 "data.validation.fraction=0.25", "data.test=null", "optimizer.lr=1e-4",
                                 "optimizer.lr=2e-4", "data.classes.3=cow", "train.shuffle=true", "$schema=z",
                                 "model.output=null", "model.output.init=zeros"));
    assert_string_equal(c.name, "bare word");
    assert_true(c.seed == UINT64_MAX - 1);
    assert_int_equal(c.model.layer_count, 4);
    assert_int_equal(c.model.layers[1].units, 7);
    assert_int_equal(c.model.layers[1].activation, ACTIVATION_TANH);
    assert_int_equal(c.model.layers[3].units, 9);
    assert_int_equal(c.model.layers[3].activation, ACTIVATION_SIGMOID);
    assert_true(c.data.validation_fraction == .25);
    assert_int_equal(c.data.validation_stratify, STRATIFY_AUTO);
    assert_null(c.data.test.images);
    assert_true(c.optimizer.lr == 2e-4);
    assert_int_equal(c.data.class_count, 4);
    assert_string_equal(c.data.class_names[3], "cow");
    assert_true(c.train.shuffle);
    assert_string_equal(init_name((size_t)c.model.output.init.kind), "zeros");
    config_release(&c);

    c = accepted(full, OVERRIDES("model.layers=[]", "model.layers.0.units=5", "name=\"7\"", "seed=\"5\""));
    assert_int_equal(c.model.layer_count, 1);
    assert_int_equal(c.model.layers[0].units, 5);
    assert_string_equal(c.name, "7");
    assert_int_equal(c.seed, 5);
    config_release(&c);

    c = accepted("{}", OVERRIDES("data.train.images=a=b", "data.train.labels=c"));
    assert_non_null(strstr(c.data.train.images, "/a=b"));
    config_release(&c);
}

static void test_seeds(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t seed;
    } rows[] = {{"seed=0", 0},
                {"seed=-0", 0},
                {"seed=1e3", 1000},
                {"seed=\"12\"", 12},
                {"seed=5.0", 5},
                {"seed=9007199254740993", 9007199254740993},
                {"seed=18446744073709551615", UINT64_MAX}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct config c = accepted("{" DATA "}", &rows[i].text, 1);
        assert_true(c.seed == rows[i].seed);
        struct text out = printed(&c); /* as a string where a double would round it */
        assert_true((strstr(out.s, "\"seed\": \"") != NULL) == (rows[i].seed > 9007199254740992));
        text_release(&out);
        config_release(&c);
    }
}

/* The configs that come with the program. */
static void test_shipped(void **state) {
    (void)state;
    static const struct {
        const char *file;
        size_t layers;
    } rows[] = {{"configs/digits.json", 2}, {"configs/mnist.json", 2}, {"configs/softmax.json", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct config c = {0};
        config_faults_release(&faults);
        if (!config_load(rows[i].file, NULL, 0, &c, &faults, &err))
            fail_msg("%s", err.text);
        assert_int_equal(c.model.layer_count, rows[i].layers);
        assert_non_null(c.data.test.images);
        config_release(&c);
    }
}

/* Those of a shift, for every method, read back from what is printed. */
static void test_shipped_shifts(void **state) {
    (void)state;
    static const struct {
        const char *file, *set[2];
    } rows[] = {
        {"configs/covariate-shift.json", {"shift.method=classifier", "seed=1"}},
        {"configs/covariate-shift.json", {"shift.method=kliep", "seed=1"}},
        {"configs/covariate-shift.json", {"shift.method=rulsif", "shift.clip=null"}},
        {"configs/label-shift.json", {"shift.method=mlls", "seed=1"}},
        {"configs/label-shift.json", {"shift.method=bbse", "seed=1"}},
        {"configs/label-shift.json", {"shift.method=rlls", "seed=1"}},
        {"configs/label-shift.json", {"shift.target.labels=null", "seed=1"}},
        {"configs/concept-shift.json", {"shift.detector=adwin", "seed=1"}},
        {"configs/concept-shift.json", {"shift.detector=ddm", "seed=1"}},
        {"configs/concept-shift.json", {"shift.detector=page_hinkley", "seed=1"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct config c = {0};
        config_faults_release(&faults);
        if (!config_load(rows[i].file, rows[i].set, 2, &c, &faults, &err))
            fail_msg("%s: %s", rows[i].set[0], err.text);
        struct text out = printed(&c);
        assert_non_null(strstr(out.s, rows[i].set[0][6] == 't' ? "\"labels\": null" : "\"shift\""));
        struct config again = accepted(out.s, NO_OVERRIDES);
        struct text twice = printed(&again);
        assert_string_equal(out.s, twice.s);
        text_release(&twice);
        text_release(&out);
        config_release(&again);
        config_release(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_layer_defaults),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_printed),
        cmocka_unit_test(test_printed_stratify),
        cmocka_unit_test(test_completed),
        cmocka_unit_test(test_shift_completed),
        cmocka_unit_test(test_model_part),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_shipped_shifts),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
