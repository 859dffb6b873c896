/* Reverse- and forward-mode differentiation over one linear tape: operations in topological order over
 * values. The engine is three short loops (forward, vjp, jvp) over the rows of the op table; a value used
 * twice collects its cotangents, so skip connections need nothing new.
 *
 * A tape is built once (tape_input, tape_apply, tape_finish) and knows shapes and parameters but holds no
 * numbers. Numbers live in a workspace: for each slice of the batch what the gradient of parameters needs,
 * for each thread the rest, laid out once by lifetime. Slices are independent of each other and of the number
 * of threads. */
#ifndef AUTODIFF_TAPE_H
#define AUTODIFF_TAPE_H

#include "autodiff/op.h"
#include "base/text.h"

struct tape;

/* ---- building ---- */

struct tape *tape_create(struct err *err) MUST_CHECK;
void tape_free(struct tape *tape);

/* The input value; the first thing on a tape. Returns its number (0). */
bool tape_input(struct tape *tape, size_t rows, struct err *err) MUST_CHECK;

/* Appends an operation on earlier values; *value is the number of its output. label names it in the trace. */
bool tape_apply(struct tape *tape, const struct op *op, const size_t *inputs, size_t units, real constant,
                const char *label, size_t *value, struct err *err) MUST_CHECK;

/* Lays out the parameters and the memory. The last operation must be the loss. */
bool tape_finish(struct tape *tape, struct err *err) MUST_CHECK;

/* ---- shapes ---- */

/* A parameter of theta, in the order of the operations. */
struct tape_parameter {
    size_t node;      /* of which operation */
    const char *name; /* by the operation's row: "weight", ... */
    size_t which;     /* its parameter number there */
    size_t offset;    /* in theta */
    struct op_matrix matrix;
};

size_t tape_parameters(const struct tape *tape);
const struct tape_parameter *tape_parameter(const struct tape *tape, size_t i);
size_t tape_theta_size(const struct tape *tape); /* reals, padding included */
size_t tape_nodes(const struct tape *tape);
size_t tape_rows(const struct tape *tape, size_t value);
size_t tape_output(const struct tape *tape); /* the value that the loss reads */
const struct op *tape_loss(const struct tape *tape);
const char *tape_label(const struct tape *tape, size_t node);
size_t tape_node_output(const struct tape *tape, size_t node);
/* Whether nothing before the operation is to be learned: no cotangent of its (first) input is wanted. */
bool tape_one_way(const struct tape *tape, size_t node);
/* Whether the operation is not smooth (OP_KINK), and where which value changes sign. In a TAPE_TANGENTS
 * workspace the panel of that value, written over or not, is above 0 exactly where the value is. */
bool tape_node_kink(const struct tape *tape, size_t node, size_t *value);
/* Multiply-adds of one sample: forward, cotangents of activations, gradients of parameters. */
void tape_cost(const struct tape *tape, double *forward, double *reverse, double *gradient);

/* ---- running ---- */

struct tape_workspace;

enum tape_mode { TAPE_EVALUATE, TAPE_TRAIN, TAPE_TRAIN_LISTS, TAPE_TRAIN_PACKED, TAPE_TANGENTS };

/* Memory for `slices` slices of `lanes` samples (a multiple of KERNEL_LANES) and `threads` threads.
 * TAPE_EVALUATE runs forward only, TAPE_TRAIN forward and reverse, TAPE_TRAIN_LISTS the same where every
 * slice comes in compressed form, TAPE_TRAIN_PACKED where the products take packed factors, TAPE_TANGENTS
 * forward mode as well. products: those of TAPE_TRAIN_PACKED and, where they are not NULL, of TAPE_EVALUATE;
 * lanes is then a multiple of PACKED_LANES. Else NULL. */
struct tape_workspace *tape_workspace_create(const struct tape *tape, enum tape_mode mode,
                                             const struct products *products, size_t slices, size_t lanes,
                                             size_t threads, struct err *err) MUST_CHECK;
void tape_workspace_free(struct tape_workspace *ws);
size_t tape_workspace_bytes(const struct tape *tape, enum tape_mode mode, const struct products *products,
                            size_t slices, size_t lanes, size_t threads);

/* One slice to run. */
struct tape_slice {
    const struct kernel *k;
    const real *theta;
    const void *const *packed; /* [parameters] the weights among them packed, where products take them so */
    const struct sparse_rows *sparse; /* the input in compressed form; NULL: it stands in its panel */
    real input_scale;                 /* and is to be multiplied by this; 0: it is not */
    size_t index;                     /* which slice of the batch */
    size_t thread;                    /* whose memory */
    size_t samples;                   /* that it has; 0: as many as there are lanes */
    const uint32_t *cls;              /* classes [lanes], or NULL */
    const real *target;               /* or targets [outputs][lanes] */
    const struct noise *noise;        /* what random operations draw by; NULL: they are left out */
    const real *seed;                 /* reverse mode: cotangent of each sample's loss [lanes] */
    const real *theta_dot;            /* forward mode: tangent of the parameters */
    const real *input_dot;            /* and of the input [rows][lanes], NULL: 0 */
};

/* A value of a slice: the input is to be written here before tape_forward. Values other than the input and
 * the output may have been overwritten after the run (the plan reuses memory). */
real *tape_value(const struct tape *tape, struct tape_workspace *ws, const struct tape_slice *slice,
                 size_t value);

void tape_forward(const struct tape *tape, struct tape_workspace *ws, const struct tape_slice *slice);
/* The same in two parts, in a TAPE_TRAIN_LISTS workspace: some units of
 * the first operation, and when all are done, the other operations. Threads that keep to their units find the
 * weights in their caches. */
size_t tape_first_units(const struct tape *tape);
void tape_forward_first(const struct tape *tape, struct tape_workspace *ws, const struct tape_slice *slice,
                        size_t first_unit, size_t units);
void tape_forward_rest(const struct tape *tape, struct tape_workspace *ws, const struct tape_slice *slice);
/* The first `nodes` operations only: to look at a value before its memory is reused. */
void tape_forward_until(const struct tape *tape, struct tape_workspace *ws, const struct tape_slice *slice,
                        size_t nodes);
/* Operations from `begin` on and before `end` only, when those before have been run: to look at one value
 * after the other. */
void tape_forward_nodes(const struct tape *tape, struct tape_workspace *ws, const struct tape_slice *slice,
                        size_t begin, size_t end);
void tape_reverse(const struct tape *tape, struct tape_workspace *ws, const struct tape_slice *slice);
/* After tape_forward (with a TAPE_TANGENTS workspace): tangent of each sample's loss [lanes]. */
const real *tape_jvp(const struct tape *tape, struct tape_workspace *ws, const struct tape_slice *slice);

/* ---- gradients of parameters ---- */

/* A tile of the gradient: rows of `cols` numbers, row r belonging to theta[offset + r * stride]. Rows of g
 * are OP_TILE_COLS apart. */
struct tape_tile {
    size_t offset, stride, rows, cols;
    size_t parameter;
};

size_t tape_tiles(const struct tape *tape);
struct tape_tile tape_tile(const struct tape *tape, size_t t);

/* Whether the first operation alone reads the input, and takes it in compressed form: then slices may be
 * given so to tape_forward, tape_forward_until and tape_reverse, and the columns of the batch to
 * tape_gradient. */
bool tape_takes_sparse(const struct tape *tape);

/* Computes tile t over the first `batch` samples of the slices that have been reversed into g [OP_TILE_ROWS x
 * OP_TILE_COLS]. columns: the batch's input in compressed form, or NULL; input_scale: that of the slices.
 * Tiles are independent. */
void tape_gradient(const struct tape *tape, struct tape_workspace *ws, const struct kernel *k,
                   const struct sparse_columns *columns, real input_scale, size_t batch, size_t t, real *g);

/* ---- printing ---- */

/* The trace: every operation with its formula, shapes and memory, forward and then backward, for training (in
 * one of its modes, with its products) by batches of the given number of samples. */
bool tape_trace(const struct tape *tape, enum tape_mode mode, const struct products *products, size_t batch,
                size_t lanes, struct text *out, struct err *err) MUST_CHECK;

#endif
