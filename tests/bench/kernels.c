/* kernels --data DIR [--threads N] [--precision NAME]: what the machine can do and how much of it the kernels
 * use, as JSON on standard output: the peak of every instruction set, the way of a cache line between
 * two threads, the three products of a layer on one thread and on N (2), and where the time of a training
 * step goes. DIR has MNIST's files. DLTRAIN_ISA chooses the kernels as it does for dltrain. Exit status as
 * dltrain's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/machine.h"
#include "base/mem.h"
#include "base/names.h"
#include "bench.h"

/* ---- measuring ---- */

static const double fill_seconds = 0.005;

double bench_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

double bench_median(double *sample, size_t n) {
    qsort(sample, n, sizeof *sample, ascending);
    return (sample[(n - 1) / 2] + sample[n / 2]) / 2;
}

static double seconds_of(void (*work)(void *arg), void *arg, size_t times) {
    double start = bench_now();
    for (size_t i = 0; i < times; i++)
        work(arg);
    return bench_now() - start;
}

double bench_rate(void (*work)(void *arg), void *arg, double amount) {
    size_t times = 1;
    while (seconds_of(work, arg, times) < fill_seconds)
        times *= 2;
    double sample[BENCH_SAMPLES];
    for (size_t i = 0; i < BENCH_SAMPLES; i++)
        sample[i] = amount * (double)times / seconds_of(work, arg, times);
    return bench_median(sample, BENCH_SAMPLES);
}

/* ---- the report ---- */

struct teams {
    struct team *team[3]; /* of one thread, of those asked for, of all the machine has */
    size_t count;
};

static bool teams_create(struct teams *t, size_t threads, struct err *err) {
    const size_t size[] = {1, threads, machine_processors()};
    for (size_t i = 0; i < 3; i++) {
        if ((i > 0 && size[i] == size[0]) || (i > 1 && size[i] == size[1]))
            continue;
        if (!(t->team[t->count] = team_create(size[i], err)))
            return false;
        t->count++;
    }
    return true;
}

static void teams_free(struct teams *t) {
    for (size_t i = 0; i < t->count; i++)
        team_free(t->team[i]);
}

static void write_peaks(const struct teams *t, enum precision precision, struct json_writer *w) {
    json_key(w, "peak");
    json_begin_array(w);
    const struct kernel *k;
    for (size_t i = 0; (k = kernel_of(precision, i)) != NULL; i++)
        for (size_t j = 0; k->supported() && j < t->count; j++) {
            double gflops = bench_peak(k->name, t->team[j]);
            if (gflops <= 0)
                continue;
            json_begin_object(w);
            json_key(w, "isa"), json_string(w, k->name);
            json_key(w, "threads"), json_uint(w, team_size(t->team[j]));
            json_key(w, "gflops"), json_number(w, gflops);
            json_end_object(w);
        }
    json_end_array(w);
}

static void write_machine(const struct kernel *k, struct json_writer *w) {
    json_key(w, "isa"), json_string(w, k->name);
    json_key(w, "precision"), json_string(w, precision_name(k->precision));
    json_key(w, "processors"), json_uint(w, machine_processors());
    json_key(w, "compiler");
#ifdef __clang__
    json_string(w, __VERSION__);
#else
    json_string(w, "gcc " __VERSION__);
#endif
}

static bool write_round_trip(struct json_writer *w, struct err *err) {
    double nanoseconds;
    json_key(w, "round_trip_ns");
    if (machine_processors() < 2)
        json_null(w);
    else if (bench_round_trip(&nanoseconds, err))
        json_number(w, nanoseconds);
    else
        return false;
    return true;
}

static bool write_products(const struct kernel *k, const struct teams *t, size_t threads,
                           struct json_writer *w, struct err *err) {
    json_key(w, "products");
    json_begin_array(w);
    bool ok = true;
    for (size_t i = 0; ok && i < t->count; i++)
        if (i == 0 || team_size(t->team[i]) == threads)
            ok = bench_products(k, t->team[i], bench_peak(k->name, t->team[i]), w, err);
    json_end_array(w);
    return ok;
}

static bool report(const char *data, size_t threads, enum precision precision, struct text *out,
                   struct err *err) {
    struct json_writer w = {.out = out, .indent = 1};
    const char *isa = getenv("DLTRAIN_ISA");
    const struct kernel *k = kernel_find(isa, precision, err);
    struct teams teams = {0};
    bool ok = k && teams_create(&teams, threads, err);
    json_begin_object(&w);
    if (ok) {
        write_machine(k, &w);
        write_peaks(&teams, precision, &w);
    }
    ok = ok && write_round_trip(&w, err) && write_products(k, &teams, threads, &w, err) &&
         bench_profile(data, isa, precision, &w, err);
    json_end_object(&w);
    text_add(out, "\n");
    teams_free(&teams);
    return ok && text_ok(out, err);
}

/* ---- the command line ---- */

static bool options(int argc, char **argv, const char **data, size_t *threads, int *precision) {
    char *end = argv[0] + strlen(argv[0]);
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc)
            return false;
        if (strcmp(argv[i], "--data") == 0)
            *data = argv[i + 1];
        else if (strcmp(argv[i], "--threads") == 0)
            *threads = strtoul(argv[i + 1], &end, 10);
        else if (strcmp(argv[i], "--precision") == 0)
            *precision = names_find(precision_name, argv[i + 1]);
        else
            return false;
    }
    return *data && *precision >= 0 && *end == '\0' && *threads >= 1 && *threads <= 1024;
}

int main(int argc, char **argv) {
    const char *data = NULL;
    size_t threads = machine_processors() < 2 ? 1 : 2;
    int precision = PRECISION_F32;
    if (!options(argc, argv, &data, &threads, &precision)) {
        fprintf(stderr, "usage: kernels --data DIR [--threads N] [--precision NAME]\n");
        return ERR_USAGE;
    }
    struct err err = {0};
    struct text out = {0};
    bool ok = report(data, threads, (enum precision)precision, &out, &err);
    if (ok)
        fputs(out.s, stdout);
    else
        fprintf(stderr, "kernels: error: %s\n", err.text);
    text_release(&out);
    return ok ? 0 : (int)err.kind;
}
