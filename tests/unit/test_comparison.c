/* Columns of configs, tolerances, and the tables that runs are shown in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/json.h"
#include "cli/grid.h"
#include "run/config_table.h"
#include "run/tolerance.h"

static struct err err;

/* ---- columns ---- */

enum { MOST = 3 };

/* Configs of runs, and what their columns should be, "PATH: TEXT | TEXT; ..." */
static const struct {
    const char *config[MOST], *columns;
} tables[] = {
    {{"{\"name\": \"a\", \"x\": 1}", "{\"name\": \"b\", \"x\": 1}"}, ""},
    {{"{\"o\": {\"lr\": 0.1, \"m\": 0.9}}", "{\"o\": {\"m\": 0.9, \"lr\": 0.3}}"}, "o.lr: 0.1 | 0.3; "},
    {{"{\"o\": {\"name\": \"a\"}}", "{\"o\": {\"name\": \"b\"}}"}, "o.name: a | b; "},
    /* A seed has more digits than a double. */
    {{"{\"seed\": 18446744073709551615}", "{\"seed\": 18446744073709551614}"},
     "seed: 18446744073709551615 | 18446744073709551614; "},
    {{"{\"v\": null}", "{\"v\": {\"fraction\": 0.1, \"stratify\": true}}"},
     "v.fraction:  | 0.1; v.stratify:  | true; "},
    {{"{\"v\": null}", "{}"}, ""},
    {{"{\"a\": 1}", "{\"a\": 1, \"b\": 2}", "{\"b\": 2, \"c\": \"x\"}"},
     "a: 1 | 1 | ; b:  | 2 | 2; c:  |  | x; "},
    {{"{\"l\": [{\"u\": 8, \"f\": \"relu\"}]}",
      "{\"l\": [{\"u\": 9, \"f\": \"relu\"}, {\"u\": 4, \"f\": "
      "\"tanh\"}]}",
      "{\"l\": []}"},
     "l: 8 | 9, 4 | []; "},
    {{"{\"l\": [{\"u\": 8, \"d\": 0.5, \"f\": 1}]}", "{\"l\": [{\"u\": 8, \"d\": 0, \"f\": 1}]}"},
     "l: 8 d=0.5 | 8 d=0; "},
    {{"{\"betas\": [0.9, 0.99]}", "{\"betas\": [0.9, 0.999]}"}, "betas: 0.9, 0.99 | 0.9, 0.999; "},
    {{"{\"a\": {\"x\": 1}}", "{\"a\": \"none\"}"}, "a: {\"x\": 1} | none; "},
    /* A config that is not known differs from none. */
    {{"{\"a\": 1, \"b\": 1}", NULL, "{\"a\": 1, \"b\": 2}"}, "b: 1 |  | 2; "},
};

static void columns_are_what_differs(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct json *doc[MOST] = {NULL};
        size_t runs = tables[i].config[2] ? 3 : 2;
        for (size_t r = 0; r < runs; r++) {
            const char *s = tables[i].config[r];
            doc[r] = s ? json_parse(s, strlen(s), (struct json_options){0}, ERR_DATA, &err) : NULL;
            assert_true(!s == !doc[r]);
        }
        struct config_table t;
        struct text text = {0};
        assert_true(config_table_make(doc, runs, &t, &err));
        for (size_t c = 0; c < t.columns; c++) {
            text_addf(&text, "%s: ", t.column[c].path);
            for (size_t r = 0; r < runs; r++)
                text_addf(&text, "%s%s", r ? " | " : "", t.column[c].text[r]);
            text_add(&text, "; ");
        }
        assert_string_equal(text.s ? text.s : "", tables[i].columns);
        text_release(&text);
        config_table_release(&t);
        for (size_t r = 0; r < runs; r++)
            json_free(doc[r]);
    }
}

/* ---- tolerances ---- */

static void tolerances(void **state) {
    (void)state;
    struct tolerance t;
    assert_true(tolerance_read("test.per_class.3.recall=0", &t, &err));
    assert_string_equal(t.metric, "test.per_class.3.recall");
    assert_true(t.higher && t.most == 0);
    tolerance_release(&t);
    assert_true(tolerance_read("seconds.train=1.5e1", &t, &err));
    assert_true(!t.higher && t.most == 15);
    tolerance_release(&t);
    static const char *const wrong[] = {
        "",        "=1",        "test.loss",     "test.loss=",     "test.loss=-1",
        "loss=x",  "loss=1x",   "loss=nan",      "loss=inf",       "loss=0x1",
        "steps=1", "test.lo=1", "test.loss.1=1", "model_digest=0", "loss=1e999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        err = (struct err){0};
        if (tolerance_read(wrong[i], &t, &err))
            fail_msg("accepted: %s", wrong[i]);
        assert_int_equal(err.kind, ERR_USAGE);
    }
}

static void worse_by_more(void **state) {
    (void)state;
    /* In doubles .97 - .96 is more than .01. */
    assert_true(.97 - .96 > .01);
    assert_false(tolerance_exceeded(true, .01, .97, .96));
    assert_true(tolerance_exceeded(true, .01, .97, .9599));
    assert_false(tolerance_exceeded(true, 0, .97, .98));
    assert_false(tolerance_exceeded(true, 0, .97, .97));
    assert_true(tolerance_exceeded(true, 0, .97, .9699));
    assert_true(tolerance_exceeded(false, .5, 1, 1.6));
    assert_false(tolerance_exceeded(false, .5, 1, 1.5));
    assert_false(tolerance_exceeded(false, .5, 1, .1));
    assert_true(tolerance_exceeded(false, .5, 1, __builtin_nan("")));
}

/* ---- tables ---- */

static void grids(void **state) {
    (void)state;
    static const char *const cells[] = {"a|b", "1", "x,\"y\"", "\xC3\xA9\n", "22", "-"};
    struct grid g = {0};
    struct text t = {0};
    grid_column(&g, false, "run");
    grid_column(&g, true, "n_1");
    grid_column(&g, false, "last");
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        grid_cell(&g, cells[i]);
    grid_table(&g, &t);
    assert_string_equal(t.s, "run  n_1  last\na|b    1  x,\"y\"\n\xC3\xA9?    22  -\n");
    text_reset(&t);
    grid_markdown(&g, &t);
    assert_string_equal(t.s, "| run | n\\_1 | last |\n|---|---:|---|\n| a\\|b | 1 | x,\"y\" |\n"
                             "| \xC3\xA9  | 22 | - |\n");
    text_reset(&t);
    grid_csv(&g, &t);
    assert_string_equal(t.s, "run,n_1,last\na|b,1,\"x,\"\"y\"\"\"\n\"\xC3\xA9\n\",22,-\n");
    text_release(&t);
    grid_release(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_what_differs),
        cmocka_unit_test(tolerances),
        cmocka_unit_test(worse_by_more),
        cmocka_unit_test(grids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
