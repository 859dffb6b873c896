#include "base/file.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/option_rows.h"
#include "cli/predict_rows.h"
#include "cli/print.h"
#include "run/infer.h"

/* Rows worked on at a time: as many as make the start of a slice cost nothing, fewer where a row has so many
 * outputs that their memory would count. */
enum { SLICE_ROWS = 16384, SLICE_ROWS_MIN = 64, SLICE_VALUES = 1 << 22 };

static size_t slice_rows(size_t outputs) {
    size_t rows = SLICE_VALUES / outputs;
    return rows > SLICE_ROWS ? SLICE_ROWS : rows < SLICE_ROWS_MIN ? SLICE_ROWS_MIN : rows;
}

static const struct option_row options[] = {
    ROW_MODEL,
    {.name = "images",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "images (IDX) or a table (CSV, TSV), plain or gzip",
     AT(images)},
    {.name = "format",
     .kind = OPTION_TEXT,
     .value = "csv|jsonl",
     .help = "how rows are written; default csv",
     AT(format),
     .choices = predict_format_name},
    {.name = "mc-dropout",
     .kind = OPTION_NUMBER,
     .value = "N",
     .help = "mean and standard deviation of N passes with dropout left on",
     AT(mc_dropout),
     .min = 1,
     .max = 1000000},
    {.name = "seed",
     .kind = OPTION_NUMBER,
     .value = "N",
     .help = "of these passes; default 1",
     AT(seed),
     .max = UINT64_MAX,
     .fallback = 1},
    {.name = "out",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "write to a file; default standard output",
     AT(out)},
    ROW_THREADS,
    ROW_ISA,
    ROW_PRECISION,
    ROW_QUIET,
    ROW_HELP,
    ROW_VERSION,
    ROW_END,
};

/* The text of a slice leaves for stdout; for a file it is kept, because a file is replaced as a whole. */
static bool send(struct text *text, const char *path, struct err *err) {
    if (!text_ok(text, err))
        return false;
    if (path)
        return true;
    bool ok = text->len == 0 || print_result(text->s, text->len, err);
    text_reset(text);
    return ok;
}

static bool predict_rows(const struct predictions *p, const struct predict_format *format, const char *path,
                         uint32_t *cls, real *values, struct text *text, struct err *err) {
    size_t slice = slice_rows(p->outputs);
    real *deviations = values + slice * p->outputs;
    format->head(p, text);
    for (size_t first = 0; first < p->rows && !print_closed(); first += slice) {
        size_t count = p->rows - first < slice ? p->rows - first : slice;
        if (!predictions_get(p, first, count, cls, values, deviations, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            size_t at = i * p->outputs;
            const struct predict_row row = {first + i, cls[i], values + at, deviations + at};
            format->row(p, &row, text);
        }
        if (!send(text, path, err))
            return false;
    }
    return !path || file_write(path, text->s, text->len, err);
}

static bool predict_images(const struct inference *inference, const struct arguments *a, struct err *err) {
    struct predictions p;
    struct text text = {0};
    int format = a->format ? names_find(predict_format_name, a->format) : 0;
    if (!predictions_open(inference, a->images, &p, err))
        return false;
    bool ok = a->mc_dropout == 0 || predictions_average(&p, (size_t)a->mc_dropout, a->seed, err) ||
              err_prefix(err, "option --mc-dropout");
    real *values = ok ? mem_alloc(p.outputs, 2 * slice_rows(p.outputs) * sizeof *values,
                                  "the predictions of a slice", err)
                      : NULL;
    uint32_t *cls =
        values ? mem_alloc(slice_rows(p.outputs), sizeof *cls, "the predictions of a slice", err) : NULL;
    ok = cls && predict_rows(&p, predict_format_at((size_t)format), a->out, cls, values, &text, err);
    mem_free(cls);
    mem_free(values);
    text_release(&text);
    predictions_release(&p);
    return ok;
}

static bool predict(const struct arguments *a, struct err *err) {
    struct inference inference;
    if (!a->model || !a->images)
        return err_set(err, ERR_USAGE, "predict needs --%s FILE", a->model ? "images" : "model");
    if (a->out && (file_same(a->out, a->model) || file_same(a->out, a->images)))
        return err_set(err, ERR_USAGE, "option --out: %s is the %s that predict reads", a->out,
                       file_same(a->out, a->model) ? "model" : "file of images");
    if (!inference_open(a->model, (size_t)a->threads, chosen_isa(a), a->precision, &inference, err))
        return false;
    warn_of_obstacle(a, inference.kernel);
    bool ok = predict_images(&inference, a, err);
    inference_release(&inference);
    return ok;
}

static int run_command(const struct arguments *a) {
    struct err err = {0};
    return predict(a, &err) ? 0 : print_failure(&err);
}

const struct command command_predict = {
    .name = "predict",
    .usage = "predict --model FILE --images FILE [options]",
    .summary = "print class and probabilities of every image",
    .example = "  dltrain predict --model runs/mnist/model.safetensors --images t10k-images-idx3-ubyte.gz\n",
    .options = options,
    .run = run_command,
};
