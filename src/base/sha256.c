#include "base/sha256.h"

#include <stdbool.h>
#include <string.h>

/* FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t round_constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, int by) {
    return x >> by | x << (32 - by);
}

/* The message schedule W, FIPS 180-4, 6.2.2 step 1. */
static void schedule(uint32_t w[64], const unsigned char *block) {
    for (int t = 0; t < 16; t++, block += 4)
        w[t] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];
    for (int t = 16; t < 64; t++) {
        uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
}

static void blocks_portable(uint32_t state[8], const unsigned char *bytes, size_t count) {
    for (; count > 0; count--, bytes += 64) {
        uint32_t w[64];
        schedule(w, bytes);
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
        uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
        for (int t = 0; t < 64; t++) {
            uint32_t sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25), choice = (e & f) ^ (~e & g);
            uint32_t sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
            uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
            uint32_t t1 = h + sum1 + choice + round_constants[t] + w[t], t2 = sum0 + majority;
            h = g, g = f, f = e, e = d + t1;
            d = c, c = b, b = a, a = t1 + t2;
        }
        state[0] += a, state[1] += b, state[2] += c, state[3] += d;
        state[4] += e, state[5] += f, state[6] += g, state[7] += h;
    }
}

typedef void blocks_function(uint32_t state[8], const unsigned char *bytes, size_t count);

#if defined(__x86_64__) || defined(__i386__)

#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>

/* The instructions hold the state as the vectors ABEF and CDGH (highest word first) and make two rounds at a
 * time; w keeps the last 16 words of the schedule as four vectors. */
__attribute__((target("sha,sse4.1"))) static void blocks_sha_ni(uint32_t state[8], const unsigned char *bytes,
                                                                size_t count) {
    const __m128i swap_bytes = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i dcba = _mm_loadu_si128((const __m128i *)(const void *)state);
    __m128i hgfe = _mm_loadu_si128((const __m128i *)(const void *)(state + 4));
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xB1), efgh = _mm_shuffle_epi32(hgfe, 0x1B);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xF0);
    for (; count > 0; count--, bytes += 64) {
        __m128i abef_before = abef, cdgh_before = cdgh, w[4];
        for (int i = 0; i < 16; i++) {
            __m128i *words = &w[i % 4];
            if (i < 4) {
                *words = _mm_loadu_si128((const __m128i *)(const void *)(bytes + 16 * i));
                *words = _mm_shuffle_epi8(*words, swap_bytes);
            } else {
                __m128i w7 = _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4); /* W[t-7] */
                __m128i partial = _mm_add_epi32(_mm_sha256msg1_epu32(*words, w[(i + 1) % 4]), w7);
                *words = _mm_sha256msg2_epu32(partial, w[(i + 3) % 4]);
            }
            __m128i k = _mm_load_si128((const __m128i *)(const void *)(round_constants + 4 * i));
            __m128i sum = _mm_add_epi32(*words, k);
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    __m128i feba = _mm_shuffle_epi32(abef, 0x1B), dchg = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

static bool processor_has_sha(void) {
    unsigned a, b, c, d;
    bool sse = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1) != 0 && (c & bit_SSSE3) != 0;
    return sse && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA) != 0;
}

static blocks_function *fastest(void) {
    static atomic_int known; /* 0: not asked yet; cpuid is slow in virtual machines */
    int choice = atomic_load_explicit(&known, memory_order_relaxed);
    if (choice == 0) {
        choice = processor_has_sha() ? 2 : 1;
        atomic_store_explicit(&known, choice, memory_order_relaxed);
    }
    return choice == 2 ? blocks_sha_ni : blocks_portable;
}

#else

static blocks_function *fastest(void) {
    return blocks_portable;
}

#endif

void sha256_init(struct sha256 *h) {
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(h->state, start, sizeof start);
    h->bytes = 0;
}

void sha256_add(struct sha256 *h, const void *bytes, size_t len) {
    const unsigned char *p = bytes;
    size_t held = (size_t)(h->bytes % 64);
    h->bytes += len;
    if (held > 0) {
        size_t part = len < 64 - held ? len : 64 - held;
        if (part > 0)
            memcpy(h->block + held, p, part);
        if (held + part < 64)
            return;
        fastest()(h->state, h->block, 1);
        p += part;
        len -= part;
    }
    if (len >= 64)
        fastest()(h->state, p, len / 64);
    if (len % 64 > 0)
        memcpy(h->block, p + (len - len % 64), len % 64);
}

/* FIPS 180-4, 5.1.1: a one bit, zeros, and the length in bits as 64 bits, big-endian. */
static void pad(struct sha256 *h) {
    unsigned char padding[72] = {0x80};
    uint64_t bits = h->bytes * 8;
    size_t held = (size_t)(h->bytes % 64), zeros = held < 56 ? 56 - held : 120 - held;
    for (int i = 0; i < 8; i++)
        padding[zeros + (size_t)i] = (unsigned char)(bits >> (56 - 8 * i));
    sha256_add(h, padding, zeros + 8);
}

void sha256_hex(struct sha256 *h, char hex[SHA256_HEX]) {
    static const char digits[] = "0123456789abcdef";
    pad(h);
    for (int i = 0; i < 64; i++)
        hex[i] = digits[h->state[i / 8] >> (28 - 4 * (i % 8)) & 15];
    hex[64] = '\0';
}
