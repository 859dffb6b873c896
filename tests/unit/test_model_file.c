/* The model file: what is saved comes back, and what is not a model of ours is refused with its reason. */
#include "idx_files.h"

#include <math.h>

#include "base/file.h"
#include "base/mem.h"
#include "run/model_file.h"
#include "run/scaling_text.h"
#include "run/tensors.h"

static struct err err;

static const char config_text[] =
    "{\"data\": {\"scale\": \"standardize_features\", \"classes\": [\"\\u00e9\", \"two\"]}, "
    "\"model\": {\"layers\": [{\"units\": 3, \"activation\": \"prelu\"}, {\"units\": 5, \"activation\": "
    "\"tanh\"}]}, "
    "\"loss\": {\"kind\": \"cross_entropy\"}}";

enum { FEATURES = 4, OUTPUTS = 2 };

/* Numbers whose decimal form needs all nine digits. */
static real means[FEATURES] = {(real)0.1f, (real)-1e-30f, (real)16777217.0f, (real)(1.0f / 3)};
static real deviations[FEATURES] = {(real)1.0000001f, 1, (real)3e-38f, (real)3.4e38f};

struct sample {
    struct config config;
    struct model *model;
    struct scaling scaling;
    char digest[SHA256_HEX];
};

/* A model whose parameter i holds i, i + 1/64, ... */
static struct sample make_sample(void) {
    struct sample s = {.scaling = {SCALE_STANDARDIZE_FEATURES, FEATURES, means, deviations}};
    assert_true(config_load_model(config_text, strlen(config_text), &s.config, &err));
    s.model = model_create(&s.config.model, FEATURES, OUTPUTS, "cross_entropy", &err);
    assert_non_null(s.model);
    for (size_t i = 0; i < s.model->parameter_count; i++) {
        float values[64];
        for (size_t k = 0; k < 64; k++)
            values[k] = (float)i + (float)k / 64;
        model_set(s.model, i, values);
    }
    return s;
}

static void release(struct sample *s) {
    model_free(s->model);
    config_release(&s->config);
}

static void save(struct sample *s, const char *name) {
    assert_true(
        model_file_save(path_of(name), &s->config, s->model, &s->scaling, true, NAN, s->digest, &err));
}

/* The file with every occurrence of a text replaced by one of the same length. */
static void spoil(const char *name, const char *from, const char *to) {
    unsigned char *bytes;
    size_t len, found = 0, width = strlen(from);
    assert_int_equal(width, strlen(to));
    assert_true(file_read(path_of(name), 1 << 20, &bytes, &len, &err));
    for (size_t i = 0; i + width <= len; i++)
        if (memcmp(bytes + i, from, width) == 0) {
            memcpy(bytes + i, to, width);
            found++;
        }
    assert_true(found > 0);
    write_bytes(name, bytes, len);
    mem_free(bytes);
}

static void refused(const char *name, const char *reason) {
    struct saved_model back;
    err = (struct err){0};
    assert_false(model_file_load(path_of(name), &back, &err));
    assert_int_equal(err.kind, ERR_DATA);
    assert_int_equal(strncmp(err.text, path_of(name), strlen(path_of(name))), 0);
    if (!strstr(err.text, reason))
        fail_msg("\"%s\" does not say \"%s\"", err.text, reason);
}

/* ---- round trip ---- */

static void what_is_saved_comes_back(void **state) {
    (void)state;
    struct sample s = make_sample();
    struct saved_model back;
    char digest[SHA256_HEX];
    save(&s, "m");
    assert_true(model_file_load(path_of("m"), &back, &err));
    assert_true(back.classes);
    assert_int_equal(back.model->features, FEATURES);
    assert_int_equal(back.model->outputs, OUTPUTS);
    assert_int_equal(back.model->size, s.model->size);
    assert_memory_equal(back.model->theta, s.model->theta, s.model->size * sizeof(real));
    assert_int_equal(back.scaling.kind, SCALE_STANDARDIZE_FEATURES);
    assert_memory_equal(back.scaling.mean, means, sizeof means);
    assert_memory_equal(back.scaling.deviation, deviations, sizeof deviations);
    assert_int_equal(back.config.model.layer_count, 2);
    assert_int_equal(back.config.model.layers[0].activation, ACTIVATION_PRELU);
    assert_string_equal(back.config.data.class_names[0], "\xC3\xA9");
    assert_true(model_digest(back.model, digest, &err));
    assert_string_equal(digest, s.digest);

    /* Equal models are equal files. */
    unsigned char *one, *two;
    size_t one_len, two_len;
    assert_true(
        model_file_save(path_of("n"), &back.config, back.model, &back.scaling, true, NAN, digest, &err));
    assert_true(file_read(path_of("m"), 1 << 20, &one, &one_len, &err));
    assert_true(file_read(path_of("n"), 1 << 20, &two, &two_len, &err));
    assert_int_equal(one_len, two_len);
    assert_memory_equal(one, two, one_len);
    mem_free(one);
    mem_free(two);
    saved_model_release(&back);
    release(&s);
}

/* A temperature stands beside the tensors, which stay as they were. */
static void a_temperature_comes_back(void **state) {
    (void)state;
    struct sample s = make_sample();
    struct saved_model back;
    char digest[SHA256_HEX];
    save(&s, "m");
    assert_true(model_file_load(path_of("m"), &back, &err));
    assert_true(isnan(back.temperature));
    saved_model_release(&back);
    assert_true(model_file_save(path_of("t"), &s.config, s.model, &s.scaling, true, 1.0 / 3, digest, &err));
    assert_string_equal(digest, s.digest);
    assert_true(model_file_load(path_of("t"), &back, &err));
    assert_true(back.temperature == 1.0 / 3);
    assert_memory_equal(back.model->theta, s.model->theta, s.model->size * sizeof(real));
    saved_model_release(&back);
    static const char *const wrong[] = {"-0.333333333333333", "0.0000000000000000", "0x3333333333333333",
                                        "NaN               ", "0.333333333333333x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_true(
            model_file_save(path_of("t"), &s.config, s.model, &s.scaling, true, 1.0 / 3, digest, &err));
        spoil("t", "0.3333333333333333", wrong[i]);
        refused("t", "metadata \"temperature\": expected a number above 0, found ");
    }
    /* A loss that predicts values has none. */
    assert_true(model_file_save(path_of("t"), &s.config, s.model, &s.scaling, true, 2, digest, &err));
    spoil("t", "\\\"kind\\\": \\\"cross_entropy\\\"", "\\\"kind\\\": \\\"mse\\\"          ");
    refused("t", "a model with the loss mse predicts no probabilities");
    release(&s);
}

/* Names, shapes and order of the numbers are PyTorch's: 0.weight is [out, in], row by row. */
static void tensors_are_pytorch_s(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t dims, dim[2];
    } expected[] = {{"0.weight", 2, {3, 4}}, {"0.bias", 1, {3}}, {"1.weight", 1, {1}},
                    {"2.weight", 2, {5, 3}}, {"2.bias", 1, {5}}, {"4.weight", 2, {2, 5}},
                    {"4.bias", 1, {2}}};
    struct sample s = make_sample();
    save(&s, "m");
    struct safetensors *file = safetensors_load(path_of("m"), &err);
    assert_non_null(file);
    assert_int_equal(safetensors_count(file), 7);
    for (size_t i = 0; i < 7; i++) {
        const struct stored_tensor *t = safetensors_find(file, expected[i].name);
        assert_non_null(t);
        assert_string_equal(t->dtype, "F32");
        assert_int_equal(t->dims, expected[i].dims);
        assert_memory_equal(t->dim, expected[i].dim, t->dims * sizeof(size_t));
    }
    float w[12];
    memcpy(w, safetensors_find(file, "0.weight")->bytes, sizeof w);
    /* Element (o, i) of the matrix in memory stands at offset + i * stride + o. */
    const struct parameter *p = &s.model->parameter[0];
    assert_string_equal(p->name, "0.weight");
    for (size_t o = 0; o < 3; o++)
        for (size_t i = 0; i < 4; i++)
            assert_true((real)w[o * 4 + i] == s.model->theta[p->offset + i * p->stride + o]);
    assert_string_equal(safetensors_metadata(file, "format"), "dltrain/1");
    assert_string_equal(safetensors_metadata(file, "classes"), "[\"\xC3\xA9\", \"two\"]");
    safetensors_free(file);
    release(&s);
}

/* ---- refusals ---- */

static void strangers_are_refused(void **state) {
    (void)state;
    struct sample s = make_sample();
    save(&s, "m");
    spoil("m", "dltrain/1", "dltrain/2");
    refused("m", "expected dltrain/1, found dltrain/2");
    save(&s, "m");
    spoil("m", "\"scaling\"", "\"scalinX\"");
    refused("m", "no \"scaling\"");
    save(&s, "m");
    spoil("m", "cross_entropy", "dross_entropy");
    refused("m", "loss.kind");
    save(&s, "m");
    spoil("m", "\\\"units\\\": 3", "\\\"units\\\": 4");
    refused("m", "tensor \"0.weight\": expected 4 rows, found 3");
    save(&s, "m");
    spoil("m", "1.0000001", "-0.000000");
    refused("m", "\"deviation\"");
    refused("nothing", "nothing");
    release(&s);
}

/* A model of that many outputs, under a config of these classes and that scaling. */
static void save_odd(const char *classes, size_t outputs, int scale) {
    char text[128], digest[SHA256_HEX];
    struct config config;
    struct scaling scaling = {.kind = scale, .features = FEATURES};
    snprintf(text, sizeof text, "{\"data\": {\"scale\": \"unit\", \"classes\": %s}}", classes);
    assert_true(config_load_model(text, strlen(text), &config, &err));
    struct model *model = model_create(&config.model, FEATURES, outputs, "cross_entropy", &err);
    assert_non_null(model);
    assert_true(model_file_save(path_of("m"), &config, model, &scaling, true, NAN, digest, &err));
    model_free(model);
    config_release(&config);
}

/* Names are looked up by output, so their number decides what memory is read. */
static void metadata_contradict_nothing(void **state) {
    (void)state;
    struct sample s = make_sample();
    struct saved_model back;
    save_odd("[\"a\", \"b\"]", 2, SCALE_UNIT);
    assert_true(model_file_load(path_of("m"), &back, &err));
    saved_model_release(&back);
    save_odd("[\"a\", \"b\"]", 3, SCALE_UNIT);
    refused("m", "data.classes: expected 3 classes, as many as the model has outputs, found 2");
    save_odd("5", 3, SCALE_UNIT);
    refused("m", "data.classes: expected 3 classes, as many as the model has outputs, found 5");
    save_odd("null", 1, SCALE_UNIT);
    refused("m", "metadata \"targets\": classes need at least 2 outputs, found 1");
    save_odd("null", 2, SCALE_NONE);
    refused("m", "metadata \"scaling\": expected the kind unit, as the config has, found none");
    save(&s, "m");
    spoil("m", "\"targets\": \"classes\"", "\"targets\": \"klasses\"");
    refused("m", "metadata \"targets\": expected classes or values, found klasses");
    save(&s, "m");
    spoil("m", "\"[\\\"", "\"{\\\"");
    refused("m", "metadata \"classes\": expected [\"\xC3\xA9\", \"two\"], as the config has, found {");
    release(&s);
}

static void files_of_others_are_told(void **state) {
    (void)state;
    struct sample s = make_sample();
    write_bytes("m", "PK\003\004\0\0\010\010\0\0\0\0\0\0\0\0\0\0", 18);
    refused("m",
            ": is not a safetensors file: starts with \"PK\\x03\\x04\\x00\\x00\\x08\\x08\\x00\\x00\\x00\\x00"
            "\\x00\\x00\\x00\\x00\", which looks like a zip archive; expected");
    write_bytes("m", "\x80\002\x8A\nl\xFC\x9C\x46\xF9 j\xA8P\x19.", 15);
    refused("m", "which looks like a Python pickle");
    assert_false(model_file_start(path_of("m"), s.model, &err));
    assert_non_null(strstr(err.text, "which looks like a Python pickle"));
    /* '<' is a sound length as well. */
    write_bytes("m", "<\0\0\0\0\0\0\0{\"a", 11);
    refused("m", ": expected a header of 60 bytes at offset 8");
    write_bytes("m", "PK", 2);
    refused("m", ": expected a header length of 8 bytes");
    release(&s);
}

/* Changes one tensor of the sample and writes the file anew. */
static void write_changed(struct sample *s, void (*change)(struct tensors *)) {
    struct tensors t;
    assert_true(tensors_of(s->model, &t, &err));
    struct stored_tensor *all = t.tensor;
    change(&t);
    assert_true(safetensors_save(path_of("m"), t.tensor, t.count, NULL, 0, &err));
    t.tensor = all;
    tensors_release(&t);
}

static void keep(struct tensors *t) {
    (void)t;
}
static void transpose(struct tensors *t) {
    t->tensor[0].dim[0] = 4;
    t->tensor[0].dim[1] = 3;
}
static void retype(struct tensors *t) {
    t->tensor[1].dtype = "I32";
}
static void rename_one(struct tensors *t) {
    t->tensor[2].name = "1.wait";
}
static void drop_first(struct tensors *t) {
    t->tensor++;
    t->count--;
}
static void poison(struct tensors *t) {
    t->values[5] = INFINITY;
}

static void starting_from_a_file(void **state) {
    (void)state;
    static const struct {
        void (*change)(struct tensors *);
        const char *reason;
    } row[] = {
        {transpose, "tensor \"0.weight\": expected F32 [3, 4], found F32 [4, 3]"},
        {retype, "tensor \"0.bias\": expected F32 [3], found I32 [3]"},
        {rename_one, "tensor \"1.weight\" is missing: expected F32 [1]"},
        {drop_first, "tensor \"0.weight\" is missing: expected F32 [3, 4]"},
        {poison, "tensor \"0.weight\": value 5 is not finite"},
    };
    struct sample s = make_sample(), t = make_sample();
    /* Tensors alone will do, as PyTorch saves them. */
    write_changed(&s, keep);
    memset(t.model->theta, 0, t.model->size * sizeof(real));
    assert_true(model_file_start(path_of("m"), t.model, &err));
    assert_memory_equal(t.model->theta, s.model->theta, s.model->size * sizeof(real));
    refused("m", "no \"format\"");
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        write_changed(&s, row[i].change);
        assert_false(model_file_start(path_of("m"), t.model, &err));
        assert_int_equal(err.kind, ERR_DATA);
        if (!strstr(err.text, row[i].reason))
            fail_msg("\"%s\" does not say \"%s\"", err.text, row[i].reason);
    }
    release(&s);
    release(&t);
}

static void a_tensor_too_many(void **state) {
    (void)state;
    struct sample s = make_sample();
    struct tensors t;
    struct stored_tensor more[8];
    float extra = 1;
    assert_true(tensors_of(s.model, &t, &err));
    memcpy(more, t.tensor, 7 * sizeof more[0]);
    more[7] = (struct stored_tensor){
        .name = "6.bias", .dtype = "F32", .dims = 1, .dim = {1}, .bytes = (unsigned char *)&extra, .len = 4};
    assert_true(safetensors_save(path_of("m"), more, 8, NULL, 0, &err));
    assert_false(model_file_start(path_of("m"), s.model, &err));
    assert_int_equal(err.kind, ERR_DATA);
    assert_non_null(strstr(err.text, "tensor \"6.bias\", F32 [1], is none of this model"));
    tensors_release(&t);
    release(&s);
}

/* ---- scaling ---- */

static void scaling_refused(const char *json, const char *reason) {
    struct scaling scaling;
    assert_false(scaling_parse(json, 3, &scaling, &err));
    assert_int_equal(err.kind, ERR_DATA);
    if (!strstr(err.text, reason))
        fail_msg("\"%s\" does not say \"%s\"", err.text, reason);
}

static void scaling_text(void **state) {
    (void)state;
    struct scaling scaling;
    assert_true(scaling_parse("{\"kind\": \"unit\"}", 3, &scaling, &err));
    assert_true(scaling.kind == SCALE_UNIT && !scaling.mean && !scaling.deviation);
    scaling_release(&scaling);
    assert_true(
        scaling_parse("{\"kind\": \"standardize\", \"mean\": [0.5], \"deviation\": [2]}", 3, &scaling, &err));
    for (size_t i = 0; i < 3; i++)
        assert_true(scaling.mean[i] == (real)0.5 && scaling.deviation[i] == 2);
    struct text text = {0};
    assert_true(scaling_print(&scaling, &text, &err));
    assert_string_equal(text.s, "{\"kind\": \"standardize\", \"mean\": [0.5], \"deviation\": [2]}");
    text_release(&text);
    scaling_release(&scaling);
    scaling_refused("{", "1:2");
    scaling_refused("{\"kind\": \"squash\"}", "found squash");
    scaling_refused("[]", "expected an object with a \"kind\"");
    scaling_refused("{}", "found none");
    scaling_refused("{\"kind\": \"unit\", \"mean\": [1]}", "expected nothing but the kind, found \"mean\"");
    scaling_refused("{\"kind\": \"standardize\", \"mean\": [1], \"deviation\": [1], \"median\": [1]}",
                    "expected kind, mean and deviation, found \"median\"");
    scaling_refused("{\"kind\": \"standardize\", \"mean\": [1, 2], \"deviation\": [1]}", "list of 1 number");
    scaling_refused("{\"kind\": \"standardize_features\", \"mean\": [1, 2, \"x\"], \"deviation\": [1, 1, 1]}",
                    "entry 2 is none");
    scaling_refused("{\"kind\": \"standardize_features\", \"mean\": [1, 2, 3], \"deviation\": [1, 0, 1]}",
                    "entry 1 is 0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_saved_comes_back, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_temperature_comes_back, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(tensors_are_pytorch_s, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(strangers_are_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(metadata_contradict_nothing, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(files_of_others_are_told, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(starting_from_a_file, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_tensor_too_many, make_folder, remove_folder),
        cmocka_unit_test(scaling_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
