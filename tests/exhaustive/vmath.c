/* vmath [STRIDE]: holds the float functions of src/kernel/vmath.inc against double-precision references over
 * all 2^32 bit patterns (every STRIDE-th of them), and the bits of every instruction set that this processor
 * has against the scalar version. Prints the largest error of each function and where it is, and a digest of
 * all its values, which must be the same on every machine and from every compiler. Exit status 1: an error is
 * larger than allowed or bits differ; 2: wrong command line or no thread. */
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmath_set.h"

enum { BLOCK = 4096, MAX_THREADS = 64 };

static double reference_sigmoid(double x) {
    double e = exp(-fabs(x));
    return (x < 0 ? e : 1) / (1 + e);
}

static double reference_softplus(double x) {
    return (x < 0 ? 0 : x) + log1p(exp(-fabs(x)));
}

static double reference_normal_cdf(double x) {
    return 0.5 * erfc(-x * 0x1.6a09e667f3bcdp-1);
}

static double reference_normal_pdf(double x) {
    return 0x1.9884533d43651p-2 * exp(-0.5 * x * x);
}

static const struct {
    const char *name;
    double (*reference)(double);
    double allowed;
} functions[VMATH_FUNCTION_COUNT] = {
#define X(name, reference, allowed) {#name, reference, allowed},
    VMATH_FUNCTION_LIST(X)
#undef X
};

/* The sets besides the scalar one that this processor has, ended by NULL. */
static const struct vmath_set *const *other_sets(void) {
    static const struct vmath_set *found[3];
    size_t n = 0;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        found[n++] = &vmath_avx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        found[n++] = &vmath_avx512;
#elif defined __aarch64__
    found[n++] = &vmath_neon;
#endif
    found[n] = NULL;
    return found;
}

/* |got - expected| in units in the last place of a float at `expected`. An infinity counts as the number that
 * follows FLT_MAX; where one is not a number and the other is, or a zero has the wrong sign, the error is
 * infinite. */
static double error_in_ulp(float got, double expected) {
    if (isnan(got) || isnan(expected))
        return isnan(got) && isnan(expected) ? 0 : (double)INFINITY;
    if (expected == 0 && got == 0)
        return !signbit(got) == !signbit(expected) ? 0 : (double)INFINITY;
    double limit = 0x1p128, g = isinf(got) ? copysign(limit, (double)got) : (double)got;
    double e = fmin(fmax(expected, -limit), limit);
    double magnitude = fmin(fmax(fabs(e), (double)FLT_MIN), (double)FLT_MAX);
    uint64_t bits;
    memcpy(&bits, &magnitude, sizeof bits);
    bits = (uint64_t)(2 * 1023 + FLT_MANT_DIG - 1) - (bits >> 52); /* 1 / ulp is a power of two */
    bits <<= 52;
    double per_ulp;
    memcpy(&per_ulp, &bits, sizeof per_ulp);
    return fabs(g - e) * per_ulp;
}

struct outcome {
    double error; /* the largest */
    float input, got;
    uint64_t digest; /* a sum, so that threads may add in any order */
};

struct worker {
    uint64_t stride, first, step; /* the blocks first, first + step, ... of BLOCK inputs */
    struct outcome outcome[VMATH_FUNCTION_COUNT];
    uint64_t differences; /* of an instruction set from the scalar version */
};

static bool same_bits(float a, float b) {
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

/* A NaN's payload is not part of the contract. */
static void compare_sets(struct worker *w, size_t f, const float *x, const float *expected) {
    for (const struct vmath_set *const *set = other_sets(); *set; set++) {
        float y[BLOCK];
        (*set)->function[f](BLOCK, x, y);
        if (memcmp(y, expected, sizeof y) == 0)
            continue;
        for (size_t i = 0; i < BLOCK; i++) {
            if (same_bits(y[i], expected[i]))
                continue;
            if (w->differences++ == 0)
                fprintf(stderr, "%s %s(%a) = %a, scalar %a\n", (*set)->name, functions[f].name, (double)x[i],
                        (double)y[i], (double)expected[i]);
        }
    }
}

/* Adds the values y of the inputs x of function f to what is known of it. */
static void judge(struct outcome *o, size_t f, const float *x, const float *y) {
    for (size_t i = 0; i < BLOCK; i++) {
        double error = error_in_ulp(y[i], functions[f].reference((double)x[i]));
        if (error > o->error) {
            o->error = error;
            o->input = x[i];
            o->got = y[i];
        }
        uint32_t in, out;
        memcpy(&in, &x[i], sizeof in);
        memcpy(&out, &y[i], sizeof out);
        o->digest += (2 * (uint64_t)in + 1) * (isnan(y[i]) ? UINT32_MAX : out);
    }
}

static void *work(void *data) {
    struct worker *w = data;
    uint64_t inputs = ((UINT64_C(1) << 32) + w->stride - 1) / w->stride;
    for (uint64_t block = w->first; block * BLOCK < inputs; block += w->step) {
        float x[BLOCK], y[BLOCK];
        for (size_t i = 0; i < BLOCK; i++) {
            uint32_t bits = (uint32_t)((block * BLOCK + i) * w->stride);
            memcpy(&x[i], &bits, sizeof bits);
        }
        for (size_t f = 0; f < VMATH_FUNCTION_COUNT; f++) {
            vmath_scalar.function[f](BLOCK, x, y);
            compare_sets(w, f, x, y);
            judge(&w->outcome[f], f, x, y);
        }
    }
    return NULL;
}

/* Prints the table; true where everything is as it should be. */
static bool report(const struct worker *workers, size_t n) {
    bool good = true;
    printf("%-12s %8s %8s  %-16s  %s\n", "function", "max ulp", "allowed", "digest", "worst");
    for (size_t f = 0; f < VMATH_FUNCTION_COUNT; f++) {
        struct outcome all = {0};
        uint64_t digest = 0;
        for (size_t t = 0; t < n; t++) {
            digest += workers[t].outcome[f].digest;
            if (workers[t].outcome[f].error > all.error)
                all = workers[t].outcome[f];
        }
        bool fine = all.error <= functions[f].allowed;
        printf("%-12s %8.4f %8.2f  %016llx  f(%a) = %a%s\n", functions[f].name, all.error,
               functions[f].allowed, (unsigned long long)digest, (double)all.input, (double)all.got,
               fine ? "" : "  TOO LARGE");
        good = good && fine;
    }
    uint64_t differences = 0;
    for (size_t t = 0; t < n; t++)
        differences += workers[t].differences;
    printf("bits that differ from scalar:");
    for (const struct vmath_set *const *set = other_sets(); *set; set++)
        printf(" %s", (*set)->name);
    printf(": %llu\n", (unsigned long long)differences);
    return good && differences == 0;
}

int main(int argc, char **argv) {
    char *end = NULL;
    unsigned long long stride = argc > 1 ? strtoull(argv[1], &end, 10) : 1;
    if (argc > 2 || (argc == 2 && (end == argv[1] || *end)) || stride == 0 || stride > UINT32_MAX) {
        fprintf(stderr, "usage: vmath [STRIDE]\n");
        return 2;
    }
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = processors < 1 ? 1 : processors > MAX_THREADS ? MAX_THREADS : (size_t)processors;
    static struct worker workers[MAX_THREADS];
    pthread_t threads[MAX_THREADS];
    for (size_t t = 0; t < n; t++) {
        workers[t] = (struct worker){.stride = stride, .first = t, .step = n};
        if (pthread_create(&threads[t], NULL, work, &workers[t]) != 0) {
            fprintf(stderr, "vmath: cannot start a thread\n");
            return 2;
        }
    }
    for (size_t t = 0; t < n; t++)
        pthread_join(threads[t], NULL);
    return report(workers, n) ? 0 : 1;
}
