#include "data/augment.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "data/elastic.h"
#include "data/values.h"
#include "kernel/dmath.h"
#include "kernel/random.h"

/* Larger images are not what this is made for: places of pixels would lose precision, and the weights of an
 * elastic field memory. */
enum { MOST_PIXELS_A_SIDE = 2048 };

/* Elements of the random stream: a block has two numbers. */
enum { DRAW_TURN_SHEAR, DRAW_SHIFT, DRAW_SCALE, DRAW_FLIP };

/* Half-widths of the draws. */
struct limits {
    double rotate, translate, scale, shear;
    bool flip;
};

/* What a thread works with. */
struct room {
    struct dataset staged; /* [lanes] versions; the values are owned */
    real *framed;          /* the image in its border of zeros */
    real *version;         /* [height][padded] */
    real *field, *spare;   /* elastic displacements, NULL without */
};

struct augment {
    struct augment_setup setup;
    size_t height, width, padded;
    bool elastic_on;
    struct elastic elastic;
    struct limits *limits; /* [class_count], or one for all where no class has its own */
    bool by_class;
    struct room *rooms; /* [threads] */
};

/* ---- limits ---- */

static bool moves(const struct limits *l) {
    return l->rotate > 0 || l->translate > 0 || l->scale > 0 || l->shear > 0 || l->flip;
}

static struct limits common_limits(const struct augment_spec *spec) {
    return (struct limits){spec->rotate, spec->translate, spec->scale, spec->shear, spec->flip};
}

bool augment_is_on(const struct augment_spec *spec) {
    struct limits common = common_limits(spec);
    return moves(&common) || spec->elastic.on || spec->class_count > 0;
}

static double own_or(double own, double common) {
    return isnan(own) ? common : own;
}

static struct limits class_limits(const struct augment_class *c, struct limits common) {
    return (struct limits){
        .rotate = own_or(c->rotate, common.rotate),
        .translate = own_or(c->translate, common.translate),
        .scale = own_or(c->scale, common.scale),
        .shear = own_or(c->shear, common.shear),
        .flip = c->flip < 0 ? common.flip : c->flip > 0,
    };
}

static bool check_class(const struct augment_setup *setup, size_t i, struct err *err) {
    const struct augment_class *classes = setup->spec->classes;
    if (setup->class_count == 0)
        return err_set(err, ERR_CONFIG, "augment.classes: needs labels that are classes");
    if (classes[i].cls >= setup->class_count)
        return err_set(err, ERR_CONFIG,
                       "augment.classes.%zu.class: must be below the number of classes, %zu, got %zu", i,
                       setup->class_count, classes[i].cls);
    for (size_t j = 0; j < i; j++)
        if (classes[j].cls == classes[i].cls)
            return err_set(err, ERR_CONFIG, "augment.classes.%zu.class: %zu is that of augment.classes.%zu",
                           i, classes[i].cls, j);
    return true;
}

static bool set_limits(struct augment *a, struct err *err) {
    const struct augment_spec *spec = a->setup.spec;
    a->by_class = spec->class_count > 0;
    for (size_t i = 0; i < spec->class_count; i++)
        if (!check_class(&a->setup, i, err))
            return false;
    size_t count = a->by_class ? a->setup.class_count : 1;
    a->limits = mem_alloc(count, sizeof *a->limits, "the limits of augmentation", err);
    for (size_t c = 0; a->limits && c < count; c++)
        a->limits[c] = common_limits(spec);
    for (size_t i = 0; a->limits && i < spec->class_count; i++)
        a->limits[spec->classes[i].cls] = class_limits(&spec->classes[i], common_limits(spec));
    return a->limits != NULL;
}

static const struct limits *limits_of(const struct augment *a, uint32_t row) {
    return &a->limits[a->by_class ? a->setup.set->cls[row] : 0];
}

/* ---- the map ---- */

/* Uniform within the half-width. */
static double within(double limit, struct random_block b, int half) {
    return limit * (2 * random_unit(b, half) - 1);
}

struct augment_draw augment_draw(const struct augment *a, size_t epoch, uint32_t row) {
    const struct limits *l = limits_of(a, row);
    struct random_block block[DRAW_FLIP + 1];
    for (uint32_t i = 0; i <= DRAW_FLIP; i++)
        block[i] = random_philox(a->setup.seed, STREAM_AUGMENT, (uint32_t)epoch, row, i);
    return (struct augment_draw){
        .rotate = within(l->rotate, block[DRAW_TURN_SHEAR], 0),
        .shear = within(l->shear, block[DRAW_TURN_SHEAR], 1),
        .shift = {within(l->translate, block[DRAW_SHIFT], 0), within(l->translate, block[DRAW_SHIFT], 1)},
        .scale = {1 + within(l->scale, block[DRAW_SCALE], 0), 1 + within(l->scale, block[DRAW_SCALE], 1)},
        .flip = l->flip && random_unit(block[DRAW_FLIP], 0) < 0.5,
    };
}

/* The inverses of the parts in reverse order. With the centre c an image point is p = c + M (q - c - shift).
 */
void augment_map(const struct augment_draw *d, size_t height, size_t width, double map[6]) {
    double turns = fabs(d->rotate) / 360, cosine = dmath_cos_turns(turns);
    double sine = copysign(dmath_sin_turns(turns), d->rotate);
    double x = ((double)width - 1) / 2, y = ((double)height - 1) / 2;
    double across = (d->flip ? -1 : 1) / d->scale[0], along = 1 / d->scale[1];
    map[0] = across * (cosine + d->shear * sine);
    map[1] = across * (sine - d->shear * cosine);
    map[3] = along * -sine;
    map[4] = along * cosine;
    map[2] = x - map[0] * (x + d->shift[0]) - map[1] * (y + d->shift[1]);
    map[5] = y - map[3] * (x + d->shift[0]) - map[4] * (y + d->shift[1]);
}

/* ---- an image ---- */

static void frame(const struct augment *a, const struct idx *images, uint32_t row, real *framed) {
    size_t stride = a->width + RESAMPLE_BORDER;
    for (size_t r = 0; r < a->height; r++)
        values_run(images, row * images->width + r * a->width, a->width, framed + (r + 1) * stride + 1);
}

/* Row `at` of the staged set = the rows of the version without their padding; bytes are rounded half up. */
static void stage(const struct augment *a, const real *version, struct idx *staged, size_t at) {
    for (size_t r = 0; r < a->height; r++, version += a->padded) {
        size_t first = at * staged->width + r * a->width;
        if (staged->type == IDX_U8) {
            uint8_t *to = (uint8_t *)staged->values + first;
            for (size_t c = 0; c < a->width; c++)
                to[c] = (uint8_t)(int)(version[c] + (real)0.5);
        } else {
            memcpy((real *)staged->values + first, version, a->width * sizeof *version);
        }
    }
}

/* field: displacements, or NULL. */
static void resample(struct augment *a, struct room *room, const struct augment_draw *draw, const real *field,
                     uint32_t row, size_t at) {
    double exact[6];
    real map[6];
    augment_map(draw, a->height, a->width, exact);
    for (int i = 0; i < 6; i++)
        map[i] = (real)(exact[i] + (i % 3 == 2)); /* the border is one pixel */
    frame(a, &a->setup.set->images, row, room->framed);
    a->setup.kernel->resample(a->height, a->width, room->framed, map, field, room->version);
    stage(a, room->version, &room->staged.images, at);
}

static void change(struct augment *a, struct room *room, uint32_t epoch, uint32_t row, size_t at) {
    struct augment_draw draw = augment_draw(a, epoch, row);
    if (a->elastic_on)
        elastic_draw(&a->elastic, a->setup.kernel, a->setup.seed, epoch, row, room->spare, room->field);
    resample(a, room, &draw, a->elastic_on ? room->field : NULL, row, at);
}

const struct dataset *augment_row(struct augment *a, size_t thread, const struct augment_draw *draw,
                                  uint32_t row) {
    struct room *room = &a->rooms[thread];
    resample(a, room, draw, NULL, row, 0);
    return &room->staged;
}

static void copy(const struct idx *images, uint32_t row, struct idx *staged, size_t at) {
    if (staged->type == IDX_U8)
        memcpy((uint8_t *)staged->values + at * staged->width,
               (const uint8_t *)images->values + row * images->width, images->width);
    else
        values_run(images, row * images->width, images->width, (real *)staged->values + at * staged->width);
}

const struct dataset *augment_rows(struct augment *a, size_t thread, size_t epoch, const uint32_t *row,
                                   size_t count) {
    struct room *room = &a->rooms[thread];
    assert(count <= a->setup.lanes);
    for (size_t i = 0; i < count; i++)
        if (a->elastic_on || moves(limits_of(a, row[i])))
            change(a, room, (uint32_t)epoch, row[i], i);
        else
            copy(&a->setup.set->images, row[i], &room->staged.images, i);
    return &room->staged;
}

/* ---- making one ---- */

static bool check_images(const struct idx *images, struct err *err) {
    if (images->dims != 3)
        return err_set(err, ERR_CONFIG,
                       "augment: needs images of two dimensions, but those of the training images have %zu",
                       images->dims - 1);
    if (images->dim[1] > MOST_PIXELS_A_SIDE || images->dim[2] > MOST_PIXELS_A_SIDE)
        return err_set(err, ERR_CONFIG, "augment: takes images of at most %d x %d pixels, got %zu x %zu",
                       MOST_PIXELS_A_SIDE, MOST_PIXELS_A_SIDE, images->dim[1], images->dim[2]);
    return true;
}

static bool make_room(const struct augment *a, struct room *room, struct err *err) {
    static const char what[] = "the augmented images of a batch";
    const struct idx *images = &a->setup.set->images;
    bool bytes = images->type == IDX_U8;
    room->staged = (struct dataset){.images = *images, .features = images->width};
    struct idx *staged = &room->staged.images;
    staged->type = bytes ? IDX_U8 : REAL_IS_DOUBLE ? IDX_F64 : IDX_F32;
    staged->rows = staged->dim[0] = a->setup.lanes;
    staged->values = mem_alloc_aligned(staged->rows * staged->width, bytes ? 1 : sizeof(real), what, err);
    if (staged->values)
        room->framed = mem_alloc_aligned((a->height + RESAMPLE_BORDER) * (a->width + RESAMPLE_BORDER),
                                         sizeof(real), what, err);
    if (room->framed)
        room->version = mem_alloc_aligned(a->height * a->padded, sizeof(real), what, err);
    if (!a->elastic_on || !room->version)
        return room->version != NULL;
    room->field = mem_alloc_aligned(elastic_room(&a->elastic), sizeof(real), what, err);
    if (room->field)
        room->spare = mem_alloc_aligned(elastic_room(&a->elastic), sizeof(real), what, err);
    return room->spare != NULL;
}

size_t augment_bytes(const struct augment_setup *setup) {
    const struct idx *images = &setup->set->images;
    size_t element = images->type == IDX_U8 ? 1 : sizeof(real), fields = setup->spec->elastic.on ? 4 : 0;
    size_t padded = images->dim[2] + KERNEL_LANES, image = (images->dim[1] + RESAMPLE_BORDER) * padded;
    return setup->threads * (setup->lanes * images->width * element + (2 + fields) * image * sizeof(real));
}

struct augment *augment_create(const struct augment_setup *setup, struct err *err) {
    const struct idx *images = &setup->set->images;
    if (!check_images(images, err))
        return NULL;
    struct augment *a = mem_alloc(1, sizeof *a, "augmentation", err);
    if (!a)
        return NULL;
    *a = (struct augment){.setup = *setup, .height = images->dim[1], .width = images->dim[2]};
    a->padded = (a->width + KERNEL_LANES - 1) / KERNEL_LANES * KERNEL_LANES;
    a->elastic_on = setup->spec->elastic.on;
    bool ok = set_limits(a, err);
    if (ok && a->elastic_on)
        ok = elastic_init(&a->elastic, &setup->spec->elastic, a->height, a->width, err);
    if (ok)
        a->rooms = mem_alloc(setup->threads, sizeof *a->rooms, "augmentation", err);
    ok = ok && a->rooms;
    for (size_t t = 0; ok && t < setup->threads; t++)
        ok = make_room(a, &a->rooms[t], err);
    if (ok)
        return a;
    augment_free(a);
    return NULL;
}

void augment_free(struct augment *a) {
    if (!a)
        return;
    for (size_t t = 0; a->rooms && t < a->setup.threads; t++) {
        mem_free(a->rooms[t].staged.images.values);
        mem_free(a->rooms[t].framed);
        mem_free(a->rooms[t].version);
        mem_free(a->rooms[t].field);
        mem_free(a->rooms[t].spare);
    }
    mem_free(a->rooms);
    mem_free(a->limits);
    elastic_release(&a->elastic);
    mem_free(a);
}
