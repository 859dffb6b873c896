/* Finished runs side by side, and against a baseline. */
#ifndef RUN_COMPARISON_H
#define RUN_COMPARISON_H

#include <stddef.h>

#include "base/err.h"
#include "base/text.h"
#include "run/config_table.h"
#include "run/finished.h"
#include "run/tolerance.h"

struct comparison_wish {
    const char *const *run; /* run directories */
    size_t runs;
    const char *baseline;         /* a run directory or a summary.json; NULL: none */
    const char *const *tolerance; /* "METRIC=NUMBER" each */
    size_t tolerances;
};

/* The figures that are set side by side, as far as a run has them. */
enum { COMPARISON_FIGURES = 6 };
extern const char *const comparison_figure[COMPARISON_FIGURES]; /* paths of summary.json */

/* A condition that a run must meet. */
struct check {
    const char *metric;
    bool by_test;     /* it fails only where McNemar's test tells the two apart */
    double tolerance; /* else where it is worse by more */
    double baseline, value;
    bool ok;
};

/* Level of McNemar's test below which a lower accuracy is a worse one. */
#define COMPARISON_LEVEL 0.05

struct compared {
    struct finished run;
    double figure[COMPARISON_FIGURES]; /* NaN: none */
    double low, high;                  /* 95 % interval of the test accuracy; NaN: none */
    /* Against the baseline, where there is one: */
    bool is_baseline;
    bool tested;            /* by McNemar's test, on the same samples */
    const char *not_tested; /* why not */
    size_t b, c;            /* samples that only the baseline has right, and only this run */
    double p;
    struct check *check; /* [checks]; owned */
    bool ok;
};

struct comparison {
    size_t count;
    struct compared *run;            /* in the order given, a baseline that is none of them first */
    const struct compared *baseline; /* one of them; NULL: none */
    size_t checks;                   /* of every run */
    struct config_table config;
    bool ok;                     /* no run is worse than the baseline beyond tolerance */
    struct tolerance *tolerance; /* private */
    size_t tolerances;
};

/* ERR_USAGE for a wrong tolerance, ERR_DATA (with the file) for what is no finished run or lacks a metric
 * that is to be compared. Release in either case. */
bool comparison_make(const struct comparison_wish *wish, struct comparison *out, struct err *err) MUST_CHECK;
void comparison_release(struct comparison *comparison);

/* One JSON object. */
bool comparison_print(const struct comparison *comparison, struct text *out, struct err *err) MUST_CHECK;

#endif
