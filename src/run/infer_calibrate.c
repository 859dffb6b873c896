/* A saved model's temperature from the data of a config. */
#include <math.h>

#include "base/json.h"
#include "run/infer.h"
#include "run/loss_use.h"

/* The data as the config has them, but classes as the model has them. Scaling is the model's own. */
static bool load(const struct inference *i, const struct config *config, struct data *out, struct err *err) {
    const struct saved_model *saved = &i->saved;
    struct data_spec spec = config->data;
    spec.scale = SCALE_NONE;
    if (spec.label_column < 0)
        spec.label_column = saved->config.data.label_column;
    if (saved->classes)
        spec.class_count = saved->model->outputs;
    if (!data_load(&spec, loss_targets(saved->config.loss.kind), config->seed, i->team, out, err))
        return false;
    bool classes = saved->classes || out->train_set.cls != NULL;
    if (dataset_fits(&out->train_set, &spec.train, saved->model->features, saved->model->outputs, classes,
                     err))
        return true;
    data_release(out);
    return false;
}

bool inference_calibrate(const struct inference *inference, const struct config *config,
                         struct calibration *out, struct err *err) {
    const struct calibrated model = inference_calibrated(inference);
    struct calibration c = {.temperature = (double)NAN};
    struct data data;
    if (!loss_predicts_probabilities(model.loss_kind))
        return err_set(err, ERR_DATA, "%s: a model with the loss %s predicts no probabilities to calibrate",
                       inference->path, loss_name((size_t)model.loss_kind));
    if (!load(inference, config, &data, err))
        return false;
    bool ok =
        data.validation.set || err_set(err, ERR_CONFIG, "data.validation: is missing, calibrate needs it");
    ok = ok && calibrate_fit(&model, &data.validation, &c.temperature, &c.validation, err) &&
         (!data.test.set || calibrate_measure(&model, &data.test, c.temperature, &c.test, err));
    if (!ok && err->kind == ERR_DIVERGED)
        err_set(err, ERR_DATA, "%s: the model's outputs are not finite on the samples of this config",
                inference->path);
    data_release(&data);
    if (ok)
        *out = c;
    return ok;
}

bool inference_save(const struct inference *inference, double temperature, const char *path,
                    struct err *err) {
    const struct saved_model *saved = &inference->saved;
    char digest[SHA256_HEX];
    return model_file_save(path, &saved->config, saved->model, &saved->scaling, saved->classes, temperature,
                           digest, err);
}

bool inference_print_calibration(const struct inference *inference, const struct calibration *calibration,
                                 struct text *out, struct err *err) {
    struct json_writer w = {.out = out, .indent = 2};
    char digest[SHA256_HEX];
    if (!model_digest(inference->saved.model, digest, err))
        return false;
    json_begin_object(&w);
    json_key(&w, "model");
    json_string(&w, inference->path);
    json_key(&w, "model_digest");
    json_string(&w, digest);
    calibrate_print(calibration, &w);
    json_end_object(&w);
    text_add(out, "\n");
    return text_ok(out, err);
}
