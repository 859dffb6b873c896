/* A finished run, read back from its directory: config, summary, and the answers of its test. */
#ifndef RUN_FINISHED_H
#define RUN_FINISHED_H

#include <stddef.h>

#include "base/err.h"
#include "base/json.h"
#include "run/answers.h"

struct finished {
    char *path;           /* as given, without slashes at its end; owned */
    char *summary_path;   /* owned */
    struct json *summary; /* an object; owned */
    struct json *config;  /* an object; NULL: the path is that of a summary alone; owned */
    bool answered;        /* predictions.idx was there */
    struct answers answers;
};

/* ERR_DATA, with the path in front, where the path is no run directory, the run is not finished, or a file is
 * damaged or does not fit the others. alone: the path may be that of a summary.json, of which config and
 * answers are then not known. On failure nothing is left to release. */
bool finished_open(const char *path, bool alone, struct finished *out, struct err *err) MUST_CHECK;
void finished_release(struct finished *finished);

const cJSON *finished_summary(const struct finished *finished);
const cJSON *finished_config(const struct finished *finished); /* NULL where it is not known */

/* The number at a path of the summary; NaN: there is none. */
double finished_number(const struct finished *finished, const char *path);
/* The text of a member of the summary, "" where there is none. */
const char *finished_text(const struct finished *finished, const char *key);

/* Whether an object is the summary of a run; else ERR_DATA with the path, its own, in front. */
bool finished_check_summary(struct json *summary, const char *path, struct err *err) MUST_CHECK;

/* Parses a file as an object; ERR_DATA with the path in front. */
struct json *finished_read_object(const char *path, struct err *err) MUST_CHECK;

#endif
