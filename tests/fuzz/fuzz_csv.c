/* A table, plain or gzip. The first byte says how it is read: two bits each for what its labels are, the
 * header and the delimiter. */
#include <math.h>
#include <string.h>

#include "data/columns.h"
#include "data/csv.h"
#include "data/table.h"
#include "fuzz.h"

static char name_y[] = "y", name_b[] = "b";
static struct column last = {.number = -1}, named = {.name = name_y},
                     both[] = {{.number = 0}, {.name = name_b}};

static const struct data_files wishes[] = {
    {.ignore = {&named, 1}},
    {.label = {&last, 1}},
    {.target = {&named, 1}},
    {.target = {both, 2}, .ignore = {&named, 1}},
};

static const int headers[] = {HEADER_AUTO, HEADER_NO, HEADER_YES, HEADER_AUTO};
static const char delimiters[] = {0, ',', ';', '\t'};

/* Every byte is looked at, and those of a number are that number. */
static void check_field(struct csv_field *field) {
    unsigned sum = 0;
    for (size_t i = 0; i < field->len; i++)
        sum += (unsigned char)field->s[i];
    fuzz_sink = sum;
    if (!field->is_integer)
        return;
    uint32_t value = 0;
    MUST(field->len > 0 && field->len <= CSV_DIGITS);
    for (size_t i = 0; i < field->len; i++) {
        MUST(field->s[i] >= '0' && field->s[i] <= '9');
        value = 10 * value + (uint32_t)(field->s[i] - '0');
    }
    MUST(value == field->integer);
}

/* Whether all rows could be read; how many. */
static bool check_rows(const char *path, char delimiter, size_t *rows) {
    struct csv csv;
    struct err err = {0};
    bool more = true;
    *rows = 0;
    bool ok = csv_open(&csv, path, delimiter, &err);
    if (ok) {
        while ((ok = csv_next(&csv, &more, &err)) && more) {
            MUST(csv.fields > 0 && csv.line > 0);
            for (size_t i = 0; i < csv.fields; i++)
                check_field(&csv.field[i]);
            for (size_t i = 0; i < csv.fields; i++) {
                size_t len = csv.field[i].len;
                MUST(csv_text(&csv.field[i])[len] == '\0');
            }
            ++*rows;
        }
        csv_close(&csv);
    }
    if (!ok)
        fuzz_check_error(&err, ERR_DATA);
    return ok;
}

/* The classes that the labels are found to be hold all of them. */
static void check_classes(const struct table *t, const char *path, bool regression) {
    struct data_spec spec = {.label_column = -1};
    struct idx classes = {0};
    struct err err = {0};
    if (!table_name_classes(t, path, regression, &spec, &err)) {
        fuzz_check_error(&err, ERR_DATA);
        return;
    }
    MUST(table_classes(t, path, &spec, &classes, &err));
    size_t count = spec.class_count ? spec.class_count : t->label_count;
    const int32_t *cls = classes.values;
    for (size_t i = 0; i < t->features.rows; i++)
        MUST(cls[i] >= 0 && (size_t)cls[i] < count);
    idx_release(&classes);
    strings_free(spec.class_names, spec.class_count);
}

static void check_table(const struct table *t) {
    const float *x = t->features.values, *y = t->targets.values;
    for (size_t i = 0; i < t->features.rows * t->features.width; i++)
        MUST(isfinite(x[i]));
    for (size_t i = 0; y && i < t->targets.rows * t->targets.width; i++)
        MUST(isfinite(y[i]));
    for (size_t i = 0; t->feature && i < t->features.width; i++)
        MUST(t->feature[i]);
    for (size_t i = 0; t->label && i < t->features.rows; i++)
        MUST(t->label[i] < t->label_count && t->labels[t->label[i]].text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unsigned how = size ? data[0] : 0;
    static const struct data_spec none;
    struct data_files files = wishes[how & 3];
    files.header = headers[how >> 2 & 3];
    files.delimiter = delimiters[how >> 4 & 3];
    const struct table_wish wish = {.files = &files,
                                    .key = "data.train",
                                    .labelled = (how & 3) != 0,
                                    .inherited_ignore = true,
                                    .spec = &none};
    const char *path = size ? fuzz_file(0, data + 1, size - 1) : fuzz_file(0, "", 0);
    size_t rows;
    bool sound = check_rows(path, (char)files.delimiter, &rows);
    struct table table = {0};
    struct err err = {0};
    if (!table_read(path, &wish, &table, &err)) {
        fuzz_check_error(&err, err.kind == ERR_CONFIG ? ERR_CONFIG : ERR_DATA);
        return 0;
    }
    MUST(sound && (rows == table.features.rows || rows == table.features.rows + 1));
    check_table(&table);
    for (int regression = 0; table.label && regression < 2; regression++)
        check_classes(&table, path, regression);
    table_release(&table);
    return 0;
}
