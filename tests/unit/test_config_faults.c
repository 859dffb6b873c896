/* Configs that are wrong: the words and places of the messages. */
#include "config_files.h"

static void test_values(void **state) {
    (void)state;
    refused_file("{\n  " DATA ",\n  \"model\": {\"layers\": [{\"units\": 3},\n    {\"units\": -3}]}\n}",
                 "%:4:6: model.layers.1.units: must be an integer from 1 to 1048576, got -3");
    refused_file(
        "{" DATA ", \"train\": {\"epochs\": \"x\"}}",
        "%:1:69: train.epochs: must be an integer from 0 to 1000000, got the string \"x\" (default 10)");
    refused_file(
        "{" DATA ", \"model\": {\"layers\": [{\"units\": 1, \"activation\": \"rleu\"}]}}",
        "%:1:93: model.layers.0.activation: must be \"identity\", \"relu\", \"leaky_relu\", \"prelu\", "
        "\"elu\","
        " \"gelu\", \"silu\", \"sigmoid\", \"tanh\" or \"softplus\", got \"rleu\" (default \"relu\");"
        " did you mean \"relu\"?");
    refused_set("optimizer.lr=0", "--set optimizer.lr=0: must be a number above 0 and at most 1000, got 0 "
                                  "(default 0.01; 0.001 for \"adam\" and \"adamw\")");
    refused_set("optimizer.momentum=1",
                "--set optimizer.momentum=1: must be a number from 0 to below 1, got 1 (default 0)");
    refused_set("data.validation.fraction=null",
                "--set data.validation.fraction=null: must be a number above 0 and below 1, got null");
    refused_set("train.epochs=1.5",
                "--set train.epochs=1.5: must be an integer from 0 to 1000000, got 1.5 (default 10)");
    refused_set("seed=18446744073709551616", "--set seed=18446744073709551616: must be an integer from 0 to"
                                             " 18446744073709551615, bare or as a string, got"
                                             " 18446744073709551616 (default 1)");
    refused_set("seed=-1",
                "--set seed=-1: must be an integer from 0 to 18446744073709551615, bare or as a string, got"
                " -1 (default 1)");
    refused_set(
        "seed=9007199254740993.0",
        "--set seed=9007199254740993.0: must be an integer from 0 to 18446744073709551615, bare or as a"
        " string, got 9007199254740993.0 (default 1)");
    refused_set("train.shuffle=yes", "--set train.shuffle=yes: must be true or false, got the string \"yes\""
                                     " (default true)");
    refused_set("name=a/b", "--set name=a/b: must be a plain file name of at most 255 bytes without control "
                            "characters, got \"a/b\" (default the"
                            " config file's name without its extension)");
    refused_set(
        "name=\"a\\u001b[2J\"",
        "--set name=\\\"a\\\\u001b[2J\\\": must be a plain file name of at most 255 bytes without control"
        " characters, got \"a\\u001b[2J\" (default the config file's name without its extension)");
    refused_set("name=\"\\u009b\"",
                "--set name=\\\"\\\\u009b\\\": must be a plain file name of at most 255 bytes without control"
                " characters, got \"\xc2\x9b\" (default the config file's name without its extension)");
    refused_set("name=..", "--set name=..: must be a plain file name of at most 255 bytes without control "
                           "characters, got \"..\" (default the"
                           " config file's name without its extension)");
    refused_set("data.root=", "--set data.root=: must be a path, or null, got \"\" (default null)");
    refused_set("model.layers={}",
                "--set model.layers={}: must be a list of at most 1024 objects, got an object"
                " (default [])");
    refused_set("model.layers=[3]", "--set model.layers=[3]: model.layers.0: must be an object, got 3");
    refused_set("data.classes=1",
                "--set data.classes=1: must be an integer from 2 to 65536 or a list of as many"
                " distinct names, or null, got 1 (default null)");
    refused_set(
        "data.classes=[\"a\"]",
        "--set data.classes=[\\\"a\\\"]: must be an integer from 2 to 65536 or a list of as many distinct"
        " names, or null, got a list of length 1 (default null)");
    refused_set("data.classes=[\"a\",\"b\",\"a\"]", "--set data.classes=[\\\"a\\\",\\\"b\\\",\\\"a\\\"]: "
                                                    "data.classes.2: must be distinct, but \"a\" is class"
                                                    " 0 too");
    refused_set(
        "data.classes=[\"a\",3]",
        "--set data.classes=[\\\"a\\\",3]: data.classes.1: must be the name of a class: a string that is not"
        " empty");
    refused_file("[]", "%:1:1: must be an object, got a list of length 0");
    refused_file("3", "%:1:1: must be an object, got 3");
}

static void test_unknown_keys(void **state) {
    (void)state;
    refused_file("{" DATA ",\n \"optimizer\": {\"momentun\": 0.9}}",
                 "%:2:16: optimizer.momentun: unknown key; did you mean \"momentum\"?");
    refused_file("{" DATA ",\n \"Seed\": 1}", "%:2:2: Seed: unknown key; did you mean \"seed\"?");
    refused_file("{" DATA ",\n \"epochs\": 1}", "%:2:2: epochs: unknown key; did you mean \"train.epochs\"?");
    refused_file("{" DATA ",\n \"train\": {\"seed\": 1}}",
                 "%:2:12: train.seed: unknown key; did you mean \"seed\" at the top of the config?");
    refused_file("{" DATA ",\n \"loss\": {\"temper\": 0.1}}",
                 "%:2:11: loss.temper: unknown key; the keys here are kind, label_smoothing, class_weights");
    refused_file(
        "{" DATA ",\n \"model\": {\"output\": {\"units\": 3}}}",
        "%:2:23: model.output.units: unknown key; the keys here are init, std, limit, value, bias_init,"
        " bias_std, bias_limit, bias_value, l1, l2, max_norm");
    refused_file(
        "{" DATA ",\n \"a\\nb\": 3}",
        "%:2:2: a\\nb: unknown key; the keys here are $schema, name, seed,"
        " threads, precision, data, model, loss, optimizer, regularization, augment, train, shift, expect");
    refused("{" DATA ",\n \"\": 3, \"loss\": {\"\": 1}}", NO_OVERRIDES,
            LINES("%:2:2: \"\": unknown key; the keys here are $schema, name, seed, threads, precision, "
                  "data, model, loss,"
                  " optimizer, regularization, augment, train, shift, expect",
                  "%:2:18: loss.\"\": unknown key; the keys here are kind, label_smoothing, class_weights"));
    refused_set("optimzer.lr=1", "--set optimzer.lr=1: optimzer: unknown key; did you mean \"optimizer\"?");
}

static void test_missing(void **state) {
    (void)state;
    refused_file("{}", "%:1:1: data: is missing: must be an object");
    refused_file("\n {\"data\": null}", "%:2:3: data: must be an object, got null");
    refused_file("{\"data\": {}}", "%:1:2: data.train: is missing: must be an object");
    refused_file("{\"data\": {\"train\": {\"labels\": \"l\"}}}",
                 "%:1:11: data.train.images: is missing: give \"images\" or \"file\"");
    refused_file("{" DATA ",\n\"model\": {\"layers\": [{}]}}",
                 "%:2:22: model.layers.0.units: is missing: must be an integer from 1 to 1048576");
    refused_set("data.test.images=x", "--set data.test.images=x: needs \"labels\" beside it");
}

static void test_neighbours(void **state) {
    (void)state;
    refused_file(
        "{" DATA ",\n\"model\": {\"layers\": [{\"slope\": 0.1, \"units\": 3}]}}",
        "%:2:23: model.layers.0.slope: is only for activation \"leaky_relu\" or \"prelu\", but activation is"
        " \"relu\"");
    refused_set("model.output.std=1", "--set model.output.std=1: is only for init \"normal\", but init is"
                                      " \"xavier_normal\"");
    refused_set(
        "model.output.bias_value=1",
        "--set model.output.bias_value=1: is only for bias_init \"constant\", but bias_init is \"zeros\"");
    refused_set("optimizer.nesterov=true", "--set optimizer.nesterov=true: needs a \"momentum\" above 0");
    refused_set("optimizer.betas=[0.9,0.99]", "--set optimizer.betas=[0.9,0.99]: is only for kind \"adam\" or"
                                              " \"adamw\", but kind is \"sgd\"");
    refused_set("optimizer.dampening=0.1", "--set optimizer.dampening=0.1: needs a \"momentum\" above 0");
    refused_file("{" DATA ", \"optimizer\": {\"momentum\": 0.5, \"nesterov\": true, \"dampening\": 0.1}}",
                 "%:1:90: optimizer.nesterov: needs a \"dampening\" of 0");
    refused_file("{" DATA ", \"optimizer\": {\"momentum\": 0.5, \"momentum_ramp\": {}}}",
                 "%:1:90: optimizer.momentum_ramp: takes the place of \"momentum\": give one or the other");
    refused_file("{" DATA ", \"optimizer\": {\"kind\": \"adam\", \"momentum_ramp\": {}}}",
                 "%:1:89: optimizer.momentum_ramp: is only for kind \"sgd\" or \"rmsprop\"");
    refused_file(
        "{" DATA ", \"loss\": {\"kind\": \"mse\", \"label_smoothing\": 0.1}}",
        "%:1:83: loss.label_smoothing: is only for kind \"cross_entropy\" or \"binary_cross_entropy\"");
    refused_set("train.refit=true",
                "--set train.refit=true: needs \"early_stopping\", which finds the epochs");
    refused_set("data.validation={}",
                "--set data.validation={}: must not be empty; the keys here are fraction,"
                " stratify, images, labels, file, label, target, ignore, delimiter, header, weights");
    refused_set("data.validation.stratify=true",
                "--set data.validation.stratify=true: needs \"fraction\" beside it");
    refused_set("data.validation.images=x", "--set data.validation.images=x: needs \"labels\" beside it");
    refused("{" DATA "}",
            OVERRIDES("data.validation.fraction=.5", "data.validation.fraction=0.5",
                      "data.validation.images=x", "data.validation.labels=y"),
            LINES("--set data.validation.images=x: cannot stand beside \"fraction\": give one or the other",
                  "--set data.validation.labels=y: cannot stand beside \"fraction\": give one or the other"));
    /* nothing is concluded from a neighbour that is wrong itself */
    refused_set(
        "model.layers=[{\"units\": 1, \"init\": 3, \"std\": 1}]",
        "--set model.layers=[{\\\"units\\\": 1, \\\"init\\\": 3, \\\"std\\\": 1}]: model.layers.0.init: must "
        "be"
        " \"xavier_normal\", \"xavier_uniform\", \"he_normal\", \"he_uniform\", \"lecun_normal\","
        " \"orthogonal\", \"normal\", \"uniform\", \"constant\" or \"zeros\", got 3 (default \"he_normal\" "
        "for"
        " the ReLU family, else \"xavier_normal\")");
}

static void test_shift(void **state) {
    (void)state;
    refused_file(
        "{" DATA ",\n\"shift\": {\"kind\": \"label\", \"method\": \"kliep\"}}",
        "%:2:28: shift.method: is of kind \"covariate\": kind \"label\" has \"mlls\", \"bbse\" and \"rlls\"");
    refused_file("{" DATA ",\n\"shift\": {\"kind\": \"covariate\", \"method\": \"bbse\"}}",
                 "%:2:32: shift.method: is of kind \"label\": kind \"covariate\" has \"classifier\", "
                 "\"kliep\" and \"rulsif\"");
    refused_set("shift.folds=2",
                "--set shift.folds=2: is only for kind \"covariate\" or \"label\", but kind is \"none\"");
    refused_file("{" DATA ",\n\"shift\": {\"kind\": \"label\", \"folds\": 1}}",
                 "%:2:28: shift.folds: must be an integer from 2 to 1000, got 1 (default 5)");
    refused_file("{" DATA ",\n\"shift\": {\"kind\": \"covariate\", \"clip\": 5, \"alpha\": 0.1}}",
                 "%:2:43: shift.alpha: cannot stand beside \"clip\": give one or the other");
    refused_file("{" DATA ",\n\"shift\": {\"kind\": \"label\", \"target\": {\"labels\": \"l\"}}}",
                 "%:2:28: shift.target.images: is missing: give \"images\" or \"file\"");
}

/* What hangs on a choice that hangs on another one: the fault that is to be mended first. */
static void test_chained_neighbours(void **state) {
    (void)state;
    refused_file("{" DATA
                 ",\n\"shift\": {\"kind\": \"concept\", \"detector\": \"page_hinkley\", \"ddm\": {}}}",
                 "%:2:58: shift.ddm: is only for detector \"ddm\", but detector is \"page_hinkley\"");
    refused_file(
        "{" DATA ",\n\"shift\": {\"kind\": \"concept\", \"page_hinkley\": {\"delta\": 0.1}}}",
        "%:2:30: shift.page_hinkley: is only for detector \"page_hinkley\", but detector is \"adwin\"");
    refused_set(
        "shift.adwin.delta=0.01",
        "--set shift.adwin.delta=0.01: shift.adwin: is only for kind \"concept\", but kind is \"none\"");
    refused_file("{" DATA ",\n\"shift\": {\"kind\": \"label\", \"ddm\": {\"drift\": 4}}}",
                 "%:2:28: shift.ddm: is only for kind \"concept\", but kind is \"label\"");
    refused_file("{" DATA
                 ",\n\"shift\": {\"kind\": \"concept\", \"on_drift\": \"report\", \"adapt_factor\": 2}}",
                 "%:2:52: shift.adapt_factor: is only for on_drift \"adapt\", but on_drift is \"report\"");
    refused_set("shift.adapt_factor=2",
                "--set shift.adapt_factor=2: is only for kind \"concept\", but kind is \"none\"");
    refused_set("shift.clip=3",
                "--set shift.clip=3: is only for kind \"covariate\" or \"label\", but kind is \"none\"");
    /* Of a choice that is wrong itself nothing is concluded. */
    refused_file("{" DATA ",\n\"shift\": {\"kind\": \"concept\", \"detector\": \"dmd\", \"adwin\": {}}}",
                 "%:2:30: shift.detector: must be \"page_hinkley\", \"ddm\" or \"adwin\", got \"dmd\" "
                 "(default \"adwin\"); did you mean \"ddm\"?");
}

static void test_all_at_once(void **state) {
    (void)state;
    refused(
        "{\n"
        "  \"train\": {\"epochs\": -1},\n"
        "  \"nmae\": 3,\n"
        "  \"data\": {\"classes\": 0, \"trian\": {}},\n"
        "  \"optimizer\": {\"nesterov\": 1, \"lr\": [1]}\n"
        "}",
        OVERRIDES("threads=-1", "x", "threads=x"),
        LINES(
            "%:2:13: train.epochs: must be an integer from 0 to 1000000, got -1 (default 10)",
            "%:3:3: nmae: unknown key; did you mean \"name\"?",
            "%:4:12: data.classes: must be an integer from 2 to 65536 or a list of as many distinct names, or"
            " null, got 0 (default null)",
            "%:4:26: data.trian: unknown key; did you mean \"train\"?",
            "%:5:17: optimizer.nesterov: must be true or false, got 1 (default false)",
            "%:5:32: optimizer.lr: must be a number above 0 and at most 1000, got a list of length 1 (default"
            " 0.01; 0.001 for \"adam\" and \"adamw\")",
            "--set x: must be PATH=VALUE",
            "--set threads=x: must be an integer from 0 to 1024, got the string \"x\" (default 0)"));
}

static void test_bad_overrides(void **state) {
    (void)state;
    refused_set("", "--set \"\": must be PATH=VALUE");
    refused_set("=3", "--set =3: must be PATH=VALUE with a path like optimizer.lr");
    refused_set("a..b=3", "--set a..b=3: must be PATH=VALUE with a path like optimizer.lr");
    refused_set("train.=3", "--set train.=3: must be PATH=VALUE with a path like optimizer.lr");
    refused_set(
        "data.train.images.x=3",
        "--set data.train.images.x=3: data.train.images is neither an object nor a list: there is nothing"
        " inside it");
    refused("{" DATA "}", OVERRIDES("model.layers=[]", "model.layers.1.units=3"),
            LINES("--set model.layers.1.units=3: model.layers is a list of length 0: the next element is "
                  "number 0"));
    refused("{" DATA "}", OVERRIDES("model.layers=[]", "model.layers.units=3"),
            LINES("--set model.layers.units=3: model.layers is a list: the number of an element must follow, "
                  "from 0"));
    refused("{" DATA "}",
            OVERRIDES("model.layers=[{\"units\": 1},{\"units\": 2}]", "model.layers.01.units=3"),
            LINES("--set model.layers.01.units=3: model.layers is a list: the number of an element must "
                  "follow, from 0"));
    refused_set("model.layers=[{units: 3}]",
                "--set model.layers=[{units: 3}]: the value is not valid JSON, 1:3: keys"
                " are written in double quotes, found 'units'");
    refused_set("name=\xff", "--set name=\xef\xbf\xbd: the value is not valid UTF-8");
    char deep[512] = "a";
    for (size_t i = 0; i < 70; i++)
        strcat(deep, ".a");
    strcat(deep, "=1");
    struct config c = {0};
    const char *const override = deep;
    assert_false(load_with("{" DATA "}", &override, 1, &c));
    assert_non_null(strstr(err.text, "more than 64 keys deep"));
}

/* A required key is not missed where an unknown one is a slip for it. */
static void test_misspelt(void **state) {
    (void)state;
    refused_set("model.layers=[{\"unit\": 3}]",
                "--set model.layers=[{\\\"unit\\\": 3}]: model.layers.0.unit: unknown "
                "key; did you mean \"units\"?");
    refused("{\"dta\": {}}", NO_OVERRIDES, LINES("%:1:2: dta: unknown key; did you mean \"data\"?"));
    refused("{" DATA ",\n\"model\": {\"layers\": [{\"wide\": 3}]}}", NO_OVERRIDES,
            LINES("%:2:22: model.layers.0.units: is missing: must be an integer from 1 to 1048576",
                  "%:2:23: model.layers.0.wide: unknown key; the keys here are units, activation, slope, "
                  "init, std, limit,"
                  " value, bias_init, bias_std, bias_limit, bias_value, dropout, l1, l2, max_norm"));
}

static void test_syntax(void **state) {
    (void)state;
    struct config c = {0};
    char text[400];
    assert_false(load_with("{\n  \"seed\": 1,\n  \"seed\": 2}", NULL, 0, &c));
    snprintf(text, sizeof text, "%s:3:3: ", file);
    assert_int_equal(strncmp(err.text, text, strlen(text)), 0);
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.lines.s, err.text);

    memset(text, '[', 100);
    strcpy(text + 100, "1");
    assert_false(load_with(text, NULL, 0, &c));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(load_with("{" DATA "} x", NULL, 0, &c));
    assert_false(load_with("", NULL, 0, &c));
    assert_int_equal(err.kind, ERR_CONFIG);

    struct config ok = accepted("/* a */ {" DATA "} // b", NO_OVERRIDES);
    config_release(&ok);
}

static void test_unreadable(void **state) {
    (void)state;
    struct config c = {0};
    config_faults_release(&faults);
    assert_false(config_load("/nonexistent/a.json", NULL, 0, &c, &faults, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "/nonexistent/a.json"));
    assert_string_equal(faults.lines.s, err.text);
    config_faults_release(&faults);
    assert_false(config_load(folder, NULL, 0, &c, &faults, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

static void test_model_part(void **state) {
    (void)state;
    static const struct {
        const char *json, *message;
    } rows[] = {
        {"{\"model\": {\"layers\": [{\"units\": 0}]}}",
         "model config:1:24: model.layers.0.units: must be an integer from 1 to 1048576, got 0"},
        {"{\"seed\": 1}",
         "model config:1:2: seed: unknown key; the keys here are precision, data, model, loss"},
        {"{\"data\": {\"root\": \"x\"}}",
         "model config:1:11: data.root: unknown key; the keys here are scale, label_column, classes"},
        {"[]", "model config:1:1: must be an object, got a list of length 0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct config c = {0};
        assert_false(config_load_model(rows[i].json, strlen(rows[i].json), &c, &err));
        assert_string_equal(err.text, rows[i].message);
        assert_int_equal(err.kind, ERR_DATA);
    }
    struct config c = {0};
    assert_false(config_load_model("{", 1, &c, &err));
    assert_int_equal(strncmp(err.text, "model config:1:", 15), 0);
    assert_int_equal(err.kind, ERR_DATA);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_shift),
        cmocka_unit_test(test_chained_neighbours),
        cmocka_unit_test(test_bad_overrides),
        cmocka_unit_test(test_syntax),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_model_part),
        cmocka_unit_test(test_misspelt),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
