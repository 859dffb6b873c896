#include "cli/config_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/print.h"

int config_file_open(const struct arguments *a, const char *command, struct config *config) {
    struct err err = {0};
    struct config_faults faults = {0};
    if (!a->config) {
        err_set(&err, ERR_USAGE, "%s needs --config FILE", command);
        return print_failure(&err);
    }
    bool ok =
        config_load(a->config, (const char *const *)a->overrides, a->override_count, config, &faults, &err);
    int status = ok ? 0 : print_faults(&faults, &err);
    config_faults_release(&faults);
    return status;
}

int config_file_failure(const struct arguments *a, struct err *err) {
    if (err->kind == ERR_CONFIG)
        err_prefix(err, "%s", a->config);
    return print_failure(err);
}

bool config_file_spared(const struct arguments *a, const struct config *config, struct err *err) {
    bool itself = a->out && file_same(a->out, a->config);
    if (!a->out || (!itself && !config_reads(config, a->out)))
        return true;
    return err_set(err, ERR_USAGE, "--out must not replace %s %s",
                   itself ? "the config" : "a file of the config:", a->out);
}

const char *chosen_isa(const struct arguments *a) {
    if (a->isa)
        return a->isa;
    const char *wish = getenv("DLTRAIN_ISA");
    return wish && wish[0] ? wish : NULL;
}

void warn_of_obstacle(const struct arguments *a, const struct kernel *chosen) {
    const char *isa = chosen_isa(a);
    if (a->quiet || (isa && strcmp(isa, "auto") != 0))
        return;
    const char *obstacle = kernel_obstacle(chosen);
    if (!obstacle)
        return;
    struct text text = {0};
    text_addf(&text, "dltrain: warning: %s: products are made by %s, with the same bits\n", obstacle,
              chosen->name);
    print_log(&text);
    text_release(&text);
}
