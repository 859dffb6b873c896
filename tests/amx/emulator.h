/* Intel AMX (tiles, products in bfloat16) emulated on Linux on x86-64 with AVX2 and FMA, for tests on
 * processors that have none. Linking emulator.o into a program is enough: before main it installs a handler
 * of SIGILL that carries out the instructions on tiles of the thread. Where the processor has them and the
 * process may use them, it does nothing.
 *
 * What the processor refuses by an exception ends the program here: one line that begins with "amx emulator:
 * " and an abort. Instructions that are not of this family do what they did before. A handler of SIGILL that
 * the program installs by signal() is called for those; one that it installs by sigaction() takes the
 * emulator's place. */
#ifndef TESTS_AMX_EMULATOR_H
#define TESTS_AMX_EMULATOR_H

#include <stdbool.h>

/* Of the whole process. */
struct amx_counts {
    unsigned long configs;  /* LDTILECFG of a palette */
    unsigned long releases; /* TILERELEASE, or LDTILECFG of palette 0 */
    unsigned long loads;    /* TILELOADD and TILELOADDT1 */
    unsigned long stores;   /* TILESTORED */
    unsigned long products; /* TDPBF16PS */
    unsigned long live;     /* threads that hold a configuration, those that ended so among them */
};

/* Whether this process has its instructions from here. */
bool amx_emulated(void);

struct amx_counts amx_counts_now(void);

/* Stands in for the engine's amx_usable() where the program is linked with --wrap=amx_usable: emulated is
 * usable. */
bool __wrap_amx_usable(void);

#endif
