#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "fit/fit.h"
#include "fit/r_squared.h"
#include "fit/packed.h"
#include "fit/slice.h"

/* A forward pass over some rows, slice by slice over the team; every sample's figures go to their own
 * place. */
struct pass {
    struct slice_source source;
    struct team *team;
    struct packed packed; /* the model's weights */
    struct tape_workspace *ws;
    struct slice_targets *targets; /* [threads]; NULL: no targets, no loss */
    const uint32_t *row;           /* [count], NULL: from `first` on */
    const real *weight;            /* [rows of the set], or NULL */
    size_t first, count;
    atomic_size_t next;
    real *loss;                  /* [count] or NULL */
    uint32_t *predicted;         /* [count] or NULL */
    real *confidence;            /* [count] or NULL: the largest predicted probability */
    double *brier;               /* [count] or NULL, without probabilities: the sum of (p - y)^2 */
    real *out;                   /* [count][outputs] or NULL: predictions, */
    bool raw;                    /* or the outputs that they are made of, */
    real temperature;            /* divided by this */
    const struct mc_dropout *mc; /* their mean over masked passes instead; NULL: one plain pass */
    real *deviation;             /* [count][outputs] and their deviation */
    double *moments;             /* [threads][2][outputs][lanes] */
};

static size_t row_of(const struct pass *p, size_t i) {
    return p->row ? p->row[i] : p->first + i;
}

/* The squared distance of the predicted probabilities p [outputs][lanes] of a sample from its targets. */
static double brier_score(const struct pass *p, const struct tape_slice *slice, const real *probability,
                          size_t s) {
    size_t lanes = p->source.lanes;
    double sum = 0;
    for (size_t o = 0; o < p->source.model->outputs; o++) {
        double y = slice->cls ? slice->cls[s] == o : (double)slice->target[o * lanes + s];
        double gap = (double)probability[o * lanes + s] - y;
        sum += gap * gap;
    }
    return sum;
}

/* Makes predictions of the outputs in z [outputs][lanes]. */
static void predict(const struct pass *p, real *z) {
    const struct op *loss = tape_loss(p->source.model->tape);
    size_t outputs = p->source.model->outputs, lanes = p->source.lanes;
    if (!loss->predict || p->raw)
        return;
    for (size_t i = 0; p->temperature != 1 && i < outputs * lanes; i++)
        z[i] /= p->temperature;
    loss->predict(p->source.kernel, outputs, lanes, z);
}

static void collect(struct pass *p, struct tape_slice *slice, size_t at, size_t count) {
    const struct slice_source *source = &p->source;
    const struct tape *tape = source->model->tape;
    size_t outputs = source->model->outputs, lanes = source->lanes;
    real *z = tape_value(tape, p->ws, slice, tape_output(tape));
    uint32_t best[SLICE_WIDE];
    source->kernel->argmax(outputs, lanes, z, best);
    if (p->loss)
        memcpy(p->loss + at, tape_value(tape, p->ws, slice, tape_node_output(tape, tape_nodes(tape) - 1)),
               count * sizeof(real));
    if (p->confidence || p->out)
        predict(p, z);
    for (size_t s = 0; s < count; s++) {
        if (p->predicted)
            p->predicted[at + s] = best[s];
        if (p->confidence)
            p->confidence[at + s] = z[best[s] * lanes + s];
        if (p->brier)
            p->brier[at + s] = brier_score(p, slice, z, s);
        for (size_t o = 0; p->out && o < outputs; o++)
            p->out[(at + s) * outputs + o] = z[o * lanes + s];
    }
}

/* One masked pass after another; mean and squared distance from it in double precision, by Welford's
 * recursion ("Note on a method for calculating corrected sums of squares and products", Technometrics 4,
 * 1962). */
static void run_masked(struct pass *p, struct tape_slice *slice, const uint32_t *row, size_t at,
                       size_t count) {
    const struct slice_source *source = &p->source;
    const struct tape *tape = source->model->tape;
    size_t outputs = source->model->outputs, lanes = source->lanes, n = outputs * lanes;
    double *mean = p->moments + slice->thread * 2 * n, *square = mean + n;
    memset(mean, 0, 2 * n * sizeof *mean);
    for (size_t draw = 1; draw <= p->mc->passes; draw++) {
        const struct noise noise = {p->mc->seed, (uint32_t)draw, row};
        slice->noise = &noise;
        slice_load_images(source, p->ws, slice, row, count);
        tape_forward_until(tape, p->ws, slice, tape_nodes(tape) - 1);
        real *z = tape_value(tape, p->ws, slice, tape_output(tape));
        predict(p, z);
        for (size_t i = 0; i < n; i++) {
            double distance = (double)z[i] - mean[i];
            mean[i] += distance / (double)draw;
            square[i] += distance * ((double)z[i] - mean[i]);
        }
    }
    for (size_t s = 0; s < count; s++) {
        size_t best = 0;
        for (size_t o = 0; o < outputs; o++) {
            best = mean[o * lanes + s] > mean[best * lanes + s] ? o : best;
            p->out[(at + s) * outputs + o] = (real)mean[o * lanes + s];
            p->deviation[(at + s) * outputs + o] = (real)sqrt(square[o * lanes + s] / (double)p->mc->passes);
        }
        if (p->predicted)
            p->predicted[at + s] = (uint32_t)best;
    }
}

static void run_slice(struct pass *p, size_t at, size_t thread) {
    const struct slice_source *source = &p->source;
    const struct tape *tape = source->model->tape;
    struct tape_slice slice = {
        .k = source->kernel,
        .theta = source->model->theta,
        .packed = packed_weights(&p->packed),
        .thread = thread,
    };
    size_t count = p->count - at < source->lanes ? p->count - at : source->lanes;
    uint32_t row[SLICE_WIDE] = {0};
    for (size_t s = 0; s < count; s++)
        row[s] = (uint32_t)row_of(p, at + s);
    if (p->mc) {
        run_masked(p, &slice, row, at, count);
        return;
    }
    slice_load_images(source, p->ws, &slice, row, count);
    if (p->targets) {
        slice_load_targets(source, &slice, &p->targets[thread], row, count);
        tape_forward(tape, p->ws, &slice);
    } else {
        tape_forward_until(tape, p->ws, &slice, tape_nodes(tape) - 1);
    }
    collect(p, &slice, at, count);
}

static void pass_job(void *arg, size_t rank, size_t size) {
    struct pass *p = arg;
    (void)size;
    for (size_t at; (at = atomic_fetch_add(&p->next, p->source.lanes)) < p->count;)
        run_slice(p, at, rank);
    kernel_rest(p->source.kernel);
}

static bool run_pass(struct pass *p, bool with_targets, struct err *err) {
    size_t threads = team_size(p->team), ready = 0;
    bool ok = true;
    p->source.lanes = SLICE_WIDE;
    if (slice_is_sparse(&p->source, INPUT_AUTO, p->count)) {
        p->source.sparse =
            sparse_batch_create(p->source.set, p->source.scaling, p->mc ? p->source.model->input_keep : 1,
                                threads, SLICE_WIDE, false, err);
        p->source.rows_by_thread = true;
        if (!p->source.sparse)
            return false;
    }
    if (packed_init(&p->packed, p->source.model, p->source.kernel, err)) {
        packed_all(&p->packed, p->team, p->source.model->theta);
        p->ws = tape_workspace_create(p->source.model->tape, TAPE_EVALUATE, p->source.kernel->products, 1,
                                      p->source.lanes, threads, err);
    }
    if (p->ws && with_targets) {
        p->targets = mem_alloc(threads, sizeof *p->targets, "the targets of a batch", err);
        for (ok = p->targets != NULL; ok && ready < threads; ready += ok)
            ok = slice_targets_init(&p->targets[ready], &p->source, err);
    }
    ok = ok && p->ws;
    if (ok)
        team_run(p->team, pass_job, p);
    while (ready > 0)
        slice_targets_release(&p->targets[--ready]);
    mem_free(p->targets);
    tape_workspace_free(p->ws);
    packed_release(&p->packed);
    sparse_batch_free(p->source.sparse);
    return ok;
}

/* ---- figures ---- */

static uint32_t true_class(const struct pass *p, size_t i) {
    return p->source.set->cls[row_of(p, i)];
}

static double weighted_loss(const struct pass *p) {
    double sum = 0, mass = 0;
    for (size_t i = 0; p->weight && i < p->count; i++) {
        double weight = (double)p->weight[row_of(p, i)];
        sum += weight * (double)p->loss[i];
        mass += weight;
    }
    return p->weight ? sum / mass : (double)NAN;
}

static double calibration_error(const struct pass *p) {
    struct reliability reliability = {0};
    for (size_t i = 0; i < p->count; i++)
        reliability_add(&reliability, (double)p->confidence[i], p->predicted[i] == true_class(p, i));
    return reliability_error(&reliability);
}

static bool confusion(const struct pass *p, struct evaluation *e, struct err *err) {
    e->confusion = mem_alloc(e->classes * e->classes, sizeof *e->confusion, "the confusion matrix", err);
    for (size_t i = 0; e->confusion && i < p->count; i++)
        e->confusion[true_class(p, i) * e->classes + p->predicted[i]]++;
    return e->confusion != NULL;
}

static bool explained(const struct pass *p, struct evaluation *e, struct err *err) {
    const struct data_part part = {.set = p->source.set, .row = p->row, .count = p->count};
    e->outputs = part.set->target_width;
    e->output_r2 = mem_alloc(e->outputs, sizeof *e->output_r2, "the figures of the outputs", err);
    if (e->output_r2)
        e->r2 = r_squared(&part, p->out, e->output_r2);
    return e->output_r2 != NULL;
}

static bool summarise(const struct pass *p, struct evaluation *out, struct err *err) {
    struct evaluation e = {
        .samples = p->count,
        .accuracy = (double)NAN,
        .nll = (double)NAN,
        .brier = (double)NAN,
        .ece = (double)NAN,
        .r2 = (double)NAN,
    };
    double sum = 0, brier = 0;
    for (size_t i = 0; i < p->count; i++) {
        sum += (double)p->loss[i];
        brier += p->brier ? p->brier[i] : 0;
    }
    e.loss = sum / (double)p->count;
    e.weighted_loss = weighted_loss(p);
    if (!isfinite(e.loss))
        return err_set(err, ERR_DIVERGED, "the loss of the model on these %zu samples is not finite",
                       p->count);
    if (p->brier) {
        e.nll = e.loss;
        e.brier = brier / (double)p->count;
    }
    if (p->out && !explained(p, &e, err))
        return false;
    if (p->source.set->cls) {
        e.classes = p->source.model->outputs;
        for (size_t i = 0; i < p->count; i++)
            e.correct += p->predicted[i] == true_class(p, i);
        e.accuracy = (double)e.correct / (double)p->count;
        if (p->brier)
            e.ece = calibration_error(p);
    }
    if (e.classes && e.classes <= CONFUSION_CLASSES && !confusion(p, &e, err))
        return false;
    *out = e;
    return true;
}

bool fit_evaluate(const struct kernel *kernel, struct team *team, const struct model *model,
                  const struct data_part *part, const struct scaling *scaling, struct evaluation *out,
                  struct err *err) {
    struct pass p = {.source = {.kernel = kernel, .model = model, .set = part->set, .scaling = scaling},
                     .team = team,
                     .row = part->row,
                     .weight = part->weight,
                     .count = part->count,
                     .temperature = 1};
    p.loss = mem_alloc(part->count, sizeof *p.loss, "the evaluation", err);
    p.predicted = p.loss ? mem_alloc(part->count, sizeof *p.predicted, "the evaluation", err) : NULL;
    p.confidence = p.predicted ? mem_alloc(part->count, sizeof *p.confidence, "the evaluation", err) : NULL;
    bool probabilities = tape_loss(model->tape)->predict != NULL, ok = p.confidence != NULL;
    if (ok && probabilities)
        ok = (p.brier = mem_alloc(part->count, sizeof *p.brier, "the evaluation", err)) != NULL;
    if (ok && !probabilities && !part->set->cls)
        ok = (p.out = mem_alloc(part->count, model->outputs * sizeof *p.out, "the evaluation", err)) != NULL;
    ok = ok && run_pass(&p, true, err) && summarise(&p, out, err);
    if (ok && out->classes) {
        out->predicted = p.predicted;
        p.predicted = NULL;
    }
    mem_free(p.out);
    mem_free(p.loss);
    mem_free(p.predicted);
    mem_free(p.confidence);
    mem_free(p.brier);
    return ok;
}

void evaluation_release(struct evaluation *evaluation) {
    mem_free(evaluation->confusion);
    mem_free(evaluation->predicted);
    mem_free(evaluation->output_r2);
    *evaluation = (struct evaluation){0};
}

/* Whether the arrays are there that the numbers speak of. */
static bool is_whole(const struct evaluation *e, size_t outputs) {
    bool matrix = e->classes > 0 && e->classes <= CONFUSION_CLASSES;
    return (e->classes == 0 || e->classes == outputs) && (e->confusion != NULL) == matrix &&
           (isnan(e->r2) || e->output_r2);
}

void evaluation_snapshot(struct evaluation *e, size_t outputs, struct snapshot *s) {
    snapshot_size(s, "samples", &e->samples, SIZE_MAX);
    snapshot_size(s, "classes", &e->classes, outputs);
    snapshot_double(s, "loss", &e->loss);
    snapshot_double(s, "weighted_loss", &e->weighted_loss);
    snapshot_double(s, "accuracy", &e->accuracy);
    snapshot_size(s, "correct", &e->correct, e->samples);
    snapshot_double(s, "nll", &e->nll);
    snapshot_double(s, "brier", &e->brier);
    snapshot_double(s, "ece", &e->ece);
    snapshot_double(s, "r2", &e->r2);
    snapshot_size(s, "outputs", &e->outputs, outputs);
    snapshot_optional_doubles(s, "output_r2", &e->output_r2, e->outputs);
    snapshot_optional_u64s(s, "confusion", &e->confusion, e->classes * e->classes);
    if (snapshot_restores(s) && !is_whole(e, outputs))
        snapshot_refuse(s, "classes", "do not go with the other figures");
}

bool fit_outputs(const struct kernel *kernel, struct team *team, const struct model *model,
                 const struct data_part *part, const struct scaling *scaling, real *out, struct err *err) {
    struct pass p = {.source = {.kernel = kernel, .model = model, .set = part->set, .scaling = scaling},
                     .team = team,
                     .row = part->row,
                     .count = part->count,
                     .out = out,
                     .raw = true};
    return run_pass(&p, false, err);
}

bool fit_predict(const struct kernel *kernel, struct team *team, const struct model *model,
                 const struct dataset *set, const struct scaling *scaling, size_t first, size_t count,
                 double temperature, uint32_t *cls, real *out, struct err *err) {
    struct pass p = {.source = {.kernel = kernel, .model = model, .set = set, .scaling = scaling},
                     .team = team,
                     .first = first,
                     .count = count,
                     .predicted = cls,
                     .out = out,
                     .temperature = (real)temperature};
    return run_pass(&p, false, err);
}

bool fit_predict_mc(const struct kernel *kernel, struct team *team, const struct model *model,
                    const struct dataset *set, const struct scaling *scaling, size_t first, size_t count,
                    double temperature, const struct mc_dropout *mc, uint32_t *cls, real *out,
                    real *deviation, struct err *err) {
    struct pass p = {.source = {.kernel = kernel, .model = model, .set = set, .scaling = scaling},
                     .team = team,
                     .first = first,
                     .count = count,
                     .predicted = cls,
                     .out = out,
                     .temperature = (real)temperature,
                     .mc = mc,
                     .deviation = deviation};
    p.moments = mem_alloc(team_size(team) * model->outputs, 2 * SLICE_WIDE * sizeof *p.moments,
                          "the moments of predictions", err);
    bool ok = p.moments && run_pass(&p, false, err);
    mem_free(p.moments);
    return ok;
}
