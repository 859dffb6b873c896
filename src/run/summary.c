#include "run/summary.h"

#include <math.h>
#include <sys/resource.h>

#include "kernel/kernel.h"
#include "run/clock.h"
#include "run/diagnostics_json.h"
#include "run/estimation_json.h"
#include "run/figures.h"
#include "run/stream_json.h"

/* ---- an evaluation ---- */

static void print_confusion(struct json_writer *w, const struct evaluation *e) {
    json_key(w, "confusion");
    json_begin_array(w);
    for (size_t row = 0; row < e->classes; row++) {
        json_begin_flat_array(w);
        for (size_t column = 0; column < e->classes; column++)
            json_uint(w, e->confusion[row * e->classes + column]);
        json_end_array(w);
    }
    json_end_array(w);
}

static void print_classes(struct json_writer *w, const struct evaluation *e, char *const *class_name) {
    json_key(w, "per_class");
    json_begin_array(w);
    for (size_t cls = 0; cls < e->classes; cls++) {
        struct class_figures figures = figures_of_class(e, cls);
        json_begin_object(w);
        json_key(w, "class");
        if (class_name)
            json_string(w, class_name[cls]);
        else
            json_uint(w, cls);
        json_put_number(w, "precision", figures.precision);
        json_put_number(w, "recall", figures.recall);
        json_put_number(w, "f1", figures.f1);
        json_put_uint(w, "support", figures.support);
        json_end_object(w);
    }
    json_end_array(w);
}

/* Of several outputs each one as well. */
static void print_explained(struct json_writer *w, const struct evaluation *e) {
    if (isnan(e->r2))
        return;
    json_put_number(w, "r2", e->r2);
    if (e->outputs == 1)
        return;
    json_key(w, "output_r2");
    json_begin_flat_array(w);
    for (size_t o = 0; o < e->outputs; o++)
        json_number(w, e->output_r2[o]);
    json_end_array(w);
}

void summary_evaluation(struct json_writer *w, const struct evaluation *e, char *const *class_name) {
    json_put_uint(w, "samples", e->samples);
    json_put_number(w, "loss", e->loss);
    if (!isnan(e->weighted_loss))
        json_put_number(w, "weighted_loss", e->weighted_loss);
    if (!isnan(e->nll))
        json_put_number(w, "nll", e->nll);
    if (!isnan(e->brier))
        json_put_number(w, "brier", e->brier);
    print_explained(w, e);
    if (e->classes == 0)
        return;
    double low, high;
    figures_wilson(e->correct, e->samples, &low, &high);
    json_put_number(w, "accuracy", e->accuracy);
    json_put_number(w, "error", (double)(e->samples - e->correct) / (double)e->samples);
    json_key(w, "accuracy_interval");
    json_begin_flat_array(w);
    json_number(w, low);
    json_number(w, high);
    json_end_array(w);
    if (!isnan(e->ece))
        json_put_number(w, "ece", e->ece);
    if (!e->confusion)
        return;
    print_confusion(w, e);
    print_classes(w, e, class_name);
}

/* ---- the summary ---- */

static void print_part(struct json_writer *w, const char *key, const struct evaluation *e,
                       char *const *class_name) {
    json_key(w, key);
    if (!e) {
        json_null(w);
        return;
    }
    json_begin_object(w);
    summary_evaluation(w, e, class_name);
    json_end_object(w);
}

/* Of the epoch whose state the model has. */
static void print_train(struct json_writer *w, const struct epoch_record *kept) {
    json_key(w, "train");
    if (!kept) {
        json_null(w);
        return;
    }
    json_begin_object(w);
    json_put_number(w, "loss", kept->metric[METRIC_TRAIN_LOSS]);
    if (!isnan(kept->metric[METRIC_TRAIN_ACCURACY]))
        json_put_number(w, "accuracy", kept->metric[METRIC_TRAIN_ACCURACY]);
    json_end_object(w);
}

static void print_early_stopping(struct json_writer *w, const struct training *search) {
    json_key(w, "early_stopping");
    if (!search->setup->config->train.early_stopping.on) {
        json_null(w);
        return;
    }
    json_begin_object(w);
    json_put_string(w, "metric", metric_name((size_t)search->metric));
    json_put_uint(w, "epoch", search->stopping.best_epoch);
    json_key(w, "value");
    if (search->stopping.best_epoch)
        json_number(w, search->stopping.best);
    else
        json_null(w);
    json_put_uint(w, "patience", search->stopping.patience);
    json_key(w, "stopped");
    json_bool(w, training_stopped_early(search));
    json_end_object(w);
}

static void print_refit(struct json_writer *w, const struct run_refit *refit) {
    json_key(w, "refit");
    if (!refit) {
        json_null(w);
        return;
    }
    json_begin_object(w);
    json_put_uint(w, "epochs", refit->epochs);
    json_put_uint(w, "samples", refit->samples);
    json_put_uint(w, "steps", refit->steps);
    json_end_object(w);
}

/* Share of the weights that are exactly 0: what L1 makes. */
static double sparsity(const struct model *model, const struct parameter *p) {
    size_t zeros = 0;
    for (size_t i = 0; i < p->in; i++)
        for (size_t o = 0; o < p->out; o++)
            zeros += model->theta[p->offset + i * p->stride + o] == 0;
    return (double)zeros / ((double)p->in * (double)p->out);
}

static void print_layers(struct json_writer *w, const struct model *model) {
    json_key(w, "layers");
    json_begin_array(w);
    for (size_t i = 0; i < model->parameter_count; i++) {
        const struct parameter *p = &model->parameter[i];
        if (p->kind != PARAMETER_WEIGHT)
            continue;
        json_begin_object(w);
        json_put_string(w, "name", tape_label(model->tape, tape_parameter(model->tape, i)->node));
        json_put_number(w, "sparsity", sparsity(model, p));
        json_end_object(w);
    }
    json_end_array(w);
}

static void print_files(struct json_writer *w, const char *key, const struct dataset *set) {
    if (!set->images.values)
        return;
    json_key(w, key);
    json_begin_object(w);
    json_put_string(w, set->table ? "file" : "images", set->images.sha256);
    if (!set->table)
        json_put_string(w, "labels", set->labels_sha256);
    if (set->weights_sha256[0])
        json_put_string(w, "weights", set->weights_sha256);
    json_end_object(w);
}

static void print_target_files(struct json_writer *w, const struct dataset *target) {
    if (!target->images.values)
        return;
    json_key(w, "target");
    json_begin_object(w);
    json_put_string(w, target->table ? "file" : "images", target->images.sha256);
    if (target->labels_sha256[0])
        json_put_string(w, "labels", target->labels_sha256);
    json_end_object(w);
}

void summary_data(struct json_writer *w, const struct setup *setup) {
    const struct data *data = &setup->data;
    json_begin_object(w);
    print_files(w, "train", &data->train_set);
    print_files(w, "validation", &data->validation_set);
    print_files(w, "test", &data->test_set);
    print_target_files(w, &setup->target_set);
    json_end_object(w);
}

struct json *summary_data_tree(const struct setup *setup, struct err *err) {
    struct text text = {0};
    summary_data(&(struct json_writer){.out = &text}, setup);
    struct json *tree =
        text_ok(&text, err) ? json_parse(text.s, text.len, (struct json_options){0}, ERR_DATA, err) : NULL;
    text_release(&text);
    return tree;
}

static void print_seconds(struct json_writer *w, const struct run_result *r) {
    json_key(w, "seconds");
    json_begin_object(w);
    json_put_number(w, "load", r->load_seconds);
    json_put_number(w, "train", r->train_seconds);
    if (r->steps)
        json_put_number(w, "first_step", r->first_step_seconds);
    json_put_number(w, "total", r->total_seconds);
    json_end_object(w);
    json_put_number(w, "samples_per_second", r->samples_per_second);
}

#ifdef __APPLE__
enum { RSS_UNIT = 1 };
#else
enum { RSS_UNIT = 1024 };
#endif

static uint64_t peak_memory(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * RSS_UNIT : 0;
}

bool summary_print(const struct run_result *r, const struct setup *setup, struct text *out, struct err *err) {
    struct json_writer w = {.out = out, .indent = 2};
    char *const *class_name = setup->config->data.class_names;
    json_begin_object(&w);
    json_put_string(&w, "name", setup->config->name);
    json_put_uint(&w, "epochs_run", r->epochs_run);
    json_put_uint(&w, "best_epoch", r->best_epoch);
    json_put_uint(&w, "steps", r->steps);
    json_put_string(&w, "stopped_by", r->stopped_by);
    if (r->message)
        json_put_string(&w, "message", r->message);
    print_early_stopping(&w, r->search);
    print_refit(&w, r->refit);
    print_train(&w, r->kept);
    print_part(&w, "validation", r->validation, class_name);
    print_part(&w, "test", r->test, class_name);
    if (r->stream)
        stream_print(&w, &setup->config->shift, r->stream);
    if (r->diagnostics) {
        json_key(&w, "diagnostics");
        diagnostics_print(&w, r->diagnostics);
    }
    json_key(&w, "warnings");
    warnings_print(&w, r->warnings, true);
    calibrate_print(r->calibration, &w);
    if (r->shift)
        estimation_print(&w, r->shift, r->target_worth);
    print_seconds(&w, r);
    json_put_uint(&w, "peak_rss_bytes", peak_memory());
    json_put_uint(&w, "threads", team_size(setup->team));
    json_put_string(&w, "isa", setup->kernel->name);
    json_put_string(&w, "precision", precision_name((size_t)setup->config->precision));
    json_put_uint(&w, "seed", setup->config->seed);
    json_put_uint(&w, "parameters", setup->model->trainable);
    print_layers(&w, setup->model);
    json_key(&w, "init_from");
    if (r->init_from)
        json_string(&w, r->init_from);
    else
        json_null(&w);
    json_put_string(&w, "model_digest", r->digest);
    json_key(&w, "data");
    summary_data(&w, setup);
    json_put_uint(&w, "numeric_contract", NUMERIC_CONTRACT);
    json_put_string(&w, "version", r->version);
    json_end_object(&w);
    text_add(out, "\n");
    return text_ok(out, err);
}
