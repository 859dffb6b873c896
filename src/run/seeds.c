#include "run/seeds.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "run/folder.h"

static const char record[] = "seeds.json";

/* ---- the folder ---- */

char *seeds_folder(const char *folder, uint64_t seed, struct err *err) {
    char name[32];
    snprintf(name, sizeof name, "seed-%" PRIu64, seed);
    return file_join(folder, name, err);
}

static bool refuse(const char *folder, const char *name, const char *what, struct err *err) {
    char *path = file_join(folder, name, err);
    if (!path)
        return false;
    bool there, looked = file_look(path, &there, err);
    mem_free(path);
    return looked &&
           (!there || err_set(err, ERR_SYSTEM,
                              "%s: holds %s: --resume goes on with it, --force replaces it, --out DIR keeps "
                              "it and writes elsewhere",
                              folder, what));
}

static bool refuse_runs(const char *folder, uint64_t first, size_t count, struct err *err) {
    bool ok = refuse(folder, record, "finished runs", err);
    for (size_t i = 0; i < count && ok; i++) {
        char *one = seeds_folder(folder, first + i, err);
        ok = one && refuse(one, "summary.json", "a finished run", err) &&
             refuse(one, CHECKPOINT, "a run that was interrupted", err);
        mem_free(one);
    }
    return ok;
}

bool seeds_begin(const char *folder, uint64_t first, size_t count, bool again, struct err *err) {
    return again || refuse_runs(folder, first, count, err);
}

bool seeds_replace(const char *folder, struct err *err) {
    char *path = file_join(folder, record, err);
    bool ok = path && (unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR);
    if (path && !ok)
        err_set(err, ERR_SYSTEM, "%s: cannot remove: %s", path, strerror(errno));
    mem_free(path);
    return ok;
}

bool seeds_write(const char *folder, const struct text *text, struct err *err) {
    char *path = file_join(folder, record, err);
    bool ok = path && file_write(path, text->s, text->len, err);
    mem_free(path);
    return ok;
}

/* ---- figures ---- */

static void release_figure(struct seed_figure *f) {
    mem_free(f->path);
    mem_free(f->value);
    mem_free(f->text);
}

void seeds_release(struct seeds *s) {
    for (size_t i = 0; i < s->figures; i++)
        release_figure(&s->figure[i]);
    mem_free(s->figure);
    mem_free(s->run);
    *s = (struct seeds){0};
}

/* How many numbers and texts the tree has, lists of lists aside. */
static size_t count_leaves(const cJSON *item, bool in_list) {
    size_t count = 0;
    bool list = cJSON_IsArray(item);
    if (list && in_list)
        return 0;
    if (!list && !cJSON_IsObject(item))
        return 1;
    for (const cJSON *child = item->child; child; child = child->next)
        count += count_leaves(child, list);
    return count;
}

static bool add_leaf(struct seeds *s, const char *path, const struct figure *f, struct err *err) {
    struct seed_figure figure = {.path = mem_string(path, err)};
    if (figure.path && f->kind == FIGURE_NUMBER)
        figure.value = mem_alloc(s->room, sizeof *figure.value, "the figures of all seeds", err);
    else if (figure.path)
        figure.text = mem_string(f->text, err);
    if (!figure.value && !figure.text) {
        mem_free(figure.path);
        return false;
    }
    s->figure[s->figures++] = figure;
    return true;
}

/* Lists the leaves of the first summary. */
static bool add_leaves(struct seeds *s, const cJSON *root, const cJSON *item, bool in_list, struct text *path,
                       struct err *err) {
    size_t len = path->len, i = 0;
    bool list = cJSON_IsArray(item), ok = true;
    if (list && in_list)
        return true;
    if (!list && !cJSON_IsObject(item)) {
        const struct figure figure = figure_of_summary(root, path->s);
        return figure.kind == FIGURE_ABSENT || add_leaf(s, path->s, &figure, err);
    }
    for (const cJSON *child = item->child; child && ok; child = child->next, i++) {
        if (list)
            text_addf(path, ".%zu", i);
        else
            text_addf(path, "%s%s", len ? "." : "", child->string);
        ok = text_ok(path, err) && add_leaves(s, root, child, list, path, err);
        if (path->s)
            path->s[path->len = len] = '\0';
    }
    return ok;
}

static bool list_figures(struct seeds *s, const cJSON *root, struct err *err) {
    struct text path = {0};
    s->figure = mem_alloc(count_leaves(root, false), sizeof *s->figure, "the figures of all seeds", err);
    bool ok = s->figure && add_leaves(s, root, root, false, &path, err);
    text_release(&path);
    return ok;
}

static bool make_room(struct seeds *s, struct err *err) {
    size_t room = s->room ? 2 * s->room : 8;
    if (s->runs < s->room)
        return true;
    struct seed_run *run = mem_alloc(room, sizeof *run, "the runs of all seeds", err);
    if (!run)
        return false;
    if (s->runs)
        memcpy(run, s->run, s->runs * sizeof *run);
    mem_free(s->run);
    s->run = run;
    for (size_t i = 0; i < s->figures; i++) {
        struct seed_figure *f = &s->figure[i];
        double *value = f->value ? mem_alloc(room, sizeof *value, "the figures of all seeds", err) : NULL;
        if (f->value && !value)
            return false;
        if (value)
            memcpy(value, f->value, s->runs * sizeof *value);
        mem_free(f->value);
        f->value = value;
    }
    s->room = room;
    return true;
}

/* Whether the run has the figure as well, which is then taken in. */
static bool take(const struct seeds *s, struct seed_figure *f, const cJSON *root) {
    const struct figure figure = figure_of_summary(root, f->path);
    if (f->text)
        return figure.kind == FIGURE_TEXT && strcmp(figure.text, f->text) == 0;
    if (figure.kind == FIGURE_NUMBER)
        f->value[s->runs] = figure.number;
    return figure.kind == FIGURE_NUMBER;
}

static void take_all(struct seeds *s, const cJSON *root) {
    size_t kept = 0;
    for (size_t i = 0; i < s->figures; i++) {
        if (take(s, &s->figure[i], root))
            s->figure[kept++] = s->figure[i];
        else
            release_figure(&s->figure[i]);
    }
    s->figures = kept;
}

bool seeds_add(struct seeds *s, uint64_t seed, const char *summary, struct err *err) {
    size_t len = strlen(summary);
    struct json *doc = json_parse(summary, len, (struct json_options){.max_bytes = len + 1}, ERR_SYSTEM, err);
    const cJSON *root = doc ? json_root(doc) : NULL;
    bool ok = root && make_room(s, err) && (s->runs > 0 || list_figures(s, root, err));
    if (ok) {
        take_all(s, root);
        const struct figure digest = figure_of_summary(root, "model_digest");
        s->run[s->runs].seed = seed;
        snprintf(s->run[s->runs].digest, sizeof s->run->digest, "%s", digest.text ? digest.text : "");
        s->runs++;
    }
    json_free(doc);
    return ok;
}

/* ---- statistics ---- */

long seeds_find(const struct seeds *s, const char *path) {
    for (size_t i = 0; i < s->figures; i++)
        if (strcmp(s->figure[i].path, path) == 0)
            return (long)i;
    return -1;
}

/* From the first value on, so that equal values have exactly their value as mean. */
struct seed_statistics seeds_statistics(const struct seeds *s, size_t figure) {
    const double *x = s->figure[figure].value;
    double sum = 0, squares = 0, n = (double)s->runs;
    struct seed_statistics out = {.min = x[0], .max = x[0]};
    for (size_t i = 0; i < s->runs; i++) {
        sum += x[i] - x[0];
        out.min = x[i] < out.min ? x[i] : out.min;
        out.max = x[i] > out.max ? x[i] : out.max;
    }
    out.mean = x[0] + sum / n;
    for (size_t i = 0; i < s->runs; i++)
        squares += (x[i] - out.mean) * (x[i] - out.mean);
    out.deviation = s->runs > 1 ? sqrt(squares / (n - 1)) : (double)NAN;
    return out;
}

struct figure figure_of_seeds(const void *source, const char *path) {
    const struct seeds *s = source;
    long i = seeds_find(s, path);
    if (i < 0)
        return (struct figure){.kind = FIGURE_ABSENT};
    if (s->figure[i].text)
        return (struct figure){.kind = FIGURE_TEXT, .text = s->figure[i].text};
    return (struct figure){.kind = FIGURE_NUMBER, .number = seeds_statistics(s, (size_t)i).mean};
}

/* ---- printing ---- */

static void print_figure(struct json_writer *w, const struct seeds *s, size_t i) {
    const struct seed_statistics statistics = seeds_statistics(s, i);
    json_key(w, s->figure[i].path);
    json_begin_object(w);
    json_put_number(w, "mean", statistics.mean);
    json_key(w, "sd");
    if (isnan(statistics.deviation))
        json_null(w);
    else
        json_number(w, statistics.deviation);
    json_put_number(w, "min", statistics.min);
    json_put_number(w, "max", statistics.max);
    json_put_numbers(w, "values", s->figure[i].value, s->runs);
    json_end_object(w);
}

bool seeds_print(const struct seeds *s, const char *name, const struct expectations *expectations,
                 struct text *out, struct err *err) {
    struct json_writer w = {.out = out, .indent = 2};
    json_begin_object(&w);
    json_put_string(&w, "name", name);
    json_key(&w, "runs");
    json_begin_array(&w);
    for (size_t i = 0; i < s->runs; i++) {
        json_begin_object(&w);
        json_put_uint(&w, "seed", s->run[i].seed);
        json_put_string(&w, "model_digest", s->run[i].digest);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_key(&w, "figures");
    json_begin_object(&w);
    for (size_t i = 0; i < s->figures; i++)
        if (s->figure[i].value)
            print_figure(&w, s, i);
    json_end_object(&w);
    if (expectations->count)
        expectations_print(&w, expectations);
    json_end_object(&w);
    text_add(out, "\n");
    return text_ok(out, err);
}
