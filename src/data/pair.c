#include "data/pair.h"

#include <stdatomic.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/labels.h"
#include "data/values.h"
#include "data/weights.h"

static bool join_paths(struct pair *pair, const char *root, const struct data_files *files, struct err *err) {
    const char *const name[PAIR_FILES] = {files->file ? files->file : files->images, files->labels,
                                          files->weights};
    for (size_t f = 0; f < PAIR_FILES; f++)
        if (name[f] && !(pair->path[f] = file_join(root, name[f], err)))
            return false;
    return true;
}

static bool join_all(struct pair *pair, const struct data_spec *spec, const struct data_files *files,
                     struct err *err) {
    if (join_paths(pair, spec->root, files, err))
        return true;
    pair_release(pair);
    return false;
}

/* The table's own columns, or those of the training files. */
static bool init_table(struct pair *pair, const struct data_spec *spec, const struct data_files *files,
                       const char *key, bool labelled, struct err *err) {
    struct data_files *own = &pair->files;
    pair->is_table = true;
    pair->wish = (struct table_wish){.key = key, .labelled = labelled, .spec = spec};
    *own = *files;
    if (files->images || files->labels)
        return err_set(err, ERR_CONFIG, "%s.file: cannot stand beside images and labels", key);
    if (own->label.count + own->target.count == 0) {
        own->label = spec->train.label, own->target = spec->train.target;
        pair->wish.inherited = true;
    }
    if (own->ignore.count == 0) {
        own->ignore = spec->train.ignore;
        pair->wish.inherited_ignore = true;
    }
    if (own->header == HEADER_AUTO)
        own->header = spec->train.label.count + spec->train.target.count ? spec->train.header : HEADER_AUTO;
    if (!own->delimiter)
        own->delimiter = spec->train.delimiter;
    return !labelled || own->label.count + own->target.count > 0 ||
           err_set(err, ERR_CONFIG,
                   "%s.label: is missing, expected the column of the classes, or \"target\" for numbers",
                   key);
}

bool pair_init(struct pair *pair, const struct data_spec *spec, const struct data_files *files,
               const char *key, bool labelled, struct err *err) {
    *pair = (struct pair){0};
    if (files->file)
        return init_table(pair, spec, files, key, labelled, err) && join_all(pair, spec, files, err);
    if (files->images ? labelled && !files->labels : files->labels != NULL)
        return err_set(err, ERR_CONFIG, "%s.%s: is missing, expected both images and labels", key,
                       files->images ? "labels" : "images");
    if (!files->images && files->weights)
        return err_set(err, ERR_CONFIG, "%s.images: is missing, expected images beside the weights", key);
    return join_all(pair, spec, files, err);
}

bool pair_given(const struct pair *pair) {
    return pair->path[PAIR_IMAGES] != NULL;
}

void pair_release(struct pair *pair) {
    for (size_t f = 0; f < PAIR_FILES; f++) {
        mem_free(pair->path[f]);
        idx_release(&pair->file[f]);
    }
    table_release(&pair->table);
    *pair = (struct pair){0};
}

/* ---- reading ---- */

struct reading {
    struct pair *pair;
    size_t pairs;
    atomic_size_t next;               /* the file that nobody has taken yet */
    struct digest *digest;            /* of each file */
    const struct data_beside *beside; /* or NULL */
    atomic_flag begun;                /* beside is taken */
    size_t *first_fault;              /* per rank: the first of its files that failed, */
    struct err *fault;                /* and why */
};

static bool read_table(struct pair *pair, struct err *err) {
    struct table_wish wish = pair->wish;
    wish.files = &pair->files;
    return table_read(pair->path[PAIR_IMAGES], &wish, &pair->table, err);
}

/* File i in the order in which files are taken and faults reported: first all images, which are large. */
static bool read_one(struct reading *reading, size_t i, struct err *err) {
    struct pair *pair = &reading->pair[i % reading->pairs];
    size_t f = i / reading->pairs;
    if (!pair->path[f])
        return true;
    if (f == PAIR_IMAGES && pair->is_table)
        return read_table(pair, err);
    return f == PAIR_WEIGHTS ? weights_read(pair->path[f], &reading->digest[i], &pair->file[f], err)
                             : idx_read_shared(pair->path[f], &reading->digest[i], &pair->file[f], err);
}

static void read_job(void *arg, size_t rank, size_t size) {
    (void)size;
    struct reading *reading = arg;
    size_t files = reading->pairs * PAIR_FILES, i;
    while ((i = atomic_fetch_add(&reading->next, 1)) < files) {
        struct err err;
        if (!read_one(reading, i, &err) && reading->first_fault[rank] == files) {
            reading->first_fault[rank] = i;
            reading->fault[rank] = err;
        }
    }
    if (reading->beside && !atomic_flag_test_and_set(&reading->begun))
        reading->beside->run(reading->beside->arg);
    /* The training images take longest: who has no file left hashes for their reader. */
    for (i = 0; i < files; i++)
        digest_help(&reading->digest[i]);
}

bool pair_read_all(struct pair *pair, size_t count, struct team *team, const struct data_beside *beside,
                   struct err *err) {
    size_t ranks = team ? team_size(team) : 1, files = count * PAIR_FILES, first = files;
    struct reading reading = {.pair = pair, .pairs = count, .beside = beside, .begun = ATOMIC_FLAG_INIT};
    reading.first_fault = mem_alloc(ranks, sizeof *reading.first_fault, "the list of files", err);
    reading.fault =
        reading.first_fault ? mem_alloc(ranks, sizeof *reading.fault, "the list of files", err) : NULL;
    reading.digest =
        reading.fault ? mem_alloc(files, sizeof *reading.digest, "the list of files", err) : NULL;
    bool ok = reading.digest != NULL;
    if (ok) {
        for (size_t r = 0; r < ranks; r++)
            reading.first_fault[r] = files;
        team_run(team, read_job, &reading);
        for (size_t r = 0; r < ranks; r++)
            if (reading.first_fault[r] < first) {
                first = reading.first_fault[r];
                *err = reading.fault[r];
            }
        ok = first == files;
    }
    mem_free(reading.first_fault);
    mem_free(reading.fault);
    mem_free(reading.digest);
    return ok;
}

/* ---- a pair becomes a dataset ---- */

/* Features and labels take the places of those of IDX files. */
static bool open_table(struct pair *pair, const struct data_spec *spec, struct err *err) {
    struct table *table = &pair->table;
    const char *path = pair->path[PAIR_IMAGES];
    if (!table_arrange(table, path, spec, err) ||
        (table->label && !table_classes(table, path, spec, &pair->file[PAIR_LABELS], err)))
        return false;
    if (table->targets.values) {
        pair->file[PAIR_LABELS] = table->targets;
        table->targets = (struct idx){0};
    }
    pair->file[PAIR_IMAGES] = table->features;
    table->features.values = NULL; /* the width is that of the names */
    return true;
}

static bool has_labels(const struct pair *pair) {
    return pair->is_table ? pair->file[PAIR_LABELS].values != NULL : pair->path[PAIR_LABELS] != NULL;
}

/* The file that the labels are in. */
static const char *labels_path(const struct pair *pair) {
    return pair->path[pair->is_table ? PAIR_IMAGES : PAIR_LABELS];
}

static bool add_labels(const struct pair *pair, const struct data_spec *spec, enum target_use use,
                       struct dataset *set, struct err *err) {
    const struct idx *images = &pair->file[PAIR_IMAGES], *labels = &pair->file[PAIR_LABELS];
    return labels_convert(labels, labels_path(pair), spec, use, set, err) &&
           (images->rows == labels->rows ||
            err_set(err, ERR_DATA,
                    "%s: expected as many labels as images, found %zu labels for the %zu images of %s",
                    pair->path[PAIR_LABELS], labels->rows, images->rows, pair->path[PAIR_IMAGES]));
}

bool pair_to_dataset(struct pair *pair, const struct data_spec *spec, enum target_use use,
                     struct dataset *out, struct err *err) {
    struct idx *images = &pair->file[PAIR_IMAGES];
    if (pair->is_table && !open_table(pair, spec, err))
        return false;
    if (images->dims < 2)
        return err_set(
            err, ERR_DATA,
            "%s: expected images of 2 to 4 dimensions, found 1: it looks like a label file (1 dimension)",
            pair->path[PAIR_IMAGES]);
    struct dataset set = {0};
    bool ok = !has_labels(pair) || add_labels(pair, spec, use, &set, err);
    ok = ok && values_check(images, pair->path[PAIR_IMAGES], err);
    if (ok && pair->path[PAIR_WEIGHTS])
        ok = weights_convert(&pair->file[PAIR_WEIGHTS], pair->path[PAIR_WEIGHTS], images->rows, &set, err);
    if (!ok) {
        dataset_release(&set);
        return false;
    }
    set.images = *images;
    set.features = images->width;
    set.table = pair->is_table;
    *images = (struct idx){0};
    *out = set;
    return true;
}

bool pair_fits(const struct pair *pair, const struct dataset *set, size_t features, size_t outputs,
               bool classes, struct err *err) {
    bool labels = set->cls || set->targets;
    return images_fit(set, pair->path[PAIR_IMAGES], features, err) &&
           (!labels || labels_fit(set, labels_path(pair), outputs, classes, err));
}

bool images_fit(const struct dataset *set, const char *path, size_t features, struct err *err) {
    return set->features == features || err_set(err, ERR_DATA, "%s: expected rows of %zu values, found %zu",
                                                path, features, set->features);
}
