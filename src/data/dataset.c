#include "data/dataset.h"

#include "base/mem.h"
#include "data/labels.h"
#include "data/pair.h"

bool dataset_load(const struct data_files *files, const struct data_spec *spec, enum target_use use,
                  struct team *team, struct dataset *out, struct err *err) {
    struct pair pair;
    if (!pair_init(&pair, spec, files, "data.test", true, err))
        return false;
    bool ok =
        pair_given(&pair) || err_set(err, ERR_CONFIG, "data.test: is missing, expected images and labels");
    ok = ok && pair_read_all(&pair, 1, team, NULL, err) && pair_to_dataset(&pair, spec, use, out, err);
    pair_release(&pair);
    return ok;
}

static bool load_on_terms(struct pair *pair, const struct dataset_terms *terms, const struct data_spec *spec,
                          enum target_use use, struct team *team, struct dataset *out, struct err *err) {
    struct dataset set = {0};
    bool ok = pair_read_all(pair, 1, team, NULL, err) && pair_to_dataset(pair, spec, use, &set, err) &&
              pair_fits(pair, &set, terms->features, terms->outputs, terms->classes, err);
    if (ok)
        *out = set;
    else
        dataset_release(&set);
    return ok || (err->kind == ERR_DATA && terms->key && err_prefix(err, "%s", terms->key));
}

bool dataset_load_on_terms(const struct data_files *files, const struct dataset_terms *terms,
                           const struct data_spec *spec, enum target_use use, struct team *team,
                           struct dataset *out, struct err *err) {
    struct pair pair;
    if (!pair_init(&pair, spec, files, terms->key ? terms->key : "data.train", terms->labelled, err))
        return false;
    bool ok = pair_given(&pair) || err_set(err, ERR_CONFIG, "%s: is missing, expected images%s", terms->key,
                                           terms->labelled ? " and labels" : "");
    ok = ok && load_on_terms(&pair, terms, spec, use, team, out, err);
    pair_release(&pair);
    return ok;
}

bool dataset_fits(const struct dataset *set, const struct data_files *files, size_t features, size_t outputs,
                  bool classes, struct err *err) {
    return images_fit(set, files->file ? files->file : files->images, features, err) &&
           labels_fit(set, files->file ? files->file : files->labels, outputs, classes, err);
}

void dataset_release(struct dataset *set) {
    idx_release(&set->images);
    mem_free(set->cls);
    mem_free(set->targets);
    mem_free(set->weight);
    *set = (struct dataset){0};
}

struct data_part dataset_all(const struct dataset *set) {
    return (struct data_part){.set = set, .count = set->images.rows};
}
