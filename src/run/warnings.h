/* What a learner should know about a model that does not learn as it should: sentences that name the layer,
 * what was seen and what to change. */
#ifndef RUN_WARNINGS_H
#define RUN_WARNINGS_H

#include <stddef.h>

#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "config/config.h"
#include "fit/fit.h"

/* What is wrong with a layer; each is said once. */
enum warning_kind {
    WARNING_START, /* its units are all equal, or its weights can never move */
    WARNING_VANISHING,
    WARNING_EXPLODING,
    WARNING_LARGE_UPDATE,
    WARNING_SMALL_UPDATE,
    WARNING_DEAD,
    WARNING_SATURATED,
    WARNING_KINDS,
    WARNING_SCHEDULE = WARNING_KINDS, /* of the run: its warm-up or ramp never ends */
    WARNING_SHIFT                     /* of the run: of its estimates; `layer` is which of them */
};

struct warning {
    enum warning_kind kind;
    size_t layer, epoch; /* epoch: in which it was first seen; 0: before the training */
    bool refit;          /* an epoch of the refit; set by who knows */
    struct text text;    /* a sentence without a full stop */
};

/* In the order of their coming; zero-initialise. */
struct warnings {
    struct warning *list;
    size_t count, room;
};

void warnings_release(struct warnings *warnings);

/* Adds what the initialisers alone tell: hidden layers whose units start equal and will stay so for ever, and
 * weights that start at 0 and that no gradient will ever move. */
bool warnings_of_schedule(struct warnings *warnings, const struct config *config, struct err *err) MUST_CHECK;
bool warnings_of_config(struct warnings *warnings, const struct config *config, struct err *err) MUST_CHECK;

/* Adds what the epoch's figures tell. */
bool warnings_of_epoch(struct warnings *warnings, const struct config *config, size_t epoch,
                       const struct net_diagnostics *net, struct err *err) MUST_CHECK;

/* Adds one, unless the layer has one of its kind. The text is taken over (and released where there is no room
 * for it). */
bool warnings_add(struct warnings *warnings, enum warning_kind kind, size_t layer, size_t epoch,
                  struct text *text, struct err *err) MUST_CHECK;

/* Puts the list aside, or replaces it. */
void warnings_snapshot(struct warnings *warnings, struct snapshot *s);

/* The initialiser to recommend for a layer's weights, by name. */
const char *warnings_init(const struct layer_spec *layer);

/* A list: of {"epoch", "text"}, with {"phase": "refit"} for one of the refit, or of the texts alone. */
void warnings_print(struct json_writer *w, const struct warnings *warnings, bool with_epochs);

#endif
