/* Counter-based randomness: every number is a pure function of (seed, stream, epoch, sample, element), so it
 * does not depend on threads, batch slicing or resume. Philox4x32-10: Salmon, Moraes, Dror and Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3", SC 2011. */
#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H

#include <stdint.h>

/* Streams keep the uses apart. Their numbers are part of the numeric contract: append, never renumber. */
enum random_stream {
    STREAM_INIT = 1,    /* epoch: parameter number, sample: row, element: pair of columns */
    STREAM_SHUFFLE = 2, /* epoch, element: position */
    STREAM_SPLIT = 3,   /* sample: row of the training file */
    /* Of these a block is for four elements, f, f + 1, f + 2, f + 3; element: f / 4. */
    STREAM_DROPOUT = 4,       /* with the number of weight matrices before it; epoch; sample: row; f: unit */
    STREAM_INPUT_DROPOUT = 5, /* epoch; sample: row of the training file; f: feature */
    STREAM_INPUT_NOISE = 6,   /* the same */
    STREAM_WEIGHT_NOISE = 7,  /* as dropout's */
    STREAM_STEP_NOISE = 8,    /* with the parameter; epoch: step of the training; sample: unit; f: input */
    STREAM_AUGMENT = 9,       /* epoch, sample: row of the training file, element: see augment.c, elastic.c */
    STREAM_FOLDS = 10,        /* sample: row of the part */
    STREAM_BOOTSTRAP = 11,    /* epoch: resample, sample: 0 source, 1 target, element: pair of draws */
    STREAM_CENTERS = 12,      /* sample: 0 target, 1 source, element: position in the shuffle */
    STREAM_RESAMPLE = 13,     /* epoch: part, window; sample: row or draw, element: which */
    STREAM_RESERVOIR = 14,    /* sample: number in the stream */
    STREAM_SEED = 15,         /* the seed of a further model: epoch: what it is for, sample: which one */
    /* What no model depends on. */
    STREAM_CHECK = 255, /* epoch: direction or coordinate, sample: parameter number, element: which */
};

/* What the models of STREAM_SEED are for, as its epoch. Append, never renumber. */
enum random_purpose {
    PURPOSE_FOLD = 1,          /* sample: fold */
    PURPOSE_OTHER_FOLDS = 2,   /* no model: which fold's model predicts a row that none was trained on */
    PURPOSE_DISCRIMINATOR = 3, /* its folds and their models */
    PURPOSE_WINDOW = 16,       /* learning from a window of a stream; sample: window */
    PURPOSE_FRESH = 17,        /* a model of one window alone; the same */
    PURPOSE_RESET = 18,        /* starting anew at a window; the same */
};

/* The stream of one layer, of one parameter. */
static inline uint32_t random_stream_of(enum random_stream stream, uint32_t number) {
    return (uint32_t)stream | number << 8;
}

struct random_block {
    uint32_t v[4];
};

/* Philox's multipliers, and what its keys grow by from round to round. */
#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u
#define PHILOX_W0 0x9E3779B9u
#define PHILOX_W1 0xBB67AE85u

static inline struct random_block random_philox(uint64_t seed, uint32_t stream, uint32_t epoch,
                                                uint32_t sample, uint32_t element) {
    uint32_t c0 = stream, c1 = epoch, c2 = sample, c3 = element;
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)PHILOX_M0 * c0, p1 = (uint64_t)PHILOX_M1 * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1, c3 = (uint32_t)p0, c0 = n0, c2 = n2;
        k0 += PHILOX_W0, k1 += PHILOX_W1;
    }
    return (struct random_block){{c0, c1, c2, c3}};
}

/* 64 bits of a block (half 0 or 1). */
static inline uint64_t random_word(struct random_block b, int half) {
    return (uint64_t)b.v[2 * half] | (uint64_t)b.v[2 * half + 1] << 32;
}

/* The seed of a further model. */
static inline uint64_t random_seed(uint64_t seed, enum random_purpose purpose, uint32_t which) {
    return random_word(random_philox(seed, STREAM_SEED, (uint32_t)purpose, which, 0), 0);
}

/* Uniform in [0, 1) with 53 bits. */
static inline double random_unit(struct random_block b, int half) {
    return (double)(random_word(b, half) >> 11) * 0x1p-53;
}

/* A pair of independent standard normal deviates (Box and Muller 1958) in double precision. */
void random_normal_pair(struct random_block b, double out[2]);

#endif
