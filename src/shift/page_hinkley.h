/* Page and Hinkley's test for a rise of the mean (Page, "Continuous inspection schemes", Biometrika 1954;
 * Hinkley, "Inference about the change-point from cumulative sum tests", Biometrika 1971). Belongs to
 * drift.h. */
#ifndef SHIFT_PAGE_HINKLEY_H
#define SHIFT_PAGE_HINKLEY_H

#include "shift/drift.h"

struct page_hinkley {
    struct page_hinkley_spec spec;
    size_t samples;
    double mean;        /* of all samples */
    double sum, lowest; /* of what exceeds the mean by more than delta; its minimum so far */
};

void page_hinkley_init(struct page_hinkley *test, const struct page_hinkley_spec *spec);
enum drift_level page_hinkley_note(struct page_hinkley *test, double error);
void page_hinkley_snapshot(struct page_hinkley *test, struct snapshot *s);

#endif
