#include "base/team.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "base/machine.h"
#include "base/mem.h"

/* A number that members wait on: they spin for a while, because a step's phases follow each other within
 * microseconds, and then sleep, because the machine may be shared. */
struct gate {
    atomic_uint value;
    atomic_uint sleepers;
    pthread_mutex_t mutex;
    pthread_cond_t opened;
};

struct team {
    size_t size;
    bool spin;
    team_job *job;
    void *arg;
    bool quit;
    struct gate start;   /* value: number of jobs started */
    struct gate done;    /* value: number of jobs finished */
    struct gate barrier; /* value: number of barriers passed */
    atomic_size_t running, arrived;
    pthread_t *thread;
    struct member {
        struct team *team;
        size_t rank;
    } * member;
};

/* How long a member looks before it sleeps. To be woken takes 50 microseconds and more in a virtual machine,
 * so a step's phases, some hundred microseconds each, must not get that far; a machine that is shared loses
 * no more than this. Members that wait at the same time meet within microseconds. Who still waits then
 * probably shares its processor with the one it waits for, or with another program, and offers it: without
 * that, a step took a hundred times as long when two members were on one processor. The clock is read after
 * every LOOKS looks, without a system call. */
enum { SPIN_NANOSECONDS = 1000000, YIELD_NANOSECONDS = 10000, LOOKS = 64 };

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pause_processor(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void gate_init(struct gate *g) {
    atomic_init(&g->value, 0);
    atomic_init(&g->sleepers, 0);
    pthread_mutex_init(&g->mutex, NULL);
    pthread_cond_init(&g->opened, NULL);
}

static void gate_release(struct gate *g) {
    pthread_cond_destroy(&g->opened);
    pthread_mutex_destroy(&g->mutex);
}

/* A sleeper counts itself before it looks at the value, the opener changes the value before it looks at the
 * sleepers; both sequentially consistent, so one of them sees the other. */
static void gate_open(struct gate *g) {
    atomic_fetch_add(&g->value, 1);
    if (atomic_load(&g->sleepers) == 0)
        return;
    pthread_mutex_lock(&g->mutex);
    pthread_cond_broadcast(&g->opened);
    pthread_mutex_unlock(&g->mutex);
}

/* Whether the gate opened while this member looked. */
static bool gate_opens(struct gate *g, unsigned old) {
    uint64_t began = 0;
    for (;;) {
        for (int i = 0; i < LOOKS; i++) {
            if (atomic_load_explicit(&g->value, memory_order_acquire) != old)
                return true;
            pause_processor();
        }
        uint64_t time = now();
        if (began == 0)
            began = time;
        else if (time - began >= SPIN_NANOSECONDS)
            return false;
        else if (time - began >= YIELD_NANOSECONDS)
            sched_yield();
    }
}

static void gate_wait(struct gate *g, unsigned old, bool spin) {
    if (spin && gate_opens(g, old))
        return;
    pthread_mutex_lock(&g->mutex);
    atomic_fetch_add(&g->sleepers, 1);
    while (atomic_load(&g->value) == old)
        pthread_cond_wait(&g->opened, &g->mutex);
    atomic_fetch_sub(&g->sleepers, 1);
    pthread_mutex_unlock(&g->mutex);
}

static void *member_main(void *arg) {
    const struct member *self = arg;
    struct team *team = self->team;
    for (unsigned jobs = 0;; jobs++) {
        gate_wait(&team->start, jobs, team->spin);
        if (team->quit)
            return NULL;
        team->job(team->arg, self->rank, team->size);
        if (atomic_fetch_sub(&team->running, 1) == 1)
            gate_open(&team->done);
    }
}

static void stop_members(struct team *team, size_t count) {
    team->quit = true;
    gate_open(&team->start);
    for (size_t i = 0; i < count; i++)
        pthread_join(team->thread[i], NULL);
}

static void team_release(struct team *team) {
    gate_release(&team->start);
    gate_release(&team->done);
    gate_release(&team->barrier);
    mem_free(team->thread);
    mem_free(team->member);
    mem_free(team);
}

struct team *team_create(size_t size, struct err *err) {
    struct team *team = mem_alloc(1, sizeof *team, "the threads", err);
    if (!team)
        return NULL;
    team->size = size;
    /* With more members than processors a spinning member takes the processor from the one it waits for. */
    team->spin = size <= machine_processors();
    gate_init(&team->start);
    gate_init(&team->done);
    gate_init(&team->barrier);
    team->thread = mem_alloc(size, sizeof *team->thread, "the threads", err);
    team->member = team->thread ? mem_alloc(size, sizeof *team->member, "the threads", err) : NULL;
    if (!team->member) {
        team_release(team);
        return NULL;
    }
    for (size_t i = 0; i + 1 < size; i++) {
        team->member[i] = (struct member){team, i + 1};
        if (pthread_create(&team->thread[i], NULL, member_main, &team->member[i]) != 0) {
            stop_members(team, i);
            team_release(team);
            err_set(err, ERR_SYSTEM, "cannot start thread %zu of %zu; ask for fewer by --threads", i + 2,
                    size);
            return NULL;
        }
    }
    return team;
}

void team_free(struct team *team) {
    if (!team)
        return;
    stop_members(team, team->size - 1);
    team_release(team);
}

size_t team_size(const struct team *team) {
    return team ? team->size : 1;
}

void team_run(struct team *team, team_job *job, void *arg) {
    if (team_size(team) == 1) {
        job(arg, 0, 1);
        return;
    }
    team->job = job;
    team->arg = arg;
    atomic_store(&team->running, team->size - 1);
    unsigned done = atomic_load(&team->done.value);
    gate_open(&team->start);
    job(arg, 0, team->size);
    gate_wait(&team->done, done, team->spin);
}

void team_barrier(struct team *team) {
    if (team_size(team) == 1)
        return;
    unsigned passed = atomic_load(&team->barrier.value);
    if (atomic_fetch_add(&team->arrived, 1) + 1 == team->size) {
        atomic_store(&team->arrived, 0);
        gate_open(&team->barrier);
    } else {
        gate_wait(&team->barrier, passed, team->spin);
    }
}
