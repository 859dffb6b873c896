/* The objective as a function of the parameters: what it adds up, against closed forms, and its derivatives
 * against each other. */
#include "network.h"

#include "fit/objective.h"

enum { ROWS = 21, FEATURES = 5, CLASSES = 3 };

static float images[ROWS * FEATURES];
static uint32_t classes[ROWS];

static int make_samples(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS * FEATURES; i++)
        images[i] = (float)(2 * random_unit(random_philox(5, 5, 0, 0, (uint32_t)i), 0) - 1);
    for (size_t i = 0; i < ROWS; i++)
        classes[i] = (uint32_t)(i * 7 % CLASSES);
    return 0;
}

/* A training of 5-4-3 on all rows, to be changed before it becomes an objective. */
struct training {
    struct dataset set;
    struct data_part part;
    struct scaling scaling;
    struct layer_spec hidden;
    struct model_spec spec;
    struct fit_setup setup;
};

static void training_init(struct training *t, int activation, const char *loss) {
    struct err err = {0};
    *t = (struct training){.set = memory_set(images, ROWS, FEATURES, classes, CLASSES),
                           .scaling = {.kind = SCALE_NONE},
                           .hidden = layer(4, activation, 0.3)};
    t->part = dataset_all(&t->set);
    t->spec = (struct model_spec){
        .layers = &t->hidden, .layer_count = 1, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    t->setup = (struct fit_setup){.kernel = best_kernel(),
                                  .model = model_create(&t->spec, FEATURES, CLASSES, loss, &err),
                                  .train = &t->part,
                                  .scaling = &t->scaling,
                                  .train_spec = {.shuffle = true},
                                  .model_spec = &t->spec,
                                  .seed = 2};
    assert_non_null(t->setup.model);
    assert_true(model_init(t->setup.model, 3, NULL, &err));
    for (size_t i = 0; i < t->setup.model->parameter_count; i++) {
        const struct parameter *p = &t->setup.model->parameter[i];
        if (p->kind == PARAMETER_BIAS)
            fill(t->setup.model->theta + p->offset, p->out, (uint32_t)(4 + i), 0.5);
    }
}

static void training_release(struct training *t) {
    model_free(t->setup.model);
}

static struct objective *objective_of(const struct training *t) {
    struct err err = {0};
    struct objective *o = objective_create(&t->setup, ROWS, &err);
    assert_non_null(o);
    return o;
}

static double value_of(const struct training *t) {
    struct objective *o = objective_of(t);
    double value = objective_value(o, t->setup.model->theta);
    objective_free(o);
    return value;
}

static bool close_to(double got, double expected) {
    return fabs(got - expected) <= (REAL_IS_DOUBLE ? 1e-14 : 2e-6) * fmax(1, fabs(expected));
}

/* The mean of weight times loss, a weight to a row. */
static void samples_count_by_their_weights(void **state) {
    (void)state;
    struct training t;
    real weight[ROWS];
    double mean = 0, weighted = 0;
    training_init(&t, ACTIVATION_TANH, "cross_entropy");
    for (uint32_t i = 0; i < ROWS; i++) {
        t.part = (struct data_part){.set = &t.set, .row = &i, .count = 1};
        double loss = value_of(&t);
        weight[i] = (real)i / 8;
        mean += loss / ROWS;
        weighted += (double)weight[i] * loss / ROWS;
    }
    t.part = dataset_all(&t.set);
    assert_true(close_to(value_of(&t), mean));
    t.setup.weight = weight;
    assert_true(close_to(value_of(&t), weighted));
    training_release(&t);
}

/* It is the loss of training: what an evaluation finds, on few samples too. */
static void without_penalties_it_is_the_loss(void **state) {
    (void)state;
    struct err err = {0};
    struct training t;
    struct evaluation e;
    training_init(&t, ACTIVATION_GELU, "mse");
    assert_true(fit_evaluate(t.setup.kernel, NULL, t.setup.model, &t.part, &t.scaling, &e, &err));
    assert_true(close_to(value_of(&t), e.loss));
    evaluation_release(&e);
    /* the first 18 of the first epoch's order, in one whole slice and one that is not */
    uint32_t order[ROWS];
    sampler_shuffle(2, 1, ROWS, order);
    t.part = (struct data_part){.set = &t.set, .row = order, .count = 18};
    t.setup.train_spec.shuffle = false;
    double expected = value_of(&t);
    t.part = dataset_all(&t.set);
    t.setup.train_spec.shuffle = true;
    struct objective *o = objective_create(&t.setup, 18, &err);
    assert_int_equal(objective_samples(o), 18);
    assert_true(objective_value(o, t.setup.model->theta) == expected);
    objective_free(o);
    training_release(&t);
}

/* Cross-entropy is linear in the target: smoothed over classes it is (1 - e) that of the label and e times
 * the mean over all labels. */
static void smoothed_cross_entropy_is_a_mixture(void **state) {
    (void)state;
    struct training t;
    training_init(&t, ACTIVATION_RELU, "cross_entropy");
    double plain = value_of(&t), all = 0;
    t.setup.label_smoothing = 0.2;
    double smooth = value_of(&t);
    t.setup.label_smoothing = 0;
    uint32_t cls[ROWS];
    t.set.cls = cls;
    for (uint32_t k = 0; k < CLASSES; k++) {
        for (size_t i = 0; i < ROWS; i++)
            cls[i] = k;
        all += value_of(&t) / CLASSES;
    }
    assert_true(close_to(smooth, 0.8 * plain + 0.2 * all));
    assert_true(fabs(smooth - plain) > 1e-3);
    training_release(&t);
}

/* So is binary cross-entropy, over yes and no of every output. */
static void smoothed_binary_cross_entropy_is_a_mixture(void **state) {
    (void)state;
    struct training t;
    real target[ROWS * CLASSES];
    training_init(&t, ACTIVATION_RELU, "binary_cross_entropy");
    double plain = value_of(&t), constant[2];
    t.setup.label_smoothing = 0.3;
    double smooth = value_of(&t);
    t.setup.label_smoothing = 0;
    t.set.cls = NULL, t.set.targets = target, t.set.target_width = CLASSES;
    for (int answer = 0; answer < 2; answer++) {
        for (size_t i = 0; i < ROWS * CLASSES; i++)
            target[i] = (real)answer;
        constant[answer] = value_of(&t);
    }
    assert_true(close_to(smooth, 0.7 * plain + 0.3 * (constant[0] + constant[1]) / 2));
    training_release(&t);
}

/* l1 |w| + l2 w^2 / 2 over weights and the biases that are named; the slope l1 sign w + l2 w, 0 at 0. */
static void penalties_are_those_of_the_layers(void **state) {
    (void)state;
    static const double l1[] = {0.25, 0.5}, l2[] = {2, 3};
    for (int biases = PENALIZE_NONE; biases <= PENALIZE_ALL; biases++) {
        struct training t;
        training_init(&t, ACTIVATION_PRELU, "cross_entropy"); /* its slope is never penalised */
        const struct model *m = t.setup.model;
        m->theta[m->parameter[0].offset] = 0;
        real *plain = reals(m->size), *penalised = reals(m->size);
        struct objective *o = objective_of(&t);
        double expected = objective_value(o, m->theta);
        objective_gradient(o, m->theta, plain);
        objective_free(o);
        t.hidden.l1 = l1[0], t.hidden.l2 = l2[0], t.spec.output.l1 = l1[1], t.spec.output.l2 = l2[1];
        t.setup.regularization.penalize_bias = biases;
        o = objective_of(&t);
        objective_gradient(o, m->theta, penalised);
        for (size_t i = 0; i < m->parameter_count; i++) {
            const struct parameter *p = &m->parameter[i];
            bool counts = p->kind == PARAMETER_WEIGHT ||
                          (p->kind == PARAMETER_BIAS &&
                           (biases == PENALIZE_ALL || (biases == PENALIZE_HIDDEN && p->layer == 0)));
            for (size_t e = 0; e < p->in * p->out; e++) {
                size_t at = p->offset + e / p->out * p->stride + e % p->out;
                double w = (double)m->theta[at], sign = w > 0 ? 1 : w < 0 ? -1 : 0, slope = 0;
                if (counts) {
                    expected += l1[p->layer] * fabs(w) + l2[p->layer] * w * w / 2;
                    slope = l1[p->layer] * sign + l2[p->layer] * w;
                }
                assert_true(close_to((double)penalised[at], (double)plain[at] + slope));
            }
        }
        assert_true(close_to(objective_value(o, m->theta), expected));
        objective_free(o);
        mem_free(plain), mem_free(penalised);
        training_release(&t);
    }
}

/* ---- derivatives ---- */

/* <gradient, v> = JVP(v) = central difference along v, for every activation and loss, with penalties. */
static void derivatives_agree(void **state) {
    (void)state;
    static const char *const losses[] = {"cross_entropy", "mse", "binary_cross_entropy"};
    size_t compared = 0;
    for (int i = 0; i < 3 * ACTIVATION_COUNT; i++) {
        struct training t;
        training_init(&t, i / 3, losses[i % 3]);
        t.hidden.l1 = t.spec.output.l1 = 0.01, t.hidden.l2 = t.spec.output.l2 = 0.1;
        t.setup.label_smoothing = i % 3 == 1 ? 0 : 0.1;
        struct objective *o = objective_of(&t);
        const struct model *m = t.setup.model;
        real *g = reals(m->size), *v = reals(m->size), *up = reals(m->size), *down = reals(m->size);
        for (size_t n = 0; n < m->parameter_count; n++)
            for (size_t k = 0; k < m->parameter[n].in; k++)
                fill(v + m->parameter[n].offset + k * m->parameter[n].stride, m->parameter[n].out,
                     (uint32_t)(10 * n + k), 1);
        objective_gradient(o, m->theta, g);
        double forward = objective_jvp(o, m->theta, v), reverse = 0, scale = 0, change;
        double h = REAL_IS_DOUBLE ? 1e-6 : 1e-3;
        for (size_t e = 0; e < m->size; e++) {
            reverse += (double)g[e] * (double)v[e];
            scale += fabs((double)g[e] * (double)v[e]);
            up[e] = m->theta[e] + (real)h * v[e], down[e] = m->theta[e] - (real)h * v[e];
        }
        if (fabs(forward - reverse) > (REAL_IS_DOUBLE ? 1e-14 : 3e-6) * scale)
            fail_msg("%s, %s: forward mode %.17g, reverse mode %.17g", activation_name((size_t)i / 3),
                     losses[i % 3], forward, reverse);
        bool smooth = objective_difference(o, 0, up, down, &change);
        compared += smooth;
        if (smooth && fabs(change / (2 * h) - reverse) > (REAL_IS_DOUBLE ? 1e-9 : 1e-3) * scale)
            fail_msg("%s, %s: difference %.17g, reverse mode %.17g", activation_name((size_t)i / 3),
                     losses[i % 3], change / (2 * h), reverse);
        mem_free(g), mem_free(v), mem_free(up), mem_free(down);
        objective_free(o);
        training_release(&t);
    }
    assert_true(compared >= (size_t)(REAL_IS_DOUBLE ? 3 : 2) * ACTIVATION_COUNT - 2);
}

/* A unit whose sums are all 0.001 changes sides when its bias falls by 0.002: a kink for those activations
 * that have one there. */
static void a_kink_is_noticed(void **state) {
    (void)state;
    for (int a = 0; a < ACTIVATION_COUNT; a++) {
        struct training t;
        double change;
        training_init(&t, a, "cross_entropy");
        struct objective *o = objective_of(&t);
        const struct model *m = t.setup.model;
        size_t unit = 2, bias = m->parameter[1].offset + unit;
        for (size_t k = 0; k < FEATURES; k++)
            m->theta[m->parameter[0].offset + k * m->parameter[0].stride + unit] = 0;
        m->theta[bias] = (real)0.001;
        real *other = reals(m->size);
        memcpy(other, m->theta, m->size * sizeof *other);
        other[bias] = (real)0.0005;
        assert_true(objective_difference(o, 0, m->theta, other, &change));
        other[bias] = (real)-0.001;
        bool bent = a == ACTIVATION_RELU || a == ACTIVATION_LEAKY_RELU || a == ACTIVATION_PRELU ||
                    a == ACTIVATION_ELU;
        assert_true(objective_difference(o, 0, m->theta, other, &change) == !bent);
        mem_free(other);
        objective_free(o);
        training_release(&t);
    }
}

/* |w| has its kink at 0, where there is l1; a difference about the kink itself is that of the sub-gradient.
 */
static void l1_has_a_kink(void **state) {
    (void)state;
    struct training t;
    double change;
    training_init(&t, ACTIVATION_TANH, "cross_entropy");
    const struct model *m = t.setup.model;
    size_t at = m->parameter[0].offset;
    real *other = reals(m->size);
    memcpy(other, m->theta, m->size * sizeof *other);
    for (int l1 = 0; l1 < 2; l1++) {
        t.hidden.l1 = 0.1 * l1;
        struct objective *o = objective_of(&t);
        m->theta[at] = (real)0.001, other[at] = (real)-0.0005;
        assert_true(objective_difference(o, 0, m->theta, other, &change) == !l1);
        other[at] = (real)-0.001; /* about 0, where the sub-gradient is 0 */
        assert_true(objective_difference(o, 0, m->theta, other, &change));
        other[at] = 0;
        assert_true(objective_difference(o, 0, m->theta, other, &change) == !l1);
        other[at] = (real)0.0005;
        assert_true(objective_difference(o, 0, m->theta, other, &change));
        objective_free(o);
    }
    mem_free(other);
    training_release(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_count_by_their_weights),
        cmocka_unit_test(without_penalties_it_is_the_loss),
        cmocka_unit_test(smoothed_cross_entropy_is_a_mixture),
        cmocka_unit_test(smoothed_binary_cross_entropy_is_a_mixture),
        cmocka_unit_test(penalties_are_those_of_the_layers),
        cmocka_unit_test(derivatives_agree),
        cmocka_unit_test(a_kink_is_noticed),
        cmocka_unit_test(l1_has_a_kink),
    };
    return cmocka_run_group_tests_name("objective", tests, make_samples, NULL);
}
