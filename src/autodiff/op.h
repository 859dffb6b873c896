/* The operations of the tape: one row each, with forward value, vector-Jacobian product (reverse mode) and
 * Jacobian-vector product (forward mode). The engine knows no operation by name: it loops over rows.
 *
 * An operation works on one slice of the batch: panels [rows][lanes], element (f, s) at f * lanes + s.
 * Samples are independent. What sums over the batch (gradients of parameters) is the business of `gradient`,
 * which computes one tile of one parameter's gradient from what all slices have kept, samples in ascending
 * order. */
#ifndef AUTODIFF_OP_H
#define AUTODIFF_OP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/real.h"
#include "kernel/kernel.h"

enum { OP_INPUTS = 2, OP_PARAMETERS = 2 };

enum op_flag {
    OP_ELEMENTWISE = 1,   /* dx may overwrite dy, and y may overwrite x unless the input is needed */
    OP_NEEDS_INPUT = 2,   /* the vjp or jvp reads the input's value */
    OP_NEEDS_OUTPUT = 4,  /* the vjp or jvp reads the output's value */
    OP_BATCH_INPUT = 8,   /* `gradient` reads the input's value of all slices */
    OP_LOSS = 16,         /* output is one row: the loss of each sample; reads the targets */
    OP_CLASSES = 32,      /* a loss that takes classes as they are; others want rows of targets */
    OP_SPARSE_INPUT = 64, /* takes the input in compressed form too, and computes rows of its output apart */
    OP_KINK = 128,        /* slope or curvature jumps where an element of its input changes sign */
};

/* A parameter as the operation sees it: [rows][cols] in theta, rows `stride` apart, padding 0. */
struct op_matrix {
    size_t rows, cols, stride;
};

/* Filled by the shape rule. */
struct op_shape {
    size_t rows; /* of the output */
    struct op_matrix parameter[OP_PARAMETERS];
    size_t parameters;
    size_t saved;    /* rows of a panel that forward leaves for vjp and jvp of the same slice */
    size_t kept;     /* reals that vjp leaves for `gradient`, per sample */
    double multiply; /* multiply-adds of the forward value, per sample */
};

/* What products over packed factors (kernel/products.h) work with; products NULL: over panels. */
struct op_packed {
    const struct products *products;
    const void *weight; /* the operation's first parameter */
    void *scratch;      /* the thread's */
    void *input;        /* what the slice keeps for the gradient, or NULL */
    void *cotangent;
    size_t stride; /* bytes from what a group of its samples keeps to the next group's */
};

/* One call on one slice. Pointers that a mode does not use are NULL. */
struct op_call {
    const struct kernel *k;
    int code;                      /* the row's code: which activation */
    size_t lanes, samples;         /* of them; what is behind them is padding */
    size_t rows_in, rows;          /* of the (first) input, of the output */
    size_t first_row, some_rows;   /* forward with OP_SPARSE_INPUT: the rows of the output to compute */
    real constant;                 /* the node's constant (slope of leaky_relu, what dropout keeps) */
    real scale;                    /* the input is what x holds times this */
    const struct noise *noise;     /* what a random operation draws by; NULL: it does not */
    uint32_t layer;                /* affine operations before this one */
    const struct op_matrix *shape; /* of the parameters */
    const real *parameter[OP_PARAMETERS];
    const real *x[OP_INPUTS];         /* input values */
    const struct sparse_rows *sparse; /* the (only) input in compressed form instead, or NULL */
    bool one_way;                     /* no mode wants a cotangent of the (first) input */
    struct op_packed packed;
    real *y; /* output value */
    real *saved;
    const uint32_t *cls; /* targets of a loss: classes [lanes], or */
    const real *target;  /* a panel [rows_in][lanes] */
    /* reverse mode: cotangents */
    const real *dy;         /* (in forward mode of a loss: ones [lanes]) */
    real *dx[OP_INPUTS];    /* NULL where it is not wanted */
    bool add[OP_INPUTS];    /* add to dx instead of setting it */
    real *kept;             /* the node's kept numbers of the whole batch */
    size_t first, capacity; /* this slice's first sample; samples that `kept` has room for */
    /* forward mode: tangents */
    const real *parameter_dot[OP_PARAMETERS];
    const real *x_dot[OP_INPUTS];
    real *y_dot;
    real *scratch; /* a panel of rows_in rows */
};

/* One tile [row0, row0+rows) x [col0, col0+cols) of the gradient of one parameter, summed over the batch. */
struct op_tile {
    const struct kernel *k;
    size_t rows_in, rows_out;                 /* of the (first) input, of the output */
    size_t parameter, row0, rows, col0, cols; /* col0, cols: multiples of KERNEL_LANES, padding included */
    size_t batch, lanes, capacity;
    const real *x; /* the input's panel of slice 0; slice i is i * slice_stride further (OP_BATCH_INPUT) */
    const struct sparse_columns *sparse; /* the input in compressed form instead, or NULL */
    size_t slice_stride;
    real scale; /* of the input, as in a call */
    const real *kept;
    const struct products *products; /* instead of x and kept, what groups of samples have packed; or NULL */
    const void *packed_input, *packed_cotangent; /* of group 0 */
    size_t packed_stride;                        /* bytes */
    real *gradient;                              /* [rows][OP_TILE_COLS] */
};

/* Two sample-major panels wide. */
enum { OP_TILE_ROWS = 56, OP_TILE_COLS = 2 * KERNEL_PANEL };

struct op {
    const char *name;
    const char *value, *vjp_formula, *jvp_formula; /* for the trace */
    const char *parameter[OP_PARAMETERS];          /* names of its parameters */
    const char *constant;                          /* name of its constant for the trace, or NULL */
    unsigned flags;
    int code;
    size_t inputs;
    /* inputs: rows of each; units: what the caller asks for (affine's width; 0 where the rule decides). */
    bool (*shape)(const size_t *input_rows, size_t units, struct op_shape *out, struct err *err);
    void (*forward)(const struct op_call *c);
    void (*vjp)(const struct op_call *c);
    void (*jvp)(const struct op_call *c);
    void (*gradient)(const struct op_tile *t); /* NULL without parameters */
    /* Of a loss: outputs to predicted probabilities (inverse link), in place; NULL where outputs are
     * predictions. */
    void (*predict)(const struct kernel *k, size_t rows, size_t lanes, real *z);
};

/* Row i of the table, NULL behind the last; the row called name, or NULL. */
const struct op *op_at(size_t i);
const struct op *op_find(const char *name);

extern const struct op op_affine, op_affine_noise, op_dropout;
/* The rows of op_activation.c (one an activation) and op_loss.c. */
const struct op *op_activation_at(size_t i);
const struct op *op_loss_at(size_t i);

#endif
