/* The configuration: one table of keys (config/keys.c) drives defaults, parsing, bounds, "did you mean",
 * --set, the resolved config, the JSON Schema, help and the README reference. Knows nothing of what is done
 * with it. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "config/expect.h"
#include "data/spec.h"
#include "fit/spec.h"
#include "kernel/precision.h"
#include "model/spec.h"
#include "optim/spec.h"
#include "shift/spec.h"

struct config {
    char *name; /* default: the config file's name without folder and extension */
    uint64_t seed;
    size_t threads; /* 0: as many as the process may use */
    int precision;  /* enum precision */
    struct data_spec data;
    struct model_spec model;
    struct loss_spec loss;
    struct optimizer_spec optimizer;
    struct regularization_spec regularization;
    struct augment_spec augment;
    struct train_spec train;
    struct shift_spec shift;
    struct expect_spec expect;
};

/* All faults found in a config, a line each, in the order of the file: "FILE:LINE:COLUMN: PATH: sentence". */
struct config_faults {
    struct text lines; /* separated by '\n', no newline at the end */
    size_t count;
};

void config_faults_release(struct config_faults *faults);

/* Reads the file and applies the overrides ("PATH=VALUE": VALUE is JSON, a bare word is a string) in their
 * order. Relative paths of the file become relative to the file's folder, those of overrides stay relative to
 * the working directory; all are absolute in the result. On success *config is complete, every default filled
 * in; the caller releases it. On failure false with err filled by the first fault, and every fault of the
 * text in *faults, which is set anew and released by the caller; a fault of an override is "--set PATH=VALUE:
 * sentence", behind those of the file. A missing or unreadable file is ERR_CONFIG too, exhausted memory is
 * ERR_SYSTEM without faults. */
bool config_load(const char *file, const char *const *overrides, size_t override_count, struct config *config,
                 struct config_faults *faults, struct err *err) MUST_CHECK;

void config_release(struct config *config);

/* The resolved config as JSON text, every default written out; reads back to the same config. */
bool config_print(const struct config *config, struct text *out, struct err *err) MUST_CHECK;

/* The same, from that text: what a run was begun with. A wrong text is ERR_DATA. */
bool config_load_text(const char *json, size_t len, struct config *config, struct err *err) MUST_CHECK;

/* Whether a run that began with `was` may go on with `is`: their paths may differ (their content is checked
 * elsewhere), as may the keys with KEY_MAY_CHANGE, and train.epochs may be more where nothing that has been
 * done hangs on them. Else ERR_CONFIG, which names the first key that stands against it. */
bool config_can_go_on(const struct config *was, const struct config *is, struct err *err) MUST_CHECK;

/* Whether it names the file, by whatever path, as one to be read. */
bool config_reads(const struct config *config, const char *file);

/* Only what evaluation needs (model, loss, data.scale, label_column, classes), on one line, for the model
 * file; and back: the rest is as by default, name and paths are NULL. A wrong text is ERR_DATA, "model
 * config:LINE:COLUMN: PATH: sentence". */
bool config_print_model(const struct config *config, struct text *out, struct err *err) MUST_CHECK;
bool config_load_model(const char *json, size_t len, struct config *config, struct err *err) MUST_CHECK;

/* JSON Schema (draft-07) of the config. */
bool config_schema(struct text *out, struct err *err) MUST_CHECK;

/* The key reference as a Markdown table, for README; and as plain text, for --help config. */
bool config_reference(struct text *out, struct err *err) MUST_CHECK;
bool config_help(struct text *out, struct err *err) MUST_CHECK;

#endif
