/* The three products of a layer, in the layouts and shares of a training step (src/autodiff/op_affine.c): a
 * slice of the batch is a piece of work forward and backward, a tile of the weights is one for their
 * gradient. Each product is run again and again on the same memory, so that a layer that fits into a cache
 * is read from there. */
#include "autodiff/op.h"
#include "base/mem.h"
#include "base/work.h"
#include "bench.h"
#include "fit/slice.h"

static const struct {
    size_t in, out;
} layers[] = {{784, 128}, {128, 10},   {784, 512},   {512, 256},
              {256, 10},  {784, 2048}, {2048, 2048}, {2048, 10}};
static const size_t batches[] = {32, 128, 512};

#define LENGTH(a) (sizeof(a) / sizeof *(a))

/* A layer and a batch. capacity: the samples of all slices. */
struct layer {
    const struct kernel *k;
    struct team *team;
    struct work work;
    void (*piece)(const struct layer *l, size_t piece);
    size_t pieces;
    size_t in, out, stride, panels; /* panels: of KERNEL_PANEL outputs */
    size_t batch, lanes, slices, capacity;
    real *w;       /* [in][stride] */
    real *x, *dx;  /* [slices][in][lanes] */
    real *z;       /* [slices][out][lanes] */
    real *dz_kept; /* [panels][capacity][KERNEL_PANEL] */
    /* of products over packed factors instead */
    unsigned char *weight, *input, *cotangent; /* input, cotangent: of each group of samples, as kept */
    unsigned char *scratch[2];                 /* of each group: of inputs, of cotangents */
};

static size_t up(size_t n, size_t multiple) {
    return (n + multiple - 1) / multiple * multiple;
}

/* ---- the pieces ---- */

static void forward(const struct layer *l, size_t slice) {
    l->k->gemm(l->out, l->lanes, l->in, l->w, 1, l->stride, l->x + slice * l->in * l->lanes, l->lanes,
               l->z + slice * l->out * l->lanes, l->lanes, false);
}

static struct weight_shape shape_of(const struct layer *l) {
    return (struct weight_shape){l->in, l->out, l->stride, false};
}

static void forward_packed(const struct layer *l, size_t slice) {
    const struct weight_shape shape = shape_of(l);
    const unsigned char *scratch =
        l->scratch[0] + slice * product_groups(l->lanes) * l->k->products->scratch_bytes(l->in);
    l->k->products->forward(&shape, l->lanes, l->weight, scratch, l->z + slice * l->out * l->lanes);
}

static void input_gradient_packed(const struct layer *l, size_t slice) {
    const struct weight_shape shape = shape_of(l);
    const unsigned char *scratch =
        l->scratch[1] + slice * product_groups(l->lanes) * l->k->products->scratch_bytes(l->out);
    l->k->products->backward(&shape, l->lanes, l->weight, scratch, l->dx + slice * l->in * l->lanes, false);
}

static void input_gradient(const struct layer *l, size_t slice) {
    l->k->gemm(l->in, l->lanes, l->out, l->w, l->stride, 1, l->z + slice * l->out * l->lanes, l->lanes,
               l->dx + slice * l->in * l->lanes, l->lanes, false);
}

static size_t tiles(size_t n, size_t tile) {
    return (n + tile - 1) / tile;
}

static void weight_gradient(const struct layer *l, size_t t) {
    _Alignas(MEM_ALIGN) real gradient[OP_TILE_ROWS * OP_TILE_COLS];
    size_t down = tiles(l->in, OP_TILE_ROWS);
    size_t row0 = t % down * OP_TILE_ROWS, col0 = t / down * OP_TILE_COLS;
    size_t rows = l->in - row0, cols = up(l->out, KERNEL_LANES) - col0;
    size_t panel_stride = l->capacity * KERNEL_PANEL;
    l->k->gradient(rows < OP_TILE_ROWS ? rows : OP_TILE_ROWS, cols < OP_TILE_COLS ? cols : OP_TILE_COLS,
                   l->batch, l->lanes, l->x + row0 * l->lanes, l->in * l->lanes,
                   l->dz_kept + col0 / KERNEL_PANEL * panel_stride, panel_stride, gradient, OP_TILE_COLS);
}

static void weight_gradient_packed(const struct layer *l, size_t t) {
    _Alignas(MEM_ALIGN) real gradient[OP_TILE_ROWS * OP_TILE_COLS];
    size_t down = tiles(l->in, OP_TILE_ROWS);
    size_t row0 = t % down * OP_TILE_ROWS, col0 = t / down * OP_TILE_COLS;
    size_t rows = l->in - row0, cols = up(l->out, KERNEL_LANES) - col0;
    const struct product_tile tile = {.in = l->in,
                                      .out = l->out,
                                      .row0 = row0,
                                      .rows = rows < OP_TILE_ROWS ? rows : OP_TILE_ROWS,
                                      .col0 = col0,
                                      .cols = cols < OP_TILE_COLS ? cols : OP_TILE_COLS,
                                      .batch = l->batch,
                                      .scale = 1,
                                      .input = l->input,
                                      .cotangent = l->cotangent,
                                      .input_stride = l->k->products->input_bytes(l->in),
                                      .cotangent_stride = l->k->products->cotangent_bytes(l->out)};
    l->k->products->gradient(&tile, gradient, OP_TILE_COLS);
}

static const struct {
    const char *name;
    void (*piece)(const struct layer *l, size_t piece);
    void (*packed)(const struct layer *l, size_t piece);
    bool by_tiles;
} products[] = {
    {"forward", forward, forward_packed, false},
    {"input gradient", input_gradient, input_gradient_packed, false},
    {"weight gradient", weight_gradient, weight_gradient_packed, true},
};

/* ---- running them ---- */

static void job(void *arg, size_t rank, size_t size) {
    struct layer *l = arg;
    (void)size;
    for (size_t piece, helped = 0; work_take(&l->work, rank, &helped, &piece);)
        l->piece(l, piece);
    kernel_rest(l->k);
}

static void round_of_work(void *arg) {
    struct layer *l = arg;
    work_begin(&l->work, l->pieces);
    team_run(l->team, job, l);
}

/* Numbers that stay what they are: neither 0 nor so small that they would cost more. */
static bool fill(real **out, size_t n, struct err *err) {
    *out = mem_alloc_aligned(n, sizeof **out, "a layer", err);
    for (size_t i = 0; *out && i < n; i++)
        (*out)[i] = (real)(i % 61 + 1) / 64;
    return *out != NULL;
}

static void release(struct layer *l) {
    work_release(&l->work);
    mem_free(l->w);
    mem_free(l->x);
    mem_free(l->dx);
    mem_free(l->z);
    mem_free(l->dz_kept);
    mem_free(l->weight);
    mem_free(l->input);
    mem_free(l->cotangent);
    mem_free(l->scratch[0]);
    mem_free(l->scratch[1]);
}

static bool allocate(unsigned char **out, size_t n, size_t bytes, struct err *err) {
    return (*out = mem_alloc_aligned(n, bytes, "a layer", err)) != NULL;
}

static bool pack(struct layer *l, struct err *err) {
    const struct products *p = l->k->products;
    const struct weight_shape shape = shape_of(l);
    if (!p)
        return true;
    size_t all = l->slices * product_groups(l->lanes);
    if (!allocate(&l->weight, 1, p->weight_bytes(&shape), err) ||
        !allocate(&l->input, all, p->input_bytes(l->in), err) ||
        !allocate(&l->cotangent, all, p->cotangent_bytes(l->out), err) ||
        !allocate(&l->scratch[0], all, p->scratch_bytes(l->in), err) ||
        !allocate(&l->scratch[1], all, p->scratch_bytes(l->out), err))
        return false;
    p->pack_weight(&shape, 0, l->in, 0, up(l->out, KERNEL_LANES), l->w, l->weight);
    for (size_t s = 0; s < l->slices; s++) {
        const struct product_slice input = {l->lanes, l->lanes, p->input_bytes(l->in)};
        const struct product_slice cotangent = {l->lanes, l->lanes, p->cotangent_bytes(l->out)};
        size_t group = s * product_groups(l->lanes);
        p->pack_input(l->in, &input, l->x + s * l->in * l->lanes,
                      l->scratch[0] + group * p->scratch_bytes(l->in), l->input + group * input.kept_stride);
        p->pack_cotangent(l->out, &cotangent, l->z + s * l->out * l->lanes,
                          l->scratch[1] + group * p->scratch_bytes(l->out),
                          l->cotangent + group * cotangent.kept_stride);
    }
    return true;
}

static bool prepare(struct layer *l, size_t in, size_t out, size_t batch, struct err *err) {
    l->in = in, l->out = out, l->batch = batch;
    l->stride = up(out, KERNEL_LANES);
    l->stride += l->stride % 256 == 0 ? KERNEL_LANES : 0;
    l->panels = up(out, KERNEL_PANEL) / KERNEL_PANEL;
    l->lanes = slice_lanes(l->k, batch, team_size(l->team));
    l->slices = up(batch, l->lanes) / l->lanes;
    l->capacity = l->slices * l->lanes;
    return work_init(&l->work, team_size(l->team), err) && fill(&l->w, in * l->stride, err) &&
           fill(&l->x, in * l->capacity, err) && fill(&l->dx, in * l->capacity, err) &&
           fill(&l->z, out * l->capacity, err) &&
           fill(&l->dz_kept, l->panels * l->capacity * KERNEL_PANEL, err) && pack(l, err);
}

static void measure(struct layer *l, double peak, struct json_writer *w) {
    size_t all_tiles = tiles(l->in, OP_TILE_ROWS) * tiles(l->out, OP_TILE_COLS);
    double operations = 2.0 * (double)l->in * (double)l->out * (double)l->batch;
    for (size_t p = 0; p < LENGTH(products); p++) {
        l->piece = l->k->products ? products[p].packed : products[p].piece;
        l->pieces = products[p].by_tiles ? all_tiles : l->slices;
        double rate = bench_rate(round_of_work, l, operations) * 1e-9;
        json_begin_object(w);
        json_key(w, "product"), json_string(w, products[p].name);
        json_key(w, "in"), json_uint(w, l->in);
        json_key(w, "out"), json_uint(w, l->out);
        json_key(w, "batch"), json_uint(w, l->batch);
        json_key(w, "threads"), json_uint(w, team_size(l->team));
        json_key(w, "gflops"), json_number(w, rate);
        json_key(w, "share_of_peak"), json_number(w, peak > 0 ? rate / peak : 0);
        json_end_object(w);
    }
}

bool bench_products(const struct kernel *k, struct team *team, double peak, struct json_writer *w,
                    struct err *err) {
    for (size_t i = 0; i < LENGTH(layers); i++)
        for (size_t b = 0; b < LENGTH(batches); b++) {
            struct layer l = {.k = k, .team = team};
            bool ok = prepare(&l, layers[i].in, layers[i].out, batches[b], err);
            if (ok)
                measure(&l, peak, w);
            release(&l);
            if (!ok)
                return false;
        }
    return true;
}
