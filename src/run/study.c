#include "run/study.h"

#include "base/mem.h"

struct study {
    struct setup setup;
    struct warnings warnings;
    struct estimation *estimation;
    struct training training;
    bool trains; /* at the moment, the model that the estimation waits for */
};

static bool check_kind(const struct config *config, struct err *err) {
    int kind = config->shift.kind;
    return shift_has_target(kind) ||
           err_set(err, ERR_CONFIG, "shift.kind: needs \"covariate\" or \"label\", got \"%s\"%s",
                   shift_kind_name((size_t)kind),
                   kind == SHIFT_CONCEPT ? ", which training itself watches for" : "");
}

struct study *study_open(const struct config *config, const char *isa, struct err *err) {
    if (!check_kind(config, err))
        return NULL;
    struct study *study = mem_alloc(1, sizeof *study, "the study of the shift", err);
    if (!study)
        return NULL;
    if (setup_open(config, isa, true, &study->setup, err) && setup_shift(&study->setup, err) &&
        (study->estimation = estimation_create(&study->setup, &study->warnings, err)))
        return study;
    study_free(study);
    return NULL;
}

void study_free(struct study *study) {
    if (!study)
        return;
    training_release(&study->training);
    estimation_free(study->estimation);
    warnings_release(&study->warnings);
    setup_release(&study->setup);
    mem_free(study);
}

static bool begin_training(struct study *study, struct err *err) {
    study->trains = true;
    return setup_start(&study->setup, NULL, err) &&
           training_begin(&study->training, &study->setup, NULL, err);
}

/* As far as it goes without a model that is still to be trained. */
static bool estimate(struct study *study, enum study_event *event, struct err *err) {
    bool over;
    *event = STUDY_PROGRESS;
    if (!estimation_advance(study->estimation, &over, err))
        return false;
    if (!over)
        return true;
    bool needs_model = estimation_needs_model(study->estimation);
    *event = needs_model ? STUDY_TRAINING : STUDY_DONE;
    return !needs_model || begin_training(study, err);
}

bool study_advance(struct study *study, enum study_event *event, struct err *err) {
    bool epoch;
    if (!study->trains)
        return estimate(study, event, err);
    if (training_over(&study->training)) {
        *event = STUDY_PROGRESS;
        study->trains = false;
        training_restore_best(&study->training);
        return estimation_by_model(study->estimation, err);
    }
    if (!training_advance(&study->training, &epoch, err))
        return false;
    *event = epoch ? STUDY_EPOCH : STUDY_PROGRESS;
    return true;
}

const struct setup *study_setup(const struct study *study) {
    return &study->setup;
}

const struct estimation *study_estimation(const struct study *study) {
    return study->trains ? NULL : study->estimation;
}

const struct training *study_training(const struct study *study) {
    return study->trains ? &study->training : NULL;
}

const struct warnings *study_warnings(const struct study *study) {
    return &study->warnings;
}

const struct estimation_result *study_result(const struct study *study) {
    return estimation_result(study->estimation);
}
