#include "base/mem.h"
#include "data/columns.h"
#include "data/dataset.h"
#include "data/labels.h"
#include "data/pair.h"
#include "data/split.h"

enum { TRAIN, VALIDATION, TEST, PARTS = DATA_PARTS };

/* Checks a further set against what the training set has fixed. */
static bool check_part(const struct data *data, const struct dataset *set, const struct pair *pair,
                       struct err *err) {
    return pair_fits(pair, set, data->features, data->outputs, data->classes, err);
}

static size_t outputs_of(const struct dataset *train, const struct data_spec *spec) {
    size_t from_labels = train->class_count > 2 ? train->class_count : 2;
    return !train->cls ? train->target_width : spec->class_count > 0 ? spec->class_count : from_labels;
}

/* Takes over what the training table fixes. */
static bool take_facts(struct pair *pair, const struct data_spec *spec, enum target_use use,
                       struct table_facts *facts, struct err *err) {
    struct table *table = &pair->table;
    struct data_spec known = *spec;
    if (!table_name_classes(table, pair->path[PAIR_IMAGES], use == TARGETS_REAL, &known, err))
        return false;
    *facts =
        (struct table_facts){.given = true,
                             .labels_are_numbers = known.labels_are_numbers,
                             .class_names = known.class_names == spec->class_names ? NULL : known.class_names,
                             .class_count = known.class_count,
                             .label = table->columns.label,
                             .target = table->columns.target,
                             .ignore = table->columns.ignore};
    table->columns.label = table->columns.target = table->columns.ignore = (struct columns){0};
    return true;
}

static void facts_release(struct table_facts *facts, size_t features) {
    strings_free(facts->class_names, facts->class_count);
    strings_free(facts->feature_names, features);
    columns_release(&facts->label);
    columns_release(&facts->target);
    columns_release(&facts->ignore);
}

struct data_spec data_spec_known(const struct data *data, const struct data_spec *spec) {
    const struct table_facts *facts = &data->facts;
    struct data_spec known = *spec;
    known.feature_count = data->features;
    if (!facts->given)
        return known;
    known.feature_names = facts->feature_names;
    known.labels_are_numbers = facts->labels_are_numbers;
    known.train.label = facts->label;
    known.train.target = facts->target;
    known.train.ignore = facts->ignore;
    if (facts->class_names) {
        known.class_names = facts->class_names;
        known.class_count = facts->class_count;
    }
    return known;
}

/* Makes the training set and finds out what it fixes. */
static bool make_train(struct pair *pair, const struct data_spec *spec, enum target_use use, struct data *out,
                       struct err *err) {
    if (pair->is_table && !take_facts(pair, spec, use, &out->facts, err))
        return false;
    struct data_spec known = data_spec_known(out, spec);
    if (!pair_to_dataset(pair, &known, use, &out->train_set, err))
        return false;
    out->features = out->train_set.features;
    out->classes = out->train_set.cls != NULL;
    out->outputs = outputs_of(&out->train_set, &known);
    out->facts.feature_names = pair->table.feature;
    pair->table.feature = NULL;
    out->train = dataset_all(&out->train_set);
    return true;
}

static bool make_sets(struct pair pair[PARTS], const struct data_spec *spec, enum target_use use,
                      struct data *out, struct err *err) {
    struct dataset *set[PARTS] = {&out->train_set, &out->validation_set, &out->test_set};
    struct data_part *part[PARTS] = {&out->train, &out->validation, &out->test};
    if (!make_train(&pair[TRAIN], spec, use, out, err))
        return false;
    struct data_spec known = data_spec_known(out, spec);
    for (size_t p = VALIDATION; p < PARTS; p++) {
        if (!pair_given(&pair[p]))
            continue;
        if (!pair_to_dataset(&pair[p], &known, use, set[p], err))
            return false;
        *part[p] = dataset_all(set[p]);
        if (!check_part(out, set[p], &pair[p], err))
            return false;
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
    return pair_init(pair, spec, &spec->train, "data.train", true, err) &&
           (pair_given(pair) ||
            err_set(err, ERR_CONFIG, "data.train: is missing, expected images and labels"));
}

/* Fills the zeroed *out, which the caller releases on failure. */
static bool load(struct pair pair[PARTS], const struct data_spec *spec, enum target_use use, uint64_t seed,
                 struct team *team, const struct data_beside *beside, struct data *out, struct err *err) {
    if (!open_train(&pair[TRAIN], spec, err) ||
        !pair_init(&pair[VALIDATION], spec, &spec->validation, "data.validation", true, err) ||
        !pair_init(&pair[TEST], spec, &spec->test, "data.test", true, err))
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
    bool ok = open_train(&pair, spec, err) &&
              (!pair.is_table || err_set(err, ERR_DATA, "%s: has no header that says it", pair.path[0])) &&
              idx_peek(pair.path[PAIR_IMAGES], &images, err) &&
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
    facts_release(&data->facts, data->features);
    mem_free(data->split);
    for (size_t p = 0; p < PARTS; p++)
        mem_free(data->weight[p]);
    *data = (struct data){0};
}
