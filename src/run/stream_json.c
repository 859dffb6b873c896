#include "run/stream_json.h"

#include <math.h>

static void print_members(struct json_writer *w, const struct stream_figures *figures) {
    json_put_number(w, "loss", figures->loss);
    json_put_number(w, "accuracy", figures->accuracy);
}

static void print_figures(struct json_writer *w, const char *key, const struct stream_figures *figures) {
    json_key(w, key);
    if (isnan(figures->loss)) {
        json_null(w);
        return;
    }
    json_begin_object(w);
    print_members(w, figures);
    json_end_object(w);
}

void stream_print_window(struct json_writer *w, const struct window_record *r) {
    json_put_uint(w, "samples", r->samples);
    print_members(w, &r->before);
    print_figures(w, "static", &r->base);
    print_figures(w, "fresh", &r->fresh);
    json_put_bool(w, "learned", r->learned);
    json_put_bool(w, "warning", r->warning);
    json_put_bool(w, "drift", r->drift);
    json_key(w, "drift_at");
    if (r->drift)
        json_uint(w, r->drift_at);
    else
        json_null(w);
    json_key(w, "action");
    if (r->action >= 0)
        json_string(w, drift_action_name((size_t)r->action));
    else
        json_null(w);
}

void stream_print(struct json_writer *w, const struct shift_spec *spec, const struct stream *stream) {
    json_key(w, "shift");
    json_begin_object(w);
    json_put_string(w, "kind", shift_kind_name((size_t)spec->kind));
    json_put_string(w, "detector", drift_detector_name((size_t)spec->drift.detector));
    json_key(w, "windows");
    json_begin_array(w);
    for (size_t i = 0; i < stream->done; i++) {
        json_begin_object(w);
        stream_print_window(w, &stream->record[i]);
        json_end_object(w);
    }
    json_end_array(w);
    json_put_uint(w, "drifts", stream_drifts(stream));
    json_end_object(w);
}
