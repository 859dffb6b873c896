#include "cli/predict_rows.h"

#include <string.h>

#include "base/json.h"

/* The largest output; the first one of equals. */
static size_t best_of(const struct predictions *p, const real *values) {
    size_t best = 0;
    for (size_t k = 1; k < p->outputs; k++)
        if (values[k] > values[best])
            best = k;
    return best;
}

/* ---- CSV ---- */

/* Quoted where RFC 4180 asks for it. */
static void add_csv(struct text *out, const char *cell) {
    if (!strpbrk(cell, ",\"\r\n")) {
        text_add(out, cell);
        return;
    }
    text_add(out, "\"");
    for (; *cell; cell++)
        text_add_bytes(out, *cell == '"' ? "\"\"" : cell, *cell == '"' ? 2 : 1);
    text_add(out, "\"");
}

static void csv_head(const struct predictions *p, struct text *out) {
    text_add(out, p->names_class ? "index,class" : "index");
    for (size_t k = 0; k < p->outputs; k++)
        text_addf(out, ",%c%zu", p->probabilities ? 'p' : 'y', k);
    for (size_t k = 0; p->mc.passes && k < p->outputs; k++)
        text_addf(out, ",sd_%zu", k);
    text_add(out, "\n");
}

static void csv_row(const struct predictions *p, size_t index, const real *values, const real *deviations,
                    struct text *out) {
    text_addf(out, "%zu", index);
    if (p->names_class) {
        size_t best = best_of(p, values);
        text_add(out, ",");
        if (p->class_name)
            add_csv(out, p->class_name[best]);
        else
            text_addf(out, "%zu", best);
    }
    for (size_t k = 0; k < p->outputs; k++)
        text_addf(out, ",%.9g", (double)values[k]);
    for (size_t k = 0; p->mc.passes && k < p->outputs; k++)
        text_addf(out, ",%.9g", (double)deviations[k]);
    text_add(out, "\n");
}

/* ---- JSON lines ---- */

static void jsonl_head(const struct predictions *p, struct text *out) {
    (void)p;
    (void)out;
}

static void add_array(struct json_writer *w, const char *key, const real *numbers, size_t count) {
    json_key(w, key);
    json_begin_array(w);
    for (size_t k = 0; k < count; k++)
        json_float(w, (float)numbers[k]);
    json_end_array(w);
}

static void jsonl_row(const struct predictions *p, size_t index, const real *values, const real *deviations,
                      struct text *out) {
    struct json_writer w = {.out = out};
    json_begin_object(&w);
    json_key(&w, "index");
    json_uint(&w, index);
    if (p->names_class) {
        size_t best = best_of(p, values);
        json_key(&w, "class");
        if (p->class_name)
            json_string(&w, p->class_name[best]);
        else
            json_uint(&w, best);
    }
    add_array(&w, p->probabilities ? "probabilities" : "values", values, p->outputs);
    if (p->mc.passes)
        add_array(&w, "sd", deviations, p->outputs);
    json_end_object(&w);
    text_add(out, "\n");
}

static const struct predict_format formats[] = {
    {"csv", csv_head, csv_row},
    {"jsonl", jsonl_head, jsonl_row},
};

const struct predict_format *predict_format_at(size_t i) {
    return i < sizeof formats / sizeof formats[0] ? &formats[i] : NULL;
}

const char *predict_format_name(size_t i) {
    return predict_format_at(i) ? formats[i].name : NULL;
}
