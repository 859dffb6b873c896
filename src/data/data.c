#include "base/mem.h"
#include "data/dataset.h"
#include "data/labels.h"
#include "data/pair.h"
#include "data/split.h"

enum { TRAIN, VALIDATION, TEST, PARTS = DATA_PARTS };

/* Checks a further set against what the training set has fixed. */
static bool check_part(const struct data *data, const struct dataset *set, const struct pair *pair,
                       struct err *err) {
    return images_fit(set, pair->path[PAIR_IMAGES], data->features, err) &&
           labels_fit(set, pair->path[PAIR_LABELS], data->outputs, data->classes, err);
}

static size_t outputs_of(const struct dataset *train, const struct data_spec *spec) {
    size_t from_labels = train->class_count > 2 ? train->class_count : 2;
    return !train->cls ? train->target_width : spec->class_count > 0 ? spec->class_count : from_labels;
}

static bool make_sets(struct pair pair[PARTS], const struct data_spec *spec, enum target_use use,
                      struct data *out, struct err *err) {
    struct dataset *set[PARTS] = {&out->train_set, &out->validation_set, &out->test_set};
    struct data_part *part[PARTS] = {&out->train, &out->validation, &out->test};
    for (size_t p = 0; p < PARTS; p++) {
        if (!pair_given(&pair[p]))
            continue;
        if (!pair_to_dataset(&pair[p], spec, use, set[p], err))
            return false;
        *part[p] = dataset_all(set[p]);
        if (p == TRAIN) {
            out->features = set[p]->features;
            out->classes = set[p]->cls != NULL;
            out->outputs = outputs_of(set[p], spec);
        } else if (!check_part(out, set[p], &pair[p], err)) {
            return false;
        }
    }
    return true;
}

static bool split_validation(const struct data_spec *spec, uint64_t seed, struct data *data,
                             struct err *err) {
    size_t train = 0, n = data->train_set.images.rows;
    bool stratify = spec->validation_stratify == STRATIFY_AUTO ? data->classes : spec->validation_stratify;
    if (!split_rows(&data->train_set, spec->validation_fraction, stratify, seed, &data->split, &train, err))
        return false;
    data->train = (struct data_part){.set = &data->train_set, .row = data->split, .count = train};
    data->validation =
        (struct data_part){.set = &data->train_set, .row = data->split + train, .count = n - train};
    return true;
}

static bool open_train(struct pair *pair, const struct data_spec *spec, struct err *err) {
    return pair_init(pair, spec->root, &spec->train, "data.train", true, err) &&
           (pair_given(pair) ||
            err_set(err, ERR_CONFIG, "data.train: is missing, expected images and labels"));
}

/* Fills the zeroed *out, which the caller releases on failure. */
static bool load(struct pair pair[PARTS], const struct data_spec *spec, enum target_use use, uint64_t seed,
                 struct team *team, const struct data_beside *beside, struct data *out, struct err *err) {
    if (!open_train(&pair[TRAIN], spec, err) ||
        !pair_init(&pair[VALIDATION], spec->root, &spec->validation, "data.validation", true, err) ||
        !pair_init(&pair[TEST], spec->root, &spec->test, "data.test", true, err))
        return false;
    if (spec->validation_fraction > 0 && pair_given(&pair[VALIDATION]))
        return err_set(err, ERR_CONFIG, "data.validation.fraction: cannot be used beside validation files");
    if (!pair_read_all(pair, PARTS, team, beside, err) || !make_sets(pair, spec, use, out, err))
        return false;
    if (spec->validation_fraction > 0 && !split_validation(spec, seed, out, err))
        return false;
    return scaling_fit(spec->scale, &out->train, &out->scaling, err);
}

bool data_load_beside(const struct data_spec *spec, enum target_use use, uint64_t seed, struct team *team,
                      const struct data_beside *beside, struct data *out, struct err *err) {
    struct pair pair[PARTS] = {0};
    *out = (struct data){0};
    bool ok = load(pair, spec, use, seed, team, beside, out, err);
    for (size_t p = 0; p < PARTS; p++)
        pair_release(&pair[p]);
    if (!ok)
        data_release(out);
    return ok;
}

bool data_load(const struct data_spec *spec, enum target_use use, uint64_t seed, struct team *team,
               struct data *out, struct err *err) {
    return data_load_beside(spec, use, seed, team, NULL, out, err);
}

bool data_peek(const struct data_spec *spec, enum target_use use, size_t *features, size_t *outputs,
               struct err *err) {
    struct pair pair = {0};
    struct idx images = {0}, labels = {0};
    struct dataset set = {0};
    bool ok = open_train(&pair, spec, err) && idx_peek(pair.path[PAIR_IMAGES], &images, err) &&
              idx_read(pair.path[PAIR_LABELS], &labels, err) &&
              labels_convert(&labels, pair.path[PAIR_LABELS], spec, use, &set, err);
    if (ok) {
        *features = images.width;
        *outputs = outputs_of(&set, spec);
    }
    dataset_release(&set);
    idx_release(&labels);
    pair_release(&pair);
    return ok;
}

void data_release(struct data *data) {
    dataset_release(&data->train_set);
    dataset_release(&data->validation_set);
    dataset_release(&data->test_set);
    dataset_release(&data->joined_set);
    scaling_release(&data->scaling);
    mem_free(data->split);
    for (size_t p = 0; p < PARTS; p++)
        mem_free(data->weight[p]);
    *data = (struct data){0};
}
