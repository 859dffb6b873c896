#include "cli/predict_rows.h"

#include <string.h>

#include "base/json.h"

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
        text_addf(out, ",sd%zu", k);
    text_add(out, "\n");
}

static void csv_row(const struct predictions *p, const struct predict_row *row, struct text *out) {
    text_addf(out, "%zu", row->index);
    if (p->names_class) {
        text_add(out, ",");
        if (p->class_name)
            add_csv(out, p->class_name[row->cls]);
        else
            text_addf(out, "%lu", (unsigned long)row->cls);
    }
    for (size_t k = 0; k < p->outputs; k++)
        text_addf(out, ",%.9g", (double)row->values[k]);
    for (size_t k = 0; p->mc.passes && k < p->outputs; k++)
        text_addf(out, ",%.9g", (double)row->deviations[k]);
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

static void jsonl_row(const struct predictions *p, const struct predict_row *row, struct text *out) {
    struct json_writer w = {.out = out};
    json_begin_object(&w);
    json_key(&w, "index");
    json_uint(&w, row->index);
    if (p->names_class) {
        json_key(&w, "class");
        if (p->class_name)
            json_string(&w, p->class_name[row->cls]);
        else
            json_uint(&w, row->cls);
    }
    add_array(&w, p->probabilities ? "probabilities" : "values", row->values, p->outputs);
    if (p->mc.passes)
        add_array(&w, "sd", row->deviations, p->outputs);
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
