/* The command line: parsing, the tables of all commands, the live line. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/option_rows.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/table.h"

static struct err err;

static const char *colour(size_t i) {
    static const char *const names[] = {"red", "green"};
    return i < 2 ? names[i] : NULL;
}

static const struct option_row table[] = {
    ROW_CONFIG,
    ROW_SET,
    ROW_THREADS,
    ROW_QUIET,
    {.name = "colour",
     .kind = OPTION_TEXT,
     .value = "NAME",
     .help = "a choice",
     AT(format),
     .choices = colour},
    {.name = "samples",
     .kind = OPTION_NUMBER,
     .value = "N",
     .help = "a number",
     AT(samples),
     .min = 2,
     .max = 9,
     .fallback = 4},
    {.name = "tolerance", .kind = OPTION_REAL, .value = "X", .help = "a real", AT(tolerance)},
    ROW_JSON("x"),
    ROW_HELP,
    ROW_VERSION,
    ROW_END,
};

enum { MAX_WORDS = 24 };

/* Splits the line at blanks; "_" stands for an empty word. */
static bool parse(const char *line, int max_operands, struct arguments *out) {
    static char words[512];
    char *argv[MAX_WORDS + 1] = {NULL};
    int argc = 0;
    err = (struct err){0};
    snprintf(words, sizeof words, "dltrain %s", line);
    for (char *word = strtok(words, " "); word && argc < MAX_WORDS; word = strtok(NULL, " "))
        argv[argc++] = strcmp(word, "_") == 0 ? word + 1 : word;
    return options_parse(table, argc, argv, max_operands, out, &err);
}

static void numbers(void **state) {
    (void)state;
    struct arguments a;
    assert_true(parse("-q", 0, &a));
    assert_true(a.samples == 4 && a.tolerance == 0);
    arguments_release(&a);
    assert_true(parse("--samples 9 --tolerance 2.5e-3", 0, &a));
    assert_true(a.samples == 9 && a.tolerance == 2.5e-3);
    arguments_release(&a);
    static const char *const wrong[] = {"--samples 1",       "--samples 10",    "--samples x",
                                        "--tolerance 0",     "--tolerance -1",  "--tolerance 0x1",
                                        "--tolerance nan",   "--tolerance inf", "--tolerance 1e9999",
                                        "--tolerance 1.2.3", "--tolerance _"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(parse(wrong[i], 0, &a));
        assert_int_equal(err.kind, ERR_USAGE);
        assert_non_null(
            strstr(err.text, i < 3 ? "must be a whole number from 2 to 9" : "must be a number above 0"));
        arguments_release(&a);
    }
}

static void accepted(void **state) {
    (void)state;
    struct arguments a;
    assert_true(parse("--config a --set x=1 --threads 3 -q --config=b --set y=2 --colour green", 0, &a));
    assert_string_equal(a.config, "b");
    assert_true(a.quiet && !a.json && a.threads == 3);
    assert_string_equal(a.format, "green");
    /* Options that are config keys keep their place among the overrides. */
    assert_int_equal(a.override_count, 3);
    assert_string_equal(a.overrides[0], "x=1");
    assert_string_equal(a.overrides[1], "threads=3");
    assert_string_equal(a.overrides[2], "y=2");
    arguments_release(&a);

    /* Of an option given twice the last value holds, and the others may be anything. */
    assert_true(
        parse("--threads x --set a=1 --colour blue --set a=2 --config _ --colour red --threads 3 --set a=3 "
              "--config c",
              0, &a));
    assert_true(a.threads == 3);
    assert_string_equal(a.format, "red");
    assert_string_equal(a.config, "c");
    assert_int_equal(a.override_count, 4);
    assert_string_equal(a.overrides[2], "threads=3");
    assert_string_equal(a.overrides[3], "a=3");
    arguments_release(&a);

    assert_true(parse("", 0, &a));
    arguments_release(&a);
    assert_true(!a.config && a.override_count == 0);
    assert_true(parse("--help --bogus", 0, &a));
    assert_true(a.help);
    arguments_release(&a);
    assert_true(parse("topic -q", 1, &a));
    assert_true(a.quiet);
    assert_string_equal(a.operand, "topic");
    arguments_release(&a);
    assert_true(parse("one --config a two -q -- three -x", 9, &a));
    assert_true(a.quiet && a.operand_count == 4);
    static const char *const operands[] = {"one", "two", "three", "-x"};
    for (size_t i = 0; i < a.operand_count; i++)
        assert_string_equal(a.operands[i], operands[i]);
    assert_string_equal(a.operand, "one");
    arguments_release(&a);
    assert_true(parse("-q topic", 1, &a));
    assert_string_equal(a.operand, "topic");
    arguments_release(&a);
    assert_true(parse("-q -- -topic", 1, &a));
    assert_true(a.quiet);
    assert_string_equal(a.operand, "-topic");
    arguments_release(&a);
    assert_true(parse("-q --", 0, &a));
    assert_true(a.quiet && !a.operand);
    arguments_release(&a);
    assert_true(parse("--config -- -q", 0, &a)); /* a value, whatever it looks like */
    assert_string_equal(a.config, "--");
    assert_true(a.quiet);
    arguments_release(&a);
}

static void refused(void **state) {
    (void)state;
    static const struct {
        const char *line, *text;
    } row[] = {
        {"--confg a", "unknown option --confg; did you mean \"--config\"?"},
        {"--conf a", "unknown option --conf; did you mean \"--config\"?"},
        {"--con=a", "unknown option --con"},
        {"--zzzzzzzz", "unknown option --zzzzzzzz"},
        {"-x", "unknown option -x"},
        {"-qx", "unknown option -x"},
        {"--json=1", "option --json takes no value"},
        {"--config", "option --config needs a value"},
        {"--config _", "option --config: must not be empty"},
        {"--threads -1", "option --threads: must be a whole number from 0 to 1024, got \"-1\""},
        {"--threads 1025", "option --threads: must be a whole number from 0 to 1024, got \"1025\""},
        {"--threads 1e2", "option --threads: must be a whole number from 0 to 1024, got \"1e2\""},
        {"--threads 3 --threads x", "option --threads: must be a whole number from 0 to 1024, got \"x\""},
        {"--colour _", "option --colour: must be one of red, green, got \"\""},
        {"--colour blue", "option --colour: must be one of red, green, got \"blue\""},
        {"a", "unexpected argument \"a\""},
        {"--config a b --json", "unexpected argument \"b\""},
        {"-- a", "unexpected argument \"a\""},
        {"--json -- --quiet", "unexpected argument \"--quiet\""},
        {"-- --", "unexpected argument \"--\""},
        {"a --", "unexpected argument \"a\""},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct arguments a;
        assert_false(parse(row[i].line, 0, &a));
        assert_int_equal(err.kind, ERR_USAGE);
        assert_string_equal(err.text, row[i].text);
        arguments_release(&a);
    }
    struct arguments a;
    assert_false(parse("a b", 1, &a));
    assert_string_equal(err.text, "unexpected argument \"b\"");
    arguments_release(&a);
}

/* Every command's table is sound: no name or letter twice, values named, help given, --help and --version
 * there. */
static void tables_are_sound(void **state) {
    (void)state;
    for (size_t c = 0; command_at(c); c++) {
        const struct option_row *options = command_at(c)->options;
        bool help = false, version = false;
        size_t count = 0;
        for (; options[count].name; count++) {
            const struct option_row *row = &options[count];
            help = help || strcmp(row->name, "help") == 0;
            version = version || strcmp(row->name, "version") == 0;
            assert_true((row->kind == OPTION_FLAG) == (row->value == NULL));
            assert_true(row->help && row->help[0]);
            assert_true((row->kind == OPTION_NUMBER) == (row->max > 0));
            assert_true(!row->letter || row->kind == OPTION_FLAG);
            for (size_t i = 0; i < count; i++) {
                assert_string_not_equal(row->name, options[i].name);
                assert_true(!row->letter || row->letter != options[i].letter);
            }
        }
        assert_true(help && version && count <= MAX_OPTIONS);
        struct text text = {0};
        options_help(options, &text);
        for (size_t i = 0; i < count; i++)
            assert_non_null(strstr(text.s, options[i].help));
        for (const char *s = text.s; *s; s += strcspn(s, "\n") + 1)
            assert_true(strcspn(s, "\n") <= 100);
        text_release(&text);
    }
}

/* ---- progress ---- */

static struct fit_status status = {
    .epoch = 3, .step = 50, .steps = 100, .samples = 6400, .loss = 0.123456, .accuracy = 0.9612};

static size_t columns(const char *s) {
    size_t n = 0;
    for (; *s; s++)
        if (*s == '\033')
            s = strchr(s, 'm');
        else
            n++;
    return n;
}

static void the_line_fits(void **state) {
    (void)state;
    struct progress_state p = {&status, 10, 0, 0, 123456, 3725};
    for (size_t width = 0; width <= 200; width++)
        for (int color = 0; color < 2; color++) {
            struct text text = {0};
            progress_line(&p, width, color, &text);
            size_t limit = width ? width - 1 : 0;
            assert_true(columns(text.s ? text.s : "") <= limit);
            assert_true((strchr(text.s, '\033') != NULL) <= color);
            if (width > 10)
                assert_int_equal(strncmp(text.s, "epoch 3/10", 10), 0);
            text_release(&text);
        }
}

static void the_line_tells(void **state) {
    (void)state;
    struct progress_state p = {&status, 10, 0, 0, 123456, 3725};
    struct text text = {0};
    progress_line(&p, 140, false, &text);
    assert_string_equal(text.s, "epoch 3/10  [====================>                   ]   50 %  loss 0.1235  "
                                "accuracy 96.12 %  123 k samples/s  1:02:05 left");
    text_reset(&text);
    p.window = 3, p.windows = 12;
    progress_line(&p, 60, false, &text);
    assert_string_equal(text.s, "window 3/12 epoch 3/10  loss 0.1235  1:02:05 left");
    p.window = p.windows = 0;
    text_reset(&text);
    /* Nothing is known at the start, and targets that are no classes have no accuracy. */
    status.accuracy = NAN;
    p.samples_per_second = p.seconds_left = -1;
    progress_line(&p, 34, false, &text);
    assert_string_equal(text.s, "epoch 3/10   50 %  loss 0.1235");
    text_release(&text);
    status.accuracy = 0.9612;
}

static void estimation_lines(void **state) {
    (void)state;
    static const struct {
        struct estimation_status status;
        size_t width;
        const char *line;
    } rows[] = {
        {{.task = "model",
          .crossfit = {.fold = 2, .folds = 5, .epoch = 3, .epochs = 4, .done = 1, .total = 3}},
         80,
         "shift: model of fold 2/5  epoch 3/4   33 %"},
        {{.task = "bootstrap", .done = 120, .total = 500}, 80, "shift: bootstrap 120/500"},
        {{.task = "class ratios"}, 80, "shift: class ratios"},
        {{.task = "bootstrap", .done = 120, .total = 500}, 17, "shift: bootstrap"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text text = {0};
        progress_estimation_line(&rows[i].status, rows[i].width, &text);
        assert_string_equal(text.s, rows[i].line);
        text_release(&text);
    }
}

static void epoch_lines(void **state) {
    (void)state;
    struct epoch_record r = {.epoch = 2,
                             .seconds = 1.5,
                             .samples_per_second = 6000,
                             .metric = {[METRIC_TRAIN_LOSS] = .5,
                                        [METRIC_TRAIN_ACCURACY] = .9,
                                        [METRIC_VALIDATION_LOSS] = .25,
                                        [METRIC_VALIDATION_ACCURACY] = NAN}};
    struct text text = {0};
    progress_epoch_line(&r, 10, &text);
    assert_string_equal(text.s,
                        "epoch 2/10  train loss 0.5000 accuracy 90.00 %  validation loss 0.2500  1.50 s  "
                        "6 k samples/s\n");
    text_reset(&text);
    r.metric[METRIC_TRAIN_LOSS] = 2.4375e19; /* soon to diverge */
    r.metric[METRIC_VALIDATION_LOSS] = NAN;
    r.refit = true;
    progress_epoch_line(&r, 10, &text);
    assert_int_equal(strncmp(text.s, "refit epoch 2/10  train", 23), 0);
    assert_null(strstr(text.s, "validation"));
    assert_non_null(strstr(text.s, "train loss 2.438e+19 accuracy"));
    text_release(&text);
}

static void the_line_of_a_window(void **state) {
    (void)state;
    struct window_record r = {.window = 4,
                              .learned = true,
                              .before = {.5, .9},
                              .base = {1, .25},
                              .fresh = {(double)NAN, (double)NAN},
                              .warning = true,
                              .action = -1};
    struct text text = {0};
    progress_window_line(&r, 12, &text);
    assert_string_equal(
        text.s, "window 4/12  before learning loss 0.5000 accuracy 90.00 %  static 25.00 %  warning\n");
    text_reset(&text);
    r.fresh = (struct stream_figures){2, .125};
    r.drift = true;
    r.drift_at = 31;
    r.action = DRIFT_RESET;
    progress_window_line(&r, 12, &text);
    assert_string_equal(text.s, "window 4/12  before learning loss 0.5000 accuracy 90.00 %  static 25.00 %  "
                                "fresh 12.50 %  drift at 31, reset\n");
    text_reset(&text);
    r.learned = false;
    progress_window_line(&r, 12, &text);
    assert_string_equal(text.s, "window 4/12  before learning loss 0.5000 accuracy 90.00 %  static 25.00 %  "
                                "fresh 12.50 %  drift at 31, reset  nothing learned\n");
    text_release(&text);
}

/* ---- figures ---- */

static void scaled(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *unit, *text;
    } row[] = {
        {0, "B", "0 B"},
        {994000, "B", "994 kB"},
        {9460000, "B", "9.46 MB"},
        {999.4, " samples/s", "999 samples/s"},
        {999.6, " samples/s", "1 k samples/s"},
        {98000, " samples/s", "98 k samples/s"},
        {3674321, " samples/s", "3.67 M samples/s"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct text text = {0};
        add_scaled(&text, row[i].value, row[i].unit);
        assert_string_equal(text.s, row[i].text);
        text_release(&text);
    }
}

/* ---- tables ---- */

static void columns_line_up(void **state) {
    (void)state;
    struct table t = {.columns = 3, .right = 1u << 1};
    struct text text = {0};
    static const char *const cells[] = {"\n", "1", "x", "\xC3\xA9\xC3\xA9", "100", "yy"};
    for (size_t i = 0; i < 6; i++)
        table_cell(&t, "%s", cells[i]);
    table_print(&t, 1, &text);
    assert_string_equal(text.s, " ?     1  x\n \xC3\xA9\xC3\xA9  100  yy\n");
    text_release(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(accepted),
        cmocka_unit_test(refused),
        cmocka_unit_test(tables_are_sound),
        cmocka_unit_test(the_line_fits),
        cmocka_unit_test(the_line_tells),
        cmocka_unit_test(estimation_lines),
        cmocka_unit_test(epoch_lines),
        cmocka_unit_test(the_line_of_a_window),
        cmocka_unit_test(scaled),
        cmocka_unit_test(columns_line_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
