#include <math.h>

#include "base/json.h"
#include "run/comparison.h"

/* A seed has more digits than a double. */
static void print_item(struct json_writer *w, const struct json *doc, const cJSON *item) {
    uint64_t whole;
    const char *number = json_number_text(doc, item);
    if (!item)
        json_null(w);
    else if (number && json_uint64(number, &whole))
        json_uint(w, whole);
    else
        json_tree(w, item);
}

static void print_config(struct json_writer *w, const struct config_table *t, const struct compared *r,
                         size_t run) {
    json_key(w, "config");
    if (!r->run.config) {
        json_null(w);
        return;
    }
    json_begin_object(w);
    for (size_t i = 0; i < t->columns; i++) {
        json_key(w, t->column[i].path);
        print_item(w, r->run.config, t->column[i].item[run]);
    }
    json_end_object(w);
}

static void print_figures(struct json_writer *w, const struct compared *r) {
    json_key(w, "figures");
    json_begin_object(w);
    for (size_t i = 0; i < COMPARISON_FIGURES; i++)
        if (!isnan(r->figure[i]))
            json_put_number(w, comparison_figure[i], r->figure[i]);
    json_end_object(w);
    if (!isnan(r->low))
        json_put_numbers(w, "accuracy_interval", (const double[]){r->low, r->high}, 2);
}

static void print_change(struct json_writer *w, const struct compared *baseline, const struct compared *r) {
    json_key(w, "change");
    json_begin_object(w);
    for (size_t i = 0; i < COMPARISON_FIGURES; i++)
        if (!isnan(r->figure[i]) && !isnan(baseline->figure[i]))
            json_put_number(w, comparison_figure[i], r->figure[i] - baseline->figure[i]);
    json_end_object(w);
}

static void print_test(struct json_writer *w, const struct compared *r) {
    json_key(w, "mcnemar");
    json_begin_object(w);
    if (r->tested) {
        json_put_uint(w, "b", r->b);
        json_put_uint(w, "c", r->c);
        json_put_number(w, "p_value", r->p);
    } else {
        json_put_string(w, "not_tested", r->not_tested);
    }
    json_end_object(w);
}

static void print_checks(struct json_writer *w, const struct compared *r, size_t checks) {
    json_key(w, "checks");
    json_begin_array(w);
    for (size_t i = 0; i < checks; i++) {
        const struct check *check = &r->check[i];
        json_begin_object(w);
        json_put_string(w, "metric", check->metric);
        if (check->by_test)
            json_put_number(w, "level", COMPARISON_LEVEL);
        else
            json_put_number(w, "tolerance", check->tolerance);
        json_put_number(w, "baseline", check->baseline);
        json_put_number(w, "value", check->value);
        json_put_bool(w, "ok", check->ok);
        json_end_object(w);
    }
    json_end_array(w);
}

static void print_run(struct json_writer *w, const struct comparison *c, size_t i) {
    const struct compared *r = &c->run[i];
    json_begin_object(w);
    json_put_string(w, "run", r->run.path);
    if (r->is_baseline)
        json_put_bool(w, "baseline", true);
    print_config(w, &c->config, r, i);
    print_figures(w, r);
    json_put_number(w, "epochs_run", finished_number(&r->run, "epochs_run"));
    json_put_string(w, "stopped_by", finished_text(&r->run, "stopped_by"));
    json_put_number(w, "seconds", finished_number(&r->run, "seconds.train"));
    json_put_string(w, "model_digest", finished_text(&r->run, "model_digest"));
    json_put_string(w, "version", finished_text(&r->run, "version"));
    if (c->baseline && !r->is_baseline) {
        print_change(w, c->baseline, r);
        print_test(w, r);
        print_checks(w, r, c->checks);
        json_put_bool(w, "ok", r->ok);
    }
    json_end_object(w);
}

bool comparison_print(const struct comparison *c, struct text *out, struct err *err) {
    struct json_writer w = {.out = out, .indent = 2};
    json_begin_object(&w);
    json_key(&w, "baseline");
    if (c->baseline)
        json_string(&w, c->baseline->run.path);
    else
        json_null(&w);
    json_key(&w, "keys");
    json_begin_array(&w);
    for (size_t i = 0; i < c->config.columns; i++)
        json_string(&w, c->config.column[i].path);
    json_end_array(&w);
    json_key(&w, "runs");
    json_begin_array(&w);
    for (size_t i = 0; i < c->count; i++)
        print_run(&w, c, i);
    json_end_array(&w);
    if (c->baseline)
        json_put_bool(&w, "ok", c->ok);
    json_end_object(&w);
    text_add(out, "\n");
    return text_ok(out, err);
}
