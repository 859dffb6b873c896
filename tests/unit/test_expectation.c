/* Expectations: how they are read, what may be expected, what holds, what the JUnit report says of it; and
 * the figures of several seeds. */
#include "config_files.h"

#include <math.h>

#include "run/expectation.h"
#include "run/junit.h"
#include "run/seeds.h"

/* ---- the config ---- */

static void bounds_of_the_config(void **state) {
    (void)state;
    const char *text = "{" DATA ", \"expect\": {\"test.accuracy\": {\"min\": 0.5, \"max\": 1},"
                       " \"test\": {\"loss\": {\"max\": 1e-3}}, \"isa\": {\"equals\": \"avx2\"},"
                       " \"early_stopping.stopped\": {\"equals\": true}}}";
    static const char *const expected[] = {"test.accuracy >= 0.5", "test.accuracy <= 1", "test.loss <= 0.001",
                                           "isa == avx2", "early_stopping.stopped == true"};
    struct config config = accepted(text, NO_OVERRIDES);
    assert_int_equal(config.expect.count, 5);
    for (size_t i = 0; i < 5; i++) {
        struct text one = {0};
        expect_text(&config.expect.list[i], &one);
        assert_string_equal(one.s, expected[i]);
        text_release(&one);
    }
    /* What is printed reads back. */
    struct text printed = {0}, again = {0};
    assert_true(config_print(&config, &printed, &err));
    config_release(&config);
    config = accepted(printed.s, NO_OVERRIDES);
    assert_true(config_print(&config, &again, &err));
    assert_string_equal(printed.s, again.s);
    assert_int_equal(config.expect.count, 5);
    config_release(&config);
    text_release(&printed);
    text_release(&again);
}

static void overrides_reach_names_with_dots(void **state) {
    (void)state;
    const char *text = "{" DATA ", \"expect\": {\"test.accuracy\": {\"min\": 0.5}, \"test\": {\"loss\":"
                       " {\"max\": 1}}}}";
    struct config config =
        accepted(text, OVERRIDES("expect.test.accuracy.min=0.75", "expect.train.loss.max=2"));
    assert_int_equal(config.expect.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct expectation *e = &config.expect.list[i];
        double bound = strcmp(e->metric, "test.accuracy") == 0 ? 0.75
                       : strcmp(e->metric, "test.loss") == 0   ? 1
                                                               : 2;
        assert_true(e->number == bound);
    }
    config_release(&config);
    config = accepted(text, OVERRIDES("expect=null"));
    assert_int_equal(config.expect.count, 0);
    config_release(&config);
}

static void wrong_bounds_of_the_config(void **state) {
    (void)state;
    refused_set("expect={\"test.loss\": 1}",
                "--set expect={\\\"test.loss\\\": 1}: expect.test.loss: must be an "
                "object with min, max or equals, got 1");
    refused_set(
        "expect={\"test.loss\": {\"mx\": 1}}",
        "--set expect={\\\"test.loss\\\": {\\\"mx\\\": 1}}: expect.test.loss.mx: unknown key; did you mean "
        "\"max\"?");
    refused_set("expect={\"test.loss\": {}}",
                "--set expect={\\\"test.loss\\\": {}}: expect.test.loss: must not be "
                "empty; the keys here are min, max, equals");
    refused_set("expect.test.loss.max=high",
                "--set expect.test.loss.max=high: must be a number, got the string "
                "\"high\"");
    refused_set("expect.isa.equals=null",
                "--set expect.isa.equals=null: must be a number, a string, true or false, got null");
    refused_set("expect.a b.max=1",
                "--set expect.a b.max=1: expect.a b: must be the path of a figure of summary.json, such as "
                "test.accuracy");
    refused_file("{" DATA ", \"expect\": {\"a\": {\"b\": {\"max\": 1}}, \"a.b\": {\"max\": 2}}}",
                 "%:1:102: expect.a.b.max: is given twice");
}

/* ---- the command line ---- */

static void expectations_of_the_command_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *metric, *op, *bound;
        double number;
    } row[] = {
        {"test.accuracy >= 0.97", "test.accuracy", ">=", "0.97", 0.97},
        {"  test.loss<1e-3\t", "test.loss", "<", "1e-3", 1e-3},
        {"a_b.3.c<=-2", "a_b.3.c", "<=", "-2", -2},
        {"epochs_run > 3", "epochs_run", ">", "3", 3},
        {"epochs_run != 3", "epochs_run", "!=", "3", 3},
        {"model_digest == 00ff", "model_digest", "==", "00ff", (double)NAN},
        {"version==\"0.1 beta\"", "version", "==", "0.1 beta", (double)NAN},
        {"version == 0.10", "version", "==", "0.10", 0.1},
        {"early_stopping.stopped == true", "early_stopping.stopped", "==", "true", (double)NAN},
    };
    struct expect_spec spec = {0};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        assert_true(expect_parse(row[i].text, &spec, &err));
        const struct expectation *e = &spec.list[i];
        assert_string_equal(e->metric, row[i].metric);
        assert_string_equal(expect_op_name((size_t)e->op), row[i].op);
        assert_string_equal(e->bound, row[i].bound);
        assert_true(isnan(row[i].number) ? isnan(e->number) : e->number == row[i].number);
    }
    expect_release(&spec);
}

static void what_is_no_expectation(void **state) {
    (void)state;
    static const char *const row[][2] = {
        {"", "must be 'METRIC OP NUMBER'"},
        {"test.accuracy 0.9", "must be 'METRIC OP NUMBER'"},
        {">= 0.9", "must begin with the path"},
        {"a b >= 0.9", "must begin with the path"},
        {"test..a >= 0.9", "must begin with the path"},
        {".a >= 0.9", "must begin with the path"},
        {"test.\xff >= 1", "must begin with the path"},
        {"test.accuracy => 0.9", "did you mean >=?"},
        {"test.accuracy = 0.9", "did you mean ==?"},
        {"test.accuracy === 0.9", "did you mean ==?"},
        {"test.accuracy >>>>>>> 0.9", "the operator must be"},
        {"test.accuracy >=", "the bound is missing"},
        {"model_digest ==", "the bound is missing"},
        {"test.accuracy >= 97%", "got \"97%\": shares are from 0 to 1"},
        {"test.accuracy >= .9", "must be a number as in JSON, got \".9\""},
        {"test.accuracy >= +1", "must be a number as in JSON"},
        {"test.accuracy >= 0x1", "must be a number as in JSON"},
        {"test.accuracy >= 1e999", "must be a number as in JSON"},
        {"test.accuracy >= NaN", "must be a number as in JSON"},
        {"test.accuracy >= \"1\"", "must be a number as in JSON"},
        {"test.accuracy >= 0.9 # why", "must be a number as in JSON"},
        {"isa == two words", "or a word, got \"two words\""},
        {"isa == null", "or a word, got \"null\""},
        {"isa == [1]", "or a word"},
        {"isa == \"open", "or a word"},
        {"isa == a\x01z", "or a word, got \"a\\u0001z\""},
    };
    struct expect_spec spec = {0};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct err wrong = {0};
        if (expect_parse(row[i][0], &spec, &wrong) || !strstr(wrong.text, row[i][1]))
            fail_msg("%s: %s", row[i][0], wrong.text);
        assert_int_equal(wrong.kind, ERR_USAGE);
    }
    assert_int_equal(spec.count, 0);
    for (size_t i = 0; i < EXPECT_MAX; i++)
        assert_true(expect_parse("a > 1", &spec, &err));
    struct err wrong = {0};
    assert_false(expect_parse("a > 1", &spec, &wrong));
    expect_release(&spec);
}

/* ---- figures that can exist ---- */

/* The error of `text`, or "" where it may be expected. */
static const char *refusal(const char *text, const struct figure_scope *scope) {
    static struct err wrong;
    struct expect_spec spec = {0};
    wrong = (struct err){0};
    assert_true(expect_parse(text, &spec, &err));
    if (figure_path_check(spec.list, scope, &wrong))
        wrong.text[0] = '\0';
    expect_release(&spec);
    return wrong.text;
}

static void figures_that_can_exist(void **state) {
    (void)state;
    struct config config = accepted("{" DATA "}", NO_OVERRIDES);
    config.model.layer_count = 0;
    const struct figure_scope all = {.evaluation = false}, eval = {.evaluation = true}, seeds = {.seeds = 5},
                              of_config = {.config = &config};
    static const char digest[] =
        "model_digest == 313a5db46612bd2a2ccb1c1fac98ef64d85d55cc1be213838e43f4b93ff5e64e";
    const struct {
        const char *text;
        const struct figure_scope *scope;
        const char *refusal; /* "": none */
    } row[] = {
        {"test.accuracy >= 0.9", &all, ""},
        {"test.per_class.12.recall > 0", &all, ""},
        {"test.per_class.3.class == cat", &all, ""},
        {"test.confusion.1.2 < 5", &all, ""},
        {"seconds.train < 10", &of_config, ""},
        {digest, &all, ""},
        {digest, &eval, ""},
        {digest, &seeds, "model_digest: does not go with --seeds 5"},
        {"test.confusion.1.2 < 5", &seeds, "does not go with --seeds"},
        {"model_digest == 313a", &all, "64 digits"},
        {"model_digest > 3", &all, "is text"},
        {"test.acuracy > 0", &all, "did you mean \"test.accuracy\"?"},
        {"accuracy > 0", &all, "did you mean \"test.accuracy\"?"},
        {"test > 0", &all, "did you mean \"test.accuracy\"?"},
        {"best_epch > 0", &all, "did you mean \"best_epoch\"?"},
        {"test.per_class.7.recal > 0", &all, "did you mean \"test.per_class.7.recall\"?"},
        {"test.per_class.recall > 0", &all, "did you mean \"test.per_class.0.recall\"?"},
        {"test.accuracy.3 > 0", &all, "no such figure"},
        {"zzzzzzzzzzzzz > 0", &all, "zzzzzzzzzzzzz: summary.json has no such figure"},
        {"validation.accuracy > 0", &eval, "eval has no such figure"},
        {"test.accuracy == high", &all, "is a number"},
        {"test.accuracy >= 97", &all, "is a share, from 0 to 1, got the bound 97"},
        {"test.loss <= 97", &all, ""},
        {"test.accuracy >= 0.9", &of_config, "needs data.test"},
        {"validation.loss < 1", &of_config, "needs data.validation"},
        {"refit.epochs < 1", &of_config, "needs train.refit"},
        {"shift.ess < 1", &of_config, "needs shift.kind"},
        {"layers.0.sparsity > 0.5", &of_config, ""},
        {"layers.1.sparsity > 0.5", &of_config, "there are 1 layers, counted from 0"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const char *found = refusal(row[i].text, row[i].scope);
        if (row[i].refusal[0] ? !strstr(found, row[i].refusal) : found[0] != '\0')
            fail_msg("%s: %s", row[i].text, found);
    }
    config_release(&config);
}

/* ---- judging ---- */

static const char summary[] =
    "{\n  \"a\": 2,\n  \"nan\": \"NaN\",\n  \"inf\": \"Infinity\",\n  \"nothing\": null,\n"
    "  \"on\": true,\n  \"version\": \"0.10\",\n  \"s\": [{\"x\": [3, 4]}]\n}\n";

static void what_holds(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool holds;
        const char *value;
    } row[] = {
        {"a >= 2", true, "2"},
        {"a >= 2.5", false, "2"},
        {"a <= 2", true, "2"},
        {"a <= 1.5", false, "2"},
        {"a > 2", false, "2"},
        {"a > 1", true, "2"},
        {"a < 2", false, "2"},
        {"a < 3", true, "2"},
        {"a == 2.0", true, "2"},
        {"a == 3", false, "2"},
        {"a != 2", false, "2"},
        {"a != 3", true, "2"},
        {"nan >= 0", false, "NaN"},
        {"nan < 0", false, "NaN"},
        {"nan == 0", false, "NaN"},
        {"nan != 0", false, "NaN"},
        {"nan == NaN", false, "NaN"},
        {"inf > 1e300", true, "Infinity"},
        {"inf <= 5", false, "Infinity"},
        {"nothing != 5", false, "absent"},
        {"missing != 5", false, "absent"},
        {"a.b != 5", false, "absent"},
        {"s != 5", false, "absent"},
        {"s.0.x.1 == 4", true, "4"},
        {"s.0.x.2 == 4", false, "absent"},
        {"s.x == 4", false, "absent"},
        {"on == true", true, "true"},
        {"on != true", false, "true"},
        {"version == 0.10", true, "0.10"},
        {"version == 0.1", false, "0.10"},
        {"version != 0.1", true, "0.10"},
    };
    struct expect_spec spec = {0};
    size_t count = sizeof row / sizeof *row, failed = 0;
    for (size_t i = 0; i < count; i++)
        assert_true(expect_parse(row[i].text, &spec, &err));
    struct expectations e;
    struct text text = {0};
    text_add(&text, summary);
    assert_true(expectations_gather(NULL, &spec, &e, &err));
    assert_true(expectations_judge_summary(&e, &text, &err));
    for (size_t i = 0; i < count; i++) {
        if (e.list[i].holds != row[i].holds || strcmp(e.list[i].value, row[i].value) != 0)
            fail_msg("%s: value %s, holds %d", row[i].text, e.list[i].value, e.list[i].holds);
        failed += !row[i].holds;
    }
    assert_int_equal(e.failed, failed);
    /* The summary is as it was, and says it. */
    assert_int_equal(strncmp(text.s, summary, sizeof summary - 4), 0);
    struct json *doc = json_parse(text.s, text.len, (struct json_options){0}, ERR_CONFIG, &err);
    assert_non_null(doc);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json_root(doc), "expect"), *item;
    assert_int_equal(cJSON_GetArraySize(list), count);
    size_t i = 0;
    cJSON_ArrayForEach(item, list) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, "value");
        assert_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "holds")) == row[i].holds);
        assert_true(cJSON_IsNull(value) == (strcmp(row[i].value, "absent") == 0));
        i++;
    }
    assert_true(cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(list->child, "value")));
    json_free(doc);
    expectations_release(&e);
    expect_release(&spec);
    text_release(&text);
}

static void without_expectations_a_summary_stays(void **state) {
    (void)state;
    struct expectations e;
    struct text text = {0};
    text_add(&text, summary);
    assert_true(expectations_gather(NULL, NULL, &e, &err));
    assert_true(expectations_judge_summary(&e, &text, &err));
    assert_string_equal(text.s, summary);
    text_release(&text);
}

/* ---- JUnit ---- */

static void junit_is_xml_whatever_it_holds(void **state) {
    (void)state;
    struct expect_spec spec = {0};
    struct expectations e;
    struct text out = {0};
    struct junit_properties properties = {0};
    junit_property(&properties, "isa", "%s", "<&>");
    assert_true(expect_parse("a >= 3", &spec, &err) && expect_parse("a < 3", &spec, &err));
    assert_true(expectations_gather(NULL, &spec, &e, &err));
    struct junit_report report = {.name = "a\"b'\x01\xff\xEF\xBF\xBF\xC3\xA9\n\t",
                                  .seconds = 1.5,
                                  .properties = &properties,
                                  .expectations = &e,
                                  .broken = "<no> & \x1b[2J",
                                  .kind = "data"};
    assert_true(junit_print(&report, &out, &err));
    assert_non_null(strstr(out.s,
                           "name=\"a&quot;b&apos;\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xC3\xA9&#10;&#9;\" "
                           "tests=\"2\" failures=\"0\" errors=\"2\" skipped=\"0\" time=\"1.500\">"));
    assert_non_null(strstr(out.s, "<property name=\"isa\" value=\"&lt;&amp;&gt;\"/>"));
    assert_non_null(strstr(out.s, "<testcase name=\"a &gt;= 3\""));
    assert_non_null(strstr(out.s, "<error message=\"&lt;no&gt; &amp; \xEF\xBF\xBD[2J\" type=\"data\">"));
    text_release(&out);

    struct text text = {0};
    text_add(&text, summary);
    assert_true(expectations_judge_summary(&e, &text, &err));
    report.broken = NULL;
    assert_true(junit_print(&report, &out, &err));
    assert_non_null(strstr(out.s, "tests=\"2\" failures=\"1\" errors=\"0\""));
    assert_non_null(strstr(out.s, "<failure message=\"a is 2, expected &gt;= 3\" type=\"expectation\">"));
    text_release(&out);
    text_release(&text);
    expectations_release(&e);
    expect_release(&spec);
}

static void a_report_is_never_empty(void **state) {
    (void)state;
    struct expectations none = {0};
    struct text out = {0};
    struct junit_report report = {.name = "n", .expectations = &none};
    assert_true(junit_print(&report, &out, &err));
    assert_non_null(strstr(out.s, "tests=\"1\" failures=\"0\" errors=\"0\""));
    assert_non_null(strstr(out.s, "<testcase name=\"run\" classname=\"n\""));
    text_release(&out);
    report.broken = "why";
    report.kind = "data";
    assert_true(junit_print(&report, &out, &err));
    assert_non_null(strstr(out.s, "tests=\"1\" failures=\"0\" errors=\"1\""));
    text_release(&out);
}

/* ---- seeds ---- */

/* mean, deviation of a sample and so on of 2, 4, 4, 4, 5, 5, 7, 9: the sum of squares about 5 is 32. */
static void figures_of_seeds(void **state) {
    (void)state;
    static const double value[] = {2, 4, 4, 4, 5, 5, 7, 9};
    struct seeds seeds = {0};
    for (size_t i = 0; i < 8; i++) {
        struct text one = {0};
        text_addf(&one,
                  "{\"a\": {\"x\": %g}, \"same\": 0.1, \"list\": [1, %g], \"m\": [[1]], \"isa\": \"avx2\", "
                  "\"digest\": \"%zu\", %s \"bad\": %s}",
                  value[i], value[i] / 2, i, i != 3 ? "\"some\": 1," : "", i == 5 ? "\"NaN\"" : "1");
        assert_true(seeds_add(&seeds, 10 + i, one.s, &err));
        text_release(&one);
    }
    assert_int_equal(seeds.runs, 8);
    long x = seeds_find(&seeds, "a.x"), same = seeds_find(&seeds, "same"), bad = seeds_find(&seeds, "bad");
    assert_true(x >= 0 && same >= 0 && bad >= 0 && seeds_find(&seeds, "list.1") >= 0);
    assert_int_equal(seeds_find(&seeds, "m.0.0"), -1);
    assert_int_equal(seeds_find(&seeds, "digest"), -1);
    assert_int_equal(seeds_find(&seeds, "some"), -1);
    struct seed_statistics s = seeds_statistics(&seeds, (size_t)x);
    assert_true(s.mean == 5 && fabs(s.deviation - sqrt(32.0 / 7)) < 1e-15 && s.min == 2 && s.max == 9);
    s = seeds_statistics(&seeds, (size_t)same);
    assert_true(s.mean == 0.1 && s.deviation == 0);
    assert_true(isnan(seeds_statistics(&seeds, (size_t)bad).mean));
    assert_string_equal(figure_of_seeds(&seeds, "isa").text, "avx2");
    assert_true(figure_of_seeds(&seeds, "a.x").number == 5);
    assert_int_equal(figure_of_seeds(&seeds, "some").kind, FIGURE_ABSENT);
    seeds_release(&seeds);

    assert_true(seeds_add(&seeds, 1, "{\"x\": 3}", &err));
    assert_true(isnan(seeds_statistics(&seeds, 0).deviation));
    seeds_release(&seeds);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_of_the_config),
        cmocka_unit_test(overrides_reach_names_with_dots),
        cmocka_unit_test(wrong_bounds_of_the_config),
        cmocka_unit_test(expectations_of_the_command_line),
        cmocka_unit_test(what_is_no_expectation),
        cmocka_unit_test(figures_that_can_exist),
        cmocka_unit_test(what_holds),
        cmocka_unit_test(without_expectations_a_summary_stays),
        cmocka_unit_test(junit_is_xml_whatever_it_holds),
        cmocka_unit_test(a_report_is_never_empty),
        cmocka_unit_test(figures_of_seeds),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
