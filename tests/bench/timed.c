#include "timed.h"

#include "bench.h"

static const struct kernel *original;
static struct kernel timed;
static struct products timed_products;
static double seconds[PHASE_COUNT];

const char *phase_name(enum phase phase) {
    static const char *const names[] = {
#define X(id, name) name,
        PHASE_LIST(X)
#undef X
    };
    return names[phase];
}

double timed_seconds(enum phase phase) {
    return seconds[phase];
}

/* Every function of struct kernel but those of activations, in the order of its fields: V(phase, name,
 * parameters, arguments), and R(type, ...) for those that return something. The phase is an expression of the
 * parameters. */
/* clang-format off */
#define FUNCTION_LIST(V, R)                                                                                  \
    V(a_row == 1 ? PHASE_FORWARD : PHASE_INPUT_GRADIENT, gemm,                                               \
      (size_t m, size_t n, size_t k, const real *a, size_t a_row, size_t a_col, const real *b, size_t ldb,   \
       real *c, size_t ldc, bool add), (m, n, k, a, a_row, a_col, b, ldb, c, ldc, add))                      \
    V(PHASE_WEIGHT_GRADIENT, gradient,                                                                       \
      (size_t m, size_t n, size_t batch, size_t lanes, const real *x, size_t slice_stride, const real *dz,   \
       size_t panel_stride, real *g, size_t ldg),                                                            \
      (m, n, batch, lanes, x, slice_stride, dz, panel_stride, g, ldg))                                       \
    R(size_t, PHASE_INPUT, sparse_list, (size_t n, const uint8_t *bytes, uint32_t *entry), (n, bytes, entry))\
    R(size_t, PHASE_INPUT, sparse_list_columns,                                                              \
      (size_t features, size_t slices, size_t lanes, const uint8_t *bytes, size_t slice_stride,              \
       uint32_t *entry, size_t base, size_t *start),                                                         \
      (features, slices, lanes, bytes, slice_stride, entry, base, start))                                    \
    V(PHASE_FORWARD, sparse_forward,                                                                         \
      (size_t outputs, size_t lanes, const struct sparse_rows *x, const real *w, size_t stride, real *z),    \
      (outputs, lanes, x, w, stride, z))                                                                     \
    V(PHASE_WEIGHT_GRADIENT, sparse_gradient,                                                                \
      (size_t rows, size_t cols, const uint32_t *entry, const size_t *start, const real *value,              \
       const real *dz, size_t panel_stride, bool add, real *g, size_t ldg),                                  \
      (rows, cols, entry, start, value, dz, panel_stride, add, g, ldg))                                      \
    V(PHASE_ELEMENTWISE, sparse_squares, (size_t lanes, const struct sparse_rows *x, real *out), (lanes, x, out))\
    V(PHASE_NOISE, drop,                                                                                     \
      (size_t rows, size_t lanes, const struct noise *noise, uint32_t stream, struct dropout d,              \
       const real *x, real *y, real *saved), (rows, lanes, noise, stream, d, x, y, saved))                   \
    V(PHASE_NOISE, drop_bytes,                                                                               \
      (size_t features, size_t lanes, const struct noise *noise, uint32_t stream, struct dropout d,          \
       uint8_t *bytes), (features, lanes, noise, stream, d, bytes))                                          \
    V(PHASE_NOISE, add_normal,                                                                               \
      (size_t rows, size_t lanes, size_t first, const struct noise *noise, uint32_t stream,                  \
       const real *scale, const real *x, real *y, size_t stride, real *saved),                               \
      (rows, lanes, first, noise, stream, scale, x, y, stride, saved))                                       \
    V(PHASE_ELEMENTWISE, multiply, (size_t n, const real *a, const real *b, real *y, bool add),              \
      (n, a, b, y, add))                                                                                     \
    V(PHASE_ELEMENTWISE, add_scaled,                                                                         \
      (size_t rows, size_t lanes, const real *scale, const real *x, real *y), (rows, lanes, scale, x, y))    \
    V(PHASE_ELEMENTWISE, transpose,                                                                          \
      (size_t rows, size_t cols, const real *from, size_t from_stride, real *to, size_t to_stride),          \
      (rows, cols, from, from_stride, to, to_stride))                                                        \
    V(PHASE_ELEMENTWISE, add_bias, (size_t rows, size_t lanes, real scale, real *z, const real *bias),       \
      (rows, lanes, scale, z, bias))                                                                         \
    V(PHASE_WEIGHT_GRADIENT, sum_samples,                                                                    \
      (size_t n, size_t batch, const real *dz, size_t panel_stride, real *g), (n, batch, dz, panel_stride, g))\
    V(PHASE_LOSS, softmax_loss,                                                                              \
      (size_t rows, size_t lanes, const real *z, const uint32_t *cls, const real *t, real *saved,            \
       real *loss), (rows, lanes, z, cls, t, saved, loss))                                                   \
    V(PHASE_LOSS, softmax_grad,                                                                              \
      (size_t rows, size_t lanes, const real *z, const uint32_t *cls, const real *t, const real *saved,      \
       const real *seed, real *dz), (rows, lanes, z, cls, t, saved, seed, dz))                               \
    V(PHASE_LOSS, softmax, (size_t rows, size_t lanes, const real *z, real *p), (rows, lanes, z, p))         \
    V(PHASE_LOSS, logistic_loss, (size_t rows, size_t lanes, const real *z, const real *t, real *loss),      \
      (rows, lanes, z, t, loss))                                                                             \
    V(PHASE_LOSS, logistic_grad,                                                                             \
      (size_t rows, size_t lanes, const real *z, const real *t, const real *seed, real *dz),                 \
      (rows, lanes, z, t, seed, dz))                                                                         \
    V(PHASE_LOSS, squared_loss, (size_t rows, size_t lanes, const real *z, const real *t, real *loss),       \
      (rows, lanes, z, t, loss))                                                                             \
    V(PHASE_LOSS, squared_grad,                                                                              \
      (size_t rows, size_t lanes, const real *z, const real *t, const real *seed, real *dz),                 \
      (rows, lanes, z, t, seed, dz))                                                                         \
    V(PHASE_ELEMENTWISE, dot, (size_t rows, size_t lanes, const real *a, const real *b, real *out),          \
      (rows, lanes, a, b, out))                                                                              \
    V(PHASE_ELEMENTWISE, dot_negative,                                                                       \
      (size_t rows, size_t lanes, const real *x, const real *dy, real *out), (rows, lanes, x, dy, out))      \
    V(PHASE_LOSS, argmax, (size_t rows, size_t lanes, const real *z, uint32_t *best), (rows, lanes, z, best))\
    V(PHASE_INPUT, load_bytes,                                                                               \
      (size_t features, size_t lanes, const uint8_t *const *row, const real *mean, const real *deviation,    \
       bool raw, real *x), (features, lanes, row, mean, deviation, raw, x))                                  \
    V(PHASE_INPUT, turn_bytes, (size_t features, size_t lanes, const uint8_t *const *row, uint8_t *out),     \
      (features, lanes, row, out))                                                                           \
    V(PHASE_INPUT, resample,                                                                                 \
      (size_t height, size_t width, const real *from, const real *map, const real *move, real *to),          \
      (height, width, from, map, move, to))                                                                  \
    V(PHASE_INPUT, normals,                                                                                  \
      (uint64_t seed, uint32_t stream, uint32_t epoch, uint32_t sample, uint32_t first, size_t n, real *a,   \
       real *b), (seed, stream, epoch, sample, first, n, a, b))                                              \
    V(PHASE_UPDATE, penalise,                                                                                \
      (size_t rows, size_t cols, const real *w, size_t stride, const real *g, size_t g_stride, real l2,      \
       real l1, real clip, real *out, size_t out_stride),                                                    \
      (rows, cols, w, stride, g, g_stride, l2, l1, clip, out, out_stride))                                   \
    R(bool, PHASE_UPDATE, sgd, (const struct update_tile *t, const struct update *u), (t, u))                \
    R(bool, PHASE_UPDATE, adam, (const struct update_tile *t, const struct update *u), (t, u))               \
    R(bool, PHASE_UPDATE, rmsprop, (const struct update_tile *t, const struct update *u), (t, u))            \
    R(bool, PHASE_UPDATE, adagrad, (const struct update_tile *t, const struct update *u), (t, u))            \
    R(double, PHASE_UPDATE, sum_squares, (size_t rows, size_t cols, const real *x, size_t stride),           \
      (rows, cols, x, stride))                                                                               \
    R(bool, PHASE_UPDATE, limit_columns,                                                                     \
      (size_t rows, size_t cols, real *w, size_t stride, real limit), (rows, cols, w, stride, limit))        \
    V(PHASE_UPDATE, fetch, (size_t rows, size_t cols, const real *x, size_t stride), (rows, cols, x, stride))\
    R(bool, PHASE_LOSS, all_finite, (size_t n, const real *x), (n, x))
/* clang-format on */

/* The same of struct products; S(type, ...) are asked before the first step. */
/* clang-format off */
#define PRODUCT_LIST(V, S)                                                                                   \
    S(size_t, weight_bytes, (const struct weight_shape *shape))                                              \
    S(size_t, input_bytes, (size_t in))                                                                      \
    S(size_t, cotangent_bytes, (size_t out))                                                                 \
    S(size_t, scratch_bytes, (size_t features))                                                              \
    V(PHASE_UPDATE, pack_weight,                                                                             \
      (const struct weight_shape *shape, size_t row0, size_t rows, size_t col0, size_t cols, const real *w,  \
       void *packed), (shape, row0, rows, col0, cols, w, packed))                                            \
    V(PHASE_PACK, pack_input,                                                                                \
      (size_t in, const struct product_slice *slice, const real *x, void *scratch, void *kept),              \
      (in, slice, x, scratch, kept))                                                                         \
    V(PHASE_PACK, pack_cotangent,                                                                            \
      (size_t out, const struct product_slice *slice, const real *dz, void *scratch, void *kept),            \
      (out, slice, dz, scratch, kept))                                                                       \
    V(PHASE_FORWARD, forward,                                                                                \
      (const struct weight_shape *shape, size_t lanes, const void *weight, const void *scratch, real *z),    \
      (shape, lanes, weight, scratch, z))                                                                    \
    V(PHASE_INPUT_GRADIENT, backward,                                                                        \
      (const struct weight_shape *shape, size_t lanes, const void *weight, const void *scratch, real *dx,    \
       bool add), (shape, lanes, weight, scratch, dx, add))                                                  \
    V(PHASE_WEIGHT_GRADIENT, gradient, (const struct product_tile *tile, real *g, size_t ldg),               \
      (tile, g, ldg))                                                                                        \
    V(PHASE_WEIGHT_GRADIENT, sum_cotangents, (const struct product_tile *tile, real *g), (tile, g))          \
    S(void, rest, (void))
/* clang-format on */

#define V(phase, name, parameters, arguments)                                                                \
    static void timed_product_##name parameters {                                                            \
        double began = bench_now();                                                                          \
        original->products->name arguments;                                                                  \
        seconds[phase] += bench_now() - began;                                                               \
    }
#define S(...)
PRODUCT_LIST(V, S)
#undef V
#undef S

#define V(phase, name, parameters, arguments)                                                                \
    static void timed_##name parameters {                                                                    \
        double began = bench_now();                                                                          \
        original->name arguments;                                                                            \
        seconds[phase] += bench_now() - began;                                                               \
    }
#define R(type, phase, name, parameters, arguments)                                                          \
    static type timed_##name parameters {                                                                    \
        double began = bench_now();                                                                          \
        type result = original->name arguments;                                                              \
        seconds[phase] += bench_now() - began;                                                               \
        return result;                                                                                       \
    }
FUNCTION_LIST(V, R)
#undef V
#undef R

#define X(id, ...)                                                                                           \
    static void timed_value_##id(size_t n, const real *x, real *y, real p) {                                 \
        double began = bench_now();                                                                          \
        original->activation[ACTIVATION_##id].value(n, x, y, p);                                             \
        seconds[PHASE_ELEMENTWISE] += bench_now() - began;                                                   \
    }                                                                                                        \
    static void timed_slope_##id(size_t n, const real *x, const real *y, const real *dy, real *dx, real p,   \
                                 bool add) {                                                                 \
        double began = bench_now();                                                                          \
        original->activation[ACTIVATION_##id].slope(n, x, y, dy, dx, p, add);                                \
        seconds[PHASE_ELEMENTWISE] += bench_now() - began;                                                   \
    }
ACTIVATION_LIST(X)
#undef X

/* A function without a row in the list would be timed as what is left over. */
struct listed {
    const char *name;
    enum precision precision;
    bool (*supported)(void);
    const char *(*obstacle)(void);
    const struct products *products;
    void (*activation[2 * ACTIVATION_COUNT])(void);
#define V(phase, name, parameters, arguments)       void(*name) parameters;
#define R(type, phase, name, parameters, arguments) type(*name) parameters;
    FUNCTION_LIST(V, R)
#undef V
#undef R
};
struct listed_products {
    size_t most_lanes;
#define V(phase, name, parameters, arguments) void(*name) parameters;
#define S(type, name, parameters)             type(*name) parameters;
    PRODUCT_LIST(V, S)
#undef V
#undef S
};
_Static_assert(sizeof(struct listed) == sizeof(struct kernel), "FUNCTION_LIST lacks a function of the table");
_Static_assert(sizeof(struct listed_products) == sizeof(struct products), "PRODUCT_LIST lacks a function");

static const struct products *time_products(const struct products *products) {
    if (!products)
        return NULL;
    timed_products = *products;
#define V(phase, name, parameters, arguments) timed_products.name = timed_product_##name;
#define S(...)
    PRODUCT_LIST(V, S)
#undef V
#undef S
    return &timed_products;
}

const struct kernel *timed_kernel(const struct kernel *k) {
    original = k;
    timed = *k;
    timed.products = time_products(k->products);
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        seconds[phase] = 0;
#define V(phase, name, parameters, arguments)                                                                \
    if (k->name)                                                                                             \
        timed.name = timed_##name;
#define R(type, phase, name, parameters, arguments) V(phase, name, parameters, arguments)
    FUNCTION_LIST(V, R)
#undef V
#undef R
#define X(id, ...)                                                                                           \
    timed.activation[ACTIVATION_##id].value = timed_value_##id;                                              \
    timed.activation[ACTIVATION_##id].slope = timed_slope_##id;
    ACTIVATION_LIST(X)
#undef X
    return &timed;
}
