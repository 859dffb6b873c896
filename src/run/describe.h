/* A run described before it starts: the layers with their sizes, the cost of a step, the memory, the data. */
#ifndef RUN_DESCRIBE_H
#define RUN_DESCRIBE_H

#include <stddef.h>

#include "base/err.h"
#include "base/text.h"
#include "run/setup.h"
#include "run/warnings.h"

struct described_layer {
    size_t in, out, parameters;
    const char *activation, *init;
    double flops; /* of the forward pass of one sample */
};

/* A pair of files, or a table: then labels are NULL. */
struct described_files {
    const char *name;                                           /* "train", "validation", "test" */
    const char *images, *labels, *weights;                      /* paths; weights NULL: none */
    const char *images_sha256, *labels_sha256, *weights_sha256; /* of the decompressed files */
};

enum { DESCRIBED_FILES = 3 };

/* Points into the setup, which must outlive it. */
struct description {
    const char *name, *loss, *optimizer, *scale, *kernel;
    const struct config *config;
    size_t threads;
    struct described_layer *layer; /* owned; the output layer last */
    size_t layer_count;
    size_t parameters;

    size_t train, validation, test; /* samples; 0: no such part */
    size_t features, outputs;
    bool classes;
    char *const *class_name; /* [outputs], or NULL */
    struct described_files file[DESCRIBED_FILES];
    size_t file_count;

    size_t batch_size, steps_per_epoch, epochs;
    double flops_per_step; /* 2 per multiply-add: outputs, cotangents, gradients */
    double bytes_per_step; /* what a step reads and writes if nothing stays in a cache; see describe.c */
    size_t data_bytes, parameter_bytes, work_bytes; /* memory; work: what fit_memory says */
    struct warnings warnings;                       /* of the config; owned */
};

bool describe(const struct setup *setup, struct description *out, struct err *err) MUST_CHECK;
void description_release(struct description *description);

/* The same as one JSON object. */
bool describe_json(const struct description *d, struct text *out, struct err *err) MUST_CHECK;

/* The trace of the tape: the ops in order with their shapes. */
bool describe_trace(const struct setup *setup, struct text *out, struct err *err) MUST_CHECK;

/* Method i of those that the config switches on, as a phrase in place of what `out` holds; nothing for one
 * that it does not. False behind the last. */
bool describe_method(const struct description *d, size_t i, struct text *out);

/* The kernel tables that this processor can run, by name; NULL from the count on. */
const char *describe_kernel(size_t i);
/* Those that have products in bfloat16 alone. */
const char *describe_products(size_t i);

/* The version of the numeric contract. */
int describe_contract(void);

#endif
