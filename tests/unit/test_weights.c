/* What samples weigh: every form of the file gives the same numbers, every fault is named with its place, and
 * the weights of a part are those of samples and classes with mean 1 over the part. */
#include "idx_files.h"
#include "support.h"

#include "data/weights.h"

enum { ROWS = 5, CLASSES = 4, IMAGES = 100 };

static char weights_file[] = "weights", other_file[] = "other", images_file[] = "images",
            labels_file[] = "labels";

/* ---- files ---- */

static bool read_weights(const char *path, size_t images, struct dataset *set, struct err *err) {
    struct digest digest = {0};
    struct idx idx = {0};
    bool ok = weights_read(path, &digest, &idx, err) && weights_convert(&idx, path, images, set, err);
    idx_release(&idx);
    return ok;
}

static void assert_reads(const char *path, const double *expected) {
    struct err err = {0};
    struct dataset set = {0};
    if (!read_weights(path, ROWS, &set, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(set.weight, expected, ROWS * sizeof *expected);
    assert_int_equal(strlen(set.weights_sha256), SHA256_HEX - 1);
    dataset_release(&set);
}

static void every_type_of_idx(void **state) {
    (void)state;
    static const double whole[ROWS] = {1, 0, 2, 127, 3}, any[ROWS] = {.5, 0, 2, 0.25, 3e38};
    static const int types[] = {IDX_U8, IDX_I8, IDX_I16, IDX_I32, IDX_F32, IDX_F64};
    double single[ROWS];
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        assert_reads(write_idx(weights_file, types[t], ROWS, 0, whole), whole);
    assert_reads(write_idx(weights_file, IDX_F64, ROWS, 0, any), any);
    for (size_t r = 0; r < ROWS; r++)
        single[r] = (double)(float)any[r];
    assert_reads(write_idx(weights_file, IDX_F32, ROWS, 0, any), single);
    static const double negative_zero[ROWS] = {-0.0, 1, 1, 1, 1}, zero[ROWS] = {0, 1, 1, 1, 1};
    assert_reads(write_idx(weights_file, IDX_F64, ROWS, 0, negative_zero), zero);
}

static void assert_text_reads(const char *text, const double *expected) {
    static struct bytes packed;
    assert_reads(write_bytes(weights_file, text, strlen(text)), expected);
    packed.len = 0;
    add_gzip(&packed, text, strlen(text) / 2);
    add_gzip(&packed, text + strlen(text) / 2, strlen(text) - strlen(text) / 2);
    assert_reads(write_file(weights_file, &packed), expected);
}

static void every_form_of_text(void **state) {
    (void)state;
    static const double expected[ROWS] = {1, 0, 0.1, 25e-3, 3e38};
    assert_text_reads("1\n0\n0.1\n25e-3\n3e38\n", expected);
    assert_text_reads("1\n0\n0.1\n25e-3\n3e38", expected);
    assert_text_reads("+1.\r\n-0\r\n.1\r\n0.025\r\n3E+38\r\n\r\n", expected);
    assert_text_reads("  1.0\n0\t\n1e-1 \n.025\n300000000000000000000000000000000000000\n\n \t\n\n",
                      expected);
}

static void idx_in_gzip(void **state) {
    (void)state;
    static struct bytes plain, packed;
    static const double expected[ROWS] = {1, 0, 2, 127, 3};
    add_header(&plain, IDX_F64, 1, (const uint32_t[]){ROWS});
    for (size_t r = 0; r < ROWS; r++)
        add_double(&plain, expected[r]);
    add_gzip(&packed, plain.at, plain.len);
    assert_reads(write_file(weights_file, &packed), expected);
}

/* As `printf '1\n2\n' | sha256sum` has it. */
static void the_digest_is_that_of_the_text(void **state) {
    (void)state;
    struct err err = {0};
    struct dataset set = {0};
    assert_true(read_weights(write_bytes(weights_file, "1\n2\n", 4), 2, &set, &err));
    assert_string_equal(set.weights_sha256,
                        "a6e2b7a040683432de03a18fd8a1939a2fdf82585b364bfc874bdd4095c4cae1");
    dataset_release(&set);
}

static void assert_fault(const char *path, const char *text) {
    struct err err = {0};
    struct dataset set = {0};
    assert_false(read_weights(path, ROWS, &set, &err));
    assert_null(set.weight);
    assert_int_equal(err.kind, ERR_DATA);
    assert_int_equal(strncmp(err.text, folder, strlen(folder)), 0);
    if (!strstr(err.text, text))
        fail_msg("expected \"%s\" in: %s", text, err.text);
}

static void assert_text_fault(const char *text, const char *message) {
    assert_fault(write_bytes(weights_file, text, strlen(text)), message);
}

static void faults_of_text(void **state) {
    (void)state;
    assert_text_fault("1\n2\nx\n4\n5\n", "/weights: line 3 (row 2): expected a number, found \"x\"");
    assert_text_fault("1\n\n3\n4\n5\n", "/weights: line 2 (row 1): expected a number, found an empty line");
    assert_text_fault("1\n2 3\n", "/weights: line 2 (row 1): expected a number, found \"2 3\"");
    assert_text_fault("1,2,3\n", "/weights: line 1 (row 0): expected a number, found \"1,2,3\"");
    assert_text_fault("0x10\n", "expected a number, found \"0x10\"");
    assert_text_fault("1\nnan\n", "/weights: line 2 (row 1): expected a number, found \"nan\"");
    assert_text_fault("inf\n", "expected a number, found \"inf\"");
    assert_text_fault("1e\n", "expected a number, found \"1e\"");
    assert_text_fault("--1\n", "expected a number, found \"--1\"");
    assert_text_fault("1\n-1\n",
                      "/weights: line 2 (row 1): expected a weight from 0 to 3.40282e+38, found -1");
    assert_text_fault("1e999\n",
                      "/weights: line 1 (row 0): expected a weight from 0 to 3.40282e+38, found inf");
    assert_text_fault(" \n\n", "/weights: expected a number a line, found none");
    assert_text_fault("", "/weights: the file is empty");
    assert_text_fault("1\n2\n3\n4\n", "/weights: expected as many weights as images, 5, found 4");
    assert_text_fault("1\n2\n3\n4\n5\n6\n", "/weights: expected as many weights as images, 5, found 6");
    assert_text_fault("0\n0\n0\n-0\n0\n",
                      "/weights: expected at least one weight above 0, found 5 that are 0");
    assert_text_fault("\x93NUMPY\x01", "found \"\\x93NUMPY\\x01\", which looks like a NumPy array");
    static const char nul[] = "1\n2\0003\n4\n5\n6\n";
    assert_fault(write_bytes(weights_file, nul, sizeof nul - 1),
                 "/weights: line 2 (row 1): expected a number, found \"2\\x003\"");
    assert_fault(path_of("absent"), "/absent: cannot open");
}

static void faults_of_idx(void **state) {
    (void)state;
    assert_fault(write_idx(weights_file, IDX_I16, ROWS, 0, (const double[]){1, 2, -3, 4, 5}),
                 "/weights: row 2: expected a weight from 0 to 3.40282e+38, found -3");
    assert_fault(write_idx(weights_file, IDX_F32, ROWS, 0, (const double[]){1, NAN, 3, 4, 5}),
                 "/weights: row 1: expected a weight from 0 to 3.40282e+38, found NaN");
    assert_fault(write_idx(weights_file, IDX_F64, ROWS, 0, (const double[]){1, 2, 3, 4, 1e300}),
                 "/weights: row 4: expected a weight from 0 to 3.40282e+38, found 1e+300");
    assert_fault(write_idx(weights_file, IDX_F64, ROWS, 0, (const double[ROWS]){0}),
                 "/weights: expected at least one weight above 0");
    assert_fault(write_idx(weights_file, IDX_F64, 2, 0, (const double[]){1, 2}),
                 "/weights: expected as many weights as images, 5, found 2");
    assert_fault(write_idx(weights_file, IDX_U8, ROWS, 2, (const double[2 * ROWS]){0}),
                 "/weights: expected weights of 1 dimension, found 2");
    static const unsigned char cut[] = {0, 0, IDX_U8, 1, 0, 0, 0, ROWS, 1, 2};
    assert_fault(write_bytes(weights_file, cut, sizeof cut), "/weights: byte 10: the file ends early");
}

static void a_damaged_gzip_is_told(void **state) {
    (void)state;
    static struct bytes packed;
    packed.len = 0;
    add_gzip(&packed, "1\n2\n3\n4\n5\n", 10);
    packed.at[packed.len - 8] ^= 1;
    assert_fault(write_file(weights_file, &packed), "damaged gzip data: expected CRC");
}

/* ---- parts ---- */

/* Classes 0 to 2 with 10, 30 and 60 of 100 rows, mixed; nobody is of class 3. */
static uint32_t class_of(size_t row) {
    size_t mixed = row * 37 % IMAGES;
    return mixed < 10 ? 0 : mixed < 40 ? 1 : 2;
}

static double weight_of(size_t row) {
    return (double)(row * 7 % 5) / 4;
}

static struct data_spec usual(bool with_weights) {
    static double pixels[IMAGES], cls[IMAGES], weight[IMAGES];
    for (size_t r = 0; r < IMAGES; r++) {
        pixels[r] = (double)r;
        cls[r] = class_of(r);
        weight[r] = weight_of(r);
    }
    write_idx(images_file, IDX_U8, IMAGES, 1, pixels);
    write_idx(labels_file, IDX_U8, IMAGES, 0, cls);
    write_idx(weights_file, IDX_F64, IMAGES, 0, weight);
    return (struct data_spec){.root = folder,
                              .train = {.images = images_file,
                                        .labels = labels_file,
                                        .weights = with_weights ? weights_file : NULL},
                              .label_column = -1,
                              .class_count = CLASSES};
}

static void load(const struct data_spec *spec, struct data *data) {
    struct err err = {0};
    if (!data_load(spec, TARGETS_DISTRIBUTION, 5, NULL, data, &err))
        fail_msg("%s", err.text);
    assert_null(data->train.weight);
}

/* The weights of the part are the expected ones over their mean, 0 elsewhere. */
static void assert_weights(const struct data_part *part, const double *class_weight, bool of_samples) {
    double expected[IMAGES] = {0}, mean = 0, sum = 0;
    for (size_t i = 0; i < part->count; i++) {
        size_t row = part->row ? part->row[i] : i;
        expected[row] = (of_samples ? weight_of(row) : 1) * (class_weight ? class_weight[class_of(row)] : 1);
        mean += expected[row] / (double)part->count;
    }
    assert_non_null(part->weight);
    for (size_t row = 0; row < IMAGES; row++) {
        assert_true(fabs((double)part->weight[row] - expected[row] / mean) < (REAL_IS_DOUBLE ? 1e-14 : 1e-6));
        assert_true(expected[row] > 0 || part->weight[row] == 0);
        sum += (double)part->weight[row];
    }
    assert_true(fabs(sum / (double)part->count - 1) < 1e-6);
}

static void weights_have_mean_one_over_a_part(void **state) {
    (void)state;
    static const double by_class[CLASSES] = {2, 0, .5, 7};
    for (int of_samples = 0; of_samples <= 1; of_samples++)
        for (int of_classes = 0; of_classes <= 1; of_classes++)
            for (int held_out = 0; held_out <= 1; held_out++) {
                struct data_spec spec = usual(of_samples);
                struct data data;
                struct err err = {0};
                spec.validation_fraction = held_out ? 0.3 : 0;
                load(&spec, &data);
                for (int again = 0; again < 2; again++)
                    assert_true(
                        data_weigh(&data, of_classes ? by_class : NULL, of_classes ? by_class : NULL, &err));
                if (of_samples || of_classes)
                    assert_weights(&data.train, of_classes ? by_class : NULL, of_samples);
                else
                    assert_null(data.train.weight);
                if (held_out && (of_samples || of_classes))
                    assert_weights(&data.validation, of_classes ? by_class : NULL, of_samples);
                else
                    assert_null(data.validation.weight);
                data_release(&data);
            }
}

/* The test part has its own weights alone, whatever its classes weigh. */
static void every_part_has_its_own(void **state) {
    (void)state;
    static const double by_class[CLASSES] = {2, 1, .5, 7};
    struct data_spec spec = usual(false);
    struct data data;
    struct err err = {0};
    spec.test = spec.validation = spec.train;
    spec.test.weights = weights_file;
    load(&spec, &data);
    assert_true(data_weigh(&data, NULL, NULL, &err));
    assert_null(data.train.weight);
    assert_null(data.validation.weight);
    assert_weights(&data.test, NULL, true);
    assert_true(data_weigh(&data, by_class, by_class, &err));
    assert_weights(&data.train, by_class, false);
    assert_weights(&data.validation, by_class, false);
    assert_weights(&data.test, NULL, true);
    data_release(&data);
    spec.test.weights = NULL;
    load(&spec, &data);
    assert_true(data_weigh(&data, by_class, by_class, &err));
    assert_null(data.test.weight);
    data_release(&data);
}

/* Twice the same rows, of which only the first, or only the second, have weights of their own. */
static void a_union_joins_what_its_parts_weigh(void **state) {
    (void)state;
    for (int second = 0; second <= 1; second++) {
        struct data_spec spec = usual(!second);
        struct data data;
        struct err err = {0};
        double mean = 0;
        spec.validation = spec.train;
        spec.validation.weights = second ? weights_file : NULL;
        load(&spec, &data);
        assert_true(data_weigh(&data, NULL, NULL, &err));
        assert_true(data_unite(&data, &err) && data_weigh(&data, NULL, NULL, &err));
        assert_int_equal(data.train.count, 2 * IMAGES);
        assert_null(data.validation.weight);
        for (size_t r = 0; r < IMAGES; r++)
            mean += (weight_of(r) + 1) / (2 * IMAGES);
        for (size_t r = 0; r < 2 * IMAGES; r++) {
            double expected = (r >= IMAGES) == second ? weight_of(r % IMAGES) : 1;
            assert_true(fabs((double)data.train.weight[r] - expected / mean) < 1e-6);
        }
        data_release(&data);
    }
    struct data_spec spec = usual(false);
    struct data data;
    struct err err = {0};
    spec.validation = spec.train;
    load(&spec, &data);
    assert_true(data_unite(&data, &err) && data_weigh(&data, NULL, NULL, &err));
    assert_null(data.train.weight);
    data_release(&data);
}

/* All weights 1 are exactly 1 over their mean. */
static void ones_stay_ones(void **state) {
    (void)state;
    static const double one[CLASSES] = {3, 3, 3, 3};
    struct data_spec spec = usual(false);
    struct data data;
    struct err err = {0};
    load(&spec, &data);
    assert_true(data_weigh(&data, one, one, &err));
    for (size_t r = 0; r < IMAGES; r++)
        assert_true(data.train.weight[r] == 1);
    data_release(&data);
}

/* compute_class_weight("balanced", ...) of scikit-learn: n / (classes there are * count of the class). */
static void balanced_classes_weigh_the_same(void **state) {
    (void)state;
    struct data_spec spec = usual(false);
    struct data data;
    struct err err = {0};
    double by_class[CLASSES], sum[CLASSES] = {0};
    load(&spec, &data);
    data_balance(&data.train, data.outputs, by_class);
    assert_true(by_class[0] == 100.0 / (3 * 10) && by_class[1] == 100.0 / (3 * 30) &&
                by_class[2] == 100.0 / (3 * 60) && by_class[3] == 0);
    assert_true(data_weigh(&data, by_class, by_class, &err));
    for (size_t r = 0; r < IMAGES; r++)
        sum[class_of(r)] += (double)data.train.weight[r];
    for (size_t c = 0; c < 3; c++)
        assert_true(fabs(sum[c] - 100.0 / 3) < 1e-4);
    data_release(&data);
    /* Of the training part: what is held out does not count. */
    spec.validation_fraction = 0.5;
    spec.validation_stratify = STRATIFY_NO;
    load(&spec, &data);
    double count[CLASSES] = {0}, counted[CLASSES];
    for (size_t i = 0; i < data.train.count; i++)
        count[class_of(data.train.row[i])]++;
    data_count_classes(&data.train, CLASSES, counted);
    assert_memory_equal(counted, count, sizeof count);
    data_balance(&data.train, data.outputs, by_class);
    for (size_t c = 0; c < 3; c++)
        assert_true(by_class[c] == 50 / (3 * count[c]));
    data_release(&data);
}

static void somebody_must_weigh_something(void **state) {
    (void)state;
    static const double nobody[CLASSES] = {0, 0, 0, 1};
    static double zeros_but[IMAGES];
    struct data_spec spec = usual(true);
    struct data data;
    struct err err = {0};
    load(&spec, &data);
    assert_false(data_weigh(&data, nobody, nobody, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text, "loss.class_weights: expected a training sample that weighs more than 0, "
                                  "found none among 100");
    data_release(&data);
    /* One row weighs something; the part that it is not in cannot be weighted. */
    zeros_but[17] = 1;
    write_idx(weights_file, IDX_F64, IMAGES, 0, zeros_but);
    spec.validation_fraction = 0.5;
    load(&spec, &data);
    assert_false(data_weigh(&data, NULL, NULL, &err));
    assert_int_equal(err.kind, ERR_DATA);
    assert_non_null(strstr(err.text, " sample that weighs more than 0, found none among 50"));
    data_release(&data);
}

static void assert_refused(const struct data_spec *spec, enum err_kind kind, const char *text) {
    struct err err;
    for (size_t threads = 1; threads <= 3; threads++) {
        struct team *team = team_create(threads, &err);
        struct data data;
        err = (struct err){0};
        assert_false(data_load(spec, TARGETS_DISTRIBUTION, 5, team, &data, &err));
        assert_int_equal(err.kind, kind);
        if (!strstr(err.text, text))
            fail_msg("expected \"%s\" in: %s", text, err.text);
        team_free(team);
    }
}

static void faults_reach_the_caller(void **state) {
    (void)state;
    struct data_spec spec = usual(true);
    write_bytes(weights_file, "1\n", 2);
    assert_refused(&spec, ERR_DATA, "/weights: expected as many weights as images, 100, found 1");
    write_bytes(weights_file, "a\n", 2);
    spec.test = spec.train;
    spec.test.weights = other_file;
    assert_refused(&spec, ERR_DATA, "/weights: line 1 (row 0): expected a number, found \"a\"");
    spec.train.labels = (char[]){"absent"};
    assert_refused(&spec, ERR_DATA, "/absent: cannot open");
    spec = usual(false);
    spec.test.weights = weights_file;
    assert_refused(&spec, ERR_CONFIG, "data.test.images: is missing, expected images beside the weights");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_of_idx),
        cmocka_unit_test(every_form_of_text),
        cmocka_unit_test(idx_in_gzip),
        cmocka_unit_test(the_digest_is_that_of_the_text),
        cmocka_unit_test(faults_of_text),
        cmocka_unit_test(faults_of_idx),
        cmocka_unit_test(a_damaged_gzip_is_told),
        cmocka_unit_test(weights_have_mean_one_over_a_part),
        cmocka_unit_test(every_part_has_its_own),
        cmocka_unit_test(a_union_joins_what_its_parts_weigh),
        cmocka_unit_test(ones_stay_ones),
        cmocka_unit_test(balanced_classes_weigh_the_same),
        cmocka_unit_test(somebody_must_weigh_something),
        cmocka_unit_test(faults_reach_the_caller),
    };
    return cmocka_run_group_tests_name("weights", tests, make_folder, remove_folder);
}
