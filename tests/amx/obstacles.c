/* What keeps a program from using an instruction, for tests: OBSTACLE=refused in the environment is an
 * operating system that does not allow AMX, OBSTACLE=order a processor whose instructions add up in another
 * order. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/proof.h"

bool __real_amx_refused(void);
bool __wrap_amx_refused(void);
bool __real_products_agree(const struct products *products, const struct products *reference);
bool __wrap_products_agree(const struct products *products, const struct products *reference);

static bool has(const char *obstacle) {
    const char *asked = getenv("OBSTACLE");
    return asked && strcmp(asked, obstacle) == 0;
}

bool __wrap_amx_refused(void) {
    return has("refused") || __real_amx_refused();
}

bool __wrap_products_agree(const struct products *products, const struct products *reference) {
    return !has("order") && __real_products_agree(products, reference);
}
