#include "run/resample_images.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "data/values.h"

static const char what_images[] = "the resampled images", what_labels[] = "the resampled labels";

bool changer_open(const struct dataset *set, const struct kernel *kernel, bool turns, struct changer *out,
                  struct err *err) {
    *out = (struct changer){.set = set};
    if (!turns)
        return true;
    if (set->images.dims != 3)
        return err_set(err, ERR_CONFIG, "data: only images of two dimensions can be turned, these have %zu",
                       set->images.dims - 1);
    const struct augment_setup setup = {
        .kernel = kernel, .spec = &out->spec, .set = set, .threads = 1, .lanes = 1};
    out->augment = augment_create(&setup, err);
    return out->augment != NULL;
}

void changer_release(struct changer *changer) {
    augment_free(changer->augment);
    *changer = (struct changer){0};
}

/* ---- images ---- */

/* An image whose pixels are multiplied. */
static void brighten(const struct idx *images, size_t row, double factor, struct idx *out, size_t at) {
    for (size_t p = 0; p < images->width; p++) {
        double x = factor * values_number(images, row * images->width + p);
        if (out->type == IDX_U8)
            ((uint8_t *)out->values)[at * out->width + p] = (uint8_t)fmin(255, fmax(0, floor(x + 0.5)));
        else
            ((real *)out->values)[at * out->width + p] = (real)x;
    }
}

static void put_image(struct changer *c, uint32_t row, const struct image_change *change, struct idx *out,
                      size_t at) {
    const struct idx *images = &c->set->images;
    size_t bytes = out->width * idx_type_size(out->type);
    if (!change) {
        memcpy((char *)out->values + at * bytes, (const char *)images->values + row * bytes, bytes);
    } else if (c->augment) {
        const struct augment_draw draw = {.rotate = change->degrees, .scale = {1, 1}};
        const struct dataset *turned = augment_row(c->augment, 0, &draw, row);
        memcpy((char *)out->values + at * bytes, turned->images.values, bytes);
    } else {
        brighten(images, row, change->factor, out, at);
    }
}

bool images_of_rows(struct changer *changer, const uint32_t *row, size_t count,
                    const struct image_change *change, struct idx *out, struct err *err) {
    struct idx images = changer->set->images;
    if (change && images.type != IDX_U8)
        images.type = REAL_IS_DOUBLE ? IDX_F64 : IDX_F32;
    images.rows = images.dim[0] = count;
    images.values = mem_alloc_aligned(count, images.width * idx_type_size(images.type), what_images, err);
    if (!images.values)
        return false;
    for (size_t i = 0; i < count; i++)
        put_image(changer, row[i], change ? &change[i] : NULL, &images, i);
    *out = images;
    return true;
}

/* ---- labels and weights ---- */

static bool make_column(enum idx_type type, size_t count, const char *what, struct idx *out,
                        struct err *err) {
    void *values = mem_alloc_aligned(count, idx_type_size(type), what, err);
    if (values)
        *out = (struct idx){
            .type = type, .dims = 1, .dim = {count}, .rows = count, .width = 1, .values = values};
    return values != NULL;
}

static size_t swapped(size_t cls, const size_t *swap) {
    return !swap ? cls : cls == swap[0] ? swap[1] : cls == swap[1] ? swap[0] : cls;
}

bool labels_of_rows(const struct dataset *set, const uint32_t *row, size_t count, size_t classes,
                    const size_t *swap, struct idx *out, struct err *err) {
    if (!make_column(classes <= UINT8_MAX + 1 ? IDX_U8 : IDX_I32, count, what_labels, out, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t cls = swapped(set->cls[row[i]], swap);
        if (out->type == IDX_U8)
            ((uint8_t *)out->values)[i] = (uint8_t)cls;
        else
            ((int32_t *)out->values)[i] = (int32_t)cls;
    }
    return true;
}

bool weights_as_idx(const double *weight, size_t count, struct idx *out, struct err *err) {
    if (!make_column(IDX_F32, count, "the weights of a resampled set", out, err))
        return false;
    for (size_t i = 0; i < count; i++)
        ((float *)out->values)[i] = (float)weight[i];
    return true;
}
