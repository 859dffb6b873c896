/* The products in bfloat16 against their definition, over values of many kinds, for every instruction set. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bf16_definition.h"
#include "kernel/kernel.h"
#include "kernel/proof.h"

enum { MOST = 160, LANES = PACKED_LANES, SLICES = 4, TILE_ROWS = 56, TILE_COLS = 64 };

static const struct product_slice one_group = {LANES, LANES, 0};

/* A zero may have either sign. */
static void check(const struct kernel *k, const char *what, const float *c, const float *expected,
                  size_t count, int kind) {
    for (size_t i = 0; i < count; i++)
        if (memcmp(&c[i], &expected[i], sizeof *c) != 0 && !(isnan(c[i]) && isnan(expected[i])) &&
            !(c[i] == 0 && expected[i] == 0))
            fail_msg("%s, %s, values of kind %d, element %zu: %a, expected %a", k->name, what, kind, i,
                     (double)c[i], (double)expected[i]);
}

/* A layer, and memory for what is packed of it, of any table. */
struct layer {
    struct weight_shape shape;
    const struct kernel *k;
    const struct products *p;
    float w[MOST * MOST], x[SLICES][MOST * LANES], dz[SLICES][MOST * LANES];
    unsigned char *weight, *input[SLICES], *cotangent[SLICES], *scratch;
};

static unsigned char *memory(size_t bytes) {
    void *p = NULL;
    assert_int_equal(bytes % PACKED_ALIGN, 0);
    assert_int_equal(posix_memalign(&p, PACKED_ALIGN, bytes + PACKED_ALIGN), 0);
    memset(p, 0, bytes + PACKED_ALIGN);
    memset((unsigned char *)p + bytes, 0x55, PACKED_ALIGN); /* nobody writes behind the end */
    return p;
}

static void release(unsigned char *p, size_t bytes) {
    for (size_t i = 0; i < PACKED_ALIGN; i++)
        assert_int_equal(p[bytes + i], 0x55);
    free(p);
}

/* Tile by tile, as a training packs its weights. */
static void pack_weights(struct layer *l) {
    size_t padded = (l->shape.out + 15) / 16 * 16;
    for (size_t col = 0; col < padded; col += TILE_COLS)
        for (size_t row = 0; row < l->shape.in; row += TILE_ROWS)
            l->p->pack_weight(&l->shape, row, l->shape.in - row < TILE_ROWS ? l->shape.in - row : TILE_ROWS,
                              col, padded - col < TILE_COLS ? padded - col : TILE_COLS, l->w, l->weight);
}

/* Puts the table's memory behind the numbers. Slices are in one block, some bytes apart. */
static void begin(struct layer *l, const struct kernel *k) {
    l->k = k, l->p = k->products;
    size_t in = l->shape.in, out = l->shape.out, scratch = l->p->scratch_bytes(in > out ? in : out);
    l->weight = memory(l->p->weight_bytes(&l->shape));
    l->input[0] = memory(SLICES * l->p->input_bytes(in));
    l->cotangent[0] = memory(SLICES * l->p->cotangent_bytes(out));
    for (size_t s = 1; s < SLICES; s++) {
        l->input[s] = l->input[0] + s * l->p->input_bytes(in);
        l->cotangent[s] = l->cotangent[0] + s * l->p->cotangent_bytes(out);
    }
    l->scratch = memory(scratch);
    memset(l->scratch, 0xff, scratch); /* another layer has left something there */
    pack_weights(l);
}

static void end(struct layer *l) {
    size_t in = l->shape.in, out = l->shape.out;
    release(l->scratch, l->p->scratch_bytes(in > out ? in : out));
    release(l->cotangent[0], SLICES * l->p->cotangent_bytes(out));
    release(l->input[0], SLICES * l->p->input_bytes(in));
    release(l->weight, l->p->weight_bytes(&l->shape));
    if (l->p->rest)
        l->p->rest();
}

/* Whether a sparse input is 0 for all samples: four and four, and whole blocks of 32. */
static bool all_zero(int kind, size_t feature) {
    return kind == SPARSE && (feature / 4 % 3 == 1 || feature / 32 % 3 == 1);
}

/* Numbers of a kind; what is behind the outputs is 0. */
static void fill(struct layer *l, size_t in, size_t out, int kind) {
    l->shape = (struct weight_shape){in, out, (out + 15) / 16 * 16, false};
    memset(l->w, 0, sizeof l->w);
    for (size_t i = 0; i < in; i++)
        for (size_t o = 0; o < out; o++)
            l->w[i * l->shape.stride + o] = value(kind, 0, kind == CANCELLING && i % 2 ? o : i);
    for (size_t s = 0; s < SLICES; s++)
        for (size_t i = 0; i < MOST * LANES; i++) {
            l->x[s][i] = all_zero(kind, i / LANES) ? 0 : value(kind, 1, i / LANES);
            l->dz[s][i] = value(kind, kind == CANCELLING ? 1 : 0, kind == CANCELLING ? i / LANES : i);
        }
}

static const struct {
    size_t in, out;
} shapes[] = {{1, 1},   {2, 5},   {5, 16},  {31, 17}, {32, 33},
              {33, 32}, {56, 10}, {64, 65}, {97, 37}, {150, 100}};

#define SHAPES (sizeof shapes / sizeof *shapes)

/* Each is run on every table that this processor has. */
#define FOR_TABLES(k)                                                                                        \
    for (size_t t_ = 0; kernel_of(PRECISION_BF16, t_); t_++)                                                 \
        for (const struct kernel *k = kernel_of(PRECISION_BF16, t_); k && k->supported(); k = NULL)

static void slices_are_as_defined(void **unused) {
    (void)unused;
    static struct layer l;
    static _Alignas(64) float z[MOST * LANES], expected_z[MOST * LANES], start[MOST * LANES],
        dx[MOST * LANES], expected_dx[2][MOST * LANES];
    for (int kind = 0; kind < CLASSES; kind++)
        for (size_t i = 0; i < SHAPES; i++) {
            size_t in = shapes[i].in, out = shapes[i].out, stride = (out + 15) / 16 * 16;
            fill(&l, in, out, kind);
            for (size_t e = 0; e < in * LANES; e++)
                start[e] = value(kind == WHOLE ? ORDINARY : kind, 0, e);
            for (size_t e = 0; e < out * LANES; e++)
                expected_z[e] = element(in, l.w + e / LANES, stride, l.x[0] + e % LANES, LANES, 0);
            for (size_t e = 0; e < 2 * in * LANES; e++) {
                size_t at = e / 2;
                expected_dx[e % 2][at] = element(out, l.w + at / LANES * stride, 1, l.dz[0] + at % LANES,
                                                 LANES, e % 2 ? start[at] : 0);
            }
            FOR_TABLES(k) {
                begin(&l, k);
                for (int evaluates = 0; evaluates < 2; evaluates++) {
                    memset(z, 0xff, sizeof z);
                    l.p->pack_input(in, &one_group, l.x[0], l.scratch, evaluates ? NULL : l.input[0]);
                    l.p->forward(&l.shape, LANES, l.weight, l.scratch, z);
                    check(k, "forward", z, expected_z, out * LANES, kind);
                    assert_true(isnan(z[out * LANES]));
                }
                for (int add = 0; add < 2; add++) {
                    memset(dx, 0xff, sizeof dx);
                    memcpy(dx, start, in * LANES * sizeof *dx);
                    l.p->pack_cotangent(out, &one_group, l.dz[0], l.scratch, l.cotangent[0]);
                    l.p->backward(&l.shape, LANES, l.weight, l.scratch, dx, add);
                    check(k, "backward", dx, expected_dx[add], in * LANES, kind);
                    assert_true(isnan(dx[in * LANES]));
                }
                end(&l);
                l.shape.one_way = true;
                begin(&l, k);
                l.p->pack_input(in, &one_group, l.x[0], l.scratch, NULL);
                l.p->forward(&l.shape, LANES, l.weight, l.scratch, z);
                check(k, "forward, one way", z, expected_z, out * LANES, kind);
                end(&l);
                l.shape.one_way = false;
            }
        }
}

/* Of the groups x[0], x[1], ..., the panel of a slice that has them all; what is behind the samples is no
 * number. */
static void join(size_t rows, size_t lanes, size_t samples, float (*x)[MOST * LANES], float *panel) {
    for (size_t i = 0; i < rows; i++)
        for (size_t s = 0; s < lanes; s++)
            panel[i * lanes + s] = s < samples ? x[s / LANES][i * LANES + s % LANES] : NAN;
}

/* Slices of several groups, the last ones of which may have no samples. */
static void wide_slices_are_groups(void **unused) {
    (void)unused;
    enum { IN = 97, OUT = 37, STRIDE = 48, MOST_LANES = SLICES * LANES };
    static const size_t lanes_of[] = {64, 64, 96, 128, 128}, samples_of[] = {64, 20, 77, 128, 33};
    static struct layer l;
    static _Alignas(64) float x[IN * MOST_LANES], dz[OUT * MOST_LANES], z[OUT * MOST_LANES],
        dx[IN * MOST_LANES], g[TILE_ROWS * STRIDE];
    fill(&l, IN, OUT, ORDINARY);
    for (size_t i = 0; i < sizeof lanes_of / sizeof *lanes_of; i++) {
        size_t lanes = lanes_of[i], samples = samples_of[i];
        join(IN, lanes, samples, l.x, x);
        join(OUT, lanes, samples, l.dz, dz);
        FOR_TABLES(k) {
            begin(&l, k);
            /* What the groups keep is further apart than it is long. */
            size_t input = l.p->input_bytes(IN), stride = input + l.p->cotangent_bytes(OUT) + PACKED_ALIGN;
            size_t scratch_bytes = SLICES * l.p->scratch_bytes(IN);
            unsigned char *kept = memory(SLICES * stride), *scratch = memory(scratch_bytes);
            const struct product_slice slice = {lanes, samples, stride};
            l.p->pack_input(IN, &slice, x, scratch, kept);
            l.p->forward(&l.shape, lanes, l.weight, scratch, z);
            l.p->pack_cotangent(OUT, &slice, dz, scratch, kept + input);
            for (size_t f = 0; f < IN; f++)
                for (size_t s = 0; s < lanes; s++)
                    dx[f * lanes + s] = (float)(f + s);
            l.p->backward(&l.shape, lanes, l.weight, scratch, dx, true);
            for (size_t s = 0; s < samples; s++) {
                for (size_t o = 0; o < OUT; o++)
                    assert_true(z[o * lanes + s] ==
                                element(IN, l.w + o, STRIDE, l.x[s / LANES] + s % LANES, LANES, 0));
                for (size_t f = 0; f < IN; f++)
                    assert_true(dx[f * lanes + s] == element(OUT, l.w + f * STRIDE, 1,
                                                             l.dz[s / LANES] + s % LANES, LANES,
                                                             (float)(f + s)));
            }
            const struct product_tile tile = {IN,      OUT, 0,    TILE_ROWS,    0,      STRIDE,
                                              samples, 1,   kept, kept + input, stride, stride};
            l.p->gradient(&tile, g, STRIDE);
            for (size_t e = 0; e < TILE_ROWS * OUT; e++)
                assert_true(g[e / OUT * STRIDE + e % OUT] ==
                            element(samples, x + e / OUT * lanes, 1, dz + e % OUT * lanes, 1, 0));
            release(scratch, scratch_bytes);
            release(kept, SLICES * stride);
            end(&l);
        }
    }
}

/* Weights that an update has changed in one tile are the new ones there and the old ones elsewhere. */
static void tiles_are_packed_alone(void **unused) {
    (void)unused;
    static struct layer l;
    static _Alignas(64) float z[MOST * LANES], expected[MOST * LANES];
    enum { IN = 150, OUT = 100, STRIDE = 112 };
    FOR_TABLES(k) {
        for (size_t row = 0; row < IN; row += TILE_ROWS)
            for (size_t col = 0; col < STRIDE; col += TILE_COLS) {
                size_t rows = IN - row < TILE_ROWS ? IN - row : TILE_ROWS;
                size_t cols = STRIDE - col < TILE_COLS ? STRIDE - col : TILE_COLS;
                fill(&l, IN, OUT, ORDINARY);
                begin(&l, k);
                for (size_t r = row; r < row + rows; r++)
                    for (size_t c = col; c < col + cols && c < OUT; c++)
                        l.w[r * STRIDE + c] = value(ORDINARY, 0, 0);
                l.p->pack_weight(&l.shape, row, rows, col, cols, l.w, l.weight);
                l.p->pack_input(IN, &one_group, l.x[0], l.scratch, NULL);
                l.p->forward(&l.shape, LANES, l.weight, l.scratch, z);
                for (size_t e = 0; e < OUT * LANES; e++)
                    expected[e] = element(IN, l.w + e / LANES, STRIDE, l.x[0] + e % LANES, LANES, 0);
                check(k, "forward", z, expected, OUT * LANES, ORDINARY);
                l.p->pack_cotangent(OUT, &one_group, l.dz[0], l.scratch, l.cotangent[0]);
                l.p->backward(&l.shape, LANES, l.weight, l.scratch, z, false);
                for (size_t e = 0; e < IN * LANES; e++)
                    expected[e] = element(OUT, l.w + e / LANES * STRIDE, 1, l.dz[0] + e % LANES, LANES, 0);
                check(k, "backward", z, expected, IN * LANES, ORDINARY);
                end(&l);
            }
    }
}

/* Over batches that end anywhere in a slice. */
static void gradients_are_as_defined(void **unused) {
    (void)unused;
    static const size_t batches[] = {1, 16, 31, 32, 33, 70, 96, 128};
    static struct layer l;
    static _Alignas(64) float g[TILE_ROWS * TILE_COLS + 16], expected[TILE_ROWS * TILE_COLS], sum[TILE_COLS];
    static float x[MOST * SLICES * LANES], dz[MOST * SLICES * LANES]; /* by feature */
    for (int kind = 0; kind < CLASSES; kind++)
        for (size_t i = 0; i < SHAPES; i++) {
            size_t in = shapes[i].in, out = shapes[i].out, padded = (out + 15) / 16 * 16;
            size_t batch = batches[(i + (size_t)kind) % 8];
            float scale = i % 2 ? 1 : 1 / 255.0f;
            fill(&l, in, out, kind);
            memset(dz, 0, sizeof dz);
            for (size_t s = 0; s < SLICES * LANES; s++) {
                for (size_t o = 0; o < out; o++) {
                    float *at = &l.dz[s / LANES][o * LANES + s % LANES];
                    *at = s < batch ? value(kind, 0, s) : NAN; /* padding is anything */
                    dz[o * SLICES * LANES + s] = *at;
                }
                for (size_t f = 0; f < in; f++) {
                    float number = all_zero(kind, f) ? 0 : value(kind, 1, s);
                    l.x[s / LANES][f * LANES + s % LANES] = s < batch ? number : INFINITY;
                    x[f * SLICES * LANES + s] = l.x[s / LANES][f * LANES + s % LANES];
                }
            }
            size_t row0 = in > TILE_ROWS ? TILE_ROWS : 0,
                   rows = in - row0 < TILE_ROWS ? in - row0 : TILE_ROWS;
            size_t col0 = out > TILE_COLS ? TILE_COLS : 0;
            size_t cols = padded - col0 < TILE_COLS ? padded - col0 : TILE_COLS;
            for (size_t e = 0; e < rows * cols; e++)
                expected[e] = scale * element(batch, x + (row0 + e / cols) * SLICES * LANES, 1,
                                              dz + (col0 + e % cols) * SLICES * LANES, 1, 0);
            for (size_t c = 0; c < cols; c++) {
                sum[c] = 0;
                for (size_t s = 0; s < batch; s++)
                    sum[c] += rounded(dz[(col0 + c) * SLICES * LANES + s]);
            }
            FOR_TABLES(k) {
                begin(&l, k);
                for (size_t s = 0; s < (batch + LANES - 1) / LANES; s++) {
                    size_t samples = batch - s * LANES < LANES ? batch - s * LANES : LANES;
                    const struct product_slice slice = {LANES, samples, 0};
                    l.p->pack_input(in, &slice, l.x[s], l.scratch, l.input[s]);
                    l.p->pack_cotangent(out, &slice, l.dz[s], NULL, l.cotangent[s]);
                }
                const struct product_tile tile = {in,
                                                  out,
                                                  row0,
                                                  rows,
                                                  col0,
                                                  cols,
                                                  batch,
                                                  scale,
                                                  l.input[0],
                                                  l.cotangent[0],
                                                  l.p->input_bytes(in),
                                                  l.p->cotangent_bytes(out)};
                memset(g, 0xff, sizeof g);
                l.p->gradient(&tile, g, cols);
                check(k, "gradient", g, expected, rows * cols, kind);
                assert_true(isnan(g[rows * cols]));
                l.p->sum_cotangents(&tile, g);
                check(k, "sum", g, sum, cols, kind);
                end(&l);
            }
        }
}

/* Infinities and what is too large: a training must see that it has diverged. */
static void what_is_not_finite_stays_so(void **unused) {
    (void)unused;
    static struct layer l;
    static _Alignas(64) float z[16 * LANES], g[TILE_ROWS * 16];
    FOR_TABLES(k) {
        fill(&l, 64, 1, WHOLE);
        for (size_t i = 0; i < 64; i++) {
            l.w[i * 16] = 0x1p100f;
            for (size_t s = 0; s < LANES; s++)
                l.x[0][i * LANES + s] = s == 0 ? 0x1p100f : s == 1 ? INFINITY : s == 2 ? NAN : 0;
        }
        l.x[0][3] = INFINITY, l.x[0][2 * LANES + 3] = -INFINITY; /* of one chain */
        l.x[0][5] = 0x1.fep27f, l.x[0][6] = 0x1.ffp27f, l.x[0][7] = 0x1.fefffep27f;
        begin(&l, k);
        l.p->pack_input(64, &one_group, l.x[0], l.scratch, NULL);
        l.p->forward(&l.shape, LANES, l.weight, l.scratch, z);
        assert_true(z[0] == INFINITY && z[1] == INFINITY && isnan(z[2]) && isnan(z[3]) && z[4] == 0);
        assert_true(z[5] == 0x1.fep127f && z[6] == INFINITY && z[7] == 0x1.fep127f);
        end(&l);
        /* 0 times what is infinite once it is rounded, in a block without other inputs. */
        fill(&l, 64, 1, WHOLE);
        memset(l.x, 0, sizeof l.x);
        l.w[40 * 16] = 0x1.ffp127f;
        begin(&l, k);
        l.p->pack_input(64, &one_group, l.x[0], l.scratch, l.input[0]);
        l.p->forward(&l.shape, LANES, l.weight, l.scratch, z);
        assert_true(isnan(z[0]));
        for (size_t i = 0; i < MOST * LANES; i++)
            l.dz[0][i] = 0x1.ffp127f;
        l.p->pack_cotangent(1, &one_group, l.dz[0], NULL, l.cotangent[0]);
        const struct product_tile tile = {64,
                                          1,
                                          0,
                                          56,
                                          0,
                                          16,
                                          32,
                                          1,
                                          l.input[0],
                                          l.cotangent[0],
                                          l.p->input_bytes(64),
                                          l.p->cotangent_bytes(1)};
        l.p->gradient(&tile, g, 16);
        assert_true(isnan(g[0]));
        end(&l);
    }
}

/* Every 9973rd float and all that end at a border of the rounding, as inputs of a weight of 1 and as weights
 * of an input of 1. */
static void rounding_is_as_defined(void **unused) {
    (void)unused;
    static struct layer l;
    static _Alignas(64) float z[LANES * LANES];
    static const struct kernel *tables[8];
    size_t count = 0;
    FOR_TABLES(k) tables[count++] = k;
    for (size_t t = 0; t < count; t++) {
        fill(&l, LANES, LANES, WHOLE);
        memset(l.w, 0, sizeof l.w);
        for (size_t i = 0; i < LANES; i++)
            l.w[i * l.shape.stride + i] = 1;
        begin(&l, tables[t]);
        uint64_t pace = t ? 9973 : 9973 * 16; /* scalar code takes its time */
        for (uint64_t first = 0; first < UINT64_C(1) << 32; first += pace * LANES * LANES / 2) {
            for (uint32_t i = 0; i < LANES * LANES; i++) {
                uint32_t bits = (uint32_t)(first + i / 2 * pace);
                float x = of_bits(i % 2 ? (bits & 0xffff0000u) + 0x7fffu + i / 2 % 3 : bits);
                l.x[0][i] = isfinite(x) && isfinite(rounded(x)) ? x : 1;
            }
            l.p->pack_input(LANES, &one_group, l.x[0], l.scratch, NULL);
            l.p->forward(&l.shape, LANES, l.weight, l.scratch, z);
            for (size_t i = 0; i < LANES * LANES; i++)
                assert_true(z[i] == rounded(l.x[0][i]));
        }
        end(&l);
    }
}

/* The mode of the processor is as it was: subnormal numbers are numbers again. */
static void the_mode_is_restored(void **unused) {
    (void)unused;
    static struct layer l;
    static _Alignas(64) float z[16 * LANES], g[16 * 16];
    volatile float tiny = 0x1p-130f;
    FOR_TABLES(k) {
        fill(&l, 16, 16, ORDINARY);
        begin(&l, k);
        const struct product_tile tile = {16,
                                          16,
                                          0,
                                          16,
                                          0,
                                          16,
                                          32,
                                          1,
                                          l.input[0],
                                          l.cotangent[0],
                                          l.p->input_bytes(16),
                                          l.p->cotangent_bytes(16)};
        l.p->pack_input(16, &one_group, l.x[0], l.scratch, l.input[0]);
        l.p->forward(&l.shape, LANES, l.weight, l.scratch, z);
        assert_true(tiny * 2 == 0x1p-129f && tiny / 2 > 0);
        l.p->pack_cotangent(16, &one_group, l.dz[0], l.scratch, l.cotangent[0]);
        l.p->backward(&l.shape, LANES, l.weight, l.scratch, z, false);
        assert_true(tiny * 2 == 0x1p-129f && tiny / 2 > 0);
        l.p->gradient(&tile, g, 16);
        assert_true(tiny * 2 == 0x1p-129f && tiny / 2 > 0);
        end(&l);
    }
}

/* ---- the proof before the first product ---- */

/* Orders that an instruction could have: of a block's terms [32] of a and b, added to c. */
static float as_defined(const float *a, const float *b, float c) {
    float sum[2] = {0, 0};
    for (int p = 0; p < 32; p++)
        sum[p % 2] = flushing_fma(a[p], b[p], sum[p % 2]);
    return flushing_sum(c, flushing_sum(sum[0], sum[1]));
}

static float even_first(const float *a, const float *b, float c) {
    float sum[2] = {0, 0};
    for (int p = 0; p < 32; p++)
        sum[p % 2] = flushing_fma(a[p], b[p], sum[p % 2]);
    return flushing_sum(flushing_sum(c, sum[0]), sum[1]);
}

static float one_chain(const float *a, const float *b, float c) {
    for (int p = 0; p < 32; p++)
        c = flushing_fma(a[p], b[p], c);
    return c;
}

static float by_pairs(const float *a, const float *b, float c) {
    for (int p = 0; p < 32; p += 2)
        c = flushing_sum(c, flushing_fma(a[p + 1], b[p + 1], flushing_fma(a[p], b[p], 0)));
    return c;
}

static float never_flushing(const float *a, const float *b, float c) {
    float sum[2] = {0, 0};
    for (int p = 0; p < 32; p++)
        sum[p % 2] = fmaf(a[p], b[p], sum[p % 2]);
    return c + (sum[0] + sum[1]);
}

/* As ARM's FZ does: by the value before it is rounded. */
static float early_fma(float a, float b, float c) {
    double exact = (double)a * (double)b + (double)c;
    return fabs(exact) < 0x1p-126 ? 0 : fmaf(a, b, c);
}

static float flushing_early(const float *a, const float *b, float c) {
    float sum[2] = {0, 0};
    for (int p = 0; p < 32; p++)
        sum[p % 2] = early_fma(a[p], b[p], sum[p % 2]);
    return flushing_sum(c, flushing_sum(sum[0], sum[1]));
}

static float exactly(const float *a, const float *b, float c) {
    double sum = (double)c;
    for (int p = 0; p < 32; p++)
        sum += (double)a[p] * (double)b[p];
    return (float)sum;
}

static float (*order)(const float *a, const float *b, float c);
static bool addend_flushed = true;

/* Over what the scalar table packs, which are floats: w [in][stride], the panels of x and dz. */
static void forward_by_order(const struct weight_shape *s, size_t lanes, const void *weight,
                             const void *scratch, float *z) {
    assert_int_equal(lanes, LANES);
    for (size_t e = 0; e < s->out * LANES; e++) {
        float c = 0;
        for (size_t first = 0; first < s->in; first += 32) {
            float a[32] = {0}, b[32] = {0};
            for (size_t p = 0; p < 32 && first + p < s->in; p++) {
                a[p] = ((const float *)weight)[(first + p) * s->stride + e / LANES];
                b[p] = ((const float *)scratch)[(first + p) * LANES + e % LANES];
            }
            c = order(a, b, c);
        }
        z[e] = c;
    }
}

static void backward_by_order(const struct weight_shape *s, size_t lanes, const void *weight,
                              const void *scratch, float *dx, bool add) {
    assert_int_equal(lanes, LANES);
    for (size_t e = 0; e < s->in * LANES; e++) {
        float c = add ? dx[e] : 0;
        c = addend_flushed && fabsf(c) < 0x1p-126f ? 0 : c;
        for (size_t first = 0; first < s->out; first += 32) {
            float a[32] = {0}, b[32] = {0};
            for (size_t p = 0; p < 32 && first + p < s->out; p++) {
                a[p] = ((const float *)weight)[e / LANES * s->stride + first + p];
                b[p] = ((const float *)scratch)[(first + p) * LANES + e % LANES];
            }
            c = order(a, b, c);
        }
        dx[e] = c;
    }
}

static void other_orders_are_found_out(void **unused) {
    (void)unused;
    static float (*const others[])(const float *, const float *, float) = {
        even_first, one_chain, by_pairs, never_flushing, flushing_early, exactly};
    const struct products *scalar = kernel_of(PRECISION_BF16, 0)->products;
    struct products products = *scalar;
    products.forward = forward_by_order, products.backward = backward_by_order;
    FOR_TABLES(k) assert_true(products_agree(k->products, scalar));
    order = as_defined;
    assert_true(products_agree(&products, scalar));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        order = others[i];
        if (products_agree(&products, scalar))
            fail_msg("order %zu goes for the one of the contract", i);
    }
    order = as_defined, addend_flushed = false;
    assert_false(products_agree(&products, scalar));
}

static void precisions_have_names(void **unused) {
    (void)unused;
    struct err err = {0};
    assert_string_equal(precision_name(PRECISION_F32), "f32");
    assert_string_equal(precision_name(PRECISION_BF16), "bf16");
    assert_null(precision_name(2));
    for (int p = 0; p < 2; p++) {
        const struct kernel *k = kernel_find("scalar", (enum precision)p, &err);
        assert_non_null(k);
        assert_int_equal(k->precision, p);
        assert_true((k->products != NULL) == (p == PRECISION_BF16));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_is_as_defined),   cmocka_unit_test(slices_are_as_defined),
        cmocka_unit_test(wide_slices_are_groups),   cmocka_unit_test(tiles_are_packed_alone),
        cmocka_unit_test(gradients_are_as_defined), cmocka_unit_test(what_is_not_finite_stays_so),
        cmocka_unit_test(the_mode_is_restored),     cmocka_unit_test(other_orders_are_found_out),
        cmocka_unit_test(precisions_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
