/* Augmentation. References: what the change of an image is by definition, closed forms of distributions, and
 * libm in double precision. */
#include "network.h"

#include "data/augment.h"
#include "data/elastic.h"
#include "data/values.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE };

static struct dataset image_set(enum idx_type type, void *values, size_t rows, size_t height, size_t width,
                                uint32_t *cls, size_t classes) {
    return (struct dataset){
        .images = {.type = type,
                   .dims = 3,
                   .dim = {rows, height, width},
                   .rows = rows,
                   .width = height * width,
                   .values = values},
        .features = height * width,
        .cls = cls,
        .class_count = classes,
    };
}

static struct augment *make(const struct kernel *k, const struct augment_spec *spec,
                            const struct dataset *set) {
    struct err err = {0};
    struct augment_setup setup = {k, spec, set, set->cls ? set->class_count : 0, 5, 1, 32};
    struct augment *a = augment_create(&setup, &err);
    assert_non_null(a);
    return a;
}

static size_t padded(size_t width) {
    return (width + KERNEL_LANES - 1) / KERNEL_LANES * KERNEL_LANES;
}

/* ---- normal deviates ---- */

enum { NORMALS = 64 };

/* Box and Muller in double precision from the words that the block has. */
static void expected_pair(const struct random_block *b, int half, double *x, double *y) {
    double u = ((b->v[2 * half] >> 1) + 0.5) * 0x1p-31, radius = sqrt(-2 * log(u));
    double angle = 2 * acos(-1) * (b->v[2 * half + 1] * 0x1p-32);
    *x = radius * cos(angle);
    *y = radius * sin(angle);
}

static void normals_are_what_the_words_say(void **state) {
    (void)state;
    static const uint32_t first[] = {0, 5, UINT32_MAX - 3}; /* the counter runs over, too */
    const double tolerance = REAL_IS_DOUBLE ? 1e-14 : 3e-6;
    const uint64_t seed = 0x123456789abcdef0;
    for (size_t t = 0; kernel_at(t); t++)
        for (size_t f = 0; kernel_at(t)->supported() && f < 3; f++) {
            real a[NORMALS + 1], b[NORMALS + 1], guard = 77;
            a[NORMALS] = b[NORMALS] = guard;
            kernel_at(t)->normals(seed, STREAM_AUGMENT, 3, 0xfffffff0, first[f], NORMALS, a, b);
            assert_true(a[NORMALS] == guard && b[NORMALS] == guard);
            for (uint32_t i = 0; i < NORMALS; i++) {
                struct random_block block =
                    random_philox(seed, STREAM_AUGMENT, 3, 0xfffffff0, first[f] + i / 2);
                double x, y;
                expected_pair(&block, i % 2, &x, &y);
                assert_true(fabs((double)a[i] - x) < tolerance && fabs((double)b[i] - y) < tolerance);
            }
        }
}

static void normals_have_the_moments_of_the_normal_distribution(void **state) {
    (void)state;
    enum { N = 1 << 18 };
    real *a = reals(N), *b = reals(N);
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0, across = 0, beside = 0;
    best_kernel()->normals(1, STREAM_AUGMENT, 1, 1, 0, N, a, b);
    for (size_t i = 0; i < N; i++) {
        double x = (double)a[i], y = (double)b[i];
        m1 += (x + y) / (2 * N), m2 += (x * x + y * y) / (2 * N);
        m3 += (x * x * x + y * y * y) / (2 * N), m4 += (x * x * x * x + y * y * y * y) / (2 * N);
        across += x * y / N, beside += x * (double)a[i ^ 1] / N;
    }
    /* five standard errors of each */
    const double n = 2 * N;
    assert_true(fabs(m1) < 5 / sqrt(n) && fabs(m2 - 1) < 5 * sqrt(2 / n));
    assert_true(fabs(m3) < 5 * sqrt(15 / n) && fabs(m4 - 3) < 5 * sqrt(96 / n));
    assert_true(fabs(across) < 5 / sqrt(N) && fabs(beside) < 5 * sqrt(2.0 / N));
    mem_free(a);
    mem_free(b);
}

/* ---- resampling ---- */

static real *framed(const real *image, size_t height, size_t width) {
    size_t stride = width + RESAMPLE_BORDER;
    real *from = reals((height + RESAMPLE_BORDER) * stride);
    for (size_t r = 0; r < height; r++)
        memcpy(from + (r + 1) * stride + 1, image + r * width, width * sizeof *image);
    return from;
}

/* The image changed by a map as augment_map gives it; out has no padding. */
static void resampled(const struct kernel *k, const real *image, size_t height, size_t width,
                      const double map[6], const real *move, real *out) {
    real *from = framed(image, height, width), *to = reals(height * padded(width) + 1), bordered[6];
    for (int i = 0; i < 6; i++)
        bordered[i] = (real)(map[i] + (i % 3 == 2));
    to[height * padded(width)] = 77;
    k->resample(height, width, from, bordered, move, to);
    assert_true(to[height * padded(width)] == 77);
    for (size_t r = 0; r < height; r++)
        memcpy(out + r * width, to + r * padded(width), width * sizeof *out);
    mem_free(from);
    mem_free(to);
}

static void changed(const real *image, size_t height, size_t width, struct augment_draw draw, real *out) {
    double map[6];
    if (draw.scale[0] == 0)
        draw.scale[0] = draw.scale[1] = 1;
    augment_map(&draw, height, width, map);
    resampled(best_kernel(), image, height, width, map, NULL, out);
}

static const size_t sizes[][2] = {{28, 28}, {27, 33}, {1, 1}, {5, 200}, {16, 16}};
enum { SIZES = sizeof sizes / sizeof *sizes, MOST = 28 * 40 };

static void no_change_leaves_every_bit(void **state) {
    (void)state;
    real image[MOST], out[MOST];
    fill(image, MOST, 1, 1000);
    for (size_t i = 0; i < SIZES; i++) {
        changed(image, sizes[i][0], sizes[i][1], (struct augment_draw){0}, out);
        assert_memory_equal(out, image, sizes[i][0] * sizes[i][1] * sizeof *out);
    }
}

static void whole_shifts_are_exact(void **state) {
    (void)state;
    static const int shifts[][2] = {{1, 0}, {0, -1}, {5, 3}, {-27, 27}, {28, 0}, {-1000, 1000}};
    real image[MOST], out[MOST];
    fill(image, MOST, 1, 1000);
    for (size_t i = 0; i < SIZES; i++)
        for (size_t j = 0; j < sizeof shifts / sizeof *shifts; j++) {
            long height = (long)sizes[i][0], width = (long)sizes[i][1];
            struct augment_draw draw = {.shift = {shifts[j][0], shifts[j][1]}};
            changed(image, sizes[i][0], sizes[i][1], draw, out);
            for (long r = 0; r < height; r++)
                for (long c = 0; c < width; c++) {
                    long y = r - shifts[j][1], x = c - shifts[j][0];
                    bool inside = y >= 0 && y < height && x >= 0 && x < width;
                    assert_true(out[r * width + c] == (inside ? image[y * width + x] : 0));
                }
        }
}

static void half_turns_and_mirrors_are_exact(void **state) {
    (void)state;
    real image[MOST], once[MOST], twice[MOST];
    fill(image, MOST, 1, 1000);
    for (size_t i = 0; i < SIZES; i++) {
        size_t height = sizes[i][0], width = sizes[i][1], n = height * width;
        for (int sign = -1; sign <= 1; sign += 2) {
            changed(image, height, width, (struct augment_draw){.rotate = 180 * sign}, once);
            for (size_t p = 0; p < n; p++)
                assert_true(once[p] == image[n - 1 - p]);
            changed(once, height, width, (struct augment_draw){.rotate = 180 * sign}, twice);
            assert_memory_equal(twice, image, n * sizeof *image);
        }
        changed(image, height, width, (struct augment_draw){.flip = true}, once);
        for (size_t p = 0; p < n; p++)
            assert_true(once[p] == image[p / width * width + width - 1 - p % width]);
    }
}

/* Turned by 90 degrees from x (right) towards y (down), the upper left corner goes to the upper right. */
static void quarter_turns_go_from_x_to_y(void **state) {
    (void)state;
    real image[PIXELS], out[PIXELS];
    fill(image, PIXELS, 1, 1000);
    changed(image, SIDE, SIDE, (struct augment_draw){.rotate = 90}, out);
    for (size_t r = 0; r < SIDE; r++)
        for (size_t c = 0; c < SIDE; c++)
            assert_true(out[c * SIDE + SIDE - 1 - r] == image[r * SIDE + c]);
}

/* A blob away from the border, moved by fractions of a pixel. */
static void shifts_keep_the_ink(void **state) {
    (void)state;
    real image[PIXELS] = {0}, out[PIXELS];
    double before = 0;
    for (size_t r = 8; r < 20; r++)
        for (size_t c = 8; c < 20; c++)
            before += (double)(image[r * SIDE + c] = (real)(1 + (r * 31 + c * 17) % 255));
    for (int i = 0; i < 100; i++) {
        double after = 0, x = -4 + 0.0817 * i, y = 3.7 - 0.0731 * i;
        changed(image, SIDE, SIDE, (struct augment_draw){.shift = {x, y}}, out);
        for (size_t p = 0; p < PIXELS; p++)
            after += (double)out[p];
        assert_true(fabs(after / before - 1) < 1e-6);
    }
}

/* The bilinear value of a place, as a sum over all pixels of the image. */
static double between(const real *image, size_t height, size_t width, double x, double y) {
    double sum = 0;
    for (size_t r = 0; r < height; r++)
        for (size_t c = 0; c < width; c++)
            sum += (double)image[r * width + c] * fmax(0, 1 - fabs(x - (double)c)) *
                   fmax(0, 1 - fabs(y - (double)r));
    return sum;
}

static void resampling_is_bilinear_with_zeros_outside(void **state) {
    (void)state;
    enum { HEIGHT = 9, WIDTH = 21, PADDED = 32 };
    const double map[] = {0.9, 0.3, -2.2, -0.4, 1.1, 3.3};
    real image[HEIGHT * WIDTH], move[HEIGHT * 2 * PADDED], first[HEIGHT * WIDTH], out[HEIGHT * WIDTH];
    fill(image, HEIGHT * WIDTH, 1, 1), fill(move, HEIGHT * 2 * PADDED, 2, 3);
    resampled(kernel_at(0), image, HEIGHT, WIDTH, map, move, first);
    for (size_t r = 0; r < HEIGHT; r++)
        for (size_t c = 0; c < WIDTH; c++) {
            double x = map[0] * (double)c + map[1] * (double)r + map[2] + (double)move[2 * r * PADDED + c];
            double y =
                map[3] * (double)c + map[4] * (double)r + map[5] + (double)move[(2 * r + 1) * PADDED + c];
            assert_true(fabs((double)first[r * WIDTH + c] - between(image, HEIGHT, WIDTH, x, y)) <
                        (REAL_IS_DOUBLE ? 1e-13 : 2e-5));
        }
    for (size_t t = 1; kernel_at(t); t++) {
        if (!kernel_at(t)->supported())
            continue;
        resampled(kernel_at(t), image, HEIGHT, WIDTH, map, move, out);
        assert_memory_equal(out, first, sizeof out);
    }
}

/* A place that is not a number shows nothing, and is no place in memory. */
static void no_place_is_outside_memory(void **state) {
    (void)state;
    real image[PIXELS], out[PIXELS];
    const double wild[][6] = {
        {1, 0, NAN, 0, 1, 0}, {1e30, 0, 0, 0, -1e30, 0}, {0, 0, INFINITY, 0, 0, -INFINITY}};
    fill(image, PIXELS, 1, 1);
    for (size_t i = 0; i < 3; i++)
        for (size_t t = 0; kernel_at(t); t++)
            if (kernel_at(t)->supported()) {
                resampled(kernel_at(t), image, SIDE, SIDE, wild[i], NULL, out);
                assert_true(out[PIXELS - 1] == 0);
            }
}

/* The definition, forward: mirrored, resized, sheared, rotated, shifted about the centre. */
static void maps_undo_the_change(void **state) {
    (void)state;
    const struct augment_draw draws[] = {
        {.rotate = 30, .scale = {1, 1}},
        {.scale = {1.25, 0.8}},
        {.shear = 0.3, .scale = {1, 1}},
        {.rotate = -72, .shift = {3.25, -1.5}, .scale = {0.7, 1.1}, .shear = -0.4, .flip = true},
    };
    const double height = 28, width = 20, cx = 9.5, cy = 13.5;
    for (size_t i = 0; i < sizeof draws / sizeof *draws; i++) {
        const struct augment_draw *d = &draws[i];
        double map[6], angle = d->rotate * acos(-1) / 180;
        augment_map(d, (size_t)height, (size_t)width, map);
        for (double y = 0; y < height; y += 3)
            for (double x = 0; x < width; x += 3) {
                double u = (x - cx) * d->scale[0] * (d->flip ? -1 : 1), v = (y - cy) * d->scale[1];
                u += d->shear * v;
                double qx = cos(angle) * u - sin(angle) * v + cx + d->shift[0];
                double qy = sin(angle) * u + cos(angle) * v + cy + d->shift[1];
                assert_true(fabs(map[0] * qx + map[1] * qy + map[2] - x) < 1e-12);
                assert_true(fabs(map[3] * qx + map[4] * qy + map[5] - y) < 1e-12);
            }
    }
}

/* ---- what is drawn ---- */

enum { DRAWS = 20000, NUMBERS = 6 };

static int ascending(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The largest distance of the empirical from the uniform distribution on (-1, 1) (Kolmogorov). */
static double from_uniform(double *sample, size_t n) {
    double worst = 0;
    qsort(sample, n, sizeof *sample, ascending);
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, fabs((sample[i] + 1) / 2 - ((double)i + 0.5) / (double)n));
    return worst;
}

static const struct augment_spec wide = {
    .rotate = 30, .translate = 4, .scale = 0.25, .shear = 0.5, .flip = true};

static void as_shares(const struct augment_draw *d, double to[NUMBERS]) {
    const double shares[] = {d->rotate / 30,  d->shear / 0.5,           d->shift[0] / 4,
                             d->shift[1] / 4, (d->scale[0] - 1) / 0.25, (d->scale[1] - 1) / 0.25};
    memcpy(to, shares, sizeof shares);
}

/* Over rows and over epochs alike. */
static void draws_are_uniform_and_independent(void **state) {
    (void)state;
    static uint8_t bytes[16];
    static double share[2][NUMBERS][DRAWS];
    struct dataset set = image_set(IDX_U8, bytes, 1, 4, 4, NULL, 0);
    struct augment *a = make(best_kernel(), &wide, &set);
    for (size_t over = 0; over < 2; over++) {
        double product[NUMBERS][NUMBERS] = {{0}}, next[NUMBERS] = {0}, flips = 0;
        for (size_t i = 0; i < DRAWS; i++) {
            double x[NUMBERS];
            struct augment_draw d = augment_draw(a, over ? i + 1 : 1, (uint32_t)(over ? 3 : i));
            as_shares(&d, x);
            flips += d.flip;
            for (size_t p = 0; p < NUMBERS; p++) {
                share[over][p][i] = x[p];
                next[p] += i ? x[p] * share[over][p][i - 1] : 0;
                for (size_t q = 0; q < p; q++)
                    product[p][q] += x[p] * x[q];
            }
        }
        /* Five standard errors: products of two uniforms have variance 1/9; Kolmogorov's 1e-6 point. */
        const double bound = 5 * sqrt(DRAWS / 9.0);
        assert_true(fabs(flips - DRAWS / 2.0) < 5 * sqrt(DRAWS) / 2);
        for (size_t p = 0; p < NUMBERS; p++) {
            assert_true(from_uniform(share[over][p], DRAWS) < 2.7 / sqrt(DRAWS));
            assert_true(fabs(next[p]) < bound);
            for (size_t q = 0; q < p; q++)
                assert_true(fabs(product[p][q]) < bound);
        }
    }
    augment_free(a);
}

static void classes_have_limits_of_their_own(void **state) {
    (void)state;
    enum { ROWS = 3000 };
    static uint8_t bytes[ROWS];
    static uint32_t cls[ROWS];
    struct augment_class own[] = {{2, 0, NAN, NAN, NAN, -1}, {0, NAN, 1, 0, 2, 0}};
    struct augment_spec spec = wide;
    double most[3][NUMBERS] = {{0}}, flips[3] = {0};
    spec.classes = own, spec.class_count = 2;
    for (size_t i = 0; i < ROWS; i++)
        cls[i] = (uint32_t)(i % 3);
    struct dataset set = image_set(IDX_U8, bytes, ROWS, 1, 1, cls, 3);
    struct augment *a = make(best_kernel(), &spec, &set);
    for (uint32_t i = 0; i < ROWS; i++) {
        double x[NUMBERS];
        struct augment_draw d = augment_draw(a, 1, i);
        as_shares(&d, x);
        flips[cls[i]] += d.flip;
        for (size_t p = 0; p < NUMBERS; p++)
            most[cls[i]][p] = fmax(most[cls[i]][p], fabs(x[p]));
    }
    /* rotate, shear, shift, shift, scale, scale as shares of the common limits */
    static const double limits[3][NUMBERS] = {
        {1, 4, 0.25, 0.25, 0, 0}, {1, 1, 1, 1, 1, 1}, {0, 1, 1, 1, 1, 1}};
    for (size_t c = 0; c < 3; c++)
        for (size_t p = 0; p < NUMBERS; p++)
            assert_true(most[c][p] <= limits[c][p] && most[c][p] >= 0.98 * limits[c][p]);
    assert_true(flips[0] == 0 && flips[1] > 400 && flips[2] > 400);
    augment_free(a);
}

/* ---- elastic displacements ---- */

static void displacements_have_the_standard_deviation_alpha(void **state) {
    (void)state;
    enum { HEIGHT = 12, WIDTH = 20, PADDED = 32, FIELDS = 4000 };
    const struct elastic_spec spec = {true, 2.5, 3};
    const struct kernel *k = best_kernel();
    struct err err = {0};
    struct elastic e;
    static double square[2][HEIGHT][WIDTH];
    double apart = 0, beside = 0;
    assert_true(elastic_init(&e, &spec, HEIGHT, WIDTH, &err));
    real *spare = reals(elastic_room(&e)), *field = reals(elastic_room(&e));
    for (uint32_t i = 0; i < FIELDS; i++) {
        elastic_draw(&e, k, 1, 1, i, spare, field);
        for (size_t r = 0; r < HEIGHT; r++)
            for (size_t c = 0; c < WIDTH; c++)
                for (size_t d = 0; d < 2; d++) {
                    double x = (double)field[(2 * r + d) * PADDED + c];
                    square[d][r][c] += x * x / FIELDS;
                }
        const real *middle = field + 2 * 6 * PADDED + 10;
        apart += (double)(middle[-2] * middle[1]) / FIELDS;
        beside += (double)(middle[0] * middle[PADDED]) / FIELDS;
    }
    /* The variance of 4000 normal numbers is within six standard errors, everywhere. */
    for (size_t d = 0; d < 2; d++)
        for (size_t r = 0; r < HEIGHT; r++)
            for (size_t c = 0; c < WIDTH; c++)
                assert_true(fabs(square[d][r][c] / (2.5 * 2.5) - 1) < 6 * sqrt(2.0 / FIELDS));
    /* Smoothed by a Gaussian, places d apart are correlated by exp(-d^2 / (4 sigma^2)); x and y are not. */
    assert_true(fabs(apart / (2.5 * 2.5) - exp(-9.0 / 36)) < 0.06);
    assert_true(fabs(beside / (2.5 * 2.5)) < 5 / sqrt(FIELDS));
    mem_free(spare);
    mem_free(field);
    elastic_release(&e);
}

/* The weights say it exactly: every row of them has the 2-norm 1, or alpha, at the border too, whatever the
 * width of the Gaussian. */
static void weights_have_unit_norm(void **state) {
    (void)state;
    static const double sigmas[] = {1e-300, 0.1, 4, 1000};
    struct err err = {0};
    for (size_t s = 0; s < 4; s++) {
        const struct elastic_spec spec = {true, 0.5, sigmas[s]};
        struct elastic e;
        assert_true(elastic_init(&e, &spec, 28, 19, &err));
        for (size_t r = 0; r < 28; r++) {
            double square = 0;
            for (size_t i = 0; i < 28; i++)
                square += (double)(e.down[r * 28 + i] * e.down[r * 28 + i]);
            assert_true(fabs(square - 1) < 1e-5);
        }
        for (size_t c = 0; c < 19; c++) {
            double square = 0;
            for (size_t i = 0; i < 19; i++)
                square += (double)(e.across[i * 32 + c] * e.across[i * 32 + c]);
            assert_true(fabs(square - 0.25) < 1e-5);
        }
        elastic_release(&e);
    }
}

/* ---- rows ---- */

enum { ROWS = 40, ROW_HEIGHT = 11, ROW_WIDTH = 18, ROW_PIXELS = ROW_HEIGHT * ROW_WIDTH, CLASSES = 5 };

static uint8_t bytes[ROWS * ROW_PIXELS];
static float floats[ROWS * ROW_PIXELS];
static uint32_t classes[ROWS];

static int make_images(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS * ROW_PIXELS; i++) {
        struct random_block b = random_philox(1, 77, 0, 0, (uint32_t)i);
        floats[i] = bytes[i] = b.v[0] % 4 ? 0 : (uint8_t)b.v[1];
    }
    for (size_t i = 0; i < ROWS; i++)
        classes[i] = (uint32_t)(i % CLASSES);
    return 0;
}

static struct dataset row_set(enum idx_type type) {
    return image_set(type, type == IDX_U8 ? (void *)bytes : (void *)floats, ROWS, ROW_HEIGHT, ROW_WIDTH,
                     classes, CLASSES);
}

static const struct augment_spec everything = {
    .rotate = 20, .translate = 2, .scale = 0.2, .shear = 0.3, .flip = true, .elastic = {true, 0.7, 2}};

static void bytes_are_rounded_half_up(void **state) {
    (void)state;
    struct dataset plain = row_set(IDX_U8), real_ones = row_set(IDX_F32);
    struct augment *a = make(best_kernel(), &everything, &plain),
                   *b = make(best_kernel(), &everything, &real_ones);
    for (uint32_t i = 0; i < ROWS; i++) {
        const struct dataset *rounded = augment_rows(a, 0, 4, &i, 1), *exact = augment_rows(b, 0, 4, &i, 1);
        assert_int_equal(rounded->images.type, IDX_U8);
        assert_true(memcmp(rounded->images.values, bytes + i * ROW_PIXELS, ROW_PIXELS) != 0);
        for (size_t p = 0; p < ROW_PIXELS; p++)
            assert_true(values_number(&rounded->images, p) ==
                        floor((double)((real)values_number(&exact->images, p) + (real)0.5)));
    }
    augment_free(a);
    augment_free(b);
}

/* Elastic displacements by nothing, and limits of nothing: the one resamples, the other copies. */
static void nothing_drawn_leaves_the_images(void **state) {
    (void)state;
    struct augment_class none = {0, 0, 0, 0, 0, 0};
    const struct augment_spec specs[] = {{.elastic = {true, 0, 2}}, {.classes = &none, .class_count = 1}};
    uint32_t all[32];
    for (uint32_t i = 0; i < 32; i++)
        all[i] = ROWS - 1 - i;
    for (size_t s = 0; s < 2; s++)
        for (int type = 0; type < 2; type++) {
            struct dataset set = row_set(type ? IDX_F32 : IDX_U8);
            struct augment *a = make(best_kernel(), &specs[s], &set);
            const struct dataset *rows = augment_rows(a, 0, 1, all, 32);
            for (size_t i = 0; i < 32 * ROW_PIXELS; i++)
                assert_true(values_number(&rows->images, i) ==
                            bytes[all[i / ROW_PIXELS] * ROW_PIXELS + i % ROW_PIXELS]);
            augment_free(a);
        }
}

static void a_spec_is_on_where_it_asks_for_something(void **state) {
    (void)state;
    struct augment_class own = {0, NAN, NAN, NAN, NAN, -1};
    assert_false(augment_is_on(&(struct augment_spec){.elastic = {false, 1, 4}}));
    assert_true(augment_is_on(&(struct augment_spec){.rotate = 1}));
    assert_true(augment_is_on(&(struct augment_spec){.translate = 1}));
    assert_true(augment_is_on(&(struct augment_spec){.scale = 0.1}));
    assert_true(augment_is_on(&(struct augment_spec){.shear = 0.1}));
    assert_true(augment_is_on(&(struct augment_spec){.flip = true}));
    assert_true(augment_is_on(&(struct augment_spec){.elastic.on = true}));
    assert_true(augment_is_on(&(struct augment_spec){.classes = &own, .class_count = 1}));
}

static void refused(const struct augment_spec *spec, const struct dataset *set, size_t class_count,
                    const char *text) {
    struct err err = {0};
    struct augment_setup setup = {best_kernel(), spec, set, class_count, 1, 1, 32};
    assert_null(augment_create(&setup, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text, text);
}

static void what_cannot_be_changed_is_refused(void **state) {
    (void)state;
    struct augment_class three[] = {{.cls = 1}, {.cls = 4}, {.cls = 1}}, two[] = {{.cls = 4}, {.cls = 4}},
                         beyond[] = {{.cls = 4}, {.cls = 5}};
    struct dataset set = row_set(IDX_U8), flat = row_set(IDX_U8), large = row_set(IDX_U8);
    flat.images.dims = 2;
    large.images.dim[1] = 2049;
    refused(&everything, &flat, 5,
            "augment: needs images of two dimensions, but those of the training images have 1");
    refused(&everything, &large, 5, "augment: takes images of at most 2048 x 2048 pixels, got 2049 x 18");
    struct augment_spec spec = {.classes = three, .class_count = 3};
    refused(&spec, &set, 5, "augment.classes.2.class: 1 is that of augment.classes.0");
    spec = (struct augment_spec){.classes = two, .class_count = 2};
    refused(&spec, &set, 5, "augment.classes.1.class: 4 is that of augment.classes.0");
    refused(&spec, &set, 0, "augment.classes: needs labels that are classes");
    spec = (struct augment_spec){.classes = beyond, .class_count = 2};
    refused(&spec, &set, 5, "augment.classes.1.class: must be below the number of classes, 5, got 5");
}

/* ---- training ---- */

struct training {
    const struct kernel *kernel;
    size_t threads, batch, epochs;
    enum input_form input;
    const struct augment_spec *augment;
    bool shuffle;
};

static struct model *train(const struct training *t, const struct dataset *set, double *loss) {
    struct err err = {0};
    struct layer_spec hidden[] = {layer(90, ACTIVATION_RELU, 0)};
    struct model_spec spec = {.layers = hidden, .layer_count = 1, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    struct data_part part = dataset_all(set);
    struct scaling scaling = {.kind = SCALE_NONE};
    struct team *team = team_create(t->threads, &err);
    struct model *m = model_create(&spec, set->features, CLASSES, "cross_entropy", &err);
    assert_true(m && model_init(m, 3, NULL, &err));
    struct fit_setup setup = {.kernel = t->kernel,
                              .team = team,
                              .model = m,
                              .train = &part,
                              .scaling = &scaling,
                              .optimizer = {.lr = 1e-4, .momentum = 0.9},
                              .train_spec = {.epochs = 9, .batch_size = t->batch, .shuffle = t->shuffle},
                              .augment = t->augment,
                              .seed = 5,
                              .input = t->input};
    struct fit *fit = fit_create(&setup, &err);
    assert_non_null(fit);
    for (size_t e = 0; e < t->epochs; e++)
        assert_true(fit_steps(fit, SIZE_MAX, &err));
    *loss = fit_status(fit)->loss;
    fit_free(fit);
    team_free(team);
    return m;
}

static void assert_same_bits(enum idx_type type, enum input_form last) {
    struct dataset set = row_set(type);
    static const size_t threads[] = {1, 2, 3, 7};
    double loss, same;
    struct training t = {kernel_at(0), 1, ROWS, 3, INPUT_PANELS, &everything, true};
    struct model *expected = train(&t, &set, &loss);
    for (size_t k = 0; kernel_at(k); k++)
        for (size_t n = 0; kernel_at(k)->supported() && n < 4; n++)
            for (t.input = INPUT_AUTO; t.input <= last; t.input++) {
                t.kernel = kernel_at(k), t.threads = threads[n];
                struct model *got = train(&t, &set, &same);
                assert_memory_equal(got->theta, expected->theta, expected->size * sizeof(real));
                assert_true(same == loss);
                model_free(got);
            }
    model_free(expected);
}

static void bits_depend_on_no_table_thread_or_form(void **state) {
    (void)state;
    assert_same_bits(IDX_U8, INPUT_LISTS_BY_UNITS);
    assert_same_bits(IDX_F32, INPUT_PANELS);
}

/* Two epochs of augmentation are an epoch on the versions of epoch 1 and one on those of epoch 2. */
static void every_epoch_trains_on_its_versions(void **state) {
    (void)state;
    static uint8_t versions[2 * ROWS * ROW_PIXELS];
    static uint32_t labels[2 * ROWS];
    struct dataset set = row_set(IDX_U8);
    struct dataset both = image_set(IDX_U8, versions, 2 * ROWS, ROW_HEIGHT, ROW_WIDTH, labels, CLASSES);
    struct augment *a = make(best_kernel(), &everything, &set);
    for (uint32_t i = 0; i < 2 * ROWS; i++) {
        uint32_t row = i % ROWS;
        labels[i] = classes[row];
        memcpy(versions + i * ROW_PIXELS, augment_rows(a, 0, 1 + i / ROWS, &row, 1)->images.values,
               ROW_PIXELS);
    }
    augment_free(a);
    double loss;
    struct training t = {best_kernel(), 2, 8, 2, INPUT_AUTO, &everything, false};
    struct model *drawn = train(&t, &set, &loss);
    t.epochs = 1, t.augment = NULL;
    struct model *stored = train(&t, &both, &loss);
    assert_memory_equal(drawn->theta, stored->theta, drawn->size * sizeof(real));
    model_free(drawn);
    model_free(stored);
}

/* The loss of the first step is that of the versions; an evaluation sees the images as they are. */
static void only_training_sees_versions(void **state) {
    (void)state;
    struct err err = {0};
    struct dataset set = row_set(IDX_U8);
    struct data_part part = dataset_all(&set);
    struct scaling scaling = {.kind = SCALE_NONE};
    double with, without;
    struct training t = {best_kernel(), 1, ROWS, 1, INPUT_AUTO, &everything, false};
    model_free(train(&t, &set, &with));
    t.augment = NULL;
    model_free(train(&t, &set, &without));
    struct layer_spec hidden[] = {layer(90, ACTIVATION_RELU, 0)};
    struct model_spec spec = {.layers = hidden, .layer_count = 1, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    struct model *m = model_create(&spec, set.features, CLASSES, "cross_entropy", &err);
    struct evaluation e;
    assert_true(m && model_init(m, 3, NULL, &err));
    assert_true(fit_evaluate(best_kernel(), NULL, m, &part, &scaling, &e, &err));
    assert_true(e.loss == without && e.loss != with);
    evaluation_release(&e);
    model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normals_are_what_the_words_say),
        cmocka_unit_test(normals_have_the_moments_of_the_normal_distribution),
        cmocka_unit_test(no_change_leaves_every_bit),
        cmocka_unit_test(whole_shifts_are_exact),
        cmocka_unit_test(half_turns_and_mirrors_are_exact),
        cmocka_unit_test(quarter_turns_go_from_x_to_y),
        cmocka_unit_test(shifts_keep_the_ink),
        cmocka_unit_test(resampling_is_bilinear_with_zeros_outside),
        cmocka_unit_test(no_place_is_outside_memory),
        cmocka_unit_test(maps_undo_the_change),
        cmocka_unit_test(draws_are_uniform_and_independent),
        cmocka_unit_test(classes_have_limits_of_their_own),
        cmocka_unit_test(displacements_have_the_standard_deviation_alpha),
        cmocka_unit_test(weights_have_unit_norm),
        cmocka_unit_test(bytes_are_rounded_half_up),
        cmocka_unit_test(nothing_drawn_leaves_the_images),
        cmocka_unit_test(a_spec_is_on_where_it_asks_for_something),
        cmocka_unit_test(what_cannot_be_changed_is_refused),
        cmocka_unit_test(bits_depend_on_no_table_thread_or_form),
        cmocka_unit_test(every_epoch_trains_on_its_versions),
        cmocka_unit_test(only_training_sees_versions),
    };
    return cmocka_run_group_tests_name("augment", tests, make_images, NULL);
}
