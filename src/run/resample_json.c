#include "base/json.h"
#include "run/resample.h"

static void put_counts(struct json_writer *w, const char *key, const size_t *count, size_t n) {
    json_key(w, key);
    json_begin_flat_array(w);
    for (size_t c = 0; c < n; c++)
        json_uint(w, count[c]);
    json_end_array(w);
}

static void put_weights(struct json_writer *w, const char *key, const struct resample_weights *weights) {
    json_key(w, key);
    json_begin_object(w);
    json_put_number(w, "ess", weights->ess);
    json_put_number(w, "max", weights->max);
    json_end_object(w);
}

/* What the scheme was asked for. */
static void put_scheme(struct json_writer *w, const struct resample_report *r) {
    const struct resample_spec *spec = &r->wish.spec;
    switch (spec->scheme) {
    case RESAMPLE_DIRICHLET:
        json_put_number(w, "alpha", spec->alpha);
        break;
    case RESAMPLE_TWEAK_ONE:
    case RESAMPLE_KNOCK_OUT:
        json_put_uint(w, "class", spec->cls);
        json_put_number(w, "share", spec->share);
        break;
    case RESAMPLE_SELECT:
        json_put_string(w, "score", resample_score_name((size_t)spec->score));
        json_put_number(w, "intercept", spec->intercept);
        json_put_number(w, "slope", spec->slope);
        if (spec->score != SCORE_INK)
            json_put_number(w, "range", spec->range);
        json_put_number(w, "kept", r->kept);
        break;
    }
}

static void put_class_weights(struct json_writer *w, const struct resample_report *r) {
    json_key(w, "class_weights");
    json_begin_flat_array(w);
    for (size_t c = 0; c < r->classes; c++)
        json_number(w, r->original_prior[c] > 0 ? r->prior[c] / r->original_prior[c] : 0);
    json_end_array(w);
}

static void put_window(struct json_writer *w, const struct resample_report *r, size_t t) {
    const struct resample_spec *spec = &r->wish.spec;
    char name[64];
    json_begin_object(w);
    json_put_string(w, "images", resample_window_file(t, "images.idx", name));
    json_put_string(w, "labels", resample_window_file(t, "labels.idx", name));
    json_put_number(w, "degrees", resample_turn(spec, t));
    json_key(w, "swap");
    if (resample_swaps(spec, t)) {
        json_begin_flat_array(w);
        json_uint(w, spec->swap[0]);
        json_uint(w, spec->swap[1]);
        json_end_array(w);
    } else {
        json_null(w);
    }
    put_counts(w, "counts", r->window_count + t * r->classes, r->classes);
    json_end_object(w);
}

static void put_windows(struct json_writer *w, const struct resample_report *r) {
    json_key(w, "windows");
    json_begin_array(w);
    for (size_t t = 0; t < r->wish.spec.windows; t++)
        put_window(w, r, t);
    json_end_array(w);
}

bool resample_print(const struct resample_report *r, struct text *out, struct err *err) {
    struct json_writer w = {.out = out, .indent = 2};
    json_begin_object(&w);
    json_put_string(&w, "scheme", resample_scheme_name((size_t)r->wish.spec.scheme));
    json_put_string(&w, "part", resample_part_name(r->wish.part));
    json_put_uint(&w, "seed", r->seed);
    put_scheme(&w, r);
    json_put_uint(&w, "rows", r->rows);
    json_put_uint(&w, "original_rows", r->original_rows);
    json_put_bool(&w, "replacement", r->replaced);
    put_counts(&w, "counts", r->count, r->classes);
    put_counts(&w, "original_counts", r->original_count, r->classes);
    json_put_numbers(&w, "priors", r->prior, r->classes);
    json_put_numbers(&w, "original_priors", r->original_prior, r->classes);
    if (r->wish.spec.scheme < RESAMPLE_SELECT)
        put_class_weights(&w, r);
    if (r->wish.spec.scheme == RESAMPLE_WINDOWS) {
        put_windows(&w, r);
    } else {
        put_weights(&w, "weights", &r->weights);
        put_weights(&w, "original_weights", &r->originals);
    }
    json_end_object(&w);
    text_add(out, "\n");
    return text_ok(out, err);
}
