#include "kernel/proof.h"

#include <stdint.h>
#include <string.h>

enum { IN = 64, OUT = 16, KINDS = 9, POOL = 1024, MOST_BYTES = 16384 };

/* Exponents of both factors from `least` on, as a float stores them; of four numbers `zeros` are 0. */
static const struct kind {
    uint32_t least[2], range, zeros;
    enum { PLAIN, CANCELLING, BORDER } terms;
} kinds[KINDS] = {
    {{124, 124}, 4, 0, PLAIN},      /* ordinary */
    {{87, 87}, 80, 0, PLAIN},       /* from far below a sum to far above it */
    {{127, 127}, 1, 0, CANCELLING}, /* of one exponent, */
    {{126, 127}, 3, 0, CANCELLING}, /* and of several */
    {{0, 120}, 2, 0, PLAIN},        /* subnormal */
    {{61, 61}, 5, 0, PLAIN},        /* products below 2^-126, of which some sums are above */
    {{63, 64}, 2, 0, CANCELLING},   /* sums about 2^-126 */
    {{64, 64}, 1, 0, BORDER},       /* and just below it, but not when they are rounded */
    {{100, 100}, 40, 3, PLAIN},     /* sparse */
};

struct scene {
    _Alignas(PACKED_ALIGN) real w[IN * OUT];
    _Alignas(PACKED_ALIGN) real x[IN * PACKED_LANES], dz[OUT * PACKED_LANES], z[OUT * PACKED_LANES],
        dx[IN * PACKED_LANES];
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
        low &= 0x30000, negative = factor == 0 && other;
    if (kind->terms == BORDER)
        low = 0, exponent -= other ? 13 : 0, negative = factor == 0 && other;
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

/* z and dx, where dx is added to the inputs. */
static void run(const struct products *p, const struct weight_shape *shape, struct scene *s) {
    memset(s->weight, 0, sizeof s->weight);
    p->pack_weight(shape, 0, IN, 0, OUT, s->w, s->weight);
    p->pack_input(IN, s->x, s->scratch, NULL);
    p->forward(shape, s->weight, s->scratch, s->z);
    memcpy(s->dx, s->x, sizeof s->dx);
    p->pack_cotangent(OUT, s->dz, s->scratch, s->kept);
    p->backward(shape, s->weight, s->scratch, s->dx, true);
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
    static struct scene here, there;
    const struct weight_shape shape = {IN, OUT, OUT, false};
    uint32_t pool[POOL], state = 1;
    if (!fits(products, &shape) || !fits(reference, &shape))
        return false;
    for (size_t i = 0; i < POOL; i++) { /* Numerical Recipes' generator; its upper half is the better one */
        state = state * 1664525u + 1013904223u;
        pool[i] = state ^ state >> 16;
    }
    for (int kind = 0; kind < KINDS; kind++) {
        fill(&kinds[kind], 0, pool, IN, OUT, here.w);
        fill(&kinds[kind], 1, pool, IN, PACKED_LANES, here.x);
        fill(&kinds[kind], 1, pool, OUT, PACKED_LANES, here.dz);
        memcpy(there.w, here.w, sizeof here.w);
        memcpy(there.x, here.x, sizeof here.x);
        memcpy(there.dz, here.dz, sizeof here.dz);
        run(products, &shape, &here);
        run(reference, &shape, &there);
        if (!equal(OUT * PACKED_LANES, here.z, there.z) || !equal(IN * PACKED_LANES, here.dx, there.dx))
            return false;
    }
    return true;
}
