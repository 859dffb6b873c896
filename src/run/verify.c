#include "run/verify.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/scratch.h"
#include "kernel/kernel.h"
#include "run/finished.h"
#include "run/model_file.h"
#include "run/summary.h"

/* Diagnostics of many layers make long lines. */
enum { METRICS_MAX = 1 << 30 };

struct verify {
    struct finished past;
    char *config_path, *metrics_path;
    struct scratch scratch;
    char digest[SHA256_HEX]; /* of the past model.safetensors; "": there is none */
    struct json **line;      /* [lines] of the past metrics.jsonl */
    size_t lines;
    size_t met; /* lines that the new run has written */
    struct run *run;
    struct verify_verdict verdict;
};

/* What the clock says is not repeated. */
static const char *const times[] = {"seconds", "samples_per_second", NULL},
                         /* While a training runs, it may not be known yet what it will turn out to be. */
    *const times_and_phase[] = {"seconds", "samples_per_second", "phase", NULL};

/* ---- the past ---- */

/* A line of len characters, the number counting from 1; messages say where in the file. */
static struct json *parse_line(const char *path, size_t number, const char *line, size_t len,
                               struct err *err) {
    struct err problem;
    struct json *doc =
        json_parse(line, len, (struct json_options){.max_bytes = METRICS_MAX}, ERR_DATA, &problem);
    if (doc && cJSON_IsObject(json_root(doc)))
        return doc;
    const char *colon = doc ? NULL : strchr(problem.text, ':');
    if (doc)
        err_set(err, ERR_DATA, "%s:%zu: expected an object", path, number);
    else if (problem.kind == ERR_DATA) /* "1:COLUMN: ..." */
        err_set(err, ERR_DATA, "%s:%zu%s", path, number, colon ? colon : ": is no JSON");
    else
        *err = problem;
    json_free(doc);
    return NULL;
}

static size_t count_lines(const char *text) {
    size_t count = 0;
    for (const char *c = text; *c; c += *c != '\0') {
        c += strcspn(c, "\n");
        count++;
    }
    return count;
}

static bool parse_lines(struct verify *v, const char *text, struct err *err) {
    v->line = mem_alloc(count_lines(text), sizeof *v->line, "the lines of metrics.jsonl", err);
    for (const char *c = text; v->line && *c; c += *c != '\0') {
        size_t len = strcspn(c, "\n");
        struct json *doc = parse_line(v->metrics_path, v->lines + 1, c, len, err);
        if (!doc)
            return false;
        v->line[v->lines++] = doc;
        c += len;
    }
    return v->line != NULL;
}

static bool read_metrics(struct verify *v, struct err *err) {
    unsigned char *bytes;
    size_t len;
    if (!file_read(v->metrics_path, METRICS_MAX, &bytes, &len, err))
        return false;
    bool ok = memchr(bytes, '\0', len) == NULL
                  ? parse_lines(v, (const char *)bytes, err)
                  : err_set(err, ERR_DATA, "%s: expected text, found a NUL", v->metrics_path);
    mem_free(bytes);
    return ok;
}

/* The file may have been left out where a run was copied, but not damaged or replaced. */
static bool read_model(struct verify *v, struct err *err) {
    struct saved_model saved;
    char *path = file_join(v->past.path, "model.safetensors", err);
    bool ok = path, loaded = path && file_exists(path);
    if (loaded) {
        ok = model_file_load(path, &saved, err);
        if (ok) {
            ok = model_digest(saved.model, v->digest, err);
            saved_model_release(&saved);
        }
    }
    mem_free(path);
    return ok;
}

struct verify *verify_open(const char *path, struct err *err) {
    struct verify *v = mem_alloc(1, sizeof *v, "the run", err);
    if (!v)
        return NULL;
    if (!finished_open(path, false, &v->past, err) ||
        !(v->config_path = file_join(v->past.path, "config.json", err)) ||
        !(v->metrics_path = file_join(v->past.path, "metrics.jsonl", err)) || !read_metrics(v, err) ||
        !read_model(v, err)) {
        verify_free(v);
        return NULL;
    }
    return v;
}

static void difference_release(struct verify_difference *d) {
    text_release(&d->where);
    text_release(&d->path);
    text_release(&d->then);
    text_release(&d->now);
}

void verify_free(struct verify *v) {
    if (!v)
        return;
    run_free(v->run);
    scratch_remove(&v->scratch);
    for (size_t i = 0; i < v->lines; i++)
        json_free(v->line[i]);
    mem_free(v->line);
    difference_release(&v->verdict.difference);
    text_release(&v->verdict.reasons);
    mem_free(v->metrics_path);
    mem_free(v->config_path);
    finished_release(&v->past);
    mem_free(v);
}

/* ---- what has changed since ---- */

static void compare_versions(struct verify *v, const char *version) {
    const char *then = finished_text(&v->past, "version");
    double contract = finished_number(&v->past, "numeric_contract");
    if (strcmp(then, version) != 0)
        text_addf(&v->verdict.reasons, "the run was made by dltrain %s, this is %s\n", then, version);
    if (contract != NUMERIC_CONTRACT)
        text_addf(&v->verdict.reasons, "the run follows numeric contract %g, this program %d\n", contract,
                  NUMERIC_CONTRACT);
}

static void add_item(const cJSON *item, struct text *t) {
    if (item)
        json_tree(&(struct json_writer){.out = t}, item);
    else
        text_add(t, "nothing");
}

/* The first digits of a checksum, as many as `check` shows. */
static void add_checksum(const cJSON *item, struct text *t) {
    enum { DIGITS = 16 };
    if (cJSON_IsString(item))
        text_addf(t, "%.*s", DIGITS, item->valuestring);
    else
        add_item(item, t);
}

/* The first file of a part that is another one. */
static void compare_part(struct verify *v, const char *part, const cJSON *now) {
    const cJSON *past = json_at(finished_summary(&v->past), "data");
    struct json_difference found = {0};
    const cJSON *a = past ? json_at(past, part) : NULL, *b = json_at(now, part);
    if ((a || b) && json_differ(a, b, NULL, &found)) {
        struct text *t = &v->verdict.reasons;
        text_addf(t, "data.%s%s%s has changed: its SHA-256 was ", part, found.path.len ? "." : "",
                  found.path.len ? found.path.s : "");
        add_checksum(found.a, t);
        text_add(t, ", is ");
        add_checksum(found.b, t);
        text_add(t, "\n");
    }
    json_difference_release(&found);
}

static bool compare_data(struct verify *v, struct err *err) {
    static const char *const parts[] = {"train", "validation", "test", "target"};
    struct json *now = summary_data_tree(run_setup(v->run), err);
    for (size_t i = 0; now && i < sizeof parts / sizeof *parts; i++)
        compare_part(v, parts[i], json_root(now));
    bool ok = now != NULL;
    json_free(now);
    return ok;
}

const char *verify_config(const struct verify *v) {
    return v->config_path;
}

bool verify_begin(struct verify *v, const struct config *config, const char *isa, const char *version,
                  struct err *err) {
    const char *init_from = finished_text(&v->past, "init_from");
    if (!scratch_make(&v->scratch, err))
        return false;
    const struct run_options options = {.folder = v->scratch.path,
                                        .init_from = init_from[0] ? init_from : NULL,
                                        .isa = isa,
                                        .version = version};
    if (!(v->run = run_open(config, &options, err)))
        return false;
    compare_versions(v, version);
    if (!compare_data(v, err))
        return false;
    return text_ok(&v->verdict.reasons, err);
}

/* ---- differences ---- */

static void add_place(const cJSON *line, struct text *t) {
    const cJSON *phase = json_at(line, "phase"), *epoch = json_at(line, "epoch"),
                *window = json_at(line, "window");
    if (cJSON_IsNumber(window))
        text_addf(t, "window %g", window->valuedouble);
    else
        text_addf(t, "epoch %g", cJSON_IsNumber(epoch) ? epoch->valuedouble : 0);
    if (!window && cJSON_IsString(phase))
        text_addf(t, " of the %s",
                  strcmp(phase->valuestring, "refit") == 0 ? "refit" : "uncorrected training");
}

/* Where nothing else is known: of that file, but for its path, nothing is. */
static void suspect_init_from(struct verify *v) {
    const char *path = finished_text(&v->past, "init_from");
    if (path[0] && !v->verdict.reasons.len)
        text_addf(&v->verdict.reasons, "the run began from %s, which may have changed\n", path);
}

/* Of a line of metrics.jsonl, or NULL of the summary. */
static bool note(struct verify *v, const cJSON *line, const char *path, const cJSON *then, const cJSON *now,
                 struct err *err) {
    struct verify_difference *d = &v->verdict.difference;
    v->verdict.agrees = false;
    suspect_init_from(v);
    if (line)
        add_place(line, &d->where);
    else
        text_add(&d->where, "summary.json");
    text_add(&d->path, path);
    add_item(then, &d->then);
    add_item(now, &d->now);
    return text_ok(&v->verdict.reasons, err) && text_ok(&d->where, err) && text_ok(&d->path, err) &&
           text_ok(&d->then, err) && text_ok(&d->now, err);
}

/* Line i of both runs. *same: they agree; else the difference is noted. */
static bool compare_line(struct verify *v, size_t i, const char *line, size_t len, const char *const *ignored,
                         bool *same, struct err *err) {
    struct json *now = parse_line("the new metrics.jsonl", i + 1, line, len, err);
    struct json_difference found = {0};
    if (!now)
        return false;
    const cJSON *past = i < v->lines ? json_root(v->line[i]) : NULL;
    *same = past && !json_differ(past, json_root(now), ignored, &found);
    bool ok = text_ok(&found.path, err);
    if (ok && !*same)
        ok = past ? note(v, past, found.path.s ? found.path.s : "", found.a, found.b, err)
                  : note(v, json_root(now), "", NULL, json_root(now), err);
    json_difference_release(&found);
    json_free(now);
    return ok;
}

static void count(struct verify *v, size_t i) {
    if (json_at(json_root(v->line[i]), "window"))
        v->verdict.windows++;
    else
        v->verdict.epochs++;
}

/* The line that the new run has just added. */
static bool compare_newest(struct verify *v, bool *same, struct err *err) {
    const char *text = run_metrics(v->run), *end = text + strlen(text) - 1, *line = end;
    while (line > text && line[-1] != '\n')
        line--;
    if (!compare_line(v, v->met, line, (size_t)(end - line), times_and_phase, same, err))
        return false;
    if (*same)
        count(v, v->met++);
    return true;
}

static bool compare_lines(struct verify *v, bool *same, struct err *err) {
    size_t i = 0;
    *same = true;
    for (const char *line = run_metrics(v->run); *line; i++) {
        size_t len = strcspn(line, "\n");
        if (!compare_line(v, i, line, len, times, same, err))
            return false;
        if (!*same)
            return true;
        line += len + 1;
    }
    *same = i == v->lines;
    return *same || note(v, json_root(v->line[i]), "", json_root(v->line[i]), NULL, err);
}

/* What the summary says of the outcome, the digest first. */
static const char *const outcome[] = {"model_digest", "epochs_run", "best_epoch",  "steps",
                                      "stopped_by",   "message",    "refit",       "train",
                                      "validation",   "test",       "calibration", "shift"};

static bool compare_outcome(struct verify *v, const char *key, const cJSON *summary, bool *same,
                            struct err *err) {
    const cJSON *then = json_at(finished_summary(&v->past), key), *now = json_at(summary, key);
    struct json_difference found = {0};
    struct text path = {0};
    *same = (!then && !now) || !json_differ(then, now, times, &found);
    text_addf(&path, "%s%s%s", key, found.path.len ? "." : "", found.path.len ? found.path.s : "");
    bool ok = text_ok(&path, err) && (*same || note(v, NULL, path.s, found.a, found.b, err));
    text_release(&path);
    json_difference_release(&found);
    return ok;
}

static bool compare_summaries(struct verify *v, bool *same, struct err *err) {
    const char *text = run_summary(v->run);
    struct json *now =
        json_parse(text, strlen(text), (struct json_options){.max_bytes = METRICS_MAX}, ERR_DATA, err);
    bool ok = now != NULL;
    *same = true;
    for (size_t i = 0; ok && *same && i < sizeof outcome / sizeof *outcome; i++)
        ok = compare_outcome(v, outcome[i], json_root(now), same, err);
    json_free(now);
    return ok;
}

/* The summary's digest is the new one; the file beside it may be another model. */
static bool compare_model(struct verify *v, bool *same, struct err *err) {
    struct verify_difference *d = &v->verdict.difference;
    const char *now = run_result(v->run)->digest;
    *same = !v->digest[0] || strcmp(v->digest, now) == 0;
    if (*same)
        return true;
    text_add(&d->where, "model.safetensors");
    text_add(&d->path, "model_digest");
    text_addf(&d->then, "\"%s\"", v->digest);
    text_addf(&d->now, "\"%s\"", now);
    return text_ok(&d->where, err) && text_ok(&d->path, err) && text_ok(&d->then, err) &&
           text_ok(&d->now, err);
}

/* ---- going on ---- */

static bool judge(struct verify *v, struct err *err) {
    bool same;
    if (!compare_lines(v, &same, err) || (same && !compare_summaries(v, &same, err)) ||
        (same && !compare_model(v, &same, err)))
        return false;
    v->verdict.agrees = same;
    return true;
}

bool verify_advance(struct verify *v, enum run_event *event, bool *over, struct err *err) {
    struct err problem = {0};
    bool same = true, ok = run_advance(v->run, event, &problem);
    *over = false;
    if (!ok && !run_result(v->run)) {
        *err = problem;
        return false;
    }
    if (!ok) /* it has diverged, as the run may have done */
        *event = RUN_DONE;
    if ((*event == RUN_EPOCH || *event == RUN_WINDOW) && !compare_newest(v, &same, err))
        return false;
    *over = !same || *event == RUN_DONE;
    return *event != RUN_DONE || judge(v, err);
}

const struct run *verify_run(const struct verify *v) {
    return v->run;
}

const struct verify_verdict *verify_verdict(const struct verify *v) {
    return &v->verdict;
}

/* ---- JSON ---- */

static void print_reasons(struct json_writer *w, const char *lines) {
    char line[1024];
    json_key(w, "reasons");
    json_begin_array(w);
    while (lines && *lines) {
        size_t len = strcspn(lines, "\n"), kept = len < sizeof line ? len : sizeof line - 1;
        memcpy(line, lines, kept);
        line[kept] = '\0';
        json_string(w, line);
        lines += len + 1;
    }
    json_end_array(w);
}

static void print_difference(struct json_writer *w, const struct verify_difference *d) {
    json_key(w, "difference");
    if (!d->where.len) {
        json_null(w);
        return;
    }
    json_begin_object(w);
    json_put_string(w, "where", d->where.s);
    json_put_string(w, "path", d->path.s);
    json_put_string(w, "then", d->then.s);
    json_put_string(w, "now", d->now.s);
    json_end_object(w);
}

bool verify_print(const struct verify *v, struct text *out, struct err *err) {
    struct json_writer w = {.out = out, .indent = 2};
    const struct verify_verdict *verdict = &v->verdict;
    json_begin_object(&w);
    json_put_string(&w, "run", v->past.path);
    json_put_bool(&w, "agrees", verdict->agrees);
    json_put_uint(&w, "epochs", verdict->epochs);
    json_put_uint(&w, "windows", verdict->windows);
    json_put_string(&w, "model_digest", finished_text(&v->past, "model_digest"));
    print_difference(&w, &verdict->difference);
    print_reasons(&w, verdict->reasons.s);
    json_end_object(&w);
    text_add(out, "\n");
    return text_ok(out, err);
}
