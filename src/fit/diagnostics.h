/* What an epoch looked like in every layer: norms and updates are collected in the steps, activations are
 * looked at when the epoch is done. Private to fit/; the figures are struct net_diagnostics (fit/fit.h). */
#ifndef FIT_DIAGNOSTICS_H
#define FIT_DIAGNOSTICS_H

#include "fit/fit.h"
#include "fit/slice.h"

/* Outputs that close to their limit count as saturated, units on that share of the samples as well. */
#define SATURATED_OUTPUT 0.01
#define SATURATED_SHARE  0.95

enum { DIAGNOSED_SAMPLES = 1024 };

struct diagnostics;

/* For the training of source's model on the part, by a team of `threads`; everything is borrowed and must
 * outlive it. The activations are those of up to DIAGNOSED_SAMPLES rows of the part, evenly spaced. Release
 * with diagnostics_free. */
struct diagnostics *diagnostics_create(const struct slice_source *source, const struct model_spec *spec,
                                       const struct data_part *part, struct team *team, size_t threads,
                                       struct err *err) MUST_CHECK;
void diagnostics_free(struct diagnostics *d);

/* In a step, of tile t: before its update, with the gradient of the loss alone [rows][OP_TILE_COLS], and
 * behind it. Different tiles may be handed in by different threads at once. */
void diagnostics_gradient(struct diagnostics *d, size_t t, const real *gradient);
void diagnostics_update(struct diagnostics *d, size_t t);

/* When all tiles of a step are done; when all steps of an epoch are. */
void diagnostics_step(struct diagnostics *d);
void diagnostics_epoch(struct diagnostics *d);

/* Those of the last finished epoch, NULL before the first. */
const struct net_diagnostics *diagnostics_latest(const struct diagnostics *d);

/* Puts the sums of the epoch in progress and the figures of the last one aside, or takes them up. */
void diagnostics_snapshot(struct diagnostics *d, struct snapshot *s);

#endif
