/* Tables as data: columns found by name and number, classes by word, every fault with its place; and the same
 * numbers as an IDX file has. */
#include "idx_files.h"
#include "support.h"

#include "data/columns.h"
#include "data/dataset.h"
#include "data/table.h"
#include "run/columns_text.h"

enum { MOST_COLUMNS = 3 };

/* What is read, and how; the files of all tests. */
struct wish {
    const char *label, *target, *ignore; /* names, or numbers behind a #; in a list by | */
    int delimiter, header;
    bool unlabelled;
};

static char train_file[] = "train", test_file[] = "test", images_file[] = "images", labels_file[] = "labels";

static struct columns columns_of(const char *list, char names[256], struct column item[MOST_COLUMNS]) {
    struct columns c = {.items = item};
    if (!list)
        return (struct columns){0};
    strcpy(names, list);
    for (char *s = strtok(names, "|"); s; s = strtok(NULL, "|"))
        item[c.count++] = *s == '#' ? (struct column){.number = atol(s + 1)} : (struct column){.name = s};
    return c;
}

struct files {
    char names[3][256];
    struct column item[3][MOST_COLUMNS];
    struct data_files files;
};

static const struct data_files *files_of(const struct wish *w, struct files *f) {
    f->files = (struct data_files){.label = columns_of(w->label, f->names[0], f->item[0]),
                                   .target = columns_of(w->target, f->names[1], f->item[1]),
                                   .ignore = columns_of(w->ignore, f->names[2], f->item[2]),
                                   .delimiter = w->delimiter,
                                   .header = w->header ? w->header - 2 : HEADER_AUTO};
    return &f->files;
}

#define HEADER(is) ((is) + 2) /* so that 0 is not given */

static bool read_table(const char *content, const struct wish *w, const struct data_spec *spec,
                       struct table *out, struct err *err) {
    struct files f;
    static const struct data_spec none;
    const struct table_wish wish = {.files = files_of(w, &f),
                                    .key = "data.train",
                                    .labelled = !w->unlabelled,
                                    .inherited_ignore = w->unlabelled,
                                    .spec = spec ? spec : &none};
    return table_read(write_bytes(train_file, content, strlen(content)), &wish, out, err);
}

/* Names, features row by row, targets, labels: all as one text. */
static void assert_table(const char *content, const struct wish *w, const char *expected) {
    struct table t;
    struct err err = {0};
    struct text out = {0};
    if (!read_table(content, w, NULL, &t, &err))
        fail_msg("%s: %s", content, err.text);
    const float *x = t.features.values, *y = t.targets.values;
    for (size_t i = 0; t.feature && i < t.features.width; i++)
        text_addf(&out, "%s%s", i ? "," : "", t.feature[i]);
    for (size_t r = 0; r < t.features.rows; r++) {
        text_add(&out, "|");
        for (size_t i = 0; i < t.features.width; i++)
            text_addf(&out, "%s%g", i ? " " : "", (double)x[r * t.features.width + i]);
        for (size_t i = 0; y && i < t.targets.width; i++)
            text_addf(&out, " -> %g", (double)y[r * t.targets.width + i]);
        if (t.label)
            text_addf(&out, " = %s", t.labels[t.label[r]].text);
    }
    assert_string_equal(out.s, expected);
    assert_int_equal(strlen(t.features.sha256), SHA256_HEX - 1);
    text_release(&out);
    table_release(&t);
}

static void columns_are_found(void **state) {
    (void)state;
    static const char named[] = "a,b,y\n1,2,u\n3,4,v\n", bare[] = "1,2,u\n3,4,v\n",
                      id[] = "id,a,y,b\nx1,1,7,2\nx2,3,8,4\n";
    assert_table(named, &(struct wish){.label = "y"}, "a,b|1 2 = u|3 4 = v");
    assert_table(named, &(struct wish){.label = "#2"}, "a,b|1 2 = u|3 4 = v");
    assert_table(named, &(struct wish){.label = "#-1"}, "a,b|1 2 = u|3 4 = v");
    assert_table(bare, &(struct wish){.label = "#-1"}, "|1 2 = u|3 4 = v");
    assert_table("u,1\nv,2\n", &(struct wish){.label = "#0"}, "|1 = u|2 = v");
    assert_table(id, &(struct wish){.target = "y", .ignore = "id"}, "a,b|1 2 -> 7|3 4 -> 8");
    assert_table(id, &(struct wish){.target = "b|y", .ignore = "#0"}, "a|1 -> 2 -> 7|3 -> 4 -> 8");
    assert_table("1,2,3\n4,5,6\n", &(struct wish){.target = "#0"}, "|2 3 -> 1|5 6 -> 4");
    assert_table("0,1,2\n4,5,6\n", &(struct wish){.label = "2"}, "0,1|4 5 = 6");
    assert_table("0,1,2\n4,5,6\n", &(struct wish){.label = "#2", .header = HEADER(HEADER_YES)},
                 "0,1|4 5 = 6");
    assert_table("a\tb\n1\t2\n", &(struct wish){.target = "b"}, "a|1 -> 2");
    assert_table("a:b\n1:2\n", &(struct wish){.target = "b", .delimiter = ':'}, "a|1 -> 2");
    assert_table("1,\"NA\"\n2,none\n", &(struct wish){.label = "#1"}, "|1 = NA|2 = none");
    assert_table("a,\n1,2\n", &(struct wish){.target = "#1"}, "a|1 -> 2");
}

static void assert_refused(const char *content, const struct wish *w, int kind, const char *text) {
    struct table t;
    struct err err = {0};
    if (read_table(content, w, NULL, &t, &err))
        fail_msg("%s is taken", content);
    if (!strstr(err.text, text) || (int)err.kind != kind)
        fail_msg("%s: %d %s", content, (int)err.kind, err.text);
}

static void every_fault_has_its_place(void **state) {
    (void)state;
    static const struct wish y = {.label = "y"}, last = {.label = "#-1"}, target = {.target = "y"};
    static const char *const missing[] = {"", "NA", "na", "NaN", "nan", "null", "NULL", "?", "N/A", "\"\""};
    char content[128], text[128];
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        snprintf(content, sizeof content, "age,y\n1,u\n%s,v\n", missing[i]);
        assert_refused(content, &y, ERR_DATA,
                       "train: row 1, column \"age\": expected a number, found a missing value: \"");
        snprintf(content, sizeof content, "age,y\n1,%s\n", missing[i]);
        assert_refused(content, &target, ERR_DATA,
                       "train: row 0, column \"y\": expected a number, found a missing value: \"");
        if (missing[i][0] == '"')
            continue;
        snprintf(text, sizeof text,
                 "train: row 0, column \"y\": expected a label, found a missing value: \"%s\"", missing[i]);
        assert_refused(content, &y, ERR_DATA, text);
    }
    assert_refused("age,y\n\"1\",\"a\nb\"\nx,v\n", &y, ERR_DATA,
                   "row 1, column \"age\": expected a number, found \"x\" (line 4)");
    assert_refused("1,u\n2,u\n1e39,v\n", &last, ERR_DATA,
                   "row 2, column 0: expected a number of at most 3.40282e+38, found \"1e39\" (line 3)");
    assert_refused("1,u\n-4e38,v\n", &last, ERR_DATA, "found \"-4e38\"");
    assert_refused("1,u\n0x10,v\n", &last, ERR_DATA, "expected a number, found \"0x10\"");
    assert_refused("1,u\ninf,v\n", &last, ERR_DATA, "expected a number, found \"inf\"");
    assert_refused("a,y\n1,2\n1,u\n", &target, ERR_DATA,
                   "row 1, column \"y\": expected a number, found \"u\"");
    assert_refused("a,y\n1,u\n2\n", &y, ERR_DATA,
                   "row 1: expected 2 fields, as the header has, found 1 (line 3)");
    assert_refused("1,u\n2,v,w\n", &last, ERR_DATA,
                   "row 1: expected 2 fields, as the first row has, found 3 (line 2)");
    assert_refused("a,y\n1,\xC3\x28\n", &y, ERR_DATA,
                   "row 0, column \"y\": expected UTF-8, found \"\\xc3(\"");
    assert_refused("\xFF,y\n1,u\n", &y, ERR_DATA, "header, column 0: expected UTF-8, found \"\\xff\"");
    assert_refused("a,b,a,y\n1,2,3,u\n", &y, ERR_DATA,
                   "header: expected different names, found \"a\" for the columns 0 and 2 (line 1)");
    assert_refused("a,y\n", &y, ERR_DATA, "expected rows, found only a header");
    assert_refused("\n", &y, ERR_DATA, "expected rows, found none");
    assert_refused("y\nu\n", &y, ERR_DATA, "expected at least one column that is a feature");
}

static void columns_that_are_not_there(void **state) {
    (void)state;
    static const char named[] = "age,class,y\n1,2,3\n";
    assert_refused(named, &(struct wish){.label = "clas"}, ERR_CONFIG,
                   "data.train.label: expected a column of ");
    assert_refused(named, &(struct wish){.label = "clas"}, ERR_CONFIG,
                   "which has 3: \"age\", \"class\", \"y\"; got \"clas\"; did you mean \"class\"?");
    assert_refused(named, &(struct wish){.label = "#3"}, ERR_CONFIG, "; got 3");
    assert_refused(named, &(struct wish){.label = "#-4"}, ERR_CONFIG, "; got -4");
    assert_refused("1,2\n", &(struct wish){.label = "y", .header = HEADER(HEADER_NO)}, ERR_CONFIG,
                   "which has 2: no header; got \"y\"");
    assert_refused(named, &(struct wish){.label = "y", .ignore = "id"}, ERR_CONFIG, "data.train.ignore: ");
    assert_refused(named, &(struct wish){.label = "y", .ignore = "#2"}, ERR_CONFIG,
                   "data.train.ignore: column 2 of ");
    assert_refused(named, &(struct wish){.target = "y|#-1"}, ERR_CONFIG, "is a target already");
}

/* ---- classes ---- */

static void assert_classes(const char *content, struct data_spec spec, const char *names,
                           const char *numbers) {
    struct table t;
    struct err err = {0};
    struct text out = {0};
    struct idx idx = {0};
    char **given = spec.class_names;
    assert_true(read_table(content, &(struct wish){.label = "#-1"}, NULL, &t, &err));
    if (!table_name_classes(&t, "f", false, &spec, &err) || !table_classes(&t, "f", &spec, &idx, &err))
        fail_msg("%s: %s", content, err.text);
    for (size_t i = 0; spec.class_names && i < spec.class_count; i++)
        text_addf(&out, "%s ", spec.class_names[i]);
    text_add(&out, "");
    assert_string_equal(out.s ? out.s : "", names);
    text_reset(&out);
    for (size_t r = 0; r < idx.rows; r++)
        text_addf(&out, "%d", ((const int *)idx.values)[r]);
    assert_string_equal(out.s, numbers);
    if (spec.class_names != given)
        strings_free(spec.class_names, spec.class_count);
    text_release(&out);
    idx_release(&idx);
    table_release(&t);
}

static char *no_yes[] = {(char[]){"no"}, (char[]){"yes"}};

static void classes_have_a_fixed_order(void **state) {
    (void)state;
    const struct data_spec none = {0}, ten = {.class_count = 10},
                           named = {.class_count = 2, .class_names = no_yes};
    assert_classes("1,b\n1,a\n1,C\n1,a\n", none, "C a b ", "2101");
    assert_classes("1,1\n1,0\n1,2\n", none, "", "102");
    assert_classes("1,1\n1,2\n1,10\n1,3\n", none, "1 2 3 10 ", "0132");
    assert_classes("1,00\n1,x\n1,7\n1,-1\n", none, "7 -1 00 x ", "2301");
    assert_classes("1,1.0\n1,2.0\n", none, "1.0 2.0 ", "01");
    assert_classes("1,7\n1,3\n", ten, "", "73");
    assert_classes("1,yes\n1,no\n1,yes\n", named, "no yes ", "101");
    assert_classes("1,1\n1,0\n", named, "no yes ", "10");
}

static void assert_no_class(const char *content, struct data_spec spec, bool regression, const char *text) {
    struct table t;
    struct err err = {0};
    struct idx idx = {0};
    assert_true(read_table(content, &(struct wish){.label = "#-1"}, NULL, &t, &err));
    if (table_name_classes(&t, "f", regression, &spec, &err) && table_classes(&t, "f", &spec, &idx, &err))
        fail_msg("%s is taken", content);
    assert_int_equal(err.kind, ERR_DATA);
    if (!strstr(err.text, text))
        fail_msg("%s: %s", content, err.text);
    table_release(&t);
}

static void labels_that_are_no_class(void **state) {
    (void)state;
    const struct data_spec none = {0}, two = {.class_count = 2},
                           named = {.class_count = 2, .class_names = no_yes};
    assert_no_class("1,yes\n1,maybe\n", named, false,
                    "f: row 1, column -1: expected a class: \"no\", \"yes\", found \"maybe\" (line 2)");
    assert_no_class("1,0\n1,2\n", named, false, "found \"0\" (line 1)");
    assert_no_class("1,a\n1,b\n1,c\n", two, false, "expected labels of 2 classes");
    assert_no_class("1,a\n1,a\n", none, false, "expected labels of at least two classes");
    assert_no_class("1,1.5\n1,2\n", none, true, "numbers to be predicted are \"target\"");
}

/* ---- further files ---- */

static char *known[] = {(char[]){"a"}, (char[]){"b"}, (char[]){"c"}};

static void assert_arranged(const char *content, bool names, const char *text, float first) {
    struct table t = {0};
    struct err err = {0};
    const struct data_spec spec = {.feature_names = names ? known : NULL, .feature_count = 3};
    const struct wish w = {.unlabelled = true, .ignore = "y"};
    bool ok = read_table(content, &w, &spec, &t, &err) && table_arrange(&t, "train", &spec, &err);
    if (ok == (text != NULL) || (text && !strstr(err.text, text)))
        fail_msg("%s: %s", content, ok ? "taken" : err.text);
    if (ok) {
        const float *x = t.features.values;
        assert_true(x[0] == first && x[1] == 2 && x[2] == 3);
        assert_true(x[3] == 4 && x[4] == 5 && x[5] == 6);
    }
    table_release(&t);
}

static void features_go_by_their_names(void **state) {
    (void)state;
    assert_arranged("a,b,c\n1,2,3\n4,5,6\n", true, NULL, 1);
    assert_arranged("c,a,b\n3,1,2\n6,4,5\n", true, NULL, 1);
    assert_arranged("c,y,a,b\n3,u,1,2\n6,?,4,5\n", true, NULL, 1);
    assert_arranged("1,2,3\n4,5,6\n", true, NULL, 1);
    assert_arranged("p,q,r\n1,2,3\n4,5,6\n", false, NULL, 1);
    assert_arranged("a,b\n1,2\n", true, "lacks columns that the model is trained on: \"c\"", 0);
    assert_arranged("a,d,b,c,e\n1,x,2,3,4\n", true,
                    "has columns that the model is not trained on: \"d\", \"e\"", 0);
    assert_arranged("1,2\n", true, "expected 3 features, as the model is trained on, found 2", 0);
}

static bool load(const char *train, const char *test, struct data_spec *spec, struct data *data,
                 struct err *err) {
    write_bytes(train_file, train, strlen(train));
    write_bytes(test_file, test, strlen(test));
    spec->root = folder;
    spec->train.file = train_file;
    spec->test = (struct data_files){.file = test_file, .header = HEADER_AUTO};
    return data_load(spec, TARGETS_DISTRIBUTION, 1, NULL, data, err);
}

static void parts_are_held_against_each_other(void **state) {
    (void)state;
    struct files f;
    struct data data;
    struct err err = {0};
    struct data_spec spec = {.train = *files_of(&(struct wish){.label = "#0"}, &f),
                             .scale = SCALE_NONE,
                             .label_column = -1,
                             .validation_stratify = STRATIFY_AUTO};
    static const char train[] = "y,a,b\nu,1,2\nv,3,4\n";
    if (!load(train, "y,b,a\nv,6,5\n", &spec, &data, &err))
        fail_msg("%s", err.text);
    const float *x = data.test_set.images.values;
    assert_true(x[0] == 5 && x[1] == 6 && data.test_set.cls[0] == 1);
    const struct data_spec more = data_spec_known(&data, &spec);
    assert_string_equal(more.class_names[1], "v");
    assert_string_equal(more.feature_names[0], "a");
    assert_string_equal(more.train.label.items[0].name, "y");
    data_release(&data);
    assert_false(load(train, "y,a,b\nu,1,2\nw,3,4\n", &spec, &data, &err));
    assert_non_null(
        strstr(err.text, "test: row 1, column \"y\": expected a class: \"u\", \"v\", found \"w\" (line 3)"));
    assert_false(load(train, "y,a,c\nu,1,2\n", &spec, &data, &err));
    assert_non_null(strstr(err.text, "test: lacks columns that the model is trained on: \"b\""));
    assert_int_equal(err.kind, ERR_DATA);
}

/* ---- what others wrote, and IDX ---- */

static void a_table_of_python(void **state) {
    (void)state;
    struct files f;
    struct table t;
    struct err err = {0};
    static const struct data_spec none;
    const struct table_wish wish = {
        .files = files_of(&(struct wish){.label = "the label"}, &f), .labelled = true, .spec = &none};
    FILE *expected = fopen("tests/fixtures/table.expected", "r");
    assert_non_null(expected);
    if (!table_read("tests/fixtures/table.csv", &wish, &t, &err))
        fail_msg("%s", err.text);
    const uint32_t *bits = t.features.values;
    char hex[128], label[256];
    size_t rows = 0;
    for (unsigned b[4]; fscanf(expected, "%x %x %x %x %127s", &b[0], &b[1], &b[2], &b[3], hex) == 5; rows++) {
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(bits[4 * rows + i], b[i]);
        const char *text = t.labels[t.label[rows]].text;
        for (size_t i = 0; i <= strlen(text); i++)
            sprintf(label + 2 * i, "%02x", (unsigned char)text[i]);
        label[2 * strlen(text)] = '\0';
        assert_string_equal(label, hex);
    }
    assert_int_equal(rows, 60);
    assert_int_equal(t.features.rows, 60);
    assert_string_equal(t.feature[2], "d\"e");
    fclose(expected);
    table_release(&t);
}

static void the_same_numbers_as_idx(void **state) {
    (void)state;
    static const double x[] = {0.1, -2.5e-7, 3, 1e30, 0, 77.77}, y[] = {1, 0, 2};
    struct files f;
    struct data table, idx;
    struct err err = {0};
    struct data_spec of_table = {.train = *files_of(&(struct wish){.label = "#-1"}, &f), .label_column = -1};
    struct data_spec of_idx = {
        .root = folder, .train = {.images = images_file, .labels = labels_file}, .label_column = -1};
    write_idx(images_file, IDX_F32, 3, 2, x);
    write_idx(labels_file, IDX_U8, 3, 0, y);
    of_table.validation_stratify = of_idx.validation_stratify = STRATIFY_AUTO;
    assert_true(load("0.1,-2.5e-7,1\n3,1e30,0\n0,77.77,2\n", "1,2,0\n", &of_table, &table, &err));
    assert_true(data_load(&of_idx, TARGETS_DISTRIBUTION, 1, NULL, &idx, &err));
    assert_memory_equal(table.train_set.images.values, idx.train_set.images.values, 6 * sizeof(float));
    assert_memory_equal(table.train_set.cls, idx.train_set.cls, 3 * sizeof(uint32_t));
    assert_int_equal(table.outputs, idx.outputs);
    data_release(&table);
    data_release(&idx);
}

/* ---- in a model file ---- */

static void columns_survive_a_model_file(void **state) {
    (void)state;
    struct files f;
    struct err err = {0};
    struct text first = {0}, second = {0};
    struct data_spec spec = {
        .train = *files_of(&(struct wish){.label = "y", .ignore = "id|#-2", .delimiter = ';'}, &f),
        .feature_names = known,
        .feature_count = 3,
        .labels_are_numbers = true};
    struct data_spec back = {.feature_count = 3, .train.header = HEADER_AUTO};
    assert_true(columns_print(&spec, &first, &err));
    assert_string_equal(first.s,
                        "{\"features\": [\"a\", \"b\", \"c\"], \"label\": [\"y\"], \"ignore\": [\"id\", "
                        "-2], \"delimiter\": \";\", \"numbers\": true}");
    assert_true(columns_parse(first.s, &back, &err));
    assert_true(columns_print(&back, &second, &err));
    assert_string_equal(first.s, second.s);
    strings_free(back.feature_names, 3);
    columns_release(&back.train.label);
    columns_release(&back.train.ignore);
    text_release(&first);
    text_release(&second);
    static const char *const wrong[] = {"",
                                        "[]",
                                        "{\"features\": [\"a\"]}",
                                        "{\"features\": [1, 2, 3]}",
                                        "{\"features\": {\"a\": 1, \"b\": 2, \"c\": 3}, \"label\": \"y\"}",
                                        "{\"label\": []}",
                                        "{\"label\": [{}]}",
                                        "{\"label\": [1e300]}",
                                        "{\"delimiter\": \"e\"}",
                                        "{\"delimiter\": \",,\"}",
                                        "{\"header\": 1}",
                                        "{\"numbers\": null}",
                                        "{\"other\": 1}",
                                        "{\"numbers\": true"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct data_spec bad = {.feature_count = 3};
        if (columns_parse(wrong[i], &bad, &err))
            fail_msg("%s is taken", wrong[i]);
        assert_int_equal(err.kind, ERR_DATA);
        strings_free(bad.feature_names, 3);
        columns_release(&bad.train.label);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_found),
        cmocka_unit_test(every_fault_has_its_place),
        cmocka_unit_test(columns_that_are_not_there),
        cmocka_unit_test(classes_have_a_fixed_order),
        cmocka_unit_test(labels_that_are_no_class),
        cmocka_unit_test(features_go_by_their_names),
        cmocka_unit_test(parts_are_held_against_each_other),
        cmocka_unit_test(a_table_of_python),
        cmocka_unit_test(the_same_numbers_as_idx),
        cmocka_unit_test(columns_survive_a_model_file),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
