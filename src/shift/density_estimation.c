/* The way from samples to a density ratio that the methods share: distances, then the values of one bandwidth
 * after another and what the method's folds say of it, at last the values of the best one and the method's
 * result. */
#include <math.h>

#include "base/mem.h"
#include "shift/density_parts.h"
#include "shift/spec.h"

static const struct density_method *const methods[SHIFT_METHODS] = {
    [SHIFT_KLIEP] = &density_kliep,
    [SHIFT_RULSIF] = &density_rulsif,
};

bool density_is_direct(int method) {
    return methods[method] != NULL;
}

bool density_is_relative(int method) {
    return methods[method] && methods[method]->relative;
}

enum stage { DISTANCES, VALUES, FOLDS, BEST_VALUES, BEST, OVER };

struct density_estimation {
    struct density_problem problem;
    struct density_basis basis;
    const struct density_method *method;
    void *self; /* the method's */
    enum stage stage;
    size_t row;       /* the next that is to be measured or valued */
    size_t bandwidth; /* of those to choose from */
    struct density_ratio ratio;
};

/* ---- beginning and end ---- */

struct density_estimation *density_estimation_create(int method, const struct density_problem *problem,
                                                     struct err *err) {
    static const char what[] = "a density ratio";
    struct density_estimation *e = mem_alloc(1, sizeof *e, what, err);
    if (!e)
        return NULL;
    e->problem = *problem;
    e->method = methods[method];
    if (density_basis_init(&e->basis, &e->problem, err) && (e->self = e->method->create(&e->basis, err)) &&
        (e->ratio.ratio = mem_alloc(problem->source_rows, sizeof *e->ratio.ratio, what, err)))
        return e;
    density_estimation_free(e);
    return NULL;
}

void density_estimation_free(struct density_estimation *e) {
    if (!e)
        return;
    e->method->free(e->self);
    density_basis_release(&e->basis);
    density_ratio_release(&e->ratio);
    mem_free(e);
}

/* ---- steps ---- */

static bool measure(struct density_estimation *e, struct err *err) {
    e->row = density_basis_measure(&e->basis, e->row);
    if (e->row < density_basis_rows(&e->basis))
        return true;
    if (!density_basis_find_median(&e->basis, err))
        return false;
    e->row = 0;
    e->stage = e->basis.folds >= 2 ? VALUES : BEST_VALUES;
    e->ratio.bandwidth = density_bandwidth(&e->basis, 0);
    e->ratio.score = e->ratio.lambda = (double)NAN;
    e->ratio.centers = e->basis.centers;
    return true;
}

/* True: all rows have the values of the bandwidth. */
static bool value_rows(struct density_estimation *e, double bandwidth) {
    e->row = density_basis_evaluate(&e->basis, bandwidth, e->row);
    if (e->row < density_basis_rows(&e->basis))
        return false;
    e->row = 0;
    return true;
}

static bool value(struct density_estimation *e, struct err *err) {
    (void)err;
    if (value_rows(e, density_bandwidth(&e->basis, e->bandwidth))) {
        e->method->begin_folds(e->self);
        e->stage = FOLDS;
    }
    return true;
}

static bool validate(struct density_estimation *e, struct err *err) {
    (void)err;
    if (e->method->step(e->self)) {
        e->method->judge(e->self, &e->ratio);
        e->stage = ++e->bandwidth < density_bandwidths(&e->basis) ? VALUES : BEST_VALUES;
    }
    return true;
}

static bool value_best(struct density_estimation *e, struct err *err) {
    (void)err;
    if (value_rows(e, e->ratio.bandwidth)) {
        e->method->begin_result(e->self, &e->ratio);
        e->stage = BEST;
    }
    return true;
}

static bool fit_best(struct density_estimation *e, struct err *err) {
    (void)err;
    if (e->method->step(e->self)) {
        double alpha = e->problem.alpha,
               most = e->method->relative && alpha > 0 ? 1 / alpha : (double)INFINITY;
        density_ratios(&e->basis, e->method->theta(e->self), most, e->ratio.ratio);
        e->stage = OVER;
    }
    return true;
}

bool density_estimation_advance(struct density_estimation *e, size_t max_steps, bool *over, struct err *err) {
    static bool (*const step[OVER])(struct density_estimation *, struct err *) = {[DISTANCES] = measure,
                                                                                  [VALUES] = value,
                                                                                  [FOLDS] = validate,
                                                                                  [BEST_VALUES] = value_best,
                                                                                  [BEST] = fit_best};
    for (size_t i = 0; i < max_steps && e->stage != OVER; i++)
        if (!step[e->stage](e, err))
            return false;
    *over = e->stage == OVER;
    return true;
}

/* ---- what is known ---- */

struct task_status density_estimation_status(const struct density_estimation *e) {
    if (e->stage == DISTANCES)
        return (struct task_status){"distances", e->row, density_basis_rows(&e->basis)};
    if (e->stage < BEST_VALUES)
        return (struct task_status){"bandwidth", e->bandwidth + 1, density_bandwidths(&e->basis)};
    return (struct task_status){.what = "density ratio"};
}

struct density_ratio density_estimation_finish(struct density_estimation *e) {
    struct density_ratio ratio = e->ratio;
    e->ratio = (struct density_ratio){0};
    return ratio;
}
