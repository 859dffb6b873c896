/* What a config asks for, loaded and ready: data, model, team of threads, kernels, and the fit that would
 * train. */
#ifndef RUN_SETUP_H
#define RUN_SETUP_H

#include "base/err.h"
#include "base/team.h"
#include "config/config.h"
#include "data/dataset.h"
#include "fit/fit.h"
#include "kernel/kernel.h"
#include "model/model.h"

/* Everything is owned but the config. */
struct setup {
    const struct config *config;
    const struct kernel *kernel;
    struct team *team;
    struct data data;
    struct model *model;
    bool drawn;  /* the parameters have their initial values */
    real *start; /* the parameters before training, where a refit cannot draw them again; NULL */
    struct fit *fit;
};

/* isa: a kernel table by name, "auto" or NULL (ERR_USAGE where there is no such). draw: the parameters
 * may be drawn by the initialisers while the data are read; else they all are 0. The setup must not be moved.
 * On failure nothing is left to release. */
bool setup_open(const struct config *config, const char *isa, bool draw, struct setup *setup,
                struct err *err) MUST_CHECK;
void setup_release(struct setup *setup);

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

/* What the setup's fit was made of, for another fit with the same data and model. */
struct fit_setup setup_of_fit(const struct setup *setup);

/* A team of that size; 0: as many as the process may use. */
struct team *setup_team(size_t threads, struct err *err) MUST_CHECK;

#endif
