#include "autodiff/tape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autodiff/tape_parts.h"
#include "base/mem.h"

struct tape *tape_create(struct err *err) {
    return mem_alloc(1, sizeof(struct tape), "the tape", err);
}

void tape_free(struct tape *tape) {
    if (!tape)
        return;
    for (int mode = 0; mode < TAPE_MODES; mode++)
        tape_plan_release(&tape->plan[mode]);
    mem_free(tape->node);
    mem_free(tape->value);
    mem_free(tape->parameter);
    mem_free(tape->tile);
    mem_free(tape);
}

/* Room for one more element of an array that doubles. */
static bool grow(void **array, size_t used, size_t *room, size_t size, struct err *err) {
    if (used < *room)
        return true;
    size_t more = *room ? 2 * *room : 16;
    void *larger = mem_alloc(more, size, "the tape", err);
    if (!larger)
        return false;
    if (used)
        memcpy(larger, *array, used * size);
    mem_free(*array);
    *array = larger;
    *room = more;
    return true;
}

static bool add_value(struct tape *tape, size_t rows, long producer, bool wants_cotangent, struct err *err) {
    void *values = tape->value;
    bool ok = grow(&values, tape->values, &tape->value_room, sizeof *tape->value, err);
    tape->value = values;
    if (!ok)
        return false;
    const struct tape_variable *before = tape->values ? &tape->value[tape->values - 1] : NULL;
    tape->value[tape->values++] = (struct tape_variable){
        .rows = rows,
        .producer = producer,
        .wants_cotangent = wants_cotangent,
        .first_row = before ? before->first_row + before->rows : 0,
    };
    return true;
}

bool tape_input(struct tape *tape, size_t rows, struct err *err) {
    return add_value(tape, rows, NO_NODE, false, err);
}

bool tape_apply(struct tape *tape, const struct op *op, const size_t *inputs, size_t units, real constant,
                const char *label, size_t *value, struct err *err) {
    struct tape_node node = {.op = op, .output = tape->values, .constant = constant};
    size_t rows[OP_INPUTS] = {0};
    bool wanted = false;
    for (size_t i = 0; i < op->inputs; i++) {
        node.input[i] = inputs[i];
        rows[i] = tape->value[inputs[i]].rows;
        wanted = wanted || tape->value[inputs[i]].wants_cotangent;
    }
    if (!op->shape(rows, units, &node.shape, err))
        return err_prefix(err, "%s", label);
    for (size_t n = 0; n < tape->nodes; n++)
        node.layer += (tape->node[n].op->flags & OP_BATCH_INPUT) != 0;
    snprintf(node.label, sizeof node.label, "%s", label);
    void *nodes = tape->node;
    bool ok = grow(&nodes, tape->nodes, &tape->node_room, sizeof *tape->node, err);
    tape->node = nodes;
    if (!ok || !add_value(tape, node.shape.rows, (long)tape->nodes, wanted || node.shape.parameters > 0, err))
        return false;
    for (size_t i = 0; i < op->inputs; i++) {
        tape->value[inputs[i]].consumers++;
        tape->value[inputs[i]].last_consumer = tape->nodes;
    }
    tape->parameters += node.shape.parameters;
    tape->node[tape->nodes++] = node;
    *value = node.output;
    return true;
}

static size_t whole_vectors(size_t cols) {
    return (cols + KERNEL_LANES - 1) / KERNEL_LANES * KERNEL_LANES;
}

/* Tiles that share columns follow each other: they read the same cotangents. A share of the tiles is about
 * the same share of the columns of every parameter, so that a thread with a share of its own meets the same
 * units in the first operation's forward pass and in its gradient. */
static int by_place(const void *a, const void *b) {
    const struct tape_tile_place *s = a, *t = b;
    uint64_t left = (uint64_t)s->col0 * t->cols, right = (uint64_t)t->col0 * s->cols;
    if (left != right)
        return left < right ? -1 : 1;
    if (s->parameter != t->parameter)
        return s->parameter < t->parameter ? -1 : 1;
    return s->row0 < t->row0 ? -1 : s->row0 > t->row0;
}

static bool lay_out_parameters(struct tape *tape, struct err *err) {
    tape->parameter = mem_alloc(tape->parameters, sizeof *tape->parameter, "the tape", err);
    if (!tape->parameter)
        return false;
    size_t count = 0, tiles = 0, total;
    for (size_t n = 0; n < tape->nodes; n++) {
        struct tape_node *node = &tape->node[n];
        node->first_parameter = count;
        for (size_t i = 0; i < node->shape.parameters; i++) {
            struct op_matrix m = node->shape.parameter[i];
            tape->parameter[count++] =
                (struct tape_parameter){n, node->op->parameter[i], i, tape->theta_size, m};
            if (!mem_mul(m.rows, m.stride, &total) || total > SIZE_MAX / sizeof(real) - tape->theta_size)
                return err_set(err, ERR_CONFIG, "the model's parameters are too many for this machine");
            tape->theta_size += total;
            tiles +=
                ((m.rows + OP_TILE_ROWS - 1) / OP_TILE_ROWS) * ((m.cols + OP_TILE_COLS - 1) / OP_TILE_COLS);
        }
    }
    if (!mem_check(tape->theta_size, sizeof(real), "the model's parameters", err))
        return false;
    tape->tile = mem_alloc(tiles, sizeof *tape->tile, "the tape", err);
    if (!tape->tile)
        return false;
    for (size_t p = 0; p < count; p++)
        for (size_t col = 0; col < tape->parameter[p].matrix.cols; col += OP_TILE_COLS)
            for (size_t row = 0; row < tape->parameter[p].matrix.rows; row += OP_TILE_ROWS)
                tape->tile[tape->tiles++] = (struct tape_tile_place){
                    (unsigned)p, (unsigned)row, (unsigned)col, (unsigned)tape->parameter[p].matrix.cols};
    qsort(tape->tile, tape->tiles, sizeof *tape->tile, by_place);
    return true;
}

bool tape_finish(struct tape *tape, struct err *err) {
    if (!lay_out_parameters(tape, err))
        return false;
    for (int mode = 0; mode < TAPE_MODES; mode++)
        if (!tape_plan_make(tape, (enum tape_mode)mode, &tape->plan[mode], err))
            return false;
    return true;
}

size_t tape_parameters(const struct tape *tape) {
    return tape->parameters;
}

const struct tape_parameter *tape_parameter(const struct tape *tape, size_t i) {
    return &tape->parameter[i];
}

size_t tape_theta_size(const struct tape *tape) {
    return tape->theta_size;
}

size_t tape_nodes(const struct tape *tape) {
    return tape->nodes;
}

size_t tape_rows(const struct tape *tape, size_t value) {
    return tape->value[value].rows;
}

size_t tape_output(const struct tape *tape) {
    return tape->node[tape->nodes - 1].input[0];
}

const struct op *tape_loss(const struct tape *tape) {
    return tape->node[tape->nodes - 1].op;
}

const char *tape_label(const struct tape *tape, size_t node) {
    return tape->node[node].label;
}

size_t tape_node_output(const struct tape *tape, size_t node) {
    return tape->node[node].output;
}

bool tape_one_way(const struct tape *tape, size_t node) {
    return !tape->value[tape->node[node].input[0]].wants_cotangent;
}

bool tape_node_kink(const struct tape *tape, size_t node, size_t *value) {
    *value = tape->node[node].input[0];
    return tape->node[node].op->flags & OP_KINK;
}

bool tape_takes_sparse(const struct tape *tape) {
    return tape->node[0].op->flags & OP_SPARSE_INPUT && tape->value[0].consumers == 1;
}

size_t tape_tiles(const struct tape *tape) {
    return tape->tiles;
}

void tape_cost(const struct tape *tape, double *forward, double *reverse, double *gradient) {
    *forward = *reverse = *gradient = 0;
    for (size_t n = 0; n < tape->nodes; n++) {
        const struct tape_node *node = &tape->node[n];
        *forward += node->shape.multiply;
        *reverse += tape->value[node->input[0]].wants_cotangent ? node->shape.multiply : 0;
        *gradient += node->shape.parameters > 0 ? node->shape.multiply : 0;
    }
}

struct tape_tile tape_tile(const struct tape *tape, size_t t) {
    struct tape_tile_place at = tape->tile[t];
    const struct tape_parameter *p = &tape->parameter[at.parameter];
    size_t rows = p->matrix.rows - at.row0, cols = whole_vectors(p->matrix.cols) - at.col0;
    return (struct tape_tile){
        .offset = p->offset + at.row0 * p->matrix.stride + at.col0,
        .stride = p->matrix.stride,
        .rows = rows < OP_TILE_ROWS ? rows : OP_TILE_ROWS,
        .cols = cols < OP_TILE_COLS ? cols : OP_TILE_COLS,
        .parameter = at.parameter,
    };
}
