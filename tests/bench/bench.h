/* What the parts of the kernels benchmark share. Each part measures one thing and writes it as JSON. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>

#include "base/err.h"
#include "base/json.h"
#include "base/team.h"
#include "kernel/kernel.h"

/* Samples of whatever is measured; its median is reported. */
enum { BENCH_SAMPLES = 7 };

/* Seconds of the monotonic clock. */
double bench_now(void);

/* The samples in ascending order afterwards. */
double bench_median(double *sample, size_t n);

/* The median rate of a piece of work that does `amount` when it is run once, in amount per second: it is run
 * as often as it takes to fill some milliseconds, BENCH_SAMPLES times. */
double bench_rate(void (*work)(void *arg), void *arg, double amount);

/* GFLOP/s of sums of products from registers to registers for the instruction set called name, on all members
 * of the team; 0 where this build has no such loop. */
double bench_peak(const char *name, struct team *team);

/* Nanoseconds that a cache line takes to another thread and back. */
bool bench_round_trip(double *nanoseconds, struct err *err) MUST_CHECK;

/* A row for each layer, batch and product: an array of objects. peak: GFLOP/s of this team. */
bool bench_products(const struct kernel *k, struct team *team, double peak, struct json_writer *w,
                    struct err *err) MUST_CHECK;

/* Where the time of a training step goes, on one thread; data: a folder with MNIST's files. */
bool bench_profile(const char *data, const char *isa, enum precision precision, struct json_writer *w,
                   struct err *err) MUST_CHECK;

#endif
