#include "run/answers.h"

#include <string.h>

#include "base/mem.h"

enum { PREDICTED, TRUE_CLASS, COLUMNS };

enum { BYTE_CLASSES = 256 };

/* ---- writing ---- */

static void fill(const struct data_part *part, const struct evaluation *e, struct idx *idx) {
    unsigned char *bytes = idx->values;
    int32_t *words = idx->values;
    for (size_t i = 0; i < e->samples; i++) {
        uint32_t cls[COLUMNS] = {
            [PREDICTED] = e->predicted[i], [TRUE_CLASS] = part->set->cls[data_row(part, i)]};
        for (size_t c = 0; c < COLUMNS; c++) {
            if (idx->type == IDX_U8)
                bytes[i * COLUMNS + c] = (unsigned char)cls[c];
            else
                words[i * COLUMNS + c] = (int32_t)cls[c];
        }
    }
}

bool answers_write(const struct folder *folder, const struct data_part *part, const struct evaluation *e,
                   struct err *err) {
    if (!e->predicted)
        return true;
    struct idx idx = {.type = e->classes <= BYTE_CLASSES ? IDX_U8 : IDX_I32,
                      .dims = 2,
                      .dim = {e->samples, COLUMNS},
                      .rows = e->samples,
                      .width = COLUMNS};
    idx.values = mem_alloc_aligned(e->samples, COLUMNS * idx_type_size(idx.type), "the predictions", err);
    char *path = idx.values ? folder_file(folder, "predictions.idx", err) : NULL;
    bool ok = path != NULL;
    if (ok)
        fill(part, e, &idx);
    ok = ok && idx_write(path, &idx, err);
    mem_free(path);
    idx_release(&idx);
    return ok;
}

/* ---- reading ---- */

static int32_t class_at(const struct answers *p, size_t row, size_t column) {
    size_t i = row * COLUMNS + column;
    if (p->file.type == IDX_U8)
        return ((const unsigned char *)p->file.values)[i];
    return ((const int32_t *)p->file.values)[i];
}

static bool check(const char *path, size_t rows, const struct answers *p, struct err *err) {
    const struct idx *f = &p->file;
    if ((f->type != IDX_U8 && f->type != IDX_I32) || f->dims != 2 || f->width != COLUMNS)
        return err_set(err, ERR_DATA, "%s: expected two columns of u8 or i32, found %zu of %s", path,
                       f->width, idx_type_name(f->type));
    if (f->rows != rows)
        return err_set(err, ERR_DATA, "%s: expected %zu rows, as summary.json has test samples, found %zu",
                       path, rows, f->rows);
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < COLUMNS; c++)
            if (class_at(p, i, c) < 0)
                return err_set(err, ERR_DATA, "%s: row %zu: expected a class, found %ld", path, i,
                               (long)class_at(p, i, c));
    return true;
}

bool answers_read(const char *path, size_t rows, struct answers *out, struct err *err) {
    struct answers p = {.rows = rows};
    if (!idx_read(path, &p.file, err))
        return false;
    if (!check(path, rows, &p, err)) {
        idx_release(&p.file);
        return false;
    }
    *out = p;
    return true;
}

void answers_release(struct answers *p) {
    idx_release(&p->file);
    p->rows = 0;
}

/* ---- counting ---- */

static bool is_right(const struct answers *p, size_t row) {
    return class_at(p, row, PREDICTED) == class_at(p, row, TRUE_CLASS);
}

size_t answers_right(const struct answers *p) {
    size_t right = 0;
    for (size_t i = 0; i < p->rows; i++)
        right += is_right(p, i);
    return right;
}

bool answers_comparable(const struct answers *a, const struct answers *b) {
    if (a->rows != b->rows)
        return false;
    for (size_t i = 0; i < a->rows; i++)
        if (class_at(a, i, TRUE_CLASS) != class_at(b, i, TRUE_CLASS))
            return false;
    return true;
}

struct discordance answers_discordance(const struct answers *first, const struct answers *second) {
    struct discordance d = {0};
    for (size_t i = 0; i < first->rows; i++) {
        bool a = is_right(first, i), b = is_right(second, i);
        d.first += a && !b;
        d.second += b && !a;
    }
    return d;
}
