/* The temperature of a model: fitted on one part, its effect measured on any. */
#ifndef RUN_CALIBRATE_H
#define RUN_CALIBRATE_H

#include "base/err.h"
#include "base/json.h"
#include "base/team.h"
#include "data/dataset.h"
#include "fit/calibration.h"
#include "kernel/kernel.h"
#include "model/model.h"

/* A model and what it runs on; all borrowed. */
struct calibrated {
    const struct kernel *kernel;
    struct team *team;
    const struct model *model;
    const struct scaling *scaling;
    int loss_kind; /* one that predicts probabilities */
};

struct calibration_effect {
    bool measured;
    struct calibration_scores before, after; /* without the temperature and with it */
};

struct calibration {
    double temperature; /* NaN: none */
    struct calibration_effect validation, test;
};

/* Fits the temperature on the part and measures there what it does. ERR_DIVERGED where an output is not
 * finite. */
bool calibrate_fit(const struct calibrated *model, const struct data_part *part, double *temperature,
                   struct calibration_effect *effect, struct err *err) MUST_CHECK;

/* What this temperature does on a part. */
bool calibrate_measure(const struct calibrated *model, const struct data_part *part, double temperature,
                       struct calibration_effect *effect, struct err *err) MUST_CHECK;

/* The member `calibration`, null where there is no temperature; effects that were not measured are left out.
 */
void calibrate_print(const struct calibration *calibration, struct json_writer *w);

#endif
