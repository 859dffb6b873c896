#include "cli/heading.h"

#include <string.h>

#include "cli/print.h"
#include "cli/table.h"

enum { SHOWN_LAYERS = 8, SHOWN_DIGITS = 16 };

static void add_counts(const struct description *d, struct text *out) {
    text_addf(out, "%zu training", d->train);
    if (d->validation)
        text_addf(out, ", %zu validation", d->validation);
    if (d->test)
        text_addf(out, ", %zu test", d->test);
    text_addf(out, " samples; %zu features, %zu %s", d->features, d->outputs,
              d->classes ? "classes" : "outputs");
}

/* "784-512-256-10"; of a deep model only the ends. */
static void add_widths(const struct description *d, struct text *out) {
    size_t last = d->layer_count - 1;
    text_addf(out, "%zu", d->features);
    for (size_t l = 0; l < last; l++)
        if (d->layer_count <= SHOWN_LAYERS || l < 2 || l + 2 > last)
            text_addf(out, "-%zu", d->layer[l].out);
        else if (l == 2)
            text_addf(out, "-...(%zu more)", last - 3);
    text_addf(out, "-%zu", d->outputs);
}

static void add_machine(const struct description *d, struct text *out) {
    text_addf(out, "%zu thread%s, %s", d->threads, d->threads == 1 ? "" : "s", d->kernel);
}

enum { METHODS_WIDTH = 92 };

/* Phrases in lines of their own, all but the first indented like it. */
static void add_methods(const struct description *d, const char *title, struct text *out) {
    struct text phrase = {0};
    size_t indent = strlen(title), column = 0;
    for (size_t i = 0; describe_method(d, i, &phrase); i++) {
        if (phrase.len == 0)
            continue;
        if (column == 0)
            text_add(out, title);
        else if (column + 2 + phrase.len > METHODS_WIDTH)
            text_addf(out, ";\n%*s", (int)indent, "");
        else
            text_add(out, "; ");
        column = column == 0 || column + 2 + phrase.len > METHODS_WIDTH ? indent : column + 2;
        text_add(out, phrase.s);
        column += phrase.len;
    }
    if (column)
        text_add(out, "\n");
    out->failed |= phrase.failed;
    text_release(&phrase);
}

void heading_short(const struct description *d, const char *folder, struct text *out) {
    text_addf(out, "data   %s: ", d->name);
    add_counts(d, out);
    text_add(out, "\nmodel  ");
    add_widths(d, out);
    text_addf(out, ", %zu parameters; %s, %s\n", d->parameters, d->loss, d->optimizer);
    add_methods(d, "with   ", out);
    text_add(out, "run    ");
    add_printable(out, folder);
    text_add(out, "; ");
    add_machine(d, out);
    text_add(out, "\n");
}

static void add_file(struct table *table, const char *part, const char *what, const char *sha256,
                     const char *path) {
    table_cell(table, "%s", part);
    table_cell(table, "%s", what);
    table_cell(table, "%.*s", SHOWN_DIGITS, sha256);
    table_cell(table, "%s", path);
}

static void add_files(const struct description *d, struct text *out) {
    struct table table = {.columns = 4};
    for (size_t i = 0; i < d->file_count; i++) {
        const struct described_files *f = &d->file[i];
        add_file(&table, f->name, f->labels ? "images" : "table", f->images_sha256, f->images);
        if (f->labels)
            add_file(&table, " ", "labels", f->labels_sha256, f->labels);
        if (f->weights)
            add_file(&table, " ", "weights", f->weights_sha256, f->weights);
    }
    table_print(&table, 8, out);
}

static void add_memory(const struct description *d, struct text *out) {
    text_add(out, "memory  data ");
    add_scaled(out, (double)d->data_bytes, "B");
    text_add(out, ", parameters ");
    add_scaled(out, (double)d->parameter_bytes, "B");
    text_add(out, ", training ");
    add_scaled(out, (double)d->work_bytes, "B");
    text_add(out, "\n");
}

void heading_details(const struct description *d, struct text *out) {
    text_add(out, "files   SHA-256 of the decompressed files, first digits\n");
    add_files(d, out);
    add_memory(d, out);
    text_add(out, "kernels of this machine:");
    for (size_t i = 0; describe_kernel(i); i++)
        text_addf(out, " %s", describe_kernel(i));
    text_add(out, describe_products(0) ? "; products in bf16 by" : "");
    for (size_t i = 0; describe_products(i); i++)
        text_addf(out, " %s", describe_products(i));
    text_add(out, "\n");
}

static void add_layers(const struct description *d, struct text *out) {
    struct table table = {.columns = 7, .right = 1u << 1 | 1u << 2 | 1u << 5 | 1u << 6};
    static const char *const titles[] = {"layer", "in",         "out",           "activation",
                                         "init",  "parameters", "FLOPs a sample"};
    double flops = 0;
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        table_cell(&table, "%s", titles[i]);
    for (size_t l = 0; l < d->layer_count; l++) {
        const struct described_layer *layer = &d->layer[l];
        if (l + 1 < d->layer_count)
            table_cell(&table, "%zu", l);
        else
            table_cell(&table, "output");
        table_cell(&table, "%zu", layer->in);
        table_cell(&table, "%zu", layer->out);
        table_cell(&table, "%s", layer->activation);
        table_cell(&table, "%s", layer->init);
        table_cell(&table, "%zu", layer->parameters);
        table_cell(&table, "%.0f", layer->flops);
        flops += layer->flops;
    }
    table_cell(&table, "all");
    for (int i = 1; i < 5; i++)
        table_cell(&table, " ");
    table_cell(&table, "%zu", d->parameters);
    table_cell(&table, "%.0f", flops);
    table_print(&table, 8, out);
}

void heading_full(const struct description *d, struct text *out) {
    text_addf(out, "name    %s\ndata    ", d->name);
    add_counts(d, out);
    text_addf(out, "; scale %s\n", d->scale);
    add_files(d, out);
    text_addf(out, "model   %s, %s\n", d->loss, d->optimizer);
    add_methods(d, "with    ", out);
    add_layers(d, out);
    text_addf(out, "step    batch of %zu: ", d->batch_size);
    add_scaled(out, d->flops_per_step, "FLOP");
    text_add(out, ", ");
    add_scaled(out, d->bytes_per_step, "B");
    text_addf(out, " read and written\nepochs  %zu of %zu steps\n", d->epochs, d->steps_per_epoch);
    add_memory(d, out);
    text_add(out, "machine ");
    add_machine(d, out);
    text_add(out, "\n");
}
