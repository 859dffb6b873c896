/* What a shift's correction does once its figures are known: the rule that decides, the rescaling of a model,
 * the records of a training that turns out to be the search. */
#include "support.h"

#include "run/estimation_parts.h"
#include "run/metrics.h"
#include "run/posthoc.h"

static void near(double got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("expected %.17g, got %.17g", expected, got);
}

/* ---- the rule ---- */

static struct estimation_result decided(size_t targets, double p_value, bool force, bool usable) {
    static struct shift_spec spec;
    spec = (struct shift_spec){.kind = SHIFT_LABEL, .level = 0.05, .force = force};
    struct estimation_result r = {.spec = &spec, .target_samples = targets};
    estimation_decide(&r, p_value, usable);
    return r;
}

static void test_gate(void **state) {
    (void)state;
    static const struct {
        size_t targets;
        double p_value;
        bool force, usable, detected, corrected;
    } row[] = {
        {30, 0.0499, false, true, true, true}, {30, 0.05, false, true, false, false},
        {29, 0, false, true, false, false},    {29, 0, true, true, false, true},
        {1000, 0.9, true, true, false, true},  {1000, 0, true, false, true, false},
        {1000, 0, false, false, true, false},  {1000, NAN, false, true, false, false},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct estimation_result r = decided(row[i].targets, row[i].p_value, row[i].force, row[i].usable);
        assert_int_equal(r.detected, row[i].detected);
        assert_int_equal(r.corrected, row[i].corrected);
    }
}

static void test_ways(void **state) {
    (void)state;
    struct shift_spec spec = {.kind = SHIFT_LABEL};
    struct estimation_result r = {.spec = &spec, .corrected = true};
    spec.correct = CORRECT_POSTHOC;
    assert_true(estimation_rescales(&r) && !estimation_retrains(&r));
    spec.correct = CORRECT_RETRAIN;
    assert_true(!estimation_rescales(&r) && estimation_retrains(&r));
    spec.correct = CORRECT_BOTH;
    assert_true(estimation_rescales(&r) && estimation_retrains(&r));
    spec.kind = SHIFT_COVARIATE;
    assert_true(!estimation_rescales(&r) && estimation_retrains(&r));
    r.corrected = false;
    assert_true(!estimation_rescales(&r) && !estimation_retrains(&r));
}

/* ---- rescaling ---- */

enum { FEATURES = 2, CLASSES = 3 };

static void outputs(const struct model *model, const double x[FEATURES], double z[CLASSES]) {
    float w[CLASSES * FEATURES], b[CLASSES];
    model_get(model, 0, w);
    model_get(model, 1, b);
    for (size_t c = 0; c < CLASSES; c++) {
        z[c] = (double)b[c];
        for (size_t f = 0; f < FEATURES; f++)
            z[c] += (double)w[c * FEATURES + f] * x[f];
    }
}

/* softmax((a z + offset) / t) by libm. */
static void softmax(const double *z, double a, const double *offset, double *p) {
    double sum = 0;
    for (size_t c = 0; c < CLASSES; c++)
        sum += p[c] = exp(a * z[c] + (offset ? offset[c] : 0));
    for (size_t c = 0; c < CLASSES; c++)
        p[c] /= sum;
}

static void test_posthoc(void **state) {
    (void)state;
    struct err err;
    const struct model_spec spec = {.output = {.activation = ACTIVATION_IDENTITY}};
    struct model *model = model_create(&spec, FEATURES, CLASSES, "cross_entropy", &err);
    assert_non_null(model);
    const float w[CLASSES * FEATURES] = {0.5f, -1, 2, 0.25f, -0.75f, 1}, b[CLASSES] = {0.1f, -0.2f, 0.3f};
    model_set(model, 0, w);
    model_set(model, 1, b);
    double weight[CLASSES] = {2.5, 0.4, 0}, bias[CLASSES] = {0.3, -0.1, -0.2}, t = 0;
    struct label_estimate label = {.classes = CLASSES, .posthoc = weight};
    label.ratio.calibration = (struct bcts){.a = 0.8, .b = bias};
    const double x[FEATURES] = {0.7, -1.3};
    double z[CLASSES], corrected[CLASSES], p[CLASSES], expected[CLASSES], offset[CLASSES];
    outputs(model, x, z);
    posthoc_apply(&label, model, &t);
    outputs(model, x, corrected);
    for (size_t c = 0; c < CLASSES; c++)
        offset[c] = bias[c] + (weight[c] > 0 ? log(weight[c]) : -1000);
    softmax(z, label.ratio.calibration.a, offset, expected);
    softmax(corrected, 1 / t, NULL, p);
    near(t, 1.25, 1e-15);
    for (size_t c = 0; c < CLASSES; c++)
        near(p[c], expected[c], 1e-6);
    model_free(model);
}

/* Weights of 1 on logits that are calibrated as they are: not a bit of the model changes. */
static void test_posthoc_of_nothing(void **state) {
    (void)state;
    struct err err;
    const struct model_spec spec = {.output = {.activation = ACTIVATION_IDENTITY}};
    struct model *model = model_create(&spec, FEATURES, CLASSES, "cross_entropy", &err);
    assert_non_null(model);
    const float w[CLASSES * FEATURES] = {0.5f, -1, 2, 0.25f, -0.75f, 1}, b[CLASSES] = {0.1f, -0.2f, 1e-38f};
    model_set(model, 0, w);
    model_set(model, 1, b);
    double weight[CLASSES] = {1, 1, 1}, bias[CLASSES] = {0}, t = 0;
    struct label_estimate label = {.classes = CLASSES, .posthoc = weight};
    label.ratio.calibration = (struct bcts){.a = 1, .b = bias};
    real *before = mem_alloc(model->size, sizeof *before, "a test", &err);
    assert_non_null(before);
    memcpy(before, model->theta, model->size * sizeof *before);
    posthoc_apply(&label, model, &t);
    assert_memory_equal(model->theta, before, model->size * sizeof *before);
    assert_true(t == 1);
    mem_free(before);
    model_free(model);
}

/* ---- records ---- */

static void add_epochs(struct metrics *metrics, bool uncorrected) {
    struct err err;
    for (size_t epoch = 1; epoch <= 3; epoch++) {
        struct epoch_record record = {.uncorrected = uncorrected, .epoch = epoch, .lr = 0.1};
        assert_true(metrics_add(metrics, &record, NULL, &err));
    }
}

static void test_settle(void **state) {
    (void)state;
    struct err err;
    struct metrics doubtful = {0}, plain = {0}, none = {0};
    add_epochs(&doubtful, true);
    add_epochs(&plain, false);
    assert_non_null(strstr(doubtful.lines.s, "\"phase\": \"uncorrected\""));
    assert_true(metrics_settle(&doubtful, &err));
    assert_string_equal(doubtful.lines.s, plain.lines.s);
    assert_true(metrics_settle(&doubtful, &err));
    assert_string_equal(doubtful.lines.s, plain.lines.s);
    assert_true(metrics_settle(&none, &err));
    metrics_release(&doubtful);
    metrics_release(&plain);
    metrics_release(&none);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gate),    cmocka_unit_test(test_ways),
        cmocka_unit_test(test_posthoc), cmocka_unit_test(test_posthoc_of_nothing),
        cmocka_unit_test(test_settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
