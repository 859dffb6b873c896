#include "run/tensors.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are stored as they stand in memory");

static size_t parameter_size(const struct parameter *p) {
    return p->out * p->in;
}

/* The parameter as a tensor without bytes. */
static struct stored_tensor tensor_shape(const struct parameter *p) {
    struct stored_tensor t = {.name = p->name, .dtype = "F32", .dims = 1, .dim = {p->out}};
    if (p->kind == PARAMETER_WEIGHT) {
        t.dims = 2;
        t.dim[1] = p->in;
    }
    t.len = parameter_size(p) * sizeof(float);
    return t;
}

bool tensors_of(const struct model *model, struct tensors *out, struct err *err) {
    struct tensors t = {.count = model->parameter_count};
    t.tensor = mem_alloc(t.count, sizeof *t.tensor, "the list of tensors", err);
    t.values = t.tensor ? mem_alloc(model->trainable, sizeof(float), "a copy of the parameters", err) : NULL;
    if (!t.values) {
        mem_free(t.tensor);
        return false;
    }
    float *next = t.values;
    for (size_t i = 0; i < t.count; i++) {
        t.tensor[i] = tensor_shape(&model->parameter[i]);
        t.tensor[i].bytes = (const unsigned char *)next;
        model_get(model, i, next);
        next += parameter_size(&model->parameter[i]);
    }
    *out = t;
    return true;
}

void tensors_release(struct tensors *tensors) {
    mem_free(tensors->tensor);
    mem_free(tensors->values);
    *tensors = (struct tensors){0};
}

enum { SHAPE_TEXT = 24 * SAFETENSORS_MAX_DIMS };

/* "F32 [512, 784]" */
static const char *shape_text(const struct stored_tensor *t, char *buf, size_t size) {
    struct text text = {0};
    text_addf(&text, "%s [", t->dtype);
    for (size_t d = 0; d < t->dims; d++)
        text_addf(&text, "%s%zu", d ? ", " : "", t->dim[d]);
    text_add(&text, "]");
    size_t len = !text.s ? 0 : text.len < size ? text.len : size - 1;
    if (len)
        memcpy(buf, text.s, len);
    buf[len] = '\0';
    text_release(&text);
    return buf;
}

static bool same_shape(const struct stored_tensor *a, const struct stored_tensor *b) {
    return strcmp(a->dtype, b->dtype) == 0 && a->dims == b->dims &&
           memcmp(a->dim, b->dim, a->dims * sizeof a->dim[0]) == 0;
}

static bool fill_one(const struct safetensors *file, struct model *model, size_t i, float *values,
                     struct err *err) {
    const struct parameter *p = &model->parameter[i];
    struct stored_tensor expected = tensor_shape(p);
    const struct stored_tensor *found = safetensors_find(file, p->name);
    char want[SHAPE_TEXT], have[SHAPE_TEXT];
    shape_text(&expected, want, sizeof want);
    if (!found)
        return err_set(err, ERR_DATA, "tensor \"%s\" is missing: expected %s", p->name, want);
    if (!same_shape(&expected, found))
        return err_set(err, ERR_DATA, "tensor \"%s\": expected %s, found %s", p->name, want,
                       shape_text(found, have, sizeof have));
    memcpy(values, found->bytes, expected.len);
    for (size_t k = 0; k < parameter_size(p); k++)
        if (!isfinite(values[k]))
            return err_set(err, ERR_DATA, "tensor \"%s\": value %zu is not finite", p->name, k);
    model_set(model, i, values);
    return true;
}

static bool refuse_surplus(const struct safetensors *file, const struct model *model, struct err *err) {
    for (size_t t = 0; t < safetensors_count(file); t++) {
        const struct stored_tensor *found = safetensors_at(file, t);
        bool known = false;
        for (size_t i = 0; i < model->parameter_count && !known; i++)
            known = strcmp(found->name, model->parameter[i].name) == 0;
        char have[SHAPE_TEXT];
        if (!known)
            return err_set(err, ERR_DATA,
                           "tensor \"%s\", %s, is none of this model, which has %zu from \"%s\" to \"%s\"",
                           found->name, shape_text(found, have, sizeof have), model->parameter_count,
                           model->parameter[0].name, model->parameter[model->parameter_count - 1].name);
    }
    return true;
}

bool tensors_fill(const struct safetensors *file, struct model *model, struct err *err) {
    size_t largest = 1;
    for (size_t i = 0; i < model->parameter_count; i++)
        if (parameter_size(&model->parameter[i]) > largest)
            largest = parameter_size(&model->parameter[i]);
    float *values = mem_alloc(largest, sizeof *values, "a tensor", err);
    if (!values)
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < model->parameter_count; i++)
        ok = fill_one(file, model, i, values, err);
    mem_free(values);
    return ok && refuse_surplus(file, model, err);
}
