#include <math.h>

#include "base/json.h"
#include "base/mem.h"
#include "run/gradcheck.h"

void gradient_report_release(struct gradient_report *report) {
    mem_free(report->tensor);
    *report = (struct gradient_report){0};
}

bool gradient_report_ok(const struct gradient_report *report) {
    return report->failed == 0 && (!report->has_direction || report->direction.ok);
}

/* null: there was nothing to take a difference of, or no number came of it. */
static void put_difference(struct json_writer *w, const char *key, bool there, double value) {
    json_key(w, key);
    if (there)
        json_number(w, value);
    else
        json_null(w);
}

static void put_tensor(struct json_writer *w, const struct checked_tensor *t, bool in_training) {
    json_begin_object(w);
    json_key(w, "name");
    json_string(w, t->name);
    json_key(w, "shape");
    json_begin_flat_array(w);
    for (size_t i = 0; i < t->dims; i++)
        json_uint(w, t->shape[i]);
    json_end_array(w);
    json_put_number(w, "gradient_norm", t->norm);
    json_put_number(w, "adjoint_error", t->adjoint_error);
    put_difference(w, "difference_error", t->checked > 0, t->difference_error);
    if (in_training) {
        put_difference(w, "training_error", isfinite(t->training_error), t->training_error);
        put_difference(w, "rounding", isfinite(t->rounding), t->rounding);
    }
    json_put_uint(w, "checked", t->checked);
    json_put_uint(w, "skipped", t->skipped);
    json_put_bool(w, "ok", t->ok);
    json_end_object(w);
}

static void put_direction(struct json_writer *w, const struct checked_direction *d) {
    json_key(w, "jvp");
    json_begin_object(w);
    json_put_number(w, "forward", d->forward);
    json_put_number(w, "reverse", d->reverse);
    put_difference(w, "difference", !d->kink, d->difference);
    json_put_number(w, "adjoint_error", d->adjoint_error);
    put_difference(w, "difference_error", !d->kink, d->difference_error);
    json_put_bool(w, "ok", d->ok);
    json_end_object(w);
}

static void put_cost(struct json_writer *w, const struct gradient_cost *c) {
    json_key(w, "multiplications_per_sample");
    json_begin_object(w);
    json_put_number(w, "forward", c->forward);
    json_put_number(w, "reverse", c->reverse);
    json_put_number(w, "ratio", (c->forward + c->reverse) / c->forward);
    json_put_number(w, "jvp", c->jvp);
    json_put_number(w, "gradient_by_reverse_mode", c->reverse);
    json_put_number(w, "gradient_by_forward_mode", (double)c->elements * c->jvp);
    json_end_object(w);
    json_put_uint(w, "parameters", c->elements);
    json_put_number(w, "kept_per_sample", c->kept);
}

bool gradient_report_json(const struct gradient_report *report, struct text *out, struct err *err) {
    struct json_writer w = {.out = out, .indent = 2};
    json_begin_object(&w);
    json_put_uint(&w, "samples", report->samples);
    json_put_number(&w, "objective", report->objective);
    json_put_number(&w, "adjoint_tolerance", GRADIENT_ADJOINT_TOLERANCE);
    json_put_number(&w, "difference_tolerance", report->tolerance);
    if (report->in_training)
        json_put_number(&w, "training_tolerance", report->training_tolerance);
    json_key(&w, "tensors");
    json_begin_array(&w);
    for (size_t i = 0; i < report->tensors; i++)
        put_tensor(&w, &report->tensor[i], report->in_training);
    json_end_array(&w);
    if (report->has_direction)
        put_direction(&w, &report->direction);
    put_cost(&w, &report->cost);
    json_key(&w, "isa");
    json_string(&w, report->kernel);
    json_put_bool(&w, "ok", gradient_report_ok(report));
    json_end_object(&w);
    text_add(out, "\n");
    return text_ok(out, err);
}
