/* What the files of the tape share; private to autodiff/. */
#ifndef AUTODIFF_TAPE_PARTS_H
#define AUTODIFF_TAPE_PARTS_H

#include "autodiff/tape.h"

struct tape_node {
    const struct op *op;
    size_t input[OP_INPUTS], output; /* values */
    real constant;
    uint32_t layer; /* affine operations before it */
    char label[32];
    struct op_shape shape;
    size_t first_parameter;
};

/* Whether the operation is a product, whose factors may be packed. */
static inline bool tape_is_product(const struct tape_node *node) {
    return node->op->flags & OP_BATCH_INPUT;
}

enum { NO_NODE = -1 };

struct tape_variable {
    size_t rows;
    long producer;        /* node, NO_NODE for the input */
    size_t consumers;     /* how often it is read */
    size_t last_consumer; /* the last node that reads it: the first to write its cotangent */
    bool wants_cotangent;
    size_t first_row; /* the rows of all earlier values: where its tangent stands */
};

enum plan_memory { MEMORY_NONE, MEMORY_SLICE, MEMORY_THREAD };

/* Where a panel stands, in rows (of `lanes` reals) from the start of the slice's or the thread's memory. */
struct plan_place {
    enum plan_memory memory;
    size_t offset;
};

/* One layout of the memory, for one mode. */
struct tape_plan {
    struct plan_place *value, *cotangent; /* [values] */
    struct plan_place *saved;             /* [nodes] */
    size_t slice_rows, thread_rows;
    size_t tangent,
        scratch; /* TAPE_TANGENTS: first row of the tangents of all values, of the scratch panel */
};

enum { TAPE_MODES = TAPE_TANGENTS + 1 };

struct tape {
    struct tape_node *node;
    size_t nodes, node_room;
    struct tape_variable *value;
    size_t values, value_room;
    struct tape_parameter *parameter;
    size_t parameters, theta_size;
    struct tape_tile_place {
        unsigned parameter, row0, col0, cols; /* cols: of the parameter */
    } * tile;
    size_t tiles;
    struct tape_plan plan[TAPE_MODES];
};

/* Fills plan for the mode; release with tape_plan_release. */
bool tape_plan_make(const struct tape *tape, enum tape_mode mode, struct tape_plan *plan,
                    struct err *err) MUST_CHECK;
void tape_plan_release(struct tape_plan *plan);

#endif
