#include "kernel/kernel.h"

#include <string.h>

#include "base/names.h"
#include "kernel/tables.h"

static const struct kernel *const tables[] = {
    kernel_scalar,
#if defined(__x86_64__)
    kernel_avx2,
    kernel_avx512,
#elif defined(__aarch64__)
    kernel_neon,
#endif
};

enum { TABLES = sizeof tables / sizeof *tables };

const char *precision_name(size_t i) {
    static const char *const names[] = {[PRECISION_F32] = "f32", [PRECISION_BF16] = "bf16"};
    return i < sizeof names / sizeof *names ? names[i] : NULL;
}

const struct kernel *kernel_of(enum precision precision, size_t i) {
    return i < TABLES ? &tables[i][precision] : NULL;
}

const struct kernel *kernel_at(size_t i) {
    return kernel_of(PRECISION_F32, i);
}

static const char *table_name(size_t i) {
    return i < TABLES ? tables[i]->name : NULL;
}

static size_t best(void) {
    size_t i = TABLES - 1;
    while (i > 0 && !tables[i]->supported())
        i--;
    return i;
}

const struct kernel *kernel_find(const char *name, enum precision precision, struct err *err) {
    if (!name || strcmp(name, "auto") == 0)
        return kernel_of(precision, best());
    int i = names_find(table_name, name);
    if (i >= 0 && tables[i]->supported())
        return kernel_of(precision, (size_t)i);
    char have[128] = "auto";
    for (size_t j = 0; j < TABLES; j++) {
        if (!tables[j]->supported())
            continue;
        strncat(have, ", ", sizeof have - strlen(have) - 1);
        strncat(have, tables[j]->name, sizeof have - strlen(have) - 1);
    }
    err_set(err, ERR_USAGE, "instruction set \"%s\" is %s; choose one of %s", name,
            i >= 0 ? "not supported by this processor" : "not known to this build", have);
    return NULL;
}
