#include "run/metrics.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "run/diagnostics_json.h"
#include "run/stream_json.h"

/* The metrics whose paths begin with the group's name, as its object; nothing where the run has none of them.
 */
static void print_group(struct json_writer *w, const char *group, const struct epoch_record *r) {
    size_t len = strlen(group);
    bool open = false;
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        const char *name = metric_name(i);
        if (isnan(r->metric[i]) || strncmp(name, group, len) != 0 || name[len] != '.')
            continue;
        if (!open) {
            json_key(w, group);
            json_begin_object(w);
            open = true;
        }
        json_key(w, name + len + 1);
        json_number(w, r->metric[i]);
    }
    if (open)
        json_end_object(w);
}

static void print_record(struct json_writer *w, const struct epoch_record *r,
                         const struct net_diagnostics *diagnostics) {
    json_begin_object(w);
    if (r->refit || r->uncorrected) {
        json_key(w, "phase");
        json_string(w, r->refit ? "refit" : "uncorrected");
    }
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
    print_group(w, "train", r);
    print_group(w, "validation", r);
    if (diagnostics) {
        json_key(w, "diagnostics");
        diagnostics_print(w, diagnostics);
    }
    json_end_object(w);
}

/* Whether the lines since `before` are complete. Else they are dropped, as a run that fails still writes what
 * it has. */
static bool complete(struct metrics *metrics, size_t before, struct err *err) {
    struct text *lines = &metrics->lines;
    if (text_ok(lines, err))
        return true;
    lines->len = before;
    if (lines->s)
        lines->s[before] = '\0';
    return false;
}

bool metrics_add(struct metrics *metrics, const struct epoch_record *record,
                 const struct net_diagnostics *diagnostics, struct err *err) {
    struct json_writer w = {.out = &metrics->lines};
    size_t before = metrics->lines.len;
    print_record(&w, record, diagnostics);
    text_add(&metrics->lines, "\n");
    return complete(metrics, before, err);
}

bool metrics_add_window(struct metrics *metrics, const struct window_record *record, struct err *err) {
    struct json_writer w = {.out = &metrics->lines};
    size_t before = metrics->lines.len;
    json_begin_object(&w);
    json_put_string(&w, "phase", "window");
    json_put_uint(&w, "window", record->window);
    json_put_uint(&w, "steps", record->steps);
    json_put_number(&w, "lr", record->lr);
    json_put_number(&w, "seconds", record->seconds);
    stream_print_window(&w, record);
    json_end_object(&w);
    text_add(&metrics->lines, "\n");
    return complete(metrics, before, err);
}

/* As print_record begins such a line. */
static const char uncorrected[] = "{\"phase\": \"uncorrected\", ";

bool metrics_settle(struct metrics *metrics, struct err *err) {
    struct text lines = {0};
    size_t len = strlen(uncorrected);
    for (const char *line = metrics->lines.s; line && *line;) {
        const char *end = strchr(line, '\n') + 1;
        bool marked = strncmp(line, uncorrected, len) == 0;
        if (marked)
            text_add(&lines, "{");
        text_add_bytes(&lines, marked ? line + len : line, (size_t)(end - line) - (marked ? len : 0));
        line = end;
    }
    if (!text_ok(&lines, err)) {
        text_release(&lines);
        return false;
    }
    text_release(&metrics->lines);
    metrics->lines = lines;
    metrics->written = 0;
    return true;
}

bool metrics_flush(struct metrics *metrics, const struct folder *folder, struct err *err) {
    if (metrics->written == metrics->lines.len)
        return true;
    if (!folder_write(folder, "metrics.jsonl", metrics->lines.s, metrics->lines.len, err))
        return false;
    metrics->written = metrics->lines.len;
    return true;
}

void metrics_release(struct metrics *metrics) {
    text_release(&metrics->lines);
}

void metrics_snapshot(struct metrics *metrics, struct snapshot *s) {
    const struct text *lines = &metrics->lines;
    snapshot_text(s, "metrics", &metrics->lines);
    if (!snapshot_restores(s))
        return;
    metrics->written = 0;
    if (lines->len > 0 && lines->s[lines->len - 1] != '\n')
        snapshot_refuse(s, "metrics", "ends within a line");
}
