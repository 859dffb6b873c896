#include "run/gradcheck.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "autodiff/tape.h"
#include "base/mem.h"
#include "fit/objective.h"
#include "kernel/random.h"
#include "run/setup.h"

/* Uses of STREAM_CHECK. */
enum { DRAW_DIRECTION, DRAW_COORDINATE };

struct check {
    const struct gradient_options *options;
    const struct model *model;
    struct team *team;
    uint64_t seed;
    struct objective *objective;
    double value;         /* of the objective */
    real *gradient;       /* [size] */
    real *direction;      /* [size] */
    real *moved[2];       /* [threads * size] theta, on both sides of a coordinate */
    struct search *found; /* [threads] */
    double *rounded,
        *exact; /* gradients by rounded factors, and not; NULL: there is no training to compare */
};

/* The smallest magnitude of a gradient that a difference quotient can resolve. */
static double resolvable(const struct check *c) {
    return 1e-3 * fmax(1, fabs(c->value));
}

/* The step that balances truncation (h^2) and rounding (eps / h): Press et al., Numerical Recipes, 5.7. */
static double step_for(double magnitude) {
    return cbrt(REAL_IS_DOUBLE ? DBL_EPSILON : FLT_EPSILON) * fmax(1, magnitude);
}

/* ---- the adjoint identity ---- */

/* Uniform numbers in (-1, 1) for the elements of parameter i. */
static void draw_direction(const struct check *c, size_t i) {
    const struct parameter *p = &c->model->parameter[i];
    for (size_t k = 0; k < p->in; k++)
        for (size_t o = 0; o < p->out; o++)
            c->direction[p->offset + k * p->stride + o] =
                (real)(2 * random_unit(random_philox(c->seed, STREAM_CHECK, DRAW_DIRECTION, (uint32_t)i,
                                                     (uint32_t)(k * p->out + o)),
                                       0) -
                       1);
}

static double dot_gradient(const struct check *c, double *magnitude) {
    double sum = 0;
    *magnitude = 0;
    for (size_t i = 0; i < c->model->size; i++) {
        double term = (double)c->gradient[i] * (double)c->direction[i];
        sum += term;
        *magnitude += fabs(term);
    }
    return sum;
}

static double relative(double error, double size) {
    return error == 0 ? 0 : error / size;
}

/* Relative to the sum of the terms, but to no less than what the objective's rounding can tell: where
 * gradients of samples cancel, the terms themselves are rounding. */
static double adjoint_error(const struct check *c, double *forward, double *reverse) {
    double magnitude;
    *forward = objective_jvp(c->objective, c->model->theta, c->direction);
    *reverse = dot_gradient(c, &magnitude);
    return relative(fabs(*forward - *reverse), fmax(magnitude, resolvable(c)));
}

static void clear_direction(const struct check *c) {
    memset(c->direction, 0, c->model->size * sizeof *c->direction);
}

/* ---- central differences ---- */

/* What a thread has found among the coordinates of a tensor. */
struct search {
    double worst, gradient, difference;
    size_t at; /* which coordinate has the worst */
    size_t checked, skipped;
};

struct coordinates {
    struct check *c;
    size_t parameter, count;
    double within; /* error that is good enough */
    atomic_size_t next;
};

/* Element of coordinate k: one in each of `count` equal parts of the tensor, or every one. */
static size_t element_of(const struct coordinates *job, size_t k) {
    const struct parameter *p = &job->c->model->parameter[job->parameter];
    size_t size = p->in * p->out;
    size_t begin = k * size / job->count, end = (k + 1) * size / job->count;
    double u = random_unit(
        random_philox(job->c->seed, STREAM_CHECK, DRAW_COORDINATE, (uint32_t)job->parameter, (uint32_t)k), 0);
    return begin + (size_t)(u * (double)(end - begin));
}

/* The difference quotient at element `at` of theta; false where a kink lies in the way. */
static bool quotient(const struct check *c, size_t rank, size_t at, real h, double *slope) {
    real *up = c->moved[0] + rank * c->model->size, *down = c->moved[1] + rank * c->model->size;
    real was = c->model->theta[at];
    up[at] = was + h, down[at] = was - h;
    double difference, step = (double)up[at] - (double)down[at];
    bool smooth = objective_difference(c->objective, rank, up, down, &difference);
    up[at] = down[at] = was;
    if (smooth)
        *slope = difference / step;
    return smooth;
}

enum { ATTEMPTS = 2 };

/* Where there is a kink within the step, or so much curvature (of inputs that are large numbers) that the
 * difference misses, a shorter step helps; to a wrong gradient it does not. */
static void search_coordinate(const struct coordinates *job, size_t k, size_t rank, struct search *s) {
    const struct check *c = job->c;
    const struct parameter *p = &c->model->parameter[job->parameter];
    size_t element = element_of(job, k);
    size_t at = p->offset + element / p->out * p->stride + element % p->out;
    double gradient = (double)c->gradient[at], error = INFINITY, difference = 0, slope;
    double h = step_for(fabs((double)c->model->theta[at]));
    bool smooth = false;
    for (int attempt = 0; attempt < ATTEMPTS && !(error <= job->within); attempt++, h /= 16)
        if (quotient(c, rank, at, (real)h, &slope) && (!smooth || fabs(slope - gradient) < error))
            smooth = true, difference = slope, error = fabs(slope - gradient);
    s->checked += smooth;
    s->skipped += !smooth;
    if (smooth && (s->checked == 1 || !(error <= s->worst)))
        s->worst = error, s->gradient = gradient, s->difference = difference, s->at = element;
}

static void search_job(void *arg, size_t rank, size_t size) {
    struct coordinates *job = arg;
    (void)size;
    for (size_t k; (k = atomic_fetch_add(&job->next, 1)) < job->count;)
        search_coordinate(job, k, rank, &job->c->found[rank]);
}

/* Of equally bad coordinates the first, whoever found it. */
static bool is_worse(const struct search *a, const struct search *b) {
    if (a->checked == 0 || b->checked == 0)
        return a->checked > 0;
    if (isnan(a->worst) != isnan(b->worst))
        return isnan(a->worst);
    return a->worst > b->worst || (!(a->worst < b->worst) && a->at < b->at);
}

/* scale: what errors are relative to. */
static struct search search(struct check *c, size_t parameter, double scale) {
    const struct parameter *p = &c->model->parameter[parameter];
    size_t size = p->in * p->out, wish = c->options->coordinates;
    struct coordinates job = {.c = c,
                              .parameter = parameter,
                              .count = wish && wish < size ? wish : size,
                              .within = c->options->tolerance * scale};
    struct search all = {0};
    memset(c->found, 0, team_size(c->team) * sizeof *c->found);
    team_run(c->team, search_job, &job);
    for (size_t t = 0; t < team_size(c->team); t++) {
        size_t checked = all.checked + c->found[t].checked, skipped = all.skipped + c->found[t].skipped;
        if (is_worse(&c->found[t], &all))
            all = c->found[t];
        all.checked = checked, all.skipped = skipped;
    }
    return all;
}

/* ---- a tensor ---- */

static void measure(const struct check *c, const struct parameter *p, double *norm, double *largest) {
    double squares = 0;
    *largest = 0;
    for (size_t k = 0; k < p->in; k++)
        for (size_t o = 0; o < p->out; o++) {
            double g = (double)c->gradient[p->offset + k * p->stride + o];
            squares += g * g;
            *largest = fmax(*largest, fabs(g));
        }
    *norm = sqrt(squares);
}

/* Elements of the tensors before tensor i. */
static size_t elements_before(const struct model *model, size_t i) {
    size_t n = 0;
    while (i-- > 0)
        n += model->parameter[i].in * model->parameter[i].out;
    return n;
}

/* Norm of the difference of two gradients of tensor i, [out][in]. */
static double distance(const struct parameter *p, const double *a, const double *b) {
    double squares = 0;
    for (size_t e = 0; e < p->in * p->out; e++)
        squares += (a[e] - b[e]) * (a[e] - b[e]);
    return sqrt(squares);
}

static void compare_training(const struct check *c, size_t i, struct checked_tensor *t) {
    const struct parameter *p = &c->model->parameter[i];
    size_t before = elements_before(c->model, i);
    t->training_error = t->rounding = (double)NAN;
    if (!c->rounded)
        return;
    double scale = fmax(t->norm, resolvable(c));
    t->training_error = relative(distance(p, c->options->in_training + before, c->rounded + before), scale);
    t->rounding = relative(distance(p, c->rounded + before, c->exact + before), scale);
}

static void check_tensor(struct check *c, size_t i, struct checked_tensor *t) {
    const struct parameter *p = &c->model->parameter[i];
    double largest, scale, forward, reverse;
    snprintf(t->name, sizeof t->name, "%s", p->name);
    t->shape[0] = p->out, t->shape[1] = p->in;
    t->dims = p->kind == PARAMETER_WEIGHT ? 2 : 1;
    measure(c, p, &t->norm, &largest);
    clear_direction(c);
    draw_direction(c, i);
    t->adjoint_error = adjoint_error(c, &forward, &reverse);
    scale = fmax(largest, resolvable(c));
    struct search found = search(c, i, scale);
    t->checked = found.checked, t->skipped = found.skipped;
    t->difference_error = relative(found.worst, scale);
    t->worst.out = found.at % p->out, t->worst.in = found.at / p->out;
    t->worst.gradient = found.gradient, t->worst.difference = found.difference;
    compare_training(c, i, t);
    t->ok = t->adjoint_error <= GRADIENT_ADJOINT_TOLERANCE && t->difference_error <= c->options->tolerance;
}

/* ---- all parameters at once ---- */

static double norm_of(const real *x, size_t n) {
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (double)x[i] * (double)x[i];
    return sqrt(squares);
}

/* The difference quotient along the direction; false where a kink lies in the way. */
static bool slope_along(const struct check *c, double h, double *slope) {
    real *up = c->moved[0], *down = c->moved[1];
    for (size_t i = 0; i < c->model->size; i++) {
        up[i] = (real)((double)c->model->theta[i] + h * (double)c->direction[i]);
        down[i] = (real)((double)c->model->theta[i] - h * (double)c->direction[i]);
    }
    bool smooth = objective_difference(c->objective, 0, up, down, slope);
    *slope /= 2 * h;
    return smooth;
}

static void check_direction(struct check *c, struct checked_direction *d) {
    size_t n = c->model->size;
    clear_direction(c);
    for (size_t i = 0; i < c->model->parameter_count; i++)
        draw_direction(c, i);
    double length = norm_of(c->direction, n), h = step_for(norm_of(c->model->theta, n)), error = INFINITY;
    for (size_t i = 0; i < n; i++)
        c->direction[i] = (real)((double)c->direction[i] / length);
    d->adjoint_error = adjoint_error(c, &d->forward, &d->reverse);
    double scale = fmax(fabs(d->reverse), resolvable(c)), slope;
    d->kink = true;
    for (int attempt = 0; attempt < ATTEMPTS && !(error <= c->options->tolerance * scale); attempt++, h /= 16)
        if (slope_along(c, h, &slope) && (d->kink || fabs(slope - d->reverse) < error))
            d->kink = false, d->difference = slope, error = fabs(slope - d->reverse);
    d->difference_error = d->kink ? 0 : relative(error, scale);
    d->ok = d->adjoint_error <= GRADIENT_ADJOINT_TOLERANCE && d->difference_error <= c->options->tolerance;
}

/* ---- cost ---- */

static struct gradient_cost cost_of(const struct model *model) {
    struct gradient_cost cost = {.elements = model->trainable};
    double cotangents, gradients;
    tape_cost(model->tape, &cost.forward, &cotangents, &gradients);
    cost.reverse = cotangents + gradients;
    /* W x. and W. x: the transposed products of the reverse sweep. The input has neither tangent nor
     * cotangent. */
    cost.jvp = cotangents + gradients;
    size_t one = tape_workspace_bytes(model->tape, TAPE_TRAIN, NULL, 1, KERNEL_LANES, 1);
    size_t two = tape_workspace_bytes(model->tape, TAPE_TRAIN, NULL, 2, KERNEL_LANES, 1);
    cost.kept = (double)(two - one) / (KERNEL_LANES * sizeof(real));
    return cost;
}

/* ---- the gradient of a training ---- */

static double *flat_gradient(const struct model *model, const real *gradient, struct err *err) {
    double *flat =
        mem_alloc(elements_before(model, model->parameter_count), sizeof *flat, "the gradient", err);
    double *next = flat;
    for (size_t i = 0; flat && i < model->parameter_count; i++) {
        const struct parameter *p = &model->parameter[i];
        for (size_t o = 0; o < p->out; o++)
            for (size_t k = 0; k < p->in; k++)
                *next++ = (double)gradient[p->offset + k * p->stride + o];
    }
    return flat;
}

bool gradient_in_training(const struct config *config, const struct gradient_options *options, double **out,
                          struct err *err) {
    struct setup setup;
    struct objective *objective = NULL;
    real *gradient = NULL;
    *out = NULL;
    if (!setup_open(config, options->isa, !options->init_from, &setup, err))
        return false;
    if (setup_start(&setup, options->init_from, err)) {
        struct fit_setup fit = setup_of_fit(&setup);
        objective = objective_create(&fit, options->samples, err);
    }
    if (objective)
        gradient = mem_alloc_aligned(setup.model->size, sizeof *gradient, "the gradient", err);
    if (gradient) {
        objective_gradient(objective, setup.model->theta, gradient);
        *out = flat_gradient(setup.model, gradient, err);
    }
    mem_free(gradient);
    objective_free(objective);
    setup_release(&setup);
    return *out != NULL;
}

/* ---- the whole check ---- */

static void check_release(struct check *c) {
    objective_free(c->objective);
    mem_free(c->gradient);
    mem_free(c->direction);
    mem_free(c->moved[0]);
    mem_free(c->moved[1]);
    mem_free(c->found);
    mem_free(c->rounded);
    mem_free(c->exact);
}

static bool check_init(struct check *c, const struct setup *setup, const struct gradient_options *options,
                       struct err *err) {
    struct fit_setup fit = setup_of_fit(setup);
    size_t size = setup->model->size, threads = team_size(setup->team);
    *c = (struct check){
        .options = options, .model = setup->model, .team = setup->team, .seed = setup->config->seed};
    c->objective = objective_create(&fit, options->samples, err);
    if (c->objective)
        c->gradient = mem_alloc_aligned(size, sizeof(real), "the gradient", err);
    if (c->gradient)
        c->direction = mem_alloc_aligned(size, sizeof(real), "the gradient", err);
    if (c->direction)
        c->moved[0] = mem_alloc_aligned(threads * size, sizeof(real), "the parameters", err);
    if (c->moved[0])
        c->moved[1] = mem_alloc_aligned(threads * size, sizeof(real), "the parameters", err);
    if (c->moved[1])
        c->found = mem_alloc(threads, sizeof *c->found, "the check", err);
    if (!c->found) {
        check_release(c);
        return false;
    }
    for (size_t t = 0; t < 2 * threads; t++)
        memcpy(c->moved[t % 2] + t / 2 * size, c->model->theta, size * sizeof(real));
    return true;
}

/* An error that is no number is none that is small enough. */
static void judge_training(struct gradient_report *r) {
    double most = GRADIENT_TRAINING_TOLERANCE;
    for (size_t i = 0; i < r->tensors; i++)
        most = fmax(most, GRADIENT_TRAINING_SHARE * r->tensor[i].rounding);
    r->training_tolerance = most;
    for (size_t i = 0; i < r->tensors; i++)
        r->tensor[i].ok = r->tensor[i].ok && r->tensor[i].training_error <= most;
}

static bool run_checks(struct check *c, struct gradient_report *r, struct err *err) {
    c->value = objective_value(c->objective, c->model->theta);
    if (!isfinite(c->value))
        return err_set(err, ERR_DIVERGED, "the objective of the model on these %zu samples is not finite",
                       objective_samples(c->objective));
    r->tensor = mem_alloc(c->model->parameter_count, sizeof *r->tensor, "the report", err);
    if (!r->tensor)
        return false;
    r->tensors = c->model->parameter_count;
    r->samples = objective_samples(c->objective);
    r->objective = c->value;
    objective_gradient(c->objective, c->model->theta, c->gradient);
    if (c->rounded && !(c->exact = flat_gradient(c->model, c->gradient, err)))
        return false;
    for (size_t i = 0; i < r->tensors; i++)
        check_tensor(c, i, &r->tensor[i]);
    if (c->rounded)
        judge_training(r);
    for (size_t i = 0; i < r->tensors; i++)
        r->failed += !r->tensor[i].ok;
    if (r->has_direction)
        check_direction(c, &r->direction);
    return true;
}

bool gradient_check(const struct config *config, const struct gradient_options *options,
                    struct gradient_report *out, struct err *err) {
    struct setup setup;
    struct check check;
    struct gradient_report r = {.tolerance = options->tolerance,
                                .has_direction = options->direction,
                                .in_training = options->in_training};
    struct config exact = *config; /* what it owns stays the other's */
    exact.precision = PRECISION_F32;
    if (!setup_open(&exact, options->isa, !options->init_from, &setup, err))
        return false;
    bool ok = setup_start(&setup, options->init_from, err) && check_init(&check, &setup, options, err);
    if (ok && options->in_training && !gradient_in_training(config, options, &check.rounded, err)) {
        check_release(&check);
        ok = false;
    }
    if (ok) {
        snprintf(r.kernel, sizeof r.kernel, "%s", setup.kernel->name);
        r.cost = cost_of(setup.model);
        ok = run_checks(&check, &r, err);
        check_release(&check);
    }
    setup_release(&setup);
    if (ok)
        *out = r;
    return ok;
}
