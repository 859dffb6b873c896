/* What the direct estimators of density ratios share: Gaussian basis functions exp(-|x - c|^2 / (2 s^2)), s
 * the bandwidth, around some points c of the target, and the folds of a cross-validation. Every sum is in the
 * order of its terms: the team shares out rows or basis functions, never the terms of a sum. */
#ifndef SHIFT_DENSITY_PARTS_H
#define SHIFT_DENSITY_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "shift/density_ratio.h"

enum density_side { DENSITY_TARGET, DENSITY_SOURCE, DENSITY_SIDES };

struct density_basis {
    const struct density_problem *problem;
    size_t centers, folds;      /* folds below 2: no cross-validation is possible */
    size_t rows[DENSITY_SIDES]; /* of the target, of the source */
    const double *x[DENSITY_SIDES];
    double *center;                /* [features][centers] */
    double *square[DENSITY_SIDES]; /* [rows][centers]: |x - c|^2 */
    double *value[DENSITY_SIDES];  /* [rows][centers]: the basis functions of the last bandwidth */
    uint32_t *fold[DENSITY_SIDES]; /* [rows] */
    double median;                 /* of the distances */
    double bandwidth;              /* of the values */
};

/* Chooses centers and folds by the problem's seed; squares and median are still to be measured. ERR_DATA
 * where source or target have no rows. Release with density_basis_release, after a failure too. */
bool density_basis_init(struct density_basis *basis, const struct density_problem *problem,
                        struct err *err) MUST_CHECK;
void density_basis_release(struct density_basis *basis);

/* Rows of target and source, one behind the other, are measured, and valued, in portions, from row `first`
 * on; how large the portions are changes no bit. Both return the row that comes next; all rows: it is over.
 */
size_t density_basis_measure(struct density_basis *basis, size_t first);
size_t density_basis_evaluate(struct density_basis *basis, double bandwidth, size_t first);
size_t density_basis_rows(const struct density_basis *basis);
/* How many of so many rows, of so much work each, make a portion of some milliseconds. */
size_t density_portion(size_t rows, size_t work);
/* When all is measured. */
bool density_basis_find_median(struct density_basis *basis, struct err *err) MUST_CHECK;

/* The bandwidths to choose from, ascending: the problem's own, or multiples of the median distance, or where
 * there are no folds to choose by the median distance. */
size_t density_bandwidths(const struct density_basis *basis);
double density_bandwidth(const struct density_basis *basis, size_t i);

/* Puts the sums theta . values of the source, held between 0 and most, into ratio [source rows]. */
void density_ratios(const struct density_basis *basis, const double *theta, double most, double *ratio);

/* ---- the methods ---- */

/* A way to theta, by the values of one bandwidth after another. */
struct density_method {
    bool relative; /* the ratio */
    void *(*create)(struct density_basis *basis, struct err *err);
    void (*free)(void *self);
    /* There are new values: begins with fits that leave out a fold each, or with the one by all rows and by
     * what is chosen, where there is no lambda yet with one that suits most. */
    void (*begin_folds)(void *self);
    void (*begin_result)(void *self, struct density_ratio *chosen);
    /* A unit of work; true: what was begun is done. */
    bool (*step)(void *self);
    /* Of the folds: best becomes this bandwidth, where its score is larger or best has none. */
    void (*judge)(const void *self, struct density_ratio *best);
    /* Of the result: [centers]. */
    const double *(*theta)(const void *self);
};

extern const struct density_method density_kliep, density_rulsif;

#endif
