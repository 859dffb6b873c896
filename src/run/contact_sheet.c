#include "run/contact_sheet.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "data/augment.h"
#include "data/values.h"
#include "run/setup.h"
#include "store/picture.h"

/* Every pixel of an image is ENLARGED x ENLARGED of the picture. */
enum { ENLARGED = 2, GAP = 4, GAP_BEHIND_ORIGINAL = 12, GAP_GREY = 96 };

struct sheet {
    struct contact_sheet size;
    size_t height, width;    /* of an image */
    uint32_t *row;           /* [size.images] rows of the training set; owned */
    struct augment *augment; /* owned */
    double black, white;     /* numbers shown as 0 and 255 */
    uint8_t *pixels;         /* owned */
};

static void sheet_release(struct sheet *s) {
    mem_free(s->pixels);
    mem_free(s->row);
    augment_free(s->augment);
}

/* ---- which images ---- */

static const uint32_t no_position = UINT32_MAX;

static uint32_t row_at(const struct data_part *part, size_t position) {
    return part->row ? part->row[position] : (uint32_t)position;
}

/* Takes the positions of each class from its list in turn: first[class], then next[position]. */
static void take_in_turn(const struct data_part *part, size_t classes, uint32_t *first, const uint32_t *next,
                         struct sheet *s) {
    for (size_t taken = 0, c = 0; taken < s->size.images; c = (c + 1) % classes)
        if (first[c] != no_position) {
            s->row[taken++] = row_at(part, first[c]);
            first[c] = next[first[c]];
        }
}

static bool choose_rows(const struct data *data, struct sheet *s, struct err *err) {
    static const char what[] = "the images of a sheet";
    const struct data_part *part = &data->train;
    size_t classes = data->classes ? data->outputs : 1;
    uint32_t *first = mem_alloc(classes, sizeof *first, what, err);
    uint32_t *next = first ? mem_alloc(part->count, sizeof *next, what, err) : NULL;
    s->row = next ? mem_alloc(s->size.images, sizeof *s->row, what, err) : NULL;
    if (s->row) {
        for (size_t c = 0; c < classes; c++)
            first[c] = no_position;
        for (size_t i = part->count; i-- > 0;) {
            size_t c = data->classes ? part->set->cls[row_at(part, i)] : 0;
            next[i] = first[c];
            first[c] = (uint32_t)i;
        }
        take_in_turn(part, classes, first, next, s);
    }
    mem_free(first);
    mem_free(next);
    return s->row != NULL;
}

/* ---- the picture ---- */

/* The greys of numbers other than bytes: from the least to the largest of the images shown, and of the 0 that
 * is outside of them. */
static void choose_greys(const struct idx *images, struct sheet *s) {
    s->black = 0, s->white = images->type == IDX_U8 ? 255 : 0;
    for (size_t i = 0; images->type != IDX_U8 && i < s->size.images; i++)
        for (size_t p = 0; p < images->width; p++) {
            double x = values_number(images, s->row[i] * images->width + p);
            s->black = fmin(s->black, x), s->white = fmax(s->white, x);
        }
}

static uint8_t grey(const struct sheet *s, double x) {
    double range = s->white - s->black;
    return range > 0 ? (uint8_t)(255 * (x - s->black) / range + 0.5) : 0;
}

/* The image in row `at` of images to its place, enlarged. */
static void draw(struct sheet *s, const struct idx *images, size_t at, size_t i, size_t column) {
    size_t x0 = GAP + column * (ENLARGED * s->width + GAP) + (column ? GAP_BEHIND_ORIGINAL - GAP : 0);
    size_t y0 = GAP + i * (ENLARGED * s->height + GAP);
    for (size_t y = 0; y < s->height * ENLARGED; y++)
        for (size_t x = 0; x < s->width * ENLARGED; x++) {
            size_t pixel = y / ENLARGED * s->width + x / ENLARGED;
            s->pixels[(y0 + y) * s->size.width + x0 + x] =
                grey(s, values_number(images, at * images->width + pixel));
        }
}

static void draw_all(struct sheet *s, const struct idx *images) {
    memset(s->pixels, GAP_GREY, s->size.width * s->size.height);
    choose_greys(images, s);
    for (size_t i = 0; i < s->size.images; i++) {
        draw(s, images, s->row[i], i, 0);
        for (size_t epoch = 1; epoch <= s->size.epochs; epoch++)
            draw(s, &augment_rows(s->augment, 0, epoch, &s->row[i], 1)->images, 0, i, epoch);
    }
}

/* ---- all of it ---- */

static bool measure(const struct data *data, const struct contact_sheet *wish, struct sheet *s,
                    struct err *err) {
    const struct idx *images = &data->train.set->images;
    size_t classes = data->classes ? data->outputs : CONTACT_SHEET_MOST_CLASSES, pixels;
    size_t rows = classes < CONTACT_SHEET_MOST_CLASSES ? classes : CONTACT_SHEET_MOST_CLASSES;
    rows = wish->images ? wish->images : rows;
    s->height = images->dim[1], s->width = images->dim[2];
    s->size.images = rows < data->train.count ? rows : data->train.count;
    s->size.epochs = wish->epochs;
    s->size.width = (1 + wish->epochs) * (ENLARGED * s->width + GAP) + GAP_BEHIND_ORIGINAL;
    s->size.height = s->size.images * (ENLARGED * s->height + GAP) + GAP;
    if (!mem_mul(s->size.width, s->size.height, &pixels) || pixels > PICTURE_MOST_PIXELS)
        return err_set(err, ERR_USAGE,
                       "a sheet of %zu images in %zu epochs has %zu x %zu pixels, more than %d in all",
                       s->size.images, s->size.epochs, s->size.width, s->size.height, PICTURE_MOST_PIXELS);
    return true;
}

static bool make_sheet(const struct setup *setup, const struct contact_sheet *wish, struct sheet *s,
                       struct err *err) {
    const struct data *data = &setup->data;
    const struct augment_setup augment = {
        .kernel = setup->kernel,
        .spec = &setup->config->augment,
        .set = data->train.set,
        .class_count = data->classes ? data->outputs : 0,
        .seed = setup->config->seed,
        .threads = 1,
        .lanes = 1,
    };
    s->augment = augment_create(&augment, err);
    if (!s->augment || !measure(data, wish, s, err) || !choose_rows(data, s, err))
        return false;
    s->pixels = mem_alloc(s->size.width, s->size.height, "a picture", err);
    if (s->pixels)
        draw_all(s, &data->train.set->images);
    return s->pixels != NULL;
}

bool contact_sheet_write(const struct config *config, const char *isa, const struct contact_sheet *wish,
                         const char *path, struct contact_sheet *out, struct err *err) {
    struct setup setup;
    struct sheet s = {0};
    if (!picture_named(path, err))
        return false;
    if (!augment_is_on(&config->augment))
        return err_set(err, ERR_CONFIG, "augment: asks for nothing, so there is nothing to show");
    if (!setup_open(config, isa, false, &setup, err))
        return false;
    bool ok = make_sheet(&setup, wish, &s, err);
    if (ok) {
        const struct picture picture = {s.size.width, s.size.height, s.pixels};
        ok = picture_write(path, &picture, err);
    }
    if (ok)
        *out = s.size;
    sheet_release(&s);
    setup_release(&setup);
    return ok;
}
