/* Drift detectors on streams of errors. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "kernel/random.h"
#include "shift/drift.h"

static const struct drift_spec defaults = {
    .page_hinkley = {.min_samples = 30, .delta = .005, .threshold = 50, .alpha = .9999, .warning = .5},
    .ddm = {.warm_start = 30, .warning = 2, .drift = 3},
    .adwin = {.delta = .002, .warning = .02, .clock = 32, .max_buckets = 5, .min_window = 5, .grace = 10},
};

static struct drift *make(int detector) {
    struct drift_spec spec = defaults;
    struct err err;
    spec.detector = detector;
    struct drift *drift = drift_create(&spec, &err);
    assert_non_null(drift);
    return drift;
}

/* ---- streams ---- */

struct piece {
    size_t samples;
    double rate;
};

enum { MOST_ALARMS = 16, NEVER = 1000000 };

struct alarms {
    size_t drifts, warnings; /* how many */
    size_t at[MOST_ALARMS];  /* samples of the first drifts */
    size_t first_warning;
};

/* Sample i is an error where the i-th number of (seed, STREAM_CHECK) is below the rate of its piece. */
static struct alarms watch(struct drift *drift, uint64_t seed, const struct piece *piece, size_t pieces) {
    struct alarms alarms = {.first_warning = NEVER};
    uint32_t i = 0;
    for (size_t p = 0; p < pieces; p++)
        for (size_t s = 0; s < piece[p].samples; s++, i++) {
            double u = random_unit(random_philox(seed, STREAM_CHECK, 0, i, 0), 0);
            enum drift_level level = drift_note(drift, u < piece[p].rate);
            if (level == DRIFT_WARNING && alarms.warnings++ == 0)
                alarms.first_warning = i;
            if (level == DRIFT_DRIFT && alarms.drifts++ < MOST_ALARMS)
                alarms.at[alarms.drifts - 1] = i;
        }
    return alarms;
}

static struct alarms watch_anew(int detector, uint64_t seed, const struct piece *piece, size_t pieces) {
    struct drift *drift = make(detector);
    struct alarms alarms = watch(drift, seed, piece, pieces);
    drift_free(drift);
    return alarms;
}

static const struct piece step[] = {{1000, .05}, {1000, .30}};

/* ---- Page and Hinkley ---- */

/* Errors of exactly .05 and then of .30: how many of these pass before the one that is the alarm. The numbers
 * are those of the recursion (river's) in a few lines of Python; with a mean that knew nothing of the new
 * errors it would be 50 / (.25 - .005) = 204. */
static void page_hinkley_fires_where_its_recursion_does(void **state) {
    (void)state;
    static const size_t before[] = {500, 1000, 5000, 20000}, delay[] = {257, 229, 208, 203};
    for (size_t c = 0; c < 4; c++) {
        struct drift *drift = make(DRIFT_PAGE_HINKLEY);
        size_t warning = NEVER, i = 0;
        for (size_t s = 0; s < before[c]; s++)
            assert_int_equal(drift_note(drift, .05), DRIFT_NONE);
        for (enum drift_level level; (level = drift_note(drift, .30)) != DRIFT_DRIFT; i++)
            if (level == DRIFT_WARNING && warning == NEVER)
                warning = i;
        assert_int_equal(i, delay[c]);
        assert_in_range(warning, 90, delay[c] - 90); /* half the threshold */
        drift_free(drift);
    }
}

static void page_hinkley_waits_for_its_samples(void **state) {
    (void)state;
    struct drift_spec spec = defaults;
    struct err err;
    spec.detector = DRIFT_PAGE_HINKLEY;
    spec.page_hinkley.threshold = .5;
    struct drift *drift = drift_create(&spec, &err);
    assert_non_null(drift);
    for (size_t i = 1; i < 30; i++)
        assert_int_equal(drift_note(drift, i > 10), DRIFT_NONE);
    assert_int_equal(drift_note(drift, 1), DRIFT_DRIFT);
    drift_free(drift);
}

/* ---- DDM ---- */

/* From an independent program in Python on the same streams (seeds 100 to 299): 104 of 200 have an alarm in
 * the first 1000 samples, as the minimum of a rate is noisy early on: the method is known for it. Every one
 * finds the step. */
static void ddm_finds_every_step_and_errs_as_it_is_known_to(void **state) {
    (void)state;
    size_t false_alarms = 0;
    for (uint64_t seed = 100; seed < 300; seed++) {
        struct alarms alarms = watch_anew(DRIFT_DDM, seed, step, 2);
        assert_true(alarms.drifts > 0 && alarms.drifts <= MOST_ALARMS);
        false_alarms += alarms.at[0] < 1000;
        assert_in_range(alarms.at[alarms.drifts - 1], 1000, 1999);
    }
    assert_int_equal(false_alarms, 104);
}

/* 100 samples without an error say nothing of the deviation: the first error is no alarm. */
static void ddm_bears_the_first_error(void **state) {
    (void)state;
    struct drift *drift = make(DRIFT_DDM);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(drift_note(drift, 0), DRIFT_NONE);
    assert_int_equal(drift_note(drift, 1), DRIFT_NONE);
    drift_free(drift);
}

/* By hand: 1 error in 40 samples has p = .025, s = .02469, which is the minimum so far; k more errors in a
 * row give p = (1 + k) / (40 + k): 2 / 41 + .03364 = .08242 > .025 + 2 s = .07437 is a warning and below
 * .025 + 3 s = .09906; 3 / 42 + .03974 = .11117 is a drift. */
static void ddm_warns_before_it_fires(void **state) {
    (void)state;
    struct drift *drift = make(DRIFT_DDM);
    assert_int_equal(drift_note(drift, 1), DRIFT_NONE);
    for (size_t i = 0; i < 39; i++)
        assert_int_equal(drift_note(drift, 0), DRIFT_NONE);
    assert_int_equal(drift_note(drift, 1), DRIFT_WARNING);
    assert_int_equal(drift_note(drift, 1), DRIFT_DRIFT);
    for (size_t i = 0; i < 30; i++)
        assert_int_equal(drift_note(drift, i % 2 == 0), DRIFT_NONE); /* anew: it warms up */
    drift_free(drift);
}

/* ---- ADWIN ---- */

struct course {
    const char *name;
    uint64_t seed;
    size_t pieces;
    struct piece piece[4];
    struct adwin_spec spec;
    size_t drifts, at[5], warnings, first_warning;
};

#define DEFAULTS                                                                                             \
    { .delta = .002, .warning = .02, .clock = 32, .max_buckets = 5, .min_window = 5, .grace = 10 }

/* Alarms of an independent program in Python that keeps the samples themselves, grouped into buckets by the
 * same rule, and takes every mean and variance from them anew. */
static const struct course courses[] = {
    {"step", 1, 2, {{1000, .05}, {1000, .3}}, DEFAULTS, 5, {1087, 1119, 1151, 1183, 1279}, 21, 1215},
    {"step of another seed", 2, 2, {{1000, .05}, {1000, .3}}, DEFAULTS, 4, {1055, 1087, 1119, 1215}, 4, 1151},
    {"up, down, up",
     3,
     4,
     {{700, .1}, {500, .4}, {600, .15}, {700, .35}},
     DEFAULTS,
     5,
     {799, 831, 895, 2015, 2111},
     16,
     767},
    {"a fall is none", 4, 2, {{1000, .4}, {1000, .1}}, DEFAULTS, 0, {0}, 0, NEVER},
    {"gentle", 5, 2, {{1500, .05}, {1500, .12}}, DEFAULTS, 4, {1983, 2079, 2175, 2271}, 10, 1887},
    {"other numbers",
     6,
     2,
     {{300, .1}, {300, .5}},
     {.delta = .05, .warning = .2, .clock = 7, .max_buckets = 2, .min_window = 3, .grace = 20},
     2,
     {328, 335},
     1,
     321},
};

static void adwin_fires_where_its_definition_does(void **state) {
    (void)state;
    for (size_t c = 0; c < sizeof courses / sizeof *courses; c++) {
        const struct course *course = &courses[c];
        struct drift_spec spec = {.detector = DRIFT_ADWIN, .adwin = course->spec};
        struct err err;
        struct drift *drift = drift_create(&spec, &err);
        assert_non_null(drift);
        struct alarms alarms = watch(drift, course->seed, course->piece, course->pieces);
        if (alarms.drifts != course->drifts || alarms.warnings != course->warnings)
            fail_msg("%s: %zu drifts, %zu warnings", course->name, alarms.drifts, alarms.warnings);
        for (size_t i = 0; i < course->drifts; i++)
            assert_int_equal(alarms.at[i], course->at[i]);
        assert_int_equal(alarms.first_warning, course->first_warning);
        drift_free(drift);
    }
}

/* 20 streams of 24000 samples: a bound that held would let one test in 500 err, and there are 750 tests in
 * each, but the tests are hardly independent and the bound is far from tight. */
static void adwin_is_silent_on_stationary_streams(void **state) {
    (void)state;
    static const struct piece still[] = {{24000, .1}};
    for (uint64_t seed = 0; seed < 20; seed++)
        assert_int_equal(watch_anew(DRIFT_ADWIN, seed, still, 1).drifts, 0);
}

/* ---- all of them ---- */

static void a_stream_without_errors_is_silent(void **state) {
    (void)state;
    static const struct piece silent[] = {{5000, 0}};
    for (int detector = 0; detector < DRIFT_DETECTORS; detector++) {
        struct alarms alarms = watch_anew(detector, 1, silent, 1);
        assert_int_equal(alarms.drifts + alarms.warnings, 0);
    }
}

static void a_fall_of_the_errors_is_no_drift(void **state) {
    (void)state;
    static const struct piece fall[] = {{1000, 1}, {2000, 0}};
    for (int detector = 0; detector < DRIFT_DETECTORS; detector++)
        assert_int_equal(watch_anew(detector, 1, fall, 2).drifts, 0);
}

/* What came before a reset changes nothing. */
static void a_reset_forgets_all(void **state) {
    (void)state;
    for (int detector = 0; detector < DRIFT_DETECTORS; detector++) {
        struct drift *drift = make(detector);
        struct alarms first = watch(drift, 7, step, 2);
        drift_reset(drift);
        struct alarms second = watch(drift, 7, step, 2);
        assert_true(first.drifts > 0);
        assert_memory_equal(&first, &second, sizeof first);
        drift_free(drift);
    }
}

/* Page and Hinkley's test begins anew behind a drift: what is high for ever is a drift once. */
static void behind_a_drift_it_begins_anew(void **state) {
    (void)state;
    struct drift *drift = make(DRIFT_PAGE_HINKLEY);
    size_t drifts = 0;
    for (size_t i = 0; i < 20000; i++)
        drifts += drift_note(drift, i < 1000 ? .05 : .30) == DRIFT_DRIFT;
    assert_int_equal(drifts, 1);
    drift_free(drift);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_hinkley_fires_where_its_recursion_does),
        cmocka_unit_test(page_hinkley_waits_for_its_samples),
        cmocka_unit_test(ddm_finds_every_step_and_errs_as_it_is_known_to),
        cmocka_unit_test(ddm_bears_the_first_error),
        cmocka_unit_test(ddm_warns_before_it_fires),
        cmocka_unit_test(adwin_fires_where_its_definition_does),
        cmocka_unit_test(adwin_is_silent_on_stationary_streams),
        cmocka_unit_test(a_stream_without_errors_is_silent),
        cmocka_unit_test(a_fall_of_the_errors_is_no_drift),
        cmocka_unit_test(a_reset_forgets_all),
        cmocka_unit_test(behind_a_drift_it_begins_anew),
    };
    return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
