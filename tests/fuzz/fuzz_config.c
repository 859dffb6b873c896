/* A config file. */
#include "fuzz.h"
#include "resolved.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct config config;
    struct config_faults faults;
    struct err err = {0};
    if (config_load(fuzz_file(0, data, size), NULL, 0, &config, &faults, &err)) {
        MUST(faults.count == 0 && err.kind == ERR_NONE);
        config_faults_release(&faults);
        resolved_check(&config);
    } else
        refused_check(&err, &faults);
    return 0;
}
