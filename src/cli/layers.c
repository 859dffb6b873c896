#include "cli/layers.h"

#include <math.h>

#include "cli/table.h"

static void number_cell(struct table *table, double value) {
    if (isnan(value))
        table_cell(table, "-");
    else
        table_cell(table, "%.3g", value);
}

static void share_cell(struct table *table, double share) {
    if (isnan(share))
        table_cell(table, "-");
    else
        table_cell(table, "%.1f %%", 100 * share);
}

void layers_table(const struct net_diagnostics *net, const struct epoch_record *epoch, struct text *out) {
    static const char *const titles[] = {"layer", "weights",   "gradient", "update",
                                         "mean",  "deviation", "dead",     "saturated"};
    enum { COLUMNS = sizeof titles / sizeof titles[0] };
    struct table table = {.columns = COLUMNS, .right = (1u << COLUMNS) - 2};
    text_addf(out, "layers in epoch %zu%s", epoch->epoch, epoch->refit ? " of the refit" : "");
    if (!isnan(net->gradient_ratio))
        text_addf(out, "; gradient of the first by that of the last %.3g", net->gradient_ratio);
    text_add(out, "\n");
    for (size_t i = 0; i < COLUMNS; i++)
        table_cell(&table, "%s", titles[i]);
    for (size_t l = 0; l < net->layers; l++) {
        const struct layer_diagnostics *layer = &net->layer[l];
        if (l + 1 < net->layers)
            table_cell(&table, "%zu", l);
        else
            table_cell(&table, "output");
        number_cell(&table, layer->weight_norm);
        number_cell(&table, layer->gradient_norm);
        number_cell(&table, layer->update_ratio);
        number_cell(&table, layer->activation_mean);
        number_cell(&table, layer->activation_deviation);
        share_cell(&table, layer->dead);
        share_cell(&table, layer->saturated);
    }
    table_print(&table, 2, out);
}
