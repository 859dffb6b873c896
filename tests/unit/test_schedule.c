/* Learning rates and momentum against closed forms written with libm, PyTorch's ReduceLROnPlateau, and
 * through the training step. */
#include "network.h"

#include "optim/schedule.h"

enum { STEPS = 7, EPOCHS = 6 };

static const double lr = 0.3, tolerance = 1e-14, pi = 3.14159265358979323846;

static double rate(const struct schedule_spec *schedule, uint64_t step) {
    const struct optimizer_spec spec = {.lr = lr, .schedule = *schedule};
    return schedule_rate(&spec, &(struct schedule_at){step, STEPS, EPOCHS, 1});
}

static void close_to(double got, double expected) {
    if (fabs(got - expected) > tolerance * fmax(1, fabs(expected)))
        fail_msg("%.17g is not %.17g", got, expected);
}

static void by_epoch(void **state) {
    (void)state;
    for (uint64_t t = 0; t < STEPS * EPOCHS; t++) {
        uint64_t e = t / STEPS;
        close_to(rate(&(struct schedule_spec){.kind = SCHEDULE_CONSTANT}, t), lr);
        close_to(rate(&(struct schedule_spec){.kind = SCHEDULE_STEP, .every = 2, .factor = 0.1}, t),
                 lr * pow(0.1, floor((double)e / 2)));
        close_to(rate(&(struct schedule_spec){.kind = SCHEDULE_EXPONENTIAL, .factor = 0.95}, t),
                 lr * pow(0.95, (double)e));
    }
    /* late, too */
    struct optimizer_spec spec = {.lr = 1, .schedule = {.kind = SCHEDULE_EXPONENTIAL, .factor = 0.999}};
    const struct schedule_at late = {3 * 12345, 3, 20000, 1};
    assert_true(fabs(schedule_rate(&spec, &late) / pow(0.999, 12345) - 1) < 1e-11);
}

/* A share of steps: the first step has the whole rate, the end of the run the final one. */
static void by_step(void **state) {
    (void)state;
    const struct schedule_spec linear = {.kind = SCHEDULE_LINEAR, .final = 0.25},
                               cosine = {.kind = SCHEDULE_COSINE, .final = 0.1},
                               cycle = {.kind = SCHEDULE_ONE_CYCLE, .final = 0.01, .peak = 2, .rise = 0.25};
    const uint64_t total = STEPS * EPOCHS;
    for (uint64_t step = 0; step <= total; step++) {
        double t = (double)step / (double)total;
        close_to(rate(&linear, step), lr * (1 - t + 0.25 * t));
        close_to(rate(&cosine, step), 0.1 * lr + 0.9 * lr * (1 + cos(pi * t)) / 2);
        double end = 0.01 * lr, down = (t - 0.25) / 0.75;
        close_to(rate(&cycle, step),
                 t < 0.25 ? lr + (2 - lr) * t / 0.25 : end + (2 - end) * (1 + cos(pi * down)) / 2);
    }
    assert_true(rate(&linear, 0) == lr && rate(&cosine, 0) == lr && rate(&cycle, 0) == lr);
    assert_true(rate(&linear, total) == 0.25 * lr && rate(&cosine, total) == 0.1 * lr);
    assert_true(rate(&cosine, total + 5) == 0.1 * lr);
}

static void the_warm_up_rises_and_the_rest_begins_behind_it(void **state) {
    (void)state;
    struct schedule_spec plain = {.kind = SCHEDULE_CONSTANT},
                         cosine = {.kind = SCHEDULE_COSINE, .warmup_epochs = 1.5},
                         decay = {.kind = SCHEDULE_EXPONENTIAL, .factor = 0.5, .warmup_epochs = 1.5};
    plain.warmup_epochs = 2;
    for (uint64_t t = 0; t < STEPS * EPOCHS; t++)
        close_to(rate(&plain, t), t < 2 * STEPS ? lr * (double)(t + 1) / (2 * STEPS) : lr);
    enum { W = 11 }; /* 1.5 epochs of 7 steps, rounded */
    for (uint64_t t = 0; t <= STEPS * EPOCHS; t++) {
        double share = t < W ? 0 : (double)(t - W) / (STEPS * EPOCHS - W);
        double warm = t < W ? (double)(t + 1) / W : 1;
        close_to(rate(&cosine, t), warm * lr * (1 + cos(pi * share)) / 2);
        /* the first epoch that begins behind the warm-up is the third */
        close_to(rate(&decay, t), warm * lr * pow(0.5, t / STEPS < 2 ? 0 : (double)(t / STEPS - 2)));
    }
    /* longer than the run */
    plain.kind = SCHEDULE_LINEAR;
    plain.warmup_epochs = 100;
    close_to(rate(&plain, STEPS * EPOCHS), lr * (STEPS * EPOCHS + 1) / (100 * STEPS));
}

/* Halvings by torch.optim.lr_scheduler.ReduceLROnPlateau (1.13, threshold 0, eps 0) after each value. */
static void plateau_falls_as_in_pytorch(void **state) {
    (void)state;
    enum { VALUES = 20 };
    static const double value[VALUES] = {5,   4,   4,   3.5, 3.6, 3.7, 3.5, 3.4, 3.4, 3.4,
                                         3.4, 3.4, 3.4, 3.4, 3.0, 3.1, 3.1, NAN, 3.2, 2.9};
    static const struct {
        bool higher;
        size_t patience;
        int halvings[VALUES];
    } cases[] = {
        {false, 0, {0, 0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 10, 11, 12, 13, 14, 14}},
        {false, 1, {0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 6, 6}},
        {false, 2, {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4}},
        {true, 0, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}},
        {true, 1, {0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9}},
        {true, 2, {0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct schedule_spec spec = {.kind = SCHEDULE_PLATEAU, .factor = 0.5, .patience = cases[c].patience};
        struct plateau plateau;
        plateau_init(&plateau);
        assert_true(plateau.factor == 1);
        for (size_t i = 0; i < VALUES; i++) {
            plateau_watch(&plateau, &spec, value[i], cases[c].higher);
            assert_true(plateau.factor == pow(0.5, cases[c].halvings[i]));
        }
    }
}

static void momentum_follows_its_ramp(void **state) {
    (void)state;
    const struct optimizer_spec spec = {
        .momentum_ramp = {.on = true, .start = 0.5, .end = 0.99, .epochs = 2.5}};
    for (uint64_t t = 0; t < STEPS * EPOCHS; t++) {
        double share = fmin(1, (double)t / (2.5 * STEPS));
        close_to(schedule_momentum(&spec, &(struct schedule_at){t, STEPS, EPOCHS, 1}), 0.5 + 0.49 * share);
    }
    const struct optimizer_spec plain = {.momentum = 0.7};
    assert_true(schedule_momentum(&plain, &(struct schedule_at){3, STEPS, EPOCHS, 1}) == 0.7);
}

/* ---- through the training step ---- */

/* One weight on x = 1 with the target 1, and its bias: a slope at 0 of -1 for both. */
struct line {
    float x[4];
    real t[4];
    struct dataset set;
    struct data_part part;
    struct scaling scaling;
    struct model *model;
};

static struct fit *line_fit(struct line *l, const struct optimizer_spec *optimizer) {
    struct err err = {0};
    *l = (struct line){.x = {1, 1, 1, 1}, .t = {1, 1, 1, 1}, .scaling = {.kind = SCALE_NONE}};
    l->set = memory_set(l->x, 4, 1, NULL, 0);
    l->set.targets = l->t, l->set.target_width = 1;
    l->part = dataset_all(&l->set);
    struct model_spec spec = {.output = layer(0, ACTIVATION_IDENTITY, 0)};
    spec.output.init.kind = init_find("zeros");
    l->model = model_create(&spec, 1, 1, "mse", &err);
    assert_true(l->model && model_init(l->model, 1, NULL, &err));
    struct fit_setup setup = {.kernel = best_kernel(),
                              .model = l->model,
                              .train = &l->part,
                              .scaling = &l->scaling,
                              .optimizer = *optimizer,
                              .train_spec = {.epochs = 3, .batch_size = 2}};
    struct fit *fit = fit_create(&setup, &err);
    assert_non_null(fit);
    return fit;
}

/* z = 2 w by symmetry, so that w <- w - lr_t (2 w - 1). The status tells the rate of the step done. */
static void steps_follow_the_schedule(void **state) {
    (void)state;
    struct err err = {0};
    struct line l;
    const struct optimizer_spec cosine = {.lr = 0.4, .schedule = {.kind = SCHEDULE_COSINE}};
    struct fit *fit = line_fit(&l, &cosine);
    assert_true(fit_status(fit)->lr == 0.4);
    double w = 0;
    for (int step = 0; step < 6; step++) {
        double expected = 0.4 * (1 + cos(pi * step / 6)) / 2;
        assert_true(fit_steps(fit, 1, &err));
        close_to(fit_status(fit)->lr, expected);
        w -= expected * (2 * w - 1);
        assert_true(fabs((double)l.model->theta[0] - w) < (REAL_IS_DOUBLE ? 1e-14 : 1e-6));
    }
    fit_free(fit);
    model_free(l.model);
}

/* As the accuracy falls, so does the rate; the same values of a loss are its progress. */
static void a_plateau_is_watched(void **state) {
    (void)state;
    struct err err = {0};
    for (int higher = 0; higher < 2; higher++) {
        struct line l;
        struct optimizer_spec spec = {.lr = 0.4, .schedule = {.kind = SCHEDULE_PLATEAU, .factor = 0.5}};
        spec.schedule.metric = higher ? METRIC_VALIDATION_ACCURACY : METRIC_VALIDATION_LOSS;
        struct fit *fit = line_fit(&l, &spec);
        for (int epoch = 0; epoch < 3; epoch++) {
            assert_true(fit_steps(fit, 2, &err) && fit_epoch_done(fit));
            assert_true(fit_status(fit)->lr == (epoch < 2 || !higher ? 0.4 : 0.2));
            fit_watch(fit, 0.9 - 0.1 * epoch);
        }
        fit_free(fit);
        model_free(l.model);
    }
}

/* v <- mu_t v + g, mu from .5 to .9 over one epoch of two steps. */
static void steps_follow_the_ramp(void **state) {
    (void)state;
    struct err err = {0};
    struct line l;
    const struct optimizer_spec spec = {.lr = 0.1,
                                        .momentum_ramp = {.on = true, .start = 0.5, .end = 0.9, .epochs = 1}};
    struct fit *fit = line_fit(&l, &spec);
    static const double momentum[6] = {0.5, 0.7, 0.9, 0.9, 0.9, 0.9};
    double w = 0, v = 0;
    for (int step = 0; step < 6; step++) {
        assert_true(fit_steps(fit, 1, &err));
        v = momentum[step] * v + 2 * w - 1;
        w -= 0.1 * v;
        assert_true(fabs((double)l.model->theta[0] - w) < (REAL_IS_DOUBLE ? 1e-14 : 1e-6));
    }
    fit_free(fit);
    model_free(l.model);
}

/* w <- w - lr / (1 + t lr_decay) g / (sqrt(sum of g^2) + eps), the sum beginning at 4. */
static void adagrad_decays_and_starts_where_it_is_told(void **state) {
    (void)state;
    struct err err = {0};
    struct line l;
    const struct optimizer_spec spec = {
        .kind = OPTIMIZER_ADAGRAD, .lr = 0.5, .lr_decay = 0.25, .initial_accumulator = 4, .eps = 1e-3};
    struct fit *fit = line_fit(&l, &spec);
    double w = 0, sum = 4;
    for (int step = 0; step < 6; step++) {
        double g = 2 * w - 1;
        assert_true(fit_steps(fit, 1, &err));
        sum += g * g;
        w -= 0.5 / (1 + step * 0.25) * g / (sqrt(sum) + 1e-3);
        assert_true(fabs((double)l.model->theta[0] - w) < (REAL_IS_DOUBLE ? 1e-14 : 1e-6));
    }
    fit_free(fit);
    model_free(l.model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_epoch),
        cmocka_unit_test(by_step),
        cmocka_unit_test(the_warm_up_rises_and_the_rest_begins_behind_it),
        cmocka_unit_test(plateau_falls_as_in_pytorch),
        cmocka_unit_test(momentum_follows_its_ramp),
        cmocka_unit_test(steps_follow_the_schedule),
        cmocka_unit_test(a_plateau_is_watched),
        cmocka_unit_test(steps_follow_the_ramp),
        cmocka_unit_test(adagrad_decays_and_starts_where_it_is_told),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
