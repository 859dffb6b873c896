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

/* Chooses centers and folds by the problem's seed. ERR_DATA where source or target have no rows. Release with
 * density_basis_release, after a failure too. */
bool density_basis_init(struct density_basis *basis, const struct density_problem *problem,
                        struct err *err) MUST_CHECK;
void density_basis_release(struct density_basis *basis);

/* Computes the values. */
void density_basis_evaluate(struct density_basis *basis, double bandwidth);

/* Bandwidth i of those to choose from, ascending: the problem's own, or multiples of the median distance, or
 * where there are no folds to choose by the median distance. 0 behind the last one. */
double density_bandwidth(const struct density_basis *basis, size_t i);

/* Puts the sums theta . values of the source, held between 0 and most, into ratio [source rows]. */
void density_ratios(const struct density_basis *basis, const double *theta, double most, double *ratio);

#endif
