#include "cli/interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

static const struct {
    int number;
    const char *name;
} signals[] = {{SIGINT, "SIGINT"}, {SIGTERM, "SIGTERM"}};

enum { SIGNALS = sizeof signals / sizeof signals[0] };

static atomic_int caught;
static atomic_bool asked;

static void note(int number) {
    atomic_store(&caught, number);
}

static void ask(int number) {
    (void)number;
    atomic_store(&asked, true);
}

static void handle(int number, void (*handler)(int), int flags) {
    struct sigaction old, action = {.sa_handler = handler, .sa_flags = SA_RESTART | flags};
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
        sigaction(number, &action, NULL);
}

void interrupt_catch(void) {
    for (size_t i = 0; i < SIGNALS; i++)
        handle(signals[i].number, note, (int)SA_RESETHAND);
    handle(SIGUSR1, ask, 0);
    handle(SIGHUP, SIG_IGN, 0);
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
