/* How training goes, as plain data. */
#ifndef FIT_SPEC_H
#define FIT_SPEC_H

#include <stdbool.h>
#include <stddef.h>

enum loss_kind { LOSS_CROSS_ENTROPY, LOSS_MSE, LOSS_BINARY_CROSS_ENTROPY, LOSS_COUNT };

/* "cross_entropy", ...; NULL from LOSS_COUNT on. */
const char *loss_name(size_t i);

struct loss_spec {
    int kind;
    double label_smoothing;
    bool balanced;        /* a class weighs n / (classes * its samples) */
    double *class_weight; /* [class_weights], or NULL; owned by whoever made the spec */
    size_t class_weights;
};

/* What an epoch is judged by: the numbers of metrics.jsonl that have a better and a worse. */
enum metric {
    METRIC_TRAIN_LOSS,
    METRIC_TRAIN_ACCURACY,
    METRIC_TRAIN_PENALTY,
    METRIC_VALIDATION_LOSS,
    METRIC_VALIDATION_ACCURACY,
    METRIC_VALIDATION_WEIGHTED_LOSS,
    METRIC_VALIDATION_BRIER,
    METRIC_VALIDATION_ECE,
    METRIC_VALIDATION_R2,
    METRIC_COUNT
};

/* "train.loss", ...: the path in metrics.jsonl; NULL from METRIC_COUNT on. */
const char *metric_name(size_t i);
bool metric_higher_is_better(int metric);

enum l1_method { L1_PROXIMAL, L1_SUBGRADIENT };
const char *l1_method_name(size_t i);

/* Which biases l1, l2 and weight decay act on; weights always. */
enum penalize_bias { PENALIZE_NONE, PENALIZE_HIDDEN, PENALIZE_ALL };
const char *penalize_bias_name(size_t i);

enum weight_noise_kind { WEIGHT_NOISE_PER_SAMPLE, WEIGHT_NOISE_PER_STEP };
const char *weight_noise_kind_name(size_t i);

struct regularization_spec {
    double l1, l2; /* of the layers that have none of their own */
    int l1_method, penalize_bias;
    double input_noise, weight_noise; /* standard deviations */
    int weight_noise_kind;
    double max_norm; /* of the layers that have none of their own; NAN: none */
};

struct early_stopping_spec {
    bool on;
    int metric; /* enum metric */
    size_t patience;
    double min_delta;
    bool restore_best;
};

struct train_spec {
    size_t epochs, batch_size;
    bool shuffle;
    struct early_stopping_spec early_stopping;
    bool refit;       /* train again on training and validation part for as many epochs as were best */
    bool diagnostics; /* figures of every layer, every epoch */
    bool calibrate;   /* fit a temperature on the validation part */
    double checkpoint_minutes; /* at most between two checkpoints; 0: any */
};

#endif
