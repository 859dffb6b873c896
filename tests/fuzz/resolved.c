#include "resolved.h"

#include <string.h>

#include "fuzz.h"

void refused_check(const struct err *err, struct config_faults *faults) {
    fuzz_check_error(err, ERR_CONFIG);
    MUST(err->kind == ERR_SYSTEM || faults->count > 0);
    size_t lines = 0;
    for (const char *s = faults->lines.s; s && *s; s++)
        lines += *s == '\n';
    MUST(faults->count == 0 || lines + 1 == faults->count);
    config_faults_release(faults);
}

void resolved_check(struct config *config) {
    enum { SLOT = FUZZ_SLOTS - 1 };
    struct text first = {0}, second = {0};
    struct config again;
    struct config_faults faults;
    struct err err = {0};
    MUST(config_print(config, &first, &err));
    if (!config_load(fuzz_file(SLOT, first.s, first.len), NULL, 0, &again, &faults, &err))
        fuzz_failed(err.text, "what config_print wrote", 0);
    MUST(config_print(&again, &second, &err));
    MUST(strcmp(first.s, second.s) == 0);
    config_faults_release(&faults);
    config_release(&again);
    config_release(config);
    text_release(&first);
    text_release(&second);
}
