#include "run/metrics.h"

#include <math.h>

#include "base/json.h"
#include "run/clock.h"
#include "run/diagnostics_text.h"

/* Between two writings. */
static const double pause_seconds = 0.5;

/* What is not a number (the targets are no classes, the samples have no weights) is left out. */
static void print_part(struct json_writer *w, const char *key, double loss, double accuracy,
                       double weighted_loss) {
    json_key(w, key);
    json_begin_object(w);
    json_key(w, "loss");
    json_number(w, loss);
    if (!isnan(accuracy)) {
        json_key(w, "accuracy");
        json_number(w, accuracy);
    }
    if (!isnan(weighted_loss)) {
        json_key(w, "weighted_loss");
        json_number(w, weighted_loss);
    }
    json_end_object(w);
}

static void print_record(struct json_writer *w, const struct epoch_record *r) {
    json_begin_object(w);
    json_key(w, "epoch");
    json_uint(w, r->epoch);
    json_key(w, "step");
    json_uint(w, r->step);
    json_key(w, "lr");
    json_number(w, r->lr);
    json_key(w, "seconds");
    json_number(w, r->seconds);
    json_key(w, "samples_per_second");
    json_number(w, r->samples_per_second);
    print_part(w, "train", r->train_loss, r->train_accuracy, NAN);
    if (r->validated)
        print_part(w, "validation", r->validation_loss, r->validation_accuracy, r->validation_weighted_loss);
    if (r->diagnostics) {
        json_key(w, "diagnostics");
        diagnostics_print(w, r->diagnostics);
    }
    json_end_object(w);
}

bool metrics_add(struct metrics *metrics, const struct epoch_record *record, struct err *err) {
    struct json_writer w = {.out = &metrics->lines};
    print_record(&w, record);
    text_add(&metrics->lines, "\n");
    return text_ok(&metrics->lines, err);
}

bool metrics_flush(struct metrics *metrics, const struct folder *folder, struct err *err) {
    if (metrics->written == metrics->lines.len)
        return true;
    if (!folder_write(folder, "metrics.jsonl", metrics->lines.s, metrics->lines.len, err))
        return false;
    metrics->written = metrics->lines.len;
    metrics->written_at = clock_seconds();
    return true;
}

bool metrics_write(struct metrics *metrics, const struct folder *folder, struct err *err) {
    bool soon = metrics->written > 0 && clock_seconds() < metrics->written_at + pause_seconds;
    return soon || metrics_flush(metrics, folder, err);
}

void metrics_release(struct metrics *metrics) {
    text_release(&metrics->lines);
}
