/* What a config asks for, loaded and ready: data, model, team of threads, kernels, and the fit that would
 * train. */
#ifndef RUN_SETUP_H
#define RUN_SETUP_H

#include "base/err.h"
#include "base/team.h"
#include "base/text.h"
#include "config/config.h"
#include "data/dataset.h"
#include "fit/fit.h"
#include "kernel/kernel.h"
#include "model/model.h"

/* Everything is owned but the config. */
struct setup {
    const struct config *config; /* `known` once the data are there */
    struct config known;         /* that of the caller with what the training table says; borrows from both */
    const struct kernel *kernel;
    struct team *team;
    struct data data;
    struct model *model;
    struct dataset target_set; /* of shift.target; zero: not loaded */
    struct data_part target;   /* all of it */
    double *class_prior;       /* [outputs] shares that the classes of every part are weighted to, beside
                                * loss.class_weights, where a shift of labels is corrected; NULL: their own */
    bool shifted;              /* samples weigh what an estimated shift makes of them */
    bool drawn;                /* the parameters have their initial values */
    real *start;               /* the parameters before training, where they cannot be drawn again; NULL */
    struct fit *fit;
};

/* isa: a kernel table by name, "auto" or NULL (ERR_USAGE where there is no such). draw: the parameters
 * may be drawn by the initialisers while the data are read; else they all are 0. The setup must not be moved.
 * On failure nothing is left to release. */
bool setup_open(const struct config *config, const char *isa, bool draw, struct setup *setup,
                struct err *err) MUST_CHECK;
void setup_release(struct setup *setup);

/* Checks what the config says of a shift against the data, loads its target and looks at the windows of its
 * stream, as far as its kind has them. ERR_CONFIG and ERR_DATA name key or file. */
bool setup_shift(struct setup *setup, struct err *err) MUST_CHECK;

/* Gives the parameters their values before training, where they have none, which can take long where there
 * are many. init_from: a model file to take them from, or NULL for the initialisers. */
bool setup_start(struct setup *setup, const char *init_from, struct err *err) MUST_CHECK;

/* A trained model, kept while another one is trained in its place. */
struct setup_state {
    real *theta; /* NULL: none */
    struct scaling scaling;
};

/* For a training on all samples that are not of the test part: makes training and validation part one, the
 * model new, with its values before training as setup_start gives them, and a fit of these. *before, which is
 * zero, is the state of the model until then; release with setup_state_release, also on failure, when the
 * setup is only fit to be released. */
bool setup_refit(struct setup *setup, struct setup_state *before, struct err *err) MUST_CHECK;
/* Gives the model that state back. */
void setup_go_back(struct setup *setup, struct setup_state *before);
void setup_state_release(struct setup_state *state);

/* For a training that corrects a shift: model and fit are made new, with the values before training as
 * setup_start gives them, and samples weigh what they did such that every part has the class shares
 * class_prior [outputs], or times row_ratio of their row: those of the training part and then those of the
 * validation part, in their orders. One of the two is NULL. The numbers are copied. On failure the setup is
 * only fit to be released. */
bool setup_correct(struct setup *setup, const double *class_prior, const double *row_ratio,
                   struct err *err) MUST_CHECK;

/* The SHA-256 of all that was loaded, a line "KEY DIGEST" each. */
void setup_digests(const struct setup *setup, struct text *out);

/* What the setup's fit was made of, for another fit with the same data and model. */
struct fit_setup setup_of_fit(const struct setup *setup);

/* A team of that size; 0: as many as the process may use. */
struct team *setup_team(size_t threads, struct err *err) MUST_CHECK;

#endif
