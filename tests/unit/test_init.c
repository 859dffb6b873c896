/* Initialisers: moments and laws against their closed forms, orthogonality, and draws that depend on nothing
 * but seed, parameter, row and column. */
#include "network.h"

enum { OUT = 256, IN = 300, STRIDE = 272 };

static void draw(const char *name, struct init_spec spec, size_t out, size_t in, uint64_t seed,
                 uint32_t number, struct team *team, real *values) {
    struct err err = {0};
    spec.kind = init_find(name);
    assert_true(spec.kind >= 0);
    const struct init_target target = {values, out, in, STRIDE, number};
    assert_true(init_draw(&spec, &target, seed, team, &err));
}

struct law {
    const char *name;
    struct init_spec spec;
    double std, limit; /* limit 0: normal */
};

static int ascending(const void *a, const void *b) {
    const real *p = a, *q = b;
    return (*p > *q) - (*p < *q);
}

/* The largest gap between the share of values up to x and what the law says (Kolmogorov and Smirnov). Above
 * 1.95 / sqrt(n) the p-value is below .001. */
static double largest_gap(const struct law *law, real *x, size_t n) {
    double gap = 0;
    qsort(x, n, sizeof *x, ascending);
    for (size_t i = 0; i < n; i++) {
        double v = (double)x[i];
        double share = law->limit > 0 ? (v / law->limit + 1) / 2 : erfc(-v / law->std / sqrt(2)) / 2;
        gap = fmax(gap, fmax(share - (double)i / (double)n, (double)(i + 1) / (double)n - share));
    }
    return gap;
}

/* Mean within four standard errors of 0, variance likewise of its value, the support of a uniform law filled,
 * the whole distribution the law's. */
static void check_law(const struct law *law) {
    real *w = reals(IN * STRIDE), *all = reals(OUT * IN);
    draw(law->name, law->spec, OUT, IN, 7, 0, NULL, w);
    double n = OUT * IN, sum = 0, square = 0, most = 0, within = 0;
    for (size_t i = 0; i < IN; i++)
        for (size_t o = 0; o < STRIDE; o++) {
            double x = (double)w[i * STRIDE + o];
            if (o >= OUT)
                assert_true(x == 0);
            else
                sum += x, square += x * x, most = fmax(most, fabs(x)), within += fabs(x) < law->std;
        }
    double kurtosis_excess = law->limit > 0 ? -1.2 : 0;
    assert_true(fabs(sum / n) < 4 * law->std / sqrt(n));
    assert_true(fabs(square / n / (law->std * law->std) - 1) < 4 * sqrt((2 + kurtosis_excess) / n));
    if (law->limit > 0)
        assert_true(most <= law->limit && most > 0.999 * law->limit);
    double inside = law->limit > 0 ? law->std / law->limit : 0.6826894921370859; /* erf(1 / sqrt 2) */
    assert_true(fabs(within / n - inside) < 4 * sqrt(inside * (1 - inside) / n));
    for (size_t i = 0; i < IN; i++)
        memcpy(all + i * OUT, w + i * STRIDE, OUT * sizeof *w);
    assert_true(largest_gap(law, all, OUT * IN) < 1.95 / sqrt(n));
    mem_free(all);
    mem_free(w);
}

static void laws(void **state) {
    (void)state;
    const double xavier = sqrt(2.0 / (OUT + IN)), he = sqrt(2.0 / IN), lecun = sqrt(1.0 / IN),
                 third = sqrt(3.0);
    const struct law table[] = {
        {"xavier_normal", {0}, xavier, 0},
        {"xavier_uniform", {0}, xavier, xavier * third},
        {"he_normal", {0}, he, 0},
        {"he_uniform", {0}, he, he * third},
        {"lecun_normal", {0}, lecun, 0},
        {"normal", {.std = 0.02}, 0.02, 0},
        {"uniform", {.limit = 0.3}, 0.3 / third, 0.3},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        check_law(&table[i]);
}

static void constants(void **state) {
    (void)state;
    real *w = reals(IN * STRIDE);
    draw("constant", (struct init_spec){.value = 0.25}, OUT, IN, 1, 0, NULL, w);
    assert_true(w[0] == (real)0.25 && w[(IN - 1) * STRIDE + OUT - 1] == (real)0.25 && w[OUT] == 0);
    draw("zeros", (struct init_spec){.value = 0.25}, OUT, IN, 1, 0, NULL, w);
    for (size_t i = 0; i < IN * STRIDE; i++)
        assert_true(w[i] == 0);
    mem_free(w);
}

static void check_orthogonal(size_t out, size_t in) {
    real *w = reals(IN * STRIDE);
    draw("orthogonal", (struct init_spec){0}, out, in, 3, 1, NULL, w);
    size_t count = out < in ? out : in, length = out < in ? in : out;
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b <= a; b++) {
            double dot = 0;
            for (size_t i = 0; i < length; i++)
                dot += out < in ? (double)w[i * STRIDE + a] * (double)w[i * STRIDE + b]
                                : (double)w[a * STRIDE + i] * (double)w[b * STRIDE + i];
            assert_true(fabs(dot - (a == b)) < (REAL_IS_DOUBLE ? 1e-13 : 1e-6));
        }
    mem_free(w);
}

static void orthogonal_is_orthogonal(void **state) {
    (void)state;
    check_orthogonal(40, 90);
    check_orthogonal(90, 40);
    check_orthogonal(33, 33);
    check_orthogonal(1, 5);
}

/* Any number of threads draws the same; another seed or parameter draws something else. */
static void draws_are_pure(void **state) {
    (void)state;
    struct err err = {0};
    real *one = reals(IN * STRIDE), *other = reals(IN * STRIDE);
    for (size_t i = 0; init_name(i); i++) {
        bool random = strcmp(init_name(i), "constant") != 0 && strcmp(init_name(i), "zeros") != 0;
        struct init_spec spec = {.std = 1, .limit = 1, .value = 1};
        size_t in = strcmp(init_name(i), "orthogonal") == 0 ? 31 : IN;
        draw(init_name(i), spec, 45, in, 5, 2, NULL, one);
        for (size_t threads = 2; threads <= 5; threads++) {
            struct team *team = team_create(threads, &err);
            memset(other, 0, IN * STRIDE * sizeof *other);
            draw(init_name(i), spec, 45, in, 5, 2, team, other);
            assert_memory_equal(one, other, (in - 1) * STRIDE * sizeof *one);
            team_free(team);
        }
        draw(init_name(i), spec, 45, in, 6, 2, NULL, other);
        assert_true((memcmp(one, other, in * STRIDE * sizeof *one) != 0) == random);
        draw(init_name(i), spec, 45, in, 5, 3, NULL, other);
        assert_true((memcmp(one, other, in * STRIDE * sizeof *one) != 0) == random);
    }
    mem_free(one);
    mem_free(other);
}

/* Parameters are named as torch.nn.Sequential names them and keep their values through get and set. */
static void parameters_have_torch_names(void **state) {
    (void)state;
    struct err err = {0};
    struct layer_spec hidden[] = {layer(7, ACTIVATION_PRELU, 0.25), layer(6, ACTIVATION_IDENTITY, 0),
                                  layer(5, ACTIVATION_TANH, 0)};
    struct model_spec spec = {.layers = hidden, .layer_count = 3, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    struct model *m = model_create(&spec, 9, 4, "cross_entropy", &err);
    assert_non_null(m);
    static const char *const names[] = {"0.weight", "0.bias", "1.weight", "2.weight", "2.bias",
                                        "4.weight", "4.bias", "6.weight", "6.bias"};
    assert_int_equal(m->parameter_count, sizeof names / sizeof *names);
    assert_int_equal(m->trainable, 9 * 7 + 7 + 1 + 7 * 6 + 6 + 6 * 5 + 5 + 5 * 4 + 4);
    assert_true(model_init(m, 1, NULL, &err));
    for (size_t i = 0; i < m->parameter_count; i++) {
        float values[64], back[64];
        assert_string_equal(m->parameter[i].name, names[i]);
        for (int j = 0; j < 63; j++)
            values[j] = (float)j + (float)i / 16;
        size_t n = m->parameter[i].out * m->parameter[i].in;
        if (i == 2) {
            model_get(m, i, back);
            assert_true(back[0] == 0.25f);
        }
        model_set(m, i, values);
        model_get(m, i, back);
        assert_memory_equal(values, back, n * sizeof *back);
    }
    /* element (o, i) of "0.weight" [7, 9] */
    assert_true(m->theta[m->parameter[0].offset + 4 * m->parameter[0].stride + 3] == (real)(3 * 9 + 4));
    model_free(m);
}

static void oversized_models_are_refused(void **state) {
    (void)state;
    struct err err = {0};
    struct layer_spec hidden[] = {layer((size_t)1 << 40, ACTIVATION_RELU, 0)};
    struct model_spec spec = {.layers = hidden, .layer_count = 1, .output = layer(0, ACTIVATION_IDENTITY, 0)};
    assert_null(model_create(&spec, (size_t)1 << 30, 4, "mse", &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "model.layers.0"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(laws),
        cmocka_unit_test(constants),
        cmocka_unit_test(orthogonal_is_orthogonal),
        cmocka_unit_test(draws_are_pure),
        cmocka_unit_test(parameters_have_torch_names),
        cmocka_unit_test(oversized_models_are_refused),
    };
    return cmocka_run_group_tests_name("init", tests, NULL, NULL);
}
