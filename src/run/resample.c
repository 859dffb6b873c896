#include "run/resample.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/values.h"
#include "run/loss_use.h"
#include "run/resample_images.h"
#include "run/setup.h"

static const char what[] = "the resampled set";

static const char *const parts[RESAMPLE_PARTS] = {"train", "validation", "test"};

const char *resample_part_name(size_t i) {
    return i < RESAMPLE_PARTS ? parts[i] : NULL;
}

const char *resample_window_file(size_t window, const char *name, char *buf) {
    snprintf(buf, 64, "window-%02zu-%s", window + 1, name);
    return buf;
}

/* What is at work. Lists [part rows] unless it is said otherwise; all is owned but config, report and set. */
struct job {
    const struct config *config;
    struct resample_report *report;
    struct resample_spec spec;
    const struct kernel *kernel;
    struct team *team;
    struct data data;
    const struct dataset *set;
    struct changer changer;
    struct image_change *change; /* NULL: images stay as they are */
    double *probability;         /* selection: to stay */
    uint8_t *keep;
    uint32_t *row; /* [rows, of all windows] what is written */
};

static void job_release(struct job *j) {
    changer_release(&j->changer);
    mem_free(j->change);
    mem_free(j->probability);
    mem_free(j->keep);
    mem_free(j->row);
    data_release(&j->data);
    team_free(j->team);
}

/* ---- the data ---- */

/* All rows of the files: who resamples what is trained on has them split afterwards. */
static bool load(struct job *j, const char *isa, struct err *err) {
    struct data_spec spec = j->config->data;
    const struct data_part *part[RESAMPLE_PARTS] = {&j->data.train, &j->data.validation, &j->data.test};
    const char *name = parts[j->report->wish.part];
    spec.validation_fraction = 0;
    if (kernel_known(isa, err)) /* what is computed is the same whatever the precision */
        j->kernel = kernel_find(isa, PRECISION_BF16, err);
    if (!j->kernel || !(j->team = setup_team(j->config->threads, err)) ||
        !data_load(&spec, loss_targets(j->config->loss.kind), j->spec.seed, j->team, &j->data, err))
        return false;
    j->set = part[j->report->wish.part]->set;
    if (!j->set)
        return err_set(err, ERR_CONFIG, "data.%s: has no files, resample --part %s needs them", name, name);
    if (!j->data.classes)
        return err_set(err, ERR_CONFIG,
                       "data.%s.labels: resample needs labels that are classes, found floating-point targets",
                       name);
    return true;
}

static bool make_lists(struct job *j, struct err *err) {
    struct resample_report *r = j->report;
    size_t n = r->classes = j->data.outputs;
    r->original_rows = j->set->images.rows;
    r->original_count = mem_alloc(n, sizeof *r->count, what, err);
    r->count = r->original_count ? mem_alloc(n, sizeof *r->count, what, err) : NULL;
    r->original_prior = r->count ? mem_alloc(n, sizeof *r->prior, what, err) : NULL;
    r->prior = r->original_prior ? mem_alloc(n, sizeof *r->prior, what, err) : NULL;
    j->keep = r->prior ? mem_alloc(r->original_rows, 1, what, err) : NULL;
    if (!j->keep)
        return false;
    for (size_t i = 0; i < r->original_rows; i++)
        r->original_count[j->set->cls[i]]++;
    for (size_t c = 0; c < n; c++)
        r->original_prior[c] = (double)r->original_count[c] / (double)r->original_rows;
    return true;
}

/* ---- which rows ---- */

static bool make_rows(struct job *j, size_t count, struct err *err) {
    j->row = mem_alloc(count, sizeof *j->row, what, err);
    return j->row != NULL;
}

/* Those that are marked, or as many of them as are wished for, in the order of the part. */
static bool take_kept(struct job *j, struct err *err) {
    struct resample_report *r = j->report;
    size_t kept = 0, at = 0;
    for (size_t i = 0; i < r->original_rows; i++)
        kept += j->keep[i];
    if (kept == 0)
        return err_set(err, ERR_USAGE, "option --%s: leaves no row of the %s part",
                       resample_scheme_name((size_t)j->spec.scheme), parts[r->wish.part]);
    if (j->spec.samples > kept)
        return err_set(err, ERR_USAGE,
                       "option --samples: must be at most the rows that are left, %zu, got %zu", kept,
                       j->spec.samples);
    r->rows = j->spec.samples ? j->spec.samples : kept;
    if (!make_rows(j, r->rows, err) || !resample_thin(&j->spec, j->keep, r->original_rows, r->rows, err))
        return false;
    for (size_t i = 0; i < r->original_rows; i++)
        if (j->keep[i])
            j->row[at++] = (uint32_t)i;
    return true;
}

static bool draw_classes(struct job *j, struct err *err) {
    struct resample_report *r = j->report;
    if (!resample_priors(&j->spec, r->original_count, r->classes, r->prior, err))
        return false;
    r->replaced = j->spec.scheme != RESAMPLE_PLAIN && j->spec.scheme != RESAMPLE_KNOCK_OUT;
    if (!r->replaced)
        return resample_knock_out(&j->spec, j->set->cls, r->original_rows,
                                  resample_dropped(&j->spec, r->original_count), j->keep, err) &&
               take_kept(j, err);
    r->rows = j->spec.samples ? j->spec.samples : r->original_rows;
    return make_rows(j, r->rows, err) && resample_by_class(&j->spec, j->set->cls, r->original_rows, r->prior,
                                                           r->classes, r->rows, j->row, err);
}

static double ink_of(const struct idx *images, size_t row) {
    double sum = 0;
    for (size_t p = 0; p < images->width; p++)
        sum += values_number(images, row * images->width + p);
    return sum / (double)images->width;
}

/* score [rows]: what the probability to stay depends on. */
static bool make_scores(struct job *j, double *score, struct err *err) {
    size_t rows = j->report->original_rows;
    const struct resample_spec *spec = &j->spec;
    if (spec->score == SCORE_INK) {
        for (size_t i = 0; i < rows; i++)
            score[i] = ink_of(&j->set->images, i);
        resample_standardise(score, rows);
        return true;
    }
    j->change = mem_alloc(rows, sizeof *j->change, what, err);
    for (size_t i = 0; j->change && i < rows; i++) {
        score[i] = resample_change(spec, (uint32_t)i);
        bool turns = spec->score == SCORE_ROTATION;
        j->change[i] = (struct image_change){.factor = turns ? 1 : 1 + spec->range * score[i],
                                             .degrees = turns ? spec->range * score[i] : 0};
    }
    return j->change != NULL;
}

static bool select_rows(struct job *j, struct err *err) {
    struct resample_report *r = j->report;
    size_t rows = r->original_rows;
    double *score = mem_alloc(rows, sizeof *score, what, err), sum = 0;
    j->probability = score ? mem_alloc(rows, sizeof *j->probability, what, err) : NULL;
    bool ok = j->probability && make_scores(j, score, err);
    if (ok) {
        resample_select(&j->spec, score, rows, j->probability, j->keep);
        for (size_t i = 0; i < rows; i++) {
            sum += j->probability[i];
            r->prior[j->set->cls[i]] += j->probability[i];
        }
        for (size_t c = 0; c < r->classes; c++)
            r->prior[c] = sum > 0 ? r->prior[c] / sum : r->original_prior[c];
        r->kept = sum / (double)rows;
    }
    mem_free(score);
    return ok && take_kept(j, err);
}

static bool draw_windows(struct job *j, struct err *err) {
    struct resample_report *r = j->report;
    size_t windows = j->spec.windows, total;
    r->rows = j->spec.samples ? j->spec.samples : r->original_rows / windows;
    if (r->rows == 0)
        return err_set(err, ERR_USAGE, "option --windows: %zu are more than the part has rows, %zu", windows,
                       r->original_rows);
    for (size_t s = 0; s < 2 && j->spec.swaps; s++)
        if (j->spec.swap[s] >= r->classes)
            return err_set(err, ERR_USAGE,
                           "option --swap: the class must be below the number of classes, %zu, got %zu",
                           r->classes, j->spec.swap[s]);
    memcpy(r->prior, r->original_prior, r->classes * sizeof *r->prior);
    r->window_count = mem_alloc(windows, r->classes * sizeof *r->window_count, what, err);
    return r->window_count &&
           (mem_mul(windows, r->rows, &total) ||
            err_set(err, ERR_USAGE, "option --windows: %zu of %zu rows are too many", windows, r->rows)) &&
           make_rows(j, total, err) &&
           resample_windows(&j->spec, r->original_rows, r->rows, j->row, &r->replaced, err);
}

static bool draw(struct job *j, struct err *err) {
    struct resample_report *r = j->report;
    bool ok = j->spec.scheme == RESAMPLE_SELECT    ? select_rows(j, err)
              : j->spec.scheme == RESAMPLE_WINDOWS ? draw_windows(j, err)
                                                   : draw_classes(j, err);
    bool turns = j->spec.scheme == RESAMPLE_SELECT ? j->spec.score == SCORE_ROTATION : j->spec.degrees != 0;
    r->changed = j->change || (j->spec.scheme == RESAMPLE_WINDOWS && turns);
    return ok && changer_open(j->set, j->kernel, turns, &j->changer, err);
}

/* ---- files ---- */

/* Refuses a file that is there already, and one that is read here whatever force says. */
static bool check_free(const struct job *j, const char *path, struct err *err) {
    const struct data_spec *data = &j->config->data;
    const struct data_files *files[] = {&data->train, &data->validation, &data->test};
    bool ok = true;
    if (!file_exists(path))
        return true;
    if (!j->report->wish.force)
        return err_set(err, ERR_SYSTEM, "%s: exists: --force replaces it, --out DIR keeps it", path);
    for (size_t p = 0; ok && p < 3; p++) {
        const char *names[] = {files[p]->images, files[p]->labels, files[p]->weights, files[p]->file};
        for (size_t f = 0; ok && f < 4; f++) {
            char *input = names[f] ? file_join(data->root, names[f], err) : NULL;
            if (names[f] && !input)
                return false;
            if (input && file_same(input, path))
                ok = err_set(err, ERR_USAGE, "option --out: %s is a file of data that resample reads", path);
            mem_free(input);
        }
    }
    return ok;
}

static bool check_file(const struct job *j, const char *name, struct err *err) {
    char *path = file_join(j->report->wish.out, name, err);
    bool ok = path && check_free(j, path, err);
    mem_free(path);
    return ok;
}

/* All but the windows. */
static const char *const set_files[] = {"truth.json",         "images.idx",           "labels.idx",
                                        "weights.idx",        "original-weights.idx", "original-images.idx",
                                        "original-labels.idx"};

static bool check_files(const struct job *j, struct err *err) {
    char name[64];
    bool windows = j->spec.scheme == RESAMPLE_WINDOWS;
    for (size_t i = 0; i < sizeof set_files / sizeof *set_files; i++)
        if (!check_file(j, set_files[i], err))
            return false;
    for (size_t t = 0; windows && t < j->spec.windows; t++)
        if (!check_file(j, resample_window_file(t, "images.idx", name), err) ||
            !check_file(j, resample_window_file(t, "labels.idx", name), err))
            return false;
    return true;
}

/* Takes the values over. */
static bool write_idx(const struct job *j, const char *name, struct idx *idx, struct err *err) {
    char *path = file_join(j->report->wish.out, name, err);
    bool ok = path && idx_write(path, idx, err);
    mem_free(path);
    idx_release(idx);
    return ok;
}

/* Rows as two files; change [count] or NULL. */
static bool write_rows(struct job *j, const uint32_t *row, size_t count, const struct image_change *change,
                       const size_t *swap, const char *images_name, const char *labels_name,
                       struct err *err) {
    struct idx images, labels;
    return images_of_rows(&j->changer, row, count, change, &images, err) &&
           write_idx(j, images_name, &images, err) &&
           labels_of_rows(j->set, row, count, j->report->classes, swap, &labels, err) &&
           write_idx(j, labels_name, &labels, err);
}

static bool write_weights(const struct job *j, double *weight, size_t count, const char *name,
                          struct resample_weights *out, struct err *err) {
    struct idx idx;
    out->ess = resample_normalise(weight, count);
    for (size_t i = 0; i < count; i++)
        out->max = fmax(out->max, weight[i]);
    return weights_as_idx(weight, count, &idx, err) && write_idx(j, name, &idx, err);
}

/* What a row of the part weighs that stands for the set, but for a factor; by selection the probability to
 * stay, else the ratio of the shares of its class. */
static double ratio_of(const struct job *j, uint32_t row) {
    size_t c = j->set->cls[row];
    return j->probability ? j->probability[row] : j->report->prior[c] / j->report->original_prior[c];
}

static bool write_all_weights(struct job *j, struct err *err) {
    struct resample_report *r = j->report;
    size_t most = r->rows > r->original_rows ? r->rows : r->original_rows;
    double *weight = mem_alloc(most, sizeof *weight, what, err);
    if (!weight)
        return false;
    for (size_t i = 0; i < r->rows; i++)
        weight[i] = 1 / ratio_of(j, j->row[i]);
    bool ok = write_weights(j, weight, r->rows, "weights.idx", &r->weights, err);
    for (size_t i = 0; i < r->original_rows; i++)
        weight[i] = ratio_of(j, (uint32_t)i);
    ok = ok && write_weights(j, weight, r->original_rows, "original-weights.idx", &r->originals, err);
    mem_free(weight);
    return ok;
}

/* The part with its images changed, which the rows of the set and original-weights.idx are of. */
static bool write_originals(struct job *j, struct err *err) {
    size_t rows = j->report->original_rows;
    uint32_t *all = mem_alloc(rows, sizeof *all, what, err);
    for (size_t i = 0; all && i < rows; i++)
        all[i] = (uint32_t)i;
    bool ok =
        all && write_rows(j, all, rows, j->change, NULL, "original-images.idx", "original-labels.idx", err);
    mem_free(all);
    return ok;
}

static bool write_set(struct job *j, struct err *err) {
    struct resample_report *r = j->report;
    struct image_change *change = NULL;
    if (j->change && !(change = mem_alloc(r->rows, sizeof *change, what, err)))
        return false;
    for (size_t i = 0; i < r->rows; i++) {
        r->count[j->set->cls[j->row[i]]]++;
        if (change)
            change[i] = j->change[j->row[i]];
    }
    bool ok = write_rows(j, j->row, r->rows, change, NULL, "images.idx", "labels.idx", err) &&
              (!j->change || write_originals(j, err)) && write_all_weights(j, err);
    mem_free(change);
    return ok;
}

static bool write_window(struct job *j, size_t t, struct image_change *change, struct err *err) {
    struct resample_report *r = j->report;
    const uint32_t *row = j->row + t * r->rows;
    const size_t *swap = resample_swaps(&j->spec, t) ? j->spec.swap : NULL;
    double degrees = resample_turn(&j->spec, t);
    char images[64], labels[64];
    for (size_t i = 0; i < r->rows; i++) {
        size_t c = j->set->cls[row[i]];
        c = swap && c == swap[0] ? swap[1] : swap && c == swap[1] ? swap[0] : c;
        r->count[c]++;
        r->window_count[t * r->classes + c]++;
        change[i] = (struct image_change){1, degrees};
    }
    return write_rows(j, row, r->rows, degrees != 0 ? change : NULL, swap,
                      resample_window_file(t, "images.idx", images),
                      resample_window_file(t, "labels.idx", labels), err);
}

static bool write_windows(struct job *j, struct err *err) {
    struct image_change *change = mem_alloc(j->report->rows, sizeof *change, what, err);
    bool ok = change != NULL;
    for (size_t t = 0; ok && t < j->spec.windows; t++)
        ok = write_window(j, t, change, err);
    mem_free(change);
    return ok;
}

/* Last, so that a folder with a record is complete. */
static bool write_record(const struct job *j, struct err *err) {
    struct text text = {0};
    char *path = file_join(j->report->wish.out, "truth.json", err);
    bool ok = path && resample_print(j->report, &text, err) && file_write(path, text.s, text.len, err);
    mem_free(path);
    text_release(&text);
    return ok;
}

/* *there: it was. */
static bool remove_file(const struct job *j, const char *name, bool *there, struct err *err) {
    char *path = file_join(j->report->wish.out, name, err);
    bool ok = path != NULL;
    *there = ok && file_exists(path);
    if (*there && remove(path) != 0)
        ok = err_set(err, ERR_SYSTEM, "%s: cannot be removed: %s", path, strerror(errno));
    mem_free(path);
    return ok;
}

/* What an earlier call has left would not belong to what is written now; its record goes first. */
static bool remove_old(const struct job *j, struct err *err) {
    char images[64], labels[64];
    bool there = true;
    for (size_t i = 0; i < sizeof set_files / sizeof *set_files; i++)
        if (!remove_file(j, set_files[i], &there, err))
            return false;
    there = true;
    for (size_t t = 0; there; t++) {
        bool labelled;
        if (!remove_file(j, resample_window_file(t, "images.idx", images), &there, err) ||
            !remove_file(j, resample_window_file(t, "labels.idx", labels), &labelled, err))
            return false;
        there |= labelled;
    }
    return true;
}

static bool run(struct job *j, const char *isa, struct err *err) {
    return load(j, isa, err) && make_lists(j, err) && draw(j, err) && check_files(j, err) &&
           file_make_folders(j->report->wish.out, err) && (!j->report->wish.force || remove_old(j, err)) &&
           (j->spec.scheme == RESAMPLE_WINDOWS ? write_windows(j, err) : write_set(j, err)) &&
           write_record(j, err);
}

bool resample_write(const struct config *config, const char *isa, const struct resample_wish *wish,
                    struct resample_report *report, struct err *err) {
    struct job job = {.config = config, .report = report, .spec = wish->spec};
    *report = (struct resample_report){.wish = *wish, .seed = config->seed};
    job.spec.seed = config->seed, job.spec.part = wish->part;
    bool ok = run(&job, isa, err);
    job_release(&job);
    if (!ok)
        resample_report_release(report);
    return ok;
}

void resample_report_release(struct resample_report *report) {
    mem_free(report->original_count);
    mem_free(report->count);
    mem_free(report->original_prior);
    mem_free(report->prior);
    mem_free(report->window_count);
    *report = (struct resample_report){0};
}
