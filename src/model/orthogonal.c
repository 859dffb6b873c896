#include "model/orthogonal.h"

#include <math.h>

#include "base/mem.h"
#include "kernel/random.h"

/* The vectors are the columns of a row-major array [length][count], so that the projections on vector k of
 * all later vectors are formed side by side, each as one ascending sum: the same bits for any number of
 * threads. */
struct basis {
    double *a;
    double *projection; /* [count] */
    size_t length, count;
    struct team *team;
};

static void normalise(struct basis *b, size_t k) {
    double square = 0;
    for (size_t i = 0; i < b->length; i++)
        square += b->a[i * b->count + k] * b->a[i * b->count + k];
    double scale = square > 0 ? 1 / sqrt(square) : 0;
    for (size_t i = 0; i < b->length; i++)
        b->a[i * b->count + k] *= scale;
}

/* Takes the part along vector k out of this thread's share of the later vectors. */
static void project(struct basis *b, size_t k, size_t rank, size_t size) {
    size_t later = b->count - k - 1;
    size_t begin = k + 1 + later * rank / size, end = k + 1 + later * (rank + 1) / size;
    for (size_t j = begin; j < end; j++)
        b->projection[j] = 0;
    for (size_t i = 0; i < b->length; i++) {
        const double *row = b->a + i * b->count;
        for (size_t j = begin; j < end; j++)
            b->projection[j] += row[k] * row[j];
    }
    for (size_t i = 0; i < b->length; i++) {
        double *row = b->a + i * b->count;
        for (size_t j = begin; j < end; j++)
            row[j] -= row[k] * b->projection[j];
    }
}

/* Modified Gram-Schmidt, twice: the second pass removes what rounding left in the first ("twice is enough",
 * Kahan). */
static void orthonormalise(void *arg, size_t rank, size_t size) {
    struct basis *b = arg;
    for (int pass = 0; pass < 2; pass++)
        for (size_t k = 0; k < b->count; k++) {
            if (rank == 0)
                normalise(b, k);
            team_barrier(b->team);
            project(b, k, rank, size);
            team_barrier(b->team);
        }
}

bool orthogonal_draw(const struct init_target *t, uint64_t seed, struct team *team, struct err *err) {
    bool wide = t->out <= t->in; /* the rows are the vectors */
    struct basis b = {NULL, NULL, wide ? t->in : t->out, wide ? t->out : t->in, team};
    size_t total;
    if (!mem_mul(b.length, b.count, &total))
        return err_set(err, ERR_SYSTEM, "out of memory for an orthogonal matrix of %zu x %zu", t->out, t->in);
    b.a = mem_alloc(total, sizeof *b.a, "an orthogonal matrix", err);
    b.projection = b.a ? mem_alloc(b.count, sizeof *b.projection, "an orthogonal matrix", err) : NULL;
    if (b.projection) {
        for (size_t i = 0; i < b.length; i++)
            for (size_t k = 0; k < b.count; k += 2) {
                double pair[2];
                random_normal_pair(
                    random_philox(seed, STREAM_INIT, t->number, (uint32_t)i, (uint32_t)(k / 2)), pair);
                for (size_t half = 0; half < 2 && k + half < b.count; half++)
                    b.a[i * b.count + k + half] = pair[half];
            }
        team_run(team, orthonormalise, &b);
        for (size_t i = 0; i < t->in; i++)
            for (size_t o = 0; o < t->out; o++)
                t->values[i * t->stride + o] = (real)b.a[wide ? i * b.count + o : o * b.count + i];
    }
    bool ok = b.projection != NULL;
    mem_free(b.a);
    mem_free(b.projection);
    return ok;
}
