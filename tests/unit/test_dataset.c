/* The parts of a run: files checked against each other, the validation split, faults reported the same way by
 * any number of threads. */
#include "idx_files.h"

#include <math.h>

#include "data/dataset.h"
#include "kernel/random.h"

static char a_images[] = "a-images", a_labels[] = "a-labels", b_images[] = "b-images",
            b_labels[] = "b-labels";

enum { ROWS = 100, CLASSES = 4 };

/* Classes 0 to 3 with 10, 20, 25 and 45 rows, mixed. */
static double class_of(size_t row) {
    size_t mixed = row * 37 % ROWS;
    return mixed < 10 ? 0 : mixed < 30 ? 1 : mixed < 55 ? 2 : 3;
}

/* The set a: 100 rows of 2 bytes, labels of four classes; the set b: 3 rows, labels 3, 0, 1. */
static struct data_spec usual(void) {
    double pixels[2 * ROWS], cls[ROWS];
    for (size_t r = 0; r < ROWS; r++) {
        pixels[2 * r] = (double)r;
        pixels[2 * r + 1] = 7;
        cls[r] = class_of(r);
    }
    write_idx(a_images, IDX_U8, ROWS, 2, pixels);
    write_idx(a_labels, IDX_U8, ROWS, 0, cls);
    write_idx(b_images, IDX_U8, 3, 2, pixels);
    write_idx(b_labels, IDX_I32, 3, 0, (const double[]){3, 0, 1});
    return (struct data_spec){.root = folder,
                              .train = {.images = a_images, .labels = a_labels},
                              .label_column = -1,
                              .scale = SCALE_UNIT};
}

static bool load(const struct data_spec *spec, struct data *data, struct err *err) {
    return data_load(spec, TARGETS_REAL, 5, NULL, data, err);
}

static void assert_refused(const struct data_spec *spec, enum err_kind kind, const char *text) {
    struct data data;
    struct err err = {0};
    assert_false(load(spec, &data, &err));
    assert_int_equal(err.kind, kind);
    if (!strstr(err.text, text))
        fail_msg("expected \"%s\" in: %s", text, err.text);
}

static void test_three_parts(void **state) {
    (void)state;
    struct data_spec spec = usual();
    spec.validation = spec.test = (struct data_files){.images = b_images, .labels = b_labels};
    struct err err;
    for (size_t threads = 0; threads <= 3; threads++) {
        struct team *team = threads ? team_create(threads, &err) : NULL;
        struct data data;
        assert_true(data_load(&spec, TARGETS_DISTRIBUTION, 5, team, &data, &err));
        assert_int_equal(data.train.count, ROWS);
        assert_ptr_equal(data.train.set, &data.train_set);
        assert_null(data.train.row);
        assert_int_equal(data.validation.count, 3);
        assert_int_equal(data.test.count, 3);
        assert_int_equal(data.features, 2);
        assert_int_equal(data.outputs, CLASSES);
        size_t features, outputs;
        assert_true(data_peek(&spec, TARGETS_DISTRIBUTION, &features, &outputs, &err));
        assert_int_equal(features, data.features);
        assert_int_equal(outputs, data.outputs);
        assert_true(data.classes);
        assert_int_equal(data.test_set.cls[0], 3);
        assert_true(dataset_fits(&data.test_set, &spec.test, 2, 4, true, &err));
        assert_string_equal(data.test_set.images.sha256, data.validation_set.images.sha256);
        data_release(&data);
        assert_null(data.train.set);
        team_free(team);
    }
}

static void test_absolute_paths_and_few_classes(void **state) {
    (void)state;
    struct data_spec spec = usual();
    char path[2][1024];
    snprintf(path[0], sizeof path[0], "%s/%s", folder, b_images);
    snprintf(path[1], sizeof path[1], "%s/%s", folder, "zeros");
    write_idx("zeros", IDX_U8, 3, 0, (const double[]){0, 0, 0});
    spec.train = (struct data_files){.images = path[0], .labels = path[1]};
    struct data data;
    struct err err;
    assert_true(load(&spec, &data, &err));
    assert_null(data.test.set);
    assert_int_equal(data.outputs, 2);
    data_release(&data);
    spec.class_count = 7;
    assert_true(load(&spec, &data, &err));
    assert_int_equal(data.outputs, 7);
    data_release(&data);
}

static void test_parts_against_each_other(void **state) {
    (void)state;
    struct data_spec spec = usual();
    spec.test = (struct data_files){.images = b_images, .labels = b_labels};
    write_idx(b_labels, IDX_I32, 3, 0, (const double[]){3, 4, 5});
    assert_refused(&spec, ERR_DATA, "/b-labels: row 1: expected a label from 0 to 3, found 4");
    write_idx(b_labels, IDX_F32, 3, 0, (const double[]){3, 4, 5});
    assert_refused(&spec, ERR_DATA, "/b-labels: expected integer classes, found floating-point targets");
    write_idx(b_labels, IDX_U8, 2, 0, (const double[]){3, 1});
    assert_refused(&spec, ERR_DATA,
                   "/b-labels: expected as many labels as images, found 2 labels for the 3 images of");
    write_idx(b_images, IDX_U8, 3, 3, (const double[]){3, 1, 2, 3, 4, 5, 6, 7, 8});
    write_idx(b_labels, IDX_U8, 3, 0, (const double[]){3, 1, 0});
    assert_refused(&spec, ERR_DATA, "/b-images: expected rows of 2 values, found 3");
    spec.train = (struct data_files){.images = b_images, .labels = b_labels};
    write_idx(b_labels, IDX_F32, 3, 0, (const double[]){3, 1, 0});
    write_idx("wide", IDX_F32, 3, 2, (const double[]){3, 1, 0, 1, 2, 3});
    spec.test.labels = (char[]){"wide"};
    assert_refused(&spec, ERR_DATA, "/wide: expected 1 targets in a row, found 2");
    spec.test.labels = (char[]){"a-labels"};
    spec.test.images = a_images;
    assert_refused(&spec, ERR_DATA, "/a-images: expected rows of 3 values, found 2");
}

static void test_not_finite_images(void **state) {
    (void)state;
    struct data_spec spec = usual();
    spec.train.images = (char[]){"floats"};
    spec.train.labels = b_labels;
    write_idx("floats", IDX_F32, 3, 2, (const double[]){1, 2, 3, NAN, 5, 6});
    assert_refused(&spec, ERR_DATA, "/floats: row 1, column 1: expected a finite number, found NaN");
    write_idx("floats", IDX_F64, 3, 2, (const double[]){1, 2, 3, 4, 1e300, 6});
    assert_refused(&spec, ERR_DATA,
                   "/floats: row 2, column 0: expected a finite number of at most 3.40282e+38, found 1e+300");
}

static void test_spec_faults(void **state) {
    (void)state;
    struct data_spec spec = usual();
    spec.test.images = b_images;
    assert_refused(&spec, ERR_CONFIG, "data.test.labels: is missing");
    spec.test.images = NULL;
    spec.train = (struct data_files){0};
    assert_refused(&spec, ERR_CONFIG, "data.train: is missing");
    spec = usual();
    spec.validation = (struct data_files){.images = b_images, .labels = b_labels};
    spec.validation_fraction = 0.1;
    assert_refused(&spec, ERR_CONFIG, "data.validation.fraction: cannot be used beside validation files");
    spec = usual();
    spec.train = (struct data_files){.images = b_images, .labels = b_labels};
    spec.validation_fraction = 0.1;
    assert_refused(&spec, ERR_CONFIG, "data.validation.fraction: 0.1 of 3 rows leaves no row for validation");
    spec.validation_fraction = 0.9;
    assert_refused(&spec, ERR_CONFIG, "data.validation.fraction: 0.9 of 3 rows leaves no row for training");
    spec.validation_stratify = STRATIFY_YES;
    write_idx(b_labels, IDX_F32, 3, 0, (const double[]){0, 0, 0});
    assert_refused(&spec, ERR_CONFIG, "data.validation.stratify: needs class labels");
}

/* Of three faults the one of the train images is told, whoever finds it first. */
static void test_first_fault_wins(void **state) {
    (void)state;
    struct data_spec spec = usual();
    spec.train.images = (char[]){"absent-1"};
    spec.test = (struct data_files){.images = (char[]){"absent-2"}, .labels = (char[]){"absent-3"}};
    struct err err;
    struct team *team = team_create(3, &err);
    assert_non_null(team);
    for (int turn = 0; turn < 50; turn++) {
        struct data data;
        err = (struct err){0};
        assert_false(data_load(&spec, TARGETS_REAL, 5, team, &data, &err));
        assert_non_null(strstr(err.text, "/absent-1: cannot open"));
    }
    team_free(team);
}

/* ---- the validation split ---- */

static uint64_t key_of(uint64_t seed, uint32_t row) {
    return random_word(random_philox(seed, STREAM_SPLIT, 0, row, 0), 0);
}

/* Both lists ascend and together are all rows, each once. */
static void assert_partition(const struct data *data) {
    size_t seen[ROWS] = {0};
    const struct data_part *part[] = {&data->train, &data->validation};
    for (size_t p = 0; p < 2; p++) {
        assert_ptr_equal(part[p]->set, &data->train_set);
        for (size_t i = 0; i < part[p]->count; i++) {
            assert_true(i == 0 || part[p]->row[i - 1] < part[p]->row[i]);
            seen[part[p]->row[i]]++;
        }
    }
    for (size_t r = 0; r < ROWS; r++)
        assert_int_equal(seen[r], 1);
}

static void test_split(void **state) {
    (void)state;
    struct data_spec spec = usual();
    const double fraction[] = {0.01, 0.1, 0.125, 0.5, 0.99};
    const size_t count[] = {1, 10, 13, 50, 99};
    for (size_t c = 0; c < sizeof count / sizeof count[0]; c++)
        for (uint64_t seed = 0; seed < 5; seed++) {
            spec.validation_fraction = fraction[c];
            struct data data;
            struct err err;
            assert_true(data_load(&spec, TARGETS_REAL, seed, NULL, &data, &err));
            assert_int_equal(data.validation.count, count[c]);
            assert_partition(&data);
            uint64_t largest = 0, smallest = UINT64_MAX;
            for (size_t i = 0; i < data.validation.count; i++)
                largest = key_of(seed, data.validation.row[i]) > largest
                              ? key_of(seed, data.validation.row[i])
                              : largest;
            for (size_t i = 0; i < data.train.count; i++)
                smallest =
                    key_of(seed, data.train.row[i]) < smallest ? key_of(seed, data.train.row[i]) : smallest;
            assert_true(largest < smallest);
            data_release(&data);
        }
}

/* Left to the program, targets that are no classes are split as if it were off. */
static void test_split_of_targets(void **state) {
    (void)state;
    struct data_spec spec = usual();
    struct data data, other;
    struct err err;
    spec.train = (struct data_files){.images = b_images, .labels = b_labels};
    spec.test = (struct data_files){0};
    spec.validation_fraction = 0.4;
    write_idx(b_images, IDX_U8, 3, 2, (const double[]){1, 2, 3, 4, 5, 6});
    write_idx(b_labels, IDX_F32, 3, 0, (const double[]){0, 1, 2});
    spec.validation_stratify = STRATIFY_AUTO;
    assert_true(data_load(&spec, TARGETS_REAL, 1, NULL, &data, &err));
    spec.validation_stratify = STRATIFY_NO;
    assert_true(data_load(&spec, TARGETS_REAL, 1, NULL, &other, &err));
    assert_int_equal(data.validation.count, 1);
    assert_memory_equal(other.split, data.split, 3 * sizeof *data.split);
    data_release(&other);
    data_release(&data);
}

static void test_stratified_split(void **state) {
    (void)state;
    struct data_spec spec = usual();
    const int ask[] = {STRATIFY_YES, STRATIFY_AUTO, STRATIFY_YES};
    const double fraction[] = {0.1, 0.5, 0.04};
    const size_t count[][CLASSES] = {{1, 2, 3, 4}, {5, 10, 13, 22}, {0, 1, 1, 2}};
    for (size_t c = 0; c < sizeof count / sizeof count[0]; c++) {
        spec.validation_fraction = fraction[c];
        spec.validation_stratify = ask[c];
        struct data data, other;
        struct err err;
        assert_true(data_load(&spec, TARGETS_REAL, 1, NULL, &data, &err));
        assert_partition(&data);
        size_t held[CLASSES] = {0};
        uint64_t largest[CLASSES] = {0};
        for (size_t i = 0; i < data.validation.count; i++) {
            uint32_t row = data.validation.row[i], k = data.train_set.cls[row];
            held[k]++;
            largest[k] = key_of(1, row) > largest[k] ? key_of(1, row) : largest[k];
        }
        for (size_t k = 0; k < CLASSES; k++)
            assert_int_equal(held[k], count[c][k]);
        for (size_t i = 0; i < data.train.count; i++)
            assert_true(key_of(1, data.train.row[i]) > largest[data.train_set.cls[data.train.row[i]]]);
        assert_true(data_load(&spec, TARGETS_REAL, 2, NULL, &other, &err));
        assert_int_equal(other.validation.count, data.validation.count);
        assert_memory_not_equal(other.split, data.split, ROWS * sizeof *data.split);
        data_release(&other);
        data_release(&data);
    }
}

/* Ten classes of four rows: the whole part of every share is 0 or equal for all, and the remainders are
 * ties. */
static void test_stratified_split_of_small_classes(void **state) {
    (void)state;
    enum { SMALL = 40 };
    struct data_spec spec = usual();
    double pixels[2 * SMALL], cls[SMALL];
    for (size_t r = 0; r < SMALL; r++) {
        pixels[2 * r] = pixels[2 * r + 1] = (double)r;
        cls[r] = (double)(r * 7 % 10);
    }
    write_idx(b_images, IDX_U8, SMALL, 2, pixels);
    write_idx(b_labels, IDX_U8, SMALL, 0, cls);
    spec.train = (struct data_files){.images = b_images, .labels = b_labels};
    spec.validation_stratify = STRATIFY_YES;
    static const struct {
        double fraction;
        size_t from_each, one_more; /* the first so many classes give one row more */
    } row[] = {{.0125, 0, 1}, {.025, 0, 1}, {.1, 0, 4}, {.125, 0, 5}, {.25, 1, 0}, {.3, 1, 2}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct data data;
        struct err err;
        size_t held[10] = {0};
        spec.validation_fraction = row[i].fraction;
        assert_true(data_load(&spec, TARGETS_REAL, 3, NULL, &data, &err));
        for (size_t k = 0; k < data.validation.count; k++)
            held[data.train_set.cls[data.validation.row[k]]]++;
        for (size_t c = 0; c < 10; c++)
            assert_int_equal(held[c], row[i].from_each + (c < row[i].one_more));
        data_release(&data);
    }
    spec.validation_fraction = .012;
    assert_refused(&spec, ERR_CONFIG,
                   "data.validation.fraction: 0.012 of 40 rows leaves no row for validation");
    spec.validation_fraction = .99;
    assert_refused(&spec, ERR_CONFIG, "data.validation.fraction: 0.99 of 40 rows leaves no row for training");
}

/* A tenth of 3 and of 23 rows: remainders of 0.3 both, which floating point takes for different ones. */
static void test_ties_are_exact(void **state) {
    (void)state;
    enum { FEW = 3, ALL = 26 };
    struct data_spec spec = usual();
    double pixels[2 * ALL] = {0}, cls[ALL];
    for (size_t r = 0; r < ALL; r++)
        cls[r] = r >= FEW;
    write_idx(b_images, IDX_U8, ALL, 2, pixels);
    write_idx(b_labels, IDX_U8, ALL, 0, cls);
    spec.train = (struct data_files){.images = b_images, .labels = b_labels};
    spec.validation_stratify = STRATIFY_YES;
    spec.validation_fraction = .1;
    struct data data;
    struct err err;
    assert_true(load(&spec, &data, &err));
    assert_int_equal(data.validation.count, 3);
    assert_true(data.validation.row[0] < FEW && data.validation.row[1] >= FEW);
    data_release(&data);
}

/* Statistics are of the rows that remain for training, not of the held-out ones. */
static void test_scaling_of_training_part(void **state) {
    (void)state;
    struct data_spec spec = usual();
    spec.validation_fraction = 0.5;
    spec.scale = SCALE_STANDARDIZE_FEATURES;
    struct data data;
    struct err err;
    assert_true(load(&spec, &data, &err));
    double sum = 0; /* of feature 0, which is the row's number */
    for (size_t i = 0; i < data.train.count; i++)
        sum += data.train.row[i];
    assert_true(fabs((double)data.scaling.mean[0] - sum / 50) < 1e-5);
    assert_true(sum != 50 * 49.5);
    data_release(&data);
}

static void test_fits(void **state) {
    (void)state;
    struct data_spec spec = usual();
    const struct data_files files = {.images = b_images, .labels = b_labels};
    struct dataset set;
    struct err err = {0};
    assert_true(dataset_load(&files, &spec, TARGETS_REAL, NULL, &set, &err));
    assert_int_equal(dataset_all(&set).count, 3);
    assert_true(dataset_fits(&set, &files, 2, 4, true, &err));
    assert_true(dataset_fits(&set, &files, 2, 10, true, &err));
    assert_false(dataset_fits(&set, &files, 2, 3, true, &err));
    assert_string_equal(err.text, "b-labels: row 0: expected a label from 0 to 2, found 3");
    assert_false(dataset_fits(&set, &files, 784, 4, true, &err));
    assert_string_equal(err.text, "b-images: expected rows of 784 values, found 2");
    assert_false(dataset_fits(&set, &files, 2, 4, false, &err));
    assert_string_equal(err.text, "b-labels: expected floating-point targets, found integer classes");
    dataset_release(&set);
    const struct data_files none = {0};
    assert_false(dataset_load(&none, &spec, TARGETS_REAL, NULL, &set, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

/* ---- further sets ---- */

static void assert_terms_refused(const struct data_files *files, const struct dataset_terms *terms,
                                 enum err_kind kind, const char *text) {
    struct data_spec spec = {.root = folder, .label_column = -1};
    struct dataset set;
    struct err err = {0};
    assert_false(dataset_load_on_terms(files, terms, &spec, TARGETS_DISTRIBUTION, NULL, &set, &err));
    assert_int_equal(err.kind, kind);
    if (strncmp(err.text, text, strcspn(text, "*")) != 0 ||
        !strstr(err.text, text + strcspn(text, "*") + (strchr(text, '*') != NULL)))
        fail_msg("expected \"%s\", got: %s", text, err.text);
}

static void test_labels_that_need_not_be(void **state) {
    (void)state;
    struct data_spec spec = usual();
    struct data_files files = {.images = b_images};
    const struct dataset_terms terms = {
        .key = "shift.target", .features = 2, .outputs = CLASSES, .classes = true};
    struct dataset set;
    struct err err = {0};
    assert_true(dataset_load_on_terms(&files, &terms, &spec, TARGETS_DISTRIBUTION, NULL, &set, &err));
    assert_int_equal(set.images.rows, 3);
    assert_int_equal(set.features, 2);
    assert_true(!set.cls && !set.targets && set.class_count == 0 && !set.labels_sha256[0]);
    assert_int_equal(strlen(set.images.sha256), SHA256_HEX - 1);
    dataset_release(&set);
    files.labels = b_labels;
    assert_true(dataset_load_on_terms(&files, &terms, &spec, TARGETS_DISTRIBUTION, NULL, &set, &err));
    assert_int_equal(set.cls[0], 3);
    assert_int_equal(strlen(set.labels_sha256), SHA256_HEX - 1);
    dataset_release(&set);
    write_idx("targets", IDX_F32, 3, 2, (const double[]){1, 0, 0.5, 0.5, 0, 1});
    files.labels = (char[]){"targets"};
    const struct dataset_terms floats = {.key = "shift.target", .features = 2, .outputs = 2};
    assert_true(dataset_load_on_terms(&files, &floats, &spec, TARGETS_DISTRIBUTION, NULL, &set, &err));
    assert_int_equal(set.target_width, 2);
    dataset_release(&set);
}

static void test_terms_that_are_not_met(void **state) {
    (void)state;
    usual();
    struct dataset_terms terms = {.key = "shift.target", .features = 2, .outputs = CLASSES, .classes = true};
    struct data_files none = {0}, images = {.images = b_images}, labels = {.labels = b_labels},
                      both = {.images = b_images, .labels = b_labels},
                      absent = {.images = (char[]){"absent"}};
    assert_terms_refused(&none, &terms, ERR_CONFIG, "shift.target: is missing, expected images");
    assert_terms_refused(&labels, &terms, ERR_CONFIG, "shift.target.images: is missing");
    assert_terms_refused(&absent, &terms, ERR_DATA, "shift.target: */absent: cannot open");
    terms.outputs = 3;
    assert_terms_refused(&both, &terms, ERR_DATA,
                         "shift.target: */b-labels: row 0: expected a label from 0 to 2, found 3");
    terms.features = 784;
    assert_terms_refused(&images, &terms, ERR_DATA,
                         "shift.target: */b-images: expected rows of 784 values, found 2");
    terms = (struct dataset_terms){"shift.stream.2", true, 2, CLASSES, true};
    assert_terms_refused(&none, &terms, ERR_CONFIG, "shift.stream.2: is missing, expected images and labels");
    assert_terms_refused(&images, &terms, ERR_CONFIG, "shift.stream.2.labels: is missing");
    terms.classes = false;
    assert_terms_refused(
        &both, &terms, ERR_DATA,
        "shift.stream.2: */b-labels: expected floating-point targets, found integer classes");
    write_idx(b_labels, IDX_U8, 2, 0, (const double[]){1, 2});
    assert_terms_refused(&both, &terms, ERR_DATA,
                         "shift.stream.2: */b-labels: expected as many labels as images, found 2 labels");
    write_idx(b_images, IDX_F32, 3, 2, (const double[]){1, 2, 3, NAN, 5, 6});
    terms.labelled = false;
    assert_terms_refused(&images, &terms, ERR_DATA,
                         "shift.stream.2: */b-images: row 1, column 1: expected a finite number, found NaN");
}

/* ---- training and validation part as one ---- */

static void assert_united(const struct data_spec *spec, const double *mean) {
    struct data data, whole;
    struct err err = {0};
    struct data_spec all = *spec;
    all.validation_fraction = 0;
    all.validation = (struct data_files){0};
    assert_true(load(spec, &data, &err));
    assert_true(load(&all, &whole, &err));
    size_t rows = data.train.count + data.validation.count;
    assert_true(data_unite(&data, &err));
    assert_null(data.validation.set);
    assert_int_equal(data.train.count, rows);
    assert_null(data.train.row);
    assert_int_equal(data.outputs, whole.outputs);
    for (size_t i = 0; i < 2; i++)
        assert_true(data.scaling.mean[i] == (real)mean[i]);
    const struct dataset *set = data.train.set;
    assert_int_equal(set->images.rows, rows);
    assert_int_equal(set->images.dim[0], rows);
    /* The rows of the training file stand where they stood. */
    assert_memory_equal(set->images.values, whole.train_set.images.values, 2 * whole.train.count);
    assert_memory_equal(set->cls, whole.train_set.cls, whole.train.count * sizeof *set->cls);
    data_release(&data);
    data_release(&whole);
}

static void test_parts_become_one(void **state) {
    (void)state;
    struct data_spec spec = usual();
    spec.scale = SCALE_STANDARDIZE_FEATURES;
    spec.validation_fraction = .25;
    assert_united(&spec, (const double[]){49.5, 7});
    spec.validation_fraction = 0;
    spec.validation = (struct data_files){.images = b_images, .labels = b_labels};
    assert_united(&spec, (const double[]){4953. / 103, 7}); /* (0 + ... + 99 + 0 + 1 + 2) / 103 */
    struct data data;
    struct err err = {0};
    assert_true(load(&spec, &data, &err));
    assert_true(data_unite(&data, &err));
    const uint8_t *pixels = data.train.set->images.values;
    static const uint8_t last[] = {0, 7, 1, 7, 2, 7};
    assert_memory_equal(pixels + 200, last, sizeof last);
    assert_true(data.train.set->cls[100] == 3 && data.train.set->cls[101] == 0 &&
                data.train.set->cls[102] == 1);
    data_release(&data);
}

static void test_targets_become_one(void **state) {
    (void)state;
    struct data_spec spec = usual();
    write_idx(a_labels, IDX_F32, ROWS, 2, (const double[2 * ROWS]){1, 2, 3});
    write_idx(b_labels, IDX_F64, 3, 2, (const double[]){5, 6, 7, 8, 9, 10});
    spec.validation = (struct data_files){.images = b_images, .labels = b_labels};
    struct data data;
    struct err err = {0};
    assert_true(load(&spec, &data, &err));
    assert_true(data_unite(&data, &err));
    const real *t = data.train.set->targets;
    assert_true(t[0] == 1 && t[1] == 2 && t[2] == 3 && t[199] == 0 && t[200] == 5 && t[205] == 10);
    data_release(&data);
}

static void test_types_that_do_not_join(void **state) {
    (void)state;
    struct data_spec spec = usual();
    write_idx(b_images, IDX_F32, 3, 2, (const double[]){1, 2, 3, 4, 5, 6});
    spec.validation = (struct data_files){.images = b_images, .labels = b_labels};
    struct data data;
    struct err err = {0};
    assert_true(load(&spec, &data, &err));
    assert_false(data_unite(&data, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text, "the images of data.train are u8 and those of data.validation f32");
    assert_int_equal(data.train.count, ROWS);
    assert_int_equal(data.validation.count, 3);
    data_release(&data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_parts),
        cmocka_unit_test(test_absolute_paths_and_few_classes),
        cmocka_unit_test(test_parts_against_each_other),
        cmocka_unit_test(test_not_finite_images),
        cmocka_unit_test(test_spec_faults),
        cmocka_unit_test(test_first_fault_wins),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_split_of_targets),
        cmocka_unit_test(test_stratified_split),
        cmocka_unit_test(test_stratified_split_of_small_classes),
        cmocka_unit_test(test_ties_are_exact),
        cmocka_unit_test(test_scaling_of_training_part),
        cmocka_unit_test(test_fits),
        cmocka_unit_test(test_labels_that_need_not_be),
        cmocka_unit_test(test_terms_that_are_not_met),
        cmocka_unit_test(test_parts_become_one),
        cmocka_unit_test(test_targets_become_one),
        cmocka_unit_test(test_types_that_do_not_join),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
