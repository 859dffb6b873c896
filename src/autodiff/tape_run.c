/* The three loops over a tape, and the workspace they run in. */
#include <assert.h>
#include <string.h>

#include "autodiff/tape_parts.h"
#include "base/mem.h"

/* What an operation keeps for the gradient of its parameters: packed input and cotangent, in bytes from the
 * beginning of what a group of samples has packed; or its own numbers, in reals per sample. */
struct kept_place {
    size_t input, cotangent, own;
};

struct tape_workspace {
    const struct tape_plan *plan;
    enum tape_mode mode;
    size_t slices, lanes, capacity;
    real *slice_memory, *thread_memory;
    struct kept_place *place; /* [nodes] */
    real *kept;               /* node by node: [reals per sample][capacity] in the operation's own order */
    real *ones;               /* [lanes] */
    const struct products *products;
    size_t groups;          /* of samples in a slice, whose packed forms stand apart */
    unsigned char *packed;  /* [slices][groups][packed_bytes] */
    unsigned char *scratch; /* [threads][groups][scratch_bytes] */
    size_t packed_bytes, scratch_bytes;
};

/* What a workspace allocates: reals of the slices, of the threads, of what is kept; bytes of what a group of
 * samples has packed and of a thread's scratch for one. */
struct workspace_size {
    size_t slices, threads, kept;
    size_t packed, scratch;
};

/* Lays out what is kept; place may be NULL. Groups are no whole pages apart: the gradient reads the same
 * place of all of them, which would meet in a few cache sets. */
static void place_kept(const struct tape *tape, enum tape_mode mode, const struct products *products,
                       struct kept_place *place, struct workspace_size *size) {
    enum { PAGE = 4096 };
    bool keeps = mode != TAPE_EVALUATE;
    size->kept = size->packed = size->scratch = 0;
    for (size_t n = 0; n < tape->nodes; n++) {
        const struct tape_node *node = &tape->node[n];
        struct kept_place at = {.own = size->kept};
        if (products && tape_is_product(node)) {
            size_t in = tape->value[node->input[0]].rows, out = node->shape.rows;
            size_t scratch = products->scratch_bytes(in > out ? in : out);
            at.input = size->packed, at.cotangent = size->packed + products->input_bytes(in);
            size->packed += keeps ? products->input_bytes(in) + products->cotangent_bytes(out) : 0;
            size->scratch = scratch > size->scratch ? scratch : size->scratch;
        } else {
            size->kept += keeps ? node->shape.kept : 0;
        }
        if (place)
            place[n] = at;
    }
    if (size->packed)
        size->packed = (size->packed + PAGE - 1) / PAGE * PAGE + PACKED_ALIGN;
}

/* False where the memory does not fit an address. */
static bool count_memory(const struct tape *tape, enum tape_mode mode, const struct products *products,
                         size_t slices, size_t lanes, size_t threads, struct workspace_size *size) {
    const struct tape_plan *plan = &tape->plan[mode];
    size_t samples, bytes, groups = product_groups(lanes);
    place_kept(tape, mode, products, NULL, size);
    return mem_mul(slices, lanes, &samples) && mem_mul(samples, plan->slice_rows, &size->slices) &&
           mem_mul(lanes, threads, &size->threads) &&
           mem_mul(size->threads, plan->thread_rows, &size->threads) &&
           mem_mul(samples, size->kept, &size->kept) && mem_mul(slices, groups, &bytes) &&
           mem_mul(bytes, size->packed, &bytes) && mem_mul(threads, groups, &bytes) &&
           mem_mul(bytes, size->scratch, &bytes);
}

size_t tape_workspace_bytes(const struct tape *tape, enum tape_mode mode, const struct products *products,
                            size_t slices, size_t lanes, size_t threads) {
    struct workspace_size size;
    if (!count_memory(tape, mode, products, slices, lanes, threads, &size))
        return SIZE_MAX;
    return (size.slices + size.threads + size.kept) * sizeof(real) +
           product_groups(lanes) * (slices * size.packed + threads * size.scratch);
}

static bool allocate(struct tape_workspace *ws, const struct tape *tape, const struct workspace_size *size,
                     size_t threads, struct err *err) {
    struct workspace_size same;
    ws->slice_memory = mem_alloc_aligned(size->slices, sizeof(real), "the activations of a batch", err);
    if (ws->slice_memory)
        ws->thread_memory = mem_alloc_aligned(size->threads, sizeof(real), "the activations of a batch", err);
    if (ws->thread_memory)
        ws->kept = mem_alloc_aligned(size->kept, sizeof(real), "the gradients of a batch", err);
    if (ws->kept)
        ws->packed =
            mem_alloc_aligned(ws->slices * ws->groups, size->packed, "the activations of a batch", err);
    if (ws->packed)
        ws->scratch =
            mem_alloc_aligned(threads * ws->groups, size->scratch, "the activations of a batch", err);
    if (ws->scratch)
        ws->ones = mem_alloc_aligned(ws->lanes, sizeof(real), "the workspace", err);
    if (ws->ones)
        ws->place = mem_alloc(tape->nodes, sizeof *ws->place, "the workspace", err);
    if (!ws->place)
        return false;
    place_kept(tape, ws->mode, ws->products, ws->place, &same);
    return true;
}

struct tape_workspace *tape_workspace_create(const struct tape *tape, enum tape_mode mode,
                                             const struct products *products, size_t slices, size_t lanes,
                                             size_t threads, struct err *err) {
    struct workspace_size size;
    assert(products ? lanes % PACKED_LANES == 0 && (mode == TAPE_TRAIN_PACKED || mode == TAPE_EVALUATE)
                    : mode != TAPE_TRAIN_PACKED);
    if (!count_memory(tape, mode, products, slices, lanes, threads, &size)) {
        err_set(err, ERR_SYSTEM,
                "out of memory: the activations of a batch do not fit this machine's addresses");
        return NULL;
    }
    struct tape_workspace *ws = mem_alloc(1, sizeof *ws, "the workspace", err);
    if (!ws)
        return NULL;
    *ws = (struct tape_workspace){.plan = &tape->plan[mode],
                                  .mode = mode,
                                  .slices = slices,
                                  .lanes = lanes,
                                  .capacity = slices * lanes,
                                  .products = products,
                                  .groups = product_groups(lanes),
                                  .packed_bytes = size.packed,
                                  .scratch_bytes = size.scratch};
    if (!allocate(ws, tape, &size, threads, err)) {
        tape_workspace_free(ws);
        return NULL;
    }
    for (size_t s = 0; s < lanes; s++)
        ws->ones[s] = 1;
    return ws;
}

void tape_workspace_free(struct tape_workspace *ws) {
    if (!ws)
        return;
    mem_free(ws->slice_memory);
    mem_free(ws->thread_memory);
    mem_free(ws->kept);
    mem_free(ws->ones);
    mem_free(ws->place);
    mem_free(ws->packed);
    mem_free(ws->scratch);
    mem_free(ws);
}

static real *panel(const struct tape_workspace *ws, const struct tape_slice *s, struct plan_place place) {
    if (place.memory == MEMORY_SLICE)
        return ws->slice_memory + (s->index * ws->plan->slice_rows + place.offset) * ws->lanes;
    return ws->thread_memory + (s->thread * ws->plan->thread_rows + place.offset) * ws->lanes;
}

real *tape_value(const struct tape *tape, struct tape_workspace *ws, const struct tape_slice *slice,
                 size_t value) {
    (void)tape;
    return panel(ws, slice, ws->plan->value[value]);
}

/* Of what an operation reads: the tape's input may be scaled. */
static real scale_of(const struct tape_node *node, real input_scale) {
    return node->input[0] == 0 && input_scale != 0 ? input_scale : 1;
}

static struct op_packed packed_of(const struct tape_workspace *ws, const struct tape_slice *s,
                                  const struct tape_node *node, size_t n) {
    bool keeps = ws->mode != TAPE_EVALUATE;
    unsigned char *slice = ws->packed + s->index * ws->groups * ws->packed_bytes;
    return (struct op_packed){.products = ws->products,
                              .weight = s->packed[node->first_parameter],
                              .scratch = ws->scratch + s->thread * ws->groups * ws->scratch_bytes,
                              .input = keeps ? slice + ws->place[n].input : NULL,
                              .cotangent = keeps ? slice + ws->place[n].cotangent : NULL,
                              .stride = ws->packed_bytes};
}

/* What every mode hands to an operation. */
static struct op_call call(const struct tape *tape, const struct tape_workspace *ws,
                           const struct tape_slice *s, size_t n) {
    const struct tape_node *node = &tape->node[n];
    struct op_call c = {
        .k = s->k,
        .code = node->op->code,
        .lanes = ws->lanes,
        .samples = s->samples ? s->samples : ws->lanes,
        .rows_in = tape->value[node->input[0]].rows,
        .rows = node->shape.rows,
        .some_rows = node->shape.rows,
        .constant = node->constant,
        .scale = scale_of(node, s->input_scale),
        .noise = s->noise,
        .layer = node->layer,
        .shape = node->shape.parameter,
        .y = panel(ws, s, ws->plan->value[node->output]),
        .saved = node->shape.saved ? panel(ws, s, ws->plan->saved[n]) : NULL,
        .cls = s->cls,
        .target = s->target,
        .sparse = node->input[0] == 0 ? s->sparse : NULL,
        .one_way = tape_one_way(tape, n),
    };
    for (size_t i = 0; i < node->op->inputs; i++)
        c.x[i] = panel(ws, s, ws->plan->value[node->input[i]]);
    for (size_t i = 0; i < node->shape.parameters; i++)
        c.parameter[i] = s->theta + tape->parameter[node->first_parameter + i].offset;
    if (ws->products && tape_is_product(node))
        c.packed = packed_of(ws, s, node, n);
    return c;
}

size_t tape_first_units(const struct tape *tape) {
    return tape->node[0].shape.rows;
}

void tape_forward_first(const struct tape *tape, struct tape_workspace *ws, const struct tape_slice *slice,
                        size_t first_unit, size_t units) {
    struct op_call c = call(tape, ws, slice, 0);
    c.first_row = first_unit, c.some_rows = units;
    tape->node[0].op->forward(&c);
}

void tape_forward_nodes(const struct tape *tape, struct tape_workspace *ws, const struct tape_slice *slice,
                        size_t begin, size_t end) {
    for (size_t n = begin; n < end; n++) {
        struct op_call c = call(tape, ws, slice, n);
        tape->node[n].op->forward(&c);
    }
}

void tape_forward_rest(const struct tape *tape, struct tape_workspace *ws, const struct tape_slice *slice) {
    tape_forward_nodes(tape, ws, slice, 1, tape->nodes);
}

void tape_forward_until(const struct tape *tape, struct tape_workspace *ws, const struct tape_slice *slice,
                        size_t nodes) {
    tape_forward_nodes(tape, ws, slice, 0, nodes);
}

void tape_forward(const struct tape *tape, struct tape_workspace *ws, const struct tape_slice *slice) {
    tape_forward_until(tape, ws, slice, tape->nodes);
}

void tape_reverse(const struct tape *tape, struct tape_workspace *ws, const struct tape_slice *slice) {
    for (size_t n = tape->nodes; n-- > 0;) {
        const struct tape_node *node = &tape->node[n];
        if (!tape->value[node->output].wants_cotangent)
            continue;
        struct op_call c = call(tape, ws, slice, n);
        c.dy = n + 1 == tape->nodes ? slice->seed : panel(ws, slice, ws->plan->cotangent[node->output]);
        for (size_t i = 0; i < node->op->inputs; i++) {
            const struct tape_variable *in = &tape->value[node->input[i]];
            if (in->wants_cotangent)
                c.dx[i] = panel(ws, slice, ws->plan->cotangent[node->input[i]]);
            /* The last reader of a value is the first to write its cotangent; the others add. */
            bool twice = i > 0 && node->input[i] == node->input[0];
            c.add[i] = in->last_consumer != n || twice;
        }
        if (node->shape.kept)
            c.kept = ws->kept + ws->place[n].own * ws->capacity;
        c.first = slice->index * ws->lanes;
        c.capacity = ws->capacity;
        node->op->vjp(&c);
    }
}

const real *tape_jvp(const struct tape *tape, struct tape_workspace *ws, const struct tape_slice *slice) {
    struct plan_place place = {MEMORY_THREAD, ws->plan->tangent};
    real *tangent = panel(ws, slice, place);
    place.offset = ws->plan->scratch;
    for (size_t n = 0; n < tape->nodes; n++) {
        const struct tape_node *node = &tape->node[n];
        struct op_call c = call(tape, ws, slice, n);
        for (size_t i = 0; i < node->op->inputs; i++)
            c.x_dot[i] = node->input[i] ? tangent + tape->value[node->input[i]].first_row * ws->lanes
                                        : slice->input_dot;
        for (size_t i = 0; i < node->shape.parameters; i++)
            c.parameter_dot[i] = slice->theta_dot + tape->parameter[node->first_parameter + i].offset;
        c.y_dot = tangent + tape->value[node->output].first_row * ws->lanes;
        c.scratch = panel(ws, slice, place);
        c.dy = ws->ones;
        node->op->jvp(&c);
    }
    return tangent + tape->value[tape->values - 1].first_row * ws->lanes;
}

void tape_gradient(const struct tape *tape, struct tape_workspace *ws, const struct kernel *k,
                   const struct sparse_columns *columns, real input_scale, size_t batch, size_t t, real *g) {
    struct tape_tile tile = tape_tile(tape, t);
    const struct tape_parameter *p = &tape->parameter[tile.parameter];
    const struct tape_node *node = &tape->node[p->node];
    const struct tape_slice first = {.index = 0};
    bool reads_input = node->op->flags & OP_BATCH_INPUT;
    struct op_tile call = {
        .k = k,
        .rows_in = tape->value[node->input[0]].rows,
        .rows_out = node->shape.rows,
        .parameter = p->which,
        .row0 = tape->tile[t].row0,
        .rows = tile.rows,
        .col0 = tape->tile[t].col0,
        .cols = tile.cols,
        .batch = batch,
        .lanes = ws->lanes,
        .capacity = ws->capacity,
        .x = reads_input ? panel(ws, &first, ws->plan->value[node->input[0]]) : NULL,
        .sparse = reads_input && node->input[0] == 0 ? columns : NULL,
        .slice_stride = ws->plan->slice_rows * ws->lanes,
        .scale = scale_of(node, input_scale),
        .kept = ws->kept + ws->place[p->node].own * ws->capacity,
        .gradient = g,
    };
    if (ws->products && tape_is_product(node)) {
        call.products = ws->products;
        call.packed_input = ws->packed + ws->place[p->node].input;
        call.packed_cotangent = ws->packed + ws->place[p->node].cotangent;
        call.packed_stride = ws->packed_bytes;
    }
    node->op->gradient(&call);
}
