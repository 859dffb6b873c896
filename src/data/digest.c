#include "data/digest.h"

#include <sched.h>

/* READER hashes until a helper has ASKED for it and is handed what was done so far; CLOSED ends it. */
enum digest_owner { NOBODY, READER, ASKED, HELPER, CLOSED };

static void hash_to(struct digest *d, size_t ready) {
    sha256_add(&d->sha, d->bytes + d->hashed, ready - d->hashed);
    d->hashed = ready;
}

void digest_begin(struct digest *d, const void *head, size_t len, const void *bytes) {
    sha256_init(&d->sha);
    sha256_add(&d->sha, head, len);
    d->bytes = bytes;
    d->hashed = 0;
    atomic_store(&d->owner, READER);
}

void digest_ready(struct digest *d, size_t ready) {
    atomic_store(&d->ready, ready);
    int asked = ASKED;
    if (atomic_load(&d->owner) == READER)
        hash_to(d, ready);
    else
        atomic_compare_exchange_strong(&d->owner, &asked, HELPER);
}

void digest_finish(struct digest *d, char hex[SHA256_HEX]) {
    atomic_store(&d->complete, true);
    int owner = atomic_load(&d->owner);
    while (owner != HELPER && !atomic_compare_exchange_weak(&d->owner, &owner, CLOSED))
        ;
    if (owner == HELPER) {
        while (!atomic_load(&d->done))
            sched_yield();
    } else if (owner != NOBODY) {
        hash_to(d, atomic_load(&d->ready));
    }
    if (hex)
        sha256_hex(&d->sha, hex);
}

void digest_help(struct digest *d) {
    int owner = READER;
    if (!atomic_compare_exchange_strong(&d->owner, &owner, ASKED))
        return;
    while ((owner = atomic_load(&d->owner)) == ASKED)
        sched_yield();
    if (owner != HELPER)
        return;
    for (;;) {
        bool complete = atomic_load(&d->complete); /* before the count, which then is the last one */
        size_t ready = atomic_load(&d->ready);
        if (ready > d->hashed)
            hash_to(d, ready);
        else if (complete)
            break;
        else
            sched_yield();
    }
    atomic_store(&d->done, true);
}
