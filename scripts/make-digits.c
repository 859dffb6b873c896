/* make-digits [--seed N] DIR: draws the data set of data/digits into DIR.
 *
 * 10 000 + 2 000 images of handwritten-looking digits, 28 x 28 bytes, in the four gzip IDX files that MNIST
 * made usual. Each image is a pure function of (seed, set, image number): randomness is Philox by counter,
 * and the arithmetic is addition, multiplication, division and square root in double precision, so the
 * decompressed bytes are the same on every machine (built with -ffp-contract=off; the gzip bytes depend on
 * the version of zlib). Balanced classes in random order. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "kernel/random.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE, CLASSES = 10, MAX_POINTS = 20, STEPS = 7 };
enum { IMAGES_HEADER = 16, LABELS_HEADER = 8 };

/* Own streams, far from those of the trainer. */
enum { STREAM_ORDER = 0x44470001, STREAM_DRAWING = 0x44470002 };

enum { EXIT_USAGE = 2, EXIT_MACHINE = 6 };

/* ---- The ten digits: pen paths on a sheet of 100 x 100, y down ---- */

enum pen { START = 1, SMOOTH, CORNER };

struct point {
    int pen; /* 0 ends the list */
    int x, y;
};

struct glyph {
    int digit;
    double share; /* of the digit's images; the shares of a digit add up to 1 */
    struct point path[MAX_POINTS];
};

/* clang-format off */
#define S(x, y) {START, x, y}  /* pen down here: a new stroke */
#define P(x, y) {SMOOTH, x, y} /* through here, rounded */
#define C(x, y) {CORNER, x, y} /* through here, with a corner */

static const struct glyph glyphs[] = {
    {0, .7, {S(55,3), P(33,14), P(22,48), P(31,86), P(52,97), P(72,82), P(78,48), P(69,13), P(50,4)}},
    {0, .3, {S(40,8), P(22,30), P(20,66), P(40,95), P(66,88), P(80,56), P(74,20), P(56,4), P(36,12)}},
    {1, .55, {S(53,3), P(52,35), P(50,66), P(48,97)}},
    {1, .3, {S(34,24), P(45,15), C(55,3), P(54,50), P(53,97)}},
    {1, .15, {S(32,25), C(53,4), P(52,50), P(51,95), S(29,96), P(52,96), P(75,95)}},
    {2, .5, {S(24,24), P(36,7), P(58,4), P(73,21), P(64,46), P(42,72), C(21,95), P(50,94), P(80,94)}},
    {2, .5, {S(25,22), P(40,5), P(62,6), P(72,24), P(60,52), P(38,84), P(24,90), P(25,76), P(40,78),
             P(60,92), P(82,90)}},
    {3, .6, {S(26,15), P(45,4), P(66,10), P(67,32), C(44,46), P(70,56), P(74,80), P(52,97), P(24,86)}},
    {3, .4, {S(25,6), P(50,6), C(72,6), P(58,24), C(44,42), P(68,50), P(76,72), P(58,95), P(26,90)}},
    {4, .55, {S(36,5), P(31,30), C(24,55), P(50,56), P(80,54), S(64,8), P(62,50), P(60,97)}},
    {4, .45, {S(64,97), P(65,50), C(66,4), P(44,35), C(19,66), P(50,67), P(84,66)}},
    {5, .6, {S(74,5), P(54,5), C(34,6), P(32,24), C(29,43), P(50,37), P(71,50), P(72,78), P(50,96),
             P(24,88)}},
    {5, .4, {S(35,8), P(33,26), C(30,45), P(54,40), P(73,56), P(68,84), P(46,97), P(23,86), S(35,7),
             P(54,8), P(76,4)}},
    {6, .6, {S(64,3), P(42,22), P(28,54), P(31,84), P(50,97), P(70,84), P(69,62), P(51,53), P(31,68)}},
    {6, .4, {S(72,10), P(56,4), P(36,20), P(25,56), P(32,88), P(54,96), P(74,78), P(66,56), P(46,56),
             P(28,74)}},
    {7, .6, {S(22,8), P(50,8), C(77,6), P(62,36), P(50,66), P(42,97)}},
    {7, .4, {S(23,9), P(50,7), C(77,7), P(63,38), P(52,66), P(44,97), S(36,51), P(55,50), P(74,48)}},
    {8, .65, {S(68,14), P(50,3), P(32,15), P(37,36), P(54,50), P(72,70), P(66,92), P(46,97), P(29,84),
              P(34,64), P(52,48), P(68,32), P(68,13)}},
    {8, .35, {S(50,46), P(32,34), P(35,11), P(52,3), P(68,14), P(66,34), P(49,46), P(29,62), P(30,88),
              P(52,97), P(73,86), P(70,60), P(50,46)}},
    {9, .6, {S(71,26), P(60,7), P(42,6), P(29,24), P(36,45), P(56,45), C(71,25), P(69,60), P(64,97)}},
    {9, .4, {S(69,18), P(48,4), P(29,20), P(34,44), P(56,45), C(70,20), P(72,56), P(64,86), P(44,97),
             P(28,88)}},
};

#undef S
#undef P
#undef C
/* clang-format on */

/* ---- Random numbers ---- */

struct dice {
    uint64_t seed;
    uint32_t set, image, element;
};

static struct random_block roll(struct dice *d) {
    return random_philox(d->seed, STREAM_DRAWING, d->set, d->image, d->element++);
}

static double between(struct dice *d, double low, double high) {
    return low + (high - low) * random_unit(roll(d), 0);
}

/* Bell-shaped with mean 0 and the given standard deviation, never beyond 3.5 of them: four uniform numbers
 * added. */
static double bell(struct dice *d, double deviation) {
    struct random_block b = roll(d);
    double sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (double)b.v[i] * 0x1p-32 - .5;
    return sum * sqrt(3.) * deviation;
}

/* ---- One hand: how a person at this moment writes ---- */

struct hand {
    double xx, xy, yx, yy, x, y; /* sheet (centre 0, height 1) to pixels: turned, slanted, scaled, moved */
    double bend[6];              /* smooth warp of second order, before that */
    double wobble;               /* of the single points of the path */
    double radius, pressure[3];  /* of the pen, at the beginning, middle and end of a stroke */
    double edge;                 /* pixels from full ink to none */
    double ink;                  /* the darkest value */
};

static struct hand hand_draw(struct dice *d) {
    struct hand h;
    /* A turn by 2 atan(t) without trigonometric functions. */
    double t = bell(d, .075), cosine = (1 - t * t) / (1 + t * t), sine = 2 * t / (1 + t * t);
    double height = 19 + bell(d, 1.3), width = height * (.98 + bell(d, .13)), slant = .12 + bell(d, .16);
    h.xx = cosine * width, h.xy = -sine * height - cosine * slant * height;
    h.yx = sine * width, h.yy = cosine * height - sine * slant * height;
    h.x = SIDE / 2. + bell(d, 1.2), h.y = SIDE / 2. + bell(d, 1.2);
    for (int i = 0; i < 6; i++)
        h.bend[i] = bell(d, .15);
    h.wobble = between(d, .01, .025);
    h.radius = between(d, .9, 1.75);
    for (int i = 0; i < 3; i++)
        h.pressure[i] = 1 + bell(d, .15);
    h.edge = between(d, .7, 1.8);
    h.ink = between(d, 175, 255);
    return h;
}

struct spot {
    double x, y;
};

/* A point of the sheet, jittered and warped, in pixels. */
static struct spot hand_place(const struct hand *h, struct dice *d, const struct point *p) {
    double x = p->x * .01 - .5 + bell(d, h->wobble), y = p->y * .01 - .5 + bell(d, h->wobble);
    double u = x + h->bend[0] * x * x + h->bend[1] * x * y + h->bend[2] * y * y;
    double v = y + h->bend[3] * x * x + h->bend[4] * x * y + h->bend[5] * y * y;
    return (struct spot){h->x + h->xx * u + h->xy * v, h->y + h->yx * u + h->yy * v};
}

/* ---- Ink on the canvas ---- */

/* The straight piece from a to b, radius ra to rb: each pixel keeps the darkest value that a piece gave
 * it. */
static void canvas_piece(double canvas[PIXELS], struct spot a, struct spot b, double ra, double rb,
                         double edge) {
    double reach = (ra > rb ? ra : rb) + edge, dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy;
    double left = (a.x < b.x ? a.x : b.x) - reach, right = (a.x > b.x ? a.x : b.x) + reach;
    double top = (a.y < b.y ? a.y : b.y) - reach, bottom = (a.y > b.y ? a.y : b.y) + reach;
    int x0 = left > 0 ? (int)left : 0, x1 = right < SIDE - 1 ? (int)right : SIDE - 1;
    int y0 = top > 0 ? (int)top : 0, y1 = bottom < SIDE - 1 ? (int)bottom : SIDE - 1;
    for (int y = y0; y <= y1; y++) {
        for (int x = x0; x <= x1; x++) {
            double px = x + .5 - a.x, py = y + .5 - a.y;
            double t = length2 > 0 ? (px * dx + py * dy) / length2 : 0;
            t = t < 0 ? 0 : t > 1 ? 1 : t;
            double ex = px - t * dx, ey = py - t * dy;
            double cover = (ra + t * (rb - ra) - sqrt(ex * ex + ey * ey)) / edge + .5;
            double *pixel = &canvas[y * SIDE + x];
            cover = cover > 1 ? 1 : cover;
            *pixel = cover > *pixel ? cover : *pixel;
        }
    }
}

/* Parabola through the three pressures, t in [0, 1]. */
static double hand_radius(const struct hand *h, double t) {
    const double *p = h->pressure;
    return h->radius * (p[0] * (1 - t) * (1 - 2 * t) + p[1] * 4 * t * (1 - t) + p[2] * t * (2 * t - 1));
}

/* Catmull and Rom's cubic (1974) from b to c, between neighbours a and d. */
static double spline(double a, double b, double c, double d, double t) {
    return b + .5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

/* One stroke of n points; at its ends and at corners a neighbour is replaced by the point itself. */
static void canvas_stroke(double canvas[PIXELS], const struct hand *h, const struct point *path,
                          const struct spot *at, int n) {
    for (int i = 0; i + 1 < n; i++) {
        struct spot b = at[i], c = at[i + 1];
        struct spot a = i > 0 && path[i].pen == SMOOTH ? at[i - 1] : b;
        struct spot d = i + 2 < n && path[i + 1].pen == SMOOTH ? at[i + 2] : c;
        struct spot from = b;
        for (int k = 1; k <= STEPS; k++) {
            double t = (double)k / STEPS, now = (i + t) / (n - 1), before = (i + t - 1. / STEPS) / (n - 1);
            struct spot to = {spline(a.x, b.x, c.x, d.x, t), spline(a.y, b.y, c.y, d.y, t)};
            canvas_piece(canvas, from, to, hand_radius(h, before), hand_radius(h, now), h->edge);
            from = to;
        }
    }
}

static const struct glyph *glyph_choose(struct dice *d, int digit) {
    const struct glyph *last = NULL;
    double left = random_unit(roll(d), 0);
    for (size_t i = 0; i < sizeof glyphs / sizeof *glyphs; i++) {
        if (glyphs[i].digit != digit)
            continue;
        last = &glyphs[i];
        left -= last->share;
        if (left < 0)
            break;
    }
    return last;
}

static int path_length(const struct point *path) {
    int n = 0;
    while (n < MAX_POINTS && path[n].pen)
        n++;
    return n;
}

static void canvas_digit(double canvas[PIXELS], struct dice *d, const struct hand *h, int digit) {
    const struct point *path = glyph_choose(d, digit)->path;
    struct spot at[MAX_POINTS];
    int points = path_length(path);
    for (int i = 0; i < points; i++)
        at[i] = hand_place(h, d, &path[i]);
    for (int from = 0; from < points;) {
        int to = from + 1;
        while (to < points && path[to].pen != START)
            to++;
        canvas_stroke(canvas, h, path + from, at + from, to - from);
        from = to;
    }
}

/* Ink to bytes, uneven as paper makes it, and a few specks of dirt. */
static void canvas_bytes(const double canvas[PIXELS], struct dice *d, const struct hand *h,
                         unsigned char out[PIXELS]) {
    for (int i = 0; i < PIXELS; i++) {
        double value = canvas[i] > 0 ? canvas[i] * h->ink * (1 + bell(d, .05)) : 0;
        out[i] = value > 255 ? 255 : (unsigned char)value;
    }
    for (int specks = (int)between(d, 0, 9); specks > 0; specks--) {
        int at = (int)between(d, 0, PIXELS), value = (int)between(d, 20, 120);
        out[at] = out[at] > value ? out[at] : (unsigned char)value;
    }
}

static void image_draw(uint64_t seed, uint32_t set, uint32_t image, int digit, unsigned char out[PIXELS]) {
    struct dice d = {seed, set, image, 0};
    struct hand h = hand_draw(&d);
    double canvas[PIXELS] = {0};
    canvas_digit(canvas, &d, &h, digit);
    canvas_bytes(canvas, &d, &h, out);
}

/* ---- Files ---- */

static bool failed(const char *doing, const char *why) {
    fprintf(stderr, "make-digits: error: %s: %s\n", doing, why);
    return false;
}

/* The file gets its name when it is whole. */
static bool file_write(const char *dir, const char *name, const unsigned char *bytes, size_t len) {
    char path[4096], part[4096];
    if (strlen(dir) + strlen(name) + sizeof "/..part" > sizeof path)
        return failed("cannot write into the folder", strerror(ENAMETOOLONG));
    snprintf(path, sizeof path, "%s/%s", dir, name);
    snprintf(part, sizeof part, "%s/.%s.part", dir, name);
    FILE *file = fopen(part, "wb");
    if (!file)
        return failed(path, strerror(errno));
    bool whole = fwrite(bytes, 1, len, file) == len;
    whole = !fclose(file) && whole && !rename(part, path);
    if (!whole) {
        failed(path, strerror(errno));
        remove(part);
    }
    return whole;
}

/* One gzip member with no name and no time, so that equal input and zlib give equal files. */
static bool gzip_write(const char *dir, const char *name, unsigned char *bytes, size_t len) {
    z_stream z = {.next_in = bytes, .avail_in = (uInt)len};
    if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        return failed(name, "out of memory");
    uLong room = deflateBound(&z, (uLong)len);
    unsigned char *packed = malloc(room);
    bool done = packed || failed(name, "out of memory");
    if (packed) {
        z.next_out = packed, z.avail_out = (uInt)room;
        done = deflate(&z, Z_FINISH) == Z_STREAM_END && file_write(dir, name, packed, z.total_out);
    }
    free(packed);
    deflateEnd(&z);
    return done;
}

static void big_endian(unsigned char *out, uint32_t value) {
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* As many of each class as of the others, in random order (Fisher and Yates). */
static void labels_shuffle(uint64_t seed, uint32_t set, unsigned char *labels, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        labels[i] = (unsigned char)(i % CLASSES);
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t word = random_philox(seed, STREAM_ORDER, set, i, 0).v[0];
        uint32_t j = (uint32_t)(((uint64_t)word * (i + 1)) >> 32);
        unsigned char swap = labels[i];
        labels[i] = labels[j], labels[j] = swap;
    }
}

struct set {
    const char *images, *labels;
    uint32_t count;
};

static const struct set sets[] = {
    {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", 10000},
    {"t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", 2000},
};

static bool set_write(const char *dir, uint64_t seed, uint32_t number) {
    const struct set *s = &sets[number];
    size_t images_len = IMAGES_HEADER + (size_t)s->count * PIXELS,
           labels_len = LABELS_HEADER + (size_t)s->count;
    unsigned char *images = calloc(images_len, 1), *labels = calloc(labels_len, 1);
    bool done = false;
    if (!images || !labels) {
        failed(s->images, "out of memory");
        goto out;
    }
    big_endian(images, 0x0803), big_endian(images + 4, s->count);
    big_endian(images + 8, SIDE), big_endian(images + 12, SIDE);
    big_endian(labels, 0x0801), big_endian(labels + 4, s->count);
    labels_shuffle(seed, number, labels + LABELS_HEADER, s->count);
    for (uint32_t i = 0; i < s->count; i++)
        image_draw(seed, number, i, labels[LABELS_HEADER + i], images + IMAGES_HEADER + (size_t)i * PIXELS);
    done = gzip_write(dir, s->images, images, images_len) && gzip_write(dir, s->labels, labels, labels_len);
out:
    free(images);
    free(labels);
    return done;
}

static const char usage[] = "usage: make-digits [--seed N] DIR\n"
                            "Draws the digits data set (four gzip IDX files) into the folder DIR.\n"
                            "  --seed N   another set of the same kind; default 1, the set of data/digits\n";

static bool seed_parse(const char *text, uint64_t *seed) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno)
        return false;
    *seed = value;
    return true;
}

int main(int argc, char **argv) {
    uint64_t seed = 1;
    const char *dir = NULL;
    bool good = true;
    for (int i = 1; i < argc && good; i++) {
        if (!strcmp(argv[i], "--help")) {
            fputs(usage, stdout);
            return 0;
        }
        if (!strcmp(argv[i], "--seed"))
            good = ++i < argc && seed_parse(argv[i], &seed);
        else if (argv[i][0] == '-' || dir)
            good = false;
        else
            dir = argv[i];
    }
    if (!good || !dir) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    for (uint32_t number = 0; number < sizeof sets / sizeof *sets; number++) {
        if (!set_write(dir, seed, number))
            return EXIT_MACHINE;
    }
    return 0;
}
