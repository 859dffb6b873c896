#include "run/infer.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/names.h"
#include "data/values.h"
#include "data/weights.h"
#include "run/loss_use.h"
#include "run/setup.h"
#include "run/summary.h"

bool inference_open(const char *model_path, size_t threads, const char *isa, const char *precision,
                    struct inference *out, struct err *err) {
    struct inference i = {.path = model_path};
    if (!kernel_known(isa, err) || !model_file_load(model_path, &i.saved, err))
        return false;
    if (precision)
        i.saved.config.precision = names_find(precision_name, precision);
    i.kernel = kernel_find(isa, (enum precision)i.saved.config.precision, err);
    i.team = i.kernel ? setup_team(threads, err) : NULL;
    if (!i.team) {
        saved_model_release(&i.saved);
        return false;
    }
    *out = i;
    return true;
}

struct calibrated inference_calibrated(const struct inference *i) {
    return (struct calibrated){i->kernel, i->team, i->saved.model, &i->saved.scaling,
                               i->saved.config.loss.kind};
}

void inference_release(struct inference *inference) {
    team_free(inference->team);
    saved_model_release(&inference->saved);
    *inference = (struct inference){0};
}

/* ---- evaluation ---- */

/* The names that MNIST's test files go by in its many copies. */
static const struct {
    const char *images, *labels;
} test_names[] = {
    {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"},
    {"test-images-idx3-ubyte", "test-labels-idx1-ubyte"},
    {"t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"},
    {"qmnist-test-images-idx3-ubyte", "qmnist-test-labels-idx2-int"},
};

static const char *const suffixes[] = {".gz", ""};

enum {
    TEST_NAMES = sizeof test_names / sizeof test_names[0],
    SUFFIXES = sizeof suffixes / sizeof suffixes[0]
};

/* The path of name in the folder with one of the suffixes, or NULL; *ok is false where memory is
 * exhausted. */
static char *find_file(const char *folder, const char *name, bool *ok, struct err *err) {
    for (size_t s = 0; s < SUFFIXES; s++) {
        struct text path = {0};
        text_addf(&path, "%s/%s%s", folder, name, suffixes[s]);
        *ok = text_ok(&path, err);
        if (*ok && file_exists(path.s)) {
            char *found = mem_string(path.s, err);
            *ok = found != NULL;
            text_release(&path);
            return found;
        }
        text_release(&path);
        if (!*ok)
            return NULL;
    }
    return NULL;
}

bool inference_find_files(const char *folder, struct data_files *out, struct err *err) {
    if (!file_is_folder(folder))
        return err_set(err, ERR_DATA, "%s: %s", folder,
                       file_exists(folder) ? "is not a folder" : "there is no such folder");
    for (size_t i = 0; i < TEST_NAMES; i++) {
        bool ok;
        struct data_files files = {.images = find_file(folder, test_names[i].images, &ok, err)};
        if (!ok)
            return false;
        if (!files.images)
            continue;
        files.labels = find_file(folder, test_names[i].labels, &ok, err);
        if (files.labels) {
            *out = files;
            return true;
        }
        mem_free(files.images);
        return ok ? err_set(err, ERR_DATA, "%s: has %s but not %s, with or without .gz", folder,
                            test_names[i].images, test_names[i].labels)
                  : false;
    }
    return err_set(
        err, ERR_DATA,
        "%s: has no test files: expected %s and %s, or test-images-idx3-ubyte and so on, with or without .gz",
        folder, test_names[0].images, test_names[0].labels);
}

/* Which column has the labels must be said by the files or by the table that the model was trained on. */
static bool check_label(const struct inference *inference, const struct data_files *files, struct err *err) {
    const struct data_files *train = &inference->saved.config.data.train;
    return !files->file || files->label.count + files->target.count > 0 ||
           train->label.count + train->target.count > 0 ||
           err_set(
               err, ERR_DATA,
               "%s: is a table, and %s, which was trained on IDX files, does not say which of its columns "
               "has the labels: name it in data.test, for --config",
               files->file, inference->path);
}

/* Loads the pair. A label column that is none of these labels is a fault of whoever chose it. */
static bool load_labelled(const struct inference *inference, const struct data_files *files,
                          long label_column, struct dataset *out, struct err *err) {
    const struct saved_model *saved = &inference->saved;
    struct data_spec spec = saved->config.data;
    if (!check_label(inference, files, err))
        return false;
    if (label_column >= 0)
        spec.label_column = label_column;
    if (dataset_load(files, &spec, loss_targets(saved->config.loss.kind), inference->team, out, err))
        return true;
    if (err->kind == ERR_CONFIG && label_column < 0 && !files->file) {
        err->kind = ERR_DATA;
        err_prefix(err, "%s", inference->path);
    }
    return false;
}

/* The plain figures and what the temperature, if there is one, makes of them. */
static bool evaluate(const struct inference *inference, const struct data_part *part,
                     struct inference_report *out, struct err *err) {
    const struct saved_model *saved = &inference->saved;
    const struct calibrated model = inference_calibrated(inference);
    out->calibration = (struct calibration){.temperature = saved->temperature};
    if (!fit_evaluate(inference->kernel, inference->team, saved->model, part, &saved->scaling,
                      &out->evaluation, err))
        return false;
    if (isnan(saved->temperature) ||
        calibrate_measure(&model, part, saved->temperature, &out->calibration.test, err))
        return true;
    evaluation_release(&out->evaluation);
    return false;
}

bool inference_evaluate(const struct inference *inference, const struct data_files *files, long label_column,
                        struct inference_report *out, struct err *err) {
    const struct saved_model *saved = &inference->saved;
    const struct model *model = saved->model;
    struct dataset set = {0};
    if (!load_labelled(inference, files, label_column, &set, err))
        return false;
    struct data_part part = dataset_all(&set);
    real *weight = set.weight ? weights_of_part(&part, NULL, "test", err) : NULL;
    part.weight = weight;
    /* Classes stand for rows of probabilities as well; rows do not stand for classes. */
    bool classes = saved->classes || set.cls != NULL;
    bool ok = !set.weight == !weight &&
              dataset_fits(&set, files, model->features, model->outputs, classes, err) &&
              evaluate(inference, &part, out, err);
    if (!ok && err->kind == ERR_DIVERGED)
        err_set(err, ERR_DATA, "%s: the model's loss is not finite on %s%s%s", inference->path,
                files->file ? files->file : files->images, files->file ? "" : " with ",
                files->file ? "" : files->labels);
    if (ok) {
        out->table = set.table;
        memcpy(out->images_sha256, set.images.sha256, SHA256_HEX);
        memcpy(out->labels_sha256, set.labels_sha256, SHA256_HEX);
        memcpy(out->weights_sha256, set.weights_sha256, SHA256_HEX);
    }
    mem_free(weight);
    dataset_release(&set);
    return ok;
}

void inference_report_release(struct inference_report *report) {
    evaluation_release(&report->evaluation);
}

bool inference_print(const struct inference *inference, const struct inference_report *report,
                     const char *model_path, struct text *out, struct err *err) {
    struct json_writer w = {.out = out, .indent = 2};
    char digest[SHA256_HEX];
    if (!model_digest(inference->saved.model, digest, err))
        return false;
    json_begin_object(&w);
    json_key(&w, "model");
    json_string(&w, model_path);
    json_key(&w, "model_digest");
    json_string(&w, digest);
    json_key(&w, "test");
    json_begin_object(&w);
    summary_evaluation(&w, &report->evaluation, inference->saved.config.data.class_names);
    json_end_object(&w);
    calibrate_print(&report->calibration, &w);
    json_key(&w, "data");
    json_begin_object(&w);
    json_put_string(&w, report->table ? "file" : "images", report->images_sha256);
    if (!report->table)
        json_put_string(&w, "labels", report->labels_sha256);
    if (*report->weights_sha256) {
        json_key(&w, "weights");
        json_string(&w, report->weights_sha256);
    }
    json_end_object(&w);
    json_end_object(&w);
    text_add(out, "\n");
    return text_ok(out, err);
}

/* ---- predictions ---- */

static bool load_images(const struct inference *inference, const char *path, struct dataset *out,
                        struct err *err) {
    const struct saved_model *saved = &inference->saved;
    struct dataset set = {0};
    if (!idx_read(path, &set.images, err))
        return false;
    set.features = set.images.width;
    bool ok =
        set.features == saved->model->features ||
        err_set(err, ERR_DATA, "%s: expected rows of %zu values, as the model was trained on, found %zu",
                path, saved->model->features, set.features);
    ok = ok && values_check(&set.images, path, err);
    if (ok)
        *out = set;
    else
        dataset_release(&set);
    return ok;
}

/* The columns of both lists, borrowed but for the list itself. */
static bool add_columns(struct columns *to, const struct columns *more, struct err *err) {
    struct columns both = {.count = to->count + more->count};
    both.items = mem_alloc(both.count, sizeof *both.items, "the columns of a table", err);
    if (!both.items)
        return false;
    if (to->count > 0)
        memcpy(both.items, to->items, to->count * sizeof *both.items);
    if (more->count > 0)
        memcpy(both.items + to->count, more->items, more->count * sizeof *both.items);
    mem_free(to->items);
    *to = both;
    return true;
}

/* A table whose labels, if it has any, nobody looks at. */
static bool load_table(const struct inference *inference, char *path, struct dataset *out, struct err *err) {
    const struct saved_model *saved = &inference->saved;
    struct data_spec spec = saved->config.data;
    const struct data_files *train = &saved->config.data.train,
                            files = {.file = path, .delimiter = train->delimiter, .header = train->header};
    const struct dataset_terms terms = {
        .features = saved->model->features, .outputs = saved->model->outputs, .classes = saved->classes};
    struct columns ignore = {0};
    bool ok = add_columns(&ignore, &train->label, err) && add_columns(&ignore, &train->target, err) &&
              add_columns(&ignore, &train->ignore, err);
    spec.train.label = spec.train.target = (struct columns){0};
    spec.train.ignore = ignore;
    ok = ok && dataset_load_on_terms(&files, &terms, &spec, loss_targets(saved->config.loss.kind),
                                     inference->team, out, err);
    mem_free(ignore.items);
    if (!ok && err->kind == ERR_CONFIG) /* the columns of the model do not suit the table */
        err->kind = ERR_DATA;
    return ok;
}

/* By the content, never by the name. */
static bool load_rows(const struct inference *inference, const char *path, struct dataset *out,
                      struct err *err) {
    bool idx;
    if (!idx_looks_like(path, &idx, err))
        return false;
    if (idx)
        return load_images(inference, path, out, err);
    char *own = mem_string(path, err);
    bool ok = own && load_table(inference, own, out, err);
    mem_free(own);
    return ok;
}

bool predictions_open(const struct inference *inference, const char *path, struct predictions *out,
                      struct err *err) {
    const struct saved_model *saved = &inference->saved;
    int loss = saved->config.loss.kind;
    struct predictions p = {
        .inference = inference,
        .path = path,
        .outputs = saved->model->outputs,
        .names_class = saved->classes || loss_is_exclusive(loss),
        .probabilities = loss_predicts_probabilities(loss),
        .class_name = saved->config.data.class_names,
    };
    if (!load_rows(inference, path, &p.images, err))
        return false;
    p.rows = p.images.images.rows;
    *out = p;
    return true;
}

void predictions_release(struct predictions *predictions) {
    dataset_release(&predictions->images);
    *predictions = (struct predictions){0};
}

bool predictions_average(struct predictions *predictions, size_t passes, uint64_t seed, struct err *err) {
    if (!predictions->inference->saved.model->dropout)
        return err_set(err, ERR_USAGE, "%s has no dropout: there is nothing to draw",
                       predictions->inference->path);
    predictions->mc = (struct mc_dropout){passes, seed};
    return true;
}

bool predictions_get(const struct predictions *predictions, size_t first, size_t count, uint32_t *cls,
                     real *out, real *deviation, struct err *err) {
    const struct predictions *p = predictions;
    const struct inference *i = p->inference;
    double temperature = isnan(i->saved.temperature) ? 1 : i->saved.temperature;
    bool ok = p->mc.passes ? fit_predict_mc(i->kernel, i->team, i->saved.model, &p->images, &i->saved.scaling,
                                            first, count, temperature, &p->mc, cls, out, deviation, err)
                           : fit_predict(i->kernel, i->team, i->saved.model, &p->images, &i->saved.scaling,
                                         first, count, temperature, cls, out, err);
    if (!ok)
        return false;
    for (size_t k = 0; k < count * p->outputs; k++)
        if (!isfinite(out[k]))
            return err_set(err, ERR_DATA, "%s: the model's outputs are not finite for row %zu of %s", i->path,
                           first + k / p->outputs, p->path);
    return true;
}
