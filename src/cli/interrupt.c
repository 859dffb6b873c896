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

static void note(int number) {
    atomic_store(&caught, number);
}

void interrupt_catch(void) {
    for (size_t i = 0; i < SIGNALS; i++) {
        struct sigaction old, action = {.sa_handler = note, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
        sigemptyset(&action.sa_mask);
        if (sigaction(signals[i].number, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i].number, &action, NULL);
    }
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
