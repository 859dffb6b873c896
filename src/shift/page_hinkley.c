#include "shift/page_hinkley.h"

#include <math.h>

void page_hinkley_init(struct page_hinkley *test, const struct page_hinkley_spec *spec) {
    *test = (struct page_hinkley){.spec = *spec, .lowest = (double)INFINITY};
}

enum drift_level page_hinkley_note(struct page_hinkley *test, double error) {
    const struct page_hinkley_spec *spec = &test->spec;
    test->samples++;
    test->mean += (error - test->mean) / (double)test->samples;
    test->sum = spec->alpha * test->sum + (error - test->mean - spec->delta);
    if (test->sum < test->lowest)
        test->lowest = test->sum;
    double rise = test->sum - test->lowest;
    if (test->samples < spec->min_samples || !(rise > spec->warning * spec->threshold))
        return DRIFT_NONE;
    return rise > spec->threshold ? DRIFT_DRIFT : DRIFT_WARNING;
}

void page_hinkley_snapshot(struct page_hinkley *test, struct snapshot *s) {
    snapshot_size(s, "samples", &test->samples, SIZE_MAX);
    snapshot_double(s, "mean", &test->mean);
    snapshot_double(s, "sum", &test->sum);
    snapshot_double(s, "lowest", &test->lowest);
}
