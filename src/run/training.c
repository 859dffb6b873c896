#include "run/training.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "run/clock.h"
#include "run/demands.h"

/* Steps are asked for in portions that take about this long: short enough for a live display, long enough
 * that asking costs nothing. */
static const double portion_seconds = 0.05;

/* ---- measuring ---- */

void measurement_release(struct measurement *m) {
    evaluation_release(&m->figures);
    m->made = false;
}

bool measure(const struct setup *s, const struct data_part *part, struct measurement *out, struct err *err) {
    measurement_release(out);
    if (!part->set)
        return true;
    out->made = fit_evaluate(s->kernel, s->team, s->model, part, &s->data.scaling, &out->figures, err);
    return out->made;
}

/* ---- beginning ---- */

/* By the weights of a shift the validation loss is that of the target; where none are known yet, or nothing
 * is corrected, the plain one is what there is. */
static int metric_in_use(const struct setup *s, int metric) {
    if (metric == METRIC_VALIDATION_LOSS && s->shifted)
        return METRIC_VALIDATION_WEIGHTED_LOSS;
    return metric == METRIC_VALIDATION_WEIGHTED_LOSS && !s->data.validation.weight ? METRIC_VALIDATION_LOSS
                                                                                   : metric;
}

/* Without early stopping epochs are compared by loss, and nothing hangs on it. */
static void begin_comparison(struct training *t) {
    const struct early_stopping_spec *spec = &t->setup->config->train.early_stopping;
    t->metric = spec->on                        ? spec->metric
                : t->setup->data.validation.set ? METRIC_VALIDATION_LOSS
                                                : METRIC_TRAIN_LOSS;
    t->metric = metric_in_use(t->setup, t->metric);
    early_stopping_init(&t->stopping, metric_higher_is_better(t->metric),
                        spec->on ? spec->patience : SIZE_MAX, spec->on ? spec->min_delta : 0);
}

bool training_begin(struct training *training, const struct setup *setup, const struct training *search,
                    struct err *err) {
    const struct config *config = setup->config;
    const struct early_stopping_spec *stopping = &config->train.early_stopping;
    struct training t = {.setup = setup, .search = search, .portion = 1};
    t.epochs = search ? search->stopping.best_epoch : config->train.epochs;
    bool ok = true;
    if (!search) {
        begin_comparison(&t);
        if (stopping->on && stopping->restore_best) {
            t.best_theta =
                mem_alloc_aligned(setup->model->size, sizeof(real), "the parameters of the best epoch", err);
            ok = t.best_theta != NULL;
        }
        if (ok && config->optimizer.schedule.kind == SCHEDULE_PLATEAU) {
            t.watched = mem_alloc(t.epochs, sizeof *t.watched, "the watched metric", err);
            ok = t.watched != NULL;
        }
    }
    if (ok)
        *training = t;
    else
        training_release(&t);
    return ok;
}

void training_release(struct training *t) {
    measurement_release(&t->validation);
    mem_free(t->watched);
    mem_free(t->best_theta);
    *t = (struct training){0};
}

/* ---- steps ---- */

size_t training_portion(size_t portion, size_t most, double seconds) {
    if (seconds < portion_seconds / 2 && portion < most)
        return portion * 2;
    return seconds > portion_seconds * 2 && portion > 1 ? portion / 2 : portion;
}

static bool train_portion(struct training *t, struct err *err) {
    double before = clock_seconds();
    bool ok = fit_steps(t->setup->fit, t->portion, err);
    double now = clock_seconds();
    const struct fit_status *status = fit_status(t->setup->fit);
    if (t->first_step_seconds == 0)
        t->first_step_seconds = now;
    t->epoch_seconds += now - before;
    t->seconds += now - before;
    t->steps = status->total_steps;
    if (ok) {
        t->samples += status->samples - t->seen_before;
        t->seen_before = status->samples;
        t->portion = training_portion(t->portion, status->steps, now - before);
    }
    return ok;
}

/* ---- the end of an epoch ---- */

static bool validate(struct training *t, struct err *err) {
    const struct setup *s = t->setup;
    if (measure(s, &s->data.validation, &t->validation, err))
        return true;
    if (err->kind != ERR_DIVERGED)
        return false;
    fit_revert(s->fit);
    return err_prefix(err, "training diverged in epoch %zu, found at its end on the validation samples",
                      fit_status(s->fit)->epoch);
}

static struct epoch_record record_of(const struct training *t) {
    const struct fit *fit = t->setup->fit;
    const struct fit_status *status = fit_status(fit);
    struct epoch_record r = {
        .refit = t->search != NULL,
        .uncorrected = t->uncorrected,
        .epoch = status->epoch,
        .step = status->total_steps,
        .lr = status->lr,
        .seconds = t->epoch_seconds,
        .samples_per_second = t->epoch_seconds > 0 ? (double)status->samples / t->epoch_seconds : 0,
    };
    for (size_t i = 0; i < METRIC_COUNT; i++)
        r.metric[i] = NAN;
    r.metric[METRIC_TRAIN_LOSS] = status->loss;
    r.metric[METRIC_TRAIN_ACCURACY] = status->accuracy;
    if (demands_has_metric(t->setup, METRIC_TRAIN_PENALTY))
        r.metric[METRIC_TRAIN_PENALTY] = fit_penalty(fit);
    if (t->validation.made) {
        const struct evaluation *e = &t->validation.figures;
        r.metric[METRIC_VALIDATION_LOSS] = e->loss;
        r.metric[METRIC_VALIDATION_ACCURACY] = e->accuracy;
        r.metric[METRIC_VALIDATION_WEIGHTED_LOSS] = e->weighted_loss;
        r.metric[METRIC_VALIDATION_BRIER] = e->brier;
        r.metric[METRIC_VALIDATION_ECE] = e->ece;
        r.metric[METRIC_VALIDATION_R2] = e->r2;
    }
    return r;
}

static void compare(struct training *t) {
    if (!early_stopping_note(&t->stopping, t->last.metric[t->metric]) || !t->best_theta)
        return;
    const struct model *model = t->setup->model;
    memcpy(t->best_theta, model->theta, model->size * sizeof(real));
    t->best = t->last;
}

/* A plateau schedule sees in a refit what it saw in the search, and so takes the same decisions. */
static void watch(struct training *t) {
    const struct schedule_spec *schedule = &t->setup->config->optimizer.schedule;
    size_t i = t->last.epoch - 1;
    if (schedule->kind != SCHEDULE_PLATEAU)
        return;
    if (!t->search)
        t->watched[i] = t->last.metric[metric_in_use(t->setup, schedule->metric)];
    fit_watch(t->setup->fit, t->search ? t->search->watched[i] : t->watched[i]);
}

static bool end_epoch(struct training *t, struct err *err) {
    if (!validate(t, err))
        return false;
    t->last = record_of(t);
    t->kept = &t->last;
    t->epoch_seconds = 0;
    t->seen_before = 0;
    if (!t->search)
        compare(t);
    watch(t);
    return true;
}

bool training_advance(struct training *t, bool *epoch, struct err *err) {
    *epoch = false;
    if (!train_portion(t, err))
        return false;
    *epoch = fit_epoch_done(t->setup->fit);
    return !*epoch || end_epoch(t, err);
}

/* ---- the end ---- */

bool training_stopped_early(const struct training *t) {
    return !t->search && early_stopping_due(&t->stopping) && t->last.epoch < t->epochs;
}

bool training_over(const struct training *t) {
    return t->last.epoch == t->epochs || training_stopped_early(t);
}

void training_restore_best(struct training *t) {
    const struct model *model = t->setup->model;
    if (!t->best_theta || t->best.epoch == 0 || t->best.epoch == t->last.epoch)
        return;
    memcpy(model->theta, t->best_theta, model->size * sizeof(real));
    t->kept = &t->best;
    measurement_release(&t->validation);
}

/* ---- put aside ---- */

/* epochs: the most there can be. */
static void snapshot_record(struct epoch_record *r, const char *name, size_t epochs, struct snapshot *s) {
    snapshot_enter(s, name);
    snapshot_bool(s, "refit", &r->refit);
    snapshot_bool(s, "uncorrected", &r->uncorrected);
    snapshot_size(s, "epoch", &r->epoch, epochs);
    snapshot_u64(s, "step", &r->step);
    snapshot_double(s, "lr", &r->lr);
    snapshot_double(s, "seconds", &r->seconds);
    snapshot_double(s, "samples_per_second", &r->samples_per_second);
    snapshot_doubles(s, "metric", r->metric, METRIC_COUNT);
    snapshot_leave(s);
}

void measurement_snapshot(struct measurement *m, const char *name, size_t outputs, struct snapshot *s) {
    snapshot_enter(s, name);
    snapshot_bool(s, "made", &m->made);
    if (m->made)
        evaluation_snapshot(&m->figures, outputs, s);
    snapshot_leave(s);
}

/* Which of the records is the model's. */
enum kept { KEPT_NONE, KEPT_LAST, KEPT_BEST };

static void snapshot_kept(struct training *t, struct snapshot *s) {
    const struct epoch_record *const record[] = {NULL, &t->last, &t->best};
    int kept = t->kept == &t->best ? KEPT_BEST : t->kept ? KEPT_LAST : KEPT_NONE;
    snapshot_int(s, "kept", &kept, KEPT_NONE, KEPT_BEST);
    t->kept = record[kept];
}

void training_snapshot(struct training *t, struct snapshot *s) {
    snapshot_bool(s, "uncorrected", &t->uncorrected);
    snapshot_record(&t->last, "last", t->epochs, s);
    snapshot_record(&t->best, "best", t->last.epoch, s);
    snapshot_kept(t, s);
    measurement_snapshot(&t->validation, "validation", t->setup->data.outputs, s);
    snapshot_enter(s, "early_stopping");
    early_stopping_snapshot(&t->stopping, t->last.epoch, s);
    snapshot_leave(s);
    if (t->best_theta && t->best.epoch > 0)
        snapshot_reals(s, "best_parameters", t->best_theta, t->setup->model->size);
    if (t->watched)
        snapshot_doubles(s, "watched", t->watched, t->last.epoch);
    snapshot_u64(s, "steps", &t->steps);
    snapshot_size(s, "samples", &t->samples, SIZE_MAX);
    snapshot_size(s, "seen_before", &t->seen_before, SIZE_MAX);
    snapshot_double(s, "seconds", &t->seconds);
    snapshot_double(s, "first_step_seconds", &t->first_step_seconds);
    snapshot_double(s, "epoch_seconds", &t->epoch_seconds);
}
