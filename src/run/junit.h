/* A JUnit report, as CI servers read them: a test case for every expectation; where there is none, one for
 * the run itself, so that no report is empty. XML 1.0 in UTF-8, whatever names and messages hold. */
#ifndef RUN_JUNIT_H
#define RUN_JUNIT_H

#include <stddef.h>

#include "base/err.h"
#include "base/text.h"
#include "run/expectation.h"

enum { JUNIT_PROPERTIES = 8 };

/* What the figures are of; zero-initialise. */
struct junit_properties {
    struct {
        const char *name;
        char value[80];
    } list[JUNIT_PROPERTIES];
    size_t count; /* at most JUNIT_PROPERTIES */
};

void junit_property(struct junit_properties *properties, const char *name, const char *format, ...)
    PRINTF_LIKE(3, 4);

struct junit_report {
    const char *name; /* of the suite and of the class of its cases */
    double seconds;
    const struct junit_properties *properties; /* NULL: none */
    const struct expectations *expectations;   /* judged, unless the run broke */
    const char *broken; /* why the run broke, which every case then tells; NULL: it did not */
    const char *kind;   /* of what broke it, a word */
};

bool junit_print(const struct junit_report *report, struct text *out, struct err *err) MUST_CHECK;
/* Whether a report may take the place of what the path leads to: nothing, an empty file, XML, or no regular
 * file. */
bool junit_may_replace(const char *path);
/* Replaces the file by the report. */
bool junit_write(const struct junit_report *report, const char *path, struct err *err) MUST_CHECK;

#endif
