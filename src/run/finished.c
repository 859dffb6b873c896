#include "run/finished.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

/* A confusion matrix of 1024 classes takes some megabytes. */
enum { SUMMARY_MAX = 64 << 20 };

struct json *finished_read_object(const char *path, struct err *err) {
    unsigned char *bytes;
    size_t len;
    if (!file_read(path, SUMMARY_MAX, &bytes, &len, err))
        return NULL;
    struct json *doc =
        json_parse((const char *)bytes, len, (struct json_options){.max_bytes = SUMMARY_MAX}, ERR_DATA, err);
    mem_free(bytes);
    if (!doc) {
        err_prefix(err, "%s", path);
    } else if (!cJSON_IsObject(json_root(doc))) {
        err_set(err, ERR_DATA, "%s: expected an object", path);
        json_free(doc);
        doc = NULL;
    }
    return doc;
}

/* ---- what must be there ---- */

enum member_sort { NUMBER, TEXT };

/* Without these it is no summary of ours. */
static const struct {
    const char *path;
    enum member_sort sort;
} members[] = {{"epochs_run", NUMBER},
               {"stopped_by", TEXT},
               {"seconds.train", NUMBER},
               {"model_digest", TEXT},
               {"version", TEXT}};

bool finished_check_summary(struct json *summary, const char *path, struct err *err) {
    static const char *const sort_name[] = {[NUMBER] = "a number", [TEXT] = "a string"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const cJSON *item = json_at(json_root(summary), members[i].path);
        bool fits = members[i].sort == NUMBER ? cJSON_IsNumber(item) : cJSON_IsString(item);
        if (!fits)
            return err_set(err, ERR_DATA, "%s: %s: expected %s, found %s: it is no summary of a run", path,
                           members[i].path, sort_name[members[i].sort], item ? "something else" : "nothing");
    }
    return true;
}

static bool is_count(double x) {
    return x >= 0 && x <= (double)UINT32_MAX && x == floor(x);
}

/* Predictions that do not give the accuracy of the summary are of another run. */
static bool check_answers(const struct finished *f, const char *path, struct err *err) {
    double accuracy = finished_number(f, "test.accuracy"), rows = (double)f->answers.rows;
    size_t right = answers_right(&f->answers);
    if (fabs(accuracy * rows - (double)right) < .5)
        return true;
    return err_set(err, ERR_DATA, "%s: %zu of %zu rows are right, by summary.json it is %g", path, right,
                   f->answers.rows, accuracy * rows);
}

/* ---- opening ---- */

static bool read_answers(struct finished *f, struct err *err) {
    double samples = finished_number(f, "test.samples");
    char *path = file_join(f->path, "predictions.idx", err);
    bool there, ok = path && file_look(path, &there, err);
    if (ok && there) {
        if (!is_count(samples))
            ok = err_set(err, ERR_DATA, "%s: summary.json beside it has no test.samples", path);
        ok = ok && answers_read(path, (size_t)samples, &f->answers, err) && check_answers(f, path, err);
        f->answered = ok;
    }
    mem_free(path);
    return ok;
}

static bool read_config(struct finished *f, struct err *err) {
    char *path = file_join(f->path, "config.json", err);
    f->config = path ? finished_read_object(path, err) : NULL;
    mem_free(path);
    return f->config != NULL;
}

static bool find_file(const struct finished *f, const char *name, bool *there, struct err *err) {
    char *path = file_join(f->path, name, err);
    bool ok = path && file_look(path, there, err);
    mem_free(path);
    return ok;
}

/* A folder without a summary. */
static bool refuse(const struct finished *f, struct err *err) {
    bool seeds, metrics, config;
    if (!find_file(f, "seeds.json", &seeds, err) || !find_file(f, "metrics.jsonl", &metrics, err) ||
        !find_file(f, "config.json", &config, err))
        return false;
    if (seeds)
        return err_set(err, ERR_DATA, "%s: holds a run of each of several seeds: give %s/seed-1 or the like",
                       f->path, f->path);
    if (metrics || config)
        return err_set(err, ERR_DATA, "%s: the run is not finished: there is no summary.json yet", f->path);
    return err_set(err, ERR_DATA, "%s: is no run directory: there is no summary.json", f->path);
}

static bool find_summary(struct finished *f, bool alone, struct err *err) {
    bool there, finished = false;
    if (!file_look(f->path, &there, err))
        return false;
    if (!there)
        return err_set(err, ERR_DATA, "%s: there is no such run directory", f->path);
    bool folder = file_is_folder(f->path);
    if (!folder && !alone)
        return err_set(err, ERR_DATA, "%s: expected a run directory, found a file", f->path);
    if (folder && !find_file(f, "summary.json", &finished, err))
        return false;
    if (folder && !finished)
        return refuse(f, err);
    f->summary_path = folder ? file_join(f->path, "summary.json", err) : mem_string(f->path, err);
    return f->summary_path && (f->summary = finished_read_object(f->summary_path, err)) &&
           finished_check_summary(f->summary, f->summary_path, err) &&
           (!folder || (read_config(f, err) && read_answers(f, err)));
}

bool finished_open(const char *path, bool alone, struct finished *out, struct err *err) {
    struct finished f = {.path = mem_string(path, err)};
    if (!f.path)
        return false;
    file_strip_slashes(f.path);
    if (!find_summary(&f, alone, err)) {
        finished_release(&f);
        return false;
    }
    *out = f;
    return true;
}

void finished_release(struct finished *f) {
    answers_release(&f->answers);
    json_free(f->config);
    json_free(f->summary);
    mem_free(f->summary_path);
    mem_free(f->path);
    *f = (struct finished){0};
}

/* ---- members ---- */

const cJSON *finished_summary(const struct finished *f) {
    return json_root(f->summary);
}

const cJSON *finished_config(const struct finished *f) {
    return f->config ? json_root(f->config) : NULL;
}

double finished_number(const struct finished *f, const char *path) {
    const cJSON *item = json_at(json_root(f->summary), path);
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

const char *finished_text(const struct finished *f, const char *key) {
    const cJSON *item = json_at(json_root(f->summary), key);
    return cJSON_IsString(item) ? item->valuestring : "";
}
