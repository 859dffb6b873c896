#include <stdio.h>

#include "autodiff/tape_parts.h"

struct trace {
    const struct tape *tape;
    const struct tape_plan *plan;
    const struct products *products;
    size_t batch, lanes;
    struct text *out;
};

static const char *format_bytes(double bytes, char buf[32]) {
    if (bytes < 1e3)
        snprintf(buf, 32, "%.0f B", bytes);
    else if (bytes < 1e6)
        snprintf(buf, 32, "%.1f kB", bytes / 1e3);
    else
        snprintf(buf, 32, "%.1f MB", bytes / 1e6);
    return buf;
}

/* Where a panel is kept: each slice of the batch its own, or one for each thread. */
static void add_place(const struct trace *t, struct plan_place place, size_t rows) {
    char bytes[32];
    if (place.memory == MEMORY_NONE) {
        text_add(t->out, "as lists of its bytes that are not 0; products leave out the others");
        return;
    }
    size_t slices = (t->batch + t->lanes - 1) / t->lanes;
    double panel = (double)rows * (double)t->lanes * sizeof(real);
    if (place.memory == MEMORY_SLICE)
        text_addf(t->out, "%s in batch memory at row %zu", format_bytes(panel * (double)slices, bytes),
                  place.offset);
    else
        text_addf(t->out, "%s a thread at row %zu", format_bytes(panel, bytes), place.offset);
}

static bool same_place(struct plan_place a, struct plan_place b) {
    return a.memory == b.memory && a.offset == b.offset;
}

static void add_head(const struct trace *t, size_t step, const struct tape_node *node, const char *formula) {
    text_addf(t->out, "%4zu  %-20s %-18s %s\n", step, node->op->name, node->label, formula);
}

static void add_forward(const struct trace *t, size_t n) {
    const struct tape_node *node = &t->tape->node[n];
    struct plan_place place = t->plan->value[node->output];
    add_head(t, n, node, node->op->value);
    text_addf(t->out, "      v%zu [%zu, %zu] from", node->output, t->batch, node->shape.rows);
    for (size_t i = 0; i < node->op->inputs; i++)
        text_addf(t->out, " v%zu [%zu, %zu]", node->input[i], t->batch, t->tape->value[node->input[i]].rows);
    for (size_t i = 0; i < node->shape.parameters; i++) {
        struct op_matrix m = node->shape.parameter[i];
        text_addf(t->out, "%s [%zu, %zu]", i ? "," : " and parameters", m.cols, m.rows);
    }
    if (node->op->constant && node->constant != 0)
        text_addf(t->out, ", %s %g", node->op->constant, (double)node->constant);
    text_add(t->out, "\n      ");
    if (same_place(place, t->plan->value[node->input[0]]))
        text_addf(t->out, "in place of v%zu", node->input[0]);
    else
        add_place(t, place, node->shape.rows);
    if (node->shape.saved)
        text_addf(t->out, ", saves %zu numbers a sample", node->shape.saved);
    if (node->shape.multiply > 0)
        text_addf(t->out, ", %.0f multiply-adds", node->shape.multiply * (double)t->batch);
    text_add(t->out, "\n");
}

/* Of a batch: cotangents and, where they are packed, inputs. */
static double kept_bytes(const struct trace *t, const struct tape_node *node) {
    if (!t->products || !tape_is_product(node))
        return (double)node->shape.kept * (double)t->batch * sizeof(real);
    size_t slices = (t->batch + t->lanes - 1) / t->lanes, groups = slices * product_groups(t->lanes);
    return (double)groups * ((double)t->products->input_bytes(t->tape->value[node->input[0]].rows) +
                             (double)t->products->cotangent_bytes(node->shape.rows));
}

static void add_reverse(const struct trace *t, size_t n) {
    const struct tape_node *node = &t->tape->node[n];
    add_head(t, 2 * t->tape->nodes - 1 - n, node, node->op->vjp_formula);
    text_add(t->out, "      ");
    for (size_t i = 0; i < node->op->inputs; i++) {
        const struct tape_variable *in = &t->tape->value[node->input[i]];
        struct plan_place place = t->plan->cotangent[node->input[i]];
        if (!in->wants_cotangent) {
            text_addf(t->out, "dv%zu is not needed", node->input[i]);
            continue;
        }
        text_addf(t->out, "dv%zu [%zu, %zu] ", node->input[i], t->batch, in->rows);
        if (in->last_consumer != n)
            text_add(t->out, "added to ");
        if (n + 1 < t->tape->nodes && same_place(place, t->plan->cotangent[node->output]))
            text_addf(t->out, "in place of dv%zu", node->output);
        else
            add_place(t, place, in->rows);
    }
    if (node->shape.kept) {
        char bytes[32];
        text_addf(t->out, "; keeps %s a batch for the gradients of its parameters",
                  format_bytes(kept_bytes(t, node), bytes));
    }
    text_add(t->out, "\n");
}

bool tape_trace(const struct tape *tape, enum tape_mode mode, const struct products *products, size_t batch,
                size_t lanes, struct text *out, struct err *err) {
    struct trace t = {tape, &tape->plan[mode], products, batch, lanes, out};
    text_addf(out, "forward, a batch of %zu samples in slices of %zu\n", batch, lanes);
    text_addf(out, "   -  input\n      v0 [%zu, %zu], ", batch, tape->value[0].rows);
    add_place(&t, t.plan->value[0], tape->value[0].rows);
    text_add(out, "\n");
    for (size_t n = 0; n < tape->nodes; n++)
        add_forward(&t, n);
    text_add(out, "backward\n");
    for (size_t n = tape->nodes; n-- > 0;)
        if (tape->value[tape->node[n].output].wants_cotangent)
            add_reverse(&t, n);
    text_addf(out,
              "gradients of parameters: %zu tiles of at most %d x %d, each summed over the batch and applied "
              "at once\n",
              tape->tiles, OP_TILE_ROWS, OP_TILE_COLS);
    return text_ok(out, err);
}
