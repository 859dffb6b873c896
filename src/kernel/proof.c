#include "kernel/proof.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { IN = 64, OUT = 16, KINDS = 10, POOL = 1024, MOST_BYTES = 8448 };

/* Exponents of both factors, and of what is added to, from `least` on, as a float stores them; of four
 * numbers `zeros` are 0. */
static const struct kind {
    uint32_t least[3], range, zeros;
    enum { PLAIN, CANCELLING, BORDER } terms;
} kinds[KINDS] = {
    {{124, 124, 125}, 4, 0, PLAIN},      /* ordinary */
    {{87, 87, 87}, 80, 0, PLAIN},        /* from far below a sum to far above it */
    {{127, 127, 120}, 1, 0, CANCELLING}, /* of one exponent, */
    {{126, 127, 120}, 3, 0, CANCELLING}, /* and of several */
    {{0, 120, 0}, 2, 0, PLAIN},          /* subnormal weights, */
    {{120, 0, 0}, 2, 0, PLAIN},          /* and inputs */
    {{61, 61, 0}, 5, 0, PLAIN},          /* products below 2^-126, of which some sums are above */
    {{63, 64, 0}, 2, 0, CANCELLING},     /* sums about 2^-126 */
    {{64, 64, 1}, 1, 0, BORDER},         /* and just below it, but not when they are rounded */
    {{100, 100, 80}, 40, 3, PLAIN},      /* sparse */
};

enum { WEIGHTS, INPUTS, ADDENDS };

struct scene {
    _Alignas(PACKED_ALIGN) real w[IN * OUT];
    _Alignas(PACKED_ALIGN) real x[IN * PACKED_LANES], dz[OUT * PACKED_LANES], z[OUT * PACKED_LANES],
        addend[IN * PACKED_LANES], dx[IN * PACKED_LANES];
    _Alignas(PACKED_ALIGN) unsigned char weight[MOST_BYTES], scratch[MOST_BYTES], kept[MOST_BYTES];
};

/* A number of a kind. term: where it stands in its sum. Where they cancel, terms of a chain are opposite, two
 * and two; at the border every other one is 2^-126, and those between them are -2^-152. */
static real number(const struct kind *kind, int factor, uint32_t random, size_t term) {
    bool other = term / 2 % 2;
    uint32_t exponent = kind->least[factor] + (random >> 24) % kind->range, low = random & 0x7fffff;
    uint32_t negative = random >> 31;
    if ((random >> 8) % 4 < kind->zeros)
        return 0;
    if (kind->terms == CANCELLING)
        low &= 0x30000, negative = factor == WEIGHTS && other;
    if (kind->terms == BORDER)
        low = 0, exponent -= other ? 13 : 0, negative = factor == WEIGHTS && other;
    uint32_t bits = negative << 31 | exponent << 23 | low;
    float x;
    memcpy(&x, &bits, sizeof x);
    return (real)x;
}

static void fill(const struct kind *kind, int factor, const uint32_t *pool, size_t terms, size_t width,
                 real *to) {
    for (size_t i = 0; i < terms * width; i++)
        to[i] = number(kind, factor, pool[(i * 7 + (size_t)factor) % POOL], i / width);
}

static bool fits(const struct products *p, const struct weight_shape *shape) {
    return p->weight_bytes(shape) <= MOST_BYTES && p->scratch_bytes(IN) <= MOST_BYTES &&
           p->input_bytes(IN) <= MOST_BYTES && p->cotangent_bytes(OUT) <= MOST_BYTES;
}

/* z and dx. */
static void run(const struct products *p, const struct weight_shape *shape, struct scene *s) {
    const struct product_slice slice = {.lanes = PACKED_LANES, .samples = PACKED_LANES};
    memset(s->weight, 0, sizeof s->weight);
    p->pack_weight(shape, 0, IN, 0, OUT, s->w, s->weight);
    p->pack_input(IN, &slice, s->x, s->scratch, NULL);
    p->forward(shape, PACKED_LANES, s->weight, s->scratch, s->z);
    memcpy(s->dx, s->addend, sizeof s->dx);
    p->pack_cotangent(OUT, &slice, s->dz, s->scratch, s->kept);
    p->backward(shape, PACKED_LANES, s->weight, s->scratch, s->dx, true);
    if (p->rest)
        p->rest();
}

/* A zero may have either sign. */
static bool equal(size_t n, const real *a, const real *b) {
    for (size_t i = 0; i < n; i++)
        if (memcmp(&a[i], &b[i], sizeof *a) != 0 && (a[i] != 0 || b[i] != 0))
            return false;
    return true;
}

bool products_agree(const struct products *products, const struct products *reference) {
    struct scene here, there;
    const struct weight_shape shape = {IN, OUT, OUT, false};
    uint32_t pool[POOL], state = 1;
    assert(fits(products, &shape) && fits(reference, &shape));
    for (size_t i = 0; i < POOL; i++) { /* Numerical Recipes' generator; its upper half is the better one */
        state = state * 1664525u + 1013904223u;
        pool[i] = state ^ state >> 16;
    }
    for (int kind = 0; kind < KINDS; kind++) {
        fill(&kinds[kind], WEIGHTS, pool, IN, OUT, here.w);
        fill(&kinds[kind], INPUTS, pool, IN, PACKED_LANES, here.x);
        fill(&kinds[kind], INPUTS, pool, OUT, PACKED_LANES, here.dz);
        fill(&kinds[kind], ADDENDS, pool, IN, PACKED_LANES, here.addend);
        memcpy(there.w, here.w, sizeof here.w);
        memcpy(there.x, here.x, sizeof here.x);
        memcpy(there.dz, here.dz, sizeof here.dz);
        memcpy(there.addend, here.addend, sizeof here.addend);
        run(products, &shape, &here);
        run(reference, &shape, &there);
        if (!equal(OUT * PACKED_LANES, here.z, there.z) || !equal(IN * PACKED_LANES, here.dx, there.dx))
            return false;
    }
    return true;
}
