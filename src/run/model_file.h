/* A trained model as a safetensors file: tensors as torch.nn.Sequential names them, and as metadata what
 * evaluation needs (config, scaling, what the outputs mean). No time stamps: equal models are equal files.
 * "model_digest" there is the SHA-256 of the tensors, "metadata_digest" that of the other metadata, so that a
 * damaged file is found out when it is loaded. */
#ifndef RUN_MODEL_FILE_H
#define RUN_MODEL_FILE_H

#include <stddef.h>

#include "base/err.h"
#include "base/sha256.h"
#include "config/config.h"
#include "data/dataset.h"
#include "model/model.h"

/* A model read back; everything is owned. */
struct saved_model {
    struct config config; /* model, loss and the reading of data; class names, and where it was trained on a
                           * table feature names and columns, in config.data */
    struct model *model;
    struct scaling scaling;
    bool classes; /* trained on classes */
    double
        temperature; /* what outputs are divided by before they become probabilities; NaN: not calibrated */
};

/* Replaces path. classes: the targets were classes. temperature as in struct saved_model; the digest, which
 * digest receives, does not depend on it. */
bool model_file_save(const char *path, const struct config *config, const struct model *model,
                     const struct scaling *scaling, bool classes, double temperature, char digest[SHA256_HEX],
                     struct err *err) MUST_CHECK;

/* ERR_DATA, the message starting with the path, for a file that is no model of ours or does not
 * match its digests. Release with saved_model_release. */
bool model_file_load(const char *path, struct saved_model *out, struct err *err) MUST_CHECK;
void saved_model_release(struct saved_model *saved);

/* Fills the model's parameters from any safetensors file with exactly its tensors, all F32, whoever wrote it.
 * ERR_DATA naming the tensor, expected and found, or the "model_digest" that a file has but does not match;
 * the model is then partly filled. */
bool model_file_start(const char *path, struct model *model, struct err *err) MUST_CHECK;

/* SHA-256 over the tensors' bytes in the bytewise order of their names. */
bool model_digest(const struct model *model, char digest[SHA256_HEX], struct err *err) MUST_CHECK;

#endif
