/* What the files of the estimation share. */
#ifndef RUN_ESTIMATION_PARTS_H
#define RUN_ESTIMATION_PARTS_H

#include "run/estimation.h"
#include "shift/density_ratio.h"
#include "shift/discriminator.h"

enum estimation_stage {
    ESTIMATION_DISCRIMINATOR,
    ESTIMATION_DENSITY,  /* covariate shift by a direct method */
    ESTIMATION_CROSSFIT, /* label shift without validation part: models for out-of-fold logits */
    ESTIMATION_MODEL,    /* label shift with one: waits for the trained model */
    ESTIMATION_LABEL,    /* from the logits to ratios */
    ESTIMATION_OVER
};

/* What label shift is estimated from. */
struct label_sample {
    const real *source, *target; /* logits, [rows][outputs] */
    real *owned[2];              /* of them, where no crossfit has them */
    uint32_t *cls;               /* [rows of the source] */
    size_t rows;                 /* of the source */
};

/* What covariate shift is estimated from by a direct method. */
struct covariate_sample {
    double *source, *target; /* the images as numbers, [rows][features] */
    size_t rows;             /* of the source */
};

struct estimation {
    const struct setup *setup;
    struct warnings *warnings;
    enum estimation_stage stage;
    struct discriminator *discriminator; /* owned, as long as its ratios are wanted */
    struct crossfit *crossfit;           /* owned */
    struct density_estimation *density;  /* owned */
    struct label_estimation *ratios;     /* owned */
    struct label_sample label;           /* owned */
    struct covariate_sample covariate;   /* owned */
    size_t portion;                      /* steps to ask for */
    struct estimation_result result;
};

/* Begins the models for out-of-fold logits. */
bool estimation_begin_crossfit(struct estimation *e, struct err *err) MUST_CHECK;

/* ---- label shift (estimation_label.c) ---- */

/* Goes on from the label sample, of which the source is this part, that the model has not seen: begins the
 * estimate of the ratios. */
bool estimation_begin_label(struct estimation *e, const struct data_part *held_out,
                            struct err *err) MUST_CHECK;
/* After that: tests, figures, and the weights of the correction. */
bool estimation_end_label(struct estimation *e, struct err *err) MUST_CHECK;
void label_sample_release(struct label_sample *sample);
void label_estimate_release(struct label_estimate *label);

/* ---- covariate shift (estimation_covariate.c) ---- */

/* Begins the estimate of the ratios from the images themselves. */
bool estimation_begin_density(struct estimation *e, struct err *err) MUST_CHECK;
/* The weights of the correction from the ratios of training part and validation part. */
bool estimation_weigh(struct estimation *e, const double *ratio, struct err *err) MUST_CHECK;
bool estimation_end_density(struct estimation *e, struct err *err) MUST_CHECK;
void covariate_sample_release(struct covariate_sample *sample);
void covariate_estimate_release(struct covariate_estimate *covariate);

/* Settles detected and corrected by the p-value of the kind's test. usable: there are weights. */
void estimation_decide(struct estimation_result *r, double p_value, bool usable);

/* ---- what a reader should be warned of (estimation_warnings.c) ---- */

bool warn_of_label(struct estimation *e, struct err *err) MUST_CHECK;
bool warn_of_covariate(struct estimation *e, bool usable, struct err *err) MUST_CHECK;

#endif
