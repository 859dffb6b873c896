/* What the machine can do at best: sums of products from registers to registers, and a cache line from thread
 * to thread. */
#include "peak.h"

#include <stdatomic.h>
#include <string.h>

#include "bench.h"

/* ---- sums of products ---- */

static const struct {
    const char *name;
    peak_loop *loop;
} loops[] = {
#if defined __x86_64__
    {"avx2", peak_avx2},
    {"avx512", peak_avx512},
#if !REAL_IS_DOUBLE
    {"avx512_bf16", peak_avx512_bf16},
    {"amx", peak_amx},
#endif
#elif defined __aarch64__
    {"neon", peak_neon},
#endif
    {NULL, NULL},
};

struct peak {
    peak_loop *loop;
    struct team *team;
};

enum { ROUNDS = 100000 };

static double go_round(peak_loop *loop, size_t rounds) {
    _Alignas(64) real result[KERNEL_LANES * KERNEL_LANES];
    return loop(rounds, (real)0.5, result);
}

static void peak_job(void *arg, size_t rank, size_t size) {
    const struct peak *p = arg;
    (void)rank, (void)size;
    go_round(p->loop, ROUNDS);
}

static void peak_work(void *arg) {
    struct peak *p = arg;
    team_run(p->team, peak_job, p);
}

double bench_peak(const char *name, struct team *team) {
    for (size_t i = 0; loops[i].name; i++) {
        if (strcmp(loops[i].name, name) != 0)
            continue;
        struct peak p = {loops[i].loop, team};
        double operations = go_round(p.loop, ROUNDS) * (double)team_size(team);
        return bench_rate(peak_work, &p, operations) * 1e-9;
    }
    return 0;
}

/* ---- a cache line ---- */

enum { TRIPS = 20000 };

struct ball {
    _Alignas(128) atomic_size_t at; /* even: at member 0 */
};

/* Member 0 makes it odd, member 1 makes it even. */
static void trip_job(void *arg, size_t rank, size_t size) {
    struct ball *ball = arg;
    (void)size;
    for (size_t i = 0; i < TRIPS; i++) {
        size_t mine = 2 * i + rank;
        while (atomic_load_explicit(&ball->at, memory_order_acquire) != mine)
            ;
        atomic_store_explicit(&ball->at, mine + 1, memory_order_release);
    }
}

bool bench_round_trip(double *nanoseconds, struct err *err) {
    struct team *team = team_create(2, err);
    if (!team)
        return false;
    double sample[BENCH_SAMPLES];
    for (size_t i = 0; i < BENCH_SAMPLES; i++) {
        struct ball ball = {0};
        double start = bench_now();
        team_run(team, trip_job, &ball);
        sample[i] = (bench_now() - start) * 1e9 / TRIPS;
    }
    *nanoseconds = bench_median(sample, BENCH_SAMPLES);
    team_free(team);
    return true;
}
