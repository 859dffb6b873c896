#include "kernel/kernel.h"

#include <assert.h>
#include <string.h>

#include "kernel/tables.h"

/* By precision, best last, then NULL. */
#define TABLES_OF(precision) &kernel_scalar[precision], SETS(precision)
#if defined(__x86_64__)
#define SETS(precision) &kernel_avx2[precision], &kernel_avx512[precision]
#elif defined(__aarch64__)
#define SETS(precision) &kernel_neon[precision]
#else
#define SETS(precision) NULL
#endif

enum { PRECISIONS = PRECISION_BF16 + 1, MOST_TABLES = 6 };

static const struct kernel *const tables[PRECISIONS][MOST_TABLES + 1] = {
    [PRECISION_F32] = {TABLES_OF(PRECISION_F32)},
    [PRECISION_BF16] = {TABLES_OF(PRECISION_BF16),
#if defined(__x86_64__) && !REAL_IS_DOUBLE
                        &kernel_avx512_bf16, &kernel_amx
#endif
    },
};

const char *precision_name(size_t i) {
    static const char *const names[] = {[PRECISION_F32] = "f32", [PRECISION_BF16] = "bf16"};
    return i < sizeof names / sizeof *names ? names[i] : NULL;
}

const struct kernel *kernel_of(enum precision precision, size_t i) {
    return i < MOST_TABLES ? tables[precision][i] : NULL;
}

const struct kernel *kernel_at(size_t i) {
    return kernel_of(PRECISION_F32, i);
}

/* The table called name, or NULL. In double precision no instruction multiplies in bfloat16: such a set
 * stands for the one that it goes with. */
static const struct kernel *named(enum precision precision, const char *name) {
    if (REAL_IS_DOUBLE && (strcmp(name, "avx512_bf16") == 0 || strcmp(name, "amx") == 0))
        name = "avx512";
    for (size_t i = 0; kernel_of(precision, i); i++)
        if (strcmp(kernel_of(precision, i)->name, name) == 0)
            return kernel_of(precision, i);
    return NULL;
}

/* From the best one down: what is not needed is not proved, nor asked for. */
static const struct kernel *best(enum precision precision) {
    size_t i = 0;
    while (kernel_of(precision, i + 1))
        i++;
    while (i > 0 && !kernel_of(precision, i)->supported())
        i--;
    return kernel_of(precision, i);
}

static const char *obstacle_of(const struct kernel *k) {
    return k->obstacle ? k->obstacle() : NULL;
}

/* What is wrong with asking for a table that is not there or not supported. */
static void say_unfit(const char *name, enum precision precision, const struct kernel *found,
                      struct err *err) {
    char have[128] = "auto";
    for (size_t i = 0; kernel_of(precision, i); i++) {
        if (!kernel_of(precision, i)->supported())
            continue;
        strncat(have, ", ", sizeof have - strlen(have) - 1);
        strncat(have, kernel_of(precision, i)->name, sizeof have - strlen(have) - 1);
    }
    const char *fault = found ? "not supported by this processor" : "not known to this build";
    const char *obstacle = found ? obstacle_of(found) : NULL;
    if (!found && named(PRECISION_BF16, name))
        fault = "for precision bf16 alone";
    if (obstacle)
        err_set(err, ERR_USAGE, "instruction set \"%s\": %s; choose one of %s", name, obstacle, have);
    else
        err_set(err, ERR_USAGE, "instruction set \"%s\" is %s; choose one of %s", name, fault, have);
}

const struct kernel *kernel_find(const char *name, enum precision precision, struct err *err) {
    if (!name || strcmp(name, "auto") == 0)
        return best(precision);
    const struct kernel *found = named(precision, name);
    if (found && found->supported())
        return found;
    say_unfit(name, precision, found, err);
    return NULL;
}

const char *kernel_obstacle(const struct kernel *chosen) {
    size_t i = 0;
    while (kernel_of(chosen->precision, i) && kernel_of(chosen->precision, i) != chosen)
        i++;
    assert(kernel_of(chosen->precision, i));
    const char *last = NULL;
    while (kernel_of(chosen->precision, ++i)) {
        const char *obstacle = obstacle_of(kernel_of(chosen->precision, i));
        last = obstacle ? obstacle : last;
    }
    return last;
}

bool kernel_known(const char *name, struct err *err) {
    struct err ignored = {0};
    if (!name || strcmp(name, "auto") == 0)
        return true;
    return kernel_find(name, PRECISION_F32, &ignored) || kernel_find(name, PRECISION_BF16, err);
}
