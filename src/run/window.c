#include "run/window.h"

#include <stdio.h>

#include "base/mem.h"
#include "data/pair.h"
#include "data/weights.h"
#include "run/loss_use.h"

/* ---- the headers ---- */

static const struct shift_spec *spec_of(const struct setup *s) {
    return &s->config->shift;
}

static bool load_files(const struct setup *s, const struct data_files *files, const char *key,
                       struct dataset *out, struct err *err) {
    const struct config *config = s->config;
    struct dataset_terms terms = {.key = key,
                                  .labelled = true,
                                  .features = s->data.features,
                                  .outputs = s->data.outputs,
                                  .classes = s->data.classes};
    return dataset_load_on_terms(files, &terms, &config->data, loss_targets(config->loss.kind), s->team, out,
                                 err);
}

enum { KEY_TEXT = 48 };

/* As messages name window i. */
static const char *key_of(size_t i, char key[KEY_TEXT]) {
    snprintf(key, KEY_TEXT, "shift.stream.%zu", i);
    return key;
}

/* A table has no header that says how many rows there are. */
static bool count_table(const struct setup *s, size_t i, size_t *rows, struct err *err) {
    struct dataset set = {0};
    char key[KEY_TEXT];
    if (!load_files(s, &spec_of(s)->stream[i], key_of(i, key), &set, err))
        return false;
    *rows = set.images.rows;
    dataset_release(&set);
    return true;
}

static bool count_images(const struct setup *s, const struct pair *pair, size_t *rows, struct err *err) {
    const char *const *path = (const char *const *)pair->path;
    struct dataset set = {0};
    struct idx labels = {0};
    bool ok = idx_peek(path[PAIR_IMAGES], &set.images, err) && idx_peek(path[PAIR_LABELS], &labels, err);
    set.features = set.images.width;
    ok = ok && images_fit(&set, path[PAIR_IMAGES], s->data.features, err) &&
         (labels.rows == set.images.rows ||
          err_set(err, ERR_DATA, "%s: expected as many labels as images, %zu, found %zu", path[PAIR_LABELS],
                  set.images.rows, labels.rows));
    *rows = set.images.rows;
    return ok;
}

/* *rows: of window i. */
static bool peek(const struct setup *s, size_t i, size_t *rows, struct err *err) {
    const struct data_files *files = &spec_of(s)->stream[i];
    struct pair pair;
    char key[KEY_TEXT];
    if (files->file)
        return count_table(s, i, rows, err);
    if (!pair_init(&pair, &s->config->data, files, key_of(i, key), true, err))
        return false;
    bool ok = count_images(s, &pair, rows, err) || err_prefix(err, "%s", key);
    pair_release(&pair);
    return ok;
}

bool windows_check(const struct setup *s, struct err *err) {
    size_t rows;
    for (size_t i = 0; i < spec_of(s)->stream_count; i++)
        if (!peek(s, i, &rows, err))
            return false;
    return true;
}

size_t windows_samples(const struct setup *s) {
    size_t all = 0;
    for (size_t i = 0; i < spec_of(s)->stream_count; i++) {
        struct err ignored;
        size_t rows;
        if (peek(s, i, &rows, &ignored))
            all += rows;
    }
    return all;
}

/* ---- a window ---- */

static bool check_replay(const struct window *w, const struct setup *s, const char *key, struct err *err) {
    enum idx_type type = w->set.images.type, before = s->data.train.set->images.type;
    return spec_of(s)->replay == 0 || type == before ||
           err_set(err, ERR_CONFIG,
                   "%s: its images are %s and those of data.train %s, which shift.replay mixes", key,
                   idx_type_name(type), idx_type_name(before));
}

static bool is_blank(const struct window *w, const double *class_weight) {
    bool blank = class_weight != NULL;
    for (size_t i = 0; blank && i < w->all.count; i++)
        blank = !(class_weight[w->set.cls[data_row(&w->all, i)]] > 0);
    return blank;
}

bool window_load(struct window *w, const struct setup *s, size_t i, struct err *err) {
    char key[KEY_TEXT];
    key_of(i, key);
    window_release(w);
    if (!load_files(s, &spec_of(s)->stream[i], key, &w->set, err) || !check_replay(w, s, key, err)) {
        window_release(w);
        return false;
    }
    w->all = w->learned = dataset_all(&w->set);
    w->blank = is_blank(w, s->config->loss.class_weight);
    return true;
}

/* By the config's class weights, or balanced over the part itself. */
static bool weigh(const struct setup *s, struct data_part *part, real **memory, struct err *err) {
    const struct loss_spec *loss = &s->config->loss;
    const double *class_weight = loss->class_weight;
    double *balanced = NULL;
    if (!loss->balanced && !class_weight)
        return true;
    if (loss->balanced) {
        balanced = mem_alloc(s->data.outputs, sizeof *balanced, "the class weights", err);
        if (!balanced)
            return false;
        data_balance(part, s->data.outputs, balanced);
        class_weight = balanced;
    }
    part->weight = *memory = weights_of_part(part, class_weight, "window's", err);
    mem_free(balanced);
    return part->weight != NULL;
}

bool window_join(struct window *w, const struct setup *s, const struct reservoir *reservoir,
                 struct err *err) {
    if (reservoir && reservoir->held.images.rows > 0) {
        if (!dataset_join(&w->set, &reservoir->held, &w->joined, err))
            return false;
        w->learned = dataset_all(&w->joined);
    }
    return weigh(s, &w->all, &w->weight[0], err) && weigh(s, &w->learned, &w->weight[1], err);
}

void window_release(struct window *w) {
    dataset_release(&w->set);
    dataset_release(&w->joined);
    mem_free(w->weight[0]);
    mem_free(w->weight[1]);
    *w = (struct window){0};
}
