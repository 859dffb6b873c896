/* Training and validation part as one. */
#include <string.h>

#include "base/mem.h"
#include "data/dataset.h"

bool data_can_unite(const struct data *data, struct err *err) {
    const struct dataset *a = &data->train_set, *b = data->validation.set;
    if (a->images.type != b->images.type)
        return err_set(err, ERR_CONFIG, "the images of data.train are %s and those of data.validation %s",
                       idx_type_name(a->images.type), idx_type_name(b->images.type));
    return b == a || a->images.rows <= UINT32_MAX - b->images.rows ||
           err_set(err, ERR_CONFIG, "data.train and data.validation have too many rows together");
}

/* A new array of the elements of a and then those of b. */
static void *join(const void *a, size_t count_a, const void *b, size_t count_b, size_t size,
                  struct err *err) {
    char *out = mem_alloc_aligned(count_a + count_b, size, "the joined training data", err);
    if (!out)
        return NULL;
    memcpy(out, a, count_a * size);
    memcpy(out + count_a * size, b, count_b * size);
    return out;
}

/* What the rows of both weigh by their files; those without one weigh 1. NULL: all do. */
static bool join_weights(const struct dataset *a, const struct dataset *b, double **out, struct err *err) {
    size_t m = a->images.rows, n = b->images.rows;
    if (!a->weight && !b->weight)
        return true;
    double *weight = mem_alloc_aligned(m + n, sizeof *weight, "the joined training data", err);
    for (size_t i = 0; weight && i < m + n; i++) {
        const double *from = i < m ? a->weight : b->weight;
        weight[i] = from ? from[i < m ? i : i - m] : 1;
    }
    *out = weight;
    return weight != NULL;
}

bool dataset_join(const struct dataset *a, const struct dataset *b, struct dataset *out, struct err *err) {
    struct dataset set = {
        .images = a->images,
        .features = a->features,
        .target_width = a->target_width,
        .class_count = a->class_count > b->class_count ? a->class_count : b->class_count,
    };
    size_t m = a->images.rows, n = b->images.rows, width = a->images.width, targets = a->target_width;
    set.images.sha256[0] = '\0';
    set.images.rows = set.images.dim[0] = m + n;
    set.images.values =
        join(a->images.values, m * width, b->images.values, n * width, idx_type_size(a->images.type), err);
    bool ok = set.images.values != NULL;
    if (ok && a->cls)
        ok = (set.cls = join(a->cls, m, b->cls, n, sizeof *set.cls, err)) != NULL;
    if (ok && a->targets)
        ok = (set.targets =
                  join(a->targets, m * targets, b->targets, n * targets, sizeof *set.targets, err)) != NULL;
    if (ok)
        ok = join_weights(a, b, &set.weight, err);
    if (ok)
        *out = set;
    else
        dataset_release(&set);
    return ok;
}

bool data_unite(struct data *data, struct err *err) {
    struct scaling scaling;
    const struct dataset *all = &data->train_set;
    if (!data_can_unite(data, err))
        return false;
    if (data->validation.set != all) {
        if (!dataset_join(all, data->validation.set, &data->joined_set, err))
            return false;
        all = &data->joined_set;
    }
    struct data_part train = dataset_all(all);
    if (!scaling_fit(data->scaling.kind, &train, &scaling, err))
        return false;
    scaling_release(&data->scaling);
    data->scaling = scaling;
    data->train = train;
    data->validation = (struct data_part){0};
    return true;
}
