#include "data/weights.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "data/inflate.h"
#include "data/stranger.h"
#include "data/values.h"

/* A text of more bytes holds something else: a billion of samples has no room in memory anyway. */
enum { TEXT_MAX = 1 << 30, TEXT_PIECE = 256 << 10 };

/* "line 3 (row 2)" */
enum { PLACE_TEXT = 64 };

static bool check_weight(double x, const char *path, const char *place, struct err *err) {
    if (values_fit(x) && x >= 0)
        return true;
    if (isnan(x)) /* printf may show the sign of a NaN */
        return err_set(err, ERR_DATA, "%s: %s: expected a weight from 0 to %g, found NaN", path, place,
                       (double)FLT_MAX);
    return err_set(err, ERR_DATA, "%s: %s: expected a weight from 0 to %g, found %g", path, place,
                   (double)FLT_MAX, x);
}

/* ---- text ---- */

static bool read_content(const char *path, struct text *content, struct err *err) {
    struct source source;
    char *piece = mem_alloc(TEXT_PIECE, 1, path, err);
    if (!piece)
        return false;
    bool ok = source_open(&source, path, err);
    for (size_t got = TEXT_PIECE; ok && got == TEXT_PIECE;) {
        ok = source_read(&source, piece, TEXT_PIECE, &got, err);
        if (ok)
            text_add_bytes(content, piece, got);
        if (ok && content->len > TEXT_MAX)
            ok = err_set(err, ERR_DATA, "%s: expected at most %d bytes of text, found more", path,
                         (int)TEXT_MAX);
    }
    source_close(&source);
    mem_free(piece);
    return ok && text_ok(content, err);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

static bool not_a_number(const char *path, const char *place, const char *line, size_t len, struct err *err) {
    char shown[STRANGER_TEXT];
    const char *what = stranger_kind((const unsigned char *)line, len);
    if (len == 0)
        return err_set(err, ERR_DATA, "%s: %s: expected a number, found an empty line", path, place);
    return err_set(err, ERR_DATA, "%s: %s: expected a number, found %s%s%s", path, place,
                   stranger_show((const unsigned char *)line, len, shown), what ? ", which looks like " : "",
                   what ? what : "");
}

/* The number of a line of len characters. strtod is correctly rounded and sees the program's locale, which
 * stays "C"; it would take hexadecimals and words for numbers too. */
static bool read_line(const char *path, size_t row, const char *line, size_t len, double *x,
                      struct err *err) {
    char place[PLACE_TEXT], *end = NULL;
    snprintf(place, sizeof place, "line %zu (row %zu)", row + 1, row);
    while (len > 0 && is_blank(line[len - 1]))
        len--;
    while (len > 0 && is_blank(*line))
        line++, len--;
    if (len > 0 && strspn(line, "0123456789+-.eE") == len)
        *x = strtod(line, &end);
    return end == line + len ? check_weight(*x, path, place, err) : not_a_number(path, place, line, len, err);
}

/* The lines of a text of len characters, the last of which is no blank. */
static bool read_lines(const char *path, const char *text, size_t len, struct idx *out, struct err *err) {
    size_t rows = len > 0;
    for (size_t i = 0; i < len; i++)
        rows += text[i] == '\n';
    double *values = mem_alloc_aligned(rows, sizeof *values, path, err);
    bool ok =
        values && (rows > 0 || err_set(err, ERR_DATA, "%s: expected a number a line, found none", path));
    for (size_t r = 0; ok && r < rows; r++) {
        const char *line_end = memchr(text, '\n', len);
        size_t line = line_end ? (size_t)(line_end - text) : len;
        ok = read_line(path, r, text, line, &values[r], err);
        text += line + 1, len -= line_end ? line + 1 : line;
    }
    if (!ok) {
        mem_free(values);
        return false;
    }
    *out =
        (struct idx){.type = IDX_F64, .dims = 1, .dim = {rows}, .rows = rows, .width = 1, .values = values};
    return true;
}

static bool read_text(const char *path, struct idx *out, struct err *err) {
    struct text content = {0};
    bool ok = read_content(path, &content, err);
    size_t len = content.len;
    while (len > 0 && (is_blank(content.s[len - 1]) || content.s[len - 1] == '\n'))
        len--;
    ok = ok && read_lines(path, content.s, len, out, err);
    if (ok) {
        struct sha256 sha;
        sha256_init(&sha);
        sha256_add(&sha, content.s, content.len);
        sha256_hex(&sha, out->sha256);
    }
    text_release(&content);
    return ok;
}

/* ---- files ---- */

bool weights_read(const char *path, struct digest *digest, struct idx *out, struct err *err) {
    bool idx;
    if (!idx_looks_like(path, &idx, err))
        return false;
    return idx ? idx_read_shared(path, digest, out, err) : read_text(path, out, err);
}

static bool copy_weights(const struct idx *weights, const char *path, double *to, struct err *err) {
    bool any = false;
    for (size_t r = 0; r < weights->rows; r++) {
        char place[PLACE_TEXT];
        snprintf(place, sizeof place, "row %zu", r);
        to[r] = values_number(weights, r) + 0.0; /* a -0 becomes 0 */
        if (!check_weight(to[r], path, place, err))
            return false;
        any = any || to[r] > 0;
    }
    return any || err_set(err, ERR_DATA, "%s: expected at least one weight above 0, found %zu that are 0",
                          path, weights->rows);
}

bool weights_convert(const struct idx *weights, const char *path, size_t images, struct dataset *out,
                     struct err *err) {
    if (weights->dims != 1)
        return err_set(err, ERR_DATA, "%s: expected weights of 1 dimension, found %zu", path, weights->dims);
    if (weights->rows != images)
        return err_set(err, ERR_DATA, "%s: expected as many weights as images, %zu, found %zu", path, images,
                       weights->rows);
    double *weight = mem_alloc_aligned(weights->rows, sizeof *weight, path, err);
    if (!weight || !copy_weights(weights, path, weight, err)) {
        mem_free(weight);
        return false;
    }
    out->weight = weight;
    memcpy(out->weights_sha256, weights->sha256, SHA256_HEX);
    return true;
}

/* ---- the parts of a run ---- */

void data_count_classes(const struct data_part *part, size_t classes, double *count) {
    for (size_t c = 0; c < classes; c++)
        count[c] = 0;
    for (size_t i = 0; i < part->count; i++)
        count[part->set->cls[data_row(part, i)]]++;
}

void data_balance(const struct data_part *part, size_t classes, double *class_weight) {
    double present = 0;
    data_count_classes(part, classes, class_weight);
    for (size_t c = 0; c < classes; c++)
        present += class_weight[c] > 0;
    for (size_t c = 0; c < classes; c++)
        if (class_weight[c] > 0)
            class_weight[c] = (double)part->count / (present * class_weight[c]);
}

/* What a row weighs before the mean is taken out. */
static double product(const struct dataset *set, const double *class_weight, size_t row) {
    return (set->weight ? set->weight[row] : 1) * (class_weight ? class_weight[set->cls[row]] : 1);
}

real *weights_of_part(const struct data_part *part, const double *class_weight, const char *name,
                      struct err *err) {
    double sum = 0;
    for (size_t i = 0; i < part->count; i++)
        sum += product(part->set, class_weight, data_row(part, i));
    if (!(sum > 0)) {
        err_set(err, class_weight ? ERR_CONFIG : ERR_DATA,
                "%s: expected a %s sample that weighs more than 0, found none among %zu",
                class_weight ? "loss.class_weights" : "data", name, part->count);
        return NULL;
    }
    real *weight = mem_alloc_aligned(part->set->images.rows, sizeof *weight, "the weights of samples", err);
    for (size_t i = 0; weight && i < part->count; i++) {
        size_t row = data_row(part, i);
        weight[row] = (real)(product(part->set, class_weight, row) * (double)part->count / sum);
    }
    return weight;
}

bool data_weigh(struct data *data, const double *train_class, const double *validation_class,
                struct err *err) {
    const struct {
        struct data_part *part;
        const double *class_weight;
        const char *name;
    } parts[DATA_PARTS] = {{&data->train, train_class, "training"},
                           {&data->validation, validation_class, "validation"},
                           {&data->test, NULL, "test"}};
    for (size_t p = 0; p < DATA_PARTS; p++) {
        struct data_part *part = parts[p].part;
        mem_free(data->weight[p]);
        part->weight = data->weight[p] = NULL;
        if (!part->set || (!part->set->weight && !parts[p].class_weight))
            continue;
        part->weight = data->weight[p] = weights_of_part(part, parts[p].class_weight, parts[p].name, err);
        if (!part->weight)
            return false;
    }
    return true;
}
