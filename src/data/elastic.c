#include "data/elastic.h"

#include <math.h>

#include "base/mem.h"
#include "kernel/dmath.h"
#include "kernel/random.h"

static double weight(size_t i, size_t j, double sigma) {
    double d = ((double)i - (double)j) / sigma;
    return dmath_exp(-d * d / 2);
}

/* The weights by which n neighbours make pixel i, of 2-norm `norm`: a weighted sum of independent numbers of
 * variance 1 has the sum of the squared weights as variance. Weight j goes to to[j * stride]. */
static void set_weights(size_t i, size_t n, double sigma, double norm, real *to, size_t stride) {
    double square = 0;
    for (size_t j = 0; j < n; j++)
        square += weight(i, j, sigma) * weight(i, j, sigma);
    for (size_t j = 0; j < n; j++)
        to[j * stride] = (real)(norm * weight(i, j, sigma) / sqrt(square));
}

bool elastic_init(struct elastic *e, const struct elastic_spec *spec, size_t height, size_t width,
                  struct err *err) {
    static const char what[] = "the weights of elastic displacements";
    *e = (struct elastic){.height = height, .width = width};
    e->padded = (width + KERNEL_LANES - 1) / KERNEL_LANES * KERNEL_LANES;
    e->down = mem_alloc_aligned(height, height * sizeof *e->down, what, err);
    e->across = e->down ? mem_alloc_aligned(width, e->padded * sizeof *e->across, what, err) : NULL;
    if (!e->across) {
        elastic_release(e);
        return false;
    }
    for (size_t r = 0; r < height; r++)
        set_weights(r, height, spec->sigma, 1, e->down + r * height, 1);
    for (size_t c = 0; c < width; c++)
        set_weights(c, width, spec->sigma, spec->alpha, e->across + c, e->padded);
    return true;
}

void elastic_release(struct elastic *e) {
    mem_free(e->down);
    mem_free(e->across);
    *e = (struct elastic){0};
}

size_t elastic_room(const struct elastic *e) {
    return 2 * e->height * e->padded;
}

/* The Gaussian is a product of one in x and one in y, so smoothing is two products of matrices, of which the
 * first takes both fields side by side and the second one below the other. Elements number the pairs of
 * pixels of a row, so that they do not depend on the padding. */
void elastic_draw(const struct elastic *e, const struct kernel *k, uint64_t seed, uint32_t epoch,
                  uint32_t row, real *spare, real *field) {
    size_t pairs = (e->width + 1) / 2, p = e->padded;
    for (size_t r = 0; r < e->height; r++) {
        real *at = field + 2 * r * p;
        k->normals(seed, STREAM_AUGMENT, epoch, row, (uint32_t)(ELASTIC_FIRST_ELEMENT + r * pairs), p, at,
                   at + p);
    }
    k->gemm(e->height, 2 * p, e->height, e->down, e->height, 1, field, 2 * p, spare, 2 * p, false);
    k->gemm(2 * e->height, p, e->width, spare, p, 1, e->across, p, field, p, false);
}
