/* Losses at the ends of the number range and their exact properties: log-sum-exp and what follows from it. */
#include "support.h"

#include "autodiff/tape.h"

enum { L = 16, CLASSES = 10 };

static const double precision = REAL_IS_DOUBLE ? DBL_EPSILON : FLT_EPSILON;

#define EVERY_TABLE(k)                                                                                       \
    for (size_t table_ = 0; kernel_at(table_); table_++)                                                     \
        for (const struct kernel *k = kernel_at(table_); k && k->supported(); k = NULL)

/* log(e^89 + e^89) = 89.6931, where e^89 is no float; the same with all logits far below 0. */
static void log_sum_exp_does_not_overflow(void **state) {
    (void)state;
    static const real base[] = {89, 1000, -1000, 30000, -30000};
    EVERY_TABLE(k)
    for (size_t b = 0; b < sizeof base / sizeof *base; b++) {
        real z[2 * L], saved[2 * L], loss[L];
        uint32_t cls[L] = {0};
        for (size_t i = 0; i < (size_t)2 * L; i++)
            z[i] = base[b];
        k->softmax_loss(2, L, z, cls, NULL, saved, loss);
        for (size_t s = 0; s < L; s++) {
            double expected = (double)base[b] + 0.69314718055994531;
            assert_true(fabs((double)saved[s] + log((double)saved[L + s]) - expected) <=
                        precision * fabs(expected));
            assert_true(fabs((double)loss[s] - 0.69314718055994531) <= 2 * precision);
        }
    }
}

/* (1000, 0, -1000), in every order and far below 0: 0, 1000 or 2000, without an error; gradients 1, 0, -1. */
static void extreme_logits_cost_what_they_say(void **state) {
    (void)state;
    static const real logit[] = {1000, 0, -1000};
    static const real down[] = {0, 65536, -65536};
    EVERY_TABLE(k)
    for (size_t turn = 0; turn < 9; turn++) {
        real z[3 * L], saved[2 * L], loss[L], seed[L], dz[3 * L];
        uint32_t cls[L];
        for (size_t s = 0; s < L; s++) {
            cls[s] = (uint32_t)(s % 3), seed[s] = 1;
            for (size_t f = 0; f < 3; f++)
                z[f * L + s] = logit[(f + turn) % 3] + down[turn / 3];
        }
        k->softmax_loss(3, L, z, cls, NULL, saved, loss);
        k->softmax_grad(3, L, z, cls, NULL, saved, seed, dz);
        for (size_t s = 0; s < L; s++) {
            size_t rank = (s % 3 + turn) % 3; /* of the true class's logit */
            assert_true(loss[s] == (real)(1000 * rank));
            for (size_t f = 0; f < 3; f++)
                assert_true(dz[f * L + s] == (real)((f + turn) % 3 == 0) - (real)(f == s % 3));
        }
    }
}

/* z and z + c have the same bits of loss, gradient and probabilities where adding c is exact. */
static void a_constant_added_to_all_logits_changes_no_bit(void **state) {
    (void)state;
    static const double shift[] = {1, 256, -256, 1024, -4096};
    EVERY_TABLE(k)
    for (size_t i = 0; i < sizeof shift / sizeof *shift; i++) {
        real z[2][CLASSES * L], saved[2][2 * L], loss[2][L], dz[2][CLASSES * L], p[2][CLASSES * L], seed[L];
        uint32_t cls[L];
        for (size_t j = 0; j < (size_t)CLASSES * L; j++) {
            z[0][j] = (real)((double)(j * 37 % 101) / 64 - 0.5);
            z[1][j] = z[0][j] + (real)shift[i];
            assert_true(z[1][j] - (real)shift[i] == z[0][j]);
        }
        for (size_t s = 0; s < L; s++)
            cls[s] = (uint32_t)(s % CLASSES), seed[s] = (real)0.1;
        for (int w = 0; w < 2; w++) {
            k->softmax_loss(CLASSES, L, z[w], cls, NULL, saved[w], loss[w]);
            k->softmax_grad(CLASSES, L, z[w], cls, NULL, saved[w], seed, dz[w]);
            k->softmax(CLASSES, L, z[w], p[w]);
        }
        assert_memory_equal(loss[0], loss[1], sizeof loss[0]);
        assert_memory_equal(dz[0], dz[1], sizeof dz[0]);
        assert_memory_equal(p[0], p[1], sizeof p[0]);
    }
}

/* Probabilities sum to 1, and gradients p - y to 0, within an epsilon a class. */
static void probabilities_sum_to_1_and_gradients_to_0(void **state) {
    (void)state;
    EVERY_TABLE(k)
    for (uint32_t draw = 0; draw < 20; draw++) {
        real z[CLASSES * L], saved[2 * L], loss[L], dz[CLASSES * L], p[CLASSES * L], seed[L];
        uint32_t cls[L];
        fill(z, (size_t)CLASSES * L, draw, 1 + 3 * draw);
        for (size_t s = 0; s < L; s++)
            cls[s] = (uint32_t)((s + draw) % CLASSES), seed[s] = 1;
        k->softmax_loss(CLASSES, L, z, cls, NULL, saved, loss);
        k->softmax_grad(CLASSES, L, z, cls, NULL, saved, seed, dz);
        k->softmax(CLASSES, L, z, p);
        for (size_t s = 0; s < L; s++) {
            double gradients = 0, probabilities = 0;
            for (size_t f = 0; f < CLASSES; f++) {
                gradients += (double)dz[f * L + s];
                probabilities += (double)p[f * L + s];
                assert_true(fabs((double)p[f * L + s] - (double)dz[f * L + s] - (cls[s] == f)) <= precision);
            }
            assert_true(fabs(gradients) <= CLASSES * precision);
            assert_true(fabs(probabilities - 1) <= CLASSES * precision);
        }
    }
}

/* -loss = log softmax(z) of the true class = log(softmax(z)) where no probability underflows. */
static void the_loss_is_the_logarithm_of_the_probability(void **state) {
    (void)state;
    EVERY_TABLE(k) {
        real z[CLASSES * L], saved[2 * L], loss[L], p[CLASSES * L];
        uint32_t cls[L];
        fill(z, (size_t)CLASSES * L, 3, 1);
        for (size_t s = 0; s < L; s++)
            cls[s] = (uint32_t)(s % CLASSES);
        k->softmax_loss(CLASSES, L, z, cls, NULL, saved, loss);
        k->softmax(CLASSES, L, z, p);
        for (size_t s = 0; s < L; s++)
            assert_true(fabs((double)loss[s] + log((double)p[cls[s] * L + s])) <=
                        (REAL_IS_DOUBLE ? 1e-15 : 5e-7));
    }
}

/* A last layer of zeros gives every class the same probability: log 10, whatever comes before it. */
static void a_uniform_start_costs_log_10(void **state) {
    (void)state;
    struct err err = {0};
    struct tape *tape = tape_create(&err);
    size_t v = 0;
    assert_true(tape_input(tape, 5, &err));
    assert_true(tape_apply(tape, &op_affine, &v, 4, 0, "hidden", &v, &err));
    assert_true(tape_apply(tape, op_find("relu"), &v, 0, 0, "hidden", &v, &err));
    assert_true(tape_apply(tape, &op_affine, &v, CLASSES, 0, "output", &v, &err));
    assert_true(tape_apply(tape, op_find("cross_entropy"), &v, 0, 0, "loss", &v, &err));
    assert_true(tape_finish(tape, &err));
    struct tape_workspace *ws = tape_workspace_create(tape, TAPE_EVALUATE, NULL, 1, L, 1, &err);
    assert_non_null(ws);
    real *theta = reals(tape_theta_size(tape));
    fill(theta, tape_parameter(tape, 2)->offset, 1, 1);
    uint32_t cls[L];
    for (size_t s = 0; s < L; s++)
        cls[s] = (uint32_t)(s % CLASSES);
    EVERY_TABLE(k) {
        struct tape_slice slice = {.k = k, .theta = theta, .cls = cls};
        fill(tape_value(tape, ws, &slice, 0), (size_t)5 * L, 2, 1);
        tape_forward(tape, ws, &slice);
        const real *loss = tape_value(tape, ws, &slice, v);
        for (size_t s = 0; s < L; s++)
            assert_true(fabs((double)loss[s] - 2.302585092994046) <= 2.4 * precision);
    }
    mem_free(theta);
    tape_workspace_free(ws);
    tape_free(tape);
}

/* Binary cross-entropy at +-1000: 0 or 1000, slopes 0, 1 or -1, all exact. */
static void binary_cross_entropy_is_exact_far_out(void **state) {
    (void)state;
    EVERY_TABLE(k) {
        real z[L], t[L], loss[L], seed[L], dz[L];
        for (size_t s = 0; s < L; s++)
            z[s] = s % 2 ? -1000 : 1000, t[s] = (real)(s / 2 % 2), seed[s] = 1;
        k->logistic_loss(1, L, z, t, loss);
        k->logistic_grad(1, L, z, t, seed, dz);
        for (size_t s = 0; s < L; s++) {
            real p = z[s] > 0 ? 1 : 0;
            assert_true(loss[s] == (p == t[s] ? 0 : 1000));
            assert_true(dz[s] == p - t[s]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_sum_exp_does_not_overflow),
        cmocka_unit_test(extreme_logits_cost_what_they_say),
        cmocka_unit_test(a_constant_added_to_all_logits_changes_no_bit),
        cmocka_unit_test(probabilities_sum_to_1_and_gradients_to_0),
        cmocka_unit_test(the_loss_is_the_logarithm_of_the_probability),
        cmocka_unit_test(a_uniform_start_costs_log_10),
        cmocka_unit_test(binary_cross_entropy_is_exact_far_out),
    };
    return cmocka_run_group_tests_name("losses", tests, NULL, NULL);
}
