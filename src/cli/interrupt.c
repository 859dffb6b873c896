#include "cli/interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

static const struct {
    int number;
    const char *name;
} signals[] = {{SIGINT, "SIGINT"}, {SIGTERM, "SIGTERM"}};

enum { SIGNALS = sizeof signals / sizeof signals[0] };

/* timeout(1) signals the process and then its group, which it is in, too: one wish, told twice within
 * microseconds. */
static const long echo_ms = 200;

static atomic_int caught;
static atomic_bool asked;
static atomic_long caught_at; /* ms */

static long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The first is noted; a later one, of either kind, kills at once. */
static void note(int number) {
    int none = 0;
    if (atomic_load(&caught) == 0)
        atomic_store(&caught_at, now_ms());
    if (atomic_compare_exchange_strong(&caught, &none, number) ||
        now_ms() - atomic_load(&caught_at) < echo_ms)
        return;
    signal(number, SIG_DFL);
    raise(number);
}

static void ask(int number) {
    (void)number;
    atomic_store(&asked, true);
}

static void handle(int number, void (*handler)(int)) {
    struct sigaction old, action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
        sigaction(number, &action, NULL);
}

void interrupt_listen(void) {
    handle(SIGUSR1, ask);
    handle(SIGHUP, SIG_IGN);
}

void interrupt_catch(void) {
    for (size_t i = 0; i < SIGNALS; i++)
        handle(signals[i].number, note);
    interrupt_listen();
}

bool interrupt_asked(void) {
    return atomic_exchange(&asked, false);
}

const char *interrupt_name(void) {
    for (size_t i = 0; i < SIGNALS; i++)
        if (atomic_load(&caught) == signals[i].number)
            return signals[i].name;
    return NULL;
}

void interrupt_die(void) {
    int number = atomic_load(&caught);
    if (number == 0)
        return;
    signal(number, SIG_DFL);
    raise(number);
}
