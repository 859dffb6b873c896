#include "run/keeper.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/mem.h"
#include "kernel/kernel.h"
#include "run/folder.h"
#include "store/checkpoint.h"

/* What is to be written. */
struct load {
    struct snapshot *snapshot; /* NULL: nothing */
    struct text metrics;
};

struct keeper {
    const struct folder *folder;
    bool threaded;
    pthread_t thread;
    pthread_mutex_t mutex; /* over all that follows */
    pthread_cond_t changed;
    struct load waiting;
    bool writing, over;
    struct err problem; /* of the first failure */
};

static void drop(struct load *load) {
    snapshot_free(load->snapshot);
    text_release(&load->metrics);
    *load = (struct load){0};
}

/* A reader of metrics.jsonl is never ahead of what a run can go on from by more than an epoch. */
static bool write_load(const struct folder *folder, const struct load *load, struct err *err) {
    char *path = folder_file(folder, CHECKPOINT_NEW, err);
    bool ok = path && checkpoint_save(path, load->snapshot, NUMERIC_CONTRACT, err) &&
              folder_rotate(folder, err) &&
              folder_write(folder, "metrics.jsonl", load->metrics.s, load->metrics.len, err);
    if (path && !ok)
        unlink(path); /* where it has not become the newest one */
    mem_free(path);
    return ok;
}

/* Locked when called and when it returns. */
static void write_waiting(struct keeper *k) {
    struct load load = k->waiting;
    struct err err = {0};
    k->waiting = (struct load){0};
    k->writing = true;
    pthread_mutex_unlock(&k->mutex);
    write_load(k->folder, &load, &err);
    drop(&load);
    pthread_mutex_lock(&k->mutex);
    k->writing = false;
    if (k->problem.kind == ERR_NONE)
        k->problem = err;
    pthread_cond_broadcast(&k->changed);
}

static void *keep(void *arg) {
    struct keeper *k = arg;
    pthread_mutex_lock(&k->mutex);
    while (!k->over) {
        if (k->waiting.snapshot)
            write_waiting(k);
        else
            pthread_cond_wait(&k->changed, &k->mutex);
    }
    pthread_mutex_unlock(&k->mutex);
    return NULL;
}

/* Signals are for the thread that trains. */
static bool start(struct keeper *k) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = pthread_create(&k->thread, NULL, keep, k) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

struct keeper *keeper_create(const struct folder *folder, struct err *err) {
    struct keeper *k = mem_alloc(1, sizeof *k, "the keeper of checkpoints", err);
    if (!k)
        return NULL;
    k->folder = folder;
    pthread_mutex_init(&k->mutex, NULL);
    pthread_cond_init(&k->changed, NULL);
    k->threaded = start(k);
    return k;
}

void keeper_free(struct keeper *k) {
    if (!k)
        return;
    pthread_mutex_lock(&k->mutex);
    k->over = true;
    pthread_cond_broadcast(&k->changed);
    pthread_mutex_unlock(&k->mutex);
    if (k->threaded)
        pthread_join(k->thread, NULL);
    drop(&k->waiting);
    pthread_cond_destroy(&k->changed);
    pthread_mutex_destroy(&k->mutex);
    mem_free(k);
}

/* Locked. */
static bool well(const struct keeper *k, struct err *err) {
    if (k->problem.kind != ERR_NONE)
        *err = k->problem;
    return k->problem.kind == ERR_NONE;
}

bool keeper_hand(struct keeper *k, struct snapshot *snapshot, const struct text *metrics, struct err *err) {
    struct load load = {.snapshot = snapshot};
    text_add_bytes(&load.metrics, metrics->s ? metrics->s : "", metrics->len);
    if (!text_ok(&load.metrics, err)) {
        drop(&load);
        return false;
    }
    pthread_mutex_lock(&k->mutex);
    drop(&k->waiting);
    k->waiting = load;
    if (!k->threaded)
        write_waiting(k);
    bool ok = well(k, err);
    pthread_cond_broadcast(&k->changed);
    pthread_mutex_unlock(&k->mutex);
    return ok;
}

bool keeper_wait(struct keeper *k, struct err *err) {
    pthread_mutex_lock(&k->mutex);
    while (k->waiting.snapshot || k->writing)
        pthread_cond_wait(&k->changed, &k->mutex);
    bool ok = well(k, err);
    pthread_mutex_unlock(&k->mutex);
    return ok;
}

bool keeper_idle(struct keeper *k, bool *idle, struct err *err) {
    pthread_mutex_lock(&k->mutex);
    *idle = !k->waiting.snapshot && !k->writing;
    bool ok = well(k, err);
    pthread_mutex_unlock(&k->mutex);
    return ok;
}
