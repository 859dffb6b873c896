/* Holds the gradient of a config's objective against forward mode and against central differences, tensor by
 * tensor, in double precision; and says what each of the modes costs. Types without `real` only: the engine
 * that does the work may be of another precision than the program around it (Makefile). */
#ifndef RUN_GRADCHECK_H
#define RUN_GRADCHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"
#include "config/config.h"

/* What <gradient, v> and the directional derivative may differ by, relative to sum |gradient_i v_i|. */
#define GRADIENT_ADJOINT_TOLERANCE 1e-10

/* What the gradient of a training in bfloat16 may be off from that of the same rounded factors in the
 * engine's precision, or, if that is more, this share of what the rounding does to any tensor: sums in floats
 * may take a factor to the other side of a tie, or a value to that of a kink. See training_error. */
#define GRADIENT_TRAINING_TOLERANCE 1e-3
#define GRADIENT_TRAINING_SHARE     0.25

struct gradient_options {
    const char *isa;       /* a kernel table by name, "auto" or NULL */
    const char *init_from; /* a model file to start from; NULL: the initialisers */
    size_t samples;        /* the first ones of the first epoch */
    size_t coordinates;    /* differences of each tensor; 0: of all its elements */
    double tolerance;      /* of differences, see difference_error */
    bool direction;        /* a directional derivative along all parameters at once as well */
    /* The gradient as gradient_in_training has it, to be compared; NULL: none is. */
    const double *in_training;
};

struct checked_tensor {
    char name[32];
    size_t shape[2], dims;
    double norm;          /* Euclidean, of its gradient */
    double adjoint_error; /* see GRADIENT_ADJOINT_TOLERANCE; v random and 0 but for this tensor */
    /* Largest |difference - gradient| of an element, relative to the largest magnitude of the tensor's
     * gradient, but to no less than a thousandth of the objective (or of 1), as rounding of the objective
     * leaves a difference quotient an error that does not shrink with the gradient. */
    double difference_error;
    /* Where there is a gradient of a training to compare, else NaN. Norms of differences, relative to norm,
     * but to no less than a thousandth of the objective (or of 1): of that gradient from one of the same
     * products with rounded factors in the engine's own precision; of the latter from the exact one. */
    double training_error, rounding;
    size_t checked, skipped; /* elements; skipped: a kink lies between the evaluations */
    struct {
        size_t out, in;
        double gradient, difference;
    } worst; /* where difference_error was found, if checked > 0 */
    bool ok;
};

/* The derivative along a random unit vector over all parameters. */
struct checked_direction {
    double forward; /* one sweep in forward mode */
    double reverse; /* <gradient, v>, the gradient by one reverse sweep */
    double difference;
    double adjoint_error, difference_error; /* as of a tensor */
    bool kink;                              /* lies between the two evaluations: there is no difference */
    bool ok;
};

/* Multiplications of matrix products, a sample, and memory. */
struct gradient_cost {
    double forward;  /* the pass from inputs to losses */
    double reverse;  /* the sweep back: cotangents of activations and gradients of parameters */
    double jvp;      /* one sweep in forward mode beside the pass */
    double kept;     /* numbers that a sample leaves behind for the reverse sweep */
    size_t elements; /* parameters: forward mode needs a sweep for each */
};

struct gradient_report {
    char kernel[16];
    size_t samples;
    double objective, tolerance;
    struct checked_tensor *tensor; /* owned */
    size_t tensors, failed;
    bool in_training;          /* compared with the gradient of a training, */
    double training_tolerance; /* which may be off by this */
    bool has_direction;
    struct checked_direction direction; /* if has_direction */
    struct gradient_cost cost;
};

/* The gradient of the objective as training computes it, with products of the config's precision and all else
 * in the engine's: tensor after tensor, [out][in]. *out: to be freed with mem_free. */
bool gradient_in_training(const struct config *config, const struct gradient_options *options, double **out,
                          struct err *err) MUST_CHECK;

/* Checks in the engine's own precision. ERR_DIVERGED where the objective is not finite; release the report
 * with gradient_report_release. */
bool gradient_check(const struct config *config, const struct gradient_options *options,
                    struct gradient_report *out, struct err *err) MUST_CHECK;

/* The same function of an engine in double precision, whatever the precision of this program. */
bool gradient_check_double(const struct config *config, const struct gradient_options *options,
                           struct gradient_report *out, struct err *err) MUST_CHECK;

void gradient_report_release(struct gradient_report *report);
bool gradient_report_ok(const struct gradient_report *report);

/* The report as one JSON object. */
bool gradient_report_json(const struct gradient_report *report, struct text *out, struct err *err) MUST_CHECK;

#endif
