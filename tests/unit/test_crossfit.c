/* Cross-fitting: the folds by their definition; every row by a model that has not seen it, which is the one
 * that training on the other folds makes; the same bits for every number of threads and size of a portion. */
#include "network.h"

#include "shift/crossfit.h"

enum { ROWS = 61, OTHERS = 17, FEATURES = 6, CLASSES = 3, FOLDS = 4 };

static float images[ROWS * FEATURES], other_images[OTHERS * FEATURES];
static uint32_t classes[ROWS];
static real weights[ROWS];

/* Features of different means and deviations; a third of the rows are of class 0, one in six of class 2. */
static int make_data(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS * FEATURES; i++)
        images[i] =
            (float)((double)(i % FEATURES) * (random_unit(random_philox(1, 70, 0, 0, (uint32_t)i), 0) + 1));
    for (size_t i = 0; i < OTHERS * FEATURES; i++)
        other_images[i] = (float)(3 * random_unit(random_philox(2, 70, 0, 0, (uint32_t)i), 0));
    for (size_t i = 0; i < ROWS; i++) {
        classes[i] = (const uint32_t[]){0, 1, 2, 1, 0, 1}[i % 6];
        weights[i] = (real)(0.5 + (double)(i % 3) / 2);
    }
    return 0;
}

/* A small problem, and what a test may change of it before it is run. */
struct problem {
    struct dataset set, other_set;
    struct data_part part, others;
    struct layer_spec hidden[1];
    struct model_spec model;
    struct crossfit_setup setup;
};

static void make_problem(struct problem *p) {
    *p = (struct problem){
        .set = memory_set(images, ROWS, FEATURES, classes, CLASSES),
        .other_set = memory_set(other_images, OTHERS, FEATURES, NULL, 0),
        .hidden = {layer(5, ACTIVATION_TANH, 0)},
        .model = {.layer_count = 1, .output = layer(0, ACTIVATION_IDENTITY, 0)},
    };
    p->model.layers = p->hidden;
    p->part = dataset_all(&p->set);
    p->others = dataset_all(&p->other_set);
    p->setup = (struct crossfit_setup){
        .part = &p->part,
        .others = &p->others,
        .outputs = CLASSES,
        .scale = SCALE_STANDARDIZE_FEATURES,
        .folds = FOLDS,
        .seed = 5,
        .loss = "cross_entropy",
        .like = {.kernel = best_kernel(),
                 .optimizer = {.lr = 0.1, .momentum = 0.9},
                 .train_spec = {.epochs = 4, .batch_size = 8, .shuffle = true},
                 .model_spec = &p->model},
    };
}

static struct crossfit *run(const struct crossfit_setup *setup, size_t portion) {
    struct err err = {0};
    bool over = false;
    struct crossfit *c = crossfit_create(setup, &err);
    assert_non_null(c);
    uint64_t done = 0;
    while (!over) {
        if (!crossfit_advance(c, portion, &over, &err))
            fail_msg("%s", err.text);
        struct crossfit_status s = crossfit_status(c);
        assert_true(s.done >= done && s.done - done <= portion && s.done <= s.total);
        done = s.done;
    }
    struct crossfit_status s = crossfit_status(c);
    assert_true(s.done == s.total && s.fold == s.folds && s.epoch == s.epochs);
    return c;
}

/* ---- folds ---- */

static void check_folds(const struct data_part *part, const uint32_t *cls, size_t folds) {
    struct err err = {0};
    uint32_t fold[ROWS], again[ROWS];
    size_t size[ROWS] = {0}, of_class[CLASSES][ROWS] = {{0}}, in_class[CLASSES] = {0};
    assert_true(folds_draw(part, cls, folds, 3, fold, &err));
    assert_true(folds_draw(part, cls, folds, 3, again, &err));
    assert_memory_equal(fold, again, part->count * sizeof *fold);
    for (size_t i = 0; i < part->count; i++) {
        uint32_t c = cls ? cls[part->row ? part->row[i] : i] : 0;
        assert_true(fold[i] < folds);
        size[fold[i]]++, of_class[c][fold[i]]++, in_class[c]++;
    }
    for (size_t k = 0; k < folds; k++) {
        assert_true(size[k] == part->count / folds || size[k] == (part->count + folds - 1) / folds);
        for (size_t c = 0; c < CLASSES; c++)
            assert_true(of_class[c][k] == in_class[c] / folds ||
                        of_class[c][k] == (in_class[c] + folds - 1) / folds);
    }
    assert_true(folds_draw(part, cls, folds, 4, again, &err));
    assert_memory_not_equal(fold, again, part->count * sizeof *fold);
}

static void folds_are_alike(void **state) {
    (void)state;
    struct dataset set = memory_set(images, ROWS, FEATURES, classes, CLASSES);
    struct data_part part = dataset_all(&set);
    static const uint32_t row[] = {0, 1, 2, 3, 5, 8, 13, 21, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 55};
    struct data_part some = {.set = &set, .row = row, .count = sizeof row / sizeof *row};
    for (size_t folds = 2; folds <= 20; folds++) {
        check_folds(&part, classes, folds);
        check_folds(&part, NULL, folds);
        check_folds(&some, classes, folds);
    }
    check_folds(&part, classes, ROWS);
}

/* Over many seeds every row is in every fold equally often: 300 draws of probability 1/4 are within 75 +- 4.5
 * deviations of 7.5. */
static void folds_are_uniform(void **state) {
    (void)state;
    enum { DRAWS = 300 };
    struct err err = {0};
    struct dataset set = memory_set(images, ROWS, FEATURES, classes, CLASSES);
    struct data_part part = dataset_all(&set);
    size_t times[ROWS][FOLDS] = {{0}};
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        uint32_t fold[ROWS];
        assert_true(folds_draw(&part, classes, FOLDS, seed, fold, &err));
        for (size_t i = 0; i < ROWS; i++)
            times[i][fold[i]]++;
    }
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < FOLDS; k++)
            assert_true(fabs((double)times[i][k] - DRAWS / 4.) < 4.5 * sqrt(DRAWS * 3. / 16));
}

/* ---- out of fold ---- */

/* Whoever changes a row changes what is predicted of it and of the rows of other folds, whose models have
 * seen it, but not of the other rows of its own fold: neither by training nor by the scaling. */
static void no_row_is_predicted_by_a_model_that_saw_it(void **state) {
    (void)state;
    struct problem p;
    make_problem(&p);
    float changed[ROWS * FEATURES];
    memcpy(changed, images, sizeof images);
    struct crossfit *before = run(&p.setup, SIZE_MAX);
    const uint32_t *fold = crossfit_folds(before);
    for (size_t r = 0; r < ROWS; r += 20) {
        changed[r * FEATURES + 2] += 1;
        p.set.images.values = changed;
        struct crossfit *after = run(&p.setup, SIZE_MAX);
        assert_memory_equal(fold, crossfit_folds(after), ROWS * sizeof *fold);
        for (size_t i = 0; i < ROWS; i++) {
            bool same = memcmp(crossfit_logits(before) + i * CLASSES, crossfit_logits(after) + i * CLASSES,
                               CLASSES * sizeof(real)) == 0;
            assert_true(same == (fold[i] == fold[r] && i != r));
        }
        crossfit_free(after);
        changed[r * FEATURES + 2] = images[r * FEATURES + 2];
    }
    crossfit_free(before);
}

/* Labels that the images do not tell are learned by heart, as there are more features than rows; on rows that
 * were not seen that is worth nothing: of 120 rows 60 +- 4 deviations of 5.5 are right by chance. */
static void what_is_learned_by_heart_is_not_predicted(void **state) {
    (void)state;
    enum { N = 120, WIDE = 300 };
    static float noise[N * WIDE];
    uint32_t cls[N];
    struct problem p;
    make_problem(&p);
    for (size_t i = 0; i < N * WIDE; i++) {
        double pair[2];
        random_normal_pair(random_philox(3, 70, 0, 0, (uint32_t)i), pair);
        noise[i] = (float)pair[0];
    }
    for (size_t i = 0; i < N; i++)
        cls[i] = random_philox(4, 70, 0, 0, (uint32_t)i).v[0] % 2;
    p.set = memory_set(noise, N, WIDE, cls, 2);
    p.part = dataset_all(&p.set);
    p.model.layer_count = 0;
    p.setup.others = NULL, p.setup.outputs = 2;
    p.setup.like.train_spec.epochs = 40;
    struct crossfit *c = run(&p.setup, SIZE_MAX);
    size_t right = 0;
    for (size_t i = 0; i < N; i++)
        right += (crossfit_logits(c)[2 * i + 1] > crossfit_logits(c)[2 * i]) == (cls[i] == 1);
    assert_true(crossfit_training_loss(c) < 0.01);
    assert_true(right > N / 2 - 22 && right < N / 2 + 22);
    assert_null(crossfit_other_logits(c));
    crossfit_free(c);
}

/* ---- a fold by hand ---- */

/* Its model, trained here on the rows of the other folds; the last loss. */
static double check_fold(const struct problem *p, const struct crossfit *c, uint32_t k) {
    struct err err = {0};
    const struct crossfit_setup *s = &p->setup;
    uint64_t seed = random_seed(s->seed, PURPOSE_FOLD, k);
    uint32_t row[ROWS];
    real weight[ROWS] = {0};
    double sum = 0;
    struct data_part train = {.set = &p->set, .row = row};
    for (uint32_t i = 0; i < ROWS; i++)
        if (crossfit_folds(c)[i] != k) {
            row[train.count++] = i;
            sum += (double)weights[i];
        }
    for (size_t i = 0; i < train.count; i++)
        weight[row[i]] = (real)((double)weights[row[i]] * (double)train.count / sum);
    struct scaling scaling;
    assert_true(scaling_fit(s->scale, &train, &scaling, &err));
    struct model *m = model_create(&p->model, FEATURES, CLASSES, "cross_entropy", &err);
    assert_true(m && model_init(m, seed, NULL, &err));
    struct fit_setup fit_setup = s->like;
    fit_setup.model = m, fit_setup.train = &train, fit_setup.scaling = &scaling, fit_setup.seed = seed;
    fit_setup.weight = s->like.weight ? weight : NULL;
    fit_setup.optimizer.schedule.metric = METRIC_TRAIN_LOSS;
    struct fit *fit = fit_create(&fit_setup, &err);
    assert_non_null(fit);
    for (size_t e = 0; e < s->like.train_spec.epochs; e++) {
        assert_true(fit_steps(fit, SIZE_MAX, &err));
        fit_watch(fit, fit_status(fit)->loss);
    }
    double loss = fit_status(fit)->loss;
    real z[ROWS * CLASSES], other[OTHERS * CLASSES];
    size_t predicted = 0;
    assert_true(fit_outputs(s->like.kernel, NULL, m, &p->part, &scaling, z, &err));
    assert_true(fit_outputs(s->like.kernel, NULL, m, &p->others, &scaling, other, &err));
    for (size_t i = 0; i < ROWS; i++)
        if (crossfit_folds(c)[i] == k)
            assert_memory_equal(z + i * CLASSES, crossfit_logits(c) + i * CLASSES, CLASSES * sizeof *z);
    for (size_t i = 0; i < OTHERS; i++)
        predicted +=
            memcmp(other + i * CLASSES, crossfit_other_logits(c) + i * CLASSES, CLASSES * sizeof *other) == 0;
    assert_true(predicted == OTHERS / FOLDS || predicted == OTHERS / FOLDS + 1);
    fit_free(fit);
    model_free(m);
    scaling_release(&scaling);
    return loss;
}

static void check_by_hand(const struct problem *p) {
    double loss = 0;
    struct crossfit *c = run(&p->setup, SIZE_MAX);
    for (uint32_t k = 0; k < FOLDS; k++)
        loss += check_fold(p, c, k);
    if (p->setup.like.train_spec.epochs > 0)
        assert_true(crossfit_training_loss(c) == loss / FOLDS);
    else
        assert_true(isnan(crossfit_training_loss(c)));
    crossfit_free(c);
}

static void a_fold_is_a_training_on_the_others(void **state) {
    (void)state;
    struct problem p;
    make_problem(&p);
    check_by_hand(&p);
    p.setup.like.train_spec.epochs = 0;
    check_by_hand(&p);
}

static void weights_have_mean_one_in_every_fold(void **state) {
    (void)state;
    struct problem p;
    make_problem(&p);
    p.setup.like.weight = weights;
    check_by_hand(&p);
}

/* What would stop, repeat or judge a training is left out; a plateau schedule watches the training loss
 * whatever the config's watches, which here would call every rise of the loss better. */
static void the_rest_of_a_run_is_left_out(void **state) {
    (void)state;
    struct problem p;
    make_problem(&p);
    p.setup.like.train_spec.epochs = 12;
    p.setup.like.optimizer.lr = 1;
    p.setup.like.optimizer.schedule =
        (struct schedule_spec){.kind = SCHEDULE_PLATEAU, .metric = METRIC_VALIDATION_ACCURACY, .factor = 0.1};
    check_by_hand(&p);
    struct crossfit *plain = run(&p.setup, SIZE_MAX);
    p.setup.like.train_spec.early_stopping.on = true;
    p.setup.like.train_spec.refit = p.setup.like.train_spec.diagnostics = true;
    struct crossfit *with = run(&p.setup, SIZE_MAX);
    assert_memory_equal(crossfit_logits(plain), crossfit_logits(with), ROWS * CLASSES * sizeof(real));
    p.setup.like.optimizer.schedule.kind = SCHEDULE_CONSTANT;
    struct crossfit *constant = run(&p.setup, SIZE_MAX);
    assert_memory_not_equal(crossfit_logits(plain), crossfit_logits(constant), ROWS * CLASSES * sizeof(real));
    crossfit_free(plain);
    crossfit_free(with);
    crossfit_free(constant);
}

/* ---- bits ---- */

static void bits_do_not_depend_on_threads_and_portions(void **state) {
    (void)state;
    struct err err = {0};
    struct problem p;
    make_problem(&p);
    p.setup.like.weight = weights;
    struct crossfit *first = run(&p.setup, SIZE_MAX);
    for (size_t threads = 1; threads <= 3; threads += 2)
        for (size_t portion = 1; portion <= 5; portion += 4) {
            p.setup.like.team = team_create(threads, &err);
            struct crossfit *c = run(&p.setup, portion);
            assert_memory_equal(crossfit_folds(first), crossfit_folds(c), ROWS * sizeof(uint32_t));
            assert_memory_equal(crossfit_logits(first), crossfit_logits(c), ROWS * CLASSES * sizeof(real));
            assert_memory_equal(crossfit_other_logits(first), crossfit_other_logits(c),
                                OTHERS * CLASSES * sizeof(real));
            assert_true(crossfit_training_loss(first) == crossfit_training_loss(c));
            crossfit_free(c);
            team_free(p.setup.like.team);
        }
    crossfit_free(first);
}

/* ---- faults ---- */

static void assert_fails(const struct crossfit_setup *setup, enum err_kind kind, const char *text) {
    struct err err = {0};
    bool over = false;
    struct crossfit *c = crossfit_create(setup, &err);
    assert_non_null(c);
    while (!over && crossfit_advance(c, SIZE_MAX, &over, &err))
        ;
    assert_int_equal(err.kind, kind);
    if (!strstr(err.text, text))
        fail_msg("expected \"%s\" in: %s", text, err.text);
    crossfit_free(c);
}

static void faults_name_their_fold(void **state) {
    (void)state;
    struct problem p;
    make_problem(&p);
    p.model.layer_count = 0;
    p.setup.loss = "mse", p.setup.like.optimizer.lr = 1e30;
    assert_fails(&p.setup, ERR_DIVERGED, "fold 1 of 4: training diverged in epoch ");
    make_problem(&p);
    p.setup.like.train_spec.epochs = 0;
    struct crossfit *c = run(&p.setup, 1);
    real none[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        none[i] = crossfit_folds(c)[i] == 2;
    crossfit_free(c);
    p.setup.like.weight = none;
    assert_fails(&p.setup, ERR_DATA,
                 "fold 3 of 4: expected a training sample that weighs more than 0, found none among ");
}

static void too_few_and_too_many_folds(void **state) {
    (void)state;
    struct err err = {0};
    struct problem p;
    make_problem(&p);
    p.setup.folds = 1;
    assert_null(crossfit_create(&p.setup, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text, "shift.folds: must be from 2 to the samples, 61, got 1");
    p.setup.folds = ROWS + 1;
    assert_null(crossfit_create(&p.setup, &err));
    assert_string_equal(err.text, "shift.folds: must be from 2 to the samples, 61, got 62");
    p.setup.folds = ROWS;
    p.setup.like.train_spec.epochs = 1;
    crossfit_free(run(&p.setup, SIZE_MAX));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_are_alike),
        cmocka_unit_test(folds_are_uniform),
        cmocka_unit_test(no_row_is_predicted_by_a_model_that_saw_it),
        cmocka_unit_test(what_is_learned_by_heart_is_not_predicted),
        cmocka_unit_test(a_fold_is_a_training_on_the_others),
        cmocka_unit_test(weights_have_mean_one_in_every_fold),
        cmocka_unit_test(the_rest_of_a_run_is_left_out),
        cmocka_unit_test(bits_do_not_depend_on_threads_and_portions),
        cmocka_unit_test(faults_name_their_fold),
        cmocka_unit_test(too_few_and_too_many_folds),
    };
    return cmocka_run_group_tests(tests, make_data, NULL);
}
