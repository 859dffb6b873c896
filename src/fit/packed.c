#include "fit/packed.h"

#include <stdatomic.h>

#include "base/mem.h"

static struct weight_shape shape_of(const struct model *model, size_t i) {
    const struct parameter *p = &model->parameter[i];
    return (struct weight_shape){p->in, p->out, p->stride,
                                 tape_one_way(model->tape, tape_parameter(model->tape, i)->node)};
}

/* Bytes of parameter i. */
static size_t bytes_of(const struct model *model, const struct products *products, size_t i) {
    const struct weight_shape shape = shape_of(model, i);
    return model->parameter[i].kind == PARAMETER_WEIGHT ? products->weight_bytes(&shape) : 0;
}

size_t packed_bytes(const struct model *model, const struct kernel *kernel) {
    size_t bytes = 0;
    for (size_t i = 0; kernel->products && i < model->parameter_count; i++)
        bytes += bytes_of(model, kernel->products, i);
    return bytes;
}

bool packed_init(struct packed *p, const struct model *model, const struct kernel *kernel, struct err *err) {
    *p = (struct packed){.model = model, .products = kernel->products};
    if (!p->products)
        return true;
    p->memory = mem_alloc_aligned(packed_bytes(model, kernel), 1, "the packed weights", err);
    if (p->memory)
        p->weight = mem_alloc(model->parameter_count, sizeof *p->weight, "the packed weights", err);
    if (!p->weight)
        return false;
    unsigned char *next = p->memory;
    for (size_t i = 0; i < model->parameter_count; i++) {
        size_t bytes = bytes_of(model, p->products, i);
        p->weight[i] = bytes ? next : NULL;
        next += bytes;
    }
    return true;
}

void packed_release(struct packed *p) {
    mem_free(p->weight);
    mem_free(p->memory);
    *p = (struct packed){0};
}

/* Some rows and columns of parameter i. */
struct place {
    size_t i, row0, rows, col0, cols;
};

static struct place place_of(const struct packed *p, size_t t) {
    struct tape_tile tile = tape_tile(p->model->tape, t);
    const struct parameter *parameter = &p->model->parameter[tile.parameter];
    size_t at = tile.offset - parameter->offset;
    return (struct place){tile.parameter, at / parameter->stride, tile.rows, at % parameter->stride,
                          tile.cols};
}

static void pack(const struct packed *p, const real *theta, struct place at) {
    const struct parameter *parameter = &p->model->parameter[at.i];
    const struct weight_shape shape = shape_of(p->model, at.i);
    if (p->weight[at.i])
        p->products->pack_weight(&shape, at.row0, at.rows, at.col0, at.cols, theta + parameter->offset,
                                 p->weight[at.i]);
}

void packed_columns(const struct packed *p, const real *theta, size_t i, size_t first, size_t cols) {
    if (p->products)
        pack(p, theta, (struct place){i, 0, p->model->parameter[i].in, first, cols});
}

void packed_tile(const struct packed *p, const real *theta, size_t t) {
    if (p->products)
        pack(p, theta, place_of(p, t));
}

struct pack_job {
    const struct packed *p;
    const real *theta;
    atomic_size_t next; /* tile */
};

static void pack_job(void *arg, size_t rank, size_t size) {
    struct pack_job *job = arg;
    (void)rank, (void)size;
    for (size_t t; (t = atomic_fetch_add(&job->next, 1)) < tape_tiles(job->p->model->tape);)
        packed_tile(job->p, job->theta, t);
}

void packed_all(const struct packed *p, struct team *team, const real *theta) {
    struct pack_job job = {.p = p, .theta = theta};
    if (p->products)
        team_run(team, pack_job, &job);
}
