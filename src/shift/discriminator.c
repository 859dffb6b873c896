#include "shift/discriminator.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/dmath.h"
#include "kernel/random.h"
#include "model/init.h"
#include "shift/bcts.h"
#include "shift/two_sample.h"

enum { SOURCE, TARGET, DOMAINS };

/* Logarithms of ratios are cut here: sums of squares of what comes of them stay finite. */
static const double most_log_ratio = 300;

struct discriminator {
    /* The rows of the sources, then those of the target; their domain is their class. */
    struct dataset joined;
    struct data_part part;
    size_t sources, targets; /* rows */
    struct model_spec model;
    struct crossfit *crossfit;
    real *weight;       /* [rows] in training */
    double *ratio;      /* [rows] */
    double *score;      /* [rows] */
    uint8_t *domain;    /* [rows] */
    uint8_t *predicted; /* [rows] */
};

/* ---- source and target as one set ---- */

static const struct data_part *part_at(const struct discriminator_setup *s, size_t i) {
    return i < 2 ? s->source[i] : s->target;
}

enum { JOINED = 3 };

/* Whether the sets can be one, of *rows rows. */
static bool check(const struct discriminator_setup *s, size_t *rows, struct err *err) {
    enum idx_type type = s->source[0]->set->images.type, other = s->target->set->images.type;
    if (type != other)
        return err_set(err, ERR_CONFIG, "shift.target: images are %s and those of data.train %s",
                       idx_type_name(other), idx_type_name(type));
    for (size_t i = 0; i < JOINED; i++) {
        const struct data_part *part = part_at(s, i);
        *rows += part && part->set ? part->count : 0;
        if (part && part->set && part->set->images.type != type)
            return err_set(err, ERR_CONFIG, "data.validation: images are %s and those of data.train %s",
                           idx_type_name(part->set->images.type), idx_type_name(type));
    }
    return *rows <= UINT32_MAX ||
           err_set(err, ERR_CONFIG, "shift.target and data.train have too many rows together, %zu", *rows);
}

/* Appends the part's rows, as those of a domain, from row `at` on. */
static void append(struct dataset *set, const struct data_part *part, size_t at, uint32_t domain) {
    const struct idx *from = &part->set->images;
    size_t bytes = from->width * idx_type_size(from->type);
    for (size_t i = 0; i < part->count; i++) {
        size_t row = data_row(part, i);
        memcpy((char *)set->images.values + (at + i) * bytes, (const char *)from->values + row * bytes,
               bytes);
        set->cls[at + i] = domain;
    }
}

static bool join(struct discriminator *d, const struct discriminator_setup *s, size_t rows, struct err *err) {
    static const char what[] = "source and target as one";
    const struct idx *images = &s->source[0]->set->images;
    struct dataset *set = &d->joined;
    *set = (struct dataset){
        .images = {.type = images->type,
                   .dims = 2,
                   .dim = {rows, images->width},
                   .rows = rows,
                   .width = images->width},
        .features = images->width,
        .class_count = DOMAINS,
    };
    if (!(set->images.values =
              mem_alloc_aligned(rows, images->width * idx_type_size(images->type), what, err)) ||
        !(set->cls = mem_alloc_aligned(rows, sizeof *set->cls, what, err)))
        return false;
    size_t at = 0;
    for (size_t i = 0; i < JOINED; i++) {
        const struct data_part *part = part_at(s, i);
        if (!part || !part->set)
            continue;
        append(set, part, at, part == s->target ? TARGET : SOURCE);
        at += part->count;
    }
    d->targets = s->target->count;
    d->sources = rows - d->targets;
    d->part = dataset_all(set);
    return true;
}

static bool allocate(struct discriminator *d, struct err *err) {
    static const char what[] = "what tells source from target";
    size_t rows = d->part.count;
    return (d->ratio = mem_alloc(rows, sizeof *d->ratio, what, err)) &&
           (d->score = mem_alloc(rows, sizeof *d->score, what, err)) &&
           (d->domain = mem_alloc(rows, sizeof *d->domain, what, err)) &&
           (d->predicted = mem_alloc(rows, sizeof *d->predicted, what, err));
}

/* ---- its training ---- */

/* An output layer that starts at 0 takes source and target for alike, and stays there along directions in
 * which no sample tells them apart; drawn at random it would not, and the ratio would carry the draw. */
static struct model_spec model_of(const struct shift_spec *spec) {
    const double of_all = (double)NAN;
    return (struct model_spec){
        .layers = spec->layers,
        .layer_count = spec->layer_count,
        .path = "shift",
        .output_path = "shift.discriminator",
        .output = {.activation = ACTIVATION_IDENTITY,
                   .init = {.kind = init_find("zeros")},
                   .bias_init = {.kind = init_find("zeros")},
                   .l1 = of_all,
                   .l2 = of_all,
                   .max_norm = of_all},
    };
}

/* Adam as Kingma and Ba (2015) have it, by a rate that falls to 0, so that the last steps average out. */
static struct optimizer_spec optimizer_of(const struct discriminator_spec *spec) {
    return (struct optimizer_spec){
        .kind = OPTIMIZER_ADAM,
        .lr = spec->lr,
        .betas = {0.9, 0.999},
        .eps = 1e-8,
        .clip_norm = (double)NAN,
        .clip_value = (double)NAN,
        .schedule = {.kind = SCHEDULE_COSINE, .metric = METRIC_TRAIN_LOSS},
    };
}

/* A rate and a penalty mean the same for images of every unit only where these have deviation 1. */
static int scale_of(int scale) {
    return scale == SCALE_STANDARDIZE_FEATURES ? scale : SCALE_STANDARDIZE;
}

/* A penalty is a normal prior on the weights: with log-odds of variance v, spread over all inputs, theirs is
 * v / inputs, and as a log-odds is the difference of two outputs, l2 is 2 inputs / (rows v). v = 1/5, a shift
 * that is just worth correcting, leaves calibration the least to do (slope 1) on digits selected by their
 * ink, for 500 to 10000 rows of each. Samples of unequal size tell as much as equal ones of their harmonic
 * mean. A hidden layer must not be drawn to 0 like that. */
static double l2_of(const struct discriminator *d, const struct shift_spec *spec) {
    double rows = 4 / (1 / (double)d->sources + 1 / (double)d->targets);
    if (!isnan(spec->discriminator.l2))
        return spec->discriminator.l2;
    return spec->layer_count > 0 ? 1e-4 : 10 * (double)d->joined.features / rows;
}

/* So many that few samples are seen often enough, too. */
static size_t epochs_of(const struct discriminator *d, const struct shift_spec *spec) {
    enum { EPOCHS = 20, STEPS = 2000 };
    size_t rows = d->part.count - d->part.count / spec->folds, batch = spec->discriminator.batch_size;
    size_t steps = (rows + batch - 1) / batch, needed = (STEPS + steps - 1) / steps;
    return spec->discriminator.epochs > 0 ? (size_t)spec->discriminator.epochs
           : needed > EPOCHS              ? needed
                                          : EPOCHS;
}

/* Source and target weigh the same in training, so that odds begin where densities are alike: a bias would
 * take long to find the ratio of very unequal sizes, and weights would learn it meanwhile. */
static bool weigh(struct discriminator *d, struct err *err) {
    d->weight = mem_alloc_aligned(d->part.count, sizeof *d->weight, "what tells source from target", err);
    for (size_t i = 0; d->weight && i < d->part.count; i++)
        d->weight[i] = (real)((double)d->part.count / 2 /
                              (double)(d->joined.cls[i] == TARGET ? d->targets : d->sources));
    return d->weight != NULL;
}

static bool begin(struct discriminator *d, const struct discriminator_setup *s, struct err *err) {
    const struct discriminator_spec *spec = &s->spec->discriminator;
    d->model = model_of(s->spec);
    const struct crossfit_setup setup = {
        .part = &d->part,
        .outputs = DOMAINS,
        .scale = scale_of(s->scale),
        .folds = s->spec->folds,
        .seed = random_seed(s->seed, PURPOSE_DISCRIMINATOR, 0),
        .loss = loss_name(LOSS_CROSS_ENTROPY),
        .like = {.kernel = s->kernel,
                 .team = s->team,
                 .optimizer = optimizer_of(spec),
                 .lr_path = "shift.discriminator.lr",
                 .train_spec = {.epochs = epochs_of(d, s->spec),
                                .batch_size = spec->batch_size,
                                .shuffle = true},
                 .model_spec = &d->model,
                 .regularization = {.l2 = l2_of(d, s->spec),
                                    .l1_method = L1_PROXIMAL,
                                    .penalize_bias = PENALIZE_NONE,
                                    .max_norm = (double)NAN},
                 .weight = d->weight,
                 .most_threads = s->most_threads},
    };
    d->crossfit = crossfit_create(&setup, err);
    return d->crossfit != NULL;
}

struct discriminator *discriminator_create(const struct discriminator_setup *setup, struct err *err) {
    size_t rows = 0;
    if (!check(setup, &rows, err))
        return NULL;
    struct discriminator *d = mem_alloc(1, sizeof *d, "the discriminator", err);
    if (d && join(d, setup, rows, err) && allocate(d, err) && weigh(d, err) && begin(d, setup, err))
        return d;
    discriminator_free(d);
    return NULL;
}

void discriminator_free(struct discriminator *d) {
    if (!d)
        return;
    crossfit_free(d->crossfit);
    dataset_release(&d->joined);
    mem_free(d->weight);
    mem_free(d->ratio);
    mem_free(d->score);
    mem_free(d->domain);
    mem_free(d->predicted);
    mem_free(d);
}

bool discriminator_advance(struct discriminator *d, size_t max_steps, bool *over, struct err *err) {
    return crossfit_advance(d->crossfit, max_steps, over, err) || err_prefix(err, "shift.discriminator");
}

struct crossfit_status discriminator_status(const struct discriminator *d) {
    return crossfit_status(d->crossfit);
}

void discriminator_snapshot(struct discriminator *d, struct snapshot *s) {
    snapshot_enter(s, "discriminator");
    crossfit_snapshot(d->crossfit, s);
    snapshot_leave(s);
}

/* ---- what came of it ---- */

/* The logarithm of the ratio of densities that is no ratio of sizes: n_s / n_t. */
static double log_prior_ratio(const struct discriminator *d) {
    return dmath_log((double)d->sources / (double)d->targets);
}

static double log_odds(const real *z) {
    return (double)z[TARGET] - (double)z[SOURCE];
}

/* By the models' own odds: a calibration on these rows has seen their domains. As both samples weighed the
 * same, a row is predicted to be of the target where that is the denser one there. */
static bool test(struct discriminator *d, struct discriminator_result *out, struct err *err) {
    const real *z = crossfit_logits(d->crossfit);
    size_t rows = d->part.count, right[DOMAINS] = {0};
    for (size_t i = 0; i < rows; i++) {
        d->score[i] = log_odds(z + i * DOMAINS);
        d->domain[i] = (uint8_t)d->joined.cls[i];
        d->predicted[i] = d->score[i] > 0;
        right[d->domain[i]] += d->predicted[i] == d->domain[i];
    }
    out->accuracy =
        (double)right[SOURCE] / (double)d->sources / 2 + (double)right[TARGET] / (double)d->targets / 2;
    size_t folds = crossfit_status(d->crossfit).folds;
    out->p_value = c2st_test(d->domain, d->predicted, crossfit_folds(d->crossfit), rows, folds,
                             c2st_crossfit_inflation(folds));
    return auc_of(d->score, d->domain, rows, &out->auc, err);
}

static bool calibrate(struct discriminator *d, struct discriminator_result *out, struct err *err) {
    const real *z = crossfit_logits(d->crossfit);
    size_t rows = d->part.count;
    const struct logits sample = {.z = z, .rows = rows, .classes = DOMAINS, .cls = d->joined.cls};
    struct bcts bcts;
    if (!bcts_init(&bcts, DOMAINS, err))
        return false;
    bool ok = bcts_fit(&bcts, &sample, err);
    if (ok) {
        out->slope = bcts.a, out->intercept = bcts.b[TARGET] - bcts.b[SOURCE];
        for (size_t i = 0; i < rows; i++) {
            double x = out->slope * log_odds(z + i * DOMAINS) + out->intercept + log_prior_ratio(d);
            d->ratio[i] = dmath_exp(fmax(-most_log_ratio, fmin(x, most_log_ratio)));
        }
    }
    bcts_release(&bcts);
    return ok;
}

bool discriminator_finish(struct discriminator *d, struct discriminator_result *out, struct err *err) {
    struct discriminator_result result = {0};
    if (!test(d, &result, err) || !calibrate(d, &result, err))
        return false;
    result.ratio = d->ratio;
    result.target_ratio = d->ratio + d->sources;
    *out = result;
    return true;
}
