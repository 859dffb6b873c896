/* What is assumed, estimated and done about a shift of the distribution, as plain data. */
#ifndef SHIFT_SPEC_H
#define SHIFT_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "data/spec.h"
#include "model/spec.h"

/* What differs between training and use: q(x), q(y), or over time q(y|x). */
enum shift_kind { SHIFT_NONE, SHIFT_COVARIATE, SHIFT_LABEL, SHIFT_CONCEPT, SHIFT_KINDS };
const char *shift_kind_name(size_t i);

/* Whether the kind is told by a sample of the target. */
bool shift_has_target(int kind);

enum shift_method {
    SHIFT_CLASSIFIER, /* covariate: odds of a discriminator */
    SHIFT_KLIEP,
    SHIFT_RULSIF,
    SHIFT_MLLS, /* label: maximum likelihood */
    SHIFT_BBSE,
    SHIFT_RLLS,
    SHIFT_METHODS
};
const char *shift_method_name(size_t i);
/* The kind that a method is for. */
int shift_method_kind(int method);

/* How the discriminator between source and target is trained: by Adam. */
struct discriminator_spec {
    long epochs; /* -1: as many as it needs */
    size_t batch_size;
    double lr;
    double l2; /* NAN: by the number of inputs and samples */
};

/* Of label shift: its matrices are of classes by classes, a decomposition for every resample. */
enum { SHIFT_CLASSES = 256 };

enum label_correction { CORRECT_POSTHOC, CORRECT_RETRAIN, CORRECT_BOTH };
const char *label_correction_name(size_t i);

enum optimizer_state { OPTIMIZER_KEEP, OPTIMIZER_RESET };
const char *optimizer_state_name(size_t i);

enum drift_action { DRIFT_ADAPT, DRIFT_RESET, DRIFT_REPORT };
const char *drift_action_name(size_t i);

enum drift_detector { DRIFT_PAGE_HINKLEY, DRIFT_DDM, DRIFT_ADWIN, DRIFT_DETECTORS };
const char *drift_detector_name(size_t i);

/* Page 1954, Hinkley 1971. */
struct page_hinkley_spec {
    size_t min_samples;
    double delta, threshold, alpha;
    double warning; /* share of the threshold */
};

/* Gama, Medas, Castillo and Rodrigues 2004. */
struct ddm_spec {
    size_t warm_start;
    double warning, drift; /* standard deviations above the best error rate seen */
};

/* Bifet and Gavalda 2007. */
struct adwin_spec {
    double delta, warning; /* false alarm rate of a cut, of a warning */
    size_t clock, max_buckets, min_window, grace;
};

struct drift_spec {
    int detector; /* enum drift_detector */
    struct page_hinkley_spec page_hinkley;
    struct ddm_spec ddm;
    struct adwin_spec adwin;
};

struct shift_spec {
    int kind;   /* enum shift_kind */
    int method; /* enum shift_method; -1 where the kind has none */

    /* covariate and label */
    struct data_files target; /* labels: for study only */
    double level;             /* of the tests */
    bool force;               /* correct even where no shift is detected */
    size_t folds;
    struct layer_spec *layers; /* of the discriminator: hidden layers; owned by whoever made the spec */
    size_t layer_count;
    struct discriminator_spec discriminator;

    /* covariate */
    double clip;      /* largest ratio; NAN: none */
    double alpha;     /* of the relative ratio; of rlls the strength of its regulariser; NAN: plain ratio */
    size_t centers;   /* kliep, rulsif: most basis functions */
    double bandwidth; /* of them; NAN: by cross-validation */

    /* label */
    bool soft;       /* bbse, rlls: mean probabilities rather than counts of predicted classes */
    int correct;     /* enum label_correction */
    double strength; /* weights become 1 + strength (weight - 1) */
    size_t bootstrap;

    /* concept */
    struct data_files *stream; /* windows in the order of time; owned by whoever made the spec */
    size_t stream_count;
    size_t epochs;       /* of learning from a window */
    int optimizer_state; /* enum optimizer_state */
    size_t replay;       /* samples of the reservoir */
    bool fresh;          /* also train a new model on every window, for comparison */
    struct drift_spec drift;
    int on_drift;        /* enum drift_action */
    double adapt_factor; /* of the learning rate */
};

#endif
