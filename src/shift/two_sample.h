/* Tests of whether two samples are of one distribution. All in double, with the bits of every machine. */
#ifndef SHIFT_TWO_SAMPLE_H
#define SHIFT_TWO_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* P(Z > z) of the standard normal distribution, to full relative precision also far out. */
double normal_tail(double z);

/* Kolmogorov and Smirnov's two-sample statistic and its asymptotic p-value, with Stephens' correction for
 * small samples. The first sample is weighted and counts as many as its effective size (Kish 1965). Sorts
 * both samples in place. *statistic, or NULL. */
struct weighted_value {
    double value, weight;
};
double ks_test(struct weighted_value *a, size_t a_count, double *b, size_t b_count, double *statistic);

/* Black box shift detection (Lipton et al. 2018; Rabanser, Guenemann and Lipton, "Failing loudly", NeurIPS
 * 2019): the test of Kolmogorov and Smirnov for each of the columns of two matrices of probabilities, the
 * smallest p-value times the number of columns (Bonferroni), at most 1. per_column [columns], or NULL: the
 * p-values themselves. */
struct bbsd_sample {
    const double *p; /* [rows][columns] */
    size_t rows;
    const double *weight; /* [rows], of the first sample alone; NULL: 1 */
};
bool bbsd_test(const struct bbsd_sample *a, const struct bbsd_sample *b, size_t columns, double *p_value,
               double *per_column, struct err *err) MUST_CHECK;

/* The classifier two-sample test (Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", ICLR 2017)
 * on out-of-fold predictions: sample i of fold[i] is of domain[i] (0 source, 1 target) and was predicted as
 * predicted[i] by a model that has not seen it. As a fold's errors have a model in common, folds are strata
 * of a Cochran-Mantel-Haenszel test, one-sided; with one fold and equal sizes that is N(1/2, 1 / 4n) of the
 * accuracy. inflation: of the variance, 1 where folds are judged by models that have nothing in common. */
double c2st_test(const uint8_t *domain, const uint8_t *predicted, const uint32_t *fold, size_t count,
                 size_t folds, double inflation);
/* That of cross-fitting: models that share most of their training samples err alike, so the variance of a
 * mean over folds is not 1 / folds of a fold's but 1 / folds + tested / trained (Nadeau and Bengio,
 * "Inference for the generalization error", Machine Learning 52, 2003). It errs on the side of no shift. */
double c2st_crossfit_inflation(size_t folds);

/* Area under the ROC curve of the score for domain 1 against 0, ties half; NAN where a domain has no sample.
 */
bool auc_of(const double *score, const uint8_t *domain, size_t count, double *auc,
            struct err *err) MUST_CHECK;

#endif
