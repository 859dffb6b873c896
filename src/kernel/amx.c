#include "kernel/amx.h"

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Intel SDM, volume 1, "Enumeration of Intel AMX": AMX-TILE and AMX-BF16 of leaf 7. */
static bool processor_has_tiles(void) {
    enum { BF16 = 1 << 22, TILE = 1 << 24 };
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & BF16) && (d & TILE);
}

/* Linux saves the 8 KiB of a process's tiles only when it has been asked to
 * (Documentation/arch/x86/xstate.rst). */
static bool ask_for_permission(void) {
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

enum answer { UNASKED, ABSENT, REFUSED, GRANTED };

static enum answer answer(void) {
    static atomic_int known = UNASKED;
    int now = atomic_load(&known);
    if (now == UNASKED) {
        now = !processor_has_tiles() ? ABSENT : ask_for_permission() ? GRANTED : REFUSED;
        atomic_store(&known, now);
    }
    return (enum answer)now;
}

bool amx_usable(void) {
    return answer() == GRANTED;
}

bool amx_refused(void) {
    return answer() == REFUSED;
}

#else

bool amx_usable(void) {
    return false;
}

bool amx_refused(void) {
    return false;
}

#endif
