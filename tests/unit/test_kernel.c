/* Every kernel table against the scalar one, byte for byte, and the scalar one against the definition. */
#include "support.h"

enum { GUARD = 64, MOST = 64 * 700 };

static const struct kernel *scalar;

/* ---- the product: one chain of fma, k ascending ---- */

static real chain(size_t k, const real *a, size_t a_col, const real *b, size_t ldb, real start) {
    for (size_t p = 0; p < k; p++)
        start = (real)(REAL_IS_DOUBLE ? fma((double)a[p * a_col], (double)b[p * ldb], (double)start)
                                      : (double)fmaf((float)a[p * a_col], (float)b[p * ldb], (float)start));
    return start;
}

struct shape {
    size_t m, n, k, a_row, a_col, ldb, ldc;
    bool add;
};

static void check_gemm(const struct kernel *table, const struct shape *s, const real *a, const real *b) {
    real *c = reals(s->m * s->ldc + GUARD), *before = reals(s->m * s->ldc + GUARD);
    fill(c, s->m * s->ldc + GUARD, 3, 1);
    memcpy(before, c, (s->m * s->ldc + GUARD) * sizeof *c);
    table->gemm(s->m, s->n, s->k, a, s->a_row, s->a_col, b, s->ldb, c, s->ldc, s->add);
    for (size_t i = 0; i < s->m * s->ldc + GUARD; i++) {
        size_t row = i / s->ldc, col = i % s->ldc;
        real expected = before[i];
        if (row < s->m && col < s->n)
            expected = chain(s->k, a + row * s->a_row, s->a_col, b + col, s->ldb, s->add ? before[i] : 0);
        assert_memory_equal(&c[i], &expected, sizeof expected);
    }
    mem_free(c);
    mem_free(before);
}

static void gemm_is_one_chain_per_element(void **state) {
    (void)state;
    static const size_t ms[] = {0, 1, 2, 5, 6, 7, 10, 13, 14, 15, 28, 33}, ns[] = {16, 32, 48},
                        ks[] = {0, 1, 3, 32, 255, 257, 513};
    real *a = reals(MOST), *b = reals(MOST);
    fill(a, MOST, 1, 1), fill(b, MOST, 2, 1);
    for (size_t t = 0; kernel_at(t); t++)
        for (size_t i = 0; kernel_at(t)->supported() && i < sizeof ms / sizeof *ms * 3 * 7 * 4; i++) {
            size_t m = ms[i % 12], n = ns[i / 12 % 3], k = ks[i / 36 % 7], form = i / 252;
            bool by_row = form & 1;
            struct shape s = {
                m, n, k, by_row ? 1 : k + 3, by_row ? m + 2 : 1, n + 16, n + (form & 2 ? 5 : 0), form & 2};
            check_gemm(kernel_at(t), &s, a, b);
        }
    mem_free(a);
    mem_free(b);
}

/* ---- the gradient: one chain over the samples of all slices ---- */

enum { GRADIENT_SAMPLES = 3 * 32, GRADIENT_FEATURES = 33, GRADIENT_COLS = 64 };

static void check_gradient(const struct kernel *table, size_t m, size_t n, size_t batch, size_t lanes,
                           const real *x, const real *dz) {
    size_t slice_stride = (GRADIENT_FEATURES + 2) * lanes,
           panel_stride = GRADIENT_SAMPLES * KERNEL_PANEL + 16;
    real *g = reals(m * GRADIENT_COLS + GUARD);
    table->gradient(m, n, batch, lanes, x, slice_stride, dz, panel_stride, g, GRADIENT_COLS);
    for (size_t i = 0; i < m * GRADIENT_COLS + GUARD; i++) {
        size_t r = i / GRADIENT_COLS, c = i % GRADIENT_COLS;
        real expected = 0;
        for (size_t s = 0; r < m && c < n && s < batch; s++)
            expected = chain(1, x + s / lanes * slice_stride + r * lanes + s % lanes, 1,
                             dz + c / KERNEL_PANEL * panel_stride + s * KERNEL_PANEL + c % KERNEL_PANEL, 1,
                             expected);
        assert_memory_equal(&g[i], &expected, sizeof expected);
    }
    mem_free(g);
}

static void gradient_is_one_chain_per_element(void **state) {
    (void)state;
    static const size_t ms[] = {1, 6, 7, 14, 15, 33}, batches[] = {1, 16, 31, 32, 33, 96};
    real *x = reals(MOST), *dz = reals(MOST);
    fill(x, MOST, 4, 1), fill(dz, MOST, 5, 1);
    for (size_t t = 0; kernel_at(t); t++)
        for (size_t i = 0; kernel_at(t)->supported() && i < 6 * 6 * 4 * 2; i++)
            check_gradient(kernel_at(t), ms[i % 6], 16 * (1 + i / 36 % 4), batches[i / 6 % 6],
                           i / 144 ? 32 : 16, x, dz);
    mem_free(x);
    mem_free(dz);
}

/* ---- products over lists: the bits of the products over panels ---- */

enum { SPARSE_FEATURES = 300, SPARSE_OUTPUTS = 273 };

/* Bytes, four in five of them 0, as columns [features][lanes] and as a panel. */
static void sparse_panel(size_t lanes, uint8_t *bytes, real *x) {
    for (size_t f = 0; f < SPARSE_FEATURES; f++)
        for (size_t s = 0; s < lanes; s++) {
            struct random_block b = random_philox(5, 1, (uint32_t)lanes, (uint32_t)s, (uint32_t)f);
            uint8_t byte = b.v[0] % 5 || f % 37 == 3 ? 0 : (uint8_t)b.v[1];
            bytes[f * lanes + s] = byte;
            x[f * lanes + s] = (real)byte / 255;
        }
}

static void check_sparse_forward(const struct kernel *k, size_t lanes, size_t outputs, const uint8_t *bytes,
                                 const real *x, const real *w, const real *value) {
    enum { STRIDE = 288 };
    static uint32_t entry[32 * (SPARSE_FEATURES + 1)];
    uint32_t start[32];
    size_t used = 0;
    for (size_t s = 0; s < lanes; s++) {
        uint8_t row[SPARSE_FEATURES];
        size_t some = 0;
        for (size_t f = 0; f < SPARSE_FEATURES; f++)
            some += (row[f] = bytes[f * lanes + s]) != 0;
        start[s] = (uint32_t)used;
        size_t written = k->sparse_list(SPARSE_FEATURES, row, entry + used);
        assert_int_equal(written, some + 1);
        used += written;
        assert_true(entry[used - 1] == SPARSE_END);
    }
    const struct sparse_rows rows = {entry, start, value, SPARSE_FEATURES};
    real *got = reals(outputs * lanes + GUARD), *expected = reals(outputs * lanes + GUARD);
    k->sparse_forward(outputs, lanes, &rows, w, STRIDE, got);
    scalar->gemm(outputs, lanes, SPARSE_FEATURES, w, 1, STRIDE, x, lanes, expected, lanes, false);
    assert_memory_equal(got, expected, (outputs * lanes + GUARD) * sizeof *got);
    mem_free(got);
    mem_free(expected);
}

static void check_sparse_gradient(const struct kernel *k, size_t lanes, size_t cols, const uint8_t *bytes,
                                  const real *x, const real *dz, const real *value) {
    enum { ROWS_OF_TILE = 29, FIRST = 250, PANEL = 32 * KERNEL_PANEL };
    static uint32_t entry[SPARSE_FEATURES * 33];
    static size_t start[SPARSE_FEATURES];
    static real got[ROWS_OF_TILE * 64], expected[ROWS_OF_TILE * 64];
    k->sparse_list_columns(SPARSE_FEATURES, 1, lanes, bytes, 0, entry, 0, start);
    for (size_t i = 0; i < ROWS_OF_TILE * 64; i++)
        got[i] = expected[i] = 7;
    for (int add = 0; add < 2; add++) {
        k->sparse_gradient(ROWS_OF_TILE, cols, entry, start + FIRST, value, dz, PANEL, add, got, 64);
        for (size_t c = 0; c < cols; c += 16)
            scalar->gemm(ROWS_OF_TILE, 16, lanes, x + FIRST * lanes, lanes, 1,
                         dz + c / KERNEL_PANEL * PANEL + c % KERNEL_PANEL, KERNEL_PANEL, expected + c, 64,
                         add);
        assert_memory_equal(got, expected, sizeof got);
    }
}

static void lists_give_the_bits_of_panels(void **state) {
    (void)state;
    static const size_t outputs[] = {1, 10, 16, 33, 97, 128, 129, SPARSE_OUTPUTS};
    static uint8_t bytes[SPARSE_FEATURES * 32];
    real *x = reals(SPARSE_FEATURES * 32), *w = reals(SPARSE_FEATURES * 288), *dz = reals(64 * 32);
    real value[256];
    fill(w, SPARSE_FEATURES * 288, 6, 1), fill(dz, 64 * 32, 7, 1);
    for (size_t b = 0; b < 256; b++)
        value[b] = (real)b / 255;
    for (size_t lanes = 16; lanes <= 32; lanes += 16) {
        sparse_panel(lanes, bytes, x);
        for (size_t t = 0; kernel_at(t); t++) {
            for (size_t i = 0; kernel_at(t)->supported() && i < sizeof outputs / sizeof *outputs; i++)
                check_sparse_forward(kernel_at(t), lanes, outputs[i], bytes, x, w, value);
            for (size_t cols = 16; kernel_at(t)->supported() && cols <= 64; cols += 16)
                check_sparse_gradient(kernel_at(t), lanes, cols, bytes, x, dz, value);
        }
    }
    mem_free(x);
    mem_free(w);
    mem_free(dz);
}

static void lists_hold_every_byte_that_is_not_0(void **state) {
    (void)state;
    for (size_t t = 0; kernel_at(t); t++)
        for (size_t n = 0; kernel_at(t)->supported() && n <= 70; n++)
            for (unsigned pattern = 0; pattern < 3; pattern++) {
                uint8_t bytes[71], seen[71] = {0};
                uint32_t entry[72], before = 0;
                for (size_t i = 0; i < n; i++)
                    bytes[i] = (uint8_t)(pattern == 0 ? 0 : pattern == 1 ? i + 1 : i % 3 * 100);
                size_t count = kernel_at(t)->sparse_list(n, bytes, entry) - 1;
                assert_true(entry[count] == SPARSE_END);
                for (size_t i = 0; i < count; i++) {
                    assert_true(i == 0 || entry[i] >> 8 > before);
                    before = entry[i] >> 8;
                    seen[before] = (uint8_t)entry[i];
                    assert_true(seen[before] != 0);
                }
                assert_memory_equal(seen, bytes, n);
            }
}

static void transposing_moves_and_pads(void **state) {
    (void)state;
    real *from = reals(40 * 48), *to = reals(48 * 64 + GUARD);
    fill(from, 40 * 48, 8, 1);
    for (size_t t = 0; kernel_at(t); t++)
        for (size_t rows = 1; kernel_at(t)->supported() && rows <= 33; rows++)
            for (size_t cols = 1; cols <= 33; cols += 8) {
                for (size_t i = 0; i < 48 * 64 + GUARD; i++)
                    to[i] = 7;
                kernel_at(t)->transpose(rows, cols, from, 48, to, 64);
                for (size_t i = 0; i < 48 * 64 + GUARD; i++) {
                    size_t c = i / 64, r = i % 64, padded = (rows + 15) / 16 * 16;
                    assert_true(to[i] == (c >= cols || r >= padded ? 7 : r < rows ? from[r * 48 + c] : 0));
                }
            }
    mem_free(from);
    mem_free(to);
}

/* A sum of which every term vanishes is +0 on all ways, so that leaving out terms can be told by no bit. */
static void vanished_sums_are_positive(void **state) {
    (void)state;
    real z[16], bias[1] = {(real)-0.0}, w[16], g[16];
    for (size_t t = 0; kernel_at(t); t++) {
        if (!kernel_at(t)->supported())
            continue;
        for (size_t i = 0; i < 16; i++)
            z[i] = (real)-0.0, w[i] = (real)-0.0, g[i] = (real)-0.0;
        kernel_at(t)->add_bias(1, 16, 1, z, bias);
        assert_false(signbit((double)z[3]));
        real v[16] = {0};
        const struct update_tile tile = {1, 16, w, {[UPDATE_VELOCITY] = v}, g, 16, 16};
        const struct update update = {.scale = 1, .keep = 1, .rate = 1, .momentum = (real)0.5, .intake = 1};
        kernel_at(t)->sgd(&tile, &update);
        assert_false(signbit((double)v[3]));
        for (size_t i = 0; i < 16; i++)
            w[i] = (real)-0.25;
        kernel_at(t)->sgd(&tile, &(struct update){.scale = 1, .keep = 1, .threshold = (real)0.25});
        assert_true(w[3] == 0 && !signbit((double)w[3]));
    }
}

/* ---- everything else: the same bytes as the scalar table ---- */

enum { ROWS = 11, LANES = 48, N = ROWS * LANES };

struct panels {
    real in[6][N]; /* arguments */
    uint32_t cls[LANES];
    real out[3][N];
    uint32_t best[LANES];
};

typedef void call(const struct kernel *k, struct panels *p);

static void same_bytes(call *f) {
    static struct panels expected, got;
    for (int magnitude = 0; magnitude < 3; magnitude++) {
        for (uint32_t i = 0; i < 6; i++)
            fill(expected.in[i], N, 10 + i, magnitude == 0 ? 1 : magnitude == 1 ? 20 : 200);
        for (size_t s = 0; s < LANES; s++)
            expected.cls[s] = (uint32_t)(s * 7 % ROWS);
        /* edges: zeros of both signs, equal logits, huge and tiny values */
        static const real edges[] = {0,   (real)-0.0, 1,           -1,           88,         -88,
                                     104, -104,       (real)1e-30, (real)-1e-30, (real)1e30, (real)-1e30};
        for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
            expected.in[0][i * 5] = edges[i];
        memset(expected.out, 0, sizeof expected.out);
        struct panels before = expected;
        f(scalar, &expected);
        for (size_t t = 1; kernel_at(t); t++)
            if (kernel_at(t)->supported()) {
                got = before;
                f(kernel_at(t), &got);
                assert_memory_equal(got.out, expected.out, sizeof expected.out);
                assert_memory_equal(got.best, expected.best, sizeof expected.best);
            }
    }
}

static void call_activations(const struct kernel *k, struct panels *p) {
    for (int a = 0; a < ACTIVATION_COUNT; a++) {
        real y[N], dx[N];
        memcpy(dx, p->in[2], sizeof dx);
        k->activation[a].value(N, p->in[0], y, (real)0.25);
        k->activation[a].slope(N, p->in[0], y, p->in[1], dx, (real)0.25, a % 2);
        for (size_t i = 0; i < N; i++)
            p->out[0][i] += y[i], p->out[1][i] += dx[i];
    }
}

static void call_losses(const struct kernel *k, struct panels *p) {
    real saved[2 * LANES];
    k->softmax_loss(ROWS, LANES, p->in[0], p->cls, NULL, saved, p->out[0]);
    k->softmax_grad(ROWS, LANES, p->in[0], p->cls, NULL, saved, p->in[1], p->out[1]);
    k->softmax_loss(ROWS, LANES, p->in[0], NULL, p->in[2], saved, p->out[0] + LANES);
    k->softmax_grad(ROWS, LANES, p->in[0], NULL, p->in[2], saved, p->in[1], p->out[2]);
    k->logistic_loss(ROWS, LANES, p->in[0], p->in[2], p->out[0] + 2 * LANES);
    k->squared_loss(ROWS, LANES, p->in[0], p->in[2], p->out[0] + 3 * LANES);
    k->dot(ROWS, LANES, p->in[1], p->in[2], p->out[0] + 4 * LANES);
    k->dot_negative(ROWS, LANES, p->in[1], p->in[2], p->out[0] + 5 * LANES);
    k->argmax(ROWS, LANES, p->in[0], p->best);
}

static void call_gradients(const struct kernel *k, struct panels *p) {
    k->logistic_grad(ROWS, LANES, p->in[0], p->in[2], p->in[1], p->out[0]);
    k->squared_grad(ROWS, LANES, p->in[0], p->in[2], p->in[1], p->out[1]);
    k->softmax(ROWS, LANES, p->in[0], p->out[2]);
    k->add_bias(ROWS, LANES, 1, p->out[2], p->in[3]);
}

/* Room for what the rules read and write: w, and four states that begin as numbers of the panels. */
struct update_room {
    real w[N], state[UPDATE_STATES][N];
};

static struct update_tile update_room(struct update_room *room, const struct panels *p, size_t rows,
                                      size_t cols, unsigned states) {
    struct update_tile t = {.rows = rows, .cols = cols, .w = room->w, .stride = LANES, .g_stride = LANES};
    t.g = p->in[2];
    memcpy(room->w, p->in[0], sizeof room->w);
    for (int s = 0; s < UPDATE_STATES; s++) {
        for (size_t i = 0; i < N; i++)
            room->state[s][i] = s < UPDATE_SQUARE ? p->in[3][i] : (real)fabs((double)p->in[s + 2][i]);
        t.state[s] = states & 1u << s ? room->state[s] : NULL;
    }
    return t;
}

static const struct update some_update = {
    .scale = 1,
    .keep = 1,
    .rate = (real)0.1,
    .momentum = (real)0.9,
    .intake = (real)0.7,
    .mean_decay = (real)0.9,
    .mean_in = (real)0.1,
    .square_decay = (real)0.99,
    .square_in = (real)0.01,
    .correction = (real)0.3,
    .eps = (real)1e-8,
};

/* Every rule with every set of states that it takes, plain and with all that surrounds it. */
static void call_updates(const struct kernel *k, struct panels *p) {
    static const struct {
        int rule;
        unsigned states;
    } cases[] = {{0, 0}, {0, 1}, {1, 6}, {1, 14}, {2, 4}, {2, 5}, {2, 6}, {2, 7}, {3, 4}};
    bool (*const rules[])(const struct update_tile *, const struct update *) = {k->sgd, k->adam, k->rmsprop,
                                                                                k->adagrad};
    static struct update_room room;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (int full = 0; full < 2; full++) {
            struct update u = some_update;
            if (full)
                u.scale = (real)0.8, u.keep = (real)0.97, u.threshold = (real)0.02, u.nesterov = true;
            struct update_tile t = update_room(&room, p, full ? 4 : ROWS, full ? 16 : LANES, cases[c].states);
            p->out[2][2 * c + (size_t)full] = rules[cases[c].rule](&t, &u);
            for (size_t i = 0; i < N; i++) {
                p->out[0][i] += room.w[i];
                for (int s = 0; s < UPDATE_STATES; s++)
                    p->out[1][i] += room.state[s][i];
            }
        }
}

static void call_tile_passes(const struct kernel *k, struct panels *p) {
    k->penalise(ROWS, LANES, p->in[0], LANES, p->in[2], LANES, (real)0.1, (real)0.3, (real)2.5, p->out[0],
                LANES);
    double sum = k->sum_squares(ROWS, LANES, p->in[2], LANES) + k->sum_squares(3, 16, p->in[1], LANES);
    memcpy(&p->out[1][0], &sum, sizeof sum);
    memcpy(p->out[2], p->in[1], sizeof p->out[2]);
    p->out[1][4] = k->limit_columns(ROWS, LANES, p->out[2], LANES, 2);
}

static void tables_agree(void **state) {
    (void)state;
    same_bytes(call_activations);
    same_bytes(call_losses);
    same_bytes(call_gradients);
    same_bytes(call_updates);
    same_bytes(call_tile_passes);
}

/* What surrounds the rules changes no bit where it does nothing: a threshold below half a unit in the last
 * place of every weight runs through the pass that has it all. */
static void neutral_numbers_change_no_bit(void **state) {
    (void)state;
    static struct panels p;
    static struct update_room plain, full;
    for (uint32_t i = 0; i < 6; i++)
        fill(p.in[i], N, 20 + i, 1);
    struct update u = some_update;
    u.threshold = (real)(REAL_IS_DOUBLE ? 1e-200 : 1e-30);
    u.eps = 1; /* the divisor is no smaller */
    for (size_t t = 0; kernel_at(t); t++)
        for (int rule = 0; kernel_at(t)->supported() && rule < 4; rule++) {
            const struct kernel *k = kernel_at(t);
            bool (*const rules[])(const struct update_tile *,
                                  const struct update *) = {k->sgd, k->adam, k->rmsprop, k->adagrad};
            struct update without = u;
            without.threshold = 0;
            struct update_tile a = update_room(&plain, &p, ROWS, LANES, 7);
            struct update_tile b = update_room(&full, &p, ROWS, LANES, 7);
            assert_true(rules[rule](&a, &without) && rules[rule](&b, &u));
            assert_memory_equal(&plain, &full, sizeof plain);
        }
}

/* A weight that is not finite, and a square that overflows while the weight stands still. */
static void updates_notice_what_is_not_finite(void **state) {
    (void)state;
    static struct panels p;
    static struct update_room room;
    const real huge = (real)(REAL_IS_DOUBLE ? 1e200 : 1e25);
    for (size_t t = 0; kernel_at(t); t++)
        for (int rule = 0; kernel_at(t)->supported() && rule < 4; rule++) {
            const struct kernel *k = kernel_at(t);
            bool (*const rules[])(const struct update_tile *,
                                  const struct update *) = {k->sgd, k->adam, k->rmsprop, k->adagrad};
            struct update u = some_update;
            for (int full = 0; full < 2; full++) {
                memset(&p, 0, sizeof p);
                u.threshold = (real)(full ? 0.1 : 0);
                struct update_tile at = update_room(&room, &p, ROWS, LANES, 6);
                assert_true(rules[rule](&at, &u));
                p.in[2][3 * LANES + 17] = INFINITY;
                at = update_room(&room, &p, ROWS, LANES, 6);
                assert_false(rules[rule](&at, &u));
                p.in[2][3 * LANES + 17] = huge;
                at = update_room(&room, &p, ROWS, LANES, 6);
                assert_int_equal(rules[rule](&at, &u), rule == 0);
                assert_true(isfinite((double)room.w[3 * LANES + 17]));
            }
        }
}

/* Clipping hides no gradient that is not finite, a limit on norms no weight that is too large for one. */
static void limits_hide_nothing(void **state) {
    (void)state;
    real w[16] = {1, -1, 0, 2}, g[16] = {1, -3, NAN, INFINITY, 3}, out[16], huge[32] = {0};
    for (size_t t = 0; kernel_at(t); t++) {
        if (!kernel_at(t)->supported())
            continue;
        kernel_at(t)->penalise(1, 16, w, 16, g, 16, (real)0.5, (real)0.25, 2, out, 16);
        assert_true(out[0] == (real)1.75 && out[1] == -2 && isnan((double)out[2]) && out[4] == 2);
        assert_true(isinf((double)out[3]));
        huge[3] = huge[16 + 3] = (real)(REAL_IS_DOUBLE ? 1e200 : 1e30);
        huge[4] = 3, huge[16 + 4] = -4, huge[5] = (real)0.5;
        assert_false(kernel_at(t)->limit_columns(2, 16, huge, 16, 1));
        assert_true(isnan((double)huge[3]));
        assert_true(fabs((double)huge[4] - 0.6) < 1e-7 && fabs((double)huge[20] + 0.8) < 1e-7);
        assert_true(huge[5] == (real)0.5 && huge[6] == 0);
    }
}

static void bytes_become_numbers(void **state) {
    (void)state;
    enum { FEATURES = 273, SAMPLES = 32 };
    static uint8_t image[SAMPLES][FEATURES];
    static real x[FEATURES * SAMPLES], mean[FEATURES], deviation[FEATURES];
    const uint8_t *row[SAMPLES];
    for (size_t s = 0; s < SAMPLES; s++) {
        row[s] = image[s];
        for (size_t f = 0; f < FEATURES; f++)
            image[s][f] = (uint8_t)(s * 31 + f); /* every byte */
    }
    for (size_t f = 0; f < FEATURES; f++)
        mean[f] = (real)(100.25 + (double)f), deviation[f] = (real)(3 + (double)f / 7);
    for (size_t t = 0; kernel_at(t); t++)
        for (int mode = 0; kernel_at(t)->supported() && mode < 3; mode++) {
            kernel_at(t)->load_bytes(FEATURES, SAMPLES, row, mode == 2 ? mean : NULL,
                                     mode == 2 ? deviation : NULL, mode == 1, x);
            for (size_t f = 0; f < FEATURES; f++)
                for (size_t s = 0; s < SAMPLES; s++) {
                    real b = image[s][f];
                    real expected = mode == 0 ? b / 255 : mode == 1 ? b : (b - mean[f]) / deviation[f];
                    assert_memory_equal(&x[f * SAMPLES + s], &expected, sizeof expected);
                }
        }
}

static void argmax_takes_the_first_of_equals(void **state) {
    (void)state;
    real z[5 * 16] = {0};
    uint32_t best[16];
    z[2 * 16 + 3] = z[4 * 16 + 3] = 7;
    for (size_t t = 0; kernel_at(t); t++)
        if (kernel_at(t)->supported()) {
            kernel_at(t)->argmax(5, 16, z, best);
            assert_int_equal(best[0], 0);
            assert_int_equal(best[3], 2);
        }
}

static void finite_is_finite(void **state) {
    (void)state;
    real x[77] = {0};
    for (size_t t = 0; kernel_at(t); t++)
        for (size_t i = 0; kernel_at(t)->supported() && i < 77; i++) {
            assert_true(kernel_at(t)->all_finite(77, x));
            x[i] = (real)(i % 2 ? INFINITY : NAN);
            assert_false(kernel_at(t)->all_finite(77, x));
            x[i] = 0;
        }
}

/* log-sum-exp: extreme logits, and a constant added to all of them changes no bit */
static void cross_entropy_is_stable(void **state) {
    (void)state;
    enum { L = 16 };
    real z[3 * L], loss[L], saved[2 * L], shifted[L];
    uint32_t cls[L];
    for (size_t s = 0; s < L; s++) {
        z[s] = 1000, z[L + s] = 0, z[2 * L + s] = -1000;
        cls[s] = (uint32_t)(s % 3);
    }
    for (size_t t = 0; kernel_at(t); t++) {
        if (!kernel_at(t)->supported())
            continue;
        kernel_at(t)->softmax_loss(3, L, z, cls, NULL, saved, loss);
        for (size_t s = 0; s < L; s++)
            assert_true(loss[s] == (real)(1000 * (s % 3)));
        real w[3 * L], moved[3 * L];
        for (size_t i = 0; i < 3 * L; i++)
            w[i] = (real)(i % 37) / 64, moved[i] = w[i] + 256;
        kernel_at(t)->softmax_loss(3, L, w, cls, NULL, saved, loss);
        kernel_at(t)->softmax_loss(3, L, moved, cls, NULL, saved, shifted);
        assert_memory_equal(loss, shifted, sizeof loss);
        /* log(e^89 + e^89) = 89 + log 2 where e^89 is no float */
        for (size_t i = 0; i < 2 * L; i++)
            w[i] = 89;
        kernel_at(t)->softmax_loss(2, L, w, (uint32_t[L]){0}, NULL, saved, loss);
        assert_true(fabs((double)loss[0] - 0.69314718055994531) < 1e-7);
    }
}

/* max(z, 0) - z t + log(1 + e^-|z|): nothing overflows, and a right answer far out costs nothing. */
static void binary_cross_entropy_is_stable(void **state) {
    (void)state;
    enum { L = 16 };
    static const double z[] = {1000, 1000, -1000, -1000, 0, 0, 2, -2},
                        t[] = {1, 0, 1, 0, 1, 0.25, 0.75, 0.75}, expected[] = {0,
                                                                               1000,
                                                                               1000,
                                                                               0,
                                                                               0.6931471805599453,
                                                                               0.6931471805599453,
                                                                               0.6269280110429725,
                                                                               1.6269280110429725};
    real logit[L], target[L], loss[L];
    for (size_t s = 0; s < L; s++)
        logit[s] = (real)z[s % 8], target[s] = (real)t[s % 8];
    for (size_t i = 0; kernel_at(i); i++) {
        if (!kernel_at(i)->supported())
            continue;
        kernel_at(i)->logistic_loss(1, L, logit, target, loss);
        for (size_t s = 0; s < L; s++)
            assert_true(fabs((double)loss[s] - expected[s % 8]) <= (REAL_IS_DOUBLE ? 4e-16 : 2e-7));
    }
}

int main(void) {
    scalar = kernel_at(0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gemm_is_one_chain_per_element),
        cmocka_unit_test(gradient_is_one_chain_per_element),
        cmocka_unit_test(lists_give_the_bits_of_panels),
        cmocka_unit_test(lists_hold_every_byte_that_is_not_0),
        cmocka_unit_test(transposing_moves_and_pads),
        cmocka_unit_test(vanished_sums_are_positive),
        cmocka_unit_test(tables_agree),
        cmocka_unit_test(neutral_numbers_change_no_bit),
        cmocka_unit_test(updates_notice_what_is_not_finite),
        cmocka_unit_test(limits_hide_nothing),
        cmocka_unit_test(bytes_become_numbers),
        cmocka_unit_test(argmax_takes_the_first_of_equals),
        cmocka_unit_test(finite_is_finite),
        cmocka_unit_test(cross_entropy_is_stable),
        cmocka_unit_test(binary_cross_entropy_is_stable),
    };
    return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
