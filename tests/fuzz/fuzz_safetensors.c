/* A model file: its tensors, and all that eval and --init-from take from it. */
#include <math.h>
#include <string.h>

#include "fuzz.h"
#include "run/model_file.h"
#include "store/safetensors.h"

/* Every byte is looked at, so that a sanitizer sees what is not of the file. */
static void check_tensors(const struct safetensors *file) {
    unsigned sum = 0;
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const struct stored_tensor *t = safetensors_at(file, i);
        for (size_t b = 0; b < t->len; b++)
            sum += t->bytes[b];
        MUST(safetensors_find(file, t->name) == t);
    }
    fuzz_sink = sum;
}

static void check_model(struct saved_model *saved) {
    const struct model *model = saved->model;
    struct text first = {0}, second = {0};
    struct config again;
    struct err err = {0};
    for (size_t i = 0; i < model->size; i++)
        MUST(isfinite(model->theta[i]));
    MUST(isnan(saved->temperature) || saved->temperature > 0);
    MUST(config_print_model(&saved->config, &first, &err));
    MUST(config_load_model(first.s, first.len, &again, &err));
    MUST(config_print_model(&again, &second, &err));
    MUST(strcmp(first.s, second.s) == 0);
    config_release(&again);
    text_release(&first);
    text_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = fuzz_file(0, data, size);
    struct saved_model saved;
    struct err err = {0};
    struct safetensors *file = safetensors_load(path, &err);
    if (!file)
        fuzz_check_error(&err, ERR_DATA);
    else
        check_tensors(file);
    if (model_file_load(path, &saved, &err)) {
        MUST(file);
        check_model(&saved);
        MUST(model_file_start(path, saved.model, &err));
        saved_model_release(&saved);
    } else
        fuzz_check_error(&err, ERR_DATA);
    safetensors_free(file);
    return 0;
}
